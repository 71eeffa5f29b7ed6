#include "source/event/file_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>

#include "source/base/clock.h"
#include "source/event/dispatcher.h"

namespace weir::event {
namespace {

namespace fs = std::filesystem;

class Recorder final : public FileHandler {
 public:
  void onFileChanged(FileWatch& watch) override {
    ++calls;
    if (!fs::is_directory(watch.path())) {
      std::ifstream file(watch.path());
      text.assign(std::istreambuf_iterator<char>(file), {});
    }
    if (then) then();
  }

  int calls = 0;
  std::string text;
  std::function<void()> then;
};

class FileWatchTest : public testing::Test, private TimerHandler {
 protected:
  FileWatchTest() {
    char name[] = "/tmp/file_watch_test.XXXXXX";
    folder_ = ::mkdtemp(name);
    auto made = FileWatcher::create(dispatcher_, poller_);
    EXPECT_TRUE(made.ok()) << made.status();
    watcher_ = *std::move(made);
  }
  ~FileWatchTest() override { fs::remove_all(folder_); }

  std::string at(const std::string& name) const { return folder_ + "/" + name; }

  void write(const std::string& name, const std::string& text) { std::ofstream(at(name)) << text; }

  // Turns until `done`; false when that takes too long.
  bool until(const std::function<bool()>& done) {
    Timer limit(dispatcher_, *this);
    limit.arm(absl::Seconds(20));
    while (!done() && limit.armed()) dispatcher_.turn(true);
    return done();
  }
  bool untilText(const std::string& text) {
    return until([&] { return recorder_.text == text; });
  }
  // Turns for as long as a change that is coming would take.
  void settle() {
    Timer limit(dispatcher_, *this);
    limit.arm(FileWatcher::kQuiet * 4);
    while (limit.armed()) dispatcher_.turn(true);
  }

  void onTimer(Timer&) override {}

  base::RealClock clock_;
  LibeventPoller poller_;
  Dispatcher dispatcher_{poller_, clock_};
  std::string folder_;
  std::unique_ptr<FileWatcher> watcher_;
  Recorder recorder_;
};

TEST_F(FileWatchTest, TellsOfWhatIsWrittenInPlace) {
  write("a", "1");
  const auto watch = watcher_->watch(at("a"), recorder_);
  settle();
  EXPECT_EQ(recorder_.calls, 0);
  write("a", "22");
  EXPECT_TRUE(untilText("22"));
  settle();
  EXPECT_EQ(recorder_.calls, 1);
}

TEST_F(FileWatchTest, TellsOfARenameOverTheFileAndThenOfTheNewFile) {
  write("a", "1");
  const auto watch = watcher_->watch(at("a"), recorder_);
  for (const char* text : {"two", "three", "four"}) {
    write("new", text);
    fs::rename(at("new"), at("a"));
    EXPECT_TRUE(untilText(text));
  }
  write("a", "in place");
  EXPECT_TRUE(untilText("in place"));
}

TEST_F(FileWatchTest, TellsOfALinkOnTheWayThatLeadsElsewhere) {
  fs::create_directory(at("v1"));
  fs::create_directory(at("v2"));
  write("v1/a", "one");
  write("v2/a", "two");
  fs::create_directory_symlink("v1", at("data"));
  fs::create_symlink("data/a", at("a"));
  const auto watch = watcher_->watch(at("a"), recorder_);
  fs::create_directory_symlink("v2", at("data.new"));
  fs::rename(at("data.new"), at("data"));
  EXPECT_TRUE(untilText("two"));
  write("v2/a", "written where the link leads");
  EXPECT_TRUE(untilText("written where the link leads"));
}

TEST_F(FileWatchTest, TellsOfALinkToAnotherNameOfTheSameFolder) {
  write("b", "1");
  fs::create_symlink("b", at("a"));
  const auto watch = watcher_->watch(at("a"), recorder_);
  write("b", "in place");
  EXPECT_TRUE(untilText("in place"));
}

TEST_F(FileWatchTest, WaitsForAFileThatIsNotThereAndTellsOfItsEnd) {
  const auto watch = watcher_->watch(at("a"), recorder_);
  write("a", "here");
  EXPECT_TRUE(untilText("here"));
  fs::remove(at("a"));
  EXPECT_TRUE(until([&] { return recorder_.calls == 2; }));
  write("a", "again");
  EXPECT_TRUE(untilText("again"));
}

TEST_F(FileWatchTest, LooksForAFolderThatIsMadeAnew) {
  fs::create_directory(at("sub"));
  write("sub/a", "1");
  const auto watch = watcher_->watch(at("sub/a"), recorder_);
  fs::remove_all(at("sub"));
  EXPECT_TRUE(until([&] { return recorder_.calls == 1; }));
  fs::create_directory(at("sub"));
  write("sub/a", "new folder");
  EXPECT_TRUE(untilText("new folder"));
}

TEST_F(FileWatchTest, OtherFilesOfTheFolderAreNotItsBusiness) {
  write("a", "1");
  const auto watch = watcher_->watch(at("a"), recorder_);
  write("b", "2");
  fs::rename(at("b"), at("c"));
  fs::remove(at("c"));
  settle();
  EXPECT_EQ(recorder_.calls, 0);
}

TEST_F(FileWatchTest, AFolderIsWatchedForItsEntries) {
  const auto watch = watcher_->watch(folder_, recorder_);
  write("a", "1");
  EXPECT_TRUE(until([&] { return recorder_.calls == 1; }));
  write("b", "1");
  fs::rename(at("b"), at("a"));
  EXPECT_TRUE(until([&] { return recorder_.calls == 2; }));
}

TEST_F(FileWatchTest, AFileThatIsWrittenWithoutAPauseIsStillReported) {
  write("a", "");
  const auto watch = watcher_->watch(at("a"), recorder_);
  std::ofstream file(at("a"));
  EXPECT_TRUE(until([&] {
    file << "x" << std::flush;
    return recorder_.calls == 2;
  }));
}

TEST_F(FileWatchTest, WatchesMayEndInsideTheCall) {
  write("a", "1");
  Recorder other;
  auto first = watcher_->watch(at("a"), recorder_);
  auto second = watcher_->watch(at("a"), other);
  recorder_.then = [&] {
    first.reset();
    second.reset();
  };
  write("a", "22");
  EXPECT_TRUE(untilText("22"));
  settle();
  EXPECT_EQ(recorder_.calls, 1);
  EXPECT_EQ(other.calls, 0);
}

}  // namespace
}  // namespace weir::event
