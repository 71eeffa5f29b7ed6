// AresOptions: how an AresResolver asks; compiled from the configuration.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "source/net/address.h"

struct ares_channeldata;

namespace weir::upstream::dns {

struct AresOptions {
  std::vector<net::Address> servers;                // asked in this order; none: those of resolv.conf
  bool use_tcp = false;                             // for every question
  bool use_search_domains = true;                   // those of resolv.conf, for names with few dots
  bool rotate = false;                              // servers, for each question
  absl::Duration query_timeout = absl::Seconds(5);  // of one try at one server; later rounds take twice as long
  int tries = 4;                                    // of each server
  size_t max_parallel = 256;                        // questions; what is above waits its turn
  int udp_payload = 1232;  // bytes of an answer over UDP that is asked for: what DNS Flag Day 2020 settled on
  std::string hosts_path = "/etc/hosts";  // empty: none

  friend bool operator==(const AresOptions& a, const AresOptions& b) = default;
};

// Opens a channel of c-ares, which ares_destroy() ends. `on_socket` is called with `argument`, a socket, and whether
// c-ares wants to read from it and to write to it; neither when it is about to be closed. Reads resolv.conf.
// Unavailable when c-ares cannot be set up, InvalidArgument for a server that is not an IP address.
absl::StatusOr<ares_channeldata*> openChannel(const AresOptions& options,
                                              void (*on_socket)(void* argument, int fd, int readable, int writable),
                                              void* argument);

}  // namespace weir::upstream::dns
