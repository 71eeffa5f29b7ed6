// Our encoder and decoder with whole sections as text, for tests and the fuzz target.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/http/h2/hpack_decoder.h"
#include "source/http/h2/hpack_encoder.h"

namespace weir::http::h2 {

class Coder {
 public:
  explicit Coder(uint32_t table = 4096) : decoder(memory, table, 1 << 20), encoder(memory, table) {}

  std::string encode(const std::vector<std::pair<std::string, std::string>>& fields) {
    size_t most = HpackEncoder::kBeginBytes;
    for (const auto& [name, value] : fields) most += HpackEncoder::most(name.size(), value.size());
    std::string out(most, '\0');
    char* at = encoder.begin(out.data());
    for (const auto& [name, value] : fields) {
      HpackField field;
      field.name = name;
      resolveName(field);
      const bool pseudo = field.pseudo != Pseudo::kNone && field.pseudo != Pseudo::kUnknown;
      at = pseudo ? encoder.add(at, field.pseudo, value) : encoder.add(at, field.id, field.name, value);
    }
    out.resize(static_cast<size_t>(at - out.data()));
    return out;
  }

  // `step`: bytes that are given at a time.
  std::optional<std::vector<std::pair<std::string, std::string>>> decode(std::string_view block,
                                                                         size_t step = SIZE_MAX) {
    std::vector<std::pair<std::string, std::string>> fields;
    HpackText text(memory);
    decoder.begin();
    std::string waiting;
    while (!block.empty()) {
      waiting += block.substr(0, step);
      block.remove_prefix(std::min(step, block.size()));
      std::string_view rest = waiting;
      for (;;) {
        HpackField field;
        const HpackDecoder::Step result = decoder.next(rest, text, field);
        if (result == HpackDecoder::Step::kError) return std::nullopt;
        if (result == HpackDecoder::Step::kMore) break;
        fields.emplace_back(field.name, field.value);
      }
      waiting = std::string(rest);
    }
    if (!waiting.empty()) return std::nullopt;
    return fields;
  }

  SessionMemory memory;
  HpackDecoder decoder;
  HpackEncoder encoder;
};

}  // namespace weir::http::h2
