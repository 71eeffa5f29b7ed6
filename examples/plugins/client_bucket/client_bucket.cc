// A token bucket for each client: so many requests a second, and a burst. The buckets are shared by all workers, behind
// a lock that is held for a look-up; the least recently used make room for new clients.
#include <list>
#include <mutex>
#include <unordered_map>

#include "weir_filter.hpp"

namespace {

class Buckets {
 public:
  Buckets(double rate, double burst, size_t most) : rate_(rate), burst_(burst), most_(most) {}

  // Takes a token of that client, if it has one. `now` never goes back.
  bool take(const std::string& client, std::chrono::nanoseconds now) {
    const std::lock_guard lock(mutex_);
    auto found = by_client_.find(client);
    if (found == by_client_.end()) {
      if (by_client_.size() == most_) {
        by_client_.erase(used_.back().client);
        used_.pop_back();
      }
      used_.push_front({client, burst_, now});
      found = by_client_.emplace(client, used_.begin()).first;
    } else {
      used_.splice(used_.begin(), used_, found->second);
    }
    Bucket& bucket = *found->second;
    bucket.tokens = std::min(burst_, bucket.tokens + std::chrono::duration<double>(now - bucket.filled).count() * rate_);
    bucket.filled = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

 private:
  struct Bucket {
    std::string client;
    double tokens;
    std::chrono::nanoseconds filled;
  };
  const double rate_, burst_;
  const size_t most_;
  std::mutex mutex_;
  std::list<Bucket> used_;  // the latest first
  std::unordered_map<std::string, std::list<Bucket>::iterator> by_client_;
};

struct Config {
  static weir::Schema schema() {
    return weir::Schema("client_bucket.Config").number("per_second").number("burst").integer("clients");
  }
  explicit Config(const weir::ConfigReader& c)
      : buckets(c.number("per_second"), c.number("burst", 1), static_cast<size_t>(c.number("clients", 10000))),
        limited(c.counter("limited")) {
    if (c.number("per_second") <= 0) c.error("per_second", "must be above 0");
    if (c.number("burst", 1) < 1) c.error("burst", "must be at least 1");
    if (c.number("clients", 10000) < 1) c.error("clients", "must be at least 1");
  }
  mutable Buckets buckets;
  weir::Counter limited;
};

class ClientBucket {
 public:
  explicit ClientBucket(const Config& config) : config_(config) {}

  weir::Verdict onRequestHead(weir::Stream& s) {
    if (config_.buckets.take(std::string(s.clientIp()), s.now())) return weir::Continue;
    s.add(config_.limited);
    return s.reply(429, "slow down\n", {{"retry-after", "1"}});
  }

 private:
  const Config& config_;
};

}  // namespace

WEIR_HTTP_FILTER(ClientBucket, Config, "client_bucket", "1.0")
