// Input: one byte that says how the rest is cut, then what a client sends. Cut or whole, the server must do the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "test/http/h1/peer.h"

namespace weir::http::h1 {
namespace {

std::string serve(std::string_view bytes, size_t step) {
  const H1Options options{.accept_http_10 = true, .enable_trailers = true};
  Peer peer(Role::kServer, options);
  peer.on_end = [&peer](bool failed) { peer.respond(failed ? 400 : 200, "x"); };
  for (size_t at = 0; at < bytes.size(); at += step) peer.feed(bytes.substr(at, step));
  peer.feed("", true);
  std::string text = peer.takeLog();
  text.append("-- ").append(reasonInfo(peer.codec().error()).name).append("\n").append(peer.output());
  return text + (peer.codec().finished() ? "closed" : "open");
}

}  // namespace
}  // namespace weir::http::h1

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const size_t step = 1 + data[0] % 64;
  if (weir::http::h1::serve(bytes, bytes.size() + 1) != weir::http::h1::serve(bytes, step)) std::abort();
  return 0;
}
