#include "source/upstream/host_directory.h"

#include <utility>

namespace weir::upstream {

HostDirectory::HostDirectory(std::span<const std::shared_ptr<const Cluster>> clusters, event::Dispatcher& main,
                             Publish publish)
    : publish_(std::move(publish)) {
  clusters_.reserve(clusters.size());
  for (size_t i = 0; i < clusters.size(); ++i) {
    clusters_.push_back(
        std::make_unique<ClusterHosts>(clusters[i], main, [this, i](const std::shared_ptr<const HostSet>& set) {
          publish_(i, set);
          if (clusters_[i].get() == local_) tellLocal();
        }));
    if (clusters[i]->config().lb.zone_aware.has_value()) zone_aware_.push_back(clusters_.back().get());
    by_name_.emplace(clusters[i]->config().name, clusters_.back().get());
  }
}

void HostDirectory::setLocalCluster(std::string_view name, Locality own) {
  local_ = find(name);
  own_ = std::move(own);
  tellLocal();
}

void HostDirectory::tellLocal() {
  if (local_ == nullptr || zone_aware_.empty()) return;
  auto local = std::make_shared<LocalCluster>(local_->asLocal());
  local->own = own_;
  for (ClusterHosts* const cluster : zone_aware_) cluster->setLocal(local);
}

ClusterHosts* HostDirectory::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

}  // namespace weir::upstream
