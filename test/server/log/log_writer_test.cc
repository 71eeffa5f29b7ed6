#include "source/server/log/log_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "source/server/log/log_file.h"
#include "test/harness/sim/sim_network.h"
#include "test/harness/sim/simulation.h"

namespace weir::server {
namespace {

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// What a worker brings along: its number and its counters are all that a sink looks at.
class FakeWorker {
 public:
  FakeWorker(stats::Registry& registry, unsigned index)
      : context{simulation_.addDispatcher(), network_, blocks_, chunks_, random_, registry.makeShard(), index} {}

 private:
  harness::Simulation simulation_;
  harness::SimWire wire_{simulation_};
  harness::SimNetwork network_{wire_, simulation_.addDispatcher()};
  buffer::BlockPool blocks_;
  base::ChunkPool chunks_;
  base::Random random_{1};

 public:
  const net::WorkerContext context;
};

class LogWriterTest : public testing::Test {
 protected:
  std::string path(const std::string& name) {
    const std::string full = absl::StrCat(testing::TempDir(), "/", name);
    ::unlink(full.c_str());
    return full;
  }
  uint64_t counter(const std::string& name) { return registry_.counterValue(name).value_or(0); }

  stats::Registry registry_;
};

TEST_F(LogWriterTest, WritesTheLinesOfAWorkerInOrder) {
  const std::string file = path("order.log");
  std::string expected;
  {
    LogWriter writer(registry_, 1);
    FakeWorker worker(registry_, 0);
    filter::LogSink* const sink = *writer.open(file);
    for (int i = 0; i < 1000; ++i) {
      const std::string line = absl::StrCat("line ", i, "\n");
      expected += line;
      sink->write(worker.context, line);
    }
    writer.flush();
    EXPECT_EQ(read(file), expected);
    EXPECT_GT(counter("filesystem.write_completed"), 0u);
  }
  EXPECT_EQ(read(file), expected);
  EXPECT_EQ(counter("server.access_log_dropped"), 0u);
}

TEST_F(LogWriterTest, ALineReachesTheFileWithoutFurtherLoad) {
  const std::string file = path("alone.log");
  LogWriter writer(registry_, 1);
  FakeWorker worker(registry_, 0);
  filter::LogSink* const sink = *writer.open(file);
  for (const std::string& line : {std::string("first\n"), std::string("second\n")}) {
    sink->write(worker.context, line);
    // Nothing else is logged and nobody flushes; the writer was asleep.
    while (read(file).find(line) == std::string::npos) std::this_thread::yield();
  }
  EXPECT_EQ(read(file), "first\nsecond\n");
}

TEST_F(LogWriterTest, WritesWhatIsLeftAtTheEnd) {
  const std::string file = path("end.log");
  {
    LogWriter writer(registry_, 1);
    FakeWorker worker(registry_, 0);
    (*writer.open(file))->write(worker.context, "last\n");
  }
  EXPECT_EQ(read(file), "last\n");
}

TEST_F(LogWriterTest, AppendsToWhatIsThere) {
  const std::string file = path("append.log");
  std::ofstream(file) << "before\n";
  {
    LogWriter writer(registry_, 1);
    FakeWorker worker(registry_, 0);
    (*writer.open(file))->write(worker.context, "after\n");
  }
  EXPECT_EQ(read(file), "before\nafter\n");
}

TEST_F(LogWriterTest, TheSamePathIsTheSameSink) {
  LogWriter writer(registry_, 1);
  const std::string file = path("same.log");
  EXPECT_EQ(*writer.open(file), *writer.open(file));
  EXPECT_NE(*writer.open(file), *writer.open(path("other.log")));
}

TEST_F(LogWriterTest, AFileThatCannotBeOpenedIsAnErrorThatNamesIt) {
  LogWriter writer(registry_, 1);
  const std::string file = absl::StrCat(testing::TempDir(), "/no/such/folder/a.log");
  const auto sink = writer.open(file);
  ASSERT_FALSE(sink.ok());
  EXPECT_EQ(sink.status().message(), absl::StrCat("cannot open \"", file, "\": No such file or directory"));
}

TEST_F(LogWriterTest, ReopeningWritesToANewFileAfterARotation) {
  const std::string file = path("rotate.log");
  const std::string old = path("rotate.log.1");
  LogWriter writer(registry_, 1);
  FakeWorker worker(registry_, 0);
  filter::LogSink* const sink = *writer.open(file);
  sink->write(worker.context, "before\n");
  writer.flush();
  ASSERT_EQ(std::rename(file.c_str(), old.c_str()), 0);
  sink->write(worker.context, "between\n");
  writer.reopen();
  writer.flush();
  sink->write(worker.context, "after\n");
  writer.flush();
  EXPECT_EQ(read(old), "before\nbetween\n");
  EXPECT_EQ(read(file), "after\n");
  EXPECT_EQ(counter("filesystem.reopened"), 1u);
}

TEST_F(LogWriterTest, KeepsTheOldFileWhereReopeningFails) {
  const std::string folder = absl::StrCat(testing::TempDir(), "/gone");
  ::mkdir(folder.c_str(), 0755);
  const std::string file = folder + "/a.log";
  LogWriter writer(registry_, 1);
  FakeWorker worker(registry_, 0);
  filter::LogSink* const sink = *writer.open(file);
  const std::string moved = path("moved.log");
  ASSERT_EQ(std::rename(file.c_str(), moved.c_str()), 0);
  ASSERT_EQ(::rmdir(folder.c_str()), 0);
  writer.reopen();
  writer.flush();
  sink->write(worker.context, "still here\n");
  writer.flush();
  EXPECT_EQ(read(moved), "still here\n");
  EXPECT_EQ(counter("filesystem.reopen_failed"), 1u);
}

// A pipe that nobody reads stands for everything that takes nothing: the writer is stuck, and the worker is not.
TEST_F(LogWriterTest, DropsAndCountsWhatDoesNotFitAndNeverWaits) {
  const std::string pipe = path("stuck.pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  const int filler = ::open(pipe.c_str(), O_WRONLY | O_NONBLOCK);
  while (::write(filler, "x", 1) == 1) {
  }
  ::close(filler);
  constexpr size_t kRing = 4096;
  constexpr uint64_t kLines = 4000;
  {
    LogWriter writer(registry_, 1, kRing);
    FakeWorker worker(registry_, 0);
    filter::LogSink* const sink = *writer.open(pipe);
    const std::string line = std::string(99, 'x') + "\n";
    for (uint64_t i = 0; i < kLines; ++i) sink->write(worker.context, line);
    const uint64_t dropped = counter("server.access_log_dropped");
    EXPECT_GT(dropped, 0u);
    EXPECT_LT(dropped, kLines);
  }
  // The end waited for the pipe, and gave up.
  EXPECT_GE(counter("filesystem.write_failed"), 1u);
  ::close(reader);
}

// Makes a packet of each write to the pipe at `path`, which one read takes (pipe(2), O_DIRECT).
void packetsFor(const std::string& path) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path(), gone) != path) continue;
    const int fd = std::stoi(entry.path().filename());
    const int flags = ::fcntl(fd, F_GETFL);
    if ((flags & O_ACCMODE) == O_RDONLY) continue;
    ASSERT_EQ(::fcntl(fd, F_SETFL, flags | O_DIRECT), 0);
  }
}

TEST_F(LogWriterTest, APipeIsGivenManyLinesAtOnceAndNoneOfThemInPieces) {
  const std::string pipe = path("many.pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  const std::unique_ptr<LogFile> file = *LogFile::open(pipe);
  std::vector<std::string> lines;
  std::string expected;
  for (int i = 0; i < 100; ++i) lines.push_back(absl::StrCat(i, std::string(98 - (i >= 10), 'x'), "\n"));
  lines.push_back(std::string(PIPE_BUF + 100, 'l') + "\n");  // takes two writes
  lines.push_back("end\n");
  std::vector<iovec> pieces;
  for (std::string& line : lines) {
    expected += line;
    pieces.push_back({line.data(), line.size()});
  }
  packetsFor(pipe);
  ASSERT_TRUE(file->write(pieces, [] { return true; }).ok());
  // 40 lines of 100 bytes are just below PIPE_BUF.
  std::vector<ssize_t> sizes;
  std::string got;
  char packet[PIPE_BUF];
  for (ssize_t size; (size = ::read(reader, packet, sizeof(packet))) > 0; got.append(packet, size))
    sizes.push_back(size);
  EXPECT_EQ(sizes, (std::vector<ssize_t>{4000, 4000, 2000, PIPE_BUF, 105}));
  EXPECT_EQ(got, expected);
  ::close(reader);
}

TEST_F(LogWriterTest, EveryWorkerWritesAtOnce) {
  constexpr unsigned kWorkers = 4;
  constexpr int kLines = 2000;
  const std::string file = path("many.log");
  {
    LogWriter writer(registry_, kWorkers);
    filter::LogSink* const sink = *writer.open(file);
    std::vector<std::thread> threads;
    for (unsigned index = 0; index < kWorkers; ++index) {
      threads.emplace_back([&, index] {
        FakeWorker worker(registry_, index);
        for (int i = 0; i < kLines; ++i) sink->write(worker.context, absl::StrCat(index, " ", i, "\n"));
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  int next[kWorkers] = {};
  std::ifstream lines(file);
  unsigned worker = 0;
  int number = 0;
  while (lines >> worker >> number) EXPECT_EQ(number, next[worker]++);
  uint64_t written = 0;
  for (const int count : next) written += static_cast<uint64_t>(count);
  EXPECT_EQ(written + counter("server.access_log_dropped"), kWorkers * kLines);
}

}  // namespace
}  // namespace weir::server
