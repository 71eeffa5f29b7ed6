// A campaign of faults in the hosts of a cluster: they come and go as a DNS that flaps says, are ejected and taken
// back, refuse, reset, swallow connects and requests, answer late or not at all, while clients send requests with an
// id. Each origin counts how often it processed which id.
//
//   nothing that was safe to send again is lost: an idempotent request under a policy that covers the fault has a 200
//   nothing else is processed twice: a POST under the default policy, at most once
//
// WEIR_CAMPAIGN_REQUESTS=100000 runs the whole; what stands below is for every run.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/cluster_hosts.h"
#include "source/upstream/discovery/dns_cluster.h"
#include "test/proxy/campaign_clients.h"
#include "test/proxy/campaign_origin.h"
#include "test/upstream/dns/fake_resolver.h"

namespace weir::proxy {
namespace {

namespace dns = upstream::dns;
namespace discovery = upstream::discovery;

constexpr size_t kOrigins = 6;
constexpr absl::Duration kEvery = absl::Milliseconds(200);  // something happens to a host

// Besides the origins of the names there is one at an address, which has no faults, so that there always is a host.
class HostsCampaign final : public discovery::HostsReceiver {
 public:
  HostsCampaign(bool policy, uint64_t seed)
      : random_(seed),
        world_(
            [&](ProxyWorld::Setup& setup) {
              std::get<ForwardAction>(setup.route->action).timeout = absl::Seconds(2);
              if (policy) sendAgain(setup, kRetryOn5xx);
            },
            [this](upstream::ClusterConfig& cluster) {
              cluster.thresholds[0].max_retries = 1000;
              cluster.connect_timeout = absl::Milliseconds(250);
              cluster.max_requests_per_connection = 50;
              cluster.max_connection_duration = absl::Seconds(20);
              cluster.preconnect_ratio = 1.5;
              good_ = cluster.hosts.at(0);
            }),
        resolver_(world_.client_worker.dispatcher),
        hosts_(share(world_.clusters->at(0).cluster()), world_.client_worker.dispatcher,
               [this](const std::shared_ptr<const upstream::HostSet>& set) {
                 world_.upstream.worker().dispatcher.post([this, set] { world_.clusters->at(0).setHosts(set); });
               }) {
    origin.serveAt(world_.origin, false);
    for (size_t i = 0; i < kOrigins; ++i) {
      origins_.push_back(
          std::make_unique<upstream::Origin>(world_.upstream.origin_worker, "10.0.1." + std::to_string(i + 1)));
      origin.serveAt(*origins_.back(), true);
    }
    startDiscovery();
    tick();
  }
  ~HostsCampaign() { over_ = true; }

  void run(int count, const char* method) {
    CampaignClients clients(world_, 8, method);
    clients.run(count, [this] {
      // Where only the good host is left, answers take no time, and nothing would ever change again.
      world_.upstream.simulation.runFor(absl::Milliseconds(5));
      trim();
    });
    sent = clients.sent;
    good = clients.good;
    bad = std::move(clients.bad);
  }

  int sent = 0;
  int good = 0;
  std::vector<std::pair<std::string, std::string>> bad;
  int lists = 0;    // of hosts
  int answers = 0;  // of DNS
  std::map<std::string, int> events;

 private:
  // Not owned: the world has it for as long as this lives.
  static std::shared_ptr<const upstream::Cluster> share(const upstream::Cluster& cluster) {
    return {std::shared_ptr<void>(), &cluster};
  }

  // --- DNS ---

  void startDiscovery() {
    auto config = std::make_shared<discovery::DnsDiscovery>();
    discovery::NamedHost fixed;
    fixed.host = good_;
    config->endpoints.push_back(fixed);
    for (size_t i = 0; i < kOrigins; ++i) {
      discovery::NamedHost named;
      named.name = "h" + std::to_string(i);
      named.port = origins_[i]->address().port();
      config->endpoints.push_back(std::move(named));
    }
    config->options.refresh_rate = absl::Seconds(1);
    config->options.failure_base = absl::Milliseconds(200);
    config->options.keep_stale = absl::Seconds(3);
    upstream::TestWorker& main = world_.client_worker;
    discovery_ = std::make_unique<discovery::DnsCluster>(
        config, dns::DnsStats::make(world_.upstream.registry, main.context.stats, "c"), resolver_, random_,
        main.dispatcher, *this);
  }
  void onHosts(std::vector<upstream::HostSpec> list) override {
    ++lists;
    hosts_.update(list);
  }
  // What each name resolves to: most of the time its origin.
  void answerDns() {
    while (questions_ < resolver_.questions.size()) {
      const size_t which = static_cast<size_t>(resolver_.questions[questions_++].name[1] - '0');
      ++answers;
      switch (random_.below(8)) {
        case 0:
          resolver_.answer(dns::Outcome::kNoName);
          break;
        case 1:
          resolver_.answer(dns::Outcome::kServerFailure);
          break;
        case 2:
          resolver_.answer(dns::Outcome::kNoData);
          break;
        case 3:  // nobody listens at the port of this name there
          resolver_.answer(dns::Outcome::kFound, {addressOf((which + 1) % kOrigins), addressOf(which)});
          break;
        default:
          resolver_.answer(dns::Outcome::kFound, {addressOf(which)});
      }
    }
  }
  dns::AddressRecord addressOf(size_t which) const {
    return {*net::Address::parseIp(origins_[which]->address().ip(), 0), absl::Seconds(1)};
  }

  // --- what happens to hosts ---

  void tick() {
    if (over_) return;
    answerDns();
    const size_t which = random_.below(kOrigins);
    const net::Address address = origins_[which]->address();
    harness::SimLink& link = world_.upstream.wire.link(address);
    const char* names[] = {"refuses", "swallows", "far", "resets", "ejected", "draining", "weight", "well", "well"};
    const size_t event = random_.below(9);
    ++events[names[event]];
    if (event < 3 || event > 6) link = {};
    if (event == 0) link.refuse = true;
    if (event == 1) link.black_hole = true;
    if (event == 2) link.latency = absl::Milliseconds(20);
    if (event == 3) world_.upstream.wire.resetAll(address);
    if (const upstream::HostEntry* const entry = hosts_.findByText(address.text())) {
      const std::shared_ptr<const upstream::Host> host = entry->host;
      if (event > 6) hosts_.setFlag(*host, upstream::HealthFlag::kFailedOutlierCheck, false);
      if (event > 6) hosts_.setFlag(*host, upstream::HealthFlag::kDrainingAdmin, false);
      if (event == 4) hosts_.setFlag(*host, upstream::HealthFlag::kFailedOutlierCheck, true);
      if (event == 5) hosts_.setFlag(*host, upstream::HealthFlag::kDrainingAdmin, true);
      if (event == 6) hosts_.setWeight(*host, 1 + static_cast<uint32_t>(random_.below(5)));
    }
    world_.upstream.simulation.schedule(kEvery, [this] { tick(); });
  }

  void trim() {
    if (origin.pending() > 0 || world_.origin.peers.size() + origins_[0]->peers.size() < 1000) return;
    for (const auto& origin : origins_) {
      std::erase_if(origin->peers, [](const auto& peer) { return peer->closed.has_value(); });
    }
    std::erase_if(world_.origin.peers, [](const auto& peer) { return peer->closed.has_value(); });
  }

  base::Random random_;
  upstream::HostSpec good_;
  ProxyWorld world_;
  std::vector<std::unique_ptr<upstream::Origin>> origins_;
  dns::FakeResolver resolver_;
  upstream::ClusterHosts hosts_;
  std::unique_ptr<discovery::DnsCluster> discovery_;
  size_t questions_ = 0;
  bool over_ = false;

 public:
  CampaignOrigin origin{world_, random_, CampaignOrigin::kAll};
};

void expectAllHappened(const HostsCampaign& campaign) {
  EXPECT_GT(campaign.lists, 10);
  EXPECT_GT(campaign.answers, 50);
  for (const char* what : {"refuses", "swallows", "far", "resets", "ejected", "draining", "weight"}) {
    EXPECT_GT(campaign.events.count(what), 0u) << what;
  }
}

TEST(HostsCampaignTest, LosesNothingThatWasSafeToSendAgain) {
  HostsCampaign campaign(true, 21);
  campaign.run(campaignRequests(2000), "PUT");
  expectAllHappened(campaign);
  EXPECT_GT(campaign.origin.resent, campaign.sent / 50);
  // A response that has begun is passed on, and cannot be taken back.
  for (const auto& [id, line] : campaign.bad) {
    EXPECT_TRUE(campaign.origin.half_bodies.contains(id)) << id << ": " << line;
  }
  EXPECT_EQ(campaign.good + static_cast<int>(campaign.bad.size()), campaign.sent);
  EXPECT_EQ(campaign.origin.processed.size(), static_cast<size_t>(campaign.sent));
}

TEST(HostsCampaignTest, ProcessesNothingTwiceThatIsNotIdempotent) {
  HostsCampaign campaign(false, 22);
  campaign.run(campaignRequests(2000), "POST");
  expectAllHappened(campaign);
  EXPECT_EQ(campaign.origin.resent, 0);
  EXPECT_GT(campaign.bad.size(), static_cast<size_t>(campaign.sent) / 50);
  EXPECT_GT(campaign.good, campaign.sent / 2);
}

}  // namespace
}  // namespace weir::proxy
