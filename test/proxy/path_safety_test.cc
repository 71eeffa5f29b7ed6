// The path that a decision is made on is the path that is sent, and no server behind weir that normalises it again
// comes to another one; over random paths, against a normaliser that is written in another way. And what a client says
// of itself is believed exactly as far as the configuration says.
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/arena.h"
#include "source/base/random.h"
#include "source/proxy/request_preparation.h"
#include "source/proxy/routes/route_table.h"

namespace weir::proxy {
namespace {

// How many paths; the environment may ask for more.
uint64_t paths() {
  const char* const text = std::getenv("WEIR_PATHS");
  return text == nullptr ? 1'000'000 : std::strtoull(text, nullptr, 10);
}

std::string randomTarget(base::Random& random) {
  static constexpr std::string_view kPieces[] = {"/",    "/",   "/",   "a",   "admin", ".",  "..",  "/./",
                                                 "/../", "//",  "%2f", "%2F", "%5c",   "\\", "%2e", "%2E",
                                                 "%61",  "%41", "%25", "%7e", "%252e", ";x", "b",   "%2"};
  std::string target = random.below(64) == 0 ? "" : "/";
  for (uint64_t i = random.below(9); i > 0; --i) target += kPieces[random.below(std::size(kPieces))];
  if (random.below(8) == 0) target += "?q=/../%2e";
  return target;
}

int hexDigit(char c) {
  const std::string_view digits = "0123456789abcdef";
  const size_t at = digits.find(static_cast<char>(c >= 'A' && c <= 'F' ? c + 32 : c));
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

// What a careful server makes of a path: unreserved bytes decoded, "\" read as "/", dot segments resolved on a stack.
std::string normalisedAgain(std::string_view path, bool merge_slashes, bool unescape_slashes) {
  std::string plain;
  for (size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (c == '%' && i + 2 < path.size() && hexDigit(path[i + 1]) >= 0 && hexDigit(path[i + 2]) >= 0) {
      const char byte = static_cast<char>(hexDigit(path[i + 1]) * 16 + hexDigit(path[i + 2]));
      const bool slash = unescape_slashes && (byte == '/' || byte == '\\');
      if (slash || std::isalnum(static_cast<unsigned char>(byte)) != 0 ||
          std::string_view("-._~").find(byte) != std::string_view::npos) {
        c = byte;
        i += 2;
      }
    }
    plain += c == '\\' ? '/' : c;
  }
  std::vector<std::string> segments;
  bool open = false;  // the last segment was resolved away: a slash stays at the end
  size_t at = 1;
  while (at <= plain.size()) {
    const size_t end = std::min(plain.find('/', at), plain.size());
    const std::string segment = plain.substr(at, end - at);
    at = end + 1;
    open = segment == "." || segment == "..";
    if (segment == ".." && !segments.empty()) segments.pop_back();
    if (!open) segments.push_back(segment);
  }
  std::string out;
  for (const std::string& segment : segments) out += "/" + segment;
  if (open || out.empty()) out += "/";
  if (merge_slashes) {
    for (size_t twice; (twice = out.find("//")) != std::string::npos;) out.erase(twice, 1);
  }
  return out;
}

class PathSafetyTest : public testing::Test {
 protected:
  PathSafetyTest() {
    table_.hosts.push_back(std::make_unique<VirtualHost>());
    VirtualHost& host = *table_.hosts.back();
    host.table = &table_;
    EXPECT_TRUE(table_.addDomain("*", host));
    for (const char* const literal : {"/admin", "/a/b", "/a", "/b//", "/"}) {
      RouteMatch match;
      match.literal = literal;
      auto route = std::make_unique<Route>();
      route->virtual_host = &host;
      route->name = literal;
      host.routes.emplace_back(std::move(match), std::move(route));
    }
    host.index();
  }

  const Route* routeOf(std::string_view target, base::Arena& arena) {
    http::Head& head = *arena.make<http::Head>(arena);
    head.method = "GET";
    head.authority = "h";
    head.path = target;
    return table_.match(head, info_, random_);
  }

  base::ChunkPool chunks_;
  base::Random random_{5};
  filter::StreamInfo info_;
  RouteTable table_;
};

TEST_F(PathSafetyTest, TheDecisionIsThatForThePathAsTheUpstreamReadsIt) {
  uint64_t refused = 0, changed = 0;
  for (uint64_t i = 0; i < paths(); ++i) {
    base::Arena arena(chunks_);
    RequestOptions options;
    options.path.merge_slashes = random_.below(2) == 0;
    options.path.escaped_slashes = static_cast<http::EscapedSlashes>(random_.below(4));
    const bool unescape = options.path.escaped_slashes == http::EscapedSlashes::kUnescapeAndForward ||
                          options.path.escaped_slashes == http::EscapedSlashes::kUnescapeAndRedirect;
    const std::string target = randomTarget(random_);
    http::Head& head = *arena.make<http::Head>(arena);
    head.method = "GET";
    head.authority = "h";
    head.path = target;
    filter::StreamInfo info;
    const Preparation prepared = prepareRequest(head, info, options, random_);
    if (prepared.refusal != http::Reason::kNone) {
      ++refused;
      continue;
    }
    if (head.path.empty()) continue;
    if (head.path != target) ++changed;
    const std::string_view path = http::pathOf(head.path);
    ASSERT_EQ(http::queryOf(head.path), http::queryOf(target)) << target;
    const std::string again = normalisedAgain(path, options.path.merge_slashes, unescape);
    ASSERT_EQ(path, again) << "what is sent for " << target << " means something else further on";
    const std::string straight = normalisedAgain(http::pathOf(target), options.path.merge_slashes, unescape);
    ASSERT_EQ(path, straight) << target;
    ASSERT_EQ(routeOf(head.path, arena), routeOf(straight, arena)) << target;
    if (options.path.escaped_slashes == http::EscapedSlashes::kReject) {
      for (const char* const slash : {"%2f", "%2F", "%5c", "%5C"}) {
        ASSERT_EQ(path.find(slash), std::string_view::npos) << target;
      }
    }
  }
  // The generator is such that each outcome is common.
  EXPECT_GT(refused, paths() / 50);
  EXPECT_GT(changed, paths() / 4);
}

// Every consumer sees one list where a header is repeated, in the order of the fields.
TEST_F(PathSafetyTest, RepeatedHeadersAreOneListForEveryMatcher) {
  base::Arena arena(chunks_);
  http::Head& head = *arena.make<http::Head>(arena);
  head.headers.add("x-role", "user");
  head.headers.add("X-Role", "admin");
  const auto matches = [&head](filter::StringMatcher::Kind kind, std::string_view text) {
    filter::HeaderMatcher matcher;
    matcher.name = "x-role";
    matcher.kind = filter::HeaderMatcher::Kind::kString;
    matcher.value.emplace(kind, text, false);
    return matcher.matches(head);
  };
  using Kind = filter::StringMatcher::Kind;
  EXPECT_FALSE(matches(Kind::kExact, "user"));
  EXPECT_FALSE(matches(Kind::kExact, "admin"));
  EXPECT_TRUE(matches(Kind::kExact, "user,admin"));
  EXPECT_TRUE(matches(Kind::kContains, "admin"));
}

TEST_F(PathSafetyTest, AnEdgeBelievesNoInternalHeader) {
  for (const bool edge : {true, false}) {
    base::Arena arena(chunks_);
    http::Head& head = *arena.make<http::Head>(arena);
    head.method = "GET";
    head.authority = "h";
    head.path = "/";
    const char* const internal[] = {
        "x-envoy-internal",    "x-envoy-original-path",          "x-envoy-retry-on",
        "x-envoy-max-retries", "x-envoy-upstream-rq-timeout-ms", "X-Envoy-Decorator-Operation"};
    for (const char* const name : internal) head.headers.add(name, "1");
    head.headers.add("x-forwarded-proto", "https");
    filter::StreamInfo info;
    info.downstream_direct_remote = *net::Address::parseIp("10.0.0.9", 1);  // private, and no more trusted for that
    RequestOptions options;
    options.use_remote_address = edge;
    // Behind another proxy, those of a client that is said to be of the own network are believed.
    if (!edge) options.internal_ranges.push_back(*net::CidrRange::parse("10.0.0.0", 8));
    prepareRequest(head, info, options, random_);
    for (const char* const name : internal) {
      EXPECT_EQ(head.headers.joined(arena.copyLower(name)).has_value(), !edge) << name;
    }
    EXPECT_EQ(head.headers.get("x-forwarded-proto"), edge ? "http" : "https");
  }
}

TEST_F(PathSafetyTest, TheClientIsAsManyHopsAwayAsAreTrusted) {
  constexpr std::string_view kPeer = "192.0.2.1";
  for (const bool use_remote : {true, false}) {
    for (uint32_t hops = 0; hops <= 5; ++hops) {
      for (size_t listed = 0; listed <= 6; ++listed) {
        base::Arena arena(chunks_);
        http::Head& head = *arena.make<http::Head>(arena);
        head.method = "GET";
        head.authority = "h";
        head.path = "/";
        std::string list;
        for (size_t i = 0; i < listed; ++i) list += (i == 0 ? "10.0.0." : ", 10.0.0.") + std::to_string(i);
        if (listed > 0) head.headers.add("x-forwarded-for", list);
        filter::StreamInfo info;
        info.downstream_direct_remote = *net::Address::parseIp(kPeer, 7);
        RequestOptions options;
        options.use_remote_address = use_remote;
        options.xff_num_trusted_hops = hops;
        prepareRequest(head, info, options, random_);
        // The place from the right, from 1; 0: the peer itself.
        const size_t place = use_remote ? hops : hops + 1;
        const bool there = place > 0 && place <= listed;
        const std::string expected = there ? "10.0.0." + std::to_string(listed - place) : std::string(kPeer);
        EXPECT_EQ(info.downstream_remote.ip(), expected)
            << use_remote << " " << hops << " hops, " << listed << " listed";
      }
    }
  }
}

}  // namespace
}  // namespace weir::proxy
