// Any bytes as the beginning of a TLS connection: what is said of a part of them holds for the whole, what is found is
// sound, and a fingerprint can be made of it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/base/check.h"
#include "source/extensions/listener_filters/tls_inspector/fingerprints.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::extensions::tls_inspector;
  using State = ClientHello::State;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ClientHello whole = parseClientHello(bytes);
  for (const size_t part : {size / 4, size / 2, size - size / 4}) {
    const ClientHello before = parseClientHello(bytes.substr(0, part));
    if (before.state == State::kMore) continue;
    CHECK(before.state == whole.state, "what is known of the beginning stays known");
    CHECK(before.server_name == whole.server_name && before.alpn == whole.alpn, "and so is what was found");
  }
  if (whole.state != State::kComplete) return 0;
  CHECK(whole.server_name.size() <= 255 && whole.server_name.find('\0') == std::string::npos, "a name is a host name");
  CHECK(2 * (whole.suites.size() + 2 * whole.extensions.size()) <= size, "lists come from the bytes");
  CHECK(ja3Of(whole).size() == 32 && ja4Of(whole).size() == 36, "fingerprints have their length");
  return 0;
}
