// Redirects that weir follows itself: which ones, as what request, and through routes and filters anew.
#include "source/proxy/internal_redirect.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/proxy/proxy_world.h"

namespace weir::proxy {
namespace {

using upstream::kOk;

bool startsWith(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }
bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// An origin that redirects to `location` as often as it is told, and then answers.
class RedirectWorld {
 public:
  RedirectWorld(int status, std::string location, int times = 1,
                const std::function<void(InternalRedirectPolicy&)>& change = {})
      : world([&](ProxyWorld::Setup& setup) {
          auto policy = std::make_shared<UpstreamPolicy>();
          policy->redirects.emplace();
          policy->redirects->statuses = {302, 303, 307};
          if (change) change(*policy->redirects);
          std::get<ForwardAction>(setup.route->action).policy = policy;
          setup.route->name = "first";
          Route& inner = ProxyWorld::addRoute(*setup.host, "/inner");
          inner.name = "inner";
          auto& action = inner.action.emplace<ForwardAction>();
          action.cluster = "c";
          action.policy = policy;
          ProxyWorld::addRoute(*setup.host, "/made").action = DirectAction{200, "made here"};
        }) {
    world.origin.on_accept = [=, this](upstream::OriginPeer& peer) {
      peer.on_input = [=, this](upstream::OriginPeer& from) {
        seen.push_back(std::exchange(from.received, ""));
        if (static_cast<int>(seen.size()) > times) return from.write(kOk);
        from.write("HTTP/1.1 " + std::to_string(status) + " Go\r\nlocation: " + location +
                   "\r\nx-note: n\r\ncontent-length: 2\r\n\r\ngo");
      };
    };
  }
  std::string ask(std::string_view request = kGet) { return world.ask(world.client(), request); }

  std::vector<std::string> seen;
  ProxyWorld world;
};

constexpr std::string_view kPost = "POST /a HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhello";

TEST(InternalRedirectTest, FollowsWithTheBodyAndTellsWhereItCameFrom) {
  RedirectWorld redirect(307, "http://other/inner?q=1#part", 1,
                         [](InternalRedirectPolicy& policy) { policy.copied_headers = {"x-note"}; });
  EXPECT_TRUE(startsWith(redirect.ask(kPost), "HTTP/1.1 200 "));
  ASSERT_EQ(redirect.seen.size(), 2u);
  const std::string& second = redirect.seen[1];
  EXPECT_TRUE(startsWith(second, "POST /inner?q=1 HTTP/1.1\r\nhost: other\r\n")) << second;
  EXPECT_TRUE(contains(second, "x-envoy-original-url: http://h/a\r\n")) << second;
  EXPECT_TRUE(contains(second, "x-note: n\r\n")) << second;
  EXPECT_TRUE(contains(second, "\r\n\r\nhello")) << second;
  EXPECT_EQ(redirect.world.origin.peers.size(), 1u);  // the connection was used again
  EXPECT_EQ(redirect.world.log.size(), 1u);
  EXPECT_EQ(redirect.world.counter("cluster.c.upstream_internal_redirect_succeeded_total"), 1u);
}

TEST(InternalRedirectTest, SeeOtherIsGotWithoutTheBody) {
  RedirectWorld redirect(303, "/inner");
  EXPECT_TRUE(startsWith(redirect.ask(kPost), "HTTP/1.1 200 "));
  ASSERT_EQ(redirect.seen.size(), 2u);
  EXPECT_TRUE(startsWith(redirect.seen[1], "GET /inner HTTP/1.1\r\nhost: h\r\n")) << redirect.seen[1];
  EXPECT_FALSE(contains(redirect.seen[1], "content-length")) << redirect.seen[1];
}

TEST(InternalRedirectTest, TakesTheRouteOfTheNewPath) {
  RedirectWorld redirect(302, "/made/it");
  EXPECT_TRUE(contains(redirect.ask(), "\r\n\r\nmade here"));
  EXPECT_EQ(redirect.seen.size(), 1u);
}

TEST(InternalRedirectTest, GivesTheClientWhatMayNotBeFollowed) {
  struct Case {
    const char* location;
    int status;
    std::function<void(InternalRedirectPolicy&)> change;
    size_t seen;
  };
  const Case cases[] = {
      {"/inner", 302, {}, 2},           // one is followed, the second is not
      {"/inner", 301, {}, 1},           // not listed
      {"https://h/inner", 302, {}, 1},  // another scheme
      {"https://h/inner", 302, [](auto& policy) { policy.cross_scheme = true; }, 2},
      {"https://h/inner", 302, [](auto& policy) { policy.cross_scheme = policy.safe_cross_scheme = true; }, 1},
      {"//h/inner", 302, {}, 1},
      {"ftp://h/inner", 302, {}, 1},
      {"http://u@h/inner", 302, {}, 1},
      {"/../inner", 302, [](auto& policy) { policy.most = 0; }, 1},
      {"/again", 302, [](auto& policy) { policy.not_previous_routes = true; }, 1},
      {"/inner", 302, [](auto& policy) { policy.allowed_routes = std::vector<std::string>{"first"}; }, 1},
      {"/inner", 302, [](auto& policy) { policy.allowed_routes = std::vector<std::string>{"inner"}; }, 2},
      {"/inner", 302, [](auto& policy) { policy.most = 5; }, 6},
  };
  for (const Case& c : cases) {
    RedirectWorld redirect(c.status, c.location, 100, c.change);
    const std::string answer = redirect.ask();
    EXPECT_TRUE(startsWith(answer, "HTTP/1.1 30")) << answer;
    EXPECT_TRUE(contains(answer, "\r\n\r\ngo")) << answer;
    EXPECT_EQ(redirect.seen.size(), c.seen) << c.location << " " << c.status;
  }
}

}  // namespace
}  // namespace weir::proxy
