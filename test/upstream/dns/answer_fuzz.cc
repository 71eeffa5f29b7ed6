// Any bytes as a DNS answer: the reader takes them or refuses them, and what it took is sound.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/base/check.h"
#include "source/upstream/dns/answer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using weir::upstream::dns::RecordType;
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  for (const RecordType type : {RecordType::kA, RecordType::kAaaa, RecordType::kSrv}) {
    const auto answer = weir::upstream::dns::readAnswer(message, type);
    if (!answer.ok()) continue;
    CHECK(type == RecordType::kSrv ? answer->addresses.empty() : answer->services.empty(),
          "an answer has records of the type that was asked for");
    // A record takes eleven bytes at least.
    CHECK((answer->addresses.size() + answer->services.size()) * 11 <= size, "records come from the message");
    for (const auto& record : answer->addresses) CHECK(record.address.isIp(), "an address is one");
    for (const auto& service : answer->services) CHECK(service.target.size() <= 255, "a name has its bound");
  }
  return 0;
}
