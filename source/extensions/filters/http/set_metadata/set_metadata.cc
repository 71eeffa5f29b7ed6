#include "source/extensions/filters/http/set_metadata/set_metadata.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "envoy/extensions/filters/http/set_metadata/v3/set_metadata.pb.h"
#include "source/extensions/messages/metadata.h"
#include "source/filter/dynamic_metadata.h"
#include "source/stats/stats.h"

namespace weir::extensions::set_metadata {
namespace {

namespace api = envoy::extensions::filters::http::set_metadata::v3;

struct Entry {
  std::string name_space;
  base::Metadata value;
  bool overwrite = false;
};

struct Config {
  std::vector<Entry> entries;
  stats::CounterId overwrite_denied;
};

class SetMetadataFilter final : public filter::HttpFilter {
 public:
  SetMetadataFilter(const Config& config, const net::WorkerContext& worker) : config_(config), worker_(worker) {}

  filter::Verdict onRequestHead(http::Head&) override {
    if (config_.entries.empty()) return filter::Verdict::next();
    base::Metadata& noted = filter::writableMetadata(host());
    for (const Entry& entry : config_.entries) {
      if (noted.find(entry.name_space) == nullptr) {
        noted.field(entry.name_space) = entry.value;
      } else if (entry.overwrite) {
        noted.field(entry.name_space).merge(entry.value);
      } else {
        worker_.stats.add(config_.overwrite_denied);
      }
    }
    return filter::Verdict::next();
  }

 private:
  const Config& config_;
  const net::WorkerContext& worker_;
};

std::unique_ptr<filter::HttpFilterFactory> make(const google::protobuf::Message& message,
                                                const filter::FactoryContext& context) {
  const size_t errors = context.diagnostics.errors();
  const auto& configured = static_cast<const api::Config&>(message);
  auto config = std::make_unique<Config>();
  if (configured.has_value() && configured.metadata_namespace().empty()) {
    context.diagnostics.error(context.path.at("metadata_namespace"), "empty beside a value; allowed: a name");
  }
  if (configured.has_value()) {
    config->entries.push_back({configured.metadata_namespace(), metadataStruct(configured.value()), true});
  } else if (!configured.metadata_namespace().empty()) {
    context.diagnostics.warning(context.path.at("metadata_namespace"), "has no effect without value");
  }
  for (int i = 0; i < configured.metadata_size(); ++i) {
    const api::Metadata& entry = configured.metadata(i);
    if (entry.has_value()) {
      config->entries.push_back({entry.metadata_namespace(), metadataStruct(entry.value()), entry.allow_overwrite()});
    } else {
      context.diagnostics.error(context.path.at("metadata", static_cast<size_t>(i)),
                                "notes nothing; value is needed, an object with what is to be noted");
    }
  }
  config->overwrite_denied =
      context.stats.counter({"http", std::string(context.stat_prefix), "set_metadata.overwrite_denied"});
  if (context.diagnostics.errors() > errors) return nullptr;
  return filter::factoryOf<SetMetadataFilter>(std::move(config));
}

}  // namespace

filter::HttpFilterType setMetadataType() {
  filter::HttpFilterType type;
  type.config_type = api::Config::descriptor()->full_name();
  type.usual_name = "envoy.filters.http.set_metadata";
  type.make = make;
  return type;
}

}  // namespace weir::extensions::set_metadata
