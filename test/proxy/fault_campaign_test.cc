// A campaign of faults: clients send requests with an id through weir to origins that do everything wrong, one fault
// drawn at random for each request that they see, and count how often each id was processed.
//
//   nothing that was safe to send again is lost: an idempotent request under a policy that covers the fault has a 200
//   nothing else is processed twice: a POST under the default policy, at most once
//
// WEIR_CAMPAIGN_REQUESTS=100000 runs the whole; what stands below is for every run.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/proxy/campaign_clients.h"
#include "test/proxy/campaign_origin.h"

namespace weir::proxy {
namespace {

class Campaign {
 public:
  Campaign(bool policy, uint64_t seed)
      : world_(
            [&](ProxyWorld::Setup& setup) {
              if (policy) sendAgain(setup, kRetryOn5xx);
            },
            [](upstream::ClusterConfig& cluster) { cluster.thresholds[0].max_retries = 1000; }),
        random_(seed) {
    origin.serveAt(world_.origin, true);
  }

  // Clients that each send one request after the other, `count` in all.
  void run(int count, const char* method, size_t clients) {
    CampaignClients all(world_, clients, method);
    all.run(count, [this] { trim(); });
    sent = all.sent;
    good = all.good;
    bad = all.bad.size();
  }

  int sent = 0;
  int good = 0;
  size_t bad = 0;

 private:
  // Ends of connections that are over are let go, so that a long campaign stays small.
  void trim() {
    if (world_.origin.peers.size() < 4000 || origin.pending() > 0) return;
    world_.settle();
    std::erase_if(world_.origin.peers, [](const auto& peer) { return peer->closed.has_value(); });
  }

  ProxyWorld world_;
  base::Random random_;

 public:
  // Never silent: the route of the second test gives no time-out to a request.
  CampaignOrigin origin{world_, random_, CampaignOrigin::kAll - 1};
};

// With a policy that covers the faults, every idempotent request is answered, but those whose response had begun.
TEST(FaultCampaignTest, LosesNothingThatWasSafeToSendAgain) {
  Campaign campaign(true, 11);
  const int count = campaignRequests(4000);
  campaign.run(count, "PUT", 8);
  EXPECT_GT(campaign.origin.resent, count / 50);
  // A response that has begun is passed on, and cannot be taken back.
  EXPECT_EQ(campaign.bad, campaign.origin.half_bodies.size());
  EXPECT_EQ(static_cast<size_t>(campaign.good) + campaign.bad, static_cast<size_t>(campaign.sent));
  EXPECT_EQ(campaign.origin.processed.size(), static_cast<size_t>(campaign.sent));
}

TEST(FaultCampaignTest, ProcessesNothingTwiceThatIsNotIdempotent) {
  Campaign campaign(false, 12);
  const int count = campaignRequests(4000);
  campaign.run(count, "POST", 8);
  EXPECT_EQ(campaign.origin.resent, 0);
  EXPECT_GT(campaign.bad, static_cast<size_t>(count) / 50);
  EXPECT_GT(campaign.good, count / 2);
}

}  // namespace
}  // namespace weir::proxy
