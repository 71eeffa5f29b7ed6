#include "source/extensions/filters/http/decompressor/decompressor.h"

#include <string>

#include "gtest/gtest.h"
#include "source/extensions/compression/gzip.h"
#include "test/harness/filter/filter_contract.h"
#include "test/harness/filter/filter_harness.h"

namespace weir::extensions::decompressor {
namespace {

using harness::FilterHarness;

std::string config(const std::string& settings = "", const std::string& rest = "") {
  return "decompressor_library { name: \"lib\" typed_config { "
         "[type.googleapis.com/envoy.extensions.compression.gzip.decompressor.v3.Gzip] { " +
         settings + " } } } " + rest;
}

std::string packed(const std::string& text) {
  buffer::BlockPool pool;
  buffer::Buffer in(pool);
  buffer::Buffer out(pool);
  in.append(text);
  EXPECT_TRUE(compression::gzipLibrary({})->make()->take(in, out, compression::Coder::Until::kEnd));
  return out.toString();
}

std::unique_ptr<harness::FilterExchange> post(FilterHarness& h, const std::string& body, size_t piece = SIZE_MAX) {
  auto x = h.open();
  http::Head& head = x->request("POST", "/", {{"content-encoding", "gzip"}});
  head.content_length = body.size();
  x->client.pushHead(head);
  for (size_t at = 0; at < body.size(); at += std::min(piece, body.size())) x->client.pushData(body.substr(at, piece));
  x->client.pushEnd();
  x->settle();
  return x;
}

TEST(DecompressorTest, ARequestIsTakenApart) {
  FilterHarness h(decompressorType(), config());
  for (const size_t piece : {SIZE_MAX, size_t{1}}) {
    auto x = post(h, packed("some words, and more words"), piece);
    EXPECT_EQ(x->upstream.sent(), "HEAD POST / accept-encoding=gzip; DATA some words, and more words; END; ");
  }
  EXPECT_EQ(h.world.counter("http.test.decompressor.lib.gzip.request.decompressed"), 2u);
}

TEST(DecompressorTest, AResponseIsTakenApart) {
  FilterHarness h(decompressorType(), config());
  auto x = h.open();
  x->get("/", {{"accept-encoding", "br"}});
  x->settle();
  EXPECT_EQ(x->upstream.head()->headers.get("accept-encoding"), "br,gzip");
  x->upstream.pushHead(x->response(200, {{"content-encoding", "GZIP"}}));
  x->upstream.pushData(packed("answer"));
  x->upstream.pushEnd();
  x->settle();
  EXPECT_EQ(x->client.sent(), "HEAD 200; DATA answer; END; ");
}

TEST(DecompressorTest, WhatIsNotOfThatCodingPasses) {
  FilterHarness h(decompressorType(), config("", "request_direction_config { advertise_accept_encoding { } }"));
  auto x = h.open();
  x->client.pushHead(x->request("POST", "/", {{"content-encoding", "br"}}));
  x->client.pushData("bytes");
  x->client.pushEnd();
  x->settle();
  EXPECT_EQ(x->upstream.sent(), "HEAD POST / content-encoding=br; DATA bytes; END; ");
  x->upstream.pushHead(x->response(200, {{"content-encoding", "gzip"}, {"cache-control", "no-transform"}}));
  x->upstream.pushData("bytes");
  x->upstream.pushEnd();
  x->settle();
  EXPECT_EQ(x->client.body(), "bytes");
}

TEST(DecompressorTest, ABodyThatGrowsTooMuchIsRefused) {
  const std::string bomb = packed(std::string(1024 * 1024, '\0'));
  EXPECT_LT(bomb.size(), 8u * 1024);
  FilterHarness h(decompressorType(), config("max_inflate_ratio { value: 20 }"));
  auto x = post(h, bomb);
  EXPECT_EQ(x->status(), 400);
  EXPECT_EQ(h.world.counter("http.test.decompressor.lib.gzip.request.failed"), 1u);
  EXPECT_LT(x->upstream.body().size(), 256u * 1024);
}

TEST(DecompressorTest, ADamagedBodyIsRefused) {
  FilterHarness h(decompressorType(), config());
  const std::string good = packed("some words");
  EXPECT_EQ(post(h, "not gzip")->status(), 400);
  EXPECT_EQ(post(h, good.substr(0, good.size() - 4))->status(), 400);
  EXPECT_EQ(post(h, good + "more")->status(), 400);
  auto x = h.open();
  x->get("/");
  x->settle();
  x->upstream.pushHead(x->response(200, {{"content-encoding", "gzip"}}));
  x->upstream.pushData("not gzip");
  x->settle();
  EXPECT_TRUE(x->reset());  // the head has gone already
}

TEST(DecompressorTest, KeepsTheContractOfFilters) {
  harness::FilterContract contract;
  contract.make = [](harness::FilterWorld& w) { return w.makeFilter(decompressorType(), config()); };
  harness::runFilterContract(contract);
}

}  // namespace
}  // namespace weir::extensions::decompressor
