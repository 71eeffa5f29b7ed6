#include "source/net/ip_text.h"

#include <arpa/inet.h>

#include <random>

#include "gtest/gtest.h"

namespace weir::net {
namespace {

std::string bytesOf(int family, const char* text) {
  char bytes[16];
  EXPECT_EQ(inet_pton(family, text, bytes), 1) << text;
  return std::string(bytes, family == AF_INET ? 4 : 16);
}

TEST(IpText, IsWhatTheCLibraryWrites) {
  std::mt19937 random(7);
  for (int i = 0; i < 1000; ++i) {
    std::string bytes(i % 2 == 0 ? 4 : 16, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() % 4 == 0 ? 0 : random());
    char expected[INET6_ADDRSTRLEN];
    ASSERT_NE(inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), expected, sizeof(expected)), nullptr);
    EXPECT_EQ(IpText(bytes).view(), expected);
  }
}

TEST(IpText, TheLongestOfBothFamiliesFit) {
  EXPECT_EQ(IpText(bytesOf(AF_INET, "255.255.255.255")).view(), "255.255.255.255");
  const char* const longest = "fedc:ba98:7654:3210:fedc:ba98:7654:3210";
  EXPECT_EQ(IpText(bytesOf(AF_INET6, longest)).view(), longest);
}

TEST(IpText, IsEmptyForWhatIsNoIpAddress) {
  for (const size_t size : {0, 3, 5, 15, 17}) EXPECT_EQ(IpText(std::string(size, 'x')).view(), "");
}

TEST(MaskedIpText, DropsTheBitsBehindThePrefix) {
  const std::string four = bytesOf(AF_INET, "192.0.2.255");
  EXPECT_EQ(maskedIpText(four, 0), "0.0.0.0/0");
  EXPECT_EQ(maskedIpText(four, 24), "192.0.2.0/24");
  EXPECT_EQ(maskedIpText(four, 27), "192.0.2.224/27");
  EXPECT_EQ(maskedIpText(four, 32), "192.0.2.255/32");
  const std::string six = bytesOf(AF_INET6, "2001:db8:ffff::1");
  EXPECT_EQ(maskedIpText(six, 33), "2001:db8:8000::/33");
  EXPECT_EQ(maskedIpText(six, 128), "2001:db8:ffff::1/128");
}

}  // namespace
}  // namespace weir::net
