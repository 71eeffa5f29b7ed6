#include "source/server/bind_hint.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"

namespace weir::server {
namespace {

constexpr uint16_t kFirstFreePort = 1024;

std::string_view nextStep(std::string_view message, const net::Address& address) {
  const auto is = [message](std::string_view code) { return message.find(code) != std::string_view::npos; };
  if (is("(EADDRINUSE)")) {
    return address.isIp() ? "another process listens there, perhaps a weir that runs already; `ss -ltnp` shows which"
                          : "another process listens there, perhaps a weir that runs already; `ss -lxp` shows which";
  }
  if (is("(EADDRNOTAVAIL)")) return "no interface of this machine has that address; `ip address` lists those it has";
  if (is("(EACCES)") && address.isIp() && address.port() < kFirstFreePort) {
    return "ports below 1024 are for root, or a binary after `setcap cap_net_bind_service=+ep`";
  }
  if (is("(EACCES)") && !address.isIp()) return "the socket's folder must be one that this user may write to";
  if (is("(ENOENT)") && !address.isIp()) return "the socket's folder must exist";
  return {};
}

}  // namespace

std::string bindHint(const absl::Status& refused, const net::Address& address) {
  const std::string_view step = nextStep(base::sv(refused.message()), address);
  return absl::StrCat(refused.message(), step.empty() ? "" : "; ", base::av(step));
}

}  // namespace weir::server
