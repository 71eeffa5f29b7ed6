#include "source/extensions/routes/filter_configs.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/map.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "envoy/config/route/v3/route.pb.h"
#include "source/base/strings.h"
#include "source/extensions/messages/unpack_any.h"

namespace weir::extensions {

namespace {

using google::protobuf::Any;
using google::protobuf::Message;

std::string slotNames(const filter::HttpChainConfig& chain) {
  std::vector<std::string> names;
  for (size_t i = 0; i < chain.size(); ++i) names.push_back(chain.slot(i).name);
  return names.empty() ? std::string("none, the chain has only the router") : absl::StrJoin(names, ", ");
}

proxy::FilterConfigs::Entry& entryAt(proxy::FilterConfigs& configs, size_t slot, size_t slots) {
  if (configs.by_slot.empty()) configs.by_slot.resize(slots);
  return configs.by_slot[slot];
}

// The per-route configuration in `any` for the filter of `slot`; null after an error.
std::unique_ptr<filter::RouteFilterConfig> compileOne(const Any& any, size_t slot, const RouteContext& context,
                                                      const base::FieldPath& path) {
  const filter::HttpFilterType& type = *context.slot_types[slot];
  const std::string_view seen = anyType(any);
  if (type.route_config_type.empty() || seen != type.route_config_type) {
    context.diagnostics.error(
        path, absl::StrCat("the filter '", context.chain.slot(slot).name, "' takes no ", base::av(seen),
                           " for a route; allowed: ",
                           type.route_config_type.empty() ? "" : absl::StrCat(type.route_config_type, " or "),
                           "envoy.config.route.v3.FilterConfig"));
    return nullptr;
  }
  const std::unique_ptr<Message> message = unpackAny(any, context.diagnostics, path);
  if (message == nullptr) return nullptr;
  return type.make_route_config(
      *message,
      filter::FactoryContext{context.stats, context.diagnostics, path, context.stat_prefix, context.clock,
                             &context.cluster_problem, context.schema_only, context.chain.slot(slot).factory.get()});
}

void compileEntry(const std::string& name, const Any& any, const RouteContext& context, const base::FieldPath& path,
                  proxy::FilterConfigs& configs) {
  envoy::config::route::v3::FilterConfig wrapper;
  const bool wrapped = anyType(any) == "envoy.config.route.v3.FilterConfig";
  if (wrapped && !wrapper.ParseFromString(any.value())) {
    context.diagnostics.error(path, "the bytes are not an envoy.config.route.v3.FilterConfig");
    return;
  }
  const size_t slot = context.chain.find(name);
  if (slot == filter::HttpChainConfig::npos) {
    if (wrapped && wrapper.is_optional()) return;
    context.diagnostics.error(
        path, absl::StrCat("no filter of the chain is named '", name, "'; allowed: ", slotNames(context.chain)));
    return;
  }
  if (wrapped && wrapper.is_optional() && wrapper.has_config() && !isKnownType(wrapper.config()))
    return;  // the reader has warned of it
  proxy::FilterConfigs::Entry& entry = entryAt(configs, slot, context.chain.size());
  if (!wrapped) {
    entry.config = compileOne(any, slot, context, path);
    return;
  }
  if (wrapper.disabled()) {
    entry.disabled = true;
  } else if (wrapper.has_config()) {
    entry.config = compileOne(wrapper.config(), slot, context, path.at("config"));
    entry.disabled = false;
  } else {
    context.diagnostics.error(path, "a FilterConfig that says nothing; allowed: config or disabled");
  }
}

}  // namespace

proxy::FilterConfigs compileFilterConfigs(const FilterConfigMap& map, const RouteContext& context,
                                          const base::FieldPath& path) {
  proxy::FilterConfigs configs;
  const base::FieldPath field = path.at("typed_per_filter_config");
  for (const auto& [name, any] : map) compileEntry(name, any, context, field.key(name), configs);
  return configs;
}

void addFilterConfig(std::string_view route_type, const Message& message, proxy::FilterConfigs& configs,
                     const RouteContext& context, const base::FieldPath& path) {
  for (size_t slot = 0; slot < context.slot_types.size(); ++slot) {
    const filter::HttpFilterType& type = *context.slot_types[slot];
    if (type.route_config_type != route_type) continue;
    proxy::FilterConfigs::Entry& entry = entryAt(configs, slot, context.chain.size());
    if (entry.config != nullptr || entry.disabled) return;
    entry.config = type.make_route_config(
        message,
        filter::FactoryContext{context.stats, context.diagnostics, path, context.stat_prefix, context.clock,
                               &context.cluster_problem, context.schema_only, context.chain.slot(slot).factory.get()});
    return;
  }
}

}  // namespace weir::extensions
