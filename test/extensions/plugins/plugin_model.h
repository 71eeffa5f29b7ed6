// Runs a plugin that does anything at all (chaos_plugin.cc), between two filters that watch the order of calls, through
// exchanges whose peers do what the same program says: send, stall, break off, run into time-outs. What must hold is
// that nothing crashes, that every exchange ends when its peers have, and that every object of the plugin is freed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace weir::extensions::plugins {

// Every input is a program. A broken promise fails a CHECK, or aborts in the plugin.
void runPluginProgram(std::span<const uint8_t> program);

}  // namespace weir::extensions::plugins
