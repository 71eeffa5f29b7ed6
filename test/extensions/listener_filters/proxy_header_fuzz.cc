// Any bytes as a PROXY header: what is said of a part of them holds for the whole, and the addresses that were read can
// be written and read again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "source/base/check.h"
#include "source/extensions/listener_filters/proxy_protocol/proxy_header.h"
#include "source/net/proxy_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::extensions::proxy_protocol;
  using State = ProxyHeader::State;
  using Options = weir::net::ProxyHeaderOptions;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ProxyHeader whole = parseProxyHeader(bytes);
  for (const size_t part : {size / 4, size / 2, size - size / 4}) {
    const ProxyHeader before = parseProxyHeader(bytes.substr(0, part));
    if (before.state == State::kMore) continue;
    CHECK(before.state == whole.state && before.bytes == whole.bytes, "what is known of the beginning stays known");
  }
  if (whole.state != State::kComplete) return 0;
  CHECK(whole.bytes > 0 && whole.bytes <= size && whole.bytes <= kMaxProxyHeader, "a header is a part of the bytes");
  if (!whole.source.isIp()) return 0;
  const weir::net::ClientAddresses client{whole.source, whole.destination};
  for (const Options::Version version : {Options::Version::kV1, Options::Version::kV2}) {
    const std::string written = weir::net::proxyHeader({version}, &client);
    const ProxyHeader again = parseProxyHeader(written);
    CHECK(again.state == State::kComplete && again.bytes == written.size(), "what is written is a header");
    CHECK(again.source.port() == whole.source.port(), "and says the same");
    if (whole.version != 2 || version != Options::Version::kV2) continue;
    CHECK(again.source == whole.source && again.destination == whole.destination, "to the last byte");
  }
  return 0;
}
