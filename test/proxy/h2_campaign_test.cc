// A campaign of the faults that HTTP/2 alone has, REFUSED_STREAM and GOAWAY among them, and of requests whose time is
// up while they wait to be sent again. The origin counts how often it processed which id.
//
// WEIR_CAMPAIGN_REQUESTS=100000 runs the whole; what stands below is for every run.
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/http/h2/frames.h"
#include "test/proxy/campaign_clients.h"
#include "test/upstream/h2_origin.h"

namespace weir::proxy {
namespace {

using http::h2::data;
using http::h2::goaway;
using http::h2::headers;
using http::h2::rst;
using upstream::H2Origin;

constexpr uint32_t kInternalError = 2;
constexpr uint32_t kRefused = 7;

enum class Fault {
  kNone,
  // Provably not processed, whatever the request is.
  kRefusedStream,
  kGoawayBelow,
  // Not processed, and nobody can know.
  kResetUnread,
  k503,
  // Processed.
  kGoawayAfter,
  kInternal,
  kHalfBody,
  kSlow,
  kResetBefore,
};
constexpr int kFaults = 10;
constexpr int kClients = 8;  // each sends a request in every round

int roundOf(const std::string& id) { return std::stoi(id) / kClients; }

class H2Campaign {
 public:
  H2Campaign(bool policy, uint64_t seed)
      : random_(seed),
        world_(
            [&](ProxyWorld::Setup& setup) {
              std::get<ForwardAction>(setup.route->action).timeout = absl::Seconds(2);
              if (policy) sendAgain(setup, kRetryOn5xx | kRetryOnRefusedStream);
            },
            [](upstream::ClusterConfig& cluster) {
              cluster.protocol = upstream::Protocol::kHttp2;
              cluster.thresholds[0].max_retries = 1000;
            }),
        origin_(world_.origin) {
    origin_.on_body = [this](H2Origin::Connection& connection, uint32_t stream, const std::string& id) {
      serve(connection, stream, id);
    };
  }

  void run(int count, const char* method) {
    CampaignClients clients(world_, kClients, method);
    clients.run(count, [] {});
    sent = clients.sent;
    good = clients.good;
    bad = std::move(clients.bad);
  }

  int sent = 0;
  int good = 0;
  std::vector<std::pair<std::string, std::string>> bad;
  std::map<std::string, int> processed;
  std::map<std::string, int> refused;  // provably not processed
  std::set<std::string> unclear;       // had another fault
  std::set<int> broken;                // rounds in which a connection broke, with all that was on it
  std::set<std::string> half_bodies;
  int resent = 0;
  std::map<Fault, int> faults;

 private:
  void serve(H2Origin::Connection& connection, uint32_t stream, const std::string& id) {
    uint32_t& highest = highest_[&connection];  // that was processed
    if (const auto left = left_.find(&connection); left != left_.end() && stream > left->second) {
      ++refused[id];  // as it said
      return;
    }
    auto fault = static_cast<Fault>(random_.below(3) != 0 ? 0 : random_.below(kFaults));
    // Only what is above all that was processed can be said not to have been.
    if (fault == Fault::kGoawayBelow && highest > stream) fault = Fault::kRefusedStream;
    ++faults[fault];
    if (fault == Fault::kRefusedStream || fault == Fault::kGoawayBelow) {
      ++refused[id];
    } else if (fault != Fault::kNone && fault != Fault::kGoawayAfter) {
      unclear.insert(id);
    }
    if (fault == Fault::kResetUnread || fault == Fault::kResetBefore) broken.insert(roundOf(id));
    if (fault == Fault::kRefusedStream) return origin_.write(connection, rst(stream, kRefused));
    if (fault == Fault::kGoawayBelow) return leave(connection, highest);
    if (fault == Fault::kResetUnread) return connection.peer->connection().close(net::CloseReason::kLocalReset);
    if (fault == Fault::k503) return origin_.write(connection, headers(stream, {{":status", "503"}}, true));
    highest = std::max(highest, stream);
    if (++processed[id] > 1) ++resent;
    switch (fault) {
      case Fault::kGoawayAfter:
        answer(connection, stream);
        return leave(connection, highest);
      case Fault::kInternal:
        return origin_.write(connection, rst(stream, kInternalError));
      case Fault::kHalfBody:
        half_bodies.insert(id);
        origin_.write(connection, headers(stream, {{":status", "200"}, {"content-length", "2"}}, false));
        return origin_.write(connection, data(stream, "h") + rst(stream, kInternalError));
      case Fault::kSlow:
        return world_.upstream.simulation.schedule(absl::Milliseconds(700), [this, &connection, stream] {
          if (!connection.peer->closed) answer(connection, stream);
        });
      case Fault::kResetBefore:
        return connection.peer->connection().close(net::CloseReason::kLocalReset);
      default:
        return answer(connection, stream);
    }
  }
  void answer(H2Origin::Connection& connection, uint32_t stream) {
    origin_.write(connection,
                  headers(stream, {{":status", "200"}, {"content-length", "2"}}, false) + data(stream, "hi", true));
  }
  // What came behind `last` is not processed. The connection stays until the other side has ended it.
  void leave(H2Origin::Connection& connection, uint32_t last) {
    left_[&connection] = last;
    origin_.write(connection, goaway(last, 0));
  }

  base::Random random_;
  ProxyWorld world_;
  H2Origin origin_;
  // Streams of connections, which the origin keeps for as long as it lives.
  std::map<const H2Origin::Connection*, uint32_t> highest_;
  std::map<const H2Origin::Connection*, uint32_t> left_;  // what was said last in GOAWAY
};

void expectAllFaults(const H2Campaign& campaign) {
  for (int i = 0; i < kFaults; ++i) EXPECT_TRUE(campaign.faults.contains(static_cast<Fault>(i))) << i;
}

TEST(H2CampaignTest, LosesNothingThatWasSafeToSendAgain) {
  H2Campaign campaign(true, 31);
  campaign.run(campaignRequests(2000), "PUT");
  expectAllFaults(campaign);
  EXPECT_GT(campaign.resent, campaign.sent / 50);
  for (const auto& [id, line] : campaign.bad) {
    EXPECT_TRUE(campaign.half_bodies.contains(id)) << id << ": " << line;
  }
  EXPECT_EQ(campaign.good + static_cast<int>(campaign.bad.size()), campaign.sent);
}

// Without a policy what is provably not processed is sent again, twice at most, and nothing else.
TEST(H2CampaignTest, ProcessesNothingTwiceAndSendsAgainWhatWasRefused) {
  H2Campaign campaign(false, 32);
  campaign.run(campaignRequests(2000), "POST");
  expectAllFaults(campaign);
  EXPECT_EQ(campaign.resent, 0);
  int sent_again = 0;
  for (const auto& [id, line] : campaign.bad) {
    const bool explained =
        campaign.unclear.contains(id) || campaign.broken.contains(roundOf(id)) || campaign.refused[id] > 2;
    EXPECT_TRUE(explained) << id << ": " << line;
  }
  for (const auto& [id, times] : campaign.refused) sent_again += campaign.processed.contains(id);
  EXPECT_GT(sent_again, campaign.sent / 100);
  EXPECT_GT(campaign.good, campaign.sent / 2);
}

// The time of the route is up while the request waits to be sent again: it is answered then, and never sent.
TEST(BackOffCampaignTest, NothingIsSentAfterItWasAnswered) {
  base::Random random(33);
  std::set<std::string> answered;
  int late = 0;
  int refused = 0;
  const auto setup_route = [](ProxyWorld::Setup& setup) {
    auto& action = std::get<ForwardAction>(setup.route->action);
    action.timeout = absl::Milliseconds(400);
    auto made = std::make_shared<UpstreamPolicy>();
    made->retry.on = kRetryOn5xx;
    made->retry.retries = 50;
    made->retry.back_off_base = absl::Milliseconds(600);
    made->retry.back_off_max = absl::Seconds(2);
    action.policy = std::move(made);
  };
  // All may wait at once.
  ProxyWorld world(setup_route, [](upstream::ClusterConfig& cluster) { cluster.thresholds[0].max_retries = 1000; });
  world.origin.on_accept = [&](upstream::OriginPeer& peer) {
    peer.on_input = [&](upstream::OriginPeer& from) {
      const size_t end = from.received.find("\r\n\r\n");
      if (end == std::string::npos || from.received.size() < end + 4 + 9) return;
      late += answered.contains(from.received.substr(end + 4, 9));
      from.received.clear();
      const bool refuse = random.below(2) == 0;
      refused += refuse;
      from.write(refuse ? "HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nno" : upstream::kOk);
    };
  };
  CampaignClients clients(world, 8, "PUT");
  int noted = 0;
  clients.run(campaignRequests(2000), [&] {
    while (noted < clients.sent) answered.insert(CampaignClients::idOf(noted++));
  });
  world.upstream.simulation.runFor(absl::Seconds(10));
  EXPECT_EQ(late, 0);
  EXPECT_GT(refused, clients.sent / 4);
  size_t timeouts = 0;
  for (const auto& [id, line] : clients.bad) timeouts += line.starts_with("HTTP/1.1 504 ");
  EXPECT_EQ(timeouts, clients.bad.size());
  EXPECT_GT(timeouts, static_cast<size_t>(clients.sent) / 10);
  EXPECT_EQ(world.gauge("cluster.c.upstream_rq_active"), 0);
}

}  // namespace
}  // namespace weir::proxy
