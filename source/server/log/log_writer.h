// LogWriter: takes access log lines from the workers and writes them to files on a thread of its own (law 16). Made at
// start, before the configuration is compiled, which opens the files through it; destroyed after the workers, writing
// what is left. Each worker has one ring for all its lines, so that lines of one worker keep their order; when it is
// full, lines are dropped and counted. A full disk or a stuck pipe stops no worker.
//
// The thread sleeps while nothing is logged. The first line wakes it; while lines come it writes every 100 ms or when a
// ring is half full. open() is for the main thread before any line is written; reopen() and flush() for any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "source/proxy/session_factory.h"
#include "source/server/log/log_file.h"
#include "source/server/log/log_ring.h"
#include "source/stats/stats.h"

namespace weir::server {

class LogWriter final : public proxy::LogSinks {
 public:
  static constexpr size_t kRingBytes = 256 * 1024;

  // Lines come from workers with an index below `workers`. `registry` must outlive it.
  LogWriter(stats::Registry& registry, unsigned workers, size_t ring_bytes = kRingBytes);
  // Writes what is queued, for at most two seconds where a pipe takes nothing.
  ~LogWriter() override;
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  absl::StatusOr<filter::LogSink*> open(std::string_view path) override;

  // Opens every file again under its path, soon; what was queued before goes to the old files.
  void reopen();
  // Returns when what was queued before the call is written or given up.
  void flush();

 private:
  class Sink;
  struct Opened {
    std::unique_ptr<LogFile> file;
    std::vector<iovec> pieces;  // of one pass, of the writer thread
  };
  // What the thread waits for, and what it was asked for; each bit is set by others and taken by the thread.
  enum Request : uint32_t { kLines = 1, kReopen = 2, kFlush = 4, kStop = 8 };

  void enqueue(uint32_t sink, const net::WorkerContext& worker, std::string_view line);
  void request(uint32_t what);
  void runWriter();
  uint32_t waitForWork(bool idle);
  bool drainRings();
  void drainRing(LogRing& ring);
  void writeOut(Opened& opened);
  void reopenFiles();

  stats::Shard& shard_;  // of the writer thread
  const stats::CounterId dropped_;
  const stats::CounterId written_;
  const stats::CounterId failed_;
  const stats::CounterId reopened_;
  const stats::CounterId reopen_failed_;

  std::vector<std::unique_ptr<LogRing>> rings_;
  std::mutex files_mutex_;                      // guards the two below; workers never take it
  std::vector<std::unique_ptr<Opened>> files_;  // by the number of the sink
  std::vector<std::unique_ptr<Sink>> sinks_;

  const int wake_fd_;
  std::atomic<uint32_t> requests_{0};
  std::atomic<bool> sleeping_{false};
  std::mutex flush_mutex_;
  std::condition_variable flushed_;
  uint64_t flush_wanted_ = 0;  // guarded by flush_mutex_
  uint64_t flush_done_ = 0;    // guarded by flush_mutex_
  std::atomic<bool> ending_{false};
  int stalls_at_end_ = 0;  // of the writer thread
  std::thread thread_;
};

}  // namespace weir::server
