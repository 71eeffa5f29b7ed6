// FilterChain: one compiled filter chain of a listener: which connections it takes, its network filters and the
// terminal behind them. FilterChainMatcher: all chains of a listener and the default one; made at load, immutable,
// shared by workers, alive as long as the configuration.
//
// match() narrows step by step, as the xDS API says: destination port, longest destination prefix, server name (exact,
// then the longest wildcard), transport protocol, application protocol, longest prefix of the direct source, source
// type, longest source prefix, source port. At each step the chains that name the value beat those that leave it open,
// and a later step never brings back what an earlier one ruled out. What is left open by every criterion takes the
// rest.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "source/filter/network_filter_factory.h"
#include "source/net/address.h"
#include "source/net/transport.h"
#include "source/proxy/listener/listener_filter.h"
#include "source/proxy/session_factory.h"

namespace weir::proxy {

struct FilterChainMatch {
  enum class SourceType : uint8_t { kAny, kSameIpOrLoopback, kExternal };
  struct Prefix {
    net::CidrRange range;
    std::string text;  // "10.0.0.0/8" without bits behind the length: equal ranges have equal texts
  };

  std::optional<uint16_t> destination_port;
  std::vector<Prefix> prefixes;                    // of where the client goes; empty: any
  std::vector<std::string> server_names;           // lower case; ".a.example" for every name under it; empty: any
  std::string transport_protocol;                  // "raw_buffer" or "tls", or empty for any
  std::vector<std::string> application_protocols;  // the client offers one of them; empty: any
  std::vector<Prefix> direct_source_prefixes;      // empty: any
  SourceType source_type = SourceType::kAny;
  std::vector<Prefix> source_prefixes;  // empty: any
  std::vector<uint16_t> source_ports;   // empty: any

  // Whether every connection matches.
  bool open() const;
};

struct FilterChain {
  std::string name;  // for logs; the index where the configuration gives none
  FilterChainMatch match;
  // In front of the terminal, in configured order.
  std::vector<std::unique_ptr<const filter::NetworkFilterFactory>> filters;
  std::unique_ptr<const SessionFactory> terminal;
  std::shared_ptr<const net::TransportFactory> transport;       // null: plain bytes
  absl::Duration transport_timeout = absl::InfiniteDuration();  // for its handshake
};

class FilterChainMatcher {
 public:
  // `default_chain` may be null. The error names two chains that would take the same connections.
  static absl::StatusOr<std::unique_ptr<const FilterChainMatcher>> make(std::vector<FilterChain> chains,
                                                                        std::unique_ptr<FilterChain> default_chain);

  // The chain for a connection, or null when none takes it.
  const FilterChain* match(const Inspected& connection) const;

  const std::vector<FilterChain>& chains() const { return chains_; }
  const FilterChain* defaultChain() const { return default_chain_.get(); }

 private:
  FilterChainMatcher(std::vector<FilterChain> chains, std::unique_ptr<FilterChain> default_chain);

  std::vector<FilterChain> chains_;
  std::unique_ptr<FilterChain> default_chain_;
  const FilterChain* for_all_;  // the only chain, when it leaves every criterion open: most listeners have just that
};

}  // namespace weir::proxy
