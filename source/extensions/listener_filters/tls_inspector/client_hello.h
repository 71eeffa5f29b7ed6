// parseClientHello: reads what the first message of a TLS client says, without any of TLS itself. Works on the first
// bytes of a connection, however they are cut into records and pieces; keeps nothing. RFC 8446 sections 4.1.2 and 5.1,
// RFC 6066 section 3, RFC 7301.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::extensions::tls_inspector {

struct ClientHello {
  enum class State : uint8_t {
    kMore,  // all so far may be the beginning of one
    kComplete,
    kNone,      // it is not TLS
    kTooLarge,  // it says that it is longer than kMaxClientHello
  };
  State state = State::kNone;
  std::string server_name;        // lower case; empty: none
  std::vector<std::string> alpn;  // in the client's order
  // As they come; what cannot be read is left out.
  uint16_t version = 0;                        // the one in the head, which TLS 1.3 does not use
  std::vector<uint16_t> suites;                // 0x1301
  std::vector<uint16_t> extensions;            // their types
  std::vector<uint16_t> versions;              // supported_versions
  std::vector<uint16_t> groups;                // supported_groups
  std::vector<uint16_t> point_formats;         // ec_point_formats
  std::vector<uint16_t> signature_algorithms;  // signature_algorithms
};

// Clients with post-quantum keys send less than 2 KiB; certificates do not stand in it.
inline constexpr size_t kMaxClientHello = 64 * 1024;

ClientHello parseClientHello(std::string_view bytes);

}  // namespace weir::extensions::tls_inspector
