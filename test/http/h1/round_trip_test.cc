// What one codec writes, another reads as it was meant: random messages over a wire that cuts them anywhere.
#include <algorithm>
#include <string>

#include "gtest/gtest.h"
#include "source/base/random.h"
#include "test/http/h1/peer.h"

namespace weir::http::h1 {
namespace {

class H1RoundTrip : public testing::Test {
 protected:
  std::string randomText(std::string_view alphabet, size_t max) {
    std::string text(random_.below(max + 1), '\0');
    for (char& c : text) c = alphabet[random_.below(alphabet.size())];
    return text;
  }

  // Fields, whose text is also appended to `log` as a Peer writes it down.
  void addFields(HeaderMap& fields, std::string& log) {
    for (uint64_t n = random_.below(5); n > 0; --n) {
      const std::string name = "x-" + randomText("abcXYZ-_09", 20);
      std::string value = randomText("ab \t,;=\"\x80\xff", 30);
      value = "v" + value + "v";
      fields.add(name, value);
      std::string lower = name;
      std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
      log += " " + lower + "=" + value;
    }
  }

  // Sends a body as pieces and End; returns what the other side is to write down.
  std::string sendBody(Peer& from, std::string_view body, bool chunked) {
    for (std::string_view rest = body; !rest.empty();) {
      const size_t piece = 1 + random_.below(rest.size());
      from.sendData(rest.substr(0, piece));
      rest.remove_prefix(piece);
    }
    std::string log = body.empty() ? "" : "data(" + std::string(body) + ")\n";
    log += "end";
    HeaderMap* trailers = nullptr;
    if (chunked && !body.empty() && random_.below(2) == 0) {
      trailers = &from.newHead().headers;
      addFields(*trailers, log);
    }
    from.sendEnd(trailers);
    return log + "\n";
  }

  void carry(Peer& from, Peer& to) {
    const std::string bytes = from.output();
    for (std::string_view rest = bytes; !rest.empty();) {
      const size_t piece = 1 + random_.below(random_.below(3) == 0 ? rest.size() : std::min<size_t>(rest.size(), 20));
      to.feed(rest.substr(0, piece));
      rest.remove_prefix(piece);
    }
  }

  std::string sendRequest(Peer& client, std::string_view method) {
    const std::string path = "/" + randomText("ab/.?%20&=;~{}", 40);
    Head& head = client.newRequest(method, path, "host.example:8080");
    const std::string body = method == "POST" ? randomText("0123456789\r\n", 3000) : "";
    const bool chunked = random_.below(2) == 0;
    std::string log = std::string(method) + " http://host.example:8080" + path + " HTTP/1.1";
    if (!chunked) head.content_length = body.size();
    if (!chunked || (method == "POST" && body.empty())) log += " length:" + std::to_string(body.size());
    addFields(head.headers, log);
    client.send(head);
    return log + "\n" + sendBody(client, body, chunked);
  }

  std::string sendResponse(Peer& server, bool to_head) {
    const uint16_t status = static_cast<uint16_t>(200 + random_.below(100));
    Head& head = server.newResponse(status);
    const bool no_body = to_head || status == 204;
    const std::string body = no_body ? "" : randomText("0123456789\r\n", 3000);
    const bool chunked = random_.below(2) == 0;
    std::string log = std::to_string(status) + " HTTP/1.1";
    if (!chunked) head.content_length = body.size();
    if (!no_body ? !chunked || body.empty() : status != 204 && !chunked)
      log += " length:" + std::to_string(body.size());
    addFields(head.headers, log);
    server.send(head);
    return log + "\n" + sendBody(server, body, chunked);
  }

  base::Random random_{42};
};

TEST_F(H1RoundTrip, RandomMessagesComeThroughAsTheyWereSent) {
  const H1Options options{.enable_trailers = true};
  Peer client(Role::kClient, options);
  Peer server(Role::kServer, options);
  constexpr std::string_view kMethods[] = {"GET", "HEAD", "POST", "POST", "DELETE"};
  for (int round = 0; round < 3000; ++round) {
    ASSERT_TRUE(client.codec().canOpen()) << round;
    client.openStream();
    const std::string_view method = kMethods[random_.below(std::size(kMethods))];
    const std::string request = sendRequest(client, method);
    carry(client, server);
    ASSERT_EQ(server.takeLog(), request) << round;
    const std::string response = sendResponse(server, method == "HEAD");
    carry(server, client);
    ASSERT_EQ(client.takeLog(), response) << round;
    server.releaseStream();
    client.releaseStream();
  }
  EXPECT_TRUE(client.codec().reusable());
  EXPECT_FALSE(server.codec().finished());
}

}  // namespace
}  // namespace weir::http::h1
