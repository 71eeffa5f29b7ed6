// A campaign of faults: clients send requests with an id through weir to origins that do everything wrong, one fault
// drawn at random for each request that they see, and count how often each id was processed.
//
//   nothing that was safe to send again is lost: an idempotent request under a policy that covers the fault has a 200
//   nothing else is processed twice: a POST under the default policy, at most once
//
// WEIR_CAMPAIGN_REQUESTS=100000 runs the whole; what stands below is for every run.
#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/proxy/campaign_clients.h"

namespace weir::proxy {
namespace {

enum class Fault { kNone, kResetBefore, kResetUnread, kHalfHead, kHalfBody, kSlow, k503, kCloseAfter, kStops };
constexpr int kFaults = 9;

class Campaign {
 public:
  Campaign(bool policy, uint64_t seed)
      : world_(
            [&](ProxyWorld::Setup& setup) {
              if (!policy) return;
              auto made = std::make_shared<UpstreamPolicy>();
              made->retry.on = kRetryOn5xx;
              made->retry.retries = 50;
              made->retry.per_try_timeout = absl::Milliseconds(500);
              auto& action = std::get<ForwardAction>(setup.route->action);
              action.timeout = absl::ZeroDuration();
              action.policy = std::move(made);
            },
            [](upstream::ClusterConfig& cluster) { cluster.thresholds[0].max_retries = 1000; }),
        random_(seed) {
    world_.origin.on_accept = [this](upstream::OriginPeer& peer) {
      if (random_.below(16) == 0) return peer.connection().close(net::CloseReason::kLocalReset);
      peer.on_input = [this](upstream::OriginPeer& from) { serve(from); };
    };
  }

  // Clients that each send one request after the other, `count` in all.
  void run(int count, const char* method, size_t clients) {
    CampaignClients all(world_, clients, method);
    all.run(count, [this] { trim(); });
    sent = all.sent;
    good = all.good;
    bad = static_cast<int>(all.bad.size());
  }

  int sent = 0;
  int good = 0;
  int bad = 0;
  int resent = 0;
  int half_bodies = 0;
  std::map<std::string, int> processed;

 private:
  // Ends of connections that are over are let go, so that a long campaign stays small.
  void trim() {
    if (world_.origin.peers.size() < 4000 || slow_ > 0) return;
    world_.settle();
    std::erase_if(world_.origin.peers, [](const auto& peer) { return peer->closed.has_value(); });
  }

  void serve(upstream::OriginPeer& peer) {
    while (!peer.closed) {
      const size_t end = peer.received.find("\r\n\r\n");
      if (end == std::string::npos || peer.received.size() < end + 4 + 9) return;
      const std::string id = peer.received.substr(end + 4, 9);
      peer.received.erase(0, end + 4 + 9);
      answer(peer, id, static_cast<Fault>(random_.below(3) != 0 ? 0 : random_.below(kFaults)));
    }
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
        ++half_bodies;
        peer.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nh");
        return peer.connection().closeAfterFlush(absl::ZeroDuration());
      case Fault::kSlow:
        ++slow_;
        // Dead for longer than a try may take; the campaign's route has no other timeout where there is no policy.
        return world_.upstream.simulation.schedule(absl::Milliseconds(700), [this, &peer] {
          --slow_;
          if (!peer.closed) peer.write(upstream::kOk);
        });
      case Fault::kCloseAfter:
        peer.write(upstream::kOk);
        return peer.connection().closeAfterFlush(absl::ZeroDuration());
      default:
        return peer.write(upstream::kOk);
    }
  }

  ProxyWorld world_;
  base::Random random_;
  int slow_ = 0;  // answers that are still to come
};

// With a policy that covers the faults, every idempotent request is answered, but those whose response had begun.
TEST(FaultCampaignTest, LosesNothingThatWasSafeToSendAgain) {
  Campaign campaign(true, 11);
  const int count = campaignRequests(4000);
  campaign.run(count, "PUT", 8);
  EXPECT_GT(campaign.resent, count / 50);
  // A response that has begun is passed on, and cannot be taken back.
  EXPECT_EQ(campaign.bad, campaign.half_bodies);
  EXPECT_EQ(campaign.good + campaign.bad, campaign.sent);
  EXPECT_EQ(campaign.processed.size(), static_cast<size_t>(campaign.sent));
}

TEST(FaultCampaignTest, ProcessesNothingTwiceThatIsNotIdempotent) {
  Campaign campaign(false, 12);
  const int count = campaignRequests(4000);
  campaign.run(count, "POST", 8);
  EXPECT_EQ(campaign.resent, 0);
  EXPECT_GT(campaign.bad, count / 50);
  EXPECT_GT(campaign.good, count / 2);
}

}  // namespace
}  // namespace weir::proxy
