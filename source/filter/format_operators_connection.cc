// Operators that say something of the connections and addresses on both sides.
#include "source/filter/format_operator.h"
#include "source/net/ip_text.h"

namespace weir::filter {
namespace {

using net::Address;

bool appendIp(const Address& address, std::string& out) {
  if (address.family() == Address::Family::kNone) return false;
  if (address.isIp()) {
    out += net::IpText(address.ipBytes()).view();
  } else {
    out += address.ip();
  }
  return true;
}

bool appendAddress(const Address& address, std::string& out) {
  if (!address.isIp()) {
    if (address.family() == Address::Family::kNone) return false;
    out += address.text();
    return true;
  }
  const bool brackets = address.family() == Address::Family::kIpv6;
  if (brackets) out += '[';
  appendIp(address, out);
  out += brackets ? "]:" : ":";
  return appendNumber(address.port(), out);
}

bool appendPort(const Address& address, std::string& out) {
  return address.isIp() && appendNumber(address.port(), out);
}

// The three forms of one address of the stream info.
template <net::Address StreamInfo::*kMember>
struct Own {
  static bool all(const FormatOperator&, const StreamInfo& info, std::string& out) {
    return appendAddress(info.*kMember, out);
  }
  static bool ip(const FormatOperator&, const StreamInfo& info, std::string& out) {
    return appendIp(info.*kMember, out);
  }
  static bool port(const FormatOperator&, const StreamInfo& info, std::string& out) {
    return appendPort(info.*kMember, out);
  }
};
template <std::optional<net::Address> StreamInfo::*kMember>
struct Peer {
  static bool all(const FormatOperator&, const StreamInfo& info, std::string& out) {
    return info.*kMember && appendAddress(*(info.*kMember), out);
  }
  static bool ip(const FormatOperator&, const StreamInfo& info, std::string& out) {
    return info.*kMember && appendIp(*(info.*kMember), out);
  }
  static bool port(const FormatOperator&, const StreamInfo& info, std::string& out) {
    return info.*kMember && appendPort(*(info.*kMember), out);
  }
};
using Local = Own<&StreamInfo::downstream_local>;
using Remote = Own<&StreamInfo::downstream_remote>;
using Direct = Own<&StreamInfo::downstream_direct_remote>;
using UpstreamLocal = Peer<&StreamInfo::upstream_local>;
using UpstreamRemote = Peer<&StreamInfo::upstream_remote>;

bool connectionId(const FormatOperator&, const StreamInfo& info, std::string& out) {
  return appendNumber(info.connection_id, out);
}
bool upstreamAttempts(const FormatOperator&, const StreamInfo& info, std::string& out) {
  return appendNumber(info.upstream_attempts, out);
}
bool upstreamCluster(const FormatOperator&, const StreamInfo& info, std::string& out) {
  out += info.upstream_cluster;
  return !info.upstream_cluster.empty();
}
bool upstreamHostName(const FormatOperator&, const StreamInfo& info, std::string& out) {
  out += info.upstream_host_name;
  return !info.upstream_host_name.empty();
}

const FormatOperator kOperators[] = {
    {.name = "CONNECTION_ID", .number = true, .write = connectionId},
    {.name = "DOWNSTREAM_DIRECT_REMOTE_ADDRESS", .write = Direct::all},
    {.name = "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", .write = Direct::ip},
    {.name = "DOWNSTREAM_DIRECT_REMOTE_PORT", .number = true, .write = Direct::port},
    {.name = "DOWNSTREAM_LOCAL_ADDRESS", .write = Local::all},
    {.name = "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", .write = Local::ip},
    {.name = "DOWNSTREAM_LOCAL_PORT", .number = true, .write = Local::port},
    {.name = "DOWNSTREAM_REMOTE_ADDRESS", .write = Remote::all},
    {.name = "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", .write = Remote::ip},
    {.name = "DOWNSTREAM_REMOTE_PORT", .number = true, .write = Remote::port},
    {.name = "UPSTREAM_CLUSTER", .write = upstreamCluster},
    {.name = "UPSTREAM_HOST", .write = UpstreamRemote::all},
    {.name = "UPSTREAM_HOST_NAME", .write = upstreamHostName},
    {.name = "UPSTREAM_LOCAL_ADDRESS", .write = UpstreamLocal::all},
    {.name = "UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", .write = UpstreamLocal::ip},
    {.name = "UPSTREAM_LOCAL_PORT", .number = true, .write = UpstreamLocal::port},
    {.name = "UPSTREAM_REMOTE_ADDRESS", .write = UpstreamRemote::all},
    {.name = "UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", .write = UpstreamRemote::ip},
    {.name = "UPSTREAM_REMOTE_PORT", .number = true, .write = UpstreamRemote::port},
    {.name = "UPSTREAM_REQUEST_ATTEMPT_COUNT", .number = true, .write = upstreamAttempts},
};

}  // namespace

FormatOperatorList connectionOperators() { return {kOperators, std::size(kOperators)}; }

}  // namespace weir::filter
