// HTTP: heads parsed and written over HTTP/1.1, HPACK both ways, and header maps.
#include <benchmark/benchmark.h>

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "source/base/arena.h"
#include "source/buffer/buffer.h"
#include "source/http/h1/head_parser.h"
#include "source/http/h1/head_scanner.h"
#include "source/http/h1/message_writer.h"
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

// The end of a request's head is found, and the head parsed.
void http1Parse(benchmark::State& state) {
  const h1::H1Options options;
  buffer::BlockPool blocks;
  buffer::Buffer in(blocks);
  in.append(kRequest);
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  for (auto _ : state) {
    h1::HeadScanner scanner;
    const auto found = scanner.scan(in, h1::Section::kRequestHead, options.limits);
    const std::span<char> text(arena.allocateChars(found.bytes), found.bytes);
    in.copyOut(0, text);
    Head& head = *arena.make<Head>(arena);
    h1::HeadFacts facts;
    if (h1::parseRequestHead(text, options, head, facts) != Reason::kNone) return state.SkipWithError("refused");
    benchmark::DoNotOptimize(head.headers.size());
    arena.reset();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kRequest.size()));
}
BENCHMARK(http1Parse);

// A request with seven fields is written.
void http1Write(benchmark::State& state) {
  buffer::BlockPool blocks;
  buffer::Buffer out(blocks);
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  Head& head = *arena.make<Head>(arena);
  head.method = "GET";
  head.scheme = "http";
  head.authority = "shop.example.com";
  head.path = "/api/v1/items/12345?fields=name,price";
  for (const auto& [name, value] : kFields) head.headers.addView(headerId(name), name, value);
  h1::MessageWriter writer(out);
  for (auto _ : state) {
    writer.reset();
    writer.request(head);
    writer.end(nullptr);
    benchmark::DoNotOptimize(out.size());
    out.clear();
  }
  if (!writer.done()) state.SkipWithError("the request was not written whole");
}
BENCHMARK(http1Write);

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

// A field is replaced, one added and one taken away, as a router does.
void headerMapEdit(benchmark::State& state) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  for (auto _ : state) {
    HeaderMap map(arena);
    for (const auto& [name, value] : kFields) map.addView(headerId(name), name, value);
    map.set(HeaderId::kUserAgent, "another");
    map.add("x-added", "value");
    benchmark::DoNotOptimize(map.remove("x-custom-header"));
    arena.reset();
  }
}
BENCHMARK(headerMapEdit);

void headerMapIterate(benchmark::State& state) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  HeaderMap map(arena);
  for (const auto& [name, value] : kFields) map.addView(headerId(name), name, value);
  for (auto _ : state) {
    size_t bytes = 0;
    for (const auto& field : map) bytes += field.name.size() + field.value.size();
    benchmark::DoNotOptimize(bytes);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kFields.size()));
}
BENCHMARK(headerMapIterate);

}  // namespace
}  // namespace weir::http
