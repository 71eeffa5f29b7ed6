#include "source/proxy/shadow.h"

#include <utility>

#include "source/http/authority.h"
#include "source/proxy/wanted_name.h"
#include "source/upstream/demand.h"

namespace weir::proxy {

using http::Part;
using http::Reason;
using Outcome = upstream::RequestOutcome::Kind;

namespace {

constexpr std::string_view kSuffix = "-shadow";
// Parts of a response that are dropped in one go.
constexpr int kPartsAtOnce = 64;

// "-shadow" behind the name, in front of the port.
std::string_view shadowHost(std::string_view authority, base::Arena& arena) {
  const std::string_view host = http::stripPort(authority);
  return arena.join(arena.join(host, kSuffix), authority.substr(host.size()));
}

http::HeaderMap& copyFields(const http::HeaderMap& from, http::HeaderMap& to) {
  for (const http::Field& field : from) to.add(field.name, field.value);
  return to;
}

http::Head* copyHead(const http::Head& from, base::Arena& arena) {
  http::Head& to = *arena.make<http::Head>(arena);
  to.method = arena.copy(from.method);
  to.scheme = arena.copy(from.scheme);
  to.authority = arena.copy(from.authority);
  to.path = arena.copy(from.path);
  to.version = from.version;
  to.content_length = from.content_length;
  copyFields(from.headers, to.headers);
  return &to;
}

}  // namespace

Shadow::Shadow(ShadowPool& home, const net::WorkerContext& worker)
    : Wakeable(worker.dispatcher),
      home_(home),
      worker_(worker),
      arena_(worker.chunks),
      held_(worker.blocks),
      timer_(worker.dispatcher, *this) {}

Shadow::~Shadow() { stream_.reset(); }

void Shadow::start(upstream::WorkerCluster& cluster, const http::Head& request, const MirrorPolicy& policy,
                   upstream::Priority priority, absl::Duration timeout) {
  cluster_ = &cluster;
  ended_ = end_sent_ = false;
  trailers_ = nullptr;
  status_ = 0;
  started_ = worker_.dispatcher.now();
  head_ = copyHead(request, arena_);
  if (!policy.host.empty()) {
    head_->authority = policy.host;
  } else if (policy.host_suffix) {
    head_->authority = shadowHost(head_->authority, arena_);
  }
  if (timeout != absl::InfiniteDuration()) timer_.arm(timeout);
  upstream::PickContext pick;
  pick.priority = priority;
  pick.version = request.version;
  // A cluster that resolves whichever name it is asked for is asked for that of the copy.
  if (const upstream::Demand* const demand = cluster.config().demand.get()) {
    pick.wanted = wantedName(head_->authority, demand->config().default_port, arena_);
  }
  if (cluster.config().server_name_of_request) {
    if (const auto name = http::parseAuthority(head_->authority)) pick.server_name = arena_.copyLower(name->host);
  }
  ticket_ = cluster.openStream(pick, *this);
}

void Shadow::append(const buffer::Buffer& data) {
  if (cluster_ == nullptr) return;
  if (held_.size() + data.size() > kHeldBytes) {
    worker_.stats.add(cluster_->stats().retry_or_shadow_abandoned);
    return stop();
  }
  held_.appendShared(data);
  wake();
}

void Shadow::finish(const http::HeaderMap* trailers) {
  released_ = true;
  if (cluster_ == nullptr) return home_.give(*this);
  ended_ = true;
  if (trailers != nullptr) trailers_ = &copyFields(*trailers, *arena_.make<http::HeaderMap>(arena_));
  wake();
}

void Shadow::abandon() {
  released_ = true;
  cluster_ == nullptr ? home_.give(*this) : stop();
}

void Shadow::onStreamOpen(Opened opened) {
  stream_ = std::move(opened.stream);
  lease_ = std::move(opened.retry);
  host_ = std::move(opened.host);
  stream_->setOwner(*this, arena_);
  stream_->send(Part::makeHead(*head_, worker_.blocks));
  wake();
}

void Shadow::onStreamFailed(Reason reason, upstream::HostRef) {
  count(http::reasonInfo(reason).status);
  stop();
}

void Shadow::onTimer(event::Timer&) {
  worker_.stats.add(cluster_->stats().rq_timeout);
  if (stream_ != nullptr) recordOutcome(Outcome::kTimeout);
  stop();
}

void Shadow::pump() {
  while (!held_.empty() && stream_->room() > 0) {
    buffer::Buffer fitting(worker_.blocks);
    fitting.moveFrom(held_, stream_->room());
    stream_->send(Part::makeData(std::move(fitting)));
  }
  if (held_.empty() && ended_ && !std::exchange(end_sent_, true)) {
    stream_->send(Part::makeEnd(trailers_, worker_.blocks));
  }
}

void Shadow::onWake() {
  if (stream_ == nullptr) return;
  pump();
  for (int i = 0; i < kPartsAtOnce; ++i) {
    std::optional<Part> part = stream_->receive();
    if (!part) return;
    switch (part->kind()) {
      case Part::Kind::kHead:
        if (!part->head().isInterim()) count(part->head().status);
        break;
      case Part::Kind::kData:
        break;
      case Part::Kind::kEnd:
        recordOutcome(status_ < 500 ? Outcome::kSuccess : Outcome::kError);
        return stop();
      case Part::Kind::kFailed:
        worker_.stats.add(cluster_->stats().rq_rx_reset);
        recordOutcome(Outcome::kReset);
        return stop();
    }
  }
  wake();
}

void Shadow::recordOutcome(Outcome kind) {
  cluster_->recordOutcome(host_, {kind, status_, worker_.dispatcher.now() - started_});
}

void Shadow::count(uint16_t status) {
  status_ = status;
  const upstream::ClusterStats& stats = cluster_->stats();
  worker_.stats.add(stats.rq_completed);
  const size_t place = status / 100 - 1;
  if (place < stats.rq_status.size()) worker_.stats.add(stats.rq_status[place]);
}

void Shadow::stop() {
  cluster_ = nullptr;
  timer_.cancel();
  ticket_.cancel();
  stream_.reset();
  lease_.release();
  host_ = nullptr;
  held_.clear();
  unwake();
  arena_.reset();
  if (released_) home_.give(*this);
}

Shadow& ShadowPool::take(const net::WorkerContext& worker) {
  if (free_.empty()) {
    all_.push_back(std::make_unique<Shadow>(*this, worker));
    free_.reserve(all_.size());
    free_.push_back(all_.back().get());
  }
  Shadow& shadow = *free_.back();
  free_.pop_back();
  shadow.released_ = false;
  return shadow;
}

void ShadowPool::clear() {
  free_.clear();
  all_.clear();
}

}  // namespace weir::proxy
