#include "source/net/address.h"

#include <gtest/gtest.h>
#include <sys/un.h>

#include <string>

namespace weir::net {
namespace {

TEST(AddressTest, ParsesAndPrints) {
  const struct {
    const char* text;
    const char* printed;
    const char* ip;
    uint16_t port;
    Address::Family family;
  } cases[] = {
      {"127.0.0.1:80", "127.0.0.1:80", "127.0.0.1", 80, Address::Family::kIpv4},
      {":8082", "0.0.0.0:8082", "0.0.0.0", 8082, Address::Family::kIpv4},
      {"[::1]:65535", "[::1]:65535", "::1", 65535, Address::Family::kIpv6},
      {"[2001:DB8:0::1]:0", "[2001:db8::1]:0", "2001:db8::1", 0, Address::Family::kIpv6},
      {"unix:/run/x.sock", "unix:/run/x.sock", "/run/x.sock", 0, Address::Family::kUnix},
      {"unix:@abstract", "unix:@abstract", "@abstract", 0, Address::Family::kUnix},
  };
  for (const auto& c : cases) {
    const auto address = Address::parse(c.text);
    ASSERT_TRUE(address.ok()) << c.text << ": " << address.status();
    EXPECT_EQ(address->text(), c.printed);
    EXPECT_EQ(address->ip(), c.ip);
    EXPECT_EQ(address->port(), c.port);
    EXPECT_EQ(address->family(), c.family);
  }
  EXPECT_EQ(Address().text(), "-");
}

TEST(AddressTest, RefusesWhatIsNoAddress) {
  for (const char* text :
       {"", "127.0.0.1", "localhost:80", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:8x",
        "127.0.0.1:+8", "::1:80", "[::1:80", "[127.0.0.1]:80", "1.2.3:4", "unix:", "unix:@", "256.1.1.1:1"}) {
    const auto address = Address::parse(text);
    EXPECT_FALSE(address.ok()) << text;
    EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_TRUE(Address::parseIp("[::1]", 1).ok());
  EXPECT_FALSE(Address::parseIp(std::string_view("127.0.0.1\0x", 11), 1).ok());
}

TEST(AddressTest, UnixPathsHaveAtMost107Bytes) {
  EXPECT_TRUE(Address::unixPath(std::string(107, 'a')).ok());
  EXPECT_FALSE(Address::unixPath(std::string(108, 'a')).ok());
  EXPECT_FALSE(Address::unixPath(std::string_view("/a\0b", 4)).ok());
}

TEST(AddressTest, SurvivesTheWayThroughSockaddr) {
  for (const char* text : {"10.1.2.3:4567", "[fe80::1]:9", "unix:/tmp/a", "unix:@b"}) {
    const Address address = *Address::parse(text);
    sockaddr_storage storage;
    const socklen_t length = address.toSockaddr(storage);
    EXPECT_EQ(Address::fromSockaddr(reinterpret_cast<sockaddr*>(&storage), length), address) << text;
  }
  sockaddr_storage storage;
  EXPECT_EQ(Address().toSockaddr(storage), 0u);
  sockaddr_un unnamed = {};
  unnamed.sun_family = AF_UNIX;
  EXPECT_EQ(Address::fromSockaddr(reinterpret_cast<sockaddr*>(&unnamed), sizeof(sa_family_t)).family(),
            Address::Family::kNone);
}

TEST(AddressTest, MappedIpv4PeerIsIpv4) {
  sockaddr_storage storage;
  const socklen_t length = Address::parse("[::ffff:10.0.0.7]:80")->toSockaddr(storage);
  EXPECT_EQ(Address::fromSockaddr(reinterpret_cast<sockaddr*>(&storage), length).text(), "10.0.0.7:80");
}

TEST(AddressTest, ComparesByValue) {
  EXPECT_EQ(*Address::parse("1.2.3.4:5"), *Address::parse("1.2.3.4:5"));
  EXPECT_NE(*Address::parse("1.2.3.4:5"), *Address::parse("1.2.3.4:6"));
  EXPECT_NE(*Address::parse("1.2.3.4:5"), *Address::parse("1.2.3.5:5"));
  EXPECT_EQ(*Address::parse("unix:/a"), *Address::parse("unix:/a"));
  EXPECT_NE(*Address::parse("unix:/a"), *Address::parse("unix:/b"));
  EXPECT_EQ(Address(), Address());
}

TEST(AddressTest, KnowsWildcardsAndLoopback) {
  EXPECT_TRUE(Address::parse(":1")->isWildcard());
  EXPECT_TRUE(Address::parse("[::]:1")->isWildcard());
  EXPECT_FALSE(Address::parse("[::1]:1")->isWildcard());
  EXPECT_FALSE(Address::parse("unix:/a")->isWildcard());
  EXPECT_TRUE(Address::parse("127.9.9.9:1")->isLoopback());
  EXPECT_TRUE(Address::parse("[::1]:1")->isLoopback());
  EXPECT_FALSE(Address::parse("[1::1]:1")->isLoopback());
  EXPECT_FALSE(Address::parse("128.0.0.1:1")->isLoopback());
}

TEST(CidrRangeTest, ContainsByPrefix) {
  const struct {
    const char* ip;
    uint32_t length;
    const char* in;
    const char* out;
  } cases[] = {
      {"10.0.0.0", 8, "10.255.0.1", "11.0.0.0"},
      {"10.1.2.3", 31, "10.1.2.2", "10.1.2.4"},
      {"10.1.2.3", 32, "10.1.2.3", "10.1.2.2"},
      {"0.0.0.0", 0, "200.1.1.1", "::1"},
      {"192.168.128.0", 17, "192.168.255.1", "192.168.127.255"},
      {"2001:db8::", 33, "2001:db8:7fff::1", "2001:db8:8000::1"},
      {"::1", 128, "::1", "::2"},
  };
  for (const auto& c : cases) {
    const CidrRange range = *CidrRange::parse(c.ip, c.length);
    EXPECT_TRUE(range.contains(*Address::parseIp(c.in, 1))) << c.ip << "/" << c.length;
    EXPECT_FALSE(range.contains(*Address::parseIp(c.out, 1))) << c.ip << "/" << c.length;
    EXPECT_EQ(range.length(), c.length);
  }
  EXPECT_FALSE(CidrRange::parse("10.0.0.0", 33).ok());
  EXPECT_FALSE(CidrRange::parse("::", 129).ok());
  EXPECT_FALSE(CidrRange::parse("x", 1).ok());
}

}  // namespace
}  // namespace weir::net
