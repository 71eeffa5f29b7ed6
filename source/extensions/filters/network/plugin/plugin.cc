#include "source/extensions/filters/network/plugin/plugin.h"

#include <array>
#include <utility>

#include "source/extensions/plugins/plugin_stream.h"
#include "source/extensions/plugins/spec.h"
#include "weir/extensions/filters/network/plugin/v1/plugin.pb.h"

namespace weir::extensions::network_plugin {
namespace {

namespace api = ::weir::extensions::filters::network::plugin::v1;
using filter::NetworkVerdict;
using plugins::OwnedReply;
using plugins::Plugin;

// The memory of one connection's plugin filter: a base, so that it is there before and after all else.
struct OwnArena {
  explicit OwnArena(const net::WorkerContext& worker) : own(worker.chunks) {}
  base::Arena own;
};

// One connection of a plugin. What is received, and what is sent, is held while that direction is paused, and may be
// edited meanwhile.
class NetworkPluginFilter final : public filter::NetworkFilter, private OwnArena, public plugins::PluginStream {
 public:
  NetworkPluginFilter(Plugin& plugin, const net::WorkerContext& worker)
      : OwnArena(worker), PluginStream(plugin, worker, OwnArena::own) {}
  ~NetworkPluginFilter() override { finish(table().stream_free); }

  void setHost(filter::NetworkHost& host) override {
    NetworkFilter::setHost(host);
    start(table());
  }
  bool looksAtOutput() const override { return live() && table().output != nullptr; }

  NetworkVerdict onOpen() override {
    if (mode() == Mode::kFailed || (mode() == Mode::kBarred && !plugin().spec().quarantine.open)) {
      return NetworkVerdict::kClose;
    }
    if (!live() || table().open == nullptr) return NetworkVerdict::kNext;
    return run(WEIR_REQUEST, nullptr, [this] { return call("onOpen", table().open); });
  }

  NetworkVerdict onRead(buffer::Buffer& data, bool end) override {
    if (mode() == Mode::kFailed) return NetworkVerdict::kClose;
    if (!live() || table().data == nullptr) return NetworkVerdict::kNext;
    return run(WEIR_REQUEST, &data, [&] { return call("onData", table().data, int32_t{end ? 1 : 0}); });
  }

  NetworkVerdict onWrite(buffer::Buffer& data) override {
    if (mode() == Mode::kFailed) return NetworkVerdict::kClose;
    if (!live()) return NetworkVerdict::kNext;
    return run(WEIR_RESPONSE, &data, [this] { return call("onWrite", table().output); });
  }

  void onClose(net::CloseReason) override {
    sides_ = {};
    closed_ = true;
    if (live() && table().closed != nullptr && call("onClose", table().closed) == WEIR_FAILED) fail();
    close();
  }

  plugins::FieldSet fields(weir_fields which) override {
    return which == WEIR_CALL_HEAD ? calls().head() : plugins::FieldSet();
  }
  buffer::Buffer* body(weir_body which, bool) override {
    if (which == WEIR_CALL_BODY) return calls().body();
    if (which != WEIR_CONNECTION_DATA && which != WEIR_CONNECTION_OUTPUT) return nullptr;
    return sides_[which == WEIR_CONNECTION_DATA ? WEIR_REQUEST : WEIR_RESPONSE].data;
  }
  std::optional<std::string_view> attributeText(uint32_t id) override;
  std::optional<uint64_t> attributeNumber(uint32_t id) override;
  weir_result routeConfig(void*&) override { return WEIR_NOT_FOUND; }
  weir_result reply(std::unique_ptr<OwnedReply>) override { return misuse(); }
  weir_result reroute() override { return misuse(); }

  weir_result resume(uint32_t direction) override {
    if (!sides_[direction].paused) return misuse();
    endPause(direction, NetworkVerdict::kNext);
    return WEIR_OK;
  }

  weir_result write(std::string_view bytes) override {
    if (closed_) return WEIR_TOO_LATE;
    host().write(bytes);
    return WEIR_OK;
  }

  std::optional<uint32_t> pauseSerial(uint32_t direction) const override {
    if (!live() || (in_hook_ != direction && !sides_[direction].paused)) return std::nullopt;
    return sides_[direction].serial;
  }

  // A connection has no answer of its own: a reply drops it.
  void settle(uint32_t direction, uint32_t serial, std::unique_ptr<OwnedReply> reply) override {
    if (!sides_[direction].paused || serial != sides_[direction].serial) {
      misuse();
      return;
    }
    endPause(direction, reply == nullptr ? NetworkVerdict::kNext : NetworkVerdict::kClose);
  }

 private:
  static constexpr uint32_t kNowhere = UINT32_MAX;
  struct Side {
    buffer::Buffer* data = nullptr;  // in the hook, and while it is paused
    uint32_t serial = 0;             // of the last hook
    bool paused = false;
  };

  const weir_network_filter& table() const { return *generation().module->network(); }
  weir_verdict (*timerHook() const)(void*, weir_stream, uint32_t) override { return table().timer; }
  weir_verdict (*callHook() const)(void*, weir_stream, uint32_t, uint32_t) override { return table().call_done; }
  filter::SideCaller& sideCaller() override { return host().sideCaller(); }

  template <typename Hook>
  NetworkVerdict run(uint32_t direction, buffer::Buffer* data, Hook&& hook) {
    Side& side = sides_[direction];
    side.data = data;
    ++side.serial;
    in_hook_ = direction;
    const NetworkVerdict verdict = verdictOf(hook());
    in_hook_ = kNowhere;
    side.paused = verdict == NetworkVerdict::kWait;
    if (!side.paused) side.data = nullptr;
    return verdict;
  }

  NetworkVerdict verdictOf(weir_verdict verdict) {
    switch (verdict) {
      case WEIR_CONTINUE:
        return NetworkVerdict::kNext;
      case WEIR_PAUSE:
        return NetworkVerdict::kWait;
      case WEIR_CLOSE:
        return NetworkVerdict::kClose;
      case WEIR_FAILED:
        break;
      default:
        misuse();
    }
    fail();
    return NetworkVerdict::kClose;
  }

  void endPause(uint32_t direction, NetworkVerdict verdict) {
    sides_[direction].paused = false;
    sides_[direction].data = nullptr;
    direction == WEIR_REQUEST ? host().resume(verdict) : host().resumeWrite(verdict);
  }

  void onCallback(weir_verdict verdict) override {
    if (closed_ || (verdict != WEIR_FAILED && verdict != WEIR_CLOSE)) return;
    if (verdict == WEIR_FAILED) fail();
    bool told = false;
    for (const uint32_t direction : {WEIR_REQUEST, WEIR_RESPONSE}) {
      if (!sides_[direction].paused) continue;
      endPause(direction, NetworkVerdict::kClose);
      told = true;
    }
    if (!told) host().connection().close(net::CloseReason::kLocalReset);
  }

  std::array<Side, 2> sides_;
  uint32_t in_hook_ = kNowhere;  // the direction of the hook that runs
  bool closed_ = false;
};

std::optional<std::string_view> NetworkPluginFilter::attributeText(uint32_t id) {
  const net::Connection& connection = host().connection();
  switch (id) {
    case WEIR_DOWNSTREAM_REMOTE:
    case WEIR_DOWNSTREAM_DIRECT_REMOTE:
      return arena().copy(connection.remoteAddress().text());
    case WEIR_DOWNSTREAM_LOCAL:
      return arena().copy(connection.localAddress().text());
    case WEIR_CLIENT_IP:
      if (!connection.remoteAddress().isIp()) return std::nullopt;
      return arena().copy(connection.remoteAddress().ip());
    default:
      return std::nullopt;
  }
}

std::optional<uint64_t> NetworkPluginFilter::attributeNumber(uint32_t id) {
  switch (id) {
    case WEIR_BYTES_RECEIVED:
      return host().connection().bytesRead();
    case WEIR_BYTES_SENT:
      return host().connection().bytesWritten();
    case WEIR_WORKER:
      return worker().index;
    case WEIR_NOW:
      return static_cast<uint64_t>(worker().dispatcher.now().nanoseconds);
    case WEIR_WALL:
      return static_cast<uint64_t>(absl::ToUnixNanos(worker().dispatcher.wallNow()));
    case WEIR_RANDOM:
      return worker().random.next();
    default:
      return std::nullopt;
  }
}

class Factory final : public filter::NetworkFilterFactory {
 public:
  explicit Factory(std::shared_ptr<Plugin> plugin) : plugin_(std::move(plugin)) {}
  std::unique_ptr<filter::NetworkFilter> create(const net::WorkerContext& worker) const override {
    return std::make_unique<NetworkPluginFilter>(*plugin_, worker);
  }

 private:
  const std::shared_ptr<Plugin> plugin_;
};

// Stands for a filter that is not loaded, where files are not opened.
class UnloadedFactory final : public filter::NetworkFilterFactory {
 public:
  std::unique_ptr<filter::NetworkFilter> create(const net::WorkerContext&) const override {
    return std::make_unique<filter::NetworkFilter>();
  }
};

}  // namespace

filter::NetworkFilterType pluginType(plugins::Catalogue& catalogue) {
  filter::NetworkFilterType type;
  type.config_type = api::Plugin::descriptor()->full_name();
  type.usual_name = "weir.filters.network.plugin";
  type.make = [&catalogue](const google::protobuf::Message& message,
                           const filter::FactoryContext& context) -> std::unique_ptr<filter::NetworkFilterFactory> {
    if (context.schema_only) return std::make_unique<UnloadedFactory>();
    plugins::PluginSpec spec = plugins::specOf(static_cast<const api::Plugin&>(message));
    spec.network = true;
    auto plugin = catalogue.make(std::move(spec), context.stats, context.diagnostics, context.path);
    if (plugin == nullptr) return nullptr;
    return std::make_unique<Factory>(std::move(plugin));
  };
  return type;
}

}  // namespace weir::extensions::network_plugin
