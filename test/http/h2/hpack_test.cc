// HPACK: the examples of RFC 7541 appendix C, what must be refused, and agreement with nghttp2 in both directions.
#include <string>

#include "gtest/gtest.h"
#include "source/base/random.h"
#include "source/http/h2/huffman.h"
#include "test/http/h2/hpack_coder.h"
#include "test/http/h2/hpack_peer.h"

namespace weir::http::h2 {
namespace {

std::string hex(std::string_view digits) {
  std::string out;
  std::string pair;
  for (const char c : digits) {
    if (c == ' ') continue;
    pair += c;
    if (pair.size() < 2) continue;
    out += static_cast<char>(std::stoi(pair, nullptr, 16));
    pair.clear();
  }
  return out;
}

struct Section {
  const char* bytes;
  Pairs fields;
  size_t table_size;
};

void expectSections(uint32_t table, const std::vector<Section>& sections) {
  for (const size_t step : {size_t{1}, size_t{7}, SIZE_MAX}) {
    Coder coder;
    // A peer with a table of this size says so first.
    if (table != 4096) {
      std::string size = table < 31 ? std::string(1, static_cast<char>(0x20 | table)) : "\x3f";
      for (uint32_t rest = table - 31; table >= 31; rest >>= 7) {
        size += static_cast<char>(rest < 128 ? rest : (rest & 0x7f) | 0x80);
        if (rest < 128) break;
      }
      ASSERT_TRUE(coder.decode(size).has_value());
    }
    for (const Section& section : sections) {
      const auto fields = coder.decode(hex(section.bytes), step);
      ASSERT_TRUE(fields.has_value()) << section.bytes;
      EXPECT_EQ(*fields, section.fields) << section.bytes;
      EXPECT_EQ(coder.decoder.table().size(), section.table_size) << section.bytes;
    }
  }
}

TEST(Hpack, ExamplesOfRepresentations) {
  expectSections(
      4096,
      {{"400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", {{"custom-key", "custom-header"}}, 55}});
  expectSections(4096, {{"040c 2f73 616d 706c 652f 7061 7468", {{":path", "/sample/path"}}, 0}});
  expectSections(4096, {{"1008 7061 7373 776f 7264 0673 6563 7265 74", {{"password", "secret"}}, 0}});
  expectSections(4096, {{"82", {{":method", "GET"}}, 0}});
}

const Pairs kFirst = {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "www.example.com"}};

Pairs second() {
  Pairs fields = kFirst;
  fields.emplace_back("cache-control", "no-cache");
  return fields;
}

const Pairs kThird = {{":method", "GET"},
                      {":scheme", "https"},
                      {":path", "/index.html"},
                      {":authority", "www.example.com"},
                      {"custom-key", "custom-value"}};

TEST(Hpack, ExamplesOfRequests) {
  expectSections(4096, {{"8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", kFirst, 57},
                        {"8286 84be 5808 6e6f 2d63 6163 6865", second(), 110},
                        {"8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", kThird, 164}});
  expectSections(4096, {{"8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", kFirst, 57},
                        {"8286 84be 5886 a8eb 1064 9cbf", second(), 110},
                        {"8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", kThird, 164}});
}

Pairs response(std::string status, std::string date) {
  return {{":status", std::move(status)},
          {"cache-control", "private"},
          {"date", std::move(date)},
          {"location", "https://www.example.com"}};
}

TEST(Hpack, ExamplesOfResponsesWithASmallTable) {
  const std::string early = "Mon, 21 Oct 2013 20:13:21 GMT";
  const Pairs third = {{":status", "200"},
                       {"cache-control", "private"},
                       {"date", "Mon, 21 Oct 2013 20:13:22 GMT"},
                       {"location", "https://www.example.com"},
                       {"content-encoding", "gzip"},
                       {"set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"}};
  expectSections(
      256,
      {{"4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d"
        "546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        response("302", early), 222},
       {"4803 3330 37c1 c0bf", response("307", early), 222},
       {"88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f"
        "6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b"
        "2076 6572 7369 6f6e 3d31",
        third, 215}});
  expectSections(
      256, {{"4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718"
             "63c7 8f0b 97c8 e9ae 82ae 43d3",
             response("302", early), 222},
            {"4883 640e ffc1 c0bf", response("307", early), 222},
            {"88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7"
             "b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
             third, 215}});
}

TEST(Hpack, RefusesWhatIsNotACode) {
  const char* const rows[] = {
      "80",                   // index 0
      "be",                   // an index that the table does not have
      "ff80 8080 8001",       // an index in five bytes behind the prefix
      "ff80 8080 8000",       // the same, of zeros
      "7fff ffff ff0f",       // an index above 32 bits
      "0001 61ff ffff ff0f",  // a length above every limit
      "3fe2 1f",              // 4097 bytes of table
      "8220",                 // a size behind a field
      "0001 6181 ff",         // padding of eight bits
      "0001 6182 1fff",       // the same behind a symbol
      "0001 6181 18",         // padding of zeros
      "0001 6184 ffff fffc",  // the end-of-string symbol
      "0001 6184 ffff ffff",  // and beyond
      "0081 ff",              // a name of padding alone
      "4000",                 // not whole
      "7e",
  };
  for (const char* row : rows) {
    Coder coder;
    EXPECT_FALSE(coder.decode(hex(row)).has_value()) << row;
  }
}

TEST(Hpack, AnEmptyNameAndAnEmptyValueAreDecoded) {
  Coder coder;
  EXPECT_EQ(coder.decode(hex("4000 00")), (Pairs{{"", ""}}));
  EXPECT_EQ(coder.decode(hex("be")), (Pairs{{"", ""}}));
}

TEST(Hpack, ASmallerTableMustBeSaidOnceItIsAcknowledged) {
  for (const bool said : {false, true}) {
    Coder coder(256);
    EXPECT_TRUE(coder.decode(hex("82")).has_value()) << "the default holds until then";
    coder.decoder.onAcknowledged();
    EXPECT_EQ(coder.decode(hex(said ? "3fe1 0182" : "82")).has_value(), said);
    EXPECT_EQ(coder.decoder.table().maxSize(), said ? 256u : 4096u);
  }
  Coder coder(256);
  coder.decoder.onAcknowledged();
  EXPECT_FALSE(coder.decode(hex("3fe2 0182")).has_value()) << "257";
}

TEST(Hpack, TheEncoderSaysItsTable) {
  Coder coder(256);
  EXPECT_EQ(coder.encode({{":method", "GET"}}), hex("3fe1 0182"));
  EXPECT_EQ(coder.encode({{":method", "GET"}}), hex("82"));
  coder.encoder.setPeerLimit(100);
  coder.encoder.setPeerLimit(0);
  coder.encoder.setPeerLimit(1'000'000);
  EXPECT_EQ(coder.encode({{":method", "GET"}}), hex("203f e101 82"));
}

TEST(Hpack, SecretsNeverEnterTheTable) {
  Coder coder;
  const Pairs fields = {{"authorization", "Basic eDp5eHg="}, {"set-cookie", "a=b"}, {"cookie", "short=1"}};
  for (int i = 0; i < 3; ++i) {
    const std::string bytes = coder.encode(fields);
    EXPECT_EQ(bytes[0] & 0xf0, 0x10);
    EXPECT_EQ(coder.encoder.table().count(), 0u);
    EXPECT_EQ(coder.decode(bytes), fields);
  }
}

TEST(Hpack, WhatIsSentAgainIsOneByte) {
  Coder coder;
  const Pairs fields = {{":authority", "www.example.com"}, {"x-custom", "value"}, {"user-agent", "a/1"}};
  coder.decode(coder.encode(fields));
  EXPECT_EQ(coder.decode(coder.encode(fields)), fields);
  const std::string third = coder.encode(fields);
  EXPECT_EQ(third.size(), 3u);
  EXPECT_EQ(coder.decode(third), fields);
}

// The pieces of one section that copy one long name again and again.
TEST(Hpack, ANameIsNotCopiedForEver) {
  Coder coder;
  std::string name(4000, 'n');
  std::string first = "\x40\x7f";
  first += static_cast<char>(0x80 | ((4000 - 127) & 0x7f));
  first += static_cast<char>((4000 - 127) >> 7);
  ASSERT_TRUE(coder.decode(first + name + std::string(1, '\0')).has_value());
  std::string copies;
  for (int i = 0; i < 1000; ++i) copies += std::string("\x7e\0", 2);
  EXPECT_FALSE(coder.decode(copies).has_value());
}

TEST(Hpack, AnEmptyTableOwnsNothing) {
  Coder coder;
  EXPECT_EQ(coder.memory.bytesInUse(), 0u);
  const Pairs small = {{"x-a", "b"}};
  coder.decode(coder.encode(small));
  coder.decode(coder.encode(small));
  EXPECT_LE(coder.decoder.table().held(), 512u);
  EXPECT_LE(coder.encoder.table().held(), 512u);
}

class Words {
 public:
  explicit Words(uint64_t seed) : random_(seed) {}
  size_t below(size_t n) { return static_cast<size_t>(random_.below(n)); }
  std::string text(size_t most) {
    std::string out;
    const bool any = below(4) == 0;
    for (size_t n = below(most + 1); n > 0; --n) out += static_cast<char>(any ? below(256) : '!' + below(94));
    return out;
  }
  Pairs fields() {
    static constexpr const char* kNames[] = {":method", ":path",  ":status",      "accept",       "accept-encoding",
                                             "cookie",  "date",   "x-a",          "x-b",          "authorization",
                                             "te",      "server", "x-request-id", "grpc-timeout", "link"};
    Pairs out;
    for (size_t n = below(20); n > 0; --n) {
      std::string name = below(6) == 0 ? "x-" + std::to_string(below(50)) : kNames[below(std::size(kNames))];
      if (below(10) == 0) name += std::string(below(600), 'n');
      std::string value = below(3) == 0 ? text(below(20) == 0 ? 2000 : 40) : "value-" + std::to_string(below(6));
      out.emplace_back(std::move(name), std::move(value));
    }
    return out;
  }

 private:
  base::Random random_;
};

TEST(Hpack, AgreesWithAnotherImplementation) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Words words(seed);
    Coder coder;
    Deflater deflater;
    Inflater inflater;
    for (int round = 0; round < 150; ++round) {
      if (words.below(10) == 0) {
        const size_t size = words.below(4097);
        coder.encoder.setPeerLimit(static_cast<uint32_t>(size));
        inflater.resize(size);
      }
      if (words.below(10) == 0) deflater.resize(words.below(4097));
      const Pairs fields = words.fields();
      const std::string block = coder.encode(fields);
      const auto theirs = inflater.inflate(block);
      ASSERT_TRUE(theirs.has_value()) << seed << " " << round;
      ASSERT_EQ(*theirs, fields) << seed << " " << round;
      const auto ours = coder.decode(deflater.deflate(fields), 1 + words.below(300));
      ASSERT_TRUE(ours.has_value()) << seed << " " << round;
      ASSERT_EQ(*ours, fields) << seed << " " << round;
      ASSERT_LE(coder.decoder.table().held(), 4096u + 4096u / 32 * 16);
    }
  }
}

TEST(Huffman, EveryByteAndEveryLengthComesBack) {
  Words words(7);
  for (size_t round = 0; round < 3000; ++round) {
    std::string text;
    if (round < 256) {
      text.assign(1 + round % 9, static_cast<char>(round));
    } else {
      text = words.text(80);
    }
    std::string coded(huffmanSize(text), '\0');
    ASSERT_EQ(huffmanEncode(text, coded.data()), coded.data() + coded.size());
    std::string back(huffmanDecodedMost(coded.size()) + 1, '\0');
    const auto size = huffmanDecode(coded, back.data());
    ASSERT_TRUE(size.has_value()) << round;
    ASSERT_EQ(std::string_view(back).substr(0, *size), text);
  }
}

}  // namespace
}  // namespace weir::http::h2
