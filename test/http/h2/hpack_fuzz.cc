// Input: a byte that says how the rest is cut, then encoded sections, each behind two bytes of its length. What is
// decoded whole and in pieces is the same; nghttp2 finds the same in it; and what was decoded, encoded again, is read
// by nghttp2 as it was.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "test/http/h2/hpack_coder.h"
#include "test/http/h2/hpack_peer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::http::h2;
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const size_t step = 1 + data[0] % 64;
  Coder whole;
  Coder cut;
  Inflater of_input;
  Inflater of_ours;
  while (bytes.size() >= 2) {
    const size_t length = static_cast<unsigned char>(bytes[0]) * 256u + static_cast<unsigned char>(bytes[1]);
    const std::string_view block = bytes.substr(2, length);
    bytes.remove_prefix(2 + block.size());
    const auto fields = whole.decode(block);
    if (cut.decode(block, step) != fields) std::abort();
    if (!fields) return 0;
    // What weir takes, any other takes too; a block of nothing but sizes is one that nghttp2 asks to be continued.
    const auto theirs = of_input.inflate(block);
    if (theirs && *theirs != *fields) std::abort();
    if (!theirs && !fields->empty()) std::abort();
    const auto again = of_ours.inflate(whole.encode(*fields));
    if (!fields->empty() && (!again || *again != *fields)) std::abort();
  }
  return 0;
}
