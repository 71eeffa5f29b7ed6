// HTTP: a head parsed and written over HTTP/1.1, HPACK both ways, and header maps.
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <string_view>

#include "source/base/arena.h"
#include "source/http/h2/hpack_decoder.h"
#include "source/http/h2/hpack_encoder.h"
#include "source/http/h2/session_memory.h"
#include "source/http/header_map.h"
#include "test/http/h1/peer.h"

namespace weir::http {
namespace {

constexpr std::string_view kRequest =
    "GET /api/v1/items/12345?fields=name,price HTTP/1.1\r\n"
    "Host: shop.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Accept-Language: en-GB,en;q=0.7\r\n"
    "Cookie: session=0123456789abcdef; theme=dark\r\n"
    "X-Request-Id: 3f2b6c1e-2e6c-4a5e-8d8c-1d1f1a9a7b11\r\n\r\n";

const std::array<std::pair<std::string_view, std::string_view>, 7> kFields = {{
    {"user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"},
    {"accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
    {"accept-encoding", "gzip, deflate, br"},
    {"accept-language", "en-GB,en;q=0.7"},
    {"x-forwarded-for", "203.0.113.7"},
    {"x-request-id", "3f2b6c1e-2e6c-4a5e-8d8c-1d1f1a9a7b11"},
    {"x-custom-header", "some value that is not too short"},
}};

// A request that comes in and is answered: what both directions of the codec cost, with their streams.
void http1Exchange(benchmark::State& state) {
  const h1::H1Options options;
  h1::Peer peer(Role::kServer, options);
  peer.on_end = [&](bool) { peer.respond(200, "hello"); };
  for (auto _ : state) {
    peer.feed(kRequest);
    benchmark::DoNotOptimize(peer.output());
    benchmark::DoNotOptimize(peer.takeLog());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kRequest.size()));
}
BENCHMARK(http1Exchange);

std::string encode(h2::HpackEncoder& encoder) {
  char out[2048];
  char* end = encoder.begin(out);
  for (const auto& [name, value] : kFields) end = encoder.add(end, headerId(name), name, value);
  return std::string(out, end);
}

void hpackEncode(benchmark::State& state) {
  h2::SessionMemory memory;
  h2::HpackEncoder encoder(memory, 4096);
  for (auto _ : state) benchmark::DoNotOptimize(encode(encoder));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kFields.size()));
}
BENCHMARK(hpackEncode);

// `fresh`: every field as a literal, as in the first request of a connection; else from the table.
void hpackDecode(benchmark::State& state) {
  h2::SessionMemory memory;
  h2::HpackEncoder encoder(memory, 4096);
  const std::string first = encode(encoder);
  const std::string second = encode(encoder);  // these enter the table
  const std::string third = encode(encoder);
  h2::HpackDecoder decoder(memory, 4096, 1 << 20);
  const auto decode = [&](std::string_view bytes) {
    h2::HpackText text(memory);
    h2::HpackField field;
    decoder.begin();
    while (decoder.next(bytes, text, field) == h2::HpackDecoder::Step::kField) benchmark::DoNotOptimize(field);
  };
  decode(first);
  decode(second);
  for (auto _ : state) decode(state.range(0) != 0 ? first : third);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kFields.size()));
}
BENCHMARK(hpackDecode)->ArgName("fresh")->Arg(0)->Arg(1);

void headerMapFill(benchmark::State& state) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  for (auto _ : state) {
    HeaderMap map(arena);
    for (const auto& [name, value] : kFields) map.addView(headerId(name), name, value);
    benchmark::DoNotOptimize(map.size());
    arena.reset();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kFields.size()));
}
BENCHMARK(headerMapFill);

void headerMapGet(benchmark::State& state) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  HeaderMap map(arena);
  for (const auto& [name, value] : kFields) map.addView(headerId(name), name, value);
  const bool known = state.range(0) != 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(known ? map.get(HeaderId::kUserAgent) : map.get("x-custom-header"));
  }
}
BENCHMARK(headerMapGet)->ArgName("known")->Arg(1)->Arg(0);

}  // namespace
}  // namespace weir::http
