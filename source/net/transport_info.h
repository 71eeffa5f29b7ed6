// TransportInfo, PeerCertificate, PeerChain: what a transport that protects its bytes knows of the connection, for
// logs, matching and access control. Filled by the socket when it is first asked for; plain values without any type of
// the TLS library. One worker.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

namespace weir::net {

// Names are as the certificate has them, without those that hold a NUL or bytes that no such name may hold.
struct PeerCertificate {
  std::string subject;  // RFC 2253: "CN=a,O=b"
  std::string issuer;
  std::string serial;              // hexadecimal, lower case
  std::string sha256_fingerprint;  // of the whole certificate, hexadecimal, lower case
  std::string sha1_fingerprint;
  std::vector<std::string> dns_names;
  std::vector<std::string> uris;  // SPIFFE identities among them
  std::vector<std::string> emails;
  std::vector<std::string> ip_addresses;
  std::vector<std::string> other_names;  // of types that have a number only
  absl::Time not_before;
  absl::Time not_after;
};

// The certificates that a peer has sent, its own first. They are read when somebody asks, which takes its time.
class PeerChain {
 public:
  struct Link {
    std::string sha256_fingerprint;
    std::string sha1_fingerprint;
    std::string serial;
  };
  virtual ~PeerChain() = default;
  virtual std::string pem() const = 0;  // of its own
  virtual std::vector<Link> links() const = 0;
};

// Sockets own theirs through a shared_ptr, so that a log may keep it when the connection is gone.
struct TransportInfo : std::enable_shared_from_this<TransportInfo> {
  std::string_view version;  // "TLSv1.3"; empty before the handshake is done
  std::string_view cipher;   // OpenSSL's name: "TLS_AES_128_GCM_SHA256"
  std::string server_name;   // SNI, lower case; empty when there was none
  std::string alpn;          // "h2"; empty when none was agreed
  std::string session_id;    // hexadecimal
  bool resumed = false;
  bool truncated = false;  // the peer ended without close_notify: what has no length of its own may be cut short
  bool verified = false;   // the peer's certificate was checked, and found good
  std::string failure;     // why the transport broke, in words; empty when it did not
  std::unique_ptr<PeerCertificate> peer;         // null when the peer showed none
  std::shared_ptr<const PeerChain> peer_chain;   // likewise
  std::shared_ptr<const PeerCertificate> local;  // our own that was shown; null when none was
};

}  // namespace weir::net
