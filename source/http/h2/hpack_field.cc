#include "source/http/h2/hpack_field.h"

#include "source/http/scan.h"

namespace weir::http::h2 {
namespace {

constexpr HpackField pseudo(Pseudo kind, std::string_view name, std::string_view value = {}) {
  return {name, value, HeaderId::kOther, kind, true, true, true, true};
}
constexpr HpackField known(HeaderId id, std::string_view name, std::string_view value = {}) {
  return {name, value, id, Pseudo::kNone, true, true, true, true};
}
constexpr HpackField other(std::string_view name) { return known(HeaderId::kOther, name); }

// RFC 7541 appendix A.
constexpr std::array<HpackField, kStaticFields> kStatic = {{
    pseudo(Pseudo::kAuthority, ":authority"),
    pseudo(Pseudo::kMethod, ":method", "GET"),
    pseudo(Pseudo::kMethod, ":method", "POST"),
    pseudo(Pseudo::kPath, ":path", "/"),
    pseudo(Pseudo::kPath, ":path", "/index.html"),
    pseudo(Pseudo::kScheme, ":scheme", "http"),
    pseudo(Pseudo::kScheme, ":scheme", "https"),
    pseudo(Pseudo::kStatus, ":status", "200"),
    pseudo(Pseudo::kStatus, ":status", "204"),
    pseudo(Pseudo::kStatus, ":status", "206"),
    pseudo(Pseudo::kStatus, ":status", "304"),
    pseudo(Pseudo::kStatus, ":status", "400"),
    pseudo(Pseudo::kStatus, ":status", "404"),
    pseudo(Pseudo::kStatus, ":status", "500"),
    other("accept-charset"),
    known(HeaderId::kAcceptEncoding, "accept-encoding", "gzip, deflate"),
    known(HeaderId::kAcceptLanguage, "accept-language"),
    other("accept-ranges"),
    known(HeaderId::kAccept, "accept"),
    known(HeaderId::kAccessControlAllowOrigin, "access-control-allow-origin"),
    known(HeaderId::kAge, "age"),
    other("allow"),
    known(HeaderId::kAuthorization, "authorization"),
    known(HeaderId::kCacheControl, "cache-control"),
    other("content-disposition"),
    known(HeaderId::kContentEncoding, "content-encoding"),
    other("content-language"),
    known(HeaderId::kContentLength, "content-length"),
    other("content-location"),
    other("content-range"),
    known(HeaderId::kContentType, "content-type"),
    known(HeaderId::kCookie, "cookie"),
    known(HeaderId::kDate, "date"),
    known(HeaderId::kEtag, "etag"),
    known(HeaderId::kExpect, "expect"),
    other("expires"),
    other("from"),
    known(HeaderId::kHost, "host"),
    other("if-match"),
    known(HeaderId::kIfModifiedSince, "if-modified-since"),
    known(HeaderId::kIfNoneMatch, "if-none-match"),
    other("if-range"),
    other("if-unmodified-since"),
    known(HeaderId::kLastModified, "last-modified"),
    other("link"),
    known(HeaderId::kLocation, "location"),
    other("max-forwards"),
    other("proxy-authenticate"),
    other("proxy-authorization"),
    known(HeaderId::kRange, "range"),
    known(HeaderId::kReferer, "referer"),
    other("refresh"),
    known(HeaderId::kRetryAfter, "retry-after"),
    known(HeaderId::kServer, "server"),
    known(HeaderId::kSetCookie, "set-cookie"),
    other("strict-transport-security"),
    known(HeaderId::kTransferEncoding, "transfer-encoding"),
    known(HeaderId::kUserAgent, "user-agent"),
    known(HeaderId::kVary, "vary"),
    known(HeaderId::kVia, "via"),
    other("www-authenticate"),
}};
static_assert(kStatic.back().name == "www-authenticate");

constexpr auto kFirstOfId = [] {
  std::array<uint8_t, static_cast<size_t>(HeaderId::kOther) + 1> first{};
  for (size_t i = kStaticFields; i > 0; --i) {
    const HpackField& field = kStatic[i - 1];
    if (field.id != HeaderId::kOther) first[static_cast<size_t>(field.id)] = static_cast<uint8_t>(i);
  }
  return first;
}();
constexpr auto kFirstOfPseudo = [] {
  std::array<uint8_t, static_cast<size_t>(Pseudo::kUnknown) + 1> first{};
  for (size_t i = kStaticFields; i > 0; --i) {
    const HpackField& field = kStatic[i - 1];
    if (field.pseudo != Pseudo::kNone) first[static_cast<size_t>(field.pseudo)] = static_cast<uint8_t>(i);
  }
  return first;
}();

bool isBlank(char c) { return c == ' ' || c == '\t'; }

Pseudo pseudoOf(std::string_view name) {
  if (name == ":method") return Pseudo::kMethod;
  if (name == ":scheme") return Pseudo::kScheme;
  if (name == ":authority") return Pseudo::kAuthority;
  if (name == ":path") return Pseudo::kPath;
  if (name == ":protocol") return Pseudo::kProtocol;
  if (name == ":status") return Pseudo::kStatus;
  return Pseudo::kUnknown;
}

}  // namespace

const HpackField& staticField(size_t index) { return kStatic[index - 1]; }
size_t staticIndex(HeaderId id) { return kFirstOfId[static_cast<size_t>(id)]; }
size_t staticIndex(Pseudo pseudo) { return kFirstOfPseudo[static_cast<size_t>(pseudo)]; }

void resolveName(HpackField& field) {
  if (!field.name.empty() && field.name.front() == ':') {
    field.pseudo = pseudoOf(field.name);
    return;
  }
  field.id = headerId(field.name);
  if (field.id != HeaderId::kOther) {
    field.name = headerName(field.id);
    field.fixed_name = true;
  } else {
    field.good_name = isLowerToken(field.name);
  }
}

bool isFieldValue(std::string_view value) {
  if (value.empty()) return true;
  return !isBlank(value.front()) && !isBlank(value.back()) && findOutside(kValueBytes, value) == value.size();
}

bool isLowerToken(std::string_view name) { return !name.empty() && findOutside(kLowerTokenBytes, name) == name.size(); }

}  // namespace weir::http::h2
