// From the Metadata messages of the xDS API to what subset load balancing compares, and to what logs show. Called at
// load on the main thread; hosts and routes are compiled by the same function, so that equal values are written
// equally.
#pragma once

#include <memory>
#include <string>

#include "source/base/metadata.h"
#include "source/upstream/lb/subset_index.h"

namespace envoy::config::core::v3 {
class Metadata;
}
namespace google::protobuf {
class Struct;
class Value;
}  // namespace google::protobuf

namespace weir::extensions {

// The pairs of it, in the order of their keys.
upstream::lb::Metadata metadataPairs(const google::protobuf::Struct& message);
// Those under "envoy.lb".
upstream::lb::Metadata lbMetadata(const envoy::config::core::v3::Metadata& message);
// Those under "envoy.transport_socket_match"; null where there are none.
std::shared_ptr<const upstream::lb::Metadata> transportNotes(const envoy::config::core::v3::Metadata& message);
// One value as JSON without spaces, objects in the order of their keys: "\"v1\"", "2", "true", "[1,2]".
std::string lbMetadataValue(const google::protobuf::Value& value);
// The same as values: of one, of a struct, and of all namespaces, null for none.
base::Metadata metadataValue(const google::protobuf::Value& message);
base::Metadata metadataStruct(const google::protobuf::Struct& message);
std::shared_ptr<const base::Metadata> compileMetadata(const envoy::config::core::v3::Metadata& message);

}  // namespace weir::extensions
