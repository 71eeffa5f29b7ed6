// ListenerFacts: what the configuration says about a listener that only logs and headers show. Made at load, then
// const; shared by what is compiled for the listener.
#pragma once

#include <memory>
#include <string_view>

#include "source/base/metadata.h"

namespace weir::filter {

struct ListenerFacts {
  std::string_view direction;                   // "INBOUND" or "OUTBOUND"; static; empty: neither is said
  std::shared_ptr<const base::Metadata> notes;  // null: none
};

}  // namespace weir::filter
