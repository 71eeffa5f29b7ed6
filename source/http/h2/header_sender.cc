#include "source/http/h2/header_sender.h"

#include <charconv>

#include "source/http/authority.h"
#include "source/http/field_rules.h"
#include "source/http/scan.h"

namespace weir::http::h2 {
namespace {

constexpr size_t kDigits = 20;

bool isToken(std::string_view text) { return !text.empty() && findOutside(kTokenBytes, text) == text.size(); }

bool isTarget(std::string_view text) {
  const bool form = !text.empty() && (text.front() == '/' || text == "*");
  return form && findOutside(kTargetBytes, text) == text.size();
}

// A filter may have set a value with blanks at its ends, which HTTP/2 does not allow.
std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool isValid(const Field& field) {
  if (field.parsed) return true;
  return (field.id != HeaderId::kOther || isLowerToken(field.name)) &&
         findOutside(kValueBytes, field.value) == field.value.size();
}

bool areValid(const HeaderMap& fields, HeaderIds skipped) {
  for (const Field& field : fields) {
    if (!contains(skipped, field.id) && !isValid(field)) return false;
  }
  return true;
}

// One section in the scratch, which has room for `fields`, `more` bytes of other text and eight fields of it.
class SectionWriter {
 public:
  SectionWriter(const HeaderMap& fields, size_t more, HpackEncoder& encoder, SessionMemory& memory)
      : encoder_(encoder) {
    constexpr size_t kOthers = 8;
    const size_t each = HpackEncoder::most(0, 0);
    begin_ = memory.scratch(HpackEncoder::kBeginBytes + fields.bytes() + more + (fields.size() + kOthers) * each);
    at_ = encoder_.begin(begin_);
  }
  void add(Pseudo pseudo, std::string_view value) { at_ = encoder_.add(at_, pseudo, value); }
  void add(HeaderId id, std::string_view value) { at_ = encoder_.add(at_, id, headerName(id), value); }
  void addAll(const HeaderMap& fields, HeaderIds skipped) {
    for (const Field& field : fields) {
      if (!contains(skipped, field.id)) at_ = encoder_.add(at_, field.id, field.name, trim(field.value));
    }
  }
  void addLength(uint64_t length) {
    char digits[kDigits];
    add(HeaderId::kContentLength,
        std::string_view(digits, static_cast<size_t>(std::to_chars(digits, digits + kDigits, length).ptr - digits)));
  }
  std::string_view section() const { return {begin_, static_cast<size_t>(at_ - begin_)}; }

 private:
  HpackEncoder& encoder_;
  char* begin_;
  char* at_;
};

}  // namespace

std::optional<std::string_view> encodeRequest(const Head& head, HpackEncoder& encoder, SessionMemory& memory) {
  const bool plain_connect = head.isConnect();
  const bool extended = !head.upgrade.empty();
  const std::string_view path = head.path.empty() ? std::string_view("/") : head.path;
  if (!isToken(head.method) || (!plain_connect && !isTarget(path))) return std::nullopt;
  if (head.authority.empty() ? plain_connect : !parseAuthority(head.authority).has_value()) return std::nullopt;
  if (extended && (!isToken(head.upgrade) || plain_connect)) return std::nullopt;
  if (!areValid(head.headers, kNotInRequests)) return std::nullopt;
  const size_t more = 100 + head.method.size() + path.size() + head.authority.size() + head.upgrade.size();
  SectionWriter out(head.headers, more, encoder, memory);
  out.add(Pseudo::kMethod, extended ? std::string_view("CONNECT") : head.method);
  if (extended) out.add(Pseudo::kProtocol, head.upgrade);
  if (!plain_connect) {
    out.add(Pseudo::kScheme, head.scheme == "https" ? "https" : "http");
    out.add(Pseudo::kPath, path);
  }
  if (!head.authority.empty()) out.add(Pseudo::kAuthority, head.authority);
  out.addAll(head.headers, kNotInRequests);
  if (head.content_length && !extended && !plain_connect) out.addLength(*head.content_length);
  if (head.expects_continue) out.add(HeaderId::kExpect, "100-continue");
  return out.section();
}

std::optional<std::string_view> encodeResponse(const Head& head, uint16_t status, HpackEncoder& encoder,
                                               SessionMemory& memory) {
  if (status < 100 || status > 999 || !areValid(head.headers, kConnectionFields)) return std::nullopt;
  SectionWriter out(head.headers, 100, encoder, memory);
  const char digits[] = {static_cast<char>('0' + status / 100), static_cast<char>('0' + status / 10 % 10),
                         static_cast<char>('0' + status % 10)};
  out.add(Pseudo::kStatus, std::string_view(digits, sizeof(digits)));
  out.addAll(head.headers, kConnectionFields);
  const bool may_have_length = status >= 200 && status != 204 && head.status != 101;
  if (head.content_length && may_have_length) out.addLength(*head.content_length);
  return out.section();
}

std::optional<const HeaderMap*> checkedTrailers(const HeaderMap& trailers, base::Arena& arena) {
  if (!areValid(trailers, kNotInTrailers)) return std::nullopt;
  HeaderMap* copy = nullptr;
  for (const Field& field : trailers) {
    if (contains(kNotInTrailers, field.id)) continue;
    if (copy == nullptr) copy = arena.make<HeaderMap>(arena);
    const std::string_view name = field.id == HeaderId::kOther ? arena.copy(field.name) : field.name;
    copy->addView(field.id, name, arena.copy(field.value));
  }
  return copy;
}

std::string_view encodeTail(const HeaderMap& trailers, HpackEncoder& encoder, SessionMemory& memory) {
  SectionWriter out(trailers, 0, encoder, memory);
  out.addAll(trailers, 0);
  return out.section();
}

}  // namespace weir::http::h2
