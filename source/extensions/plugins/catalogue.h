// Catalogue: all plugins of a process: finds and loads modules, makes the configured plugins, and changes them when
// their files do. Made with the registry of extensions and destroyed with it, after all configurations and workers;
// main thread, except where it says otherwise.
#pragma once

#include <google/protobuf/message.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "source/extensions/plugins/abi.h"
#include "source/extensions/plugins/plugin.h"
#include "source/extensions/plugins/worker_state.h"

namespace weir::extensions::plugins {

// Reads a configuration into a message, whose type need not be one that weir was built with, and checks its rules.
using StructReader = std::function<void(const google::protobuf::Struct&, google::protobuf::Message& out,
                                        base::Diagnostics&, const base::FieldPath&)>;

struct Setup {
  std::vector<std::string> search_path;  // folders
  StructReader read_struct;              // none: plugins that bring their own messages are refused
  std::vector<BuiltInPlugin> built_in;
};

class Catalogue {
 public:
  explicit Catalogue(Setup setup);
  ~Catalogue();
  Catalogue(const Catalogue&) = delete;
  Catalogue& operator=(const Catalogue&) = delete;

  // A configured plugin. Null after errors, which are reported below `path`. `stats` must outlive the catalogue's last
  // stream, and be the same one each time.
  std::shared_ptr<Plugin> make(PluginSpec spec, stats::Registry& stats, base::Diagnostics& diagnostics,
                               const base::FieldPath& path);

  // Looks at the files of the plugins: one that changed and is at rest is loaded for new streams. Frees what is no
  // longer in use. While the workers run, when a file has changed, and soon again as long as it says so: a file is not
  // at rest yet, or an old version is in use.
  bool refresh();
  // The files of plugins that are loaded again when they change.
  std::vector<std::string> watchedFiles() const;
  bool empty() const { return plugins_.empty(); }

  const weir_host_api& host() const { return host_; }
  const Setup& setup() const { return setup_; }
  stats::Registry& stats() const { return *stats_; }
  // The file of a plugin by that name, or why there is none.
  absl::StatusOr<std::string> findFile(const std::string& name) const;
  weir_plugin_entry_fn builtIn(std::string_view name) const;

  std::shared_ptr<Plugin> shared(const Plugin& plugin) const;
  // Has every worker let go of the generations that it keeps only for its next stream.
  void forgetOld(Plugin& plugin);

  // The id of a metric of plugins; the error says what is wrong with its name or kind.
  absl::StatusOr<Metric> metric(std::string_view plugin, std::string_view name, Metric::Kind kind);

  // --- any thread
  // The state of a worker; made at its first call, which is on its thread.
  WorkerState& stateOf(const net::WorkerContext& worker) {
    WorkerState* const known =
        worker.index < kWorkers ? states_[worker.index].load(std::memory_order_acquire) : nullptr;
    return known != nullptr ? *known : makeState(worker);
  }
  void countStale();
  void countMain(stats::CounterId counter);

  static constexpr size_t kWorkers = 1025;  // as many as there can be, and the admin endpoint

 private:
  WorkerState& makeState(const net::WorkerContext& worker);

  const Setup setup_;
  const weir_host_api& host_;
  stats::Registry* stats_ = nullptr;
  std::vector<std::shared_ptr<Plugin>> plugins_;
  std::map<std::string, Metric::Kind, std::less<>> metrics_;
  std::unique_ptr<std::atomic<WorkerState*>[]> states_;
  std::mutex counting_mutex_;  // guards the writing of shard_
  stats::Shard* shard_ = nullptr;
  stats::CounterId stale_;
};

}  // namespace weir::extensions::plugins
