// field-line   = token ":" OWS *( HTAB / SP / VCHAR / obs-text ) OWS CRLF      (RFC 9112 section 5)
// What is taken out of a head, and what becomes of it:
//   Host, Content-Length, Transfer-Encoding, Expect      facts; each at most once
//   Connection    close, keep-alive and upgrade are facts; fields with any other name in it are dropped
//   Upgrade       a fact
//   TE            kept as "te: trailers" if it says so
//   Keep-Alive, Proxy-*                                  dropped
#include "source/http/h1/field_parser.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "source/http/field_rules.h"
#include "source/http/scan.h"

namespace weir::http::h1 {
namespace {

constexpr size_t kMaxNominated = 32;

bool isBlank(char c) { return c == ' ' || c == '\t'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && isBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && isBlank(text.back())) text.remove_suffix(1);
  return text;
}

// Eight bytes at a time: adding what is missing from 'A', and from one behind 'Z', up to 0x80 sets the highest bit of
// those that are at or above it. The bytes are those of a token, so that none has that bit itself.
uint64_t lowerEight(uint64_t eight) {
  constexpr uint64_t kEach = 0x0101010101010101;
  const uint64_t capitals = (eight + kEach * (0x80 - 'A')) & ~(eight + kEach * (0x80 - 'Z' - 1)) & kEach * 0x80;
  return eight + (capitals >> 2);
}

void lowerInPlace(char* text, size_t size) {
  const auto load = [text](size_t at) {
    uint64_t eight;
    std::memcpy(&eight, text + at, 8);
    return eight;
  };
  const auto store = [text](size_t at, uint64_t eight) { std::memcpy(text + at, &eight, 8); };
  if (size >= 8) {
    // The last eight overlap those before; read first, they do not wait for what was just written.
    const uint64_t last = load(size - 8);
    for (size_t i = 0; i + 8 < size; i += 8) store(i, lowerEight(load(i)));
    store(size - 8, lowerEight(last));
    return;
  }
  for (size_t i = 0; i < size; ++i) {
    const char c = text[i];
    text[i] = static_cast<char>(c + (static_cast<unsigned char>(c - 'A') < 26 ? 0x20 : 0));
  }
}

// Calls fn(element) for each element of a comma-separated list that is not empty.
template <typename Fn>
void forEachElement(std::string_view list, Fn&& fn) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view element = trim(list.substr(0, comma));
    if (!element.empty()) fn(element);
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

struct Line {
  std::string_view name;  // lower case
  std::string_view value;
  HeaderId id;
};

// Cuts one line off the front of `rest`. False when it is not a well-formed field line.
bool cutLine(std::span<char>& rest, Line& line) {
  const std::string_view text(rest.data(), rest.size());
  const size_t name = findOutside(kTokenBytes, text);
  if (name == 0 || name >= text.size() || text[name] != ':') return false;
  const std::string_view after = text.substr(name + 1);
  const size_t value = findOutside(kValueBytes, after);
  if (value + 1 >= after.size() || after[value] != '\r' || after[value + 1] != '\n') return false;
  lowerInPlace(rest.data(), name);
  line.name = text.substr(0, name);
  line.value = trim(after.substr(0, value));
  line.id = headerId(line.name);
  rest = rest.subspan(name + 1 + value + 2);
  return true;
}

// Collects what the lines of one head say.
class HeadFields {
 public:
  HeadFields(const H1Options& options, HeaderMap& fields, FieldFacts& facts)
      : options_(options), fields_(fields), facts_(facts) {}

  Reason take(const Line& line) {
    switch (line.id) {
      case HeaderId::kHost:
        if (facts_.host) return Reason::kMissingHost;
        facts_.host = line.value;
        return Reason::kNone;
      case HeaderId::kContentLength:
        if (facts_.content_length) return Reason::kBadFraming;
        facts_.content_length = parseContentLength(line.value);
        return facts_.content_length ? Reason::kNone : Reason::kBadFraming;
      case HeaderId::kTransferEncoding:
        if (facts_.chunked || !equalsLower(line.value, "chunked")) return Reason::kBadFraming;
        facts_.chunked = true;
        return Reason::kNone;
      case HeaderId::kExpect:
        if (facts_.expects_continue || !equalsLower(line.value, "100-continue")) return Reason::kExpectationFailed;
        facts_.expects_continue = true;
        return Reason::kNone;
      case HeaderId::kConnection:
        return takeConnection(line.value);
      case HeaderId::kUpgrade:
        upgrade_ = line.value;
        ++upgrades_;
        return Reason::kNone;
      case HeaderId::kTe:
        forEachElement(line.value, [this](std::string_view e) { te_trailers_ |= equalsLower(e, "trailers"); });
        return Reason::kNone;
      case HeaderId::kKeepAlive:
      case HeaderId::kProxyConnection:
        return Reason::kNone;
      case HeaderId::kOther:
        return takeOther(line);
      default:
        fields_.addParsed(line.id, headerName(line.id), line.value);
        return Reason::kNone;
    }
  }

  void finish() {
    if (nominated_count_ > 0) {
      fields_.removeIf([this](const Field& field) { return isNominated(field.name); });
    }
    if (te_trailers_) fields_.addView(HeaderId::kTe, headerName(HeaderId::kTe), "trailers");
    if (!upgrade_nominated_ || upgrades_ != 1) return;
    if (upgrade_.empty() || findOutside(kTokenBytes, upgrade_) != upgrade_.size()) return;
    facts_.upgrade = upgrade_;
  }

 private:
  Reason takeOther(const Line& line) {
    if (isProxyField(line.name)) return Reason::kNone;
    if (options_.underscores != UnderscoreAction::kAllow && line.name.find('_') != std::string_view::npos) {
      return options_.underscores == UnderscoreAction::kReject ? Reason::kUnderscoreRefused : Reason::kNone;
    }
    fields_.addParsed(HeaderId::kOther, line.name, line.value);
    return Reason::kNone;
  }

  // Fields that frame or route are no fields here, so that nominating them takes nothing away.
  Reason takeConnection(std::string_view list) {
    Reason error = Reason::kNone;
    forEachElement(list, [&](std::string_view element) {
      if (equalsLower(element, "close")) {
        facts_.close = true;
      } else if (equalsLower(element, "keep-alive")) {
        facts_.keep_alive = true;
      } else if (equalsLower(element, "upgrade")) {
        upgrade_nominated_ = true;
      } else if (equalsLower(element, "te")) {
        return;
      } else if (nominated_count_ == kMaxNominated) {
        error = Reason::kBadRequest;
      } else {
        nominated_[nominated_count_++] = element;
      }
    });
    return error;
  }

  bool isNominated(std::string_view name) const {
    return std::any_of(nominated_.begin(), nominated_.begin() + nominated_count_,
                       [name](std::string_view nominated) { return equalsLower(nominated, name); });
  }

  const H1Options& options_;
  HeaderMap& fields_;
  FieldFacts& facts_;
  std::array<std::string_view, kMaxNominated> nominated_;
  size_t nominated_count_ = 0;
  std::string_view upgrade_;
  uint32_t upgrades_ = 0;
  bool upgrade_nominated_ = false;
  bool te_trailers_ = false;
};

bool forbiddenInTrailers(const Line& line) {
  switch (line.id) {
    case HeaderId::kHost:
    case HeaderId::kContentLength:
    case HeaderId::kTransferEncoding:
    case HeaderId::kExpect:
    case HeaderId::kConnection:
    case HeaderId::kUpgrade:
    case HeaderId::kTe:
    case HeaderId::kTrailer:
    case HeaderId::kKeepAlive:
    case HeaderId::kProxyConnection:
    case HeaderId::kAuthorization:
    case HeaderId::kContentEncoding:
    case HeaderId::kContentType:
    case HeaderId::kCookie:
    case HeaderId::kSetCookie:
    case HeaderId::kRange:
    case HeaderId::kCacheControl:
      return true;
    default:
      return isProxyField(line.name) || line.name == "content-range";
  }
}

// Cuts the lines and hands each to take(line) until one is refused.
template <typename Take>
Reason forEachLine(std::span<char> lines, const H1Options& options, Take&& take) {
  uint32_t count = 0;
  while (lines.size() > 2) {
    Line line;
    if (!cutLine(lines, line)) return Reason::kBadRequest;
    if (++count > options.limits.head_fields) return Reason::kTooManyHeaders;
    const Reason error = take(line);
    if (error != Reason::kNone) return error;
  }
  return Reason::kNone;
}

}  // namespace

Reason parseFields(std::span<char> lines, const H1Options& options, HeaderMap& fields, FieldFacts& facts) {
  HeadFields head(options, fields, facts);
  const Reason error = forEachLine(lines, options, [&head](const Line& line) { return head.take(line); });
  if (error != Reason::kNone) return error;
  head.finish();
  return facts.chunked && facts.content_length ? Reason::kBadFraming : Reason::kNone;
}

Reason parseTrailers(std::span<char> lines, const H1Options& options, HeaderMap& fields) {
  return forEachLine(lines, options, [&fields](const Line& line) {
    if (forbiddenInTrailers(line)) return Reason::kBadFraming;
    fields.addParsed(line.id, line.id == HeaderId::kOther ? line.name : headerName(line.id), line.value);
    return Reason::kNone;
  });
}

}  // namespace weir::http::h1
