#include "source/extensions/rbac/compile_rules.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/config/rbac/v3/rbac.pb.h"
#include "envoy/type/matcher/v3/matcher.pb.h"
#include "envoy/type/matcher/v3/metadata.pb.h"
#include "envoy/type/v3/type.pb.h"
#include "source/extensions/matchers/compile_match_tree.h"
#include "source/extensions/matchers/compile_matchers.h"
#include "source/extensions/matchers/compile_metadata_matcher.h"
#include "xds/type/matcher/v3/matcher.pb.h"

namespace weir::extensions::rbac {
namespace {

using PermissionForm = envoy::config::rbac::v3::Permission;
using PrincipalForm = envoy::config::rbac::v3::Principal;
using Kind = Term::Kind;

class Compiler {
 public:
  explicit Compiler(const RulesContext& context) : context_(context) {}

  Term permission(const PermissionForm& message, const base::FieldPath& path) {
    Term term;
    switch (message.rule_case()) {
      case PermissionForm::kAndRules:
        return set(Kind::kAnd, message.and_rules().rules(), path.at("and_rules"), "rules");
      case PermissionForm::kOrRules:
        return set(Kind::kOr, message.or_rules().rules(), path.at("or_rules"), "rules");
      case PermissionForm::kNotRule:
        term.kind = Kind::kNot;
        term.inner.push_back(permission(message.not_rule(), path.at("not_rule")));
        return term;
      case PermissionForm::kAny:
        return always(message.any(), path.at("any"));
      case PermissionForm::kHeader:
        return header(message.header(), path.at("header"));
      case PermissionForm::kUrlPath:
        return urlPath(message.url_path(), path.at("url_path"));
      case PermissionForm::kDestinationIp:
        return range(Kind::kDestinationIp, message.destination_ip(), path.at("destination_ip"));
      case PermissionForm::kDestinationPort:
        return ports(message.destination_port(), message.destination_port());
      case PermissionForm::kDestinationPortRange:
        return portRange(message.destination_port_range(), path.at("destination_port_range"));
      case PermissionForm::kRequestedServerName:
        term.kind = Kind::kServerName;
        term.text = compileStringMatcher(message.requested_server_name(), context_.diagnostics,
                                         path.at("requested_server_name"));
        return term;
      case PermissionForm::kMetadata:
        return metadata(message.metadata(), Kind::kMetadata, path.at("metadata"));
      case PermissionForm::kSourcedMetadata:
        return sourced(message.sourced_metadata(), path.at("sourced_metadata"));
      case PermissionForm::RULE_NOT_SET:
        break;
    }
    context_.diagnostics.error(path, "no permission is given; one of any, header, url_path, ... is needed");
    return term;
  }

  Term principal(const PrincipalForm& message, const base::FieldPath& path) {
    Term term;
    switch (message.identifier_case()) {
      case PrincipalForm::kAndIds:
        return set(Kind::kAnd, message.and_ids().ids(), path.at("and_ids"), "ids");
      case PrincipalForm::kOrIds:
        return set(Kind::kOr, message.or_ids().ids(), path.at("or_ids"), "ids");
      case PrincipalForm::kNotId:
        term.kind = Kind::kNot;
        term.inner.push_back(principal(message.not_id(), path.at("not_id")));
        return term;
      case PrincipalForm::kAny:
        return always(message.any(), path.at("any"));
      case PrincipalForm::kAuthenticated:
        term.kind = Kind::kAuthenticated;
        if (message.authenticated().has_principal_name()) {
          term.text = compileStringMatcher(message.authenticated().principal_name(), context_.diagnostics,
                                           path.at("authenticated").at("principal_name"));
        }
        return term;
      case PrincipalForm::kSourceIp:
        return range(Kind::kDirectRemoteIp, message.source_ip(), path.at("source_ip"));
      case PrincipalForm::kDirectRemoteIp:
        return range(Kind::kDirectRemoteIp, message.direct_remote_ip(), path.at("direct_remote_ip"));
      case PrincipalForm::kRemoteIp:
        return range(Kind::kRemoteIp, message.remote_ip(), path.at("remote_ip"));
      case PrincipalForm::kHeader:
        return header(message.header(), path.at("header"));
      case PrincipalForm::kUrlPath:
        return urlPath(message.url_path(), path.at("url_path"));
      case PrincipalForm::kMetadata:
        return metadata(message.metadata(), Kind::kMetadata, path.at("metadata"));
      case PrincipalForm::kSourcedMetadata:
        return sourced(message.sourced_metadata(), path.at("sourced_metadata"));
      case PrincipalForm::IDENTIFIER_NOT_SET:
        break;
    }
    context_.diagnostics.error(path, "no principal is given; one of any, authenticated, remote_ip, ... is needed");
    return term;
  }

 private:
  Term one(const PermissionForm& message, const base::FieldPath& path) { return permission(message, path); }
  Term one(const PrincipalForm& message, const base::FieldPath& path) { return principal(message, path); }

  template <typename Messages>
  Term set(Kind kind, const Messages& messages, const base::FieldPath& path, const char* field) {
    Term term;
    term.kind = kind;
    for (int i = 0; i < messages.size(); ++i) {
      term.inner.push_back(one(messages.Get(i), path.at(field, static_cast<size_t>(i))));
    }
    return term;
  }

  Term always(bool value, const base::FieldPath& path) {
    if (!value) context_.diagnostics.error(path, "false; allowed: true");
    return {};
  }

  void needsRequest(const base::FieldPath& path) {
    if (!context_.connection_only) return;
    context_.diagnostics.error(path,
                               "a condition on requests, and a network filter sees none; allowed: conditions on "
                               "addresses, ports, names of the server and of the client");
  }

  Term header(const envoy::config::route::v3::HeaderMatcher& message, const base::FieldPath& path) {
    needsRequest(path);
    Term term;
    term.kind = Kind::kHeader;
    term.header = compileHeaderMatcher(message, context_.diagnostics, path);
    return term;
  }

  Term metadata(const envoy::type::matcher::v3::MetadataMatcher& message, Kind kind, const base::FieldPath& path) {
    needsRequest(path);
    Term term;
    term.kind = kind;
    term.metadata = compileMetadataMatcher(message, context_.diagnostics, path);
    return term;
  }

  Term sourced(const envoy::config::rbac::v3::SourcedMetadata& message, const base::FieldPath& path) {
    const bool route = message.metadata_source() == envoy::config::rbac::v3::ROUTE;
    return metadata(message.metadata_matcher(), route ? Kind::kRouteMetadata : Kind::kMetadata,
                    path.at("metadata_matcher"));
  }

  Term urlPath(const envoy::type::matcher::v3::PathMatcher& message, const base::FieldPath& path) {
    needsRequest(path);
    Term term;
    term.kind = Kind::kPath;
    term.text = compileStringMatcher(message.path(), context_.diagnostics, path.at("path"));
    return term;
  }

  Term range(Kind kind, const envoy::config::core::v3::CidrRange& message, const base::FieldPath& path) {
    Term term;
    term.kind = kind;
    auto parsed = net::CidrRange::parse(message.address_prefix(), message.prefix_len().value());
    if (parsed.ok()) {
      term.range = *std::move(parsed);
    } else {
      context_.diagnostics.error(path, std::string(parsed.status().message()));
    }
    return term;
  }

  static Term ports(uint32_t first, uint32_t last) {
    Term term;
    term.kind = Kind::kDestinationPort;
    term.first_port = first;
    term.last_port = last;
    return term;
  }

  Term portRange(const envoy::type::v3::Int32Range& message, const base::FieldPath& path) {
    if (message.start() < 0 || message.end() <= message.start() || message.end() > 65536) {
      context_.diagnostics.error(path, absl::StrCat("from ", message.start(), " to before ", message.end(),
                                                    "; allowed: 0 <= start < end <= 65536"));
      return {};
    }
    return ports(static_cast<uint32_t>(message.start()), static_cast<uint32_t>(message.end() - 1));
  }

  const RulesContext& context_;
};

stats::CounterId counter(const RulesContext& context, const std::string& name) {
  return context.stats.counter({context.group, context.instance, absl::StrCat("rbac.", name)});
}

Policy compilePolicy(const std::string& name, const envoy::config::rbac::v3::Policy& message,
                     const RulesContext& context, const base::FieldPath& path) {
  Compiler compiler(context);
  Policy policy;
  policy.name = name;
  for (int i = 0; i < message.permissions_size(); ++i) {
    policy.permissions.push_back(
        compiler.permission(message.permissions(i), path.at("permissions", static_cast<size_t>(i))));
  }
  for (int i = 0; i < message.principals_size(); ++i) {
    policy.principals.push_back(
        compiler.principal(message.principals(i), path.at("principals", static_cast<size_t>(i))));
  }
  if (context.per_policy) {
    policy.allowed = counter(context, absl::StrCat("policy.", name, ".", context.prefix, "allowed"));
    policy.denied = counter(context, absl::StrCat("policy.", name, ".", context.prefix, "denied"));
  }
  return policy;
}

Action actionOf(envoy::config::rbac::v3::RBAC::Action action) {
  if (action == envoy::config::rbac::v3::RBAC::DENY) return Action::kDeny;
  return action == envoy::config::rbac::v3::RBAC::LOG ? Action::kLog : Action::kAllow;
}

}  // namespace

std::unique_ptr<const Rules> compileRules(const xds::type::matcher::v3::Matcher& message, const RulesContext& context,
                                          const base::FieldPath& path) {
  using ActionForm = envoy::config::rbac::v3::Action;
  auto rules = std::make_unique<Rules>();
  MatchTreeContext tree{context.stats, context.diagnostics, context.connection_only, nullptr};
  tree.action = [&](const google::protobuf::Message& any, const base::FieldPath& at) -> std::optional<size_t> {
    if (any.GetDescriptor() != ActionForm::descriptor()) {
      context.diagnostics.error(at, absl::StrCat("an action of the type ", any.GetDescriptor()->full_name(),
                                                 "; allowed: ", ActionForm::descriptor()->full_name()));
      return std::nullopt;
    }
    const auto& form = static_cast<const ActionForm&>(any);
    NamedAction action{actionOf(form.action()), std::nullopt, std::nullopt};
    if (context.per_policy) {
      action.allowed = counter(context, absl::StrCat("policy.", form.name(), ".", context.prefix, "allowed"));
      action.denied = counter(context, absl::StrCat("policy.", form.name(), ".", context.prefix, "denied"));
    }
    rules->actions.push_back(action);
    return rules->actions.size() - 1;
  };
  rules->tree = compileMatchTree(message, tree, path);
  if (rules->tree == nullptr) return nullptr;
  rules->allowed = counter(context, absl::StrCat(context.prefix, "allowed"));
  rules->denied = counter(context, absl::StrCat(context.prefix, "denied"));
  return rules;
}

std::unique_ptr<const Rules> compileRules(const envoy::config::rbac::v3::RBAC& message, const RulesContext& context,
                                          const base::FieldPath& path) {
  const size_t errors = context.diagnostics.errors();
  auto rules = std::make_unique<Rules>();
  rules->action = actionOf(message.action());
  const base::FieldPath policies = path.at("policies");
  // In the order of their names: the first that matches is the one that is counted.
  const std::map<std::string, envoy::config::rbac::v3::Policy> sorted(message.policies().begin(),
                                                                      message.policies().end());
  for (const auto& [name, policy] : sorted) {
    rules->policies.push_back(compilePolicy(name, policy, context, policies.key(name)));
  }
  rules->allowed = counter(context, absl::StrCat(context.prefix, "allowed"));
  rules->denied = counter(context, absl::StrCat(context.prefix, "denied"));
  if (context.diagnostics.errors() != errors) return nullptr;
  return rules;
}

}  // namespace weir::extensions::rbac
