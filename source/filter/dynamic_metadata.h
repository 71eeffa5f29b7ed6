// What filters note about a stream for filters behind them, for routes and for logs: values in namespaces.
#pragma once

#include "source/base/arena.h"
#include "source/base/metadata.h"
#include "source/filter/http_filter.h"

namespace weir::filter {

// That of the stream, a struct of namespaces, to be written to; made in the arena of the exchange when the first filter
// asks for it. To read, look at StreamInfo::dynamic_metadata, which is null as long as nobody wrote.
inline base::Metadata& writableMetadata(FilterHost& host) {
  base::Metadata*& noted = host.mutableInfo().dynamic_metadata;
  if (noted == nullptr) noted = host.arena().make<base::Metadata>(base::Metadata::structure());
  return *noted;
}

}  // namespace weir::filter
