#include "source/extensions/listener_filters/tls_inspector/client_hello.h"

#include <string>

#include "gtest/gtest.h"

namespace weir::extensions::tls_inspector {
namespace {

using State = ClientHello::State;

std::string number(size_t value, size_t bytes) {
  std::string out;
  for (size_t i = bytes; i > 0; --i) out += static_cast<char>(value >> (8 * (i - 1)));
  return out;
}
std::string sized(const std::string& body, size_t bytes) { return number(body.size(), bytes) + body; }
std::string extension(size_t type, const std::string& data) { return number(type, 2) + sized(data, 2); }
std::string serverName(const std::string& name) {
  return extension(0, sized(std::string(1, '\0') + sized(name, 2), 2));
}
std::string alpn(const std::string& a, const std::string& b) {
  return extension(16, sized(sized(a, 1) + sized(b, 1), 2));
}

std::string message(const std::string& extensions) {
  const std::string hello = "\3\3" + std::string(32, 'r') + sized("", 1) + sized("\x13\x01", 2) +
                            sized(std::string(1, '\0'), 1) + sized(extensions, 2);
  return "\1" + sized(hello, 3);
}

// In records of `record` bytes each.
std::string records(const std::string& message, size_t record) {
  std::string out;
  for (size_t at = 0; at < message.size(); at += record) {
    out += std::string("\x16\x03\x01", 3) + sized(message.substr(at, record), 2);
  }
  return out;
}

TEST(ClientHelloTest, FindsTheNameAndTheProtocolsHoweverItIsCut) {
  const std::string whole = message(extension(10, "ab") + serverName("A.Example") + alpn("h2", "http/1.1"));
  for (const size_t record : {size_t{1}, size_t{3}, size_t{4}, size_t{50}, whole.size()}) {
    const std::string bytes = records(whole, record);
    for (size_t end = 0; end < bytes.size(); ++end) {
      EXPECT_EQ(parseClientHello(bytes.substr(0, end)).state, State::kMore) << record << " " << end;
    }
    const ClientHello hello = parseClientHello(bytes + "more");
    EXPECT_EQ(hello.state, State::kComplete);
    EXPECT_EQ(hello.server_name, "a.example");
    EXPECT_EQ(hello.alpn, (std::vector<std::string>{"h2", "http/1.1"}));
  }
}

TEST(ClientHelloTest, TakesDownWhatFingerprintsAreMadeOf) {
  const ClientHello hello = parseClientHello(
      records(message(extension(10, std::string("\0\4\0\x1d\x0a\x0a", 6)) + extension(11, std::string("\1\0", 2)) +
                      extension(13, std::string("\0\2\4\3", 4)) + extension(43, "\2\3\4") + extension(13172, "")),
              100));
  EXPECT_EQ(hello.version, 0x0303);
  EXPECT_EQ(hello.suites, std::vector<uint16_t>{0x1301});
  EXPECT_EQ(hello.extensions, (std::vector<uint16_t>{10, 11, 13, 43, 13172}));
  EXPECT_EQ(hello.groups, (std::vector<uint16_t>{0x1d, 0x0a0a}));
  EXPECT_EQ(hello.point_formats, std::vector<uint16_t>{0});
  EXPECT_EQ(hello.signature_algorithms, std::vector<uint16_t>{0x0403});
  EXPECT_EQ(hello.versions, std::vector<uint16_t>{0x0304});
}

TEST(ClientHelloTest, MayBeLargerThanARecordButNotWithoutEnd) {
  const std::string large = message(extension(21, std::string(40'000, 'x')) + serverName("b.example"));
  EXPECT_EQ(parseClientHello(records(large, 16'384)).server_name, "b.example");
  const std::string endless = message(extension(21, std::string(60'000, 'x')) + extension(22, std::string(5'500, 'x')));
  EXPECT_EQ(parseClientHello(records(endless, 16'384).substr(0, 100)).state, State::kTooLarge);
}

TEST(ClientHelloTest, WhatIsNoneIsToldFromTheFirstBytes) {
  const std::string good = records(message(serverName("a")), 1000);
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\n"), std::string("\x16\x02\x01", 3), std::string("\x16\x03\x01\0\0", 5),
        std::string("\x16\x03\x01\x40\x01", 5), std::string("\x16\x03\x01\0\1\2", 6),
        std::string("\x15\x03\x01\0\2\1\0", 7), records(message(serverName("a b")), 1000),
        records(message(serverName("")), 1000), records(message(serverName(std::string("a\0b", 3))), 1000),
        records(message(std::string("\0\0\0", 3)), 1000),
        records(message(extension(0, std::string("\0\5\0\0\1a", 6))), 1000),
        records(message(extension(16, std::string("\0\3\5h2", 5))), 1000)}) {
    EXPECT_EQ(parseClientHello(bytes).state, State::kNone) << bytes;
  }
  EXPECT_EQ(parseClientHello(good).state, State::kComplete);
  EXPECT_EQ(parseClientHello("").state, State::kMore);
}

TEST(ClientHelloTest, NoCutOrFlipOfAByteReadsBeyondTheEnd) {
  const std::string good = records(message(serverName("a.example") + alpn("h2", "x")), 40);
  for (size_t i = 0; i < good.size(); ++i) {
    for (const int flip : {1, 0x80, 0xff}) {
      std::string bytes = good;
      bytes[i] = static_cast<char>(bytes[i] ^ flip);
      const std::string exact(bytes.data(), bytes.size());
      EXPECT_LE(parseClientHello(exact).server_name.size(), good.size());
    }
  }
}

}  // namespace
}  // namespace weir::extensions::tls_inspector
