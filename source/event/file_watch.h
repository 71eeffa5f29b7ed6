// FileWatcher: tells of files that change, without asking the disk again and again: one inotify descriptor for all of
// them, on one thread. Made and owned by whoever owns the dispatcher and the poller, of the main thread: what a file
// says is read there, and workers are handed the result. FileWatch: one file that is watched; made by watch(), owned by
// whoever reads the file, ends with its destruction and before the watcher.
//
// The folder is watched, not the file, so that a file that is renamed over the old one is seen, and so is a link that
// leads elsewhere (the way in which mounted configuration is exchanged). What is written in place is reported after
// kQuiet without another event, so that a file is not read while it is half written; a reader must be ready for one all
// the same, and will be told again when the rest has come. A change is told only when the file's identity, size or
// times differ from those that were told before.
//
// Never calls from inside watch(). A file that does not exist is watched for, as long as its folder exists; a folder
// that goes away is looked for every kRetry.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "source/base/clock.h"
#include "source/event/libevent_poller.h"
#include "source/event/timer.h"

namespace weir::event {

class Dispatcher;
class FileWatch;

class FileHandler {
 public:
  // From the loop, never from inside a call. May destroy any FileWatch, this one included. The file may be gone.
  virtual void onFileChanged(FileWatch& watch) = 0;

 protected:
  ~FileHandler() = default;
};

class FileWatcher final : private ReadyHandler, private TimerHandler {
 public:
  static constexpr absl::Duration kQuiet = absl::Milliseconds(20);
  // A file that is written without a pause is reported at least this often.
  static constexpr absl::Duration kPatience = absl::Milliseconds(500);
  static constexpr absl::Duration kRetry = absl::Seconds(2);

  // Both must outlive it. Unavailable when the system has no inotify instance left.
  static absl::StatusOr<std::unique_ptr<FileWatcher>> create(Dispatcher& dispatcher, LibeventPoller& poller);
  ~FileWatcher();

  // `path` may be relative to the working folder, and may be a folder itself: then what is in it counts. `handler` must
  // outlive the watch.
  std::unique_ptr<FileWatch> watch(std::string_view path, FileHandler& handler);

 private:
  friend class FileWatch;

  FileWatcher(Dispatcher& dispatcher, LibeventPoller& poller, int fd);
  void onReady(Readiness ready) override;
  void onTimer(Timer& timer) override;
  void readEvents();
  void suspect(int folder, std::string_view name, uint32_t what);
  void place(FileWatch& watch);
  void leave(FileWatch& watch);
  void look();

  Dispatcher& dispatcher_;
  const int fd_;
  Timer quiet_;
  Timer retry_;
  base::MonotonicTime first_event_ = {};  // of those that have not been looked at
  bool suspects_ = false;
  std::vector<FileWatch*> watches_;
  absl::flat_hash_map<int, int> folders_;  // inotify's number, and how many watches are on it
  std::unique_ptr<LibeventPoller::Watch> readiness_;
};

class FileWatch final {
 public:
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  const std::string& path() const { return path_; }

 private:
  friend class FileWatcher;
  // A folder in which something can happen to the file, and the name that it has there; any name when it is empty.
  struct Place {
    int folder;
    std::string name;
  };

  FileWatch(FileWatcher& watcher, std::string_view path, FileHandler& handler);
  // Whether the file is another than it was when this was last called.
  bool differs();

  FileWatcher& watcher_;
  FileHandler& handler_;
  const std::string path_;
  std::vector<Place> places_;
  struct stat seen_ = {};
  bool suspect_ = false;
  bool entries_changed_ = false;  // something in the folder that is watched
};

}  // namespace weir::event
