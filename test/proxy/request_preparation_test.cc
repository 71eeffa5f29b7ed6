#include "source/proxy/request_preparation.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace weir::proxy {
namespace {

class RequestPreparationTest : public testing::Test {
 protected:
  RequestPreparationTest() {
    head_.method = "GET";
    head_.scheme = "http";
    head_.authority = "h";
    head_.path = "/";
    info_.downstream_local = net::Address::parse("10.0.0.1:8080").value();
    info_.downstream_direct_remote = net::Address::parse("10.0.0.9:4000").value();
  }
  Preparation prepare() { return prepareRequest(head_, info_, options_, random_); }
  std::string header(std::string_view name) { return std::string(head_.headers.joined(name).value_or("none")); }

  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
  http::Head head_{arena_};
  filter::StreamInfo info_;
  RequestOptions options_;
  base::Random random_{1};
};

TEST_F(RequestPreparationTest, BelievesTheLastForwardedAddressWhereItIsNotTheEdge) {
  head_.headers.add("x-forwarded-for", "1.1.1.1, 2.2.2.2");
  head_.headers.add("x-forwarded-proto", "https");
  head_.headers.add("x-request-id", "theirs");
  prepare();
  EXPECT_EQ(info_.downstream_remote.ip(), "2.2.2.2");
  EXPECT_EQ(header("x-forwarded-for"), "1.1.1.1, 2.2.2.2");
  EXPECT_EQ(header("x-forwarded-proto"), "https");
  EXPECT_EQ(header("x-request-id"), "theirs");
  EXPECT_EQ(info_.request_id, "theirs");
}

TEST_F(RequestPreparationTest, BelievesOnlyTheSocketAtTheEdge) {
  options_.use_remote_address = true;
  options_.append_x_forwarded_port = true;
  head_.headers.add("x-forwarded-for", "1.1.1.1");
  head_.headers.add("x-forwarded-proto", "https");
  head_.headers.add("x-request-id", "theirs");
  head_.headers.add("x-envoy-original-path", "/x");
  head_.headers.add("x-envoy-whatever", "1");
  prepare();
  EXPECT_EQ(info_.downstream_remote.ip(), "10.0.0.9");
  EXPECT_EQ(header("x-forwarded-for"), "1.1.1.1,10.0.0.9");
  EXPECT_EQ(header("x-forwarded-proto"), "http");
  EXPECT_EQ(header("x-forwarded-port"), "8080");
  EXPECT_EQ(header("x-envoy-original-path"), "none");
  EXPECT_EQ(header("x-envoy-whatever"), "none");
  EXPECT_NE(header("x-request-id"), "theirs");
}

TEST_F(RequestPreparationTest, CountsTrustedHopsFromTheRight) {
  struct Case {
    bool use_remote;
    uint32_t hops;
    std::string_view client;
  };
  const Case cases[] = {{false, 0, "3.3.3.3"}, {false, 1, "2.2.2.2"}, {false, 2, "1.1.1.1"}, {false, 3, "10.0.0.9"},
                        {true, 0, "10.0.0.9"}, {true, 1, "3.3.3.3"},  {true, 2, "2.2.2.2"}};
  for (const Case& c : cases) {
    head_.headers.set("x-forwarded-for", "1.1.1.1,2.2.2.2, 3.3.3.3");
    options_.use_remote_address = c.use_remote;
    options_.xff_num_trusted_hops = c.hops;
    prepare();
    EXPECT_EQ(info_.downstream_remote.ip(), c.client) << c.use_remote << c.hops;
  }
}

TEST_F(RequestPreparationTest, MakesDistinctIdsOfVersionFour) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    const std::string_view id = makeRequestId(random_, arena_);
    ASSERT_EQ(id.size(), 36u);
    ASSERT_EQ(id[8], '-');
    ASSERT_EQ(id[14], '4');
    ASSERT_NE(std::string_view("89ab").find(id[19]), std::string_view::npos);
    ids.emplace(id);
  }
  EXPECT_EQ(ids.size(), 1000u);
}

TEST_F(RequestPreparationTest, StripsPorts) {
  struct Case {
    bool matching, any;
    std::string_view before, after;
  };
  const Case cases[] = {{false, false, "h:8080", "h:8080"},
                        {true, false, "h:8080", "h"},
                        {true, false, "h:80", "h:80"},
                        {false, true, "h:80", "h"},
                        {false, true, "[::1]:80", "[::1]"}};
  for (const Case& c : cases) {
    head_.authority = c.before;
    options_.strip_matching_host_port = c.matching;
    options_.strip_any_host_port = c.any;
    prepare();
    EXPECT_EQ(head_.authority, c.after);
  }
}

TEST_F(RequestPreparationTest, TakesAwayTheDotBehindAHost) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"a.example.", "a.example"},        {"a.example.:443", "a.example:443"},
      {"a.example", "a.example"},         {".", "."},
      {"a.example:443", "a.example:443"}, {"[::1]", "[::1]"},
      {"[::1]:80", "[::1]:80"},           {"a..", "a."}};
  for (const auto& [before, after] : cases) {
    head_.authority = before;
    options_.strip_trailing_host_dot = false;
    prepare();
    EXPECT_EQ(head_.authority, before);
    options_.strip_trailing_host_dot = true;
    prepare();
    EXPECT_EQ(head_.authority, after);
  }
  options_.strip_any_host_port = true;
  head_.authority = "a.example.:443";
  prepare();
  EXPECT_EQ(head_.authority, "a.example");
}

TEST_F(RequestPreparationTest, TheSchemeMayBeTheSameForAll) {
  head_.scheme = "http";
  head_.headers.set("x-forwarded-proto", "http");
  options_.scheme_always = "https";
  prepare();
  EXPECT_EQ(head_.scheme, "https");
  EXPECT_EQ(header("x-forwarded-proto"), "https");
}

TEST_F(RequestPreparationTest, RefusesARequestWithoutAHost) {
  head_.authority = "";
  EXPECT_EQ(prepare().refusal, http::Reason::kMissingHost);
}

TEST_F(RequestPreparationTest, ResolvesThePathAndAppendsVia) {
  head_.path = "/a/../b?c=../d";
  options_.via = "weir";
  head_.headers.add("via", "1.1 other");
  EXPECT_EQ(prepare().refusal, http::Reason::kNone);
  EXPECT_EQ(head_.path, "/b?c=../d");
  EXPECT_EQ(header("via"), "1.1 other, weir");
}

}  // namespace
}  // namespace weir::proxy
