// SubstitutionFormat: text with command operators, as access logs and header values use it
// ("%REQ(:METHOD)% %RESPONSE_CODE%\n"), compiled at load into segments (law 16). Immutable, shared by workers.
// A value that is not known is "-" in logs; header edits treat it as absent. Appending allocates only in the given
// string, which callers keep and reuse.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "source/filter/filter_times.h"
#include "source/filter/stream_info.h"

namespace weir::filter {

class SubstitutionFormat {
 public:
  // Text format. The error names the operator and its offset, and lists the known operators.
  static absl::StatusOr<std::unique_ptr<const SubstitutionFormat>> parse(std::string_view format,
                                                                         bool omit_empty_values);
  ~SubstitutionFormat();

  // Appends the text to `out`.
  void append(const StreamInfo& info, std::string& out) const;
  // True when there is no operator in it; the text is then always the same.
  bool isPlain() const;
  // Adds the filters whose times are written.
  void wantFilterTimes(FilterTimesWanted& wanted) const;
  // For formats of one operator, as JSON logs have them: numbers and booleans keep their type. Appends a JSON value.
  void appendJson(const StreamInfo& info, std::string& out) const;

 private:
  struct Segment;
  SubstitutionFormat();
  std::vector<Segment> segments_;
  bool omit_empty_ = false;
};

}  // namespace weir::filter
