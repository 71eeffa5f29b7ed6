#include "source/extensions/filters/http/header_mutation/header_mutation.h"

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "envoy/config/core/v3/core.pb.h"
#include "envoy/extensions/filters/http/header_mutation/v3/header_mutation.pb.h"
#include "source/extensions/matchers/compile_matchers.h"
#include "source/extensions/routes/header_edits.h"

namespace weir::extensions::header_mutation {
namespace {

namespace api = envoy::extensions::filters::http::header_mutation::v3;
using Mutation = envoy::config::common::mutation_rules::v3::HeaderMutation;

// One edit, or several that may be done at once in this order; or else the names of which all are removed.
struct Edit {
  proxy::HeaderEdits fields;
  std::optional<filter::StringMatcher> removed;
};
using Edits = std::vector<Edit>;

struct Mutations final : filter::RouteFilterConfig {
  Edits request;
  Edits response;
};

void apply(const Edits& edits, http::Head& head, const filter::StreamInfo& info) {
  for (const Edit& edit : edits) {
    edit.fields.apply(head, info);
    if (!edit.removed) continue;
    head.headers.removeIf([&](const http::Field& field) { return edit.removed->matches(field.name); });
  }
}

struct Config {
  Mutations mutations;
  bool most_specific_last = false;
};

class HeaderMutationFilter final : public filter::HttpFilter {
 public:
  explicit HeaderMutationFilter(const Config& config) : config_(config) {}

  filter::Verdict onRequestHead(http::Head& head) override {
    mutate(&Mutations::request, head);
    return filter::Verdict::next();
  }

  filter::Verdict onResponseHead(http::Head& head) override {
    if (!head.isInterim()) mutate(&Mutations::response, head);
    return filter::Verdict::next();
  }

 private:
  void mutate(Edits Mutations::*edits, http::Head& head) const {
    const filter::StreamInfo& info = host().info();
    apply(config_.mutations.*edits, head, info);
    std::array<const filter::RouteFilterConfig*, 4> levels;  // route table first, weighted cluster last
    const size_t count = host().routeConfigs(levels.data(), levels.size());
    for (size_t i = 0; i < count; ++i) {
      const size_t level = config_.most_specific_last ? i : count - 1 - i;
      apply(static_cast<const Mutations&>(*levels[level]).*edits, head, info);
    }
  }

  const Config& config_;
};

// Order matters: an edit joins the entry before it only as long as that entry would do it in the same order.
Edits compileEdits(const google::protobuf::RepeatedPtrField<Mutation>& mutations, const char* field,
                   const filter::FactoryContext& context, const base::FieldPath& path) {
  Edits edits;
  for (int i = 0; i < mutations.size(); ++i) {
    const base::FieldPath at = path.at(field, static_cast<size_t>(i));
    proxy::HeaderEdits edit;
    if (mutations[i].has_remove_on_match()) {
      auto names = compileStringMatcher(mutations[i].remove_on_match().key_matcher(), context.diagnostics,
                                        at.at("remove_on_match").at("key_matcher"));
      if (names) edits.push_back({{}, std::move(names)});
      continue;
    }
    if (mutations[i].has_append()) {
      compileHeaderEdit(mutations[i].append(), edit, context.diagnostics, at.at("append"));
    } else if (mutations[i].action_case() == Mutation::kRemove) {
      compileHeaderRemoval(mutations[i].remove(), edit, context.diagnostics, at.at("remove"));
    }
    const bool joins =
        !edits.empty() && !edits.back().removed && (edit.remove.empty() || edits.back().fields.add.empty());
    if (!joins) {
      edits.push_back({std::move(edit), std::nullopt});
      continue;
    }
    proxy::HeaderEdits& last = edits.back().fields;
    for (std::string& name : edit.remove) last.remove.push_back(std::move(name));
    for (proxy::HeaderEdit& one : edit.add) last.add.push_back(std::move(one));
  }
  return edits;
}

void compile(const api::Mutations& message, const filter::FactoryContext& context, Mutations& mutations) {
  const base::FieldPath path = context.path.at("mutations");
  mutations.request = compileEdits(message.request_mutations(), "request_mutations", context, path);
  mutations.response = compileEdits(message.response_mutations(), "response_mutations", context, path);
}

std::unique_ptr<filter::HttpFilterFactory> make(const google::protobuf::Message& message,
                                                const filter::FactoryContext& context) {
  const auto& configured = static_cast<const api::HeaderMutation&>(message);
  const size_t errors = context.diagnostics.errors();
  auto config = std::make_unique<Config>();
  config->most_specific_last = configured.most_specific_header_mutations_wins();
  compile(configured.mutations(), context, config->mutations);
  if (context.diagnostics.errors() > errors) return nullptr;
  return filter::factoryOf<HeaderMutationFilter>(std::move(config));
}

std::unique_ptr<filter::RouteFilterConfig> makeRouteConfig(const google::protobuf::Message& message,
                                                           const filter::FactoryContext& context) {
  const size_t errors = context.diagnostics.errors();
  auto mutations = std::make_unique<Mutations>();
  compile(static_cast<const api::HeaderMutationPerRoute&>(message).mutations(), context, *mutations);
  if (context.diagnostics.errors() > errors) return nullptr;
  return mutations;
}

}  // namespace

filter::HttpFilterType headerMutationType() {
  filter::HttpFilterType type;
  type.config_type = api::HeaderMutation::descriptor()->full_name();
  type.route_config_type = api::HeaderMutationPerRoute::descriptor()->full_name();
  type.usual_name = "envoy.filters.http.header_mutation";
  type.make = make;
  type.make_route_config = makeRouteConfig;
  return type;
}

}  // namespace weir::extensions::header_mutation
