// Input: one byte that says how the rest is cut and what was asked, then what an upstream sends. Cut or whole, the
// client must read the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "test/http/h1/peer.h"

namespace weir::http::h1 {
namespace {

std::string read(std::string_view bytes, size_t step, unsigned asked) {
  const H1Options options{.enable_trailers = true};
  Peer peer(Role::kClient, options);
  peer.openStream();
  Head& head = peer.newRequest(asked == 1 ? "HEAD" : "GET", "/");
  if (asked == 2) head.upgrade = "websocket";
  peer.send(head);
  if (asked != 2) peer.sendEnd();
  peer.output();
  for (size_t at = 0; at < bytes.size(); at += step) peer.feed(bytes.substr(at, step));
  std::string text = peer.takeLog();
  peer.feed("", true);
  text += peer.takeLog();
  peer.releaseStream();
  if (peer.codec().reusable()) std::abort();  // the connection has ended
  return text;
}

}  // namespace
}  // namespace weir::http::h1

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const unsigned asked = data[0] >> 6;
  const size_t step = 1 + data[0] % 64;
  if (weir::http::h1::read(bytes, bytes.size() + 1, asked) != weir::http::h1::read(bytes, step, asked)) std::abort();
  return 0;
}
