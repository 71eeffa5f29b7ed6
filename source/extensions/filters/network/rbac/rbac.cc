#include "source/extensions/filters/network/rbac/rbac.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/network/rbac/v3/rbac.pb.h"
#include "source/event/timer.h"
#include "source/extensions/messages/duration.h"
#include "source/extensions/rbac/compile_rules.h"

namespace weir::extensions::network_rbac {
namespace {

namespace api = envoy::extensions::filters::network::rbac::v3;
using filter::NetworkVerdict;

struct Config {
  std::unique_ptr<const rbac::Rules> rules;  // null: nothing is enforced
  std::unique_ptr<const rbac::Rules> shadow;
  bool continuous = false;
  absl::Duration delay;
};

class RbacFilter final : public filter::NetworkFilter, private event::TimerHandler {
 public:
  RbacFilter(const Config& config, const net::WorkerContext& worker)
      : config_(config), worker_(worker), timer_(worker.dispatcher, *this) {}

  NetworkVerdict onOpen() override {
    return host().connection().transportInfo() == nullptr ? check() : NetworkVerdict::kNext;
  }

  NetworkVerdict onRead(buffer::Buffer&, bool) override {
    return checked_ && !config_.continuous ? NetworkVerdict::kNext : check();
  }

  void onClose(net::CloseReason) override { timer_.cancel(); }

 private:
  NetworkVerdict check() {
    checked_ = true;
    const net::Connection& connection = host().connection();
    const net::Address local = connection.localAddress();
    const net::Address remote = connection.remoteAddress();
    const rbac::Subject subject{nullptr, local, remote, remote, connection.transportInfo()};
    if (config_.shadow != nullptr) config_.shadow->check(subject, worker_.stats);
    if (config_.rules == nullptr || config_.rules->check(subject, worker_.stats)) return NetworkVerdict::kNext;
    if (config_.delay <= absl::ZeroDuration()) return NetworkVerdict::kClose;
    timer_.arm(config_.delay);
    return NetworkVerdict::kWait;
  }

  void onTimer(event::Timer&) override { host().resume(NetworkVerdict::kClose); }

  const Config& config_;
  const net::WorkerContext& worker_;
  event::Timer timer_;
  bool checked_ = false;
};

class Factory final : public filter::NetworkFilterFactory {
 public:
  explicit Factory(Config config) : config_(std::move(config)) {}
  std::unique_ptr<filter::NetworkFilter> create(const net::WorkerContext& worker) const override {
    return std::make_unique<RbacFilter>(config_, worker);
  }

 private:
  const Config config_;
};

std::unique_ptr<filter::NetworkFilterFactory> make(const google::protobuf::Message& any,
                                                   const filter::FactoryContext& context) {
  const auto& message = static_cast<const api::RBAC&>(any);
  const size_t errors = context.diagnostics.errors();
  Config config;
  rbac::RulesContext rules{context.stats, context.diagnostics, message.stat_prefix(), "", "", false, true};
  config.rules = rbac::compileEnforced(message, rules, context.path);
  rules.prefix = absl::StrCat(message.shadow_rules_stat_prefix(), "shadow_");
  config.shadow = rbac::compileShadow(message, rules, context.path);
  config.continuous = message.enforcement_type() == api::RBAC::CONTINUOUS;
  config.delay = durationOf(message.delay_deny());
  if (context.diagnostics.errors() != errors) return nullptr;
  return std::make_unique<Factory>(std::move(config));
}

}  // namespace

filter::NetworkFilterType rbacType() {
  return {std::string(api::RBAC::descriptor()->full_name()), "envoy.filters.network.rbac", make};
}

}  // namespace weir::extensions::network_rbac
