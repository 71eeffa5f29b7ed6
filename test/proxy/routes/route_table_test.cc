#include "source/proxy/routes/route_table.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "source/base/arena.h"
#include "source/net/transport_info.h"
#include "source/proxy/routes/hash_policy.h"
#include "source/proxy/routes/path_rewrite.h"

namespace weir::proxy {
namespace {

using PathKind = RouteMatch::PathKind;

class RouteTableTest : public testing::Test {
 protected:
  VirtualHost& addHost(std::string name, std::vector<std::string> domains) {
    table_.hosts.push_back(std::make_unique<VirtualHost>());
    VirtualHost& host = *table_.hosts.back();
    host.name = std::move(name);
    host.table = &table_;
    for (const std::string& domain : domains) EXPECT_TRUE(table_.addDomain(domain, host)) << domain;
    return host;
  }

  Route& addRoute(VirtualHost& host, std::string name, PathKind kind, std::string literal) {
    RouteMatch match;
    match.path_kind = kind;
    if (kind == PathKind::kRegex) {
      match.regex = std::make_unique<const filter::StringMatcher>(*filter::StringMatcher::regex(literal));
    } else {
      match.literal = literal;
    }
    auto route = std::make_unique<Route>();
    route->name = std::move(name);
    route->virtual_host = &host;
    route->matched_bytes = static_cast<uint32_t>(literal.size());
    route->whole_path = kind == PathKind::kExact;
    host.routes.emplace_back(std::move(match), std::move(route));
    return *host.routes.back().second;
  }

  http::Head& request(std::string_view authority, std::string_view path) {
    http::Head& head = *arena_.make<http::Head>(arena_);
    head.method = "GET";
    head.scheme = "http";
    head.authority = arena_.copy(authority);
    head.path = arena_.copy(path);
    return head;
  }

  std::string matched(std::string_view authority, std::string_view path) {
    const Route* route = table_.match(request(authority, path), info_, random_);
    return route == nullptr ? "none" : route->name;
  }

  std::string hostOf(std::string_view authority) {
    const VirtualHost* host = table_.findHost(authority);
    return host == nullptr ? "none" : host->name;
  }

  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
  base::Random random_{1};
  filter::StreamInfo info_;
  RouteTable table_;
};

TEST_F(RouteTableTest, PrefersExactThenSuffixThenPrefixThenAnyDomain) {
  addHost("exact", {"www.example.com"});
  addHost("suffix", {"*.example.com"});
  addHost("longer suffix", {"*.a.example.com", "*-x.example.com"});
  addHost("prefix", {"www.*"});
  addHost("any", {"*"});
  const std::map<std::string, std::string> cases = {{"www.example.com", "exact"},
                                                    {"WWW.Example.COM", "exact"},
                                                    {"b.example.com", "suffix"},
                                                    {"c.a.example.com", "longer suffix"},
                                                    {"q-x.example.com", "longer suffix"},
                                                    {"www.other.org", "prefix"},
                                                    {"other.org", "any"},
                                                    {".example.com", "any"},
                                                    {"example.com", "any"},
                                                    {"www.example.com:80", "prefix"}};
  for (const auto& [authority, expected] : cases) EXPECT_EQ(hostOf(authority), expected) << authority;
}

TEST_F(RouteTableTest, IgnoresThePortWhereConfigured) {
  addHost("exact", {"a.b"});
  EXPECT_EQ(hostOf("a.b:8080"), "none");
  table_.ignore_port = true;
  EXPECT_EQ(hostOf("a.b:8080"), "exact");
  EXPECT_EQ(hostOf("[::1]"), "none");
}

TEST_F(RouteTableTest, RefusesADomainThatIsTaken) {
  VirtualHost& host = addHost("one", {"a", "*.b", "c.*", "*"});
  for (const char* domain : {"a", "*.b", "c.*", "*"}) EXPECT_FALSE(table_.addDomain(domain, host)) << domain;
}

TEST_F(RouteTableTest, TakesTheFirstRouteInWrittenOrder) {
  VirtualHost& host = addHost("h", {"*"});
  addRoute(host, "long", PathKind::kPrefix, "/a/b");
  addRoute(host, "short", PathKind::kPrefix, "/a");
  addRoute(host, "never", PathKind::kExact, "/a/b/c");
  addRoute(host, "exact", PathKind::kExact, "/x");
  addRoute(host, "separated", PathKind::kSeparatedPrefix, "/s");
  host.index();
  EXPECT_EQ(matched("h", "/a/b/c"), "long");
  EXPECT_EQ(matched("h", "/abc?q=/a/b"), "short");
  EXPECT_EQ(matched("h", "/x?y"), "exact");
  EXPECT_EQ(matched("h", "/xy"), "none");
  EXPECT_EQ(matched("h", "/s/t"), "separated");
  EXPECT_EQ(matched("h", "/st"), "none");
  EXPECT_EQ(matched("h", ""), "none");
}

TEST_F(RouteTableTest, MatchesRegexQueryHeadersAndCase) {
  VirtualHost& host = addHost("h", {"*"});
  addRoute(host, "regex", PathKind::kRegex, "/r[0-9]+");
  addRoute(host, "query", PathKind::kPrefix, "/q");
  QueryMatch query;
  query.name = "v";
  query.value = filter::StringMatcher(filter::StringMatcher::Kind::kExact, "2", false);
  host.routes.back().first.more().query.push_back(query);
  addRoute(host, "header", PathKind::kPrefix, "/q");
  filter::HeaderMatcher header;
  header.name = "x-one";
  host.routes.back().first.more().headers.push_back(header);
  addRoute(host, "folded", PathKind::kPrefix, "/Case");
  host.routes.back().first.case_sensitive = false;
  addRoute(host, "rest", PathKind::kPrefix, "/cASE/");
  host.index();

  EXPECT_EQ(matched("h", "/r12"), "regex");
  EXPECT_EQ(matched("h", "/r12x"), "none");
  EXPECT_EQ(matched("h", "/q?a=1&v=2"), "query");
  EXPECT_EQ(matched("h", "/q?v=3"), "none");
  http::Head& head = request("h", "/q?v=3");
  head.headers.add("x-one", "1");
  EXPECT_EQ(table_.match(head, info_, random_)->name, "header");
  EXPECT_EQ(matched("h", "/cASE/x"), "folded");
}

TEST_F(RouteTableTest, SplitsByWeight) {
  VirtualHost& host = addHost("h", {"*"});
  Route& route = addRoute(host, "split", PathKind::kPrefix, "/");
  for (const auto& [name, up_to] : {std::pair<const char*, uint64_t>{"a", 10}, {"b", 40}, {"c", 100}}) {
    auto choice = std::make_unique<Route>();
    choice->name = name;
    choice->virtual_host = &host;
    choice->parent = &route;
    route.choices.push_back({up_to, std::move(choice)});
  }
  host.index();
  std::map<std::string, double> seen;
  constexpr int kRounds = 100000;
  for (int i = 0; i < kRounds; ++i) ++seen[table_.match(request("h", "/"), info_, random_)->name];
  // Chi-square with two degrees of freedom; 13.8 is exceeded once in a thousand seeds, and the seed is fixed.
  const std::map<std::string, double> expected = {{"a", 0.1 * kRounds}, {"b", 0.3 * kRounds}, {"c", 0.6 * kRounds}};
  double chi_square = 0;
  for (const auto& [name, count] : expected) chi_square += (seen[name] - count) * (seen[name] - count) / count;
  EXPECT_LT(chi_square, 13.8);
}

TEST_F(RouteTableTest, SplitsByANumberInAHeaderOrByTheHash) {
  VirtualHost& host = addHost("h", {"*"});
  Route& route = addRoute(host, "split", PathKind::kPrefix, "/");
  for (const auto& [name, up_to] : {std::pair<const char*, uint64_t>{"a", 10}, {"b", 40}, {"c", 100}}) {
    auto choice = std::make_unique<Route>();
    choice->name = name;
    choice->virtual_host = &host;
    choice->parent = &route;
    route.choices.push_back({up_to, std::move(choice)});
  }
  host.index();
  const auto chosen = [&](std::string_view header, std::string_view value) {
    http::Head& head = request("h", "/");
    if (!header.empty()) head.headers.add(header, value);
    return table_.match(head, info_, random_)->name;
  };
  route.split = std::make_shared<const WeightedSplit>(WeightedSplit{"x-point", nullptr});
  EXPECT_EQ(chosen("x-point", "9"), "a");
  EXPECT_EQ(chosen("x-point", "10"), "b");
  EXPECT_EQ(chosen("x-point", "139"), "b");
  EXPECT_EQ(chosen("x-point", "99"), "c");
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) seen.insert(chosen("x-point", "no number"));
  EXPECT_EQ(seen.size(), 3u);

  auto policy = std::make_shared<const HashPolicy>(
      std::vector<HashPolicy::Rule>{{.kind = HashPolicy::Rule::Kind::kHeader, .name = "x-user"}});
  route.split = std::make_shared<const WeightedSplit>(WeightedSplit{"", policy});
  seen.clear();
  for (int user = 0; user < 200; ++user) {
    const std::string name = std::to_string(user);
    const std::string first = chosen("x-user", name);
    EXPECT_EQ(first, chosen("x-user", name));
    seen.insert(first);
  }
  EXPECT_EQ(seen.size(), 3u);
}

TEST_F(RouteTableTest, KeepsTheWrittenOrderOverAllKindsOfPaths) {
  VirtualHost& host = addHost("h", {"*"});
  addRoute(host, "folded", PathKind::kExact, "/A");
  host.routes.back().first.case_sensitive = false;
  for (int i = 0; i < 20; ++i)
    addRoute(host, "r" + std::to_string(i), PathKind::kRegex, "/v[0-9]/x" + std::to_string(i));
  addRoute(host, "any", PathKind::kPrefix, "/v1/");
  addRoute(host, "late regex", PathKind::kRegex, "/v.*");
  addRoute(host, "late", PathKind::kPrefix, "/a");
  addRoute(host, "connect", PathKind::kConnect, "");
  host.index();
  EXPECT_EQ(matched("h", "/a"), "folded");
  EXPECT_EQ(matched("h", "/ab"), "late");
  EXPECT_EQ(matched("h", "/v1/x7"), "r7");
  EXPECT_EQ(matched("h", "/v1/x99"), "any");
  EXPECT_EQ(matched("h", "/v2/x99"), "late regex");
  EXPECT_EQ(matched("h", "/w"), "none");
  http::Head& head = request("h", "");
  head.method = "CONNECT";
  EXPECT_EQ(table_.match(head, info_, random_)->name, "connect");
}

TEST_F(RouteTableTest, MatchesCookiesAndCertificates) {
  VirtualHost& host = addHost("h", {"*"});
  addRoute(host, "cookie", PathKind::kPrefix, "/c");
  host.routes.back().first.more().cookies.push_back(
      {"user", filter::StringMatcher(filter::StringMatcher::Kind::kExact, "ann", false), false});
  addRoute(host, "not bob", PathKind::kPrefix, "/c");
  host.routes.back().first.more().cookies.push_back(
      {"user", filter::StringMatcher(filter::StringMatcher::Kind::kExact, "bob", false), true});
  addRoute(host, "good", PathKind::kPrefix, "/t");
  host.routes.back().first.more().tls = TlsMatch{true, true};
  addRoute(host, "shown", PathKind::kPrefix, "/t");
  host.routes.back().first.more().tls = TlsMatch{true, std::nullopt};
  addRoute(host, "bare", PathKind::kPrefix, "/t");
  host.routes.back().first.more().tls = TlsMatch{false, std::nullopt};
  host.index();
  const auto with = [&](const char* cookie) {
    http::Head& head = request("h", "/c");
    if (*cookie != 0) head.headers.add("cookie", cookie);
    const Route* const route = table_.match(head, info_, random_);
    return route == nullptr ? std::string("none") : route->name;
  };
  EXPECT_EQ(with("a=1; user=ann"), "cookie");
  EXPECT_EQ(with("user=cyd"), "not bob");
  EXPECT_EQ(with(""), "not bob");
  EXPECT_EQ(with("user=bob"), "none");

  EXPECT_EQ(matched("h", "/t"), "bare");
  net::TransportInfo transport;
  info_.downstream_transport = &transport;
  EXPECT_EQ(matched("h", "/t"), "bare");
  transport.peer = std::make_unique<net::PeerCertificate>();
  EXPECT_EQ(matched("h", "/t"), "shown");
  transport.verified = true;
  EXPECT_EQ(matched("h", "/t"), "good");
}

TEST_F(RouteTableTest, RedirectsToHttpsWhereTlsIsRequired) {
  VirtualHost& host = addHost("h", {"*"});
  addRoute(host, "r", PathKind::kPrefix, "/");
  host.index();
  host.require_tls = RequireTls::kAll;
  http::Head& plain = request("h:80", "/a?b");
  const Route* const route = table_.match(plain, info_, random_);
  ASSERT_TRUE(std::holds_alternative<RedirectAction>(route->action));
  EXPECT_EQ(redirectLocation(plain, *route, std::get<RedirectAction>(route->action)), "https://h/a?b");
  http::Head& secure = request("h", "/a");
  secure.headers.add("x-forwarded-proto", "https");
  EXPECT_EQ(table_.match(secure, info_, random_)->name, "r");
  plain.headers.add("x-envoy-internal", "true");
  EXPECT_EQ(table_.match(plain, info_, random_), route);
  host.require_tls = RequireTls::kExternal;
  EXPECT_EQ(table_.match(plain, info_, random_)->name, "r");
}

TEST_F(RouteTableTest, RewritesPrefixesAndKeepsTheQuery) {
  VirtualHost& host = addHost("h", {"*"});
  Route& prefix = addRoute(host, "p", PathKind::kPrefix, "/old/");
  Route& exact = addRoute(host, "e", PathKind::kExact, "/one");
  EXPECT_EQ(rewrittenPath(request("h", "/old/x?q=1"), prefix, "/new/", nullptr), "/new/x?q=1");
  EXPECT_EQ(rewrittenPath(request("h", "/one?q=1"), exact, "/two", nullptr), "/two?q=1");
  EXPECT_EQ(rewrittenPath(request("h", "/one?q=1"), exact, "", nullptr), "/one?q=1");
  const auto regex = PathRewrite::make("/([a-z]+)/([0-9]+)", "/\\2/\\1");
  ASSERT_TRUE(regex.ok());
  EXPECT_EQ(rewrittenPath(request("h", "/abc/12?x=/q/1"), prefix, "", regex->get()), "/12/abc?x=/q/1");
}

TEST_F(RouteTableTest, RefusesAWrongRewrite) {
  EXPECT_FALSE(PathRewrite::make("(", "x").ok());
  EXPECT_FALSE(PathRewrite::make("a", "\\1").ok());
}

struct RedirectCase {
  const char* name;
  RedirectAction action;
  const char* authority;
  const char* path;
  const char* expected;
};

TEST_F(RouteTableTest, BuildsTheLocationOfARedirect) {
  VirtualHost& host = addHost("h", {"*"});
  const Route& route = addRoute(host, "r", PathKind::kPrefix, "/a");
  const RedirectCase cases[] = {
      {"https drops the old default port", {.https = true}, "h:80", "/a?q", "https://h/a?q"},
      {"https keeps another port", {.https = true}, "h:8080", "/a", "https://h:8080/a"},
      {"port", {.https = true, .port = 8443}, "h:80", "/a", "https://h:8443/a"},
      {"port of IPv6", {.port = 81}, "[::1]:80", "/a", "http://[::1]:81/a"},
      {"host", {.host = "other"}, "h:80", "/a?q", "http://other/a?q"},
      {"path keeps the query", {.path = "/b"}, "h", "/a?q", "http://h/b?q"},
      {"path with its own query", {.path = "/b?z"}, "h", "/a?q", "http://h/b?z"},
      {"prefix", {.prefix_rewrite = "/b"}, "h", "/a/c?q", "http://h/b/c?q"},
      {"no query", {.prefix_rewrite = "/b", .strip_query = true}, "h", "/a/c?q", "http://h/b/c"},
      {"scheme", {.scheme = "ftp"}, "h", "/a", "ftp://h/a"},
  };
  for (const RedirectCase& c : cases) {
    EXPECT_EQ(redirectLocation(request(c.authority, c.path), route, c.action), c.expected) << c.name;
  }
}

TEST_F(RouteTableTest, TheTableHasTheLastWordUnlessTheRouteWins) {
  VirtualHost& host = addHost("h", {"*"});
  Route& route = addRoute(host, "r", PathKind::kPrefix, "/");
  const auto overwrite = [](std::string_view value) {
    HeaderEdit edit;
    edit.action = HeaderEdit::Action::kOverwriteOrAdd;
    edit.name = "x-level";
    edit.value = *filter::SubstitutionFormat::parse(value, true);
    return edit;
  };
  route.request_edits.add.push_back(overwrite("route"));
  host.request_edits.add.push_back(overwrite("host"));
  table_.request_edits.add.push_back(overwrite("table"));
  table_.request_edits.remove.push_back("x-gone");
  filter::StreamInfo info;
  http::Head& head = request("h", "/");
  head.headers.add("x-gone", "1");
  editRequest(head, route, info);
  EXPECT_EQ(head.headers.get("x-level"), "table");
  EXPECT_FALSE(head.headers.get("x-gone").has_value());
  table_.most_specific_wins = true;
  http::Head& again = request("h", "/");
  editRequest(again, route, info);
  EXPECT_EQ(again.headers.get("x-level"), "route");
}

}  // namespace
}  // namespace weir::proxy
