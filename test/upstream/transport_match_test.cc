// Hosts of one cluster over different transports, as the notes about them say, and when those change.
#include "source/upstream/transport_match.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/net/preamble_socket.h"
#include "source/upstream/host_directory.h"
#include "test/upstream/upstream_world.h"

namespace weir::upstream {
namespace {

// Its connections can be told: they begin with its name.
class NamedTransport final : public net::TransportFactory {
 public:
  explicit NamedTransport(std::string name) : name_(std::move(name)) {}
  std::unique_ptr<net::Socket> wrap(std::unique_ptr<net::Socket> socket, const net::WorkerContext&,
                                    const net::Purpose&) const override {
    return std::make_unique<net::PreambleSocket>(std::move(socket), name_ + " ");
  }

 private:
  const std::string name_;
};

using Notes = std::shared_ptr<const lb::Metadata>;

Notes notes(lb::Metadata metadata) { return std::make_shared<const lb::Metadata>(std::move(metadata)); }
const Notes kMutual = notes({{"tlsMode", "\"istio\""}, {"version", "2"}});
const Notes kOther = notes({{"tlsMode", "\"other\""}});

class TransportMatchTest : public testing::Test {
 protected:
  static HostSpec spec(const Origin& origin, const Notes& own = nullptr, const Notes& locality = nullptr) {
    HostSpec spec;
    spec.address = origin.address();
    spec.text = spec.address.text();
    spec.transport_notes = own;
    spec.locality_transport_notes = locality;
    return spec;
  }
  void start(const std::vector<HostSpec>& hosts, bool otherwise = false) {
    cluster_ = world_.makeCluster({}, [&](ClusterConfig& config) {
      config.hosts = hosts;
      config.transport = std::make_shared<const NamedTransport>("own");
      config.transport_unmatched = counter("default");
      config.transport_matches.push_back(
          {"mutual", {{"tlsMode", "\"istio\""}}, std::make_shared<const NamedTransport>("mutual"), counter("mutual")});
      if (otherwise) config.transport_matches.push_back({"plain", {}, nullptr, counter("plain")});
    });
    worker_cluster_ = std::make_unique<WorkerCluster>(cluster_, world_.worker().context, world_.memory);
    directory_ = std::make_unique<HostDirectory>(
        std::vector{cluster_}, main_, [this](size_t, const std::shared_ptr<const HostSet>& set) {
          world_.worker().dispatcher.post([this, set] { worker_cluster_->setHosts(set); });
        });
  }
  stats::CounterId counter(const std::string& name) {
    return world_.registry.counter({"cluster", "c", "transport_socket_match." + name + ".total_match_count"});
  }
  uint64_t count(const std::string& name) { return world_.registry.value(counter(name)); }
  // What the origin's newest connection began with, for a request; "pooled" if it came over one that was there.
  std::string ask(Origin& origin) {
    const size_t before = origin.peers.size();
    Asker asker(world_.worker());
    asker.ask(*worker_cluster_);
    world_.settle();
    EXPECT_EQ(asker.answers, 1);
    if (origin.peers.size() == before) return "pooled";
    return words_.back();
  }
  // Answers every request, and keeps the first word of each connection.
  void answerAll() {
    origin_.on_accept = [this](OriginPeer& peer) {
      words_.emplace_back();
      peer.on_input = [this](OriginPeer& from) {
        if (words_.back().empty()) words_.back() = from.received.substr(0, from.received.find(' '));
        if (!from.received.ends_with("\r\n\r\n")) return;
        from.received.clear();
        from.write(kOk);
      };
    };
  }
  void update(const std::vector<HostSpec>& hosts) {
    directory_->find("c")->update(hosts);
    world_.settle();
  }

  UpstreamWorld world_;
  event::Dispatcher& main_ = world_.simulation.addDispatcher();
  Origin origin_{world_.origin_worker, "10.0.0.1"};
  std::vector<std::string> words_;
  std::shared_ptr<const Cluster> cluster_;
  std::unique_ptr<WorkerCluster> worker_cluster_;
  std::unique_ptr<HostDirectory> directory_;
};

TEST_F(TransportMatchTest, TheFirstThatFitsHolds) {
  struct Case {
    Notes own;
    Notes locality;
    bool otherwise;
    std::string want;
  };
  const Case cases[] = {
      {nullptr, nullptr, false, "own"},    {kMutual, nullptr, false, "mutual"}, {kOther, nullptr, false, "own"},
      {nullptr, kMutual, false, "mutual"}, {kMutual, kOther, false, "mutual"},  {kOther, kMutual, false, "mutual"},
      {nullptr, nullptr, true, "GET"},     {kMutual, nullptr, true, "mutual"},  {kOther, kMutual, true, "GET"},
  };
  for (const Case& one : cases) {
    start({spec(origin_, one.own, one.locality)}, one.otherwise);
    answerAll();
    EXPECT_EQ(ask(origin_), one.want);
    directory_.reset();
    worker_cluster_.reset();
    world_.settle();
  }
  EXPECT_EQ(count("default"), 2u);
  EXPECT_EQ(count("mutual"), 5u);
  EXPECT_EQ(count("plain"), 2u);
}

TEST_F(TransportMatchTest, AChangedNoteMovesTheHostToTheOtherTransport) {
  start({spec(origin_)});
  answerAll();
  EXPECT_EQ(ask(origin_), "own");
  EXPECT_EQ(ask(origin_), "pooled");
  update({spec(origin_, kMutual)});
  EXPECT_EQ(origin_.open(), 0u);  // what was idle over the old one is gone
  EXPECT_EQ(ask(origin_), "mutual");
  EXPECT_EQ(ask(origin_), "pooled");
  update({spec(origin_, notes({{"tlsMode", "\"istio\""}}))});  // another note, the same transport
  EXPECT_EQ(ask(origin_), "pooled");
  update({spec(origin_)});
  EXPECT_EQ(ask(origin_), "own");
  EXPECT_EQ(directory_->find("c")->entries().size(), 1u);
}

TEST_F(TransportMatchTest, ARequestUnderWayEndsOverTheOldTransport) {
  start({spec(origin_)});
  Asker asker(world_.worker());
  asker.ask(*worker_cluster_);
  world_.settle();
  ASSERT_EQ(origin_.peers.size(), 1u);
  update({spec(origin_, kMutual)});
  origin_.peers[0]->write(kOk);
  world_.settle();
  EXPECT_EQ(asker.answers, 1);
  EXPECT_EQ(origin_.open(), 0u);
}

TEST_F(TransportMatchTest, OfAHostThatComesTwiceTheFirstHolds) {
  start({spec(origin_)});
  answerAll();
  update({spec(origin_), spec(origin_, kMutual)});
  EXPECT_EQ(directory_->find("c")->entries().size(), 1u);
  EXPECT_EQ(ask(origin_), "own");
  update({spec(origin_, kMutual), spec(origin_)});
  EXPECT_EQ(directory_->find("c")->entries().size(), 1u);
  EXPECT_EQ(ask(origin_), "mutual");
}

}  // namespace
}  // namespace weir::upstream
