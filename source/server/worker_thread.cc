#include "source/server/worker_thread.h"

#include <pthread.h>
#include <signal.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace weir::server {

WorkerThread::WorkerThread(unsigned index, const base::Clock& clock, stats::Registry& stats,
                           upstream::SharedLimit& connection_limit, const ServerConfig& config)
    : network_(poller_),
      dispatcher_(poller_, clock),
      worker_(index, {dispatcher_, network_, stats, base::Random::entropy(), connection_limit}, config.clusters,
              config.listeners) {}

WorkerThread::~WorkerThread() {
  if (!thread_.joinable()) return;
  dispatcher_.stop();
  thread_.join();
}

void WorkerThread::run() {
  // Signals are for the main thread.
  sigset_t all, before;
  ::sigfillset(&all);
  // What a thread does wrong itself is reported before it ends the process (source/base/breadcrumb.h).
  for (const int fatal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL}) ::sigdelset(&all, fatal);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { dispatcher_.run(); });
  ::pthread_setname_np(thread_.native_handle(), absl::StrCat("weir:w", worker_.index()).c_str());
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace weir::server
