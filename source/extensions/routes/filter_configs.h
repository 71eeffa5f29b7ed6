// From typed_per_filter_config to FilterConfigs: what one level of the route configuration says about the filters of
// the chain. Called at load on the main thread.
#pragma once

#include "source/extensions/routes/compile_routes.h"

namespace google::protobuf {
class Any;
template <typename Key, typename T>
class Map;
class Message;
}  // namespace google::protobuf

namespace weir::extensions {

using FilterConfigMap = google::protobuf::Map<std::string, google::protobuf::Any>;

// `path` is that of the message that has the map. Leaves out what has an error. A name that no filter of the chain has
// is an error, unless its FilterConfig says is_optional.
proxy::FilterConfigs compileFilterConfigs(const FilterConfigMap& map, const RouteContext& context,
                                          const base::FieldPath& path);

// Gives `message` (of that filter's per-route type, or the route API's older CorsPolicy) to the filter whose per-route
// type is `route_type`, where the chain has one and `configs` says nothing about it yet.
void addFilterConfig(std::string_view route_type, const google::protobuf::Message& message,
                     proxy::FilterConfigs& configs, const RouteContext& context, const base::FieldPath& path);

}  // namespace weir::extensions
