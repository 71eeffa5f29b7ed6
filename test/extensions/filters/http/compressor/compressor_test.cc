#include "source/extensions/filters/http/compressor/compressor.h"

#include <string>

#include "gtest/gtest.h"
#include "source/extensions/compression/gzip.h"
#include "source/extensions/filters/http/compressor/accept_encoding.h"
#include "test/harness/filter/filter_contract.h"
#include "test/harness/filter/filter_harness.h"

namespace weir::extensions::compressor {
namespace {

using harness::Fields;
using harness::FilterExchange;
using harness::FilterHarness;

std::string library(const std::string& message) {
  return "compressor_library { name: \"lib\" typed_config { [type.googleapis.com/" + message + "] {} } } ";
}
const std::string kGzip = library("envoy.extensions.compression.gzip.compressor.v3.Gzip");
const std::string kText(1000, 'a');

std::string unpacked(const std::string& bytes) {
  buffer::BlockPool pool;
  buffer::Buffer in(pool);
  buffer::Buffer out(pool);
  in.append(bytes);
  const auto coder = compression::gunzipLibrary({})->make();
  if (!coder->take(in, out, compression::Coder::Until::kEnd)) return "damaged";
  return out.toString();
}

// The upstream answers with those fields and kText.
std::unique_ptr<FilterExchange> answerTo(FilterHarness& h, Fields request, Fields response, uint16_t status = 200,
                                         std::optional<uint64_t> length = std::nullopt) {
  auto x = h.open();
  x->get("/", request);
  x->settle();
  http::Head& head = x->response(status, response);
  head.content_length = length;
  x->upstream.pushHead(head);
  x->upstream.pushData(kText);
  x->upstream.pushEnd();
  x->settle();
  return x;
}
bool compressed(const FilterExchange& x) { return x.client.head()->headers.get("content-encoding").has_value(); }
const Fields kAccepts = {{"accept-encoding", "gzip, br"}};
const Fields kPlain = {{"content-type", "text/plain; charset=utf-8"}};

TEST(AcceptEncodingTest, QualityDecides) {
  EXPECT_TRUE(acceptsEncoding("gzip", "gzip"));
  EXPECT_TRUE(acceptsEncoding("deflate, GZIP;q=0.5", "gzip"));
  EXPECT_TRUE(acceptsEncoding("x-gzip", "gzip"));
  EXPECT_TRUE(acceptsEncoding("*", "gzip"));
  EXPECT_TRUE(acceptsEncoding("identity;q=0.1, *;q=0.001", "br"));
  EXPECT_FALSE(acceptsEncoding("", "gzip"));
  EXPECT_FALSE(acceptsEncoding("br", "gzip"));
  EXPECT_FALSE(acceptsEncoding("gzip;q=0", "gzip"));
  EXPECT_FALSE(acceptsEncoding("gzip; Q = 0.000, *", "gzip"));
  EXPECT_FALSE(acceptsEncoding("*;q=0", "gzip"));
  EXPECT_TRUE(acceptsEncoding("*;q=0, gzip", "gzip"));
  EXPECT_FALSE(acceptsEncoding("gzipped", "gzip"));
  EXPECT_TRUE(hasToken("max-age=3, No-Transform", "no-transform"));
  EXPECT_FALSE(hasToken("max-age=3", "no-transform"));
}

TEST(CompressorTest, AResponseIsCompressedForWhoCanReadIt) {
  FilterHarness h(compressorType(), kGzip);
  auto x = answerTo(h, kAccepts, kPlain, 200, kText.size());
  EXPECT_EQ(x->client.head()->headers.get("content-encoding"), "gzip");
  EXPECT_EQ(x->client.head()->headers.get("vary"), "Accept-Encoding");
  EXPECT_FALSE(x->client.head()->content_length);
  EXPECT_LT(x->client.body().size(), 100u);
  EXPECT_EQ(unpacked(x->client.body()), kText);
  EXPECT_EQ(h.world.counter("http.test.compressor.lib.gzip.response.compressed"), 1u);
  EXPECT_EQ(h.world.counter("http.test.compressor.lib.gzip.response.total_uncompressed_bytes"), kText.size());
  EXPECT_EQ(h.world.counter("http.test.compressor.lib.gzip.response.total_compressed_bytes"), x->client.body().size());

  auto y = answerTo(h, {}, kPlain);
  EXPECT_FALSE(compressed(*y));
  EXPECT_EQ(y->client.head()->headers.get("vary"), "Accept-Encoding");  // caches must know all the same
  EXPECT_EQ(y->client.body(), kText);
}

TEST(CompressorTest, WhatMustStayAsItIs) {
  FilterHarness h(compressorType(), kGzip);
  EXPECT_TRUE(compressed(*answerTo(h, kAccepts, kPlain)));
  EXPECT_FALSE(compressed(*answerTo(h, kAccepts, {{"content-type", "image/png"}})));
  EXPECT_FALSE(compressed(*answerTo(h, kAccepts, {{"content-type", "application/grpc"}})));
  EXPECT_FALSE(compressed(*answerTo(h, kAccepts, {})));
  EXPECT_FALSE(compressed(*answerTo(h, kAccepts, kPlain, 200, 29)));
  EXPECT_TRUE(compressed(*answerTo(h, kAccepts, kPlain, 200, 30)));
  EXPECT_FALSE(compressed(*answerTo(h, kAccepts, {{"content-type", "text/plain"}, {"cache-control", "no-transform"}})));
  EXPECT_FALSE(
      compressed(*answerTo(h, kAccepts, {{"content-type", "text/plain"}, {"content-range", "bytes 0-9/10"}}, 206)));
  auto twice = answerTo(h, kAccepts, {{"content-type", "text/plain"}, {"content-encoding", "br"}});
  EXPECT_EQ(twice->client.head()->headers.get("content-encoding"), "br");
  EXPECT_EQ(twice->client.body(), kText);
}

TEST(CompressorTest, AStrongEtagIsTakenAwayAndAWeakOneStays) {
  FilterHarness h(compressorType(), kGzip);
  auto strong = answerTo(h, kAccepts, {{"content-type", "text/css"}, {"etag", "\"1\""}});
  EXPECT_FALSE(strong->client.head()->headers.get("etag"));
  auto weak = answerTo(h, kAccepts, {{"content-type", "text/css"}, {"etag", "W/\"1\""}});
  EXPECT_EQ(weak->client.head()->headers.get("etag"), "W/\"1\"");
  EXPECT_TRUE(compressed(*weak));
  FilterHarness off(compressorType(), kGzip + "response_direction_config { disable_on_etag_header: true }");
  EXPECT_FALSE(compressed(*answerTo(off, kAccepts, {{"content-type", "text/css"}, {"etag", "W/\"1\""}})));
  EXPECT_EQ(off.world.counter("http.test.compressor.lib.gzip.response.not_compressed_etag"), 1u);
}

TEST(CompressorTest, AHeaderSaysWhatBecameOfAResponse) {
  FilterHarness h(compressorType(),
                  kGzip +
                      "response_direction_config { status_header_enabled: true disable_on_etag_header: true "
                      "uncompressible_response_codes: 404 }");
  const auto said = [&](Fields request, Fields response, uint16_t status, std::optional<uint64_t> length) {
    const auto x = answerTo(h, request, response, status, length);
    return std::string(x->client.head()->headers.get("x-envoy-compression-status").value_or("nothing"));
  };
  EXPECT_EQ(said(kAccepts, kPlain, 200, kText.size()), "gzip;Compressed;OriginalLength=1000");
  EXPECT_EQ(said(kAccepts, kPlain, 200, std::nullopt), "gzip;Compressed");
  EXPECT_EQ(said(kAccepts, kPlain, 200, 29), "gzip;ContentLengthTooSmall");
  EXPECT_EQ(said(kAccepts, kPlain, 404, 1000), "gzip;StatusCodeNotAllowed");
  EXPECT_EQ(said(kAccepts, {{"content-type", "image/png"}}, 200, 1000), "gzip;ContentTypeNotAllowed");
  EXPECT_EQ(said(kAccepts, {{"content-type", "text/css"}, {"etag", "1"}}, 200, 1000), "gzip;EtagNotAllowed");
  EXPECT_EQ(said({}, kPlain, 200, 1000), "nothing");
  FilterHarness silent(compressorType(), kGzip);
  EXPECT_FALSE(answerTo(silent, kAccepts, kPlain)->client.head()->headers.get("x-envoy-compression-status"));
}

TEST(CompressorTest, VaryIsKept) {
  FilterHarness h(compressorType(), kGzip);
  auto x = answerTo(h, kAccepts, {{"content-type", "text/css"}, {"vary", "Cookie"}});
  EXPECT_EQ(x->client.head()->headers.get("vary"), "Cookie, Accept-Encoding");
  auto y = answerTo(h, kAccepts, {{"content-type", "text/css"}, {"vary", "accept-encoding"}});
  EXPECT_EQ(y->client.head()->headers.get("vary"), "accept-encoding");
}

TEST(CompressorTest, SettingsOfResponses) {
  FilterHarness h(compressorType(),
                  kGzip +
                      "response_direction_config { common_config { min_content_length { value: 2000 } "
                      "content_type: \"Application/X\" } remove_accept_encoding_header: true "
                      "uncompressible_response_codes: 404 }");
  auto small = answerTo(h, kAccepts, {{"content-type", "application/x"}}, 200, 1999);
  EXPECT_FALSE(compressed(*small));
  EXPECT_FALSE(small->upstream.head()->headers.get("accept-encoding"));
  EXPECT_TRUE(compressed(*answerTo(h, kAccepts, {{"content-type", "application/x"}}, 200, 2000)));
  EXPECT_FALSE(compressed(*answerTo(h, kAccepts, {{"content-type", "application/x"}}, 404)));
  EXPECT_FALSE(compressed(*answerTo(h, kAccepts, kPlain)));
  FilterHarness off(compressorType(),
                    kGzip + "response_direction_config { common_config { enabled { default_value { } } } }");
  EXPECT_FALSE(compressed(*answerTo(off, kAccepts, kPlain)));
}

TEST(CompressorTest, ARouteMaySwitchItOff) {
  FilterHarness h(compressorType(), kGzip);
  h.addRoute("disabled: true");
  EXPECT_FALSE(compressed(*answerTo(h, kAccepts, kPlain)));
  FilterHarness other(compressorType(), kGzip);
  other.addRoute("overrides { response_direction_config { remove_accept_encoding_header { value: true } } }");
  EXPECT_FALSE(answerTo(other, kAccepts, kPlain)->upstream.head()->headers.get("accept-encoding"));
}

TEST(CompressorTest, ARequestIsCompressedWhereThatIsAskedFor) {
  FilterHarness h(compressorType(), kGzip + "request_direction_config { }");
  auto x = h.open();
  http::Head& head = x->request("POST", "/", kPlain);
  head.content_length = kText.size();
  x->client.pushHead(head);
  x->client.pushData(kText);
  x->client.pushEnd();
  x->settle();
  EXPECT_EQ(x->upstream.head()->headers.get("content-encoding"), "gzip");
  EXPECT_EQ(unpacked(x->upstream.body()), kText);
}

TEST(CompressorTest, AnswersToHeadHaveNoBodyToCompress) {
  FilterHarness h(compressorType(), kGzip);
  auto x = h.open();
  x->client.pushHead(x->request("HEAD", "/", kAccepts));
  x->client.pushEnd();
  x->settle();
  x->answer(200, kPlain);
  x->settle();
  EXPECT_EQ(x->client.sent(), "HEAD 200 content-type=text/plain; charset=utf-8; END; ");
}

TEST(CompressorTest, TheOtherLibraries) {
  FilterHarness br(compressorType(), library("envoy.extensions.compression.brotli.compressor.v3.Brotli"));
  auto x = answerTo(br, kAccepts, kPlain);
  EXPECT_EQ(x->client.head()->headers.get("content-encoding"), "br");
  EXPECT_LT(x->client.body().size(), 100u);
  FilterHarness zstd(compressorType(), library("envoy.extensions.compression.zstd.compressor.v3.Zstd"));
  EXPECT_FALSE(compressed(*answerTo(zstd, kAccepts, kPlain)));
  auto y = answerTo(zstd, {{"accept-encoding", "zstd"}}, kPlain);
  EXPECT_EQ(y->client.head()->headers.get("content-encoding"), "zstd");
  EXPECT_EQ(y->client.body().substr(0, 4), "\x28\xb5\x2f\xfd");
}

TEST(CompressorTest, WhatIsNoCompressorIsRefused) {
  harness::FilterWorld world;
  EXPECT_NE(world.errorsOf(compressorType(), library("envoy.extensions.filters.http.compressor.v3.CompressorPerRoute"))
                .find("is no compressor of weir"),
            std::string::npos);
}

TEST(CompressorTest, KeepsTheContractOfFilters) {
  harness::FilterContract contract;
  contract.make = [](harness::FilterWorld& w) { return w.makeFilter(compressorType(), kGzip); };
  contract.request_fields = {{"accept-encoding", "gzip"}};
  contract.response_fields = {{"content-type", "text/plain"}};
  // How the bytes are cut shows in what is flushed, and nowhere else.
  contract.decode_response = unpacked;
  EXPECT_NE(harness::runFilterContract(contract).find("and the responseand the response"), std::string::npos);
}

}  // namespace
}  // namespace weir::extensions::compressor
