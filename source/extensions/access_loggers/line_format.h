// LineFormat: what one access log line looks like: text with command operators, or one JSON object whose string values
// hold them. Compiled at load from a SubstitutionFormatString or a Struct, immutable, shared by workers. A line always
// ends with exactly the newline it needs: text that does not end with one gets one.
//
// A JSON object is compiled to pieces: literal text ({"a": and the like) and formats whose value is written in place.
// Keys are in ascending order, as a Struct has no order of its own. With omit_empty_values a key whose value is not
// known is left out, else it is null.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/diagnostics.h"
#include "source/filter/stream_info.h"
#include "source/filter/substitution_format.h"

namespace google::protobuf {
class Struct;
}
namespace envoy::config::core::v3 {
class SubstitutionFormatString;
}

namespace weir::extensions {

// The format of a log that names none.
extern const std::string_view kDefaultLogFormat;

class LineFormat {
 public:
  // Each gives null after an error was reported under `path`, which is that of the field.
  static std::unique_ptr<const LineFormat> text(std::string_view format, bool omit_empty_values,
                                                base::Diagnostics& diagnostics, const base::FieldPath& path);
  static std::unique_ptr<const LineFormat> json(const google::protobuf::Struct& object, bool omit_empty_values,
                                                base::Diagnostics& diagnostics, const base::FieldPath& path);
  static std::unique_ptr<const LineFormat> compile(const envoy::config::core::v3::SubstitutionFormatString& message,
                                                   bool schema_only, base::Diagnostics& diagnostics,
                                                   const base::FieldPath& path);
  ~LineFormat();

  // Adds the filters whose times are written.
  void wantFilterTimes(filter::FilterTimesWanted& wanted) const;
  // Appends one line to `out`.
  void append(const filter::StreamInfo& info, std::string& out) const;

 private:
  friend class JsonCompiler;
  struct Piece {
    enum class Kind { kLiteral, kValue, kOpen, kClose };
    Kind kind = Kind::kLiteral;
    std::string literal;  // of kLiteral: a whole value; of kOpen and kClose: the bracket
    std::string key;      // `"name":`, or empty inside a list
    std::shared_ptr<const filter::SubstitutionFormat> format;  // of kValue
  };

  LineFormat();
  void appendJson(const filter::StreamInfo& info, std::string& out) const;

  std::unique_ptr<const filter::SubstitutionFormat> text_;  // null for JSON
  bool omit_empty_ = false;
  std::vector<Piece> pieces_;
};

}  // namespace weir::extensions
