// What plugins may ask about an exchange, from its StreamInfo. Free functions; nothing is kept but addresses as text.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "source/base/arena.h"
#include "source/filter/stream_info.h"
#include "source/net/worker_context.h"

namespace weir::extensions::plugin_filter {

// Addresses that were made text once, in the arena: downstream remote, direct remote, local, client ip.
using AddressTexts = std::array<std::string_view, 4>;

// WEIR_METHOD and so on; none: not known (yet).
std::optional<std::string_view> textAttribute(uint32_t id, const filter::StreamInfo& info, base::Arena& arena,
                                              AddressTexts& cache);
// WEIR_STATUS and so on.
std::optional<uint64_t> numberAttribute(uint32_t id, const filter::StreamInfo& info, const net::WorkerContext& worker);

}  // namespace weir::extensions::plugin_filter
