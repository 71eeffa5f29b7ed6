// ListenerFilter: looks at the first bytes of an accepted connection before a filter chain is chosen for it, and says
// what they tell. Compiled at load (source/extensions/listener_filters), immutable, shared by workers. It is asked anew
// with all bytes from the first one whenever more have come; it keeps nothing of a connection.
// ListenerFilterRegistry: those that weir has, by the full name of their configuration message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "source/base/diagnostics.h"
#include "source/net/address.h"
#include "source/net/client_fingerprints.h"
#include "source/net/socket.h"
#include "source/stats/registry.h"
#include "source/stats/shard.h"

namespace google::protobuf {
class Message;
}

namespace weir::proxy {

// What is known of a connection when its filter chain is chosen.
struct Inspected {
  net::Address local;                                  // where the client went: as accepted, or what a filter found out
  net::Address remote;                                 // who the client is: likewise
  net::Address direct_remote;                          // the peer of the socket
  std::string server_name;                             // SNI, lower case; empty: none
  std::string_view transport_protocol = "raw_buffer";  // or "tls"; static
  std::vector<std::string> application_protocols;      // what the client offers, in its order
  std::shared_ptr<const net::ClientFingerprints> fingerprints;  // null: none
  std::shared_ptr<const std::string> proxy_tlvs;                // that a PROXY header had, to be passed on; null: none
  bool local_restored = false;                                  // `local` is another address than that of the socket
  bool handed_over = false;                                     // another listener has taken it and handed it over
};

class ListenerFilter {
 public:
  enum class Verdict : uint8_t {
    kMore,     // cannot say yet
    kDone,     // what it found stands in the result
    kRefused,  // the connection is closed
  };
  struct Look {
    std::string_view bytes;  // all that has come
    bool end;                // no more will
    const net::Socket& socket;
    stats::Shard& shard;
    size_t consumed = 0;  // out: that many bytes belong to the filter; nobody else sees them
  };

  virtual ~ListenerFilter() = default;
  virtual Verdict inspect(Look& look, Inspected& result) const = 0;
  // It says something within so many bytes; 0: it looks at none.
  virtual size_t maxBytes() const = 0;
};

struct ListenerFilterContext {
  stats::Registry& stats;
  std::string_view instance;  // what counters call the listener
  base::Diagnostics& diagnostics;
  const base::FieldPath& path;  // of the configuration message
};

struct ListenerFilterType {
  std::string config_type;  // "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
  std::string usual_name;   // "envoy.filters.listener.tls_inspector"
  // Null after at least one error was reported.
  std::function<std::unique_ptr<ListenerFilter>(const google::protobuf::Message&, const ListenerFilterContext&)> make;
};

class ListenerFilterRegistry {
 public:
  absl::Status add(ListenerFilterType type);
  const ListenerFilterType* byConfigType(std::string_view full_name) const;
  const std::map<std::string, ListenerFilterType, std::less<>>& all() const { return types_; }

 private:
  std::map<std::string, ListenerFilterType, std::less<>> types_;
};

}  // namespace weir::proxy
