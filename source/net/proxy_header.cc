#include "source/net/proxy_header.h"

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"

namespace weir::net {
namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr char kLocal = 0x20;
constexpr char kProxy = 0x21;
constexpr char kUnspecified = 0x00;
constexpr char kTcp4 = 0x11;
constexpr char kTcp6 = 0x21;

bool bothIp(const ClientAddresses* client) {
  return client != nullptr && client->remote.isIp() && client->local.isIp();
}

bool bothIpv4(const ClientAddresses& client) {
  return client.remote.family() == Address::Family::kIpv4 && client.local.family() == Address::Family::kIpv4;
}

bool isIpv4(const Address& address) { return address.family() == Address::Family::kIpv4; }

std::string text6(const Address& address) {
  return isIpv4(address) ? absl::StrCat("::ffff:", address.ip()) : address.ip();
}

void append16(size_t number, std::string& out) {
  out += static_cast<char>(number >> 8);
  out += static_cast<char>(number & 0xff);
}

void appendBytes6(const Address& address, std::string& out) {
  if (isIpv4(address)) out.append("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  out += address.ipBytes();
}

std::string version1(const ClientAddresses* client) {
  if (!bothIp(client)) return "PROXY UNKNOWN\r\n";
  const Address& from = client->remote;
  const Address& to = client->local;
  const std::string ports = absl::StrCat(" ", from.port(), " ", to.port(), "\r\n");
  if (bothIpv4(*client)) return absl::StrCat("PROXY TCP4 ", from.ip(), " ", to.ip(), ports);
  return absl::StrCat("PROXY TCP6 ", text6(from), " ", text6(to), ports);
}

// Calls fn(type, whole TLV) for each; false where `tlvs` ends within one.
template <typename Fn>
bool eachTlv(std::string_view tlvs, Fn&& fn) {
  while (!tlvs.empty()) {
    if (tlvs.size() < 3) return false;
    const auto byte = [tlvs](size_t i) { return static_cast<uint8_t>(tlvs[i]); };
    const size_t whole = 3 + (size_t{byte(1)} << 8 | byte(2));
    if (tlvs.size() < whole) return false;
    fn(byte(0), tlvs.substr(0, whole));
    tlvs.remove_prefix(whole);
  }
  return true;
}

// What goes behind the addresses.
std::string allTlvs(const ProxyHeaderOptions& options, const ClientAddresses* client) {
  if (client == nullptr || client->tlvs.empty() || options.passed.none()) return options.tlvs;
  TlvTypes types = options.passed;
  eachTlv(options.tlvs, [&types](uint8_t type, std::string_view) { types.reset(type); });
  std::string out;
  eachTlv(client->tlvs, [&](uint8_t type, std::string_view tlv) {
    if (types.test(type) && out.size() + tlv.size() + options.tlvs.size() <= kMaxTlvBytes) out += tlv;
  });
  return out + options.tlvs;
}

std::string version2(const ClientAddresses* client, std::string_view tlvs) {
  std::string out(kSignature);
  if (client == nullptr) {
    out += kLocal;
    out += kUnspecified;
    append16(0, out);
    return out;
  }
  out += kProxy;
  if (!bothIp(client)) {
    out += kUnspecified;
    append16(tlvs.size(), out);
  } else if (bothIpv4(*client)) {
    out += kTcp4;
    append16(12 + tlvs.size(), out);
    out += client->remote.ipBytes();
    out += client->local.ipBytes();
  } else {
    out += kTcp6;
    append16(36 + tlvs.size(), out);
    appendBytes6(client->remote, out);
    appendBytes6(client->local, out);
  }
  if (bothIp(client)) {
    append16(client->remote.port(), out);
    append16(client->local.port(), out);
  }
  out += tlvs;
  return out;
}

}  // namespace

std::optional<std::string> tlvsOf(std::string_view tlvs, const TlvTypes& types) {
  std::string out;
  const bool whole = eachTlv(tlvs, [&](uint8_t type, std::string_view tlv) {
    if (types.test(type)) out += tlv;
  });
  if (!whole) return std::nullopt;
  return out;
}

void addTlv(uint8_t type, std::string_view value, std::string& tlvs) {
  tlvs += static_cast<char>(type);
  append16(value.size(), tlvs);
  tlvs += value;
}

std::string proxyHeader(const ProxyHeaderOptions& options, const ClientAddresses* client) {
  if (options.version == ProxyHeaderOptions::Version::kV1) return version1(client);
  return version2(client, allTlvs(options, client));
}

}  // namespace weir::net
