// AccessLog: one configured logger. Made at load, immutable, shared by workers. log() formats on the worker and hands
// the line to a LogSink, which queues it for the writer thread and never waits (law 16).
#pragma once

#include <memory>
#include <string_view>

#include "source/filter/filter_times.h"
#include "source/filter/stream_info.h"
#include "source/net/worker_context.h"

namespace weir::filter {

// Where lines go: a file, stdout or stderr. Owned by the server's log writer; safe to use from any worker.
class LogSink {
 public:
  virtual ~LogSink() = default;
  // `line` ends with a newline. Queued for the writer; dropped and counted when the worker's queue is full.
  virtual void write(const net::WorkerContext& worker, std::string_view line) = 0;
};

class AccessLog {
 public:
  virtual ~AccessLog() = default;
  virtual void log(const StreamInfo& info, const net::WorkerContext& worker) const = 0;
  // At load: adds the filters whose times it writes down.
  virtual void wantFilterTimes(FilterTimesWanted&) const {}
};

}  // namespace weir::filter
