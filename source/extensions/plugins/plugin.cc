#include "source/extensions/plugins/plugin.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/breadcrumb.h"
#include "source/base/check.h"
#include "source/base/log.h"
#include "source/base/strings.h"
#include "source/extensions/plugins/catalogue.h"
#include "source/extensions/plugins/config_source.h"
#include "source/extensions/plugins/sha256.h"
#include "source/extensions/plugins/worker_state.h"

namespace weir::extensions::plugins {
namespace {

void freeRoute(const Generation& generation, void* config) {
  const weir_http_filter* const http = generation.module->http();
  if (config != nullptr && http->route_config_free != nullptr) http->route_config_free(config);
}

std::string errorsOf(const base::Diagnostics& diagnostics) {
  std::string text;
  for (const base::Diagnostic& one : diagnostics.all()) {
    if (one.severity != base::Diagnostic::Severity::kError) continue;
    absl::StrAppend(&text, text.empty() ? "" : "; ", one.path, one.path.empty() ? "" : ": ", one.message);
  }
  return text;
}

}  // namespace

Generation::~Generation() {
  for (const auto& [route, made] : routes) freeRoute(*this, made);
  if (config == nullptr) return;
  if (module->http() != nullptr) {
    module->http()->config_free(config);
  } else {
    module->network()->config_free(config);
  }
}

Plugin::Plugin(Catalogue& catalogue, PluginSpec spec)
    : catalogue_(catalogue), locals_(std::make_unique<Local[]>(Catalogue::kWorkers)), spec_(std::move(spec)) {}

Plugin::~Plugin() {
  for (size_t i = 0; i < Catalogue::kWorkers; ++i) {
    if (locals_[i].current != nullptr) release(locals_[i].current);
  }
  collect();
}

absl::Status Plugin::checkKind(const Module& module) const {
  if (spec_.network ? module.network() != nullptr : module.http() != nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(module.origin(), ": \"", module.name(), "\" is ",
                                                 spec_.network ? "an HTTP filter; allowed here: a network filter"
                                                               : "a network filter; allowed here: an HTTP filter"));
}

absl::StatusOr<std::shared_ptr<const Module>> Plugin::loadModule(std::optional<FileState>& file) {
  absl::StatusOr<std::unique_ptr<Module>> module = absl::UnknownError("");
  if (file_.empty()) {
    module = Module::builtIn(spec_.name, catalogue_.builtIn(spec_.name), catalogue_.host());
  } else {
    const auto state = fileState(file_);
    if (!state.ok()) return state.status();
    file = *state;
    const auto bytes = readFile(file_);
    if (!bytes.ok()) return bytes.status();
    if (const std::string sum = spec_.sha256.empty() ? "" : sha256(*bytes); sum != spec_.sha256) {
      return absl::InvalidArgumentError(absl::StrCat(file_, " has the SHA-256 ", sum, "; allowed: ", spec_.sha256));
    }
    module = Module::load(file_, *bytes, catalogue_.host());
  }
  if (!module.ok()) return module.status();
  if (absl::Status status = checkKind(**module); !status.ok()) return status;
  if (!name_.empty() && (*module)->name() != name_) {
    return absl::InvalidArgumentError(
        absl::StrCat(file_, " calls itself \"", (*module)->name(), "\" now; allowed: \"", name_, "\", as before"));
  }
  return std::shared_ptr<const Module>(*std::move(module));
}

bool Plugin::load(base::Diagnostics& diagnostics, const base::FieldPath& path) {
  const base::FieldPath where = path.at(spec_.path.empty() ? "name" : "path");
  if (!spec_.path.empty()) {
    file_ = spec_.path;
  } else if (catalogue_.builtIn(spec_.name) == nullptr) {
    auto found = catalogue_.findFile(spec_.name);
    if (!found.ok()) {
      diagnostics.error(where, std::string(found.status().message()));
      return false;
    }
    file_ = *std::move(found);
  }
  std::optional<FileState> file;
  auto module = loadModule(file);
  if (!module.ok()) {
    diagnostics.error(where, std::string(module.status().message()));
    return false;
  }
  name_ = (*module)->name();
  defineCounters();
  const base::FieldPath configuration = path.at("configuration");
  std::shared_ptr<Generation> generation = makeGeneration(*std::move(module), diagnostics, configuration);
  if (generation == nullptr) return false;
  generation->file = file;
  publish(std::move(generation));
  return true;
}

std::shared_ptr<Generation> Plugin::makeGeneration(std::shared_ptr<const Module> module, base::Diagnostics& diagnostics,
                                                   const base::FieldPath& path) {
  auto generation = std::make_shared<Generation>();
  generation->number = ++last_generation_;
  generation->module = module;
  ConfigSource source(catalogue_, *module, spec_.configuration, &generation->metrics, diagnostics, path);
  if (!source.read(module->configType())) return nullptr;
  const base::BreadcrumbScope crumb(module->name().c_str(), "config_new");
  generation->config = spec_.network ? module->network()->config_new(&source) : module->http()->config_new(&source);
  if (generation->config == nullptr && !source.refused()) {
    source.error("", absl::StrCat("the plugin \"", module->name(), "\" of ", module->origin(),
                                  " could not be initialised with this configuration"));
  }
  return source.refused() ? nullptr : generation;
}

void Plugin::publish(std::shared_ptr<Generation> generation) {
  generations_.push_back(generation);
  const std::lock_guard lock(mutex_);
  latest_ = std::move(generation);
  version_.store(version_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

bool Plugin::refresh() {
  if (watched()) {
    const auto seen = fileState(file_);
    // A file that is gone for a moment, or being written, is looked at again.
    if (!seen.ok() || *seen == latest_->file || *seen == refused_) {
      resting_.reset();
    } else if (resting_ == *seen) {
      swap(*seen);
      resting_.reset();
    } else {
      resting_ = *seen;
    }
  }
  collect();
  if (generations_.size() > 1) catalogue_.forgetOld(*this);
  return resting_.has_value() || generations_.size() > 1;
}

void Plugin::swap(const FileState& seen) {
  std::optional<FileState> file;
  auto module = loadModule(file);
  base::Diagnostics diagnostics;
  std::shared_ptr<Generation> generation;
  if (module.ok()) {
    const base::FieldPath root;
    generation = makeGeneration(*std::move(module), diagnostics, root);
    if (generation != nullptr && !addRoutes(*generation, diagnostics)) generation.reset();
  }
  if (generation == nullptr) {
    refused_ = seen;
    catalogue_.countMain(counterId(Counter::kSwapFailures));
    LOG(kError, "plugin ", name_, ": the changed file is not taken, the one before stays: ",
        module.ok() ? errorsOf(diagnostics) : std::string(module.status().message()));
    return;
  }
  generation->file = file;
  LOG(kInfo, "plugin ", name_, ": version ", generation->module->version(), " of ", file_, " serves new streams");
  publish(std::move(generation));
  quarantined_until_.store(INT64_MIN, std::memory_order_relaxed);
  catalogue_.countMain(counterId(Counter::kSwaps));
}

bool Plugin::addRoutes(Generation& generation, base::Diagnostics& diagnostics) {
  const std::lock_guard lock(mutex_);
  const weir_http_filter* const http = generation.module->http();
  const size_t before = diagnostics.errors();
  const base::FieldPath root;
  for (RoutePlugin* const route : routes_) {
    ConfigSource source(catalogue_, *generation.module, route->configuration_, nullptr, diagnostics, root);
    if (http->route_config_new == nullptr || !source.read(generation.module->routeConfigType())) continue;
    void* const made = http->route_config_new(&source, generation.config);
    if (made == nullptr && !source.refused()) source.error("", "a route's configuration was refused");
    if (made != nullptr) generation.routes.emplace(route->number_, made);
  }
  return diagnostics.errors() == before;
}

void Plugin::collect() {
  std::vector<DeadRoute> dead;
  {
    const std::lock_guard lock(mutex_);
    dead.swap(dead_routes_);
  }
  for (const DeadRoute& route : dead) freeRoute(*route.generation, route.config);
  dead.clear();
  std::erase_if(generations_, [this](const auto& generation) {
    if (generation.use_count() > 1) return false;
    freeBorn(*generation);
    return true;
  });
}

// Those of routes that are still there go with the generation that they were made with.
void Plugin::freeBorn(const Generation& generation) {
  std::vector<void*> born;
  {
    const std::lock_guard lock(mutex_);
    for (RoutePlugin* const route : routes_) {
      if (route->born_in_ != generation.number || route->born_ == nullptr) continue;
      born.push_back(std::exchange(route->born_, nullptr));
    }
  }
  for (void* const config : born) freeRoute(generation, config);
}

std::unique_ptr<RoutePlugin> Plugin::makeRoute(const google::protobuf::Struct& configuration,
                                               base::Diagnostics& diagnostics, const base::FieldPath& path) {
  const Module& module = *latest_->module;
  ConfigSource source(catalogue_, module, configuration, nullptr, diagnostics, path);
  if (module.http()->route_config_new == nullptr) {
    if (configuration.fields_size() > 0) {
      source.error("", absl::StrCat("the plugin \"", name_, "\" takes no configuration for a route"));
      return nullptr;
    }
  } else if (!source.read(module.routeConfigType())) {
    return nullptr;
  }
  void* made = nullptr;
  if (module.http()->route_config_new != nullptr) {
    const base::BreadcrumbScope crumb(name_.c_str(), "route_config_new");
    made = module.http()->route_config_new(&source, latest_->config);
    if (made == nullptr && !source.refused()) {
      source.error("", absl::StrCat("the plugin \"", name_, "\" could not be initialised with this configuration"));
    }
  }
  const std::lock_guard lock(mutex_);
  if (source.refused()) {
    if (made != nullptr) dead_routes_.push_back({latest_, made});
    return nullptr;
  }
  auto route = std::make_unique<RoutePlugin>(catalogue_.shared(*this), next_route_++, configuration);
  route->born_in_ = latest_->number;
  route->generation_ = latest_;
  route->born_ = made;
  routes_.push_back(route.get());
  return route;
}

void Plugin::renew(Local& local) {
  std::shared_ptr<const Generation> latest;
  {
    const std::lock_guard lock(mutex_);
    latest = latest_;
    local.version = version_.load(std::memory_order_relaxed);
  }
  if (Hold* const old = std::exchange(local.current, new Hold(std::move(latest)))) release(old);
}

void Plugin::forgetOld(WorkerState& state) {
  if (locals_[state.worker().index].current != nullptr) release(acquire(state.worker()));
}

void Plugin::onFailure(const net::WorkerContext& worker) {
  count(worker, Counter::kFailures);
  const QuarantineRule& rule = spec_.quarantine;
  if (rule.max_failures == 0) return;
  const base::MonotonicTime now = worker.dispatcher.now();
  const std::lock_guard lock(failures_mutex_);
  std::erase_if(failures_, [&](int64_t then) { return base::MonotonicTime{then} + rule.window <= now; });
  failures_.push_back(now.nanoseconds);
  if (failures_.size() < rule.max_failures) return;
  failures_.clear();
  quarantined_until_.store((now + rule.hold).nanoseconds, std::memory_order_relaxed);
  LOG(kError, "plugin ", name_, ": ", rule.max_failures, " failures within ", absl::FormatDuration(rule.window),
      "; for ", absl::FormatDuration(rule.hold), " it is not called, and streams ", rule.open ? "pass" : "are refused");
}

void Plugin::defineCounters() {
  static constexpr std::array<std::string_view, static_cast<size_t>(Counter::kCount)> kNames = {
      "failures", "quarantined", "invalid_calls", "swaps", "swap_failures"};
  for (size_t i = 0; i < kNames.size(); ++i) {
    const auto metric = catalogue_.metric(name_, kNames[i], Metric::Kind::kCounter);
    CHECK(metric.ok(), "the names of our own counters are allowed, and counters");
    counters_[i] = {metric->index};
  }
}

RoutePlugin::RoutePlugin(std::shared_ptr<Plugin> plugin, uint64_t number, google::protobuf::Struct configuration)
    : plugin_(std::move(plugin)), number_(number), configuration_(std::move(configuration)) {}

RoutePlugin::~RoutePlugin() {
  const std::lock_guard lock(plugin_->mutex_);
  std::erase(plugin_->routes_, this);
  if (born_ != nullptr) plugin_->dead_routes_.push_back({generation_.lock(), born_});
}

void* RoutePlugin::configFor(const Generation& generation) const {
  if (generation.number == born_in_) return born_;
  const auto found = generation.routes.find(number_);
  return found == generation.routes.end() ? nullptr : found->second;
}

}  // namespace weir::extensions::plugins
