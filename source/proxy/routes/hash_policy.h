// HashPolicy: what of a request decides which host it goes to, where the balancer picks by hash, and which of several
// weighted clusters, where they are picked by it. Compiled at load, immutable, shared by workers. apply() allocates
// nothing but in the arena of the head, and gives the same for the same exchange however often it is called, also where
// it makes up the value of a cookie.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "source/filter/stream_info.h"
#include "source/http/head.h"

namespace weir::proxy {

class PathRewrite;

// A cookie that the response is to set: the value of a set-cookie field. Arena text.
struct SetCookie {
  std::string_view value;
  const SetCookie* next = nullptr;
};

class HashPolicy {
 public:
  struct Rule {
    enum class Kind : uint8_t { kHeader, kCookie, kSourceIp, kQueryParameter };
    Kind kind = Kind::kHeader;
    std::string name{};  // of the header (lower case), the cookie or the parameter
    // No rule behind it counts once there is a hash.
    bool terminal = false;
    std::shared_ptr<const PathRewrite> rewrite{};  // kHeader: of the value; may be null
    // kCookie: a request without it is given one of that age; zero: until the browser ends; none: it is not given one.
    std::optional<absl::Duration> ttl{};
    std::string path{};
    std::vector<std::pair<std::string, std::string>> attributes{};
  };

  struct Outcome {
    std::optional<uint64_t> hash;        // none: nothing of what the rules name is there
    const SetCookie* cookies = nullptr;  // for the response
  };

  explicit HashPolicy(std::vector<Rule> rules);
  ~HashPolicy();

  // Each rule that has something to hash adds to the result, in their order.
  Outcome apply(const http::Head& request, const filter::StreamInfo& info) const;
  const std::vector<Rule>& rules() const { return rules_; }

 private:
  const std::vector<Rule> rules_;
};

}  // namespace weir::proxy
