// HpackField: one field of a header section as HPACK carries it, with what is known of its name, and the static table
// of RFC 7541 appendix A. Views only; whoever fills a field says how long they live.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/http/header_id.h"

namespace weir::http::h2 {

enum class Pseudo : uint8_t {
  kNone,
  kMethod,
  kScheme,
  kAuthority,
  kPath,
  kProtocol,
  kStatus,
  kUnknown,  // begins with a colon
};

struct HpackField {
  std::string_view name;
  std::string_view value;
  HeaderId id = HeaderId::kOther;
  Pseudo pseudo = Pseudo::kNone;
  // The text is of the program itself.
  bool fixed_name = false;
  bool fixed_value = false;
  // The bytes are those that RFC 9113 8.2.1 allows.
  bool good_name = true;
  bool good_value = true;
};

// What RFC 7541 4.1 and RFC 9113 6.5.2 count for a field beside its text.
inline constexpr size_t kFieldOverhead = 32;

inline constexpr size_t kStaticFields = 61;
// `index` is from 1 to kStaticFields.
const HpackField& staticField(size_t index);
// The first index of the static table under that name; 0: none.
size_t staticIndex(HeaderId id);
size_t staticIndex(Pseudo pseudo);
// Fills id or pseudo, good_name, and where the name is known also the name itself.
void resolveName(HpackField& field);
// Whether the bytes of a value are allowed: no control byte but the tab, no blank at either end.
bool isFieldValue(std::string_view value);
bool isLowerToken(std::string_view name);

}  // namespace weir::http::h2
