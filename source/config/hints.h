// The wording of errors about names that do not exist: an unknown field, enum value or type. Each says what is known
// about the name (part of the xDS API but not of weir, or unknown), the nearest name, and what is allowed where that
// is a short list. Pure functions over descriptors; called only once an error is certain.
#pragma once

#include <string>
#include <string_view>

#include "source/config/known/known_xds.h"

namespace google::protobuf {
class Descriptor;
class EnumDescriptor;
class FieldDescriptor;
}  // namespace google::protobuf

namespace weir::config {

// "unknown field 'prot_value'; did you mean 'port_value'?"
std::string unknownField(const google::protobuf::Descriptor& message, std::string_view name, const KnownXds& known);

// "unknown value 'ROUND_ROBBIN'; did you mean 'ROUND_ROBIN'? allowed: ..."
std::string unknownEnumValue(const google::protobuf::EnumDescriptor& type, std::string_view name);

// `full_name` is what follows the last slash of the type URL.
std::string unknownType(std::string_view full_name, const KnownXds& known);

// "deprecated; use 'x' instead", as far as a replacement is known.
std::string deprecatedField(const google::protobuf::FieldDescriptor& field);

// The names of an enum, separated by commas.
std::string enumNames(const google::protobuf::EnumDescriptor& type);

}  // namespace weir::config
