#include "source/upstream/host_directory.h"

#include <utility>

namespace weir::upstream {

HostDirectory::HostDirectory(std::span<const std::shared_ptr<const Cluster>> clusters, event::Dispatcher& main,
                             Publish publish)
    : publish_(std::move(publish)) {
  clusters_.reserve(clusters.size());
  for (size_t i = 0; i < clusters.size(); ++i) {
    clusters_.push_back(std::make_unique<ClusterHosts>(
        clusters[i], main, [this, i](const std::shared_ptr<const HostSet>& set) { publish_(i, set); }));
    by_name_.emplace(clusters[i]->config().name, clusters_.back().get());
  }
}

ClusterHosts* HostDirectory::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

}  // namespace weir::upstream
