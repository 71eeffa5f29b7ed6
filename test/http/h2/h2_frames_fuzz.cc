// Input: one byte that says which role listens and how the rest is cut, then what the peer sends behind its preface.
// Cut or whole, the codec must find the same wrong with it, and where nothing is wrong its streams must receive the
// same.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "test/http/h2/frames.h"
#include "test/http/h2/peer.h"

namespace weir::http::h2 {
namespace {

// Nothing when the connection ended in an error.
std::optional<std::string> run(Role role, std::string_view bytes, size_t step) {
  H2Options options;
  options.allow_connect = true;
  Peer peer(role, options);
  if (role == Role::kServer) {
    peer.on_end = [](Call& call) {
      if (call.failure() == Reason::kNone) call.respond(200, "x");
    };
    peer.feed(hello());
  } else {
    peer.open().request("GET", "/");
    peer.open().request("HEAD", "/");
    Call& call = peer.open();
    call.send(call.newRequest("POST", "/"));
    call.sendData("abc");
    peer.output();
    peer.feed(settings());
  }
  for (size_t at = 0; at < bytes.size(); at += step) peer.feed(bytes.substr(at, step));
  peer.output();
  if (peer.codec().error() != Reason::kNone) return std::nullopt;
  peer.feed("", true);
  std::string text;
  for (const auto& call : peer.calls()) {
    // How much of a message is read before it breaks off depends on how it was cut.
    text += call->failure() == Reason::kNone ? call->log() : call->log().substr(0, call->log().find('\n'));
    text.append(" ").append(reasonInfo(call->failure()).name).append("\n");
  }
  return text;
}

}  // namespace
}  // namespace weir::http::h2

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using weir::http::Role;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const Role role = (data[0] & 0x80) != 0 ? Role::kClient : Role::kServer;
  const size_t step = 1 + data[0] % 64;
  const auto whole = weir::http::h2::run(role, bytes, bytes.size() + 1);
  const auto cut = weir::http::h2::run(role, bytes, step);
  if (whole && cut && *whole != *cut) std::abort();
  return 0;
}
