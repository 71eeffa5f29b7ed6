// What tests of the upstream side stand on: a simulated network, workers as the server would make them, an origin whose
// test decides what it answers and when, and a receiver that notes all that it is told.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "source/base/arena.h"
#include "source/base/random.h"
#include "source/base/ticket.h"
#include "source/buffer/block.h"
#include "source/event/wakeable.h"
#include "source/http/h2/session_memory.h"
#include "source/http/stream.h"
#include "source/net/connection.h"
#include "source/net/listener.h"
#include "source/net/worker_context.h"
#include "source/stats/stats.h"
#include "source/upstream/cluster.h"
#include "source/upstream/receivers.h"
#include "source/upstream/worker_cluster.h"
#include "test/harness/sim/sim_network.h"
#include "test/harness/sim/simulation.h"

namespace weir::upstream {

struct TestWorker {
  TestWorker(harness::Simulation& simulation, harness::SimWire& wire, stats::Registry& registry, unsigned index);

  event::Dispatcher& dispatcher;
  harness::SimNetwork network;
  buffer::BlockPool blocks;
  base::ChunkPool chunks;
  base::Random random;
  net::WorkerContext context;
};

// One connection of an origin or a client, which notes what comes.
class OriginPeer final : public net::Session {
 public:
  OriginPeer(TestWorker& worker, std::unique_ptr<net::Socket> socket, size_t read_bytes);
  // Connects to `address`.
  OriginPeer(TestWorker& worker, const net::Address& address);

  void write(std::string_view bytes);
  // Only until it is closed.
  net::Connection& connection() { return *connection_; }
  std::string received;
  size_t received_bytes = 0;
  bool keep_bytes = true;  // else only counted
  bool ended = false;
  std::optional<net::CloseReason> closed;
  std::string unsent;  // written as far as there is room
  // Called with each input, after it was noted.
  std::function<void(OriginPeer&)> on_input;

 private:
  void onInput(buffer::Buffer& input, bool end) override;
  void onOpen() override { onRoom(); }
  void onRoom() override;
  void onClose(net::CloseReason reason) override;

  std::unique_ptr<net::Connection> connection_;
};

// Listens at an address and keeps every connection it accepted.
class Origin final : private net::ListenerOwner {
 public:
  Origin(TestWorker& worker, std::string_view ip, size_t read_bytes = 256 * 1024);

  net::Address address() const { return listener_->localAddress(); }
  void stop() { listener_->stop(); }
  // Answers each request that ends with an empty line with 200 and two bytes, at once.
  void answerAll();
  size_t open() const;

  std::vector<std::unique_ptr<OriginPeer>> peers;
  // Called with each new peer, which is the last of `peers`.
  std::function<void(OriginPeer&)> on_accept;

 private:
  void onAccept(std::unique_ptr<net::Socket> socket, const net::Address& peer) override;
  void onExhausted(int) override {}

  TestWorker& worker_;
  const size_t read_bytes_;
  std::function<void(OriginPeer&)> on_input_;
  std::unique_ptr<net::Listener> listener_;
};

inline constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";

// Asks a cluster for one stream at a time, sends a GET on it and notes the outcome.
class Asker final : public StreamReceiver, private http::StreamOwner, private event::Wakeable {
 public:
  explicit Asker(const net::WorkerContext& worker);
  explicit Asker(TestWorker& worker) : Asker(worker.context) {}

  void ask(WorkerCluster& cluster, const PickContext& pick = {});
  void cancel() { ticket.cancel(); }
  // Gives the stream up, finished or not.
  void drop() {
    stream.reset();
    retry.release();
  }

  base::Ticket ticket;
  http::StreamPtr stream;
  RetryLease retry;
  int opened = 0;
  int failed = 0;
  http::Reason reason = http::Reason::kNone;  // why opening failed
  const Host* host = nullptr;
  bool reused = false;
  bool multiplexed = false;
  int answers = 0;  // complete responses
  uint16_t status = 0;
  size_t body_bytes = 0;
  http::Reason broken = http::Reason::kNone;  // the response broke off
  bool unprocessed = false;
  bool send_at_once = true;
  bool keep_stream = false;  // do not release it after the answer
  bool take_data = true;     // else what comes is left with the stream
  std::function<void()> on_open;
  std::function<void()> on_failed;
  void sendRequest();
  void send(http::Part part) { stream->send(std::move(part)); }
  // A request head without End, in this one's arena.
  http::Head& newRequest(std::string_view method);
  // Goes on taking what comes.
  void takeAgain() {
    take_data = true;
    wake();
  }

 private:
  void onStreamOpen(Opened result) override;
  void onStreamFailed(http::Reason why, HostRef where) override;
  void wakeStream() override { wake(); }
  void onWake() override;

  const net::WorkerContext& worker_;
  base::Arena arena_;
};

// One simulation with an origin's worker and up to a few proxy workers.
struct UpstreamWorld {
  explicit UpstreamWorld(unsigned workers = 1, uint64_t seed = 1);

  // A cluster of these addresses; `change` edits its configuration.
  std::shared_ptr<const Cluster> makeCluster(const std::vector<net::Address>& addresses,
                                             const std::function<void(ClusterConfig&)>& change = {});
  uint64_t counter(std::string_view metric) const;  // "cluster.c." + metric
  int64_t gauge(std::string_view metric) const;
  void settle() { simulation.runUntilIdle(absl::Milliseconds(100)); }

  harness::Simulation simulation;
  http::h2::SessionMemory memory;
  harness::SimWire wire;
  stats::Registry registry;
  TestWorker origin_worker;
  std::vector<std::unique_ptr<TestWorker>> workers;
  TestWorker& worker() { return *workers.front(); }
};

}  // namespace weir::upstream
