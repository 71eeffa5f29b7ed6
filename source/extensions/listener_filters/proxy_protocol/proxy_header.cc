// version 1  "PROXY" SP ( "TCP4" | "TCP6" ) SP source SP destination SP port SP port CRLF
//            "PROXY" SP "UNKNOWN" anything CRLF                  at most 107 bytes
// version 2  signature[12], 0x20 | command, family << 4 | transport, length[2], addresses, TLVs
//            command 0 LOCAL, 1 PROXY; family 0 none, 1 IPv4: 4+4+2+2, 2 IPv6: 16+16+2+2, 3 unix: 108+108
#include "source/extensions/listener_filters/proxy_protocol/proxy_header.h"

#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

namespace weir::extensions::proxy_protocol {
namespace {

using State = ProxyHeader::State;

constexpr std::string_view kSignature1 = "PROXY ";
constexpr std::string_view kSignature2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kMaxLine = 107;

std::optional<uint16_t> port(std::string_view text) {
  uint16_t value = 0;
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view nextWord(std::string_view& rest) {
  const size_t space = rest.find(' ');
  const std::string_view word = rest.substr(0, space);
  rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
  return word;
}

// The line without its end.
bool parseLine(std::string_view line, ProxyHeader& header) {
  line.remove_prefix(kSignature1.size());
  const std::string_view family = nextWord(line);
  if (family == "UNKNOWN") return true;
  const bool six = family == "TCP6";
  if (!six && family != "TCP4") return false;
  std::array<std::string_view, 4> words;
  for (std::string_view& word : words) word = nextWord(line);
  const std::optional<uint16_t> from = port(words[2]);
  const std::optional<uint16_t> to = port(words[3]);
  if (!line.empty() || !from || !to) return false;
  const auto source = net::Address::parseIp(words[0], *from);
  const auto destination = net::Address::parseIp(words[1], *to);
  const net::Address::Family wanted = six ? net::Address::Family::kIpv6 : net::Address::Family::kIpv4;
  if (!source.ok() || !destination.ok() || source->family() != wanted || destination->family() != wanted) return false;
  header.source = *source;
  header.destination = *destination;
  return true;
}

ProxyHeader parseVersion1(std::string_view bytes) {
  const size_t end = bytes.substr(0, kMaxLine).find("\r\n");
  if (end == std::string_view::npos) return {bytes.size() < kMaxLine ? State::kMore : State::kBad};
  ProxyHeader header{State::kComplete, 1, end + 2, {}, {}, {}};
  if (!parseLine(bytes.substr(0, end), header)) return {State::kBad};
  return header;
}

net::Address addressAt(std::string_view bytes, size_t length, std::string_view port_bytes) {
  if (length == 4) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    std::memcpy(&in.sin_addr, bytes.data(), 4);
    std::memcpy(&in.sin_port, port_bytes.data(), 2);
    return net::Address::fromSockaddr(reinterpret_cast<const sockaddr*>(&in), sizeof(in));
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  std::memcpy(&in.sin6_addr, bytes.data(), 16);
  std::memcpy(&in.sin6_port, port_bytes.data(), 2);
  return net::Address::fromSockaddr(reinterpret_cast<const sockaddr*>(&in), sizeof(in));
}

ProxyHeader parseVersion2(std::string_view bytes) {
  if (bytes.size() > 12) {
    const unsigned char command = static_cast<unsigned char>(bytes[12]);
    if (command != 0x20 && command != 0x21) return {State::kBad};
  }
  if (bytes.size() < 16) return {State::kMore};
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const size_t length = static_cast<size_t>(byte(14)) << 8 | byte(15);
  const unsigned family = byte(13) >> 4;
  if (family > 3 || (byte(13) & 15) > 2) return {State::kBad};
  const bool local = byte(12) == 0x20;
  const size_t address = family == 1 ? 4 : family == 2 ? 16 : 0;
  if (!local && address != 0 && length < 2 * address + 4) return {State::kBad};
  if (bytes.size() < 16 + length) return {State::kMore};
  ProxyHeader header{State::kComplete, 2, 16 + length, {}, {}, {}};
  if (local) return header;
  const std::string_view body = bytes.substr(16, length);
  const size_t addresses = family == 3 ? 216 : address == 0 ? 0 : 2 * address + 4;
  header.tlvs = body.substr(std::min(addresses, body.size()));
  if (address == 0) return header;
  header.source = addressAt(body, address, body.substr(2 * address, 2));
  header.destination = addressAt(body.substr(address), address, body.substr(2 * address + 2, 2));
  return header;
}

}  // namespace

ProxyHeader parseProxyHeader(std::string_view bytes) {
  if (bytes.empty()) return {State::kMore};
  if (kSignature1.starts_with(bytes.substr(0, kSignature1.size()))) {
    return bytes.size() < kSignature1.size() ? ProxyHeader{State::kMore} : parseVersion1(bytes);
  }
  if (kSignature2.starts_with(bytes.substr(0, kSignature2.size()))) {
    return bytes.size() < kSignature2.size() ? ProxyHeader{State::kMore} : parseVersion2(bytes);
  }
  return {State::kNone};
}

}  // namespace weir::extensions::proxy_protocol
