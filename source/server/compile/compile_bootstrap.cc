#include "source/server/compile/compile_bootstrap.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/overload/v3/overload.pb.h"
#include "envoy/extensions/regex_engines/v3/google_re2.pb.h"
#include "envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "source/base/strings.h"
#include "source/config/nearest.h"
#include "source/config/runtime_layers.h"
#include "source/extensions/access_loggers/access_log_config.h"
#include "source/extensions/access_loggers/line_log.h"
#include "source/extensions/clusters/compile_cluster.h"
#include "source/extensions/clusters/compile_health.h"
#include "source/extensions/clusters/compile_resolver.h"
#include "source/extensions/matchers/compile_matchers.h"
#include "source/extensions/messages/data_source.h"
#include "source/extensions/messages/unpack_any.h"
#include "source/server/compile/compile_address.h"
#include "source/server/compile/compile_listener.h"
#include "source/server/compile/endpoints_file.h"
#include "source/server/compile/secrets_file.h"

namespace weir::server {
namespace {

namespace xds = envoy::config::bootstrap::v3;

constexpr size_t kMaxGenericSecret = size_t{1024} * 1024;

// Compiles one Bootstrap.
// A cluster that stands for others.
struct Aggregate {
  enum class State : uint8_t { kListed, kBusy, kFlat };

  void add(const std::string& name) {
    if (std::find(whole->begin(), whole->end(), name) == whole->end()) whole->push_back(name);
  }

  base::FieldPath path;
  std::shared_ptr<const std::vector<std::string>> members;  // as the configuration has them
  std::shared_ptr<std::vector<std::string>> whole;          // those that are no aggregates
  State state = State::kListed;
};

class BootstrapCompiler {
 public:
  BootstrapCompiler(const xds::Bootstrap& bootstrap, const CompileContext& context, base::Diagnostics& diagnostics)
      : bootstrap_(bootstrap),
        context_(context),
        diagnostics_(diagnostics),
        resources_(root_.at("static_resources")),
        secrets_(bootstrap.static_resources().secrets(), readSecretsFile, diagnostics, resources_) {}

  std::unique_ptr<ServerConfig> compile() {
    const size_t errors = diagnostics_.errors();
    config_->node_id = bootstrap_.node().id();
    config_->node_cluster = bootstrap_.node().cluster();
    if (bootstrap_.node().has_metadata()) {
      const auto written =
          google::protobuf::util::MessageToJsonString(bootstrap_.node().metadata(), &config_->node_metadata);
      if (!written.ok()) diagnostics_.error(root_.at("node"), "metadata that is no JSON; allowed: what JSON can say");
    }
    const auto& locality = bootstrap_.node().locality();
    config_->node_locality = {locality.region(), locality.zone(), locality.sub_zone()};
    compileLogFormat();
    compileRegexEngine();
    compileConnectionLimit();
    checkGenericSecrets();
    compileClusters();
    compileManager(root_.at("cluster_manager"));
    compileResolver();
    compileListeners();
    if (bootstrap_.has_admin()) compileAdmin(root_.at("admin"));
    if (diagnostics_.errors() != errors) return nullptr;
    return std::move(config_);
  }

 private:
  void compileLogFormat() {
    const auto& format = bootstrap_.application_log_config().log_format();
    config_->log_pattern = format.text_format();
    if (!format.has_json_format()) return;
    const base::FieldPath log = root_.at("application_log_config");
    const base::FieldPath outer = log.at("log_format");
    const base::FieldPath path = outer.at("json_format");
    std::string pattern;
    const auto written = google::protobuf::util::MessageToJsonString(format.json_format(), &pattern);
    if (!written.ok()) diagnostics_.error(path, "values that are no JSON; allowed: what JSON can say");
    if (absl::StrContains(pattern, "%v") || absl::StrContains(pattern, "%_")) {
      diagnostics_.error(path, "has %v or %_, which may have quotes in them; allowed: %j for the text");
    }
    config_->log_pattern = std::move(pattern);
  }

  void compileRegexEngine() {
    using envoy::extensions::regex_engines::v3::GoogleRE2;
    if (!bootstrap_.has_default_regex_engine()) return;
    const base::FieldPath engine = root_.at("default_regex_engine");
    const base::FieldPath path = engine.at("typed_config");
    const auto& config = bootstrap_.default_regex_engine().typed_config();
    if (extensions::unpackAny(config, diagnostics_, path) == nullptr) return;
    if (extensions::anyType(config) == base::sv(GoogleRE2::descriptor()->full_name())) return;
    diagnostics_.error(path, absl::StrCat("is a ", base::av(extensions::anyType(config)),
                                          "; allowed: ", GoogleRE2::descriptor()->full_name()));
  }

  void compileConnectionLimit() {
    base::Diagnostics reported_before;
    config::RuntimeLayers layers(bootstrap_.layered_runtime(), reported_before);
    config_->max_connections = layers.number(config::kMaxConnectionsKey);
    const auto& monitors = bootstrap_.overload_manager().resource_monitors();
    const base::FieldPath overload = root_.at("overload_manager");
    std::optional<uint64_t> limit;
    for (int i = 0; i < monitors.size(); ++i) {
      const base::FieldPath path = overload.at("resource_monitors", static_cast<size_t>(i));
      const auto found = compileMonitor(monitors[i], path);
      if (found && limit) diagnostics_.error(path, "a second limit of connections; allowed: one");
      if (found) limit = found;
    }
    if (limit) config_->max_connections = limit;
  }

  std::optional<uint64_t> compileMonitor(const envoy::config::overload::v3::ResourceMonitor& message,
                                         const base::FieldPath& path) {
    using Limit = envoy::extensions::resource_monitors::downstream_connections::v3::DownstreamConnectionsConfig;
    const base::FieldPath at = path.at("typed_config");
    const auto unpacked = extensions::unpackAny(message.typed_config(), diagnostics_, at);
    if (unpacked == nullptr) return std::nullopt;
    const auto* const limit = google::protobuf::DynamicCastToGenerated<const Limit>(unpacked.get());
    if (limit != nullptr) return static_cast<uint64_t>(limit->max_active_downstream_connections());
    diagnostics_.error(at, absl::StrCat("\"", message.name(), "\" is a ", unpacked->GetDescriptor()->full_name(),
                                        "; allowed: ", Limit::descriptor()->full_name()));
    return std::nullopt;
  }

  // They are for filters that sign or sign in. Nothing here takes one, so that all that can be wrong is what they are
  // read from.
  void checkGenericSecrets() {
    for (int i = 0; i < bootstrap_.static_resources().secrets_size(); ++i) {
      const auto& secret = bootstrap_.static_resources().secrets(i);
      if (!secret.has_generic_secret()) continue;
      const base::FieldPath each = resources_.at("secrets", static_cast<size_t>(i));
      const base::FieldPath path = each.at("generic_secret");
      diagnostics_.warning(path, "has no effect: there is no filter that takes a generic secret");
      if (!secret.generic_secret().has_secret()) continue;
      extensions::readDataSource(secret.generic_secret().secret(), kMaxGenericSecret, context_.schema_only,
                                 diagnostics_, path.at("secret"));
    }
  }

  void compileClusters() {
    const auto& messages = bootstrap_.static_resources().clusters();
    extensions::refuseDuplicateClusters(messages, diagnostics_, resources_, "clusters");
    for (int i = 0; i < messages.size(); ++i) {
      const base::FieldPath path = resources_.at("clusters", static_cast<size_t>(i));
      const bool fresh = cluster_names_.insert(messages[i].name()).second;
      auto compiled = extensions::compileCluster(
          messages[i], {secrets_, context_.stats, diagnostics_, context_.schema_only, &config_->transports}, path);
      upstream::health::ClusterHealth health = extensions::compileHealth(messages[i], diagnostics_, path);
      if (compiled && compiled->endpoints_file != nullptr) readEndpoints(*compiled, path);
      if (compiled && compiled->members != nullptr) {
        Aggregate& aggregate = aggregates_[messages[i].name()] = {path, compiled->members, {}};
        compiled->members = aggregate.whole = std::make_shared<std::vector<std::string>>();
      }
      if (compiled && fresh) {
        config_->clusters.push_back(std::make_shared<upstream::Cluster>(*std::move(compiled), context_.stats));
        config_->health.push_back(std::move(health));
      }
    }
    checkAggregates();
  }

  // Aggregates of aggregates stand for the clusters at the end, each at the first place where it comes.
  void checkAggregates() {
    const size_t errors_before = diagnostics_.errors();
    for (const auto& [name, aggregate] : aggregates_) {
      const base::FieldPath extension = aggregate.path.at("cluster_type");
      const base::FieldPath typed = extension.at("typed_config");
      for (size_t i = 0; i < aggregate.members->size(); ++i) {
        const std::string& member = (*aggregate.members)[i];
        if (!cluster_names_.contains(member)) diagnostics_.error(typed.at("clusters", i), noSuchCluster(member));
      }
    }
    if (diagnostics_.errors() != errors_before) return;
    std::vector<std::string> chain;
    for (auto& [name, aggregate] : aggregates_) flatten(name, aggregate, chain);
  }

  // `chain`: the aggregates through which this one was reached. A circle is reported once, at the cluster where it
  // closes.
  void flatten(const std::string& name, Aggregate& aggregate, std::vector<std::string>& chain) {
    if (aggregate.state == Aggregate::State::kFlat) return;
    aggregate.state = Aggregate::State::kBusy;
    chain.push_back(name);
    for (size_t i = 0; i < aggregate.members->size(); ++i) {
      const std::string& member = (*aggregate.members)[i];
      const auto inner = aggregates_.find(member);
      if (inner == aggregates_.end()) {
        aggregate.add(member);
      } else if (inner->second.state == Aggregate::State::kBusy) {
        const auto from = std::find(chain.begin(), chain.end(), member);
        const base::FieldPath extension = aggregate.path.at("cluster_type");
        const base::FieldPath typed = extension.at("typed_config");
        diagnostics_.error(typed.at("clusters", i),
                           absl::StrCat("an aggregate that has itself: ", absl::StrJoin(from, chain.end(), " -> "),
                                        " -> ", member, "; allowed: aggregates whose ends are other clusters"));
      } else {
        flatten(member, inner->second, chain);
        for (const std::string& end : *inner->second.whole) aggregate.add(end);
      }
    }
    chain.pop_back();
    aggregate.state = Aggregate::State::kFlat;
  }

  void compileManager(const base::FieldPath& path) {
    const xds::ClusterManager& message = bootstrap_.cluster_manager();
    config_->local_cluster = message.local_cluster_name();
    config_->ejection_log = message.outlier_detection().event_log_path();
    if (message.enable_deferred_cluster_creation()) {
      diagnostics_.warning(path.at("enable_deferred_cluster_creation"),
                           "has no effect; workers make their part of a cluster when it is first used, with it and "
                           "without");
    }
    if (config_->local_cluster.empty()) return;
    const std::string problem = cluster_problem_(config_->local_cluster);
    if (!problem.empty()) diagnostics_.error(path.at("local_cluster_name"), problem);
  }

  std::string noSuchCluster(std::string_view name) const {
    const std::vector<std::string_view> names(cluster_names_.begin(), cluster_names_.end());
    const std::string_view meant = config::nearest(name, names);
    return absl::StrCat("no cluster is named '", base::av(name), "'; ",
                        meant.empty() ? "" : absl::StrCat("did you mean '", base::av(meant), "'? "),
                        "allowed: the name of a cluster in static_resources.clusters");
  }

  // The first endpoints of a cluster that has them in a file.
  void readEndpoints(upstream::ClusterConfig& cluster, const base::FieldPath& path) {
    if (context_.schema_only) return;
    absl::StatusOr<Endpoints> found = readEndpointsFile(*cluster.endpoints_file);
    if (found.ok()) {
      cluster.hosts = std::move(found->hosts);
    } else {
      diagnostics_.error(path.at("eds_cluster_config").at("eds_config"), std::string(found.status().message()));
    }
  }

  // The resolver of all clusters that have none of their own.
  void compileResolver() {
    extensions::ResolverFields fields;
    if (bootstrap_.has_typed_dns_resolver_config()) {
      fields.typed_dns_resolver_config = &bootstrap_.typed_dns_resolver_config();
    }
    if (bootstrap_.has_dns_resolution_config()) fields.dns_resolution_config = &bootstrap_.dns_resolution_config();
    fields.use_tcp_for_dns_lookups = bootstrap_.use_tcp_for_dns_lookups();
    config_->dns_resolver = extensions::compileResolver(fields, diagnostics_, root_);
  }

  void compileListeners() {
    const auto& messages = bootstrap_.static_resources().listeners();
    if (messages.empty()) diagnostics_.warning(resources_, "there is no listener, so nothing is served");
    for (int i = 0; i < messages.size(); ++i) {
      const base::FieldPath path = resources_.at("listeners", static_cast<size_t>(i));
      auto plan =
          compileListener(messages[i], context_, secrets_, config_->transports, cluster_problem_, diagnostics_, path);
      if (!messages[i].name().empty()) claimListenerName(messages[i].name(), path.at("name"), path);
      if (!plan) continue;
      if (messages[i].name().empty()) claimListenerName(plan->config->name, path, path);
      for (const BoundAddress& bound : plan->addresses) claimAddress(bound.address, path.at("address"), path);
      config_->listeners.push_back(*std::move(plan));
    }
    for (int i = 0; i < messages.size(); ++i) {
      if (!messages[i].has_bind_to_port() || messages[i].bind_to_port().value() || handsOver()) continue;
      const base::FieldPath path = resources_.at("listeners", static_cast<size_t>(i));
      diagnostics_.warning(path.at("bind_to_port"),
                           "false, and no listener has use_original_dst: no connection comes here");
    }
  }

  // Whether some listener gives others what was going to them.
  bool handsOver() const {
    const auto& messages = bootstrap_.static_resources().listeners();
    return std::any_of(messages.begin(), messages.end(),
                       [](const auto& listener) { return listener.use_original_dst().value(); });
  }

  void claimListenerName(const std::string& name, const base::FieldPath& where, const base::FieldPath& owner) {
    const auto [first, fresh] = listener_names_.emplace(name, owner.text());
    if (fresh) return;
    diagnostics_.error(where, absl::StrCat("\"", name, "\" is the name of ", first->second,
                                           " already; names of listeners must differ"));
  }

  void claimAddress(const net::Address& address, const base::FieldPath& where, const base::FieldPath& owner) {
    if (address.isIp() && address.port() == 0) return;  // the kernel picks another for each
    const auto [first, fresh] = addresses_.emplace(address.text(), owner.text());
    if (fresh) return;
    diagnostics_.error(
        where, absl::StrCat(address.text(), " is an address of ", first->second, " already; addresses must differ"));
  }

  void compileAdmin(const base::FieldPath& path) {
    const xds::Admin& message = bootstrap_.admin();
    AdminPlan plan;
    if (message.has_address()) {
      auto bound = compileAddress(message.address(), diagnostics_, path.at("address"));
      if (!bound) return;
      plan.address = *std::move(bound);
    } else {
      plan.address.address = *net::Address::parseIp(kDefaultAdminIp, kDefaultAdminPort);
    }
    plan.address.options.reuse_port = false;
    if (plan.address.address.isWildcard()) {
      diagnostics_.warning(path.at("address"),
                           absl::StrCat(plan.address.address.text(),
                                        " opens the admin endpoint, which asks for no password, to every network of "
                                        "this machine; 127.0.0.1 keeps it inside"));
    }
    claimAddress(plan.address.address, path.at("address"), path);
    if (!message.profile_path().empty()) {
      diagnostics_.warning(path.at("profile_path"), "has no effect: there is no CPU profiler");
    }
    for (int i = 0; i < message.allow_paths_size(); ++i) {
      auto matcher = extensions::compileStringMatcher(message.allow_paths(i), diagnostics_,
                                                      path.at("allow_paths", static_cast<size_t>(i)));
      if (matcher) plan.allowed.push_back(*std::move(matcher));
    }
    compileAdminLogs(message, plan, path);
    config_->admin = std::move(plan);
  }

  void compileAdminLogs(const xds::Admin& message, AdminPlan& plan, const base::FieldPath& path) {
    const proxy::SessionContext session{context_.stats,
                                        diagnostics_,
                                        path,
                                        context_.clock,
                                        context_.extensions.http_filters,
                                        context_.extensions.access_logs,
                                        context_.sinks,
                                        cluster_problem_,
                                        context_.schema_only};
    plan.access_logs = extensions::compileAccessLogs(message.access_log(), session, path);
    if (message.access_log_path().empty()) return;
    const base::FieldPath log_path = path.at("access_log_path");
    auto format = extensions::LineFormat::text(extensions::kDefaultLogFormat, false, diagnostics_, log_path);
    auto log = extensions::makeLineLog(std::move(format), message.access_log_path(), session, log_path);
    if (log != nullptr) plan.access_logs.push_back(std::move(log));
  }

  const xds::Bootstrap& bootstrap_;
  const CompileContext& context_;
  base::Diagnostics& diagnostics_;
  const base::FieldPath root_;
  const base::FieldPath resources_;
  const extensions::Secrets secrets_;
  std::unique_ptr<ServerConfig> config_ = std::make_unique<ServerConfig>();
  std::set<std::string, std::less<>> cluster_names_;
  std::map<std::string, Aggregate> aggregates_;  // by name
  // Each with the path of the message that has it.
  std::map<std::string, std::string> listener_names_;
  std::map<std::string, std::string> addresses_;
  const std::function<std::string(std::string_view)> cluster_problem_ = [this](std::string_view name) {
    return context_.any_cluster || cluster_names_.contains(name) ? "" : noSuchCluster(name);
  };
};

}  // namespace

std::unique_ptr<ServerConfig> compileBootstrap(const xds::Bootstrap& bootstrap, const CompileContext& context,
                                               base::Diagnostics& diagnostics) {
  return BootstrapCompiler(bootstrap, context, diagnostics).compile();
}

}  // namespace weir::server
