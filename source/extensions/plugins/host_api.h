// The functions that plugins call: the table, and those of its parts that concern configurations. Each function checks
// what it is given and finds the stream or the token by its handle; the work is done by PluginStream and WorkerState.
#pragma once

#include "api/plugin/weir_plugin.h"

namespace weir::extensions::plugins {

// Constant; the same for every plugin.
const weir_host_api& hostApi();

// Of the table; in host_config.cc.
void hostLog(uint32_t level, weir_text line);
weir_result configGet(const weir_config* config, weir_text path, weir_value* out);
weir_result configKey(const weir_config* config, weir_text path, size_t index, weir_text* out);
weir_result configMessage(const weir_config* config, weir_text* out);
void configError(const weir_config* config, weir_text path, weir_text message);
weir_result configCounter(const weir_config* config, weir_text name, uint32_t* id);
weir_result configGauge(const weir_config* config, weir_text name, uint32_t* id);
weir_result configHistogram(const weir_config* config, weir_text name, uint32_t* id);

}  // namespace weir::extensions::plugins
