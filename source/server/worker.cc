#include "source/server/worker.h"

#include <utility>

namespace weir::server {
namespace {

// How often a draining worker looks whether it is done.
constexpr absl::Duration kDrainCheck = absl::Milliseconds(10);

}  // namespace

Worker::Worker(unsigned index, const Seams& seams, std::span<const std::shared_ptr<const upstream::Cluster>> clusters,
               std::span<const ListenerPlan> listeners)
    : random_(seams.seed),
      context_{seams.dispatcher, seams.network, blocks_, chunks_, random_, seams.stats.makeShard(), index, &draining_},
      clusters_(std::make_unique<upstream::ClusterManager>(clusters, context_)),
      side_calls_(context_, *clusters_),
      services_{context_, *clusters_, exchanges_, last_connection_id_, draining_, side_calls_},
      drain_timer_(seams.dispatcher, *this) {
  for (const ListenerPlan& plan : listeners) {
    upstream::SharedLimit& limit = plan.config->unlimited ? no_limit_ : seams.connection_limit;
    listeners_.push_back(std::make_unique<proxy::ActiveListener>(*plan.config, services_, limit, directory_));
    for (const BoundAddress& bound : plan.addresses) {
      directory_.add(bound.address, bound.options.ipv4_compat, *listeners_.back());
    }
  }
}

Worker::~Worker() {
  drained_ = nullptr;
  ending_ = true;
  drain_timer_.cancel();
  // What was handed to the dispatcher for deletion still looks at clusters and pools: it goes before them.
  listeners_.clear();
  context_.dispatcher.turn(false);
  exchanges_.shadows.clear();
  clusters_.reset();
  context_.dispatcher.turn(false);
}

void Worker::addSocket(size_t listener, std::unique_ptr<net::ListenSocket> socket) {
  listeners_[listener]->addSocket(std::move(socket));
}

absl::Status Worker::start() {
  for (const auto& listener : listeners_) {
    if (absl::Status status = listener->start(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

void Worker::drain(std::function<void()> done) {
  if (ending_) return;
  draining_ = true;
  drained_ = std::move(done);
  for (const auto& listener : listeners_) {
    listener->drain();
    listener->stop();
  }
  clusters_->drain();
  drain_timer_.arm(absl::ZeroDuration());
}

void Worker::setHosts(size_t cluster, std::shared_ptr<const upstream::HostSet> hosts) {
  if (!ending_) clusters_->setHosts(cluster, std::move(hosts));
}

void Worker::closeAll() {
  for (const auto& listener : listeners_) listener->closeAll();
}

size_t Worker::connections() const {
  size_t count = 0;
  for (const auto& listener : listeners_) count += listener->connections();
  return count;
}

void Worker::onTimer(event::Timer&) {
  if (connections() + clusters_->connections() != 0) {
    drain_timer_.arm(kDrainCheck);
  } else if (drained_ != nullptr) {
    std::exchange(drained_, nullptr)();
  }
}

}  // namespace weir::server
