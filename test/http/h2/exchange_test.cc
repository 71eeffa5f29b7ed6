// Both roles of the codec against each other.
#include <string>

#include "gtest/gtest.h"
#include "test/http/h2/frames.h"
#include "test/http/h2/peer.h"

namespace weir::http::h2 {
namespace {

class H2Exchange : public testing::Test {
 protected:
  void answer(uint16_t status, std::string body) {
    server_.on_end = [status, body](Call& call) {
      call.respond(status, body);
      call.release();
    };
  }

  Peer client_{Role::kClient};
  Peer server_{Role::kServer};
};

TEST_F(H2Exchange, AGetAndItsAnswer) {
  answer(200, "hello");
  client_.open().request("GET", "/a?b");
  const auto [up, down] = settle(client_, server_);
  EXPECT_EQ(server_.call(0).log(), "GET http://h/a?b\nend\n");
  EXPECT_EQ(client_.call(0).log(), "200 length:5\ndata(hello)\nend\n");
  EXPECT_EQ(inWords(up), "HEADERS 1 end");
  EXPECT_EQ(inWords(down), "HEADERS 1, DATA 1 (5) end");
  client_.call(0).release();
  EXPECT_TRUE(client_.codec().reusable());
  EXPECT_EQ(server_.codec().streams(), 0u);
  EXPECT_EQ(server_.codec().unsentStreams(), 0u);
}

TEST_F(H2Exchange, ABodyBothWays) {
  const std::string big(300'000, 'x');
  answer(200, "y");
  Call& call = client_.open();
  Head& head = call.newRequest("POST", "/");
  call.send(head);
  size_t sent = 0;
  for (int i = 0; i < 1000 && sent < big.size(); ++i) {
    const size_t n = std::min(call.stream().room(), big.size() - sent);
    if (n > 0) call.sendData(std::string_view(big).substr(sent, n));
    sent += n;
    if (sent == big.size()) call.sendEnd();
    settle(client_, server_);
  }
  EXPECT_EQ(server_.call(0).log(), "POST http://h/\ndata(" + big + ")\nend\n");
  EXPECT_EQ(call.log(), "200 length:1\ndata(y)\nend\n");
}

}  // namespace
}  // namespace weir::http::h2
