// TlsSocket: a Socket that encrypts what goes through another Socket. Made by a TlsTransport, owned by a Connection
// like any other socket; one worker. It stands between the inner socket and its watcher and keeps the promises that
// Connection relies on: a short read means that a new edge will come, a full one that there may be more; bytes that a
// write reports are on their way, others will be offered again unchanged.
//
//   client: kConnecting --inner socket connected--> kHandshake --> kOpen --> (kFailed)
//   server:                                         kHandshake --> kOpen --> (kFailed)
//
// Edges of the inner socket drive the handshake; the watcher hears of the connection when it is open or has failed.
// Handshakes pass a HandshakeGate, so that many of them do not keep the worker from all else.
// Reading and writing before that would block. The end of the stream is the peer's close_notify, or its FIN; that one
// of them was missing is reported by transportInfo(). Renegotiation is refused. An idle connection holds no buffer.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/event/dispatcher.h"
#include "source/event/wakeable.h"
#include "source/net/socket.h"
#include "source/net/tls/cipher_pipe.h"
#include "source/net/tls/connection_state.h"
#include "source/net/tls/handshake_gate.h"
#include "source/net/tls/handshake_remains.h"
#include "source/net/tls/openssl_ptr.h"
#include "source/net/tls/tls_stats.h"
#include "source/net/transport_info.h"
#include "source/stats/shard.h"

namespace weir::net::tls {

class TlsSocket final : public Socket, private event::ReadyHandler, private event::Wakeable {
 public:
  // What all sockets of one transport share; it and its parts outlive them.
  struct Shared {
    OpensslPtr<BIO_METHOD> method = CipherPipe::makeMethod();
    TlsStats stats;
    // The second in which a failed handshake was last logged: a line tells why, a thousand do not tell it better.
    mutable std::atomic<int64_t> logged{-1};
    // Those that may be shown, and what they say.
    std::vector<std::pair<const X509*, std::shared_ptr<const PeerCertificate>>> certificates;
    mutable HandshakeGates gates;
    mutable HandshakeRemains remains;
  };
  // `ssl` knows its role; `context` is kept alive for it. `shard` outlives the socket.
  TlsSocket(std::unique_ptr<Socket> inner, SslPtr ssl, std::unique_ptr<ConnectionState> state,
            std::shared_ptr<const void> context, std::shared_ptr<const Shared> shared, stats::Shard& shard);
  // Says goodbye (close_notify) if nobody did before, and closes.
  ~TlsSocket() override;

  void watch(event::ReadyHandler& handler) override;
  // Once the handshake is done.
  bool handOver(event::ReadyHandler& handler) override;
  IoResult read(std::span<const iovec> into) override;
  IoResult write(std::span<const iovec> from) override;
  // close_notify and FIN, behind everything that was written.
  void shutdownWrite() override;
  void resetOnClose() override;
  // Says which part of the way failed: connecting, or the handshake and why.
  absl::Status connectResult() override;
  Address localAddress() const override { return inner_->localAddress(); }
  Address remoteAddress() const override { return inner_->remoteAddress(); }
  const TransportInfo* transportInfo() const override;
  std::string peerCertificatePem(bool chain) const override;

 private:
  enum class State : uint8_t { kConnecting, kHandshake, kOpen, kFailed };

  void onReady(event::Readiness ready) override;
  void onWake() override;
  bool connected(event::Readiness ready);
  bool admitted();
  void handshake();
  void handshakeDone();
  // After a call of OpenSSL that did not succeed. kWouldBlock, kEnd or kFailed; remembers the last two.
  IoResult outcomeOf(int returned);
  void fail(std::string reason, int error);
  std::string reasonOfFailure();
  void logFailure() const;
  void countFailedCheck();
  IoResult readPiece(const iovec& piece, size_t& got);
  bool encrypt(std::string_view plain);
  size_t recordBytes();
  void sendFin();
  void fillInfo() const;

  std::unique_ptr<Socket> inner_;
  CipherPipe pipe_;
  std::shared_ptr<const Shared> shared_;
  std::shared_ptr<const void> context_;
  std::unique_ptr<ConnectionState> state_of_callbacks_;  // server: until the handshake is done
  SslPtr ssl_;
  event::Dispatcher& dispatcher_;
  stats::Shard& shard_;
  event::ReadyHandler* handler_ = nullptr;
  std::unique_ptr<std::string> failure_;
  mutable std::shared_ptr<TransportInfo> info_;
  base::MonotonicTime last_write_;
  uint32_t ahead_ = 0;        // of the next write, so many bytes are encrypted already and wait in the pipe
  uint32_t burst_bytes_ = 0;  // written since the connection was idle
  int error_ = 0;
  State state_;
  bool server_ : 1;
  bool at_end_ : 1 = false;       // the peer sends no more
  bool truncated_ : 1 = false;    // ... and has not said so
  bool write_waits_ : 1 = false;  // a write was refused before the handshake was done
  bool read_waits_ : 1 = false;   // a read must write first
  bool fin_wanted_ : 1 = false;   // once everything is sent
  bool said_goodbye_ : 1 = false;
  bool reset_ : 1 = false;
  bool never_connected_ : 1 = false;
  bool waits_at_gate_ : 1 = false;
};

}  // namespace weir::net::tls
