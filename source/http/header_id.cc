#include "source/http/header_id.h"

#include <array>
#include <cstddef>

#include "source/base/check.h"

namespace weir::http {
namespace {

constexpr std::string_view kNames[] = {
#define WEIR_HEADER(id, name) name,
#include "source/http/header_names.inc"
#undef WEIR_HEADER
};
constexpr size_t kCount = sizeof(kNames) / sizeof(kNames[0]);
static_assert(kCount == static_cast<size_t>(HeaderId::kOther));
static_assert(kCount <= 63, "presence is one bit of 64 each");

constexpr size_t kSlots = 512;
constexpr uint8_t kEmpty = 0xff;

// Six bytes that tell all known names apart; the name is not empty.
constexpr uint64_t features(std::string_view name) {
  const auto at = [name](size_t i) { return static_cast<uint64_t>(static_cast<unsigned char>(name[i])); };
  const size_t n = name.size();
  return (n & 0xff) | at(0) << 8 | at(n / 2) << 16 | at(n - 1) << 24 | at(n >= 4 ? n - 4 : 0) << 32 | at(n / 3) << 40;
}

constexpr size_t slotOf(std::string_view name, uint64_t multiplier) { return (features(name) * multiplier) >> 55; }

struct Table {
  uint64_t multiplier = 0;
  std::array<uint8_t, kSlots> slots{};
};

// Tries multipliers until no two names share a slot. Runs in the compiler; a list that allows none does not compile.
constexpr Table makeTable() {
  uint64_t multiplier = 0x9e3779b97f4a7c15;
  for (int attempt = 0; attempt < 4000; ++attempt) {
    Table table{multiplier, {}};
    for (uint8_t& slot : table.slots) slot = kEmpty;
    bool distinct = true;
    for (size_t i = 0; i < kCount && distinct; ++i) {
      uint8_t& slot = table.slots[slotOf(kNames[i], multiplier)];
      distinct = slot == kEmpty;
      slot = static_cast<uint8_t>(i);
    }
    if (distinct) return table;
    multiplier = (multiplier * 6364136223846793005u + 1442695040888963407u) | 1;
  }
  return Table{};
}

constexpr Table kTable = makeTable();
static_assert(kTable.multiplier != 0, "no perfect hash was found for header_names.inc");

}  // namespace

HeaderId headerId(std::string_view lower_name) {
  if (lower_name.empty()) return HeaderId::kOther;
  const uint8_t i = kTable.slots[slotOf(lower_name, kTable.multiplier)];
  if (i == kEmpty || kNames[i] != lower_name) return HeaderId::kOther;
  return static_cast<HeaderId>(i);
}

std::string_view headerName(HeaderId id) {
  CHECK(id != HeaderId::kOther, "only names of the list have a text");
  return kNames[static_cast<size_t>(id)];
}

}  // namespace weir::http
