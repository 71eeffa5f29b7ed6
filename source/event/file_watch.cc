#include "source/event/file_watch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/event/dispatcher.h"

namespace weir::event {
namespace {

// What makes a name lead to something else.
constexpr uint32_t kNameChanges = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
constexpr uint32_t kFolderChanges = IN_DELETE_SELF | IN_MOVE_SELF;
constexpr uint32_t kContentChanges = IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB;
constexpr uint32_t kWanted = kNameChanges | kFolderChanges | kContentChanges | IN_ONLYDIR;

struct Split {
  std::string folder;
  std::string name;
};

Split split(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

// Without links; empty when it leads nowhere.
std::string realPath(const std::string& path) {
  char buffer[PATH_MAX];
  return ::realpath(path.c_str(), buffer) == nullptr ? std::string() : std::string(buffer);
}

bool isFolder(const std::string& path) {
  struct stat state;
  return ::stat(path.c_str(), &state) == 0 && S_ISDIR(state.st_mode);
}

bool sameTime(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

}  // namespace

absl::StatusOr<std::unique_ptr<FileWatcher>> FileWatcher::create(Dispatcher& dispatcher, LibeventPoller& poller) {
  const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) {
    return absl::UnavailableError(absl::StrCat("files cannot be watched: ", strerror(errno),
                                               "; fs.inotify.max_user_instances limits how many processes can"));
  }
  return std::unique_ptr<FileWatcher>(new FileWatcher(dispatcher, poller, fd));
}

FileWatcher::FileWatcher(Dispatcher& dispatcher, LibeventPoller& poller, int fd)
    : dispatcher_(dispatcher),
      fd_(fd),
      quiet_(dispatcher, *this),
      retry_(dispatcher, *this),
      readiness_(poller.watch(fd, *this)) {}

FileWatcher::~FileWatcher() {
  readiness_.reset();
  ::close(fd_);
}

std::unique_ptr<FileWatch> FileWatcher::watch(std::string_view path, FileHandler& handler) {
  std::unique_ptr<FileWatch> watch(new FileWatch(*this, path, handler));
  watches_.push_back(watch.get());
  place(*watch);
  watch->differs();
  return watch;
}

// Watches the folder of the name, that of the file to which it leads, and the file itself if it is a folder.
void FileWatcher::place(FileWatch& watch) {
  std::vector<FileWatch::Place> before = std::move(watch.places_);
  watch.places_.clear();
  const auto add = [&](const std::string& folder, std::string name) {
    const int number = ::inotify_add_watch(fd_, folder.c_str(), kWanted);
    if (number < 0) return false;
    ++folders_[number];
    watch.places_.push_back({number, std::move(name)});
    return true;
  };
  const Split named = split(watch.path_);
  const bool found = add(named.folder, named.name);
  const std::string real = realPath(watch.path_);
  if (isFolder(real)) {
    add(real, "");
  } else if (!real.empty() && real != realPath(named.folder) + "/" + named.name) {
    const Split target = split(real);
    add(target.folder, target.name);
  }
  for (const FileWatch::Place& place : before) {
    if (--folders_[place.folder] > 0) continue;
    folders_.erase(place.folder);
    ::inotify_rm_watch(fd_, place.folder);
  }
  if (!found && !retry_.armed()) retry_.arm(kRetry);
}

void FileWatcher::leave(FileWatch& watch) {
  watches_.erase(std::find(watches_.begin(), watches_.end(), &watch));
  for (const FileWatch::Place& place : watch.places_) {
    if (--folders_[place.folder] > 0) continue;
    folders_.erase(place.folder);
    ::inotify_rm_watch(fd_, place.folder);
  }
}

void FileWatcher::onReady(Readiness) { readEvents(); }

void FileWatcher::readEvents() {
  alignas(inotify_event) char buffer[16 * 1024];
  for (;;) {
    const ssize_t size = ::read(fd_, buffer, sizeof(buffer));
    if (size <= 0) break;
    for (ssize_t at = 0; at < size;) {
      inotify_event event;
      memcpy(&event, buffer + at, sizeof(event));
      const char* const name = buffer + at + sizeof(event);
      suspect(event.wd, event.len == 0 ? std::string_view() : std::string_view(name), event.mask);
      at += static_cast<ssize_t>(sizeof(event) + event.len);
    }
  }
  if (!suspects_) return;
  const absl::Duration left = first_event_ + kPatience - dispatcher_.now();
  if (left <= absl::ZeroDuration()) {
    look();
  } else {
    quiet_.arm(std::min(kQuiet, left));
  }
}

void FileWatcher::suspect(int folder, std::string_view name, uint32_t what) {
  // Events were lost: anything may have happened.
  const bool all = (what & IN_Q_OVERFLOW) != 0;
  for (FileWatch* const watch : watches_) {
    for (const FileWatch::Place& place : watch->places_) {
      if (!all && place.folder != folder) continue;
      // What is written to other files of the folder is none of ours; a change of other names may be that of a link
      // on the way.
      if ((what & kContentChanges) != 0 && !place.name.empty() && place.name != name) continue;
      if (!suspects_) first_event_ = dispatcher_.now();
      suspects_ = watch->suspect_ = true;
      watch->entries_changed_ = watch->entries_changed_ || place.name.empty();
    }
  }
}

void FileWatcher::onTimer(Timer& timer) {
  if (&timer == &quiet_) {
    look();
    return;
  }
  for (FileWatch* const watch : watches_) {
    if (watch->places_.empty()) watch->suspect_ = suspects_ = true;
  }
  look();
}

void FileWatcher::look() {
  quiet_.cancel();
  suspects_ = false;
  for (;;) {
    // From the start each time: a handler may destroy watches and make others.
    const auto found =
        std::find_if(watches_.begin(), watches_.end(), [](const FileWatch* watch) { return watch->suspect_; });
    if (found == watches_.end()) return;
    FileWatch& watch = **found;
    watch.suspect_ = false;
    place(watch);
    if (watch.differs()) watch.handler_.onFileChanged(watch);
  }
}

FileWatch::FileWatch(FileWatcher& watcher, std::string_view path, FileHandler& handler)
    : watcher_(watcher), handler_(handler), path_(path) {}

FileWatch::~FileWatch() { watcher_.leave(*this); }

bool FileWatch::differs() {
  struct stat now = {};
  if (::stat(path_.c_str(), &now) != 0) now = {};
  const bool same = now.st_dev == seen_.st_dev && now.st_ino == seen_.st_ino && now.st_size == seen_.st_size &&
                    sameTime(now.st_mtim, seen_.st_mtim) && sameTime(now.st_ctim, seen_.st_ctim) &&
                    !std::exchange(entries_changed_, false);
  seen_ = now;
  return !same;
}

}  // namespace weir::event
