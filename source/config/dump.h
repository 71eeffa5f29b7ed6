// toYaml and toJson: a message as text for people, in the same form that configuration files have: field names in
// snake_case, an Any spelt out with "@type", durations as "0.25s", wrappers bare. Fields come in the order of their
// numbers and map keys sorted, so that equal messages give equal text. Pure functions; any thread.
#pragma once

#include <string>

namespace google::protobuf {
class Message;
}

namespace weir::config {

// Block YAML that the loader reads back to an equal message; "{}\n" for an empty one. An Any whose type is not linked
// cannot be spelt out and appears as its type alone.
std::string toYaml(const google::protobuf::Message& message);

// One JSON object, indented; "{}" with the reason as "error" when an Any holds what cannot be printed.
std::string toJson(const google::protobuf::Message& message);

}  // namespace weir::config
