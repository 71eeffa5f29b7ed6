// Reads the answer section of a DNS message (RFC 1035, section 4): the records of one type that the question's name
// leads to, by way of its aliases. Pure; takes any bytes and never reads outside of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "source/upstream/dns/resolver.h"

namespace weir::upstream::dns {

enum class RecordType : uint16_t { kA = 1, kCname = 5, kAaaa = 28, kSrv = 33 };

struct Answer {
  std::vector<AddressRecord> addresses;  // of A and AAAA
  std::vector<ServiceRecord> services;   // of SRV
};

// InvalidArgument when `message` is not well formed or its aliases lead in a circle. An answer without such records,
// an alias that leads nowhere included, is empty. Records of other names are left out.
absl::StatusOr<Answer> readAnswer(std::string_view message, RecordType type);

}  // namespace weir::upstream::dns
