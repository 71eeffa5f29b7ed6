#include "source/extensions/filters/http/grpc_web/base64.h"

#include <string>

#include "gtest/gtest.h"
#include "source/base/random.h"

namespace weir::extensions::grpc_web {
namespace {

class Base64Test : public testing::Test {
 protected:
  // "?" for what is not base64, and a trailing "~" when a group is open.
  std::string decode(std::string_view text, size_t piece) {
    Base64Decoder decoder;
    buffer::Buffer out(pool_);
    for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
      if (!decoder.decode(text.substr(0, piece), out)) return "?";
    }
    return out.toString() + (decoder.complete() ? "" : "~");
  }
  std::string encode(std::string_view bytes, size_t piece) {
    Base64Encoder encoder;
    buffer::Buffer out(pool_);
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
      encoder.encode(bytes.substr(0, piece), out);
    }
    encoder.finish(out);
    return out.toString();
  }

  buffer::BlockPool pool_;
};

TEST_F(Base64Test, DecodesTextsInARowHoweverTheyAreCut) {
  struct Case {
    const char* text;
    const char* bytes;
  };
  for (const Case& c : {Case{"", ""},
                        Case{"Zg==", "f"},
                        Case{"Zm8=", "fo"},
                        Case{"Zm9v", "foo"},
                        Case{"Zm9vYmFy", "foobar"},
                        Case{"Zg==Zm8=Zm9v", "ffofoo"},
                        Case{"Zg==Zg==", "ff"},
                        Case{"Zm9", "~"},
                        Case{"Zm9vZ", "foo~"},
                        Case{"Zg=", "~"},
                        Case{"+/+/", "\xfb\xff\xbf"},
                        Case{"Zm9v Zg==", "?"},
                        Case{"Zm9v\n", "?"},
                        Case{"=Zg=", "?"},
                        Case{"Z===", "?"},
                        Case{"Zg=g", "?"},
                        Case{"Zm8-", "?"},
                        Case{"Zh==", "?"},
                        Case{"Zm9=", "?"},
                        Case{"Zg==\xff", "?"},
                        Case{"====", "?"}}) {
    for (size_t piece = 1; piece <= 9; ++piece) EXPECT_EQ(decode(c.text, piece), c.bytes) << c.text << " by " << piece;
  }
}

TEST_F(Base64Test, EncodesHoweverTheBytesAreCut) {
  EXPECT_EQ(encode("", 1), "");
  EXPECT_EQ(encode("f", 1), "Zg==");
  for (size_t piece = 1; piece <= 7; ++piece) {
    EXPECT_EQ(encode("fo", piece), "Zm8=");
    EXPECT_EQ(encode("foobar", piece), "Zm9vYmFy");
    EXPECT_EQ(encode("\xfb\xff\xbf", piece), "+/+/");
  }
}

TEST_F(Base64Test, WhatIsEncodedIsDecodedAgain) {
  base::Random random(7);
  for (size_t size = 0; size < 300; ++size) {
    std::string bytes;
    for (size_t i = 0; i < size * 11; ++i) bytes += static_cast<char>(random.next());
    EXPECT_EQ(decode(encode(bytes, 1 + size), 1 + size / 2), bytes);
  }
}

}  // namespace
}  // namespace weir::extensions::grpc_web
