#include "source/server/log/log_writer.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "source/base/check.h"
#include "source/base/log.h"

namespace weir::server {
namespace {

constexpr int kBatchMs = 100;
// Tenths of a second that a stuck pipe is waited for at the end.
constexpr int kStallsAtEnd = 20;
// Pieces of one file that are gathered before they are written.
constexpr size_t kPiecesPerWrite = 512;

}  // namespace

class LogWriter::Sink final : public filter::LogSink {
 public:
  Sink(LogWriter& writer, uint32_t number) : writer_(writer), number_(number) {}
  void write(const net::WorkerContext& worker, std::string_view line) override {
    writer_.enqueue(number_, worker, line);
  }

 private:
  LogWriter& writer_;
  const uint32_t number_;
};

LogWriter::LogWriter(stats::Registry& registry, unsigned workers, size_t ring_bytes)
    : shard_(registry.makeShard()),
      dropped_(registry.counter({"server", "", "access_log_dropped"})),
      written_(registry.counter({"filesystem", "", "write_completed"})),
      failed_(registry.counter({"filesystem", "", "write_failed"})),
      reopened_(registry.counter({"filesystem", "", "reopened"})),
      reopen_failed_(registry.counter({"filesystem", "", "reopen_failed"})),
      wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  CHECK(wake_fd_ >= 0, "a process that starts has a descriptor left");
  for (unsigned i = 0; i < workers; ++i) rings_.push_back(std::make_unique<LogRing>(ring_bytes));
  // Signals are for the main thread.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { runWriter(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

LogWriter::~LogWriter() {
  ending_.store(true);
  request(kStop);
  thread_.join();
  ::close(wake_fd_);
}

absl::StatusOr<filter::LogSink*> LogWriter::open(std::string_view path) {
  const std::lock_guard<std::mutex> lock(files_mutex_);
  for (size_t i = 0; i < files_.size(); ++i) {
    if (files_[i]->file->path() == path) return sinks_[i].get();
  }
  auto file = LogFile::open(path);
  if (!file.ok()) return file.status();
  auto opened = std::make_unique<Opened>();
  opened->file = *std::move(file);
  files_.push_back(std::move(opened));
  sinks_.push_back(std::make_unique<Sink>(*this, static_cast<uint32_t>(sinks_.size())));
  return sinks_.back().get();
}

void LogWriter::enqueue(uint32_t sink, const net::WorkerContext& worker, std::string_view line) {
  CHECK(worker.index < rings_.size(), "a worker that the writer was made for");
  LogRing& ring = *rings_[worker.index];
  if (!ring.push(sink, line)) {
    worker.stats.add(dropped_);
    return;
  }
  // Asleep: this is the first line. Else the writer comes by itself, but for a ring that fills up too fast.
  const size_t queued = ring.queued();
  const bool half_full = queued > ring.capacity() / 2 && queued - line.size() <= ring.capacity() / 2 + 16;
  if (sleeping_.load(std::memory_order_seq_cst) || half_full) request(kLines);
}

void LogWriter::request(uint32_t what) {
  if ((requests_.fetch_or(what) & what) == what) return;  // asked for already
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the thread wakes anyway.
  (void)!::write(wake_fd_, &one, sizeof one);
}

void LogWriter::reopen() { request(kReopen); }

void LogWriter::flush() {
  std::unique_lock<std::mutex> lock(flush_mutex_);
  const uint64_t mine = ++flush_wanted_;
  request(kFlush);
  flushed_.wait(lock, [&] { return flush_done_ >= mine; });
}

uint32_t LogWriter::waitForWork(bool idle) {
  pollfd wake{wake_fd_, POLLIN, 0};
  if (idle) {
    sleeping_.store(true, std::memory_order_seq_cst);
    bool empty = true;
    for (const auto& ring : rings_) empty = empty && ring->empty();
    if (empty) ::poll(&wake, 1, -1);
    sleeping_.store(false, std::memory_order_seq_cst);
  } else {
    ::poll(&wake, 1, kBatchMs);
  }
  uint64_t count;
  (void)!::read(wake_fd_, &count, sizeof count);
  return requests_.exchange(0);
}

void LogWriter::runWriter() {
  bool idle = false;
  while (true) {
    const uint32_t requests = waitForWork(idle);
    uint64_t flush_up_to;
    {
      const std::lock_guard<std::mutex> lock(flush_mutex_);
      flush_up_to = flush_wanted_;
    }
    idle = !drainRings();
    if (requests & kReopen) reopenFiles();
    if (requests & kFlush) {
      const std::lock_guard<std::mutex> lock(flush_mutex_);
      flush_done_ = flush_up_to;
      flushed_.notify_all();
    }
    if (requests & kStop) return;
  }
}

bool LogWriter::drainRings() {
  const std::lock_guard<std::mutex> lock(files_mutex_);
  bool any = false;
  for (const auto& ring : rings_) {
    if (ring->empty()) continue;
    any = true;
    drainRing(*ring);
  }
  return any;
}

void LogWriter::drainRing(LogRing& ring) {
  const auto gather = [this](uint32_t sink, std::string_view first, std::string_view second) {
    Opened& opened = *files_[sink];
    for (const std::string_view piece : {first, second}) {
      if (!piece.empty()) opened.pieces.push_back({const_cast<char*>(piece.data()), piece.size()});
    }
    if (opened.pieces.size() >= kPiecesPerWrite) writeOut(opened);
  };
  const uint64_t mark = ring.peek(gather);
  for (const auto& opened : files_) writeOut(*opened);
  ring.release(mark);
}

void LogWriter::writeOut(Opened& opened) {
  if (opened.pieces.empty()) return;
  const auto give_up = [this] { return ending_.load() && ++stalls_at_end_ > kStallsAtEnd; };
  const absl::Status status = opened.file->write(std::span<iovec>(opened.pieces), give_up);
  opened.pieces.clear();
  shard_.add(status.ok() ? written_ : failed_);
}

void LogWriter::reopenFiles() {
  const std::lock_guard<std::mutex> lock(files_mutex_);
  for (const auto& opened : files_) {
    const absl::Status status = opened->file->reopen();
    if (status.ok()) {
      shard_.add(reopened_);
      continue;
    }
    shard_.add(reopen_failed_);
    LOG(kError, status.message(), "; the old file is kept");
  }
}

}  // namespace weir::server
