#include "source/http/grpc_framing.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace weir::http {
namespace {

std::string message(size_t size) {
  std::string out(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift & 0xff);
  return out + std::string(size, 'x');
}

// Where messages end, when the body comes in pieces of that size.
std::vector<size_t> ends(const std::string& body, size_t piece, GrpcFraming& framing) {
  std::vector<size_t> found;
  for (size_t at = 0; at < body.size();) {
    const size_t taken = framing.take(std::string_view(body).substr(at, piece));
    EXPECT_GT(taken, 0u);
    at += taken;
    if (framing.atBoundary()) found.push_back(at);
  }
  return found;
}

TEST(GrpcFramingTest, FindsTheEndsOfMessagesHoweverTheyAreCut) {
  const std::string body = message(3) + message(0) + message(300) + message(70'000);
  for (const size_t piece : {size_t{1}, size_t{2}, size_t{3}, size_t{4}, size_t{5}, size_t{6}, size_t{7}, size_t{8},
                             size_t{1000}, body.size()}) {
    GrpcFraming framing;
    EXPECT_EQ(ends(body, piece, framing), (std::vector<size_t>{8, 13, 318, 70'323})) << piece;
    EXPECT_EQ(framing.messages(), 4u);
  }
}

TEST(GrpcFramingTest, AMessageCountsOnceItsLengthIsThere) {
  GrpcFraming framing;
  EXPECT_TRUE(framing.atBoundary());
  EXPECT_EQ(framing.take(""), 0u);
  EXPECT_EQ(framing.take(std::string_view("\1\xff\xff\xff", 4)), 4u);
  EXPECT_EQ(framing.messages(), 0u);
  EXPECT_EQ(framing.take("\xff"), 1u);
  EXPECT_EQ(framing.messages(), 1u);
  EXPECT_EQ(framing.take("abc"), 3u);
  EXPECT_FALSE(framing.atBoundary());
}

}  // namespace
}  // namespace weir::http
