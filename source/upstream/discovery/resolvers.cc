#include "source/upstream/discovery/resolvers.h"

#include <utility>

namespace weir::upstream::discovery {

absl::StatusOr<dns::Resolver*> Resolvers::get(const dns::AresOptions& options) {
  for (const Made& made : made_) {
    if (made.options == options) return made.resolver.get();
  }
  absl::StatusOr<std::unique_ptr<dns::AresResolver>> resolver =
      dns::AresResolver::create(dispatcher_, poller_, options);
  if (!resolver.ok()) return resolver.status();
  made_.push_back({options, *std::move(resolver)});
  return made_.back().resolver.get();
}

}  // namespace weir::upstream::discovery
