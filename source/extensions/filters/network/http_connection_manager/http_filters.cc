#include "source/extensions/filters/network/http_connection_manager/http_filters.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/base/check.h"
#include "source/base/strings.h"
#include "source/extensions/messages/unpack_any.h"

namespace weir::extensions::http_connection_manager {
namespace {

using envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
using HttpFilterMessage = envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter;
using google::protobuf::Message;

// Holds the place of a filter whose configuration has an error.
class RefusedFilter final : public filter::HttpFilterFactory {
 public:
  filter::HttpFilter* create(base::Arena&, const net::WorkerContext&) const override {
    CHECK(false, "a configuration with errors is not used");
    return nullptr;
  }
  filter::HookMask hooks() const override { return {}; }
};

// These are so often written by name alone that files without typed_config are taken.
constexpr std::string_view kByNameAlone[] = {"envoy.filters.http.router", "envoy.filters.http.cors",
                                             "envoy.filters.http.grpc_web"};

const filter::HttpFilterType* typeByName(const filter::HttpFilterRegistry& registry, std::string_view name) {
  bool listed = false;
  for (const std::string_view known : kByNameAlone) listed = listed || known == name;
  if (!listed) return nullptr;
  for (const std::string& config_type : registry.configTypes()) {
    const filter::HttpFilterType* const type = registry.byConfigType(config_type);
    if (type->usual_name == name) return type;
  }
  return nullptr;
}

std::unique_ptr<Message> emptyMessage(const std::string& full_name) {
  const auto* const descriptor = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(full_name);
  CHECK(descriptor != nullptr, "the message of a registered filter is linked in");
  return std::unique_ptr<Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
}

struct Entry {
  const filter::HttpFilterType* type = nullptr;  // null after an error, or to be left out
  std::unique_ptr<Message> config;
};

class Compiler {
 public:
  Compiler(const HttpConnectionManager& message, const proxy::SessionContext& context)
      : message_(message), context_(context) {}

  HttpFilters run() {
    const int count = message_.http_filters_size();
    if (count == 0) {
      error(context_.path.at("http_filters"),
            "no filter; allowed: a list whose last filter is envoy.filters.http.router");
    }
    for (int i = 0; i < count; ++i) add(i, i + 1 == count);
    HttpFilters result;
    result.chain = std::make_unique<filter::HttpChainConfig>(std::move(slots_));
    result.slot_types = std::move(slot_types_);
    result.terminal = std::move(terminal_);
    return result;
  }

 private:
  void error(const base::FieldPath& path, std::string text) { context_.diagnostics.error(path, std::move(text)); }

  void add(int index, bool last) {
    const HttpFilterMessage& filter = message_.http_filters(index);
    const base::FieldPath path = context_.path.at("http_filters", static_cast<size_t>(index));
    Entry entry = resolve(filter, path);
    if (entry.type == nullptr) return;
    if (entry.type->terminal) return addTerminal(filter, path, last, std::move(entry));
    if (last) {
      error(path, absl::StrCat("the last filter is \"", filter.name(),
                               "\"; allowed: only envoy.filters.http.router, which sends requests on"));
    }
    if (entry.config == nullptr) return;
    for (const filter::HttpChainConfig::Slot& slot : slots_) {
      if (slot.name != filter.name()) continue;
      context_.diagnostics.warning(path.at("name"), absl::StrCat("\"", filter.name(),
                                                                 "\" stands twice; typed_per_filter_config of that "
                                                                 "name reaches the first one only"));
      break;
    }
    if (slots_.size() == filter::HttpChainConfig::kMaxSlots) {
      return error(path, absl::StrCat("filter number ", index + 1, "; allowed: at most ",
                                      filter::HttpChainConfig::kMaxSlots, " and the router"));
    }
    const base::FieldPath config_path = path.at("typed_config");
    std::unique_ptr<filter::HttpFilterFactory> factory =
        entry.type->make(*entry.config, {context_.stats, context_.diagnostics, config_path, message_.stat_prefix(),
                                         context_.clock, &context_.cluster_problem, context_.schema_only});
    if (factory == nullptr) factory = std::make_unique<RefusedFilter>();
    slots_.push_back({filter.name(), std::move(factory), filter.disabled()});
    slot_types_.push_back(entry.type);
  }

  void addTerminal(const HttpFilterMessage& filter, const base::FieldPath& path, bool last, Entry entry) {
    if (!last) {
      return error(path, absl::StrCat("\"", filter.name(), "\" ends the chain, but ",
                                      "filters follow it; allowed: as the last filter only"));
    }
    if (filter.disabled()) {
      error(path.at("disabled"), absl::StrCat("\"", filter.name(), "\" ends the chain; allowed: false"));
    }
    terminal_ = std::move(entry.config);
  }

  Entry resolve(const HttpFilterMessage& filter, const base::FieldPath& path) {
    if (!filter.has_typed_config()) return resolveByName(filter, path);
    Entry entry;
    const std::string_view seen = anyType(filter.typed_config());
    entry.type = context_.http_filters.byConfigType(seen);
    if (entry.type == nullptr) {
      if (filter.is_optional()) {
        context_.diagnostics.warning(path, absl::StrCat("left out: ", base::av(seen), " is no HTTP filter of weir"));
        return entry;
      }
      error(path.at("typed_config"), absl::StrCat(base::av(seen), " is not an HTTP filter; allowed: ", allowed()));
      return entry;
    }
    entry.config = unpackAny(filter.typed_config(), context_.diagnostics, path.at("typed_config"));
    return entry;
  }

  Entry resolveByName(const HttpFilterMessage& filter, const base::FieldPath& path) {
    Entry entry;
    entry.type = typeByName(context_.http_filters, filter.name());
    if (entry.type == nullptr) {
      error(path, absl::StrCat("\"", filter.name(), "\" has no typed_config; allowed: one of type ", allowed()));
      return entry;
    }
    context_.diagnostics.warning(
        path, absl::StrCat("\"", filter.name(), "\" has no typed_config; taken as an empty ", entry.type->config_type));
    entry.config = emptyMessage(entry.type->config_type);
    return entry;
  }

  std::string allowed() const { return absl::StrJoin(context_.http_filters.configTypes(), ", "); }

  const HttpConnectionManager& message_;
  const proxy::SessionContext& context_;
  std::vector<filter::HttpChainConfig::Slot> slots_;
  std::vector<const filter::HttpFilterType*> slot_types_;
  std::unique_ptr<Message> terminal_;
};

}  // namespace

HttpFilters compileHttpFilters(const HttpConnectionManager& message, const proxy::SessionContext& context) {
  return Compiler(message, context).run();
}

}  // namespace weir::extensions::http_connection_manager
