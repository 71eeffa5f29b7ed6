// Generated messages through every combination of protocols. A message is a head, a body that comes in pieces, and
// trailers; what the origin receives and what the client receives must be the same whichever protocol is on which side,
// however the bytes are split on their way.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/random.h"
#include "test/proxy/h2_ends.h"

namespace weir::proxy {
namespace {

using http::h2::Call;

struct Fields {
  std::vector<std::pair<std::string, std::string>> list;
  std::string h1() const {
    std::string text;
    for (const auto& [name, value] : list) text += name + ": " + value + "\r\n";
    return text;
  }
};

struct Message {
  Fields fields;
  std::vector<std::string> body;
  Fields trailers;
  bool sized = false;

  std::string whole() const {
    std::string all;
    for (const std::string& piece : body) all += piece;
    return all;
  }
  // As HTTP/1 writes it behind the start line. What has neither a length nor trailers is chunked all the same.
  std::string h1() const {
    std::string text = fields.h1();
    if (sized) return text + "content-length: " + std::to_string(whole().size()) + "\r\n\r\n" + whole();
    text += "transfer-encoding: chunked\r\n\r\n";
    for (const std::string& piece : body) {
      char size[16];
      snprintf(size, sizeof(size), "%zx\r\n", piece.size());
      if (!piece.empty()) text += size + piece + "\r\n";
    }
    return text + "0\r\n" + trailers.h1() + "\r\n";
  }
};

struct Exchanged {
  std::string method;
  Message request;
  uint16_t status = 200;
  Message response;
};

Fields someFields(base::Random& random, std::string_view prefix, size_t most) {
  Fields fields;
  const size_t count = random.below(most + 1);
  for (size_t i = 0; i < count; ++i) {
    std::string value;
    const size_t size = random.below(40);
    for (size_t j = 0; j < size; ++j) value += static_cast<char>('a' + random.below(26));
    fields.list.emplace_back("x-" + std::string(prefix) + std::to_string(random.below(4)), value);
  }
  return fields;
}

Message someMessage(base::Random& random, bool body) {
  Message message;
  message.fields = someFields(random, "m", 6);
  message.sized = random.below(2) == 0;
  if (body) {
    const size_t pieces = random.below(4);
    for (size_t i = 0; i < pieces; ++i) {
      message.body.emplace_back(random.below(random.below(8) == 0 ? 100'000 : 2'000), 'A' + random.below(26));
    }
  }
  if (!message.sized) message.trailers = someFields(random, "t", 2);
  return message;
}

Exchanged someExchange(base::Random& random) {
  Exchanged exchanged;
  const bool get = random.below(2) == 0;
  exchanged.method = get ? "GET" : "POST";
  exchanged.request = someMessage(random, !get);
  if (get) {
    exchanged.request.sized = true;
    exchanged.request.trailers = {};
  }
  exchanged.status = random.below(3) == 0 ? 404 : 200;
  exchanged.response = someMessage(random, true);
  return exchanged;
}

void sendOver(Call& call, http::Head& head, const Message& message) {
  for (const auto& [name, value] : message.fields.list) head.headers.add(name, value);
  if (message.sized) head.content_length = message.whole().size();
  call.send(head);
  for (const std::string& piece : message.body) {
    if (!piece.empty()) call.sendData(piece);
  }
  if (message.trailers.list.empty()) return call.sendEnd();
  http::HeaderMap& trailers = call.newFields();
  for (const auto& [name, value] : message.trailers.list) trailers.add(name, value);
  call.sendEnd(&trailers);
}

// What the other side must have received: the fields that tests add, the body, the trailers.
std::string expected(std::string_view start, const Message& message) {
  std::string text(start);
  for (const auto& [name, value] : message.fields.list) text += " " + name + "=" + value;
  text += "|" + message.whole() + "|";
  for (const auto& [name, value] : message.trailers.list) text += " " + name + "=" + value;
  return text;
}

// The same from what a codec in the role of that side has logged.
std::string normalised(const Call& call) {
  std::string log = call.log();
  const size_t head_end = log.find('\n');
  std::string text;
  std::string head = log.substr(0, head_end);
  const bool request = head.substr(0, 1) == "G" || head.substr(0, 1) == "P";
  text = request ? head.substr(0, head.find(' ')) : head.substr(0, 3);
  for (size_t at = head.find(" x-m"); at != std::string::npos; at = head.find(" x-m", at + 1)) {
    text += head.substr(at, head.find(' ', at + 1) - at);
  }
  std::string rest = log.substr(head_end + 1);
  std::string body;
  if (rest.substr(0, 5) == "data(") {
    const size_t end = rest.rfind(")\nend");
    body = end == std::string::npos ? "broken" : rest.substr(5, end - 5);
    rest = end == std::string::npos ? "" : rest.substr(end + 2);
  }
  text += "|" + body + "|";
  if (rest.substr(0, 3) != "end") return text + "no end: " + rest;
  if (rest.size() > 4) text += rest.substr(3, rest.size() - 4);
  return text;
}

// The client's side and the origin's side of one combination, each in one of two protocols. HTTP/1 is read by weir's
// own codec for it only in the proxy: here its text is compared.
struct World {
  World(bool h2_down, bool h2_up, uint64_t seed)
      : world([](ProxyWorld::Setup& setup) { setup.config->h1.enable_trailers = true; },
              [&](upstream::ClusterConfig& config) {
                config.h1.enable_trailers = true;
                if (h2_up) config.protocol = upstream::Protocol::kHttp2;
              }),
        random(seed),
        down(h2_down),
        up(h2_up) {}
  ProxyWorld world;
  base::Random random;
  const bool down;
  const bool up;
};

// Takes an HTTP/1 message apart, as far as weir writes it. Empty while it is not whole.
std::string normalisedText(std::string_view text, std::string_view start) {
  const size_t head_end = text.find("\r\n\r\n");
  if (head_end == std::string_view::npos) return "";
  const std::string head(text.substr(0, head_end + 2));
  std::string out(start);
  const auto addFields = [&out](std::string_view lines, std::string_view prefix) {
    for (size_t at = 0; at < lines.size();) {
      const size_t end = lines.find("\r\n", at);
      const std::string_view line = lines.substr(at, end - at);
      if (line.substr(0, prefix.size()) == prefix) {
        const size_t colon = line.find(": ");
        out += " " + std::string(line.substr(0, colon)) + "=" + std::string(line.substr(colon + 2));
      }
      at = end + 2;
    }
  };
  addFields(head, "x-m");
  std::string_view rest = text.substr(head_end + 4);
  out += "|";
  const size_t length = head.find("\r\ncontent-length: ");
  if (length != std::string::npos) {
    const size_t size = std::stoul(head.substr(length + 18));
    return rest.size() < size ? "" : out + std::string(rest.substr(0, size)) + "|";
  }
  if (head.find("transfer-encoding: chunked") == std::string::npos) return out + "|";
  while (true) {
    const size_t line = rest.find("\r\n");
    if (line == std::string_view::npos) return "";
    const size_t size = std::stoul(std::string(rest.substr(0, line)), nullptr, 16);
    rest.remove_prefix(line + 2);
    if (size == 0) break;
    if (rest.size() < size + 2) return "";
    out += rest.substr(0, size);
    rest.remove_prefix(size + 2);
  }
  out += "|";
  const size_t end = rest.substr(0, 2) == "\r\n" ? 0 : rest.find("\r\n\r\n");
  if (end == std::string_view::npos) return "";
  if (end > 0) addFields(rest.substr(0, end + 2), "x-t");
  return out;
}

// Writes in pieces of random size, letting the world run between them.
void writeSplit(World& w, const std::function<void(std::string_view)>& write, std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t size = std::min<size_t>(bytes.size(), 1 + w.random.below(w.random.below(2) == 0 ? 20 : 20'000));
    write(bytes.substr(0, size));
    bytes.remove_prefix(size);
    if (w.random.below(4) == 0) w.world.settle();
  }
}

// The response to the last request of that connection.
void answerText(World& w, upstream::OriginPeer& peer, const Exchanged& e) {
  const std::string bytes = "HTTP/1.1 " + std::to_string(e.status) + " OK\r\n" + e.response.h1();
  writeSplit(
      w, [&](std::string_view piece) { peer.write(piece); }, bytes);
}

void roundTrip(bool h2_down, bool h2_up, uint64_t seed) {
  World w(h2_down, h2_up, seed);
  std::vector<Exchanged> all;
  for (int i = 0; i < 12; ++i) all.push_back(someExchange(w.random));
  H2Client h2_client(w.world);
  size_t at = 0;
  std::string seen;  // by the origin
  H2Server h2_server(w.world, [&](Call& call) {
    seen = normalised(call);
    sendOver(call, call.newResponse(all[at].status), all[at].response);
  });
  RawClient& raw = w.world.client();
  const auto settleAll = [&] { h2_up ? settle(h2_client, h2_server) : h2_client.settle(); };
  for (; at < all.size(); ++at) {
    const Exchanged& e = all[at];
    const std::string label = std::to_string(seed) + (h2_down ? " h2" : " h1") + (h2_up ? "->h2 " : "->h1 ");
    seen.clear();
    for (const auto& peer : w.world.origin.peers) {
      if (!h2_up) peer->received.clear();
    }
    raw.received.clear();
    Call* call = nullptr;
    if (h2_down) {
      call = &h2_client.open();
      sendOver(*call, call->newRequest(e.method, "/r"), e.request);
    } else {
      const std::string bytes = e.method + " /r HTTP/1.1\r\nhost: h\r\n" + e.request.h1();
      writeSplit(
          w, [&](std::string_view piece) { raw.write(piece); }, bytes);
    }
    settleAll();
    if (!h2_up) {
      upstream::OriginPeer* busy = nullptr;
      for (const auto& peer : w.world.origin.peers) {
        if (!peer->received.empty()) busy = peer.get();
      }
      ASSERT_NE(busy, nullptr) << label;
      seen = normalisedText(busy->received, e.method);
      answerText(w, *busy, e);
    }
    settleAll();
    EXPECT_EQ(seen, expected(e.method, e.request)) << label;
    const std::string status = std::to_string(e.status);
    EXPECT_EQ(h2_down ? normalised(*call) : normalisedText(raw.received, status), expected(status, e.response))
        << label;
  }
  EXPECT_EQ(w.world.upstream.worker().blocks.inUse(), 0u);
  EXPECT_EQ(w.world.log.size(), all.size());
}

TEST(RoundTrip, MessagesAreTheSameWhateverIsSpokenOnEitherSide) {
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    for (const bool h2_down : {false, true}) {
      for (const bool h2_up : {false, true}) {
        roundTrip(h2_down, h2_up, seed);
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace weir::proxy
