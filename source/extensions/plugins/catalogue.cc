#include "source/extensions/plugins/catalogue.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "source/base/check.h"
#include "source/base/strings.h"
#include "source/extensions/plugins/host_api.h"

namespace weir::extensions::plugins {
namespace {

bool isMetricName(std::string_view name) {
  return !name.empty() && name.size() <= 128 && name.front() != '.' && name.back() != '.' &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.'; });
}

}  // namespace

Catalogue::Catalogue(Setup setup)
    : setup_(std::move(setup)), host_(hostApi()), states_(std::make_unique<std::atomic<WorkerState*>[]>(kWorkers)) {}

Catalogue::~Catalogue() {
  plugins_.clear();
  for (size_t i = 0; i < kWorkers; ++i) delete states_[i].load(std::memory_order_relaxed);
}

std::shared_ptr<Plugin> Catalogue::make(PluginSpec spec, stats::Registry& stats, base::Diagnostics& diagnostics,
                                        const base::FieldPath& path) {
  if (stats_ == nullptr) {
    stats_ = &stats;
    shard_ = &stats.makeShard();
    stale_ = stats.counter({"plugin", "", "stale_calls"});
  }
  CHECK(stats_ == &stats, "a catalogue belongs to one process, which has one registry of metrics");
  auto plugin = std::make_shared<Plugin>(*this, std::move(spec));
  if (!plugin->load(diagnostics, path)) return nullptr;
  plugins_.push_back(plugin);
  return plugin;
}

bool Catalogue::refresh() {
  std::erase_if(plugins_, [](const auto& plugin) { return plugin.use_count() == 1; });
  bool again = false;
  for (const auto& plugin : plugins_) again = plugin->refresh() || again;
  return again;
}

std::vector<std::string> Catalogue::watchedFiles() const {
  std::vector<std::string> files;
  for (const auto& plugin : plugins_) {
    if (plugin->watched()) files.push_back(plugin->file());
  }
  return files;
}

std::shared_ptr<Plugin> Catalogue::shared(const Plugin& plugin) const {
  for (const auto& one : plugins_) {
    if (one.get() == &plugin) return one;
  }
  CHECK(false, "a plugin that routes are made for is one of the catalogue's");
  return nullptr;
}

absl::StatusOr<std::string> Catalogue::findFile(const std::string& name) const {
  std::vector<std::string> tried;
  for (const std::string& folder : setup_.search_path) {
    tried.push_back(absl::StrCat(folder, "/", name, ".so"));
    if (fileState(tried.back()).ok()) return tried.back();
  }
  std::vector<std::string> known;
  for (const BuiltInPlugin& one : setup_.built_in) known.emplace_back(one.name);
  return absl::NotFoundError(absl::StrCat("\"", name, "\" is no plugin that is built in (",
                                          known.empty() ? "none" : absl::StrJoin(known, ", "), "), and ",
                                          tried.empty() ? "no --plugin-path was given to look for its file"
                                                        : absl::StrCat("there is no ", absl::StrJoin(tried, " or "))));
}

weir_plugin_entry_fn Catalogue::builtIn(std::string_view name) const {
  for (const BuiltInPlugin& one : setup_.built_in) {
    if (one.name == name) return one.entry;
  }
  return nullptr;
}

absl::StatusOr<Metric> Catalogue::metric(std::string_view plugin, std::string_view name, Metric::Kind kind) {
  if (!isMetricName(name)) return absl::InvalidArgumentError("a name of a metric is made of [a-z0-9_.]");
  const std::string key = absl::StrCat(base::av(plugin), ".", base::av(name));
  const auto [found, fresh] = metrics_.emplace(key, kind);
  if (!fresh && found->second != kind) return absl::AlreadyExistsError("a metric of that name is of another kind");
  const stats::Name full{"plugin", plugin, name};
  switch (kind) {
    case Metric::Kind::kCounter:
      return Metric{kind, stats_->counter(full).index};
    case Metric::Kind::kGauge:
      return Metric{kind, stats_->gauge(full).index};
    case Metric::Kind::kHistogram:
      break;
  }
  return Metric{kind, stats_->histogram(full).index};
}

WorkerState& Catalogue::makeState(const net::WorkerContext& worker) {
  CHECK(worker.index < kWorkers, "there are at most 1024 workers");
  auto* const state = new WorkerState(host_, *this, worker);
  states_[worker.index].store(state, std::memory_order_release);
  return *state;
}

void Catalogue::forgetOld(Plugin& plugin) {
  for (size_t i = 0; i < kWorkers; ++i) {
    WorkerState* const state = states_[i].load(std::memory_order_acquire);
    if (state == nullptr) continue;
    state->worker().dispatcher.post([state, kept = shared(plugin)] { kept->forgetOld(*state); });
  }
}

void Catalogue::countStale() {
  if (shard_ == nullptr) return;
  const std::lock_guard lock(counting_mutex_);
  shard_->add(stale_);
}

void Catalogue::countMain(stats::CounterId counter) {
  const std::lock_guard lock(counting_mutex_);
  shard_->add(counter);
}

}  // namespace weir::extensions::plugins
