#include "source/http/h2/header_sender.h"

#include <charconv>
#include <new>

#include "source/http/authority.h"
#include "source/http/field_rules.h"
#include "source/http/scan.h"

namespace weir::http::h2 {
namespace {

bool isToken(std::string_view text) { return !text.empty() && findOutside(kTokenBytes, text) == text.size(); }

bool isTarget(std::string_view text) {
  const bool form = !text.empty() && (text.front() == '/' || text == "*");
  return form && findOutside(kTargetBytes, text) == text.size();
}

class FieldList {
 public:
  FieldList(base::Arena& arena, size_t capacity)
      : arena_(arena),
        list_(static_cast<nghttp2_nv*>(arena.allocate(capacity * sizeof(nghttp2_nv), alignof(nghttp2_nv)))) {}

  void add(std::string_view name, std::string_view value) {
    // The library only reads them, though its type does not say so.
    auto* const n = reinterpret_cast<uint8_t*>(const_cast<char*>(name.data()));
    auto* const v = reinterpret_cast<uint8_t*>(const_cast<char*>(value.data()));
    new (&list_[size_++])
        nghttp2_nv{n, v, name.size(), value.size(), NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
  }
  void addNumber(std::string_view name, uint64_t number) {
    char* const digits = arena_.allocateChars(20);
    add(name, std::string_view(digits, std::to_chars(digits, digits + 20, number).ptr - digits));
  }
  // False when it is not valid.
  bool addChecked(const Field& field) {
    const bool name = field.id != HeaderId::kOther ||
                      (!field.name.empty() && findOutside(kLowerTokenBytes, field.name) == field.name.size());
    if (!name || findOutside(kValueBytes, field.value) != field.value.size()) return false;
    add(field.name, trim(field.value));
    return true;
  }
  bool addAll(const HeaderMap& fields, HeaderIds skipped) {
    for (const Field& field : fields) {
      if (contains(skipped, field.id)) continue;
      if (!addChecked(field)) return false;
    }
    return true;
  }
  Fields fields() const { return {list_, size_}; }

 private:
  // A filter may have set a value with blanks at its ends, which HTTP/2 does not allow.
  static std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
  }

  base::Arena& arena_;
  nghttp2_nv* list_;
  size_t size_ = 0;
};

}  // namespace

std::optional<Fields> requestFields(const Head& head, base::Arena& arena) {
  const bool plain_connect = head.isConnect();
  const bool extended = !head.upgrade.empty();
  const std::string_view path = head.path.empty() ? std::string_view("/") : head.path;
  if (!isToken(head.method) || (!plain_connect && !isTarget(path))) return std::nullopt;
  if (head.authority.empty() ? plain_connect : !parseAuthority(head.authority).has_value()) return std::nullopt;
  if (extended && (!isToken(head.upgrade) || plain_connect)) return std::nullopt;
  FieldList list(arena, head.headers.size() + 8);
  list.add(":method", extended ? std::string_view("CONNECT") : head.method);
  if (extended) list.add(":protocol", head.upgrade);
  if (!plain_connect) {
    list.add(":scheme", head.scheme == "https" ? "https" : "http");
    list.add(":path", path);
  }
  if (!head.authority.empty()) list.add(":authority", head.authority);
  if (!list.addAll(head.headers, kNotInRequests)) return std::nullopt;
  if (head.content_length && !extended && !plain_connect) list.addNumber("content-length", *head.content_length);
  if (head.expects_continue) list.add("expect", "100-continue");
  return list.fields();
}

std::optional<Fields> responseFields(const Head& head, uint16_t status, base::Arena& arena) {
  if (status < 100 || status > 999) return std::nullopt;
  FieldList list(arena, head.headers.size() + 2);
  list.addNumber(":status", status);
  if (!list.addAll(head.headers, kConnectionFields)) return std::nullopt;
  const bool may_have_length = status >= 200 && status != 204 && head.status != 101;
  if (head.content_length && may_have_length) list.addNumber("content-length", *head.content_length);
  return list.fields();
}

std::optional<Fields> trailerFields(const HeaderMap& trailers, base::Arena& arena) {
  FieldList list(arena, trailers.size());
  for (const Field& field : trailers) {
    if (contains(kNotInTrailers, field.id)) continue;
    const std::string_view name = field.id == HeaderId::kOther ? arena.copy(field.name) : field.name;
    if (!list.addChecked({name, arena.copy(field.value), field.id})) return std::nullopt;
  }
  return list.fields();
}

}  // namespace weir::http::h2
