#include "source/http/scan.h"

#include <string>

#include "gtest/gtest.h"
#include "source/base/random.h"

namespace weir::http {
namespace {

constexpr const ByteSet* kSets[] = {&kTokenBytes, &kValueBytes, &kTargetBytes};
constexpr ScanMethod kMethods[] = {ScanMethod::kSse, ScanMethod::kAvx2};

size_t slowly(const ByteSet& set, std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (!set.has(static_cast<unsigned char>(text[i]))) return i;
  }
  return text.size();
}

void expectAllAgree(const ByteSet& set, std::string_view text) {
  const size_t expected = slowly(set, text);
  ASSERT_EQ(findOutside(set, text), expected);
  ASSERT_EQ(findOutside(ScanMethod::kScalar, set, text), expected);
  for (const ScanMethod method : kMethods) {
    if (!scanSupported(method)) continue;
    ASSERT_EQ(findOutside(method, set, text), expected) << static_cast<int>(method);
  }
}

TEST(Scan, SetsHoldWhatTheGrammarSays) {
  for (unsigned b = 0; b < 256; ++b) {
    const auto c = static_cast<unsigned char>(b);
    const bool alnum = (b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z');
    const bool mark =
        b != 0 && b < 128 && std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(b)) != std::string_view::npos;
    EXPECT_EQ(kTokenBytes.has(c), alnum || mark) << b;
    EXPECT_EQ(kValueBytes.has(c), b == '\t' || (b >= 0x20 && b != 0x7f)) << b;
    EXPECT_EQ(kTargetBytes.has(c), b > 0x20 && b < 0x7f && b != '#') << b;
  }
}

TEST(Scan, EveryByteAtEveryPlaceLengthAndAlignmentAgrees) {
  for (const ByteSet* set : kSets) {
    for (size_t length = 0; length <= 130; ++length) {
      for (size_t alignment = 0; alignment < 32; alignment += length % 3 == 0 ? 1 : 7) {
        std::string text(alignment + length, 'a');
        const std::string_view view = std::string_view(text).substr(alignment);
        expectAllAgree(*set, view);
        for (size_t at = 0; at < length; ++at) {
          text[alignment + at] = '\x7f';
          ASSERT_EQ(slowly(*set, view), at);
          expectAllAgree(*set, view);
          text[alignment + at] = 'a';
        }
      }
    }
  }
}

TEST(Scan, EveryByteValueAgrees) {
  for (const ByteSet* set : kSets) {
    for (int b = 0; b < 256; ++b) {
      for (const size_t at : {0u, 5u, 15u, 16u, 31u, 32u, 40u, 63u}) {
        std::string text(64, 'x');
        text[at] = static_cast<char>(b);
        expectAllAgree(*set, text);
      }
    }
  }
}

TEST(Scan, RandomTextAgrees) {
  base::Random random(1);
  for (int round = 0; round < 50000; ++round) {
    std::string text(random.below(130), '\0');
    for (char& c : text) c = static_cast<char>(random.below(16) == 0 ? random.next() : 'a' + random.below(26));
    for (const ByteSet* set : kSets) expectAllAgree(*set, text);
  }
}

}  // namespace
}  // namespace weir::http
