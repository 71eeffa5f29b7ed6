// Floods and other abuse, against both roles: T20 to T33 of the test table. Each ends the connection within the budget
// and says which, and memory stays flat meanwhile.
#include <chrono>
#include <functional>
#include <string>

#include "gtest/gtest.h"
#include "test/http/h2/frames.h"
#include "test/http/h2/peer.h"

namespace weir::http::h2 {
namespace {

// A peer of the given role with one stream open and answered.
class Victim {
 public:
  explicit Victim(Role role, const H2Options& options = {}) : peer_(role, options) {
    if (role == Role::kServer) {
      peer_.feed(hello() + headers(1, get(), true));
      peer_.output();
      peer_.call(0).respond(200, "x");
    } else {
      peer_.open().request("GET", "/");
      peer_.output();
      peer_.feed(settings() + headers(1, ok(), false));
    }
    peer_.output();
  }
  // Feeds next(i) until the connection ends, at most `most` times, a flush after each 100; the number fed.
  size_t flood(size_t most, const std::function<std::string(size_t)>& next) {
    for (size_t i = 0; i < most; ++i) {
      peer_.feed(next(i));
      if (i % 100 == 99) wrote_ = peer_.output();
      EXPECT_LT(peer_.blocks().inUse(), 300u);
      EXPECT_LT(peer_.memory().bytesInUse(), 4u << 20);
      if (peer_.codec().finished()) {
        wrote_ += peer_.output();
        return i + 1;
      }
    }
    return most;
  }
  Reason error() { return peer_.codec().error(); }
  std::string wrote() { return inWords(wrote_); }
  Peer& peer() { return peer_; }

 private:
  Peer peer_;
  std::string wrote_;
};

struct Row {
  const char* name;
  std::function<std::string(size_t)> next;
  size_t at_most;
  Reason reason;
};

const std::string kPriorityPayload = number(0) + '\x10';

std::vector<Row> floods() {
  return {
      {"PING", [](size_t) { return ping(); }, 110, Reason::kH2PingFlood},
      {"SETTINGS", [](size_t) { return settings(); }, 60, Reason::kH2SettingsFlood},
      {"SETTINGS with entries",
       [](size_t i) {
         return settings({{4, 65535 + static_cast<uint32_t>(i % 2)}});
       },
       60, Reason::kH2SettingsFlood},
      {"PRIORITY", [](size_t i) { return frame(kPriorityFrame, 0, 2 * (i % 1000) + 3, kPriorityPayload); }, 300,
       Reason::kH2PriorityFlood},
      {"PRIORITY_UPDATE", [](size_t) { return frame(16, 0, 0, number(1) + "u=1"); }, 300, Reason::kH2PriorityFlood},
      {"WINDOW_UPDATE", [](size_t) { return window(0, 1); }, 60, Reason::kH2WindowUpdateFlood},
      {"empty DATA", [](size_t) { return data(1, ""); }, 110, Reason::kH2EmptyFrames},
      {"unknown frames", [](size_t) { return frame(0xaa, 0, 0, ""); }, 110, Reason::kH2UnknownFrames},
      {"RST_STREAM of a closed stream", [](size_t) { return rst(1, 8); }, 510, Reason::kH2ResetFlood},
  };
}

TEST(H2Flood, EachEndsTheServersConnectionWithinItsBudget) {
  for (const Row& row : floods()) {
    Victim victim(Role::kServer);
    // DATA needs a stream that is open.
    if (std::string_view(row.name) == "empty DATA") {
      victim.peer().feed(headers(3, post(), false));
      const size_t fed = victim.flood(50'000, [](size_t) { return data(3, ""); });
      EXPECT_LE(fed, row.at_most) << row.name;
    } else {
      EXPECT_LE(victim.flood(50'000, row.next), row.at_most) << row.name;
    }
    EXPECT_EQ(victim.error(), row.reason) << row.name;
    EXPECT_NE(victim.wrote().find("ENHANCE_YOUR_CALM"), std::string::npos) << row.name << victim.wrote();
  }
}

// Within the other budgets: what counts is how much of the answers was never taken.
TEST(H2Flood, AnswersThatNobodyReadsEndTheConnection) {
  H2Options options;
  options.budgets.outbound_frames = 50;
  Peer victim(Role::kServer, options);
  victim.feed(hello());
  victim.output();
  for (int i = 0; i < 40; ++i) victim.feed(ping());
  EXPECT_EQ(victim.codec().error(), Reason::kNone);
  victim.output();
  for (int i = 0; i < 40; ++i) victim.feed(ping());
  EXPECT_EQ(victim.codec().error(), Reason::kNone) << "the first ones were taken";
  for (int i = 0; i < 20; ++i) victim.feed(ping());
  EXPECT_EQ(victim.codec().error(), Reason::kH2OutboundFlood);
}

TEST(H2Flood, EachEndsTheClientsConnectionWithinItsBudget) {
  for (const Row& row : floods()) {
    Victim victim(Role::kClient);
    EXPECT_LE(victim.flood(50'000, row.next), row.at_most) << row.name;
    EXPECT_EQ(victim.error(), row.reason) << row.name;
    EXPECT_NE(victim.wrote().find("ENHANCE_YOUR_CALM"), std::string::npos) << row.name;
    EXPECT_TRUE(victim.peer().call(0).ended()) << row.name;
    EXPECT_FALSE(victim.peer().codec().canOpen());
  }
}

TEST(H2Flood, WhatComesSlowlyOrWithTrafficIsNoFlood) {
  Victim victim(Role::kServer);
  for (int i = 0; i < 2000; ++i) {
    victim.peer().feed(ping());
    victim.peer().output();
    victim.peer().pass(absl::Milliseconds(110));
  }
  EXPECT_EQ(victim.error(), Reason::kNone);
  // One PING and one WINDOW_UPDATE for each request.
  victim.peer().on_end = [](Call& call) {
    call.respond(200, "x");
    call.release();
  };
  for (uint32_t i = 1; i < 3000; ++i) {
    victim.peer().feed(headers(2 * i + 1, get(), true) + ping() + window(0, 1));
    victim.peer().output();
  }
  EXPECT_EQ(victim.error(), Reason::kNone) << reasonInfo(victim.error()).name;
}

// T27
TEST(H2Flood, EndlessContinuationEndsAtEight) {
  for (const Role role : {Role::kServer, Role::kClient}) {
    Victim victim(role);
    const uint32_t id = role == Role::kServer ? 3 : 1;
    victim.peer().feed(frame(kHeadersFrame, 0, id, block({{"x", "y"}})));
    const size_t fed = victim.flood(100, [id](size_t) {
      return frame(kContinuationFrame, 0, id, block({{"a", "b"}}));
    });
    EXPECT_EQ(fed, 9u);
    EXPECT_EQ(victim.error(), Reason::kH2Continuations);
  }
  Victim victim(Role::kServer);
  std::string bytes = frame(kHeadersFrame, kEnds, 3, block(get()));
  for (int i = 0; i < 8; ++i) bytes += frame(kContinuationFrame, i == 7 ? kEndsHeaders : 0, 3, block({{"a", "b"}}));
  victim.peer().feed(bytes);
  EXPECT_EQ(victim.error(), Reason::kNone);
  EXPECT_EQ(victim.peer().calls().size(), 2u);
}

// T25: the client opens and resets.
TEST(H2Flood, RapidResetEndsTheConnection) {
  Victim victim(Role::kServer);
  const size_t fed = victim.flood(
      50'000, [](size_t i) { return headers(static_cast<uint32_t>(2 * i + 3), get(), true) + rst(2 * i + 3, 8); });
  EXPECT_LE(fed, 510u);
  EXPECT_EQ(victim.error(), Reason::kH2ResetFlood);
}

// T26: the client makes weir reset.
TEST(H2Flood, ProvokedResetsAreInTheSameBudget) {
  const auto id = [](size_t i) { return static_cast<uint32_t>(2 * i + 3); };
  const std::vector<std::pair<const char*, std::function<std::string(size_t)>>> ways = {
      {"a window above its limit", [&](size_t i) { return headers(id(i), post(), false) + window(id(i), 0x7fffffff); }},
      {"a bad head",
       [&](size_t i) {
         return headers(id(i), get({{"A", "b"}}), true);
       }},
      {"too many fields",
       [&](size_t i) {
         return headers(id(i), get(FieldPairs(100, {"a", "b"})), true);
       }},
      {"a wrong length",
       [&](size_t i) {
         return headers(id(i), post({{"content-length", "1"}}), false) + data(id(i), "ab");
       }},
      {"bad trailers",
       [&](size_t i) {
         return headers(id(i), post(), false) + headers(id(i), {{":a", "b"}}, true);
       }},
  };
  for (const auto& [name, next] : ways) {
    Victim victim(Role::kServer);
    victim.peer().on_end = [](Call& call) { call.release(); };
    EXPECT_LE(victim.flood(50'000, next), 610u) << name;
    EXPECT_EQ(victim.error(), Reason::kH2ResetFlood) << name;
  }
}

TEST(H2Flood, ResetsOfHalfTheStreamsAreForgiven) {
  Victim victim(Role::kServer);
  victim.peer().on_end = [](Call& call) {
    if (call.failure() == Reason::kNone) call.respond(200, "x");
    call.release();
  };
  for (uint32_t i = 1; i < 20'000; ++i) {
    victim.peer().feed(headers(2 * i + 1, i % 2 == 0 ? get() : post(), i % 2 == 0));
    if (i % 2 == 1) victim.peer().feed(rst(2 * i + 1, 8));
    victim.peer().output();
    victim.peer().calls().clear();
  }
  EXPECT_EQ(victim.error(), Reason::kNone);
}

// A window that is moved by nothing is an error of the connection.
TEST(H2Flood, AWindowOfZeroEndsTheConnection) {
  for (const Role role : {Role::kServer, Role::kClient}) {
    for (const uint32_t stream : {0u, 1u}) {
      Victim victim(role);
      if (role == Role::kServer) victim.peer().feed(headers(3, post(), false));
      victim.peer().feed(window(role == Role::kServer ? 3 * stream : stream, 0));
      EXPECT_NE(inWords(victim.peer().output()).find("PROTOCOL_ERROR"), std::string::npos);
      EXPECT_EQ(victim.error(), Reason::kH2Protocol);
    }
  }
}

// T24: twice the resets take about twice the time.
TEST(H2Flood, TenThousandResetsAreLinear) {
  const auto run = [](uint32_t streams) {
    H2Options options;
    options.budgets.resets = {1'000'000, 1'000'000};
    Victim victim(Role::kServer, options);
    const auto begin = std::chrono::steady_clock::now();
    for (uint32_t i = 1; i <= streams; ++i) {
      victim.peer().feed(headers(2 * i + 1, get(), true) + rst(2 * i + 1, 8));
      if (i % 50 == 0) victim.peer().calls().clear();
    }
    EXPECT_EQ(victim.error(), Reason::kNone);
    return std::chrono::steady_clock::now() - begin;
  };
  run(1000);
  EXPECT_LT(run(10'000), 8 * run(5'000));
}

// T21, and the memory of what nobody takes: never more than the windows.
TEST(H2Flood, DataThatNobodyTakesIsBoundedByTheWindow) {
  Victim victim(Role::kServer);
  victim.peer().pull = false;
  victim.peer().feed(headers(3, post(), false));
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += data(3, "x");
  for (int i = 0; i < 65; ++i) victim.peer().feed(bytes);
  EXPECT_EQ(victim.error(), Reason::kNone);
  EXPECT_LE(victim.peer().blocks().inUse(), 8u) << "65,000 frames of one byte";
  victim.peer().feed(bytes);
  EXPECT_EQ(inWords(victim.peer().output()), "RST 3 FLOW_CONTROL_ERROR");
  victim.peer().call(1).pull = true;
  victim.peer().pump();
  EXPECT_TRUE(victim.peer().call(1).ended());
}

// T22: a client that opens no window makes weir hold a bounded part of the answers.
TEST(H2Flood, ZeroWindowHoldsABoundedPart) {
  Peer server(Role::kServer);
  server.feed("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings({{4, 0}}));
  for (uint32_t i = 0; i < 100; ++i) server.feed(headers(2 * i + 1, get(), true));
  server.output();
  ASSERT_EQ(server.calls().size(), 100u);
  size_t accepted = 0;
  const std::string piece(4096, 'x');
  for (auto& call : server.calls()) {
    Head& head = call->newResponse(200);
    call->send(head);
    while (call->stream().room() >= piece.size()) {
      call->sendData(piece);
      accepted += piece.size();
    }
  }
  server.output();
  EXPECT_LE(accepted, (1u << 20) + 100 * 8192);
  EXPECT_GE(accepted, 1u << 20);
  // Each of them had some room.
  for (auto& call : server.calls()) call->sendEnd();
  server.calls().clear();
  EXPECT_EQ(server.codec().streams(), 0u);
  EXPECT_EQ(server.codec().unsentStreams(), 100u);
  EXPECT_FALSE(server.codec().finished());
  server.codec().dropUnsent();
  EXPECT_EQ(server.codec().unsentStreams(), 0u);
  EXPECT_NE(inWords(server.output()).find("RST 199 CANCEL"), std::string::npos);
  EXPECT_EQ(server.blocks().inUse(), 0u);
}

// T30: one field in the table, thousands of references to it, split cookies, and nobody who takes an answer.
TEST(H2Flood, AnHpackBombIsCountedByEntries) {
  Peer server(Role::kServer);
  server.feed("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings({{4, 0}}));
  const std::string cookie(3000, 'c');
  std::string first = block(get());
  first += '\x60';  // literal with incremental indexing, name 32: cookie
  first += '\x7f';
  first += static_cast<char>(0x80 | ((3000 - 127) & 0x7f));
  first += static_cast<char>((3000 - 127) >> 7);
  first += cookie;
  server.feed(frame(kHeadersFrame, kEnds | kEndsHeaders, 1, first));
  ASSERT_EQ(server.calls().size(), 1u);
  const size_t before = server.memory().bytesInUse();
  const std::string references(16384 - block(get()).size(), '\xbe');
  for (uint32_t i = 1; i < 100; ++i) {
    std::string bytes = frame(kHeadersFrame, kEnds, 2 * i + 1, block(get()) + references);
    for (int k = 0; k < 8; ++k) {
      bytes += frame(kContinuationFrame, k == 7 ? kEndsHeaders : 0, 2 * i + 1, std::string(16384, '\xbe'));
    }
    server.feed(bytes);
    EXPECT_LT(server.memory().bytesInUse(), before + (1u << 20));
    EXPECT_LT(server.blocks().inUse(), 40u);
  }
  EXPECT_EQ(server.calls().size(), 1u);
  EXPECT_EQ(server.refused().size(), 99u);
  for (const Reason reason : server.refused()) {
    EXPECT_TRUE(reason == Reason::kHeadersTooLarge || reason == Reason::kTooManyHeaders);
  }
}

// T20, data that is never read: acknowledgements and resets wait in vain.
TEST(H2Flood, APeerThatDoesNotReadIsNotAnsweredForEver) {
  H2Options options;
  options.budgets.ping = {1'000'000, 1000};
  options.budgets.settings = {1'000'000, 1000};
  for (const bool pings : {true, false}) {
    Peer server(Role::kServer, options);
    server.feed(hello());
    size_t fed = 0;
    while (fed < 5000 && !server.codec().finished()) {
      server.feed(pings ? ping() : settings());
      ++fed;
    }
    EXPECT_LE(fed, 1100u);
    EXPECT_TRUE(server.codec().finished());
  }
}

}  // namespace
}  // namespace weir::http::h2
