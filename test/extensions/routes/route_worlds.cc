#include "test/extensions/routes/route_worlds.h"

#include <array>
#include <set>
#include <string_view>

#include "envoy/config/core/v3/core.pb.h"
#include "envoy/type/matcher/v3/matcher.pb.h"
#include "envoy/type/v3/type.pb.h"

namespace weir::extensions {
namespace {

namespace api = envoy::config::route::v3;

template <size_t N>
const char* oneOf(base::Random& random, const std::array<const char*, N>& all) {
  return all[random.below(N)];
}

constexpr std::array<const char*, 4> kNames = {"x-a", "x-b", "x-c", ":method"};
constexpr std::array<const char*, 5> kValues = {"1", "2", "22", "GET", "POST"};
constexpr std::array<const char*, 10> kDomains = {"*",     "a.example", "*.example", "*.b.example", "a.*",
                                                  "a.b.*", "b",         "*-x.test",  "A.b.example", "c:81"};
constexpr std::array<const char*, 10> kAuthorities = {"a.example",   "b.example", "x.b.example", "a.org",  "a.b.org",
                                                      "a.b.example", "b",         "q-x.test",    "b:8080", "c:81"};
constexpr std::array<const char*, 8> kExpressions = {"/a.*",     "/[ab]+/c", "/.*b",         "(?i)/A/B",
                                                     "/a|/b/.*", ".*",       "/(a/)*b[12]?", "/a/b"};

void addPath(base::Random& random, api::RouteMatch& match) {
  const uint64_t kind = random.below(10);
  if (kind < 4) {
    match.set_prefix(random.below(8) == 0 ? "" : randomPath(random));
  } else if (kind < 6) {
    match.set_path(randomPath(random));
  } else if (kind < 7) {
    match.set_path_separated_prefix("/a" + std::string(random.below(2), 'b'));
  } else if (kind < 9) {
    match.mutable_safe_regex()->set_regex(oneOf(random, kExpressions));
  } else {
    match.mutable_connect_matcher();
  }
  if (!match.has_safe_regex() && random.below(4) == 0) match.mutable_case_sensitive()->set_value(false);
}

void addHeader(base::Random& random, api::RouteMatch& match) {
  api::HeaderMatcher& header = *match.add_headers();
  header.set_name(oneOf(random, kNames));
  switch (random.below(5)) {
    case 0:
      header.set_present_match(random.below(2) == 0);
      break;
    case 1:
      header.mutable_range_match()->set_start(2);
      header.mutable_range_match()->set_end(20 + static_cast<int64_t>(random.below(10)));
      break;
    case 2:
      header.mutable_string_match()->mutable_safe_regex()->set_regex("2+|G.*");
      break;
    default:
      header.mutable_string_match()->set_prefix(oneOf(random, kValues));
      break;
  }
  header.set_invert_match(random.below(3) == 0);
  header.set_treat_missing_header_as_empty(random.below(4) == 0);
}

void addConditions(base::Random& random, api::RouteMatch& match) {
  while (random.below(3) == 0) addHeader(random, match);
  if (random.below(6) == 0) {
    api::QueryParameterMatcher& query = *match.add_query_parameters();
    query.set_name(random.below(2) == 0 ? "q" : "r");
    if (random.below(2) == 0) {
      query.set_present_match(random.below(3) != 0);
    } else {
      query.mutable_string_match()->set_exact(oneOf(random, kValues));
    }
  }
  if (random.below(6) == 0) {
    api::CookieMatcher& cookie = *match.add_cookies();
    cookie.set_name("c");
    cookie.mutable_string_match()->set_exact(oneOf(random, kValues));
    cookie.set_invert_match(random.below(3) == 0);
  }
  if (random.below(8) == 0) match.mutable_grpc();
  if (random.below(8) == 0) match.mutable_tls_context()->mutable_presented()->set_value(random.below(2) == 0);
  if (random.below(8) == 0) {
    match.mutable_runtime_fraction()->mutable_default_value()->set_numerator(static_cast<uint32_t>(random.below(101)));
  }
}

void addAction(base::Random& random, api::Route& route) {
  const uint64_t kind = random.below(6);
  if (kind == 0) {
    route.mutable_redirect()->set_path_redirect("/elsewhere");
  } else if (kind == 1) {
    route.mutable_direct_response()->set_status(200);
  } else if (kind == 2) {
    api::RouteAction& action = *route.mutable_route();
    for (const char* const name : {"one", "two", "three"}) {
      auto& cluster = *action.mutable_weighted_clusters()->add_clusters();
      cluster.set_name(name);
      cluster.mutable_weight()->set_value(1 + static_cast<uint32_t>(random.below(5)));
    }
    if (random.below(2) == 0) {
      action.add_hash_policy()->mutable_header()->set_header_name("x-a");
      action.mutable_weighted_clusters()->mutable_use_hash_policy()->set_value(true);
    }
  } else {
    route.mutable_route()->set_cluster(random.below(2) == 0 ? "one" : "two");
  }
}

}  // namespace

std::string randomPath(base::Random& random) {
  std::string path = "/";
  for (uint64_t i = random.below(5); i > 0; --i) path += "aabB/"[random.below(5)];
  return path;
}

api::RouteConfiguration randomRoutes(base::Random& random) {
  api::RouteConfiguration config;
  std::set<std::string_view> taken;
  config.set_ignore_port_in_host_matching(random.below(2) == 0);
  for (uint64_t h = 1 + random.below(4); h > 0; --h) {
    api::VirtualHost host;
    host.set_name("h" + std::to_string(h));
    for (uint64_t d = 1 + random.below(3); d > 0; --d) {
      const char* const domain = oneOf(random, kDomains);
      if (taken.insert(domain).second) host.add_domains(domain);
    }
    if (host.domains_size() == 0) continue;
    if (random.below(8) == 0) host.set_require_tls(api::VirtualHost::ALL);
    for (uint64_t r = random.below(12); r > 0; --r) {
      api::Route& route = *host.add_routes();
      addPath(random, *route.mutable_match());
      addConditions(random, *route.mutable_match());
      addAction(random, route);
    }
    *config.add_virtual_hosts() = host;
  }
  return config;
}

void randomRequest(base::Random& random, http::Head& head) {
  base::Arena& arena = head.arena();
  head.method = random.below(4) == 0 ? "POST" : "GET";
  head.scheme = random.below(2) == 0 ? "http" : "https";
  head.authority = oneOf(random, kAuthorities);
  head.path = arena.copy(randomPath(random));
  if (random.below(3) == 0) head.path = arena.join(head.path, random.below(2) == 0 ? "?q=1&r" : "?r=22");
  if (random.below(12) == 0) {
    head.method = "CONNECT";
    head.path = "";
  }
  for (const char* const name : {"x-a", "x-b", "x-c"}) {
    if (random.below(2) == 0) head.headers.add(name, oneOf(random, kValues));
  }
  if (random.below(4) == 0) head.headers.add("cookie", random.below(2) == 0 ? "c=1" : "d=2; c=22");
  if (random.below(6) == 0) head.headers.add("content-type", "application/grpc");
}

}  // namespace weir::extensions
