// Runs the chain state machine through a program: bytes say which filters stand in the chain and what they do in each
// hook, then what the peers send, when time passes, what room there is, and what breaks off. The fakes and probes check
// the order of everything; the model checks the ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace weir::filter {

// Every input is a program. A broken promise fails a CHECK.
void runChainProgram(std::span<const uint8_t> program);

}  // namespace weir::filter
