#include "source/extensions/listener_filters/proxy_protocol/proxy_header.h"

#include <string>

#include "gtest/gtest.h"

namespace weir::extensions::proxy_protocol {
namespace {

using State = ProxyHeader::State;

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string binary(char command, char family, const std::string& body) {
  return kSignature + command + family + static_cast<char>(body.size() >> 8) + static_cast<char>(body.size()) + body;
}

struct Case {
  std::string bytes;
  std::string source;
  std::string destination;
};

const Case kGood[] = {
    {"PROXY TCP4 192.0.2.1 192.0.2.2 65535 0\r\n", "192.0.2.1:65535", "192.0.2.2:0"},
    {"PROXY TCP6 2001:db8::1 ::1 1 443\r\n", "[2001:db8::1]:1", "[::1]:443"},
    {"PROXY UNKNOWN\r\n", "-", "-"},
    {"PROXY UNKNOWN ff:: ff:: 1 2\r\n", "-", "-"},
    {binary(0x21, 0x11, std::string("\x0a\1\2\3\x0a\1\2\4\0\x50\1\xbb\4\0\0", 15)), "10.1.2.3:80", "10.1.2.4:443"},
    {binary(0x21, 0x21, std::string(15, '\0') + "\1" + std::string(15, '\0') + "\2" + std::string("\0\1\0\2", 4)),
     "[::1]:1", "[::2]:2"},
    {binary(0x20, 0x11, "anything"), "-", "-"},
    {binary(0x21, 0x00, ""), "-", "-"},
    {binary(0x21, 0x31, std::string(216, '\0')), "-", "-"},
};

TEST(ProxyHeaderTest, ReadsBothVersionsHoweverTheyAreCut) {
  for (const Case& one : kGood) {
    for (size_t end = 0; end < one.bytes.size(); ++end) {
      EXPECT_EQ(parseProxyHeader(one.bytes.substr(0, end)).state, State::kMore) << one.bytes << " " << end;
    }
    const ProxyHeader header = parseProxyHeader(one.bytes + "GET /");
    ASSERT_EQ(header.state, State::kComplete) << one.bytes;
    EXPECT_EQ(header.bytes, one.bytes.size());
    EXPECT_EQ(header.source.text(), one.source);
    EXPECT_EQ(header.destination.text(), one.destination);
    EXPECT_EQ(header.version, one.bytes[0] == 'P' ? 1 : 2);
  }
}

TEST(ProxyHeaderTest, WhatStandsBehindTheAddressesIsFound) {
  const std::string tlv("\xe0\0\1x", 4);
  const auto found = [&](char command, char family, size_t addresses) {
    const std::string bytes = binary(command, family, std::string(addresses, '\1') + tlv) + "GET /";
    return std::string(parseProxyHeader(bytes).tlvs);
  };
  EXPECT_EQ(found(0x21, 0x11, 12), tlv);
  EXPECT_EQ(found(0x21, 0x21, 36), tlv);
  EXPECT_EQ(found(0x21, 0x31, 216), tlv);
  EXPECT_EQ(found(0x21, 0x00, 0), tlv);
  EXPECT_EQ(found(0x20, 0x11, 12), "");  // the balancer's own
  const std::string short_unix = binary(0x21, 0x31, std::string(100, '\1'));
  EXPECT_EQ(parseProxyHeader(short_unix).tlvs, "");
}

TEST(ProxyHeaderTest, RefusesWhatBeginsAsOneAndIsNone) {
  for (const std::string& bytes :
       {std::string("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"), std::string("PROXY TCP4 1.2.3.4 ::1 1 2\r\n"),
        std::string("PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n"), std::string("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n"),
        std::string("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n"), std::string("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n"),
        std::string("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n"), "PROXY UNKNOWN " + std::string(100, 'x'),
        binary(0x11, 0x11, std::string(12, '\0')), binary(0x22, 0x11, std::string(12, '\0')),
        binary(0x21, 0x41, std::string(12, '\0')), binary(0x21, 0x13, std::string(12, '\0')),
        binary(0x21, 0x11, std::string(11, '\0')), binary(0x21, 0x21, std::string(35, '\0'))}) {
    EXPECT_EQ(parseProxyHeader(bytes).state, State::kBad) << bytes;
  }
  EXPECT_EQ(parseProxyHeader("GET / HTTP/1.1\r\n").state, State::kNone);
  EXPECT_EQ(parseProxyHeader("PROXX ").state, State::kNone);
  EXPECT_EQ(parseProxyHeader("\r\n\r\nGET").state, State::kNone);
}

}  // namespace
}  // namespace weir::extensions::proxy_protocol
