// Metadata: a value noted about something for others to read: null, a bool, a number, a text, a list, or a struct of
// values by name. What the configuration notes about a listener, cluster, virtual host or route is a struct of
// namespaces, filled at load, then const and shared by workers; what filters note about a stream is another, which
// belongs to that stream.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::base {

class Metadata {
 public:
  enum class Kind : uint8_t { kNull, kBool, kNumber, kString, kList, kStruct };
  using Fields = std::vector<std::pair<std::string, Metadata>>;

  Metadata() = default;  // null
  explicit Metadata(std::string text) : kind_(Kind::kString), text_(std::move(text)) {}
  static Metadata boolean(bool value);
  static Metadata number(double value);
  static Metadata list(std::vector<Metadata> items);
  static Metadata structure();

  Kind kind() const { return kind_; }
  bool isStruct() const { return kind_ == Kind::kStruct; }
  // Each of its kind only; what stands there for another kind means nothing.
  bool boolean() const { return number_ != 0; }
  double number() const { return number_; }
  const std::string& text() const { return text_; }
  const std::vector<Metadata>& items() const { return items_; }
  const Fields& fields() const { return fields_; }  // in the order of their names

  // Null where a struct has no such field, and for what is no struct. Lives until this is changed.
  const Metadata* find(std::string_view name) const;
  // The same through structs inside structs: "namespace:key", and further keys. Names with a colon are not found.
  const Metadata* findPath(std::string_view path) const;
  // The field of that name, null when it is new; what was no struct becomes an empty one.
  Metadata& field(std::string_view name);
  // Takes over what `other` has: structs field by field, lists behind one another; anything else is replaced.
  void merge(const Metadata& other);

  friend bool operator==(const Metadata&, const Metadata&) = default;

 private:
  Kind kind_ = Kind::kNull;
  double number_ = 0;
  std::string text_;
  std::vector<Metadata> items_;
  Fields fields_;
};

}  // namespace weir::base
