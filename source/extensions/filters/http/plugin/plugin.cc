#include "source/extensions/filters/http/plugin/plugin.h"

#include <utility>

#include "source/extensions/filters/http/plugin/plugin_filter.h"
#include "source/extensions/filters/http/plugin/route_config.h"
#include "source/extensions/plugins/spec.h"
#include "weir/extensions/filters/http/plugin/v1/plugin.pb.h"

namespace weir::extensions::plugin_filter {
namespace {

namespace api = ::weir::extensions::filters::http::plugin::v1;

constexpr size_t kMaxBodyBytes = 1 << 20;

// The hooks of a plugin whose file may change are not known: the next version may have others.
filter::HookMask hooksOfTable(const plugins::Plugin& plugin) {
  filter::HookMask mask;
  mask.bits = filter::HookMask::kRequestHead | filter::HookMask::kComplete;
  const weir_http_filter& table = *plugin.module().http();
  const auto note = [&](bool there, uint16_t hook) {
    if (there || plugin.watched()) mask.bits = static_cast<uint16_t>(mask.bits | hook);
  };
  note(table.request_data != nullptr, filter::HookMask::kRequestData);
  note(table.request_end != nullptr, filter::HookMask::kRequestEnd);
  note(table.request_whole != nullptr, filter::HookMask::kRequestWhole);
  // A filter that failed in between answers at the next head.
  note(true, filter::HookMask::kResponseHead);
  note(table.response_data != nullptr, filter::HookMask::kResponseData);
  note(table.response_end != nullptr, filter::HookMask::kResponseEnd);
  note(table.response_whole != nullptr, filter::HookMask::kResponseWhole);
  return mask;
}

class Factory final : public filter::HttpFilterFactory {
 public:
  Factory(std::shared_ptr<plugins::Plugin> plugin, size_t max_body_bytes)
      : plugin_(std::move(plugin)), max_body_bytes_(max_body_bytes), hooks_(hooksOfTable(*plugin_)) {}

  filter::HttpFilter* create(base::Arena& arena, const net::WorkerContext& worker) const override {
    return arena.make<PluginFilter>(*plugin_, worker, arena, max_body_bytes_);
  }
  filter::HookMask hooks() const override { return hooks_; }
  plugins::Plugin& plugin() const { return *plugin_; }

 private:
  const std::shared_ptr<plugins::Plugin> plugin_;
  const size_t max_body_bytes_;
  const filter::HookMask hooks_;
};

// Stands for a filter that is not loaded, where files are not opened.
class UnloadedFactory final : public filter::HttpFilterFactory {
 public:
  filter::HttpFilter* create(base::Arena& arena, const net::WorkerContext&) const override {
    return arena.make<filter::HttpFilter>();
  }
  filter::HookMask hooks() const override { return {}; }
};

std::unique_ptr<filter::HttpFilterFactory> make(plugins::Catalogue& catalogue, const google::protobuf::Message& message,
                                                const filter::FactoryContext& context) {
  const auto& configured = static_cast<const api::Plugin&>(message);
  if (context.schema_only) return std::make_unique<UnloadedFactory>();
  const size_t max_body_bytes = configured.has_max_body_bytes() ? configured.max_body_bytes().value() : kMaxBodyBytes;
  auto plugin = catalogue.make(plugins::specOf(configured), context.stats, context.diagnostics, context.path);
  if (plugin == nullptr) return nullptr;
  return std::make_unique<Factory>(std::move(plugin), max_body_bytes);
}

std::unique_ptr<filter::RouteFilterConfig> makeRouteConfig(const google::protobuf::Message& message,
                                                           const filter::FactoryContext& context) {
  const auto& configured = static_cast<const api::PluginPerRoute&>(message);
  const auto* const factory = dynamic_cast<const Factory*>(context.filter);
  // Not loaded, or refused before: then there is nothing that could read it.
  if (factory == nullptr) return nullptr;
  auto config = std::make_unique<RouteConfig>();
  const base::FieldPath path = context.path.at("configuration");
  config->route = factory->plugin().makeRoute(configured.configuration(), context.diagnostics, path);
  if (config->route == nullptr) return nullptr;
  if (configured.has_max_body_bytes()) config->max_body_bytes = configured.max_body_bytes().value();
  return config;
}

}  // namespace

filter::HttpFilterType pluginType(plugins::Catalogue& catalogue) {
  filter::HttpFilterType type;
  type.config_type = api::Plugin::descriptor()->full_name();
  type.route_config_type = api::PluginPerRoute::descriptor()->full_name();
  type.usual_name = "weir.filters.http.plugin";
  type.make = [&catalogue](const google::protobuf::Message& message, const filter::FactoryContext& context) {
    return make(catalogue, message, context);
  };
  type.make_route_config = makeRouteConfig;
  return type;
}

}  // namespace weir::extensions::plugin_filter
