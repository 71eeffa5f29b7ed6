// WorkerThread: a Worker on a thread of its own, over libevent and the kernel's sockets. Made by the Server on the main
// thread, which gives the worker its sockets, then runs it and, at the end, stops it.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <thread>

#include "source/base/clock.h"
#include "source/event/dispatcher.h"
#include "source/event/libevent_poller.h"
#include "source/net/kernel_network.h"
#include "source/server/worker.h"

namespace weir::server {

class WorkerThread {
 public:
  // All outlive it.
  WorkerThread(unsigned index, const base::Clock& clock, stats::Registry& stats,
               upstream::SharedLimit& connection_limit, const ServerConfig& config);
  // Stops, and waits for the thread.
  ~WorkerThread();

  // The worker itself. Before run() for the main thread; after it only through post().
  Worker& worker() { return worker_; }
  // Starts the thread. Once.
  void run();
  // Runs `fn` on the thread.
  void post(std::function<void()> fn) { dispatcher_.post(std::move(fn)); }

 private:
  event::LibeventPoller poller_;
  net::KernelNetwork network_;
  event::Dispatcher dispatcher_;
  Worker worker_;
  std::thread thread_;
};

}  // namespace weir::server
