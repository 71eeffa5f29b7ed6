// ja3 = md5( version "," suites "," extensions "," groups "," formats )      decimal, lists joined by "-"
// ja4 = "t" version ( "d" | "i" ) nn nn aa "_" sha256( suites )12 "_" sha256( extensions [ "_" algorithms ] )12
//       d: there is a server name; nn nn: how many suites and extensions; aa: first and last of the first protocol;
//       suites and extensions in four hexadecimal digits, sorted, joined by ","; without server_name and alpn
#include "source/extensions/listener_filters/tls_inspector/fingerprints.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "source/net/tls/digest.h"

namespace weir::extensions::tls_inspector {
namespace {

constexpr uint16_t kServerName = 0;
constexpr uint16_t kAlpn = 16;
constexpr size_t kHashDigits = 12;

// 0x0a0a, 0x1a1a, to 0xfafa.
bool isGrease(uint16_t value) { return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff); }

std::vector<uint16_t> withoutGrease(std::vector<uint16_t> values) {
  std::erase_if(values, isGrease);
  return values;
}

std::string hexList(const std::vector<uint16_t>& values) {
  return absl::StrJoin(
      values, ",", [](std::string* out, uint16_t value) { absl::StrAppend(out, absl::Hex(value, absl::kZeroPad4)); });
}

std::string versionOf(const ClientHello& hello) {
  const std::vector<uint16_t> offered = withoutGrease(hello.versions);
  const uint16_t version = offered.empty() ? hello.version : *std::max_element(offered.begin(), offered.end());
  switch (version) {
    case 0x0304:
      return "13";
    case 0x0303:
      return "12";
    case 0x0302:
      return "11";
    case 0x0301:
      return "10";
    case 0x0300:
      return "s3";
    default:
      return "00";
  }
}

std::string twoDigits(size_t count) {
  const size_t shown = std::min<size_t>(count, 99);
  return absl::StrCat(absl::Dec(shown, absl::kZeroPad2));
}

// Of what is no letter or digit, the hexadecimal digit on that side.
std::string protocolOf(const ClientHello& hello) {
  if (hello.alpn.empty() || hello.alpn.front().empty()) return "00";
  const auto first = static_cast<unsigned char>(hello.alpn.front().front());
  const auto last = static_cast<unsigned char>(hello.alpn.front().back());
  if (std::isalnum(first) != 0 && std::isalnum(last) != 0) {
    return {static_cast<char>(first), static_cast<char>(last)};
  }
  return absl::StrCat(absl::Hex(first >> 4), absl::Hex(last & 15));
}

std::string shortHash(const std::string& text) {
  return text.empty() ? std::string(kHashDigits, '0') : net::tls::sha256Hex(text).substr(0, kHashDigits);
}

}  // namespace

std::string ja3Of(const ClientHello& hello) {
  const auto list = [](const std::vector<uint16_t>& values) { return absl::StrJoin(withoutGrease(values), "-"); };
  return net::tls::md5Hex(absl::StrCat(hello.version, ",", list(hello.suites), ",", list(hello.extensions), ",",
                                       list(hello.groups), ",", list(hello.point_formats)));
}

std::string ja4Of(const ClientHello& hello) {
  std::vector<uint16_t> suites = withoutGrease(hello.suites);
  std::vector<uint16_t> extensions = withoutGrease(hello.extensions);
  const bool named = std::find(extensions.begin(), extensions.end(), kServerName) != extensions.end();
  std::string out = absl::StrCat("t", versionOf(hello), named ? "d" : "i", twoDigits(suites.size()),
                                 twoDigits(extensions.size()), protocolOf(hello));
  std::sort(suites.begin(), suites.end());
  std::erase_if(extensions, [](uint16_t one) { return one == kServerName || one == kAlpn; });
  std::sort(extensions.begin(), extensions.end());
  std::string rest = hexList(extensions);
  const std::vector<uint16_t> algorithms = withoutGrease(hello.signature_algorithms);
  if (!rest.empty() && !algorithms.empty()) absl::StrAppend(&rest, "_", hexList(algorithms));
  absl::StrAppend(&out, "_", shortHash(hexList(suites)), "_", shortHash(rest));
  return out;
}

}  // namespace weir::extensions::tls_inspector
