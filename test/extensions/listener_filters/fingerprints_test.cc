#include "source/extensions/listener_filters/tls_inspector/fingerprints.h"

#include <string>

#include "gtest/gtest.h"

namespace weir::extensions::tls_inspector {
namespace {

// The examples of those who thought them up.
TEST(FingerprintsTest, AreThoseOfTheirAuthors) {
  ClientHello old;
  old.version = 769;
  old.suites = {47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4};
  old.extensions = {0, 10, 11};
  old.groups = {23, 24, 25};
  old.point_formats = {0};
  EXPECT_EQ(ja3Of(old), "ada70206e40642a3e4461f35503241d5");
  ClientHello now;
  now.version = 0x0303;
  now.versions = {0x2a2a, 0x0304, 0x0303};
  now.suites = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9,
                0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035};
  now.extensions = {0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d,
                    0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015};
  now.signature_algorithms = {0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601};
  now.alpn = {"h2", "http/1.1"};
  EXPECT_EQ(ja4Of(now), "t13d1516h2_8daaf6152771_e5627efa2ab1");
}

TEST(FingerprintsTest, GreaseDoesNotCount) {
  ClientHello plain;
  plain.version = 0x0303;
  plain.suites = {0x1301};
  plain.extensions = {10, 43};
  plain.groups = {29};
  plain.versions = {0x0304};
  ClientHello greased = plain;
  greased.suites.insert(greased.suites.begin(), 0x0a0a);
  greased.extensions.push_back(0xfafa);
  greased.groups.insert(greased.groups.begin(), 0x1a1a);
  greased.versions.insert(greased.versions.begin(), 0x7a7a);
  EXPECT_EQ(ja3Of(greased), ja3Of(plain));
  EXPECT_EQ(ja4Of(greased), ja4Of(plain));
  greased.suites.push_back(0x1302);
  EXPECT_NE(ja3Of(greased), ja3Of(plain));
  EXPECT_NE(ja4Of(greased), ja4Of(plain));
}

TEST(FingerprintsTest, WhatIsNotThereHasAPlaceToo) {
  ClientHello bare;
  bare.version = 0x0301;
  EXPECT_EQ(ja4Of(bare), "t10i000000_000000000000_000000000000");
  bare.alpn = {std::string("\xab\xcd", 2)};
  EXPECT_EQ(ja4Of(bare), "t10i0000ad_000000000000_000000000000");
  bare.alpn = {"h"};
  bare.suites.assign(200, 0x1301);
  EXPECT_EQ(ja4Of(bare).substr(0, 10), "t10i9900hh");
}

}  // namespace
}  // namespace weir::extensions::tls_inspector
