// CampaignOrigin: how the HTTP/1 origins of a campaign answer requests whose bodies are ids of nine bytes: well, or
// with a fault that is drawn for each request. Counts how often each id was processed.
#pragma once

#include <map>
#include <set>
#include <string>

#include "test/proxy/proxy_world.h"

namespace weir::proxy {

class CampaignOrigin {
 public:
  enum class Fault { kNone, kResetBefore, kResetUnread, kHalfHead, kHalfBody, kSlow, k503, kCloseAfter, kSilent };
  static constexpr int kAll = 9;

  // Both outlive it. Every third request has a draw among the first `faults`.
  CampaignOrigin(ProxyWorld& world, base::Random& random, int faults)
      : world_(world), random_(random), faults_(faults) {}

  // Without faults it always answers well.
  void serveAt(upstream::Origin& origin, bool with_faults) {
    origin.on_accept = [this, with_faults](upstream::OriginPeer& peer) {
      if (with_faults && random_.below(16) == 0) return peer.connection().close(net::CloseReason::kLocalReset);
      peer.on_input = [this, with_faults](upstream::OriginPeer& from) { serve(from, with_faults); };
    };
  }
  // Answers that are still to come; ends of connections are kept until there are none.
  int pending() const { return pending_; }

  std::map<std::string, int> processed;
  int resent = 0;                     // processed again
  std::set<std::string> half_bodies;  // were answered in part

 private:
  void serve(upstream::OriginPeer& peer, bool with_faults) {
    while (!peer.closed) {
      const size_t end = peer.received.find("\r\n\r\n");
      if (end == std::string::npos || peer.received.size() < end + 4 + 9) break;
      const std::string id = peer.received.substr(end + 4, 9);
      peer.received.erase(0, end + 4 + 9);
      const bool fault = with_faults && random_.below(3) == 0;
      answer(peer, id, fault ? static_cast<Fault>(random_.below(static_cast<uint64_t>(faults_))) : Fault::kNone);
    }
    if (peer.ended && !peer.closed) peer.connection().closeAfterFlush(absl::ZeroDuration());
  }
  void answer(upstream::OriginPeer& peer, const std::string& id, Fault fault) {
    // One that is closing does not process: what it was sent meanwhile is the sender's to send again.
    if (fault == Fault::kResetUnread) return peer.connection().close(net::CloseReason::kLocalReset);
    if (fault == Fault::k503) return peer.write("HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nno");
    if (++processed[id] > 1) ++resent;
    switch (fault) {
      case Fault::kResetBefore:
        return peer.connection().close(net::CloseReason::kLocalReset);
      case Fault::kHalfHead:
        peer.write("HTTP/1.1 200 O");
        return peer.connection().closeAfterFlush(absl::ZeroDuration());
      case Fault::kHalfBody:
        half_bodies.insert(id);
        peer.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nh");
        return peer.connection().closeAfterFlush(absl::ZeroDuration());
      case Fault::kSlow:  // for longer than a try may take
        ++pending_;
        return world_.upstream.simulation.schedule(absl::Milliseconds(700), [this, &peer] {
          --pending_;
          if (!peer.closed) peer.write(upstream::kOk);
        });
      case Fault::kSilent:  // half open: it will never say anything again
        peer.on_input = [](upstream::OriginPeer& dead) { dead.received.clear(); };
        return;
      case Fault::kCloseAfter:
        peer.write(upstream::kOk);
        return peer.connection().closeAfterFlush(absl::ZeroDuration());
      default:
        return peer.write(upstream::kOk);
    }
  }

  ProxyWorld& world_;
  base::Random& random_;
  const int faults_;
  int pending_ = 0;
};

}  // namespace weir::proxy
