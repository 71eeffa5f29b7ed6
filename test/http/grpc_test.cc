#include "source/http/grpc.h"

#include <string>

#include "gtest/gtest.h"

namespace weir::http {
namespace {

class GrpcTest : public testing::Test {
 protected:
  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
};

TEST_F(GrpcTest, TellsGrpcByItsContentType) {
  for (const char* type : {"application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8",
                           "Application/GRPC", "application/grpc ; a=b"}) {
    EXPECT_TRUE(isGrpcContentType(type)) << type;
  }
  for (const char* type : {"", "application/grp", "application/grpc-web", "application/grpc-web+proto",
                           "application/grpcx", "text/plain", " application/grpc"}) {
    EXPECT_FALSE(isGrpcContentType(type)) << type;
  }
  Head head(arena_);
  EXPECT_FALSE(isGrpc(head));
  head.headers.add("content-type", "application/grpc+json");
  EXPECT_TRUE(isGrpc(head));
}

TEST_F(GrpcTest, ReadsTimeouts) {
  struct Case {
    const char* text;
    absl::Duration duration;
  };
  for (const Case& c :
       {Case{"1H", absl::Hours(1)}, Case{"2M", absl::Minutes(2)}, Case{"3S", absl::Seconds(3)},
        Case{"4m", absl::Milliseconds(4)}, Case{"5u", absl::Microseconds(5)}, Case{"6n", absl::Nanoseconds(6)},
        Case{"0S", absl::ZeroDuration()}, Case{"00000001S", absl::Seconds(1)},
        Case{"99999999n", absl::Nanoseconds(99'999'999)}, Case{"99999999H", absl::Hours(99'999'999)}}) {
    const auto parsed = parseGrpcTimeout(c.text);
    ASSERT_TRUE(parsed) << c.text;
    EXPECT_EQ(*parsed, c.duration) << c.text;
  }
}

TEST_F(GrpcTest, RefusesTimeoutsThatAreNotWellFormed) {
  for (const char* text :
       {"", "S", "1", "1s", "1h", "1 S", " 1S", "1S ", "-1S", "+1S", "1.5S", "0x1S", "1SS", "S1", "100000000n",
        "000000001S", "9999999999S", "18446744073709551616S", "10000000000000000000H"}) {
    EXPECT_FALSE(parseGrpcTimeout(text)) << text;
  }
}

TEST_F(GrpcTest, WritesTimeoutsInTheFinestUnitOfEightDigits) {
  struct Case {
    absl::Duration duration;
    const char* text;
  };
  for (const Case& c :
       {Case{absl::Nanoseconds(1), "1n"}, Case{absl::Nanoseconds(99'999'999), "99999999n"},
        Case{absl::Nanoseconds(100'000'000), "100000u"}, Case{absl::Seconds(1), "1000000u"},
        Case{absl::Seconds(99) + absl::Nanoseconds(999'999'999), "99999999u"}, Case{absl::Seconds(100), "100000m"},
        Case{absl::Seconds(100'000), "100000S"}, Case{absl::Seconds(100'000'000), "1666666M"},
        Case{absl::Hours(99'999'999), "99999999H"}, Case{absl::Hours(100'000'000), "99999999H"},
        Case{absl::InfiniteDuration(), "99999999H"}, Case{absl::ZeroDuration(), "1n"}, Case{absl::Seconds(-5), "1n"},
        Case{-absl::InfiniteDuration(), "1n"}, Case{absl::Nanoseconds(1) / 4, "1n"}}) {
    EXPECT_EQ(formatGrpcTimeout(c.duration, arena_), c.text) << c.duration;
  }
}

TEST_F(GrpcTest, AWrittenTimeoutIsReadBackAndNeverLonger) {
  for (absl::Duration d = absl::Nanoseconds(1); d < absl::Hours(90'000'000); d = d * 3 + absl::Nanoseconds(7)) {
    const auto parsed = parseGrpcTimeout(formatGrpcTimeout(d, arena_));
    ASSERT_TRUE(parsed) << d;
    EXPECT_LE(*parsed, d);
    EXPECT_GE(*parsed, d * 0.98) << d;
  }
}

TEST_F(GrpcTest, MapsStatusesOfHttp) {
  struct Case {
    uint16_t http;
    int grpc;
  };
  for (const Case& c : {Case{200, 2}, Case{204, 2}, Case{302, 2}, Case{400, 13}, Case{401, 16}, Case{403, 7},
                        Case{404, 12}, Case{408, 2}, Case{413, 2}, Case{429, 14}, Case{431, 2}, Case{500, 2},
                        Case{501, 2}, Case{502, 14}, Case{503, 14}, Case{504, 14}}) {
    EXPECT_EQ(static_cast<int>(grpcStatusFor(c.http)), c.grpc) << c.http;
  }
}

TEST_F(GrpcTest, DeadlinesOfOurOwnAreDeadlineExceeded) {
  for (const Reason reason : {Reason::kRouteTimeout, Reason::kMaxStreamDuration, Reason::kStreamIdleTimeout,
                              Reason::kRequestTimeout, Reason::kRequestHeaderTimeout}) {
    EXPECT_EQ(grpcStatusFor(reasonInfo(reason).status, reason), GrpcStatus::kDeadlineExceeded);
  }
  // The caller may try another host: it is not its own deadline.
  EXPECT_EQ(grpcStatusFor(503, Reason::kConnectTimeout), GrpcStatus::kUnavailable);
}

TEST_F(GrpcTest, ReadsStatuses) {
  for (int i = 0; i <= 16; ++i) {
    const auto status = parseGrpcStatus(std::to_string(i));
    ASSERT_TRUE(status) << i;
    EXPECT_EQ(static_cast<int>(*status), i);
    EXPECT_EQ(grpcStatusName(*status).number, std::to_string(i));
  }
  EXPECT_EQ(parseGrpcStatus("17"), GrpcStatus::kUnknown);
  EXPECT_EQ(parseGrpcStatus("99999999999999999999"), GrpcStatus::kUnknown);
  for (const char* text : {"", "x", "-1", "1x", " 1", "1 "}) EXPECT_EQ(parseGrpcStatus(text), std::nullopt) << text;
  EXPECT_EQ(grpcStatusName(GrpcStatus::kDeadlineExceeded).camel, "DeadlineExceeded");
  EXPECT_EQ(grpcStatusName(GrpcStatus::kDeadlineExceeded).snake, "DEADLINE_EXCEEDED");

  HeaderMap trailers(arena_);
  EXPECT_EQ(grpcStatusOf(trailers), std::nullopt);
  trailers.add("grpc-status", "5");
  EXPECT_EQ(grpcStatusOf(trailers), GrpcStatus::kNotFound);
}

TEST_F(GrpcTest, EscapesMessages) {
  EXPECT_EQ(encodeGrpcMessage("", arena_), "");
  EXPECT_EQ(encodeGrpcMessage("all is well, ~ truly", arena_), "all is well, ~ truly");
  EXPECT_EQ(encodeGrpcMessage("100% \r\n\t\x7f\xc3\xa9", arena_), "100%25 %0D%0A%09%7F%C3%A9");
}

TEST_F(GrpcTest, ALocalReplyIsAHeadAlone) {
  Head head(arena_);
  head.status = 503;
  head.content_length = 7;
  head.headers.add("content-type", "text/plain");
  head.headers.add("x-kept", "1");
  makeGrpcReply(head, Reason::kNoHealthyUpstream, "no\nhost");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.content_length, std::nullopt);
  EXPECT_EQ(head.headers.joined("content-type"), "application/grpc");
  EXPECT_EQ(head.headers.get(HeaderId::kGrpcStatus), "14");
  EXPECT_EQ(head.headers.get(HeaderId::kGrpcMessage), "no%0Ahost");
  EXPECT_EQ(head.headers.get("x-kept"), "1");
}

TEST_F(GrpcTest, AMessageOfALocalReplyIsCutAtOneKibibyte) {
  for (const size_t size : {size_t{1024}, size_t{1025}, size_t{100'000}}) {
    Head head(arena_);
    head.status = 500;
    makeGrpcReply(head, Reason::kFilterFailed, std::string(size, '%'));
    EXPECT_EQ(head.headers.get(HeaderId::kGrpcMessage)->size(), 3 * 1024u);
  }
}

TEST_F(GrpcTest, ALocalReplyKeepsTheStatusThatItsMakerChose) {
  Head head(arena_);
  head.status = 429;
  head.headers.add("grpc-status", "8");
  makeGrpcReply(head, Reason::kRateLimited, "");
  EXPECT_EQ(head.headers.joined("grpc-status"), "8");
  EXPECT_FALSE(head.headers.has(HeaderId::kGrpcMessage));
}

}  // namespace
}  // namespace weir::http
