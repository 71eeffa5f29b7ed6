// Shared objects that are no good plugins, one for each value of BAD.
#include "weir_plugin.h"

namespace {

void* newConfig(const weir_config*) { return BAD == 6 ? nullptr : const_cast<char*>("config"); }
void freeConfig(void*) {}
weir_verdict newStream(void*, const void*, weir_stream) { return WEIR_CONTINUE; }
void freeStream(void*) {}

constexpr weir_text text(const char* bytes, size_t size) { return {bytes, size}; }

weir_http_filter table() {
  weir_http_filter http{};
  http.size = sizeof(http);
  http.stream_align = BAD == 9 ? 3 : 8;
  http.config_new = newConfig;
  http.config_free = freeConfig;
  http.stream_new = BAD == 3 ? nullptr : newStream;
  http.stream_free = freeStream;
  return http;
}

weir_plugin describe(const weir_http_filter* http) {
  weir_plugin plugin{};
  plugin.size = BAD == 4 ? 4 : sizeof(plugin);
  plugin.major = BAD == 2 ? 9 : WEIR_ABI_MAJOR;
  plugin.minor = 0;
  plugin.name = BAD == 5 ? text("not a name", 10) : text("bad", 3);
  plugin.version = text("1", 1);
  if (BAD == 7) plugin.descriptor_set = text("nonsense", 8);
  plugin.http = BAD == 8 ? nullptr : http;
  return plugin;
}

}  // namespace

#if BAD == 11
extern "C" void weir_no_such_function();
// Called by nobody; it is missing all the same.
void (*volatile missing)() = weir_no_such_function;
#endif

#if BAD != 1
extern "C" __attribute__((visibility("default"))) const weir_plugin* weir_plugin_entry(const weir_host_api*) {
  static const weir_http_filter http = table();
  static const weir_plugin plugin = describe(&http);
  return BAD == 10 ? nullptr : &plugin;
}
#else
extern "C" __attribute__((visibility("default"))) size_t weir_no_plugin() {
  return table().size + describe(nullptr).size;
}
#endif
