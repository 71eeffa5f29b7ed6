#include "source/server/certificate_watch.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "source/base/log.h"

namespace weir::server {
namespace {

// A certificate and its key are two files, of which one is written first.
constexpr absl::Duration kSettle = absl::Milliseconds(200);

}  // namespace

CertificateWatch::CertificateWatch(const extensions::TransportSources& sources, event::Dispatcher& dispatcher,
                                   event::LibeventPoller& poller, stats::Shard& shard)
    : sources_(sources), shard_(shard), settle_(dispatcher, *this) {
  const bool any = std::any_of(sources.begin(), sources.end(), [](const auto& one) { return !one.files().empty(); });
  if (!any) return;
  absl::StatusOr<std::unique_ptr<event::FileWatcher>> watcher = event::FileWatcher::create(dispatcher, poller);
  if (!watcher.ok()) {
    LOG(kWarning, "certificates are not watched, a change takes a restart: ", watcher.status().message());
    return;
  }
  watcher_ = *std::move(watcher);
  for (const extensions::TransportSource& source : sources) watch(source);
}

// The files of `source` that are not watched yet.
void CertificateWatch::watch(const extensions::TransportSource& source) {
  event::FileHandler& self = *this;
  for (const std::string& file : source.files()) {
    const bool known = std::any_of(watched_.begin(), watched_.end(),
                                   [&](const Watched& one) { return one.source == &source && one.file == file; });
    if (!known) watched_.push_back({file, watcher_->watch(file, self), &source});
  }
}

void CertificateWatch::onFileChanged(event::FileWatch& watch) {
  for (Watched& one : watched_) one.changed = one.changed || one.watch.get() == &watch;
  if (!settle_.armed()) settle_.arm(kSettle);
}

void CertificateWatch::onTimer(event::Timer&) {
  std::set<const extensions::TransportSource*> changed;
  for (Watched& one : watched_) {
    if (std::exchange(one.changed, false)) changed.insert(one.source);
  }
  for (const extensions::TransportSource& source : sources_) {
    if (changed.count(&source) > 0) reload(source);
  }
}

void CertificateWatch::reload(const extensions::TransportSource& source) {
  const absl::Status status = source.reload();
  shard_.add(status.ok() ? source.updated : source.rejected);
  watch(source);
  if (status.ok()) {
    LOG(kInfo, source.owner, ": its certificates were read again; new connections have them");
  } else {
    LOG(kWarning, source.owner, ": the new certificates are not taken, the old ones stay: ", status.message());
  }
}

int64_t CertificateWatch::daysUntilFirstExpiry(absl::Time now) const {
  int64_t first = std::numeric_limits<uint32_t>::max();
  const auto look = [&](const std::vector<net::PeerCertificate>& all) {
    for (const net::PeerCertificate& one : all) {
      first = std::min(first, std::max<int64_t>(0, (one.not_after - now) / absl::Hours(24)));
    }
  };
  for (const extensions::TransportSource& source : sources_) {
    look(source.certificates().own);
    look(source.certificates().authorities);
  }
  return first;
}

}  // namespace weir::server
