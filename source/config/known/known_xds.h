#pragma once

// What the xDS v3 API contains, whether weir has it or not: the names of its messages, their fields, and which messages
// stand in an Any. The loader asks it only while it words an error, to tell "known xDS field, not implemented by weir"
// from "unknown field"; nothing is parsed or built at start.
//
// A KnownXds is a view of a table: lines `message TAB mark TAB field,field,...`, sorted by message, fields in order of
// their numbers, the mark `*` for an extension. A message without fields either has none or they are not recorded. The
// table of the program is embedded in it; another one, given by the caller, must outlive the KnownXds and every view it
// returns. Copies are cheap. It is const and safe from any thread; it never fails and never allocates but for the lists
// it returns.

#include <string_view>
#include <vector>

namespace weir::config {

class KnownXds {
 public:
  // The table of the xDS v3 API.
  KnownXds();
  // `table` in the form above.
  explicit KnownXds(std::string_view table) : table_(table) {}

  // Whether the API has a message of this full name, such as `envoy.config.route.v3.Route`.
  bool message(std::string_view full_name) const;

  // Whether `name`, as the API writes it (snake_case) or as JSON does (camelCase), is a field of the message.
  bool field(std::string_view message, std::string_view name) const;

  // Whether the full name is that of a message which configurations put into an Any, without a type URL's host.
  bool extension(std::string_view full_type) const;

  // The fields of a message in snake_case; empty when the message is not known or has none.
  std::vector<std::string_view> fieldsOf(std::string_view message) const;

  // All extensions, sorted: what a misspelt type is compared with.
  std::vector<std::string_view> extensions() const;

 private:
  std::string_view table_;
};

}  // namespace weir::config
