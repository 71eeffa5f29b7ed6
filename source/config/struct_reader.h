// toStruct: a Value tree as google.protobuf.Value, by the rules that xDS files are read with elsewhere: booleans and
// whole numbers within 32 bits keep their kind, every other unquoted scalar becomes a string. Total: it cannot fail.
#pragma once

#include "source/config/value.h"

namespace google::protobuf {
class Value;
}

namespace weir::config {

void toStruct(const Value& value, google::protobuf::Value& out);

}  // namespace weir::config
