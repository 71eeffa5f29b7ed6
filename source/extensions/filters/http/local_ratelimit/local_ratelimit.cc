#include "source/extensions/filters/http/local_ratelimit/local_ratelimit.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/extensions/common/ratelimit/v3/ratelimit.pb.h"
#include "envoy/extensions/filters/http/local_ratelimit/v3/local_ratelimit.pb.h"
#include "envoy/type/v3/type.pb.h"
#include "source/extensions/matchers/compile_matchers.h"
#include "source/extensions/messages/duration.h"
#include "source/extensions/rate_limits/compile_rate_limits.h"
#include "source/extensions/rate_limits/token_bucket.h"
#include "source/extensions/rate_limits/token_buckets.h"
#include "source/extensions/routes/header_edits.h"
#include "source/filter/connection_states.h"
#include "source/filter/rate_limit_rules.h"
#include "source/stats/stats.h"

namespace weir::extensions::local_ratelimit {
namespace {

namespace api = envoy::extensions::filters::http::local_ratelimit::v3;
namespace ratelimit = envoy::extensions::common::ratelimit::v3;

struct Stats {
  stats::CounterId enabled;
  stats::CounterId ok;
  stats::CounterId rate_limited;
  stats::CounterId enforced;
  stats::CounterId shadow;  // would have been refused by a descriptor that only counts
};

struct BucketSpec {
  uint32_t max_tokens = 0;
  uint32_t tokens_per_fill = 1;
  absl::Duration fill_interval;

  std::unique_ptr<TokenBucket> make(base::MonotonicTime start) const {
    return std::make_unique<TokenBucket>(max_tokens, tokens_per_fill, fill_interval, start);
  }
  std::unique_ptr<TokenBuckets> makeMany(size_t capacity) const {
    return std::make_unique<TokenBuckets>(capacity, max_tokens, tokens_per_fill, fill_interval);
  }
};

// Requests that are described like this have a bucket of their own.
struct Descriptor {
  std::vector<std::pair<std::string, std::string>> entries;  // an empty value: any
  BucketSpec bucket;
  bool open = false;    // an entry takes any value, and each has a bucket of its own
  bool shadow = false;  // counts, and refuses nothing

  bool matches(const filter::RateLimitDescriptor& described) const {
    return std::equal(entries.begin(), entries.end(), described.begin(), described.end(),
                      [](const auto& entry, const filter::RateLimitEntry& seen) {
                        return entry.first == seen.key && (entry.second.empty() || entry.second == seen.value);
                      });
  }
  // The values that were open, for the arena.
  std::string_view keyOf(const filter::RateLimitDescriptor& described, base::Arena& arena) const {
    std::string_view key;
    for (size_t i = 0; i < entries.size(); ++i) {
      if (!entries[i].second.empty()) continue;
      const std::string_view value = described[i].value;
      char* const joined = static_cast<char*>(arena.allocate(key.size() + 1 + value.size(), 1));
      std::copy(key.begin(), key.end(), joined);
      joined[key.size()] = '\0';
      std::copy(value.begin(), value.end(), joined + key.size() + 1);
      key = {joined, key.size() + 1 + value.size()};
    }
    return key;
  }
};

// Of the whole process, or of one connection.
struct Buckets final : filter::ConnectionState {
  std::unique_ptr<TokenBucket> fallback;  // for every request; null: none
  struct ForDescriptor {                  // one of the two
    std::unique_ptr<TokenBucket> one{};
    std::unique_ptr<TokenBuckets> many{};
  };
  std::vector<ForDescriptor> by_descriptor{};  // as Config::descriptors

  void add(const Descriptor& descriptor, size_t most, base::MonotonicTime start) {
    ForDescriptor& made = by_descriptor.emplace_back();
    if (descriptor.open) {
      made.many = descriptor.bucket.makeMany(most);
    } else {
      made.one = descriptor.bucket.make(start);
    }
  }
};

struct Config final : filter::RouteFilterConfig {
  std::optional<BucketSpec> bucket;
  std::vector<Descriptor> descriptors;
  filter::RateLimitRules rules;  // empty: those of the route
  uint32_t stage = 0;
  ratelimit::VhRateLimitsOptions outer_rules = ratelimit::OVERRIDE;  // of the virtual host
  size_t most_open = 20;                                             // buckets of a descriptor with open values
  bool always_default = true;  // a request that has a bucket of its own draws from that of all too
  bool per_connection = false;
  bool resource_exhausted = false;
  Buckets shared;
  uint16_t status = 429;
  filter::Fraction enabled{0, 100};
  filter::Fraction enforced{0, 100};
  proxy::HeaderEdits response_edits;
  proxy::HeaderEdits request_edits_when_not_enforced;
  bool ratelimit_headers = false;
  Stats stats;
};

uint64_t wholeSeconds(absl::Duration duration) {
  return static_cast<uint64_t>(absl::ToInt64Seconds(absl::Ceil(duration, absl::Seconds(1))));
}

void setNumber(http::HeaderMap& headers, std::string_view name, uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
  headers.set(name, std::string_view(digits, static_cast<size_t>(end - digits)));
}

class LocalRatelimitFilter final : public filter::HttpFilter {
 public:
  LocalRatelimitFilter(const Config& config, const net::WorkerContext& worker) : config_(&config), worker_(worker) {}

  filter::Verdict onRequestHead(http::Head& head) override {
    if (const auto* const route = static_cast<const Config*>(host().routeConfig())) config_ = route;
    const bool limits = config_->bucket || !config_->descriptors.empty();
    if (!limits || !config_->enabled.hit(worker_.random)) return filter::Verdict::next();
    worker_.stats.add(config_->stats.enabled);
    takeAll(head);
    if (taken_.ok) {
      worker_.stats.add(config_->stats.ok);
      return filter::Verdict::next();
    }
    worker_.stats.add(config_->stats.rate_limited);
    if (!config_->enforced.hit(worker_.random)) {
      config_->request_edits_when_not_enforced.apply(head, host().info());
      return filter::Verdict::next();
    }
    worker_.stats.add(config_->stats.enforced);
    return refuse();
  }

  filter::Verdict onResponseHead(http::Head& head) override {
    if (asked_ && told_ && !head.isInterim()) addRatelimitHeaders(head.headers);
    return filter::Verdict::next();
  }

  // What the request has cost, as far as there are tokens.
  void onComplete(const filter::StreamInfo& info) override {
    if (due_.empty()) return;
    const Buckets& all = buckets();
    for (const Due& due : due_) {
      const std::optional<uint64_t> hits = due.rule->hitsOf(info);
      if (!hits) continue;
      const Buckets::ForDescriptor& buckets = all.by_descriptor[due.place];
      const TokenBucket::Taken taken = take(buckets, due.key, *hits);
      if (!taken.ok) take(buckets, due.key, taken.left);
    }
  }

 private:
  const Buckets& buckets() {
    filter::ConnectionStates* const states = host().info().connection_states;
    if (!config_->per_connection || states == nullptr) return config_->shared;
    if (filter::ConnectionState* const kept = states->find(config_)) return static_cast<const Buckets&>(*kept);
    auto made = std::make_unique<Buckets>();
    const base::MonotonicTime now = worker_.dispatcher.now();
    if (config_->bucket) made->fallback = config_->bucket->make(now);
    for (const Descriptor& descriptor : config_->descriptors) made->add(descriptor, config_->most_open, now);
    const Buckets& result = *made;
    states->keep(config_, std::move(made));
    return result;
  }

  // Draws from each bucket that counts the request, until one is empty.
  void takeAll(const http::Head& head) {
    const Buckets& all = buckets();
    bool described = false;
    for (const filter::RateLimitRules* const rules : rulesOf(host().info().route)) {
      if (rules != nullptr && takeBy(*rules, all, head)) described = true;
    }
    if (all.fallback != nullptr && taken_.ok && (!described || config_->always_default)) {
      note(all.fallback->take(worker_.dispatcher.now()), all.fallback->maxTokens(), config_->ratelimit_headers);
    }
  }

  // Those of the filter, or else of the route and of its virtual host. Null for none.
  std::array<const filter::RateLimitRules*, 2> rulesOf(const filter::RouteInfo* route) const {
    if (!config_->rules.empty()) return {&config_->rules, nullptr};
    if (route == nullptr) return {};
    const filter::RateLimitRules* const nearest = route->rateLimits();
    const filter::RateLimitRules* const outer = route->virtualHostRateLimits();
    if (config_->outer_rules == ratelimit::INCLUDE) return {nearest, outer == nearest ? nullptr : outer};
    if (config_->outer_rules == ratelimit::IGNORE) return {nearest == outer ? nullptr : nearest, nullptr};
    return {nearest, nullptr};
  }

  // Whether one of them describes the request as a bucket wants it.
  bool takeBy(const filter::RateLimitRules& rules, const Buckets& all, const http::Head& head) {
    const filter::StreamInfo& info = host().info();
    bool described = false;
    filter::RateLimitDescriptor descriptor;
    for (size_t i = 0; i < rules.size() && taken_.ok; ++i) {
      const filter::RateLimitRule& rule = rules[i];
      if (rule.stage != config_->stage || !rule.describe(head, info, descriptor)) continue;
      const std::optional<uint64_t> hits = rule.when_done ? 0 : rule.hitsOf(info);
      if (!hits) continue;
      for (size_t k = 0; k < config_->descriptors.size() && taken_.ok; ++k) {
        const Descriptor& counted = config_->descriptors[k];
        if (!counted.matches(descriptor)) continue;
        const std::string_view key = counted.open ? counted.keyOf(descriptor, host().arena()) : std::string_view();
        if (rule.when_done) {
          due_.push_back({&rule, k, key});
          continue;
        }
        described = true;
        takeFor(counted, all.by_descriptor[k], key, *hits, rule.told.value_or(config_->ratelimit_headers));
      }
    }
    return described;
  }

  TokenBucket::Taken take(const Buckets::ForDescriptor& buckets, std::string_view key, uint64_t hits) const {
    const base::MonotonicTime now = worker_.dispatcher.now();
    return buckets.many != nullptr ? buckets.many->take(key, now, hits) : buckets.one->take(now, hits);
  }

  void takeFor(const Descriptor& descriptor, const Buckets::ForDescriptor& buckets, std::string_view key, uint64_t hits,
               bool told) {
    const TokenBucket::Taken taken = take(buckets, key, hits);
    if (descriptor.shadow) {
      if (!taken.ok) worker_.stats.add(config_->stats.shadow);
      return;
    }
    note(taken, descriptor.bucket.max_tokens, told);
  }

  // What is told to the client is the bucket with the fewest tokens.
  void note(const TokenBucket::Taken& taken, uint32_t max_tokens, bool told) {
    if (asked_ && taken.ok && taken.left >= taken_.left) return;
    asked_ = true;
    told_ = told;
    taken_ = taken;
    max_tokens_ = max_tokens;
  }

  filter::Verdict refuse() {
    base::Arena& arena = host().arena();
    auto* const reply = arena.make<filter::LocalReply>();
    reply->reason = http::Reason::kRateLimited;
    reply->status = config_->status;
    reply->body = "local_rate_limited";
    reply->head = arena.make<http::Head>(arena);
    reply->head->status = config_->status;
    setNumber(reply->head->headers, "retry-after", wholeSeconds(taken_.next_fill));
    if (config_->resource_exhausted) reply->head->headers.set("grpc-status", "8");
    // This filter does not see its own reply.
    if (told_) addRatelimitHeaders(reply->head->headers);
    config_->response_edits.apply(*reply->head, host().info());
    return filter::Verdict::reply(*reply);
  }

  // https://datatracker.ietf.org/doc/html/draft-polli-ratelimit-headers-03, with the prefix that the API gives them.
  void addRatelimitHeaders(http::HeaderMap& headers) const {
    setNumber(headers, "x-ratelimit-limit", max_tokens_);
    setNumber(headers, "x-ratelimit-remaining", taken_.left);
    setNumber(headers, "x-ratelimit-reset", wholeSeconds(taken_.next_fill));
  }

  const Config* config_;
  const net::WorkerContext& worker_;
  TokenBucket::Taken taken_{true, 0, absl::ZeroDuration()};
  uint32_t max_tokens_ = 0;  // of the bucket that taken_ is about
  bool asked_ = false;
  bool told_ = false;  // the client is, of that bucket
  // What is counted in the end: the rule, the place of the descriptor, and the key of its bucket in the arena.
  struct Due {
    const filter::RateLimitRule* rule;
    size_t place;
    std::string_view key;
  };
  absl::InlinedVector<Due, 1> due_;
};

BucketSpec compileBucket(const envoy::type::v3::TokenBucket& message) {
  const uint32_t per_fill = message.has_tokens_per_fill() ? message.tokens_per_fill().value() : 1;
  return {message.max_tokens(), per_fill, durationOf(message.fill_interval())};
}

void compileBuckets(const api::LocalRateLimit& message, const filter::FactoryContext& context, Config& config) {
  const base::MonotonicTime start = context.clock.monotonic();
  if (message.has_token_bucket()) {
    config.bucket = compileBucket(message.token_bucket());
    config.shared.fallback = config.bucket->make(start);
  }
  if (message.has_max_dynamic_descriptors()) config.most_open = message.max_dynamic_descriptors().value();
  for (int i = 0; i < message.descriptors_size(); ++i) {
    const auto& form = message.descriptors(i);
    Descriptor descriptor;
    descriptor.bucket = compileBucket(form.token_bucket());
    for (int k = 0; k < form.entries_size(); ++k) {
      const auto& entry = form.entries(k);
      descriptor.open = descriptor.open || entry.value().empty();
      descriptor.entries.emplace_back(entry.key(), entry.value());
    }
    descriptor.shadow = form.shadow_mode();
    config.shared.add(descriptor, config.most_open, start);
    config.descriptors.push_back(std::move(descriptor));
  }
  config.rules = compileRateLimits(message.rate_limits(), context.diagnostics, context.path);
  config.stage = message.stage();
  config.outer_rules = message.vh_rate_limits();
  config.per_connection = message.local_rate_limit_per_downstream_connection();
  config.resource_exhausted = message.rate_limited_as_resource_exhausted();
  if (message.has_always_consume_default_token_bucket()) {
    config.always_default = message.always_consume_default_token_bucket().value();
  }
}

std::unique_ptr<Config> compile(const google::protobuf::Message& message, const filter::FactoryContext& context) {
  const auto& configured = static_cast<const api::LocalRateLimit&>(message);
  const size_t errors = context.diagnostics.errors();
  auto config = std::make_unique<Config>();
  compileBuckets(configured, context, *config);
  // As the API has it: a status below 400 would not be a refusal.
  if (configured.status().code() >= 400) config->status = static_cast<uint16_t>(configured.status().code());
  if (configured.has_filter_enabled()) config->enabled = compileFraction(configured.filter_enabled());
  if (configured.has_filter_enforced()) config->enforced = compileFraction(configured.filter_enforced());
  const google::protobuf::RepeatedPtrField<std::string> none;
  config->response_edits = compileHeaderEdits(configured.response_headers_to_add(), "response_headers_to_add", none, "",
                                              context.diagnostics, context.path);
  config->request_edits_when_not_enforced =
      compileHeaderEdits(configured.request_headers_to_add_when_not_enforced(),
                         "request_headers_to_add_when_not_enforced", none, "", context.diagnostics, context.path);
  config->ratelimit_headers = configured.enable_x_ratelimit_headers() == ratelimit::DRAFT_VERSION_03;
  const auto counter = [&](std::string_view name) {
    return context.stats.counter({"http_local_rate_limit", configured.stat_prefix(), name});
  };
  config->stats = {counter("enabled"), counter("ok"), counter("rate_limited"), counter("enforced"),
                   counter("shadow_mode")};
  if (context.diagnostics.errors() > errors) return nullptr;
  return config;
}

std::unique_ptr<filter::RouteFilterConfig> makeRouteConfig(const google::protobuf::Message& message,
                                                           const filter::FactoryContext& context) {
  if (!static_cast<const api::LocalRateLimit&>(message).has_token_bucket()) {
    context.diagnostics.error(context.path.at("token_bucket"),
                              "not set; a rate limit of a route needs a token bucket of its own");
    return nullptr;
  }
  return compile(message, context);
}

}  // namespace

filter::HttpFilterType localRatelimitType() {
  filter::HttpFilterType type;
  type.config_type = api::LocalRateLimit::descriptor()->full_name();
  type.route_config_type = type.config_type;
  type.usual_name = "envoy.filters.http.local_ratelimit";
  type.make = [](const google::protobuf::Message& message,
                 const filter::FactoryContext& context) -> std::unique_ptr<filter::HttpFilterFactory> {
    auto config = compile(message, context);
    if (config == nullptr) return nullptr;
    return filter::factoryOf<LocalRatelimitFilter>(std::move(config));
  };
  type.make_route_config = makeRouteConfig;
  return type;
}

}  // namespace weir::extensions::local_ratelimit
