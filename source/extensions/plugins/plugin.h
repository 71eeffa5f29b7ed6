// Plugin: one configured plugin filter: where it comes from, what it was given, the generation that new streams get,
// and its failures. Made by the Catalogue on the main thread, which also destroys it; used by the workers while they
// make streams. Generation: one version of it, with its configuration made. Hold: how a worker keeps a generation.
//
//   the file changes -> refresh() makes a new generation, or keeps the old one -> each worker sees the new version
//   number at its next stream and lets go of the old Hold, which ends with its last stream -> collect() frees the
//   generation
#pragma once

#include <google/protobuf/struct.pb.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "source/base/clock.h"
#include "source/base/diagnostics.h"
#include "source/extensions/plugins/module.h"
#include "source/filter/http_filter.h"
#include "source/net/worker_context.h"
#include "source/stats/stats.h"

namespace weir::extensions::plugins {

class Catalogue;
class Plugin;
class RoutePlugin;
class WorkerState;

struct Metric {
  enum class Kind : uint8_t { kCounter, kGauge, kHistogram };
  Kind kind;
  uint32_t index;  // of the id of that kind
};

// Immutable once it is given out, but for its end.
struct Generation {
  ~Generation();  // main thread

  std::shared_ptr<const Module> module;
  uint64_t number = 0;  // of its plugin, from 1
  void* config = nullptr;
  std::vector<Metric> metrics;  // by the numbers that the plugin was given
  // The configurations of the routes that were there when it was made, by the number of the RoutePlugin.
  std::unordered_map<uint64_t, void*> routes;
  std::optional<FileState> file;
};

// Counted by hand, as one worker alone uses it.
struct Hold {
  explicit Hold(std::shared_ptr<const Generation> of)
      : generation(std::move(of)), http(generation->module->http()), config(generation->config) {}

  const std::shared_ptr<const Generation> generation;
  // What each stream needs of it.
  const weir_http_filter* const http;  // null for network filters
  void* const config;
  size_t users = 1;  // its streams, and the worker's own
};

struct QuarantineRule {
  uint32_t max_failures = 10;  // 0: never
  absl::Duration window = absl::Seconds(10);
  absl::Duration hold = absl::Seconds(30);
  bool open = false;
};

// What a filter's configuration message says.
struct PluginSpec {
  bool network = false;
  std::string path;  // or name
  std::string name;
  std::string sha256;  // empty: any
  google::protobuf::Struct configuration;
  QuarantineRule quarantine;
  bool load_once = false;
};

class Plugin {
 public:
  Plugin(Catalogue& catalogue, PluginSpec spec);
  ~Plugin();
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  // --- main thread
  // Loads it and makes its first generation. False after errors.
  bool load(base::Diagnostics& diagnostics, const base::FieldPath& path);
  // Loads it again when its file has changed and has been at rest since the last call. True: call it again soon, as the
  // file is not at rest, or an old generation is in use.
  bool refresh();
  // Frees what no route and no worker uses any more.
  void collect();
  // The configuration for a route. Null after errors.
  std::unique_ptr<RoutePlugin> makeRoute(const google::protobuf::Struct& configuration, base::Diagnostics& diagnostics,
                                         const base::FieldPath& path);
  const Module& module() const { return *latest_->module; }
  const PluginSpec& spec() const { return spec_; }
  Catalogue& catalogue() const { return catalogue_; }
  // The plugin's own name; the same for all its generations.
  const std::string& name() const { return name_; }
  const std::string& file() const { return file_; }
  bool watched() const { return !file_.empty() && !spec_.load_once; }

  // --- workers
  // The newest generation, counted. release() it on the same worker.
  Hold* acquire(const net::WorkerContext& worker) {
    Local& local = locals_[worker.index];
    if (local.version != version_.load(std::memory_order_acquire)) renew(local);
    ++local.current->users;
    return local.current;
  }
  static void release(Hold* hold) {
    if (--hold->users == 0) delete hold;
  }
  // Lets go of an old generation that this worker keeps for its next stream.
  void forgetOld(WorkerState& state);

  enum class Counter : uint8_t { kFailures, kQuarantined, kInvalidCalls, kSwaps, kSwapFailures, kCount };
  void count(const net::WorkerContext& worker, Counter counter) { worker.stats.add(counterId(counter)); }
  void onFailure(const net::WorkerContext& worker);
  bool quarantined(const net::WorkerContext& worker) const {
    return worker.dispatcher.now().nanoseconds < quarantined_until_.load(std::memory_order_relaxed);
  }

 private:
  friend class RoutePlugin;
  struct Local {
    uint64_t version = 0;
    Hold* current = nullptr;
  };
  struct DeadRoute {
    std::shared_ptr<const Generation> generation;
    void* config;
  };

  void renew(Local& local);
  absl::StatusOr<std::shared_ptr<const Module>> loadModule(std::optional<FileState>& file);
  std::shared_ptr<Generation> makeGeneration(std::shared_ptr<const Module> module, base::Diagnostics& diagnostics,
                                             const base::FieldPath& path);
  // The same for the routes that are there; false after errors.
  bool addRoutes(Generation& generation, base::Diagnostics& diagnostics);
  void publish(std::shared_ptr<Generation> generation);
  void freeBorn(const Generation& generation);
  void swap(const FileState& seen);
  absl::Status checkKind(const Module& module) const;
  void defineCounters();
  stats::CounterId counterId(Counter counter) const { return counters_[static_cast<size_t>(counter)]; }

  // What each stream looks at stands together.
  Catalogue& catalogue_;
  std::string name_;
  std::unique_ptr<Local[]> locals_;  // by worker
  std::atomic<uint64_t> version_{0};
  std::atomic<int64_t> quarantined_until_{INT64_MIN};

  const PluginSpec spec_;
  std::string file_;  // where it was found; empty when built in
  std::array<stats::CounterId, static_cast<size_t>(Counter::kCount)> counters_;
  std::optional<FileState> resting_;  // a changed file that was seen once
  std::optional<FileState> refused_;  // the last state that could not be loaded

  std::mutex mutex_;  // guards latest_, routes_ and dead_routes_
  std::shared_ptr<const Generation> latest_;
  std::vector<std::shared_ptr<const Generation>> generations_;  // main thread: all that live
  std::vector<RoutePlugin*> routes_;
  std::vector<DeadRoute> dead_routes_;
  uint64_t next_route_ = 1;
  uint64_t last_generation_ = 0;

  std::mutex failures_mutex_;
  std::vector<int64_t> failures_;  // when, within the window; guarded by failures_mutex_
};

// The configuration of a plugin on a route. Belongs to the route, which may end on any thread.
class RoutePlugin {
 public:
  RoutePlugin(std::shared_ptr<Plugin> plugin, uint64_t number, google::protobuf::Struct configuration);
  ~RoutePlugin();

  // What that generation made of it; null when it knows nothing of this route.
  void* configFor(const Generation& generation) const;

 private:
  friend class Plugin;
  const std::shared_ptr<Plugin> plugin_;
  const uint64_t number_;
  const google::protobuf::Struct configuration_;
  uint64_t born_in_ = 0;  // number of the generation that there was when it was made
  std::weak_ptr<const Generation> generation_;
  // What that one made of it. It ends with the generation, which lives as long as this is not null; streams of others
  // do not look here.
  void* born_ = nullptr;
};

}  // namespace weir::extensions::plugins
