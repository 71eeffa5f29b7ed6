#include "source/upstream/dns/ares_options.h"

#include <ares.h>
#include <string.h>

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace weir::upstream::dns {
namespace {

absl::Status failed(const char* what, int status) {
  return absl::UnavailableError(absl::StrCat(what, ": ", ares_strerror(status)));
}

absl::Status setServers(ares_channel channel, const std::vector<net::Address>& servers) {
  if (servers.empty()) return absl::OkStatus();
  std::vector<ares_addr_port_node> nodes(servers.size());
  for (size_t i = 0; i < servers.size(); ++i) {
    if (!servers[i].isIp()) return absl::InvalidArgumentError(servers[i].text() + ": a DNS server is an IP address");
    const std::string_view bytes = servers[i].ipBytes();
    nodes[i].next = i + 1 < servers.size() ? &nodes[i + 1] : nullptr;
    nodes[i].family = bytes.size() == 4 ? AF_INET : AF_INET6;
    memcpy(&nodes[i].addr, bytes.data(), bytes.size());
    nodes[i].udp_port = nodes[i].tcp_port = servers[i].port();
  }
  const int status = ares_set_servers_ports(channel, nodes.data());
  return status == ARES_SUCCESS ? absl::OkStatus() : failed("DNS servers", status);
}

}  // namespace

absl::StatusOr<ares_channeldata*> openChannel(const AresOptions& options,
                                              void (*on_socket)(void* argument, int fd, int readable, int writable),
                                              void* argument) {
  // Nothing but a count inside the library, kept for the life of the process.
  static const int library = ares_library_init(ARES_LIB_INIT_ALL);
  if (library != ARES_SUCCESS) return failed("c-ares", library);
  ares_options raw = {};
  raw.flags =
      ARES_FLAG_EDNS | (options.use_tcp ? ARES_FLAG_USEVC : 0) | (options.use_search_domains ? 0 : ARES_FLAG_NOSEARCH);
  raw.timeout = static_cast<int>(std::clamp<int64_t>(absl::ToInt64Milliseconds(options.query_timeout), 1, 600'000));
  raw.tries = std::max(1, options.tries);
  raw.ednspsz = options.udp_payload;
  raw.sock_state_cb = on_socket;
  raw.sock_state_cb_data = argument;
  const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB |
                   (options.rotate ? ARES_OPT_ROTATE : ARES_OPT_NOROTATE);
  ares_channel channel = nullptr;
  if (const int status = ares_init_options(&channel, &raw, mask); status != ARES_SUCCESS) {
    return failed("c-ares", status);
  }
  if (absl::Status status = setServers(channel, options.servers); !status.ok()) {
    ares_destroy(channel);
    return status;
  }
  return channel;
}

}  // namespace weir::upstream::dns
