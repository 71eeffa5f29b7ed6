// From a google.protobuf.Any to the message it holds. Called at load on the main thread; the loader has resolved every
// type already, so that what fails here came from protobuf input and not from text.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "source/base/diagnostics.h"

namespace google::protobuf {
class Any;
class Message;
}  // namespace google::protobuf

namespace weir::extensions {

// "envoy.config.route.v3.Route" of "type.googleapis.com/envoy.config.route.v3.Route".
std::string_view anyType(const google::protobuf::Any& any);

// Whether weir has messages of that type. The loader leaves others only in what calls itself optional.
bool isKnownType(const google::protobuf::Any& any);

// Null after an error was reported: a type that weir does not know, or bytes that do not parse.
std::unique_ptr<google::protobuf::Message> unpackAny(const google::protobuf::Any& any, base::Diagnostics& diagnostics,
                                                     const base::FieldPath& path);

}  // namespace weir::extensions
