#include "source/server/compile/compile_listener_filters.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "source/base/strings.h"
#include "source/extensions/listener_filters/original_dst/original_dst.h"
#include "source/extensions/listener_filters/tls_inspector/tls_inspector.h"
#include "source/extensions/messages/duration.h"
#include "source/extensions/messages/unpack_any.h"
#include "source/proxy/listener/selective_filter.h"

namespace weir::server {
namespace {

namespace xds = envoy::config::listener::v3;

constexpr char kOriginalDst[] = "envoy.extensions.filters.listener.original_dst.v3.OriginalDst";
constexpr char kTlsInspector[] = "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";

std::unique_ptr<const proxy::ListenerFilter> compileOne(const xds::ListenerFilter& message,
                                                        const ListenerFilterScope& scope, const base::FieldPath& path) {
  if (!message.has_typed_config()) {
    scope.diagnostics.error(path, absl::StrCat("listener filter \"", message.name(), "\" has no typed_config"));
    return nullptr;
  }
  const base::FieldPath config_path = path.at("typed_config");
  const auto config = extensions::unpackAny(message.typed_config(), scope.diagnostics, config_path);
  if (config == nullptr) return nullptr;
  const std::string_view name = extensions::anyType(message.typed_config());
  const proxy::ListenerFilterType* const type = scope.extensions.listener_filters.byConfigType(name);
  if (type != nullptr) return type->make(*config, {scope.stats, scope.instance, scope.diagnostics, config_path});
  std::string names;
  for (const auto& known : scope.extensions.listener_filters.all()) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", known.first);
  }
  scope.diagnostics.error(config_path,
                          absl::StrCat("\"", base::av(name), "\" is not a listener filter; allowed: ", names));
  return nullptr;
}

using Rule = proxy::SelectiveFilter::Rule;

Rule compileRule(const xds::ListenerFilterChainMatchPredicate& message, base::Diagnostics& diagnostics,
                 const base::FieldPath& path);

Rule compileSet(Rule::Kind kind, const xds::ListenerFilterChainMatchPredicate::MatchSet& message,
                base::Diagnostics& diagnostics, const base::FieldPath& path) {
  Rule rule{.kind = kind};
  for (int i = 0; i < message.rules_size(); ++i) {
    rule.rules.push_back(compileRule(message.rules(i), diagnostics, path.at("rules", static_cast<size_t>(i))));
  }
  return rule;
}

Rule compileRule(const xds::ListenerFilterChainMatchPredicate& message, base::Diagnostics& diagnostics,
                 const base::FieldPath& path) {
  using Predicate = xds::ListenerFilterChainMatchPredicate;
  switch (message.rule_case()) {
    case Predicate::kOrMatch:
      return compileSet(Rule::Kind::kAny, message.or_match(), diagnostics, path.at("or_match"));
    case Predicate::kAndMatch:
      return compileSet(Rule::Kind::kAll, message.and_match(), diagnostics, path.at("and_match"));
    case Predicate::kNotMatch: {
      Rule rule{.kind = Rule::Kind::kNot};
      rule.rules.push_back(compileRule(message.not_match(), diagnostics, path.at("not_match")));
      return rule;
    }
    case Predicate::kDestinationPortRange: {
      const auto& range = message.destination_port_range();
      if (range.start() >= range.end()) {
        diagnostics.error(path.at("destination_port_range"),
                          absl::StrCat("from ", range.start(), " to below ", range.end(),
                                       ", where no port is; allowed: an end above the start"));
      }
      return Rule{.kind = Rule::Kind::kPorts, .first_port = range.start(), .end_port = range.end()};
    }
    case Predicate::kAnyMatch:
    case Predicate::RULE_NOT_SET:
      break;
  }
  return Rule{};
}

bool needsTlsInspector(const xds::FilterChainMatch& match) {
  return match.server_names_size() > 0 || match.application_protocols_size() > 0 || match.transport_protocol() == "tls";
}

}  // namespace

proxy::ListenerFilters compileListenerFilters(const xds::Listener& message, const ListenerFilterScope& scope,
                                              const base::FieldPath& path) {
  proxy::ListenerFilters result;
  bool inspects = false;
  bool restores = false;
  for (int i = 0; i < message.listener_filters_size(); ++i) {
    const xds::ListenerFilter& one = message.listener_filters(i);
    inspects = inspects || extensions::anyType(one.typed_config()) == kTlsInspector;
    restores = restores || extensions::anyType(one.typed_config()) == kOriginalDst;
    auto filter = compileOne(one, scope, path.at("listener_filters", static_cast<size_t>(i)));
    if (filter != nullptr && one.has_filter_disabled()) {
      const base::FieldPath at = path.at("listener_filters", static_cast<size_t>(i));
      Rule alone = compileRule(one.filter_disabled(), scope.diagnostics, at.at("filter_disabled"));
      filter = std::make_unique<const proxy::SelectiveFilter>(std::move(filter), std::move(alone));
    }
    if (filter != nullptr) result.filters.push_back(std::move(filter));
  }
  const bool needed =
      std::any_of(message.filter_chains().begin(), message.filter_chains().end(),
                  [](const xds::FilterChain& one) { return needsTlsInspector(one.filter_chain_match()); });
  if (needed && !inspects) {
    scope.diagnostics.warning(path.at("listener_filters"),
                              "has no tls_inspector, without which filter chains cannot match server_names, "
                              "application_protocols or transport_protocol tls; one is added");
    result.filters.push_back(extensions::tls_inspector::makeTlsInspector(scope.stats, scope.instance));
  }
  // Where a connection was going is found out without it being asked for.
  if (message.use_original_dst().value() && !restores) {
    result.filters.push_back(extensions::original_dst::makeOriginalDst());
  }
  if (message.has_listener_filters_timeout()) {
    const absl::Duration given = extensions::durationOf(message.listener_filters_timeout());
    result.timeout = given > absl::ZeroDuration() ? given : absl::InfiniteDuration();
  }
  result.continue_on_timeout = message.continue_on_listener_filters_timeout();
  return result;
}

}  // namespace weir::server
