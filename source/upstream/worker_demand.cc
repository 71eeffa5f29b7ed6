#include "source/upstream/worker_demand.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "source/base/strings.h"
#include "source/event/timer.h"
#include "source/upstream/worker_cluster.h"

namespace weir::upstream {
namespace {

using http::Reason;

}  // namespace

// One who waits for a host, and then for what the host's pool gives: in between, the pool's Ticket is held here.
class WorkerDemand::Parked final : public base::Operation,
                                   private event::TimerHandler,
                                   private StreamReceiver,
                                   private ConnectReceiver {
 public:
  Parked(WorkerDemand& home, const PickContext& context, StreamReceiver* stream, ConnectReceiver* connection,
         bool entered)
      : home_(home),
        key_(context.wanted),
        server_name_(context.server_name),
        client_(context.client == nullptr ? std::nullopt : std::optional(*context.client)),
        context_(context),
        stream_(stream),
        connection_(connection),
        patience_(home.dispatcher_, *this),
        entered_(entered) {
    context_.wanted = key_;
    context_.server_name = server_name_;
    context_.client = client_ ? &*client_ : nullptr;
    const absl::Duration limit = home.demand_.config().patience;
    if (entered && limit > absl::ZeroDuration()) patience_.arm(limit);
  }
  ~Parked() override { leave(); }

  const std::string& key() const { return key_; }
  bool waits() const { return !inner_ && !failed_.has_value(); }
  // Tells the receiver in the wake that follows.
  void fail(Reason reason) {
    leave();
    failed_ = reason;
    home_.wake();
  }
  bool failed() const { return failed_.has_value(); }
  // There is a host.
  void open(uint32_t slot) {
    leave();
    inner_ = stream_ != nullptr ? home_.cluster_.openStreamTo(slot, context_, static_cast<StreamReceiver&>(*this))
                                : home_.cluster_.connectTo(slot, context_, static_cast<ConnectReceiver&>(*this));
  }
  // Destroys this.
  void tell() {
    end(
        [this](StreamReceiver* stream, ConnectReceiver* connection, Reason reason) {
          if (stream != nullptr) stream->onStreamFailed(reason, {});
          if (connection != nullptr) connection->onConnectFailed(reason, {});
        },
        *failed_);
  }

 private:
  void leave() {
    patience_.cancel();
    if (std::exchange(entered_, false)) home_.demand_.leave();
  }
  std::unique_ptr<Parked> takeOut() {
    auto& all = home_.parked_;
    const auto at = std::find_if(all.begin(), all.end(), [this](const auto& one) { return one.get() == this; });
    std::unique_ptr<Parked> self = std::move(*at);
    all.erase(at);
    return self;
  }
  template <typename Call, typename... Arguments>
  void end(Call call, Arguments&&... arguments) {
    settle();
    StreamReceiver* const stream = stream_;
    ConnectReceiver* const connection = connection_;
    const std::unique_ptr<Parked> self = takeOut();
    call(stream, connection, std::forward<Arguments>(arguments)...);
  }

  void onCancelled() override { takeOut(); }
  void onTimer(event::Timer&) override { fail(Reason::kDnsFailure); }
  void onStreamOpen(StreamReceiver::Opened opened) override {
    end([](StreamReceiver* to, ConnectReceiver*, StreamReceiver::Opened what) { to->onStreamOpen(std::move(what)); },
        std::move(opened));
  }
  void onTransportFailed(std::shared_ptr<const net::TransportInfo> transport) override {
    if (stream_ != nullptr) return stream_->onTransportFailed(std::move(transport));
    connection_->onTransportFailed(std::move(transport));
  }
  void onStreamFailed(Reason reason, HostRef host) override {
    end([](StreamReceiver* to, ConnectReceiver*, Reason why, HostRef at) { to->onStreamFailed(why, std::move(at)); },
        reason, std::move(host));
  }
  void onConnected(ConnectReceiver::Connected connected) override {
    end([](StreamReceiver*, ConnectReceiver* to, ConnectReceiver::Connected what) { to->onConnected(std::move(what)); },
        std::move(connected));
  }
  void onConnectFailed(Reason reason, HostRef host) override {
    end([](StreamReceiver*, ConnectReceiver* to, Reason why, HostRef at) { to->onConnectFailed(why, std::move(at)); },
        reason, std::move(host));
  }

  WorkerDemand& home_;
  const std::string key_;
  const std::string server_name_;
  const std::optional<net::ClientAddresses> client_;
  PickContext context_;
  StreamReceiver* const stream_;
  ConnectReceiver* const connection_;
  event::Timer patience_;
  bool entered_;
  std::optional<Reason> failed_;
  base::Ticket inner_;
};

WorkerDemand::WorkerDemand(const Demand& demand, WorkerCluster& cluster, event::Dispatcher& dispatcher)
    : Wakeable(dispatcher),
      demand_(demand),
      cluster_(cluster),
      dispatcher_(dispatcher),
      self_(std::make_shared<WorkerDemand*>(this)) {}

WorkerDemand::~WorkerDemand() { *self_ = nullptr; }

std::optional<uint32_t> WorkerDemand::find(std::string_view key) {
  if (std::exchange(index_is_old_, false)) {
    slots_.clear();
    for (const std::shared_ptr<const Host>& host : cluster_.hosts().hosts) {
      if (host == nullptr) continue;
      slots_.emplace(demand_.config().kind == DemandConfig::Kind::kNames
                         ? absl::StrCat(host->hostname, ":", host->address.port())
                         : host->text,
                     host->slot);
    }
  }
  const auto found = slots_.find(base::av(key));
  return found == slots_.end() ? std::nullopt : std::optional<uint32_t>(found->second);
}

base::Ticket WorkerDemand::openStream(const PickContext& context, StreamReceiver& receiver) {
  const std::optional<uint32_t> slot = find(context.wanted);
  return slot.has_value() ? cluster_.openStreamTo(*slot, context, receiver) : park(context, &receiver, nullptr);
}

base::Ticket WorkerDemand::connect(const PickContext& context, ConnectReceiver& receiver) {
  const std::optional<uint32_t> slot = find(context.wanted);
  return slot.has_value() ? cluster_.connectTo(*slot, context, receiver) : park(context, nullptr, &receiver);
}

base::Ticket WorkerDemand::park(const PickContext& context, StreamReceiver* stream, ConnectReceiver* connection) {
  const bool entered = !context.wanted.empty() && demand_.enter();
  parked_.push_back(std::make_unique<Parked>(*this, context, stream, connection, entered));
  Parked& parked = *parked_.back();
  if (context.wanted.empty()) {
    parked.fail(Reason::kNoHealthyUpstream);
  } else if (!entered) {
    parked.fail(Reason::kUpstreamOverflow);
  } else {
    ask(parked.key());
  }
  return parked.issue();
}

void WorkerDemand::ask(const std::string& key) {
  if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) return;
  asked_.push_back(key);
  demand_.ask(key, dispatcher_, [self = self_, key](Reason reason) {
    if (*self != nullptr) (*self)->answered(key, reason);
  });
}

void WorkerDemand::answered(const std::string& key, Reason reason) {
  std::erase(asked_, key);
  // Those of a host that has been made go on when the hosts come, if they have not yet.
  if (reason == Reason::kNone) {
    hostsChanged();
    return;
  }
  for (const std::unique_ptr<Parked>& parked : parked_) {
    if (parked->waits() && parked->key() == key) parked->fail(reason);
  }
}

void WorkerDemand::hostsChanged() {
  index_is_old_ = true;
  for (const std::unique_ptr<Parked>& parked : parked_) {
    if (!parked->waits()) continue;
    const std::optional<uint32_t> slot = find(parked->key());
    if (slot.has_value()) parked->open(*slot);
  }
}

void WorkerDemand::onWake() {
  for (;;) {
    const auto failed = std::find_if(parked_.begin(), parked_.end(), [](const auto& one) { return one->failed(); });
    if (failed == parked_.end()) return;
    (*failed)->tell();
  }
}

}  // namespace weir::upstream
