// request-line = method SP request-target SP HTTP-version CRLF        (RFC 9112 section 3)
// status-line  = HTTP-version SP 3DIGIT [ SP *( HTAB / SP / VCHAR / obs-text ) ] CRLF
// targets: "/path?query", "http://authority/path" , "authority" for CONNECT, "*" for OPTIONS.
#include "source/http/h1/head_parser.h"

#include <functional>
#include <optional>

#include "source/http/authority.h"
#include "source/http/h1/field_parser.h"
#include "source/http/scan.h"

namespace weir::http::h1 {
namespace {

constexpr size_t kMaxMethod = 32;
constexpr size_t kVersionBytes = 8;  // "HTTP/1.1"

bool isDigit(char c) { return c >= '0' && c <= '9'; }

// kNone; kVersionNotSupported for something that looks like another version; kBadRequest for the rest.
Reason parseVersion(std::string_view text, Version& version) {
  if (text == "HTTP/1.1") {
    version = Version::kHttp11;
    return Reason::kNone;
  }
  if (text == "HTTP/1.0") {
    version = Version::kHttp10;
    return Reason::kNone;
  }
  const bool like = text.size() == kVersionBytes && text.substr(0, 5) == "HTTP/" && isDigit(text[5]) &&
                    text[6] == '.' && isDigit(text[7]);
  return like ? Reason::kVersionNotSupported : Reason::kBadRequest;
}

// The length of "http://" or "https://" at the front of `target`, in any case; 0 when there is none.
size_t schemeBytes(std::string_view target, std::string_view& scheme) {
  for (const std::string_view known : {std::string_view("http"), std::string_view("https")}) {
    if (target.size() <= known.size() + 3 || target.substr(known.size(), 3) != "://") continue;
    bool same = true;
    for (size_t i = 0; i < known.size(); ++i) same = same && (target[i] | 0x20) == known[i];
    if (!same) continue;
    scheme = known;
    return known.size() + 3;
  }
  return 0;
}

// Sets path, scheme, and the authority of the forms that carry one.
Reason parseTarget(std::string_view target, const H1Options& options, Head& head) {
  head.scheme = options.scheme;
  if (head.isConnect()) {
    const std::optional<Authority> authority = parseAuthority(target);
    if (!authority || !authority->port) return Reason::kBadRequest;
    head.authority = target;
    return Reason::kNone;
  }
  if (target.front() == '/') {
    head.path = target;
    return Reason::kNone;
  }
  if (target == "*") {
    if (head.method != "OPTIONS") return Reason::kBadRequest;
    head.path = target;
    return Reason::kNone;
  }
  const size_t scheme = schemeBytes(target, head.scheme);
  if (scheme == 0 || !options.allow_absolute_url) return Reason::kBadRequest;
  const std::string_view rest = target.substr(scheme);
  const size_t end = rest.find_first_of("/?");
  head.authority = rest.substr(0, end);
  if (!parseAuthority(head.authority)) return Reason::kBadRequest;
  if (end == std::string_view::npos) {
    head.path = head.method == "OPTIONS" ? "*" : "/";
  } else {
    head.path = rest[end] == '/' ? rest.substr(end) : head.arena().join("/", rest.substr(end));
  }
  return Reason::kNone;
}

// Cuts the request line off the front of `text`.
Reason parseRequestLine(std::span<char>& text, const H1Options& options, Head& head) {
  const std::string_view all(text.data(), text.size());
  const size_t method = findOutside(kTokenBytes, all);
  if (method == 0 || method > kMaxMethod || all[method] != ' ') return Reason::kBadRequest;
  const std::string_view after = all.substr(method + 1);
  const size_t target = findOutside(kTargetBytes, after);
  if (target == 0 || after[target] != ' ') return Reason::kBadRequest;
  const std::string_view version = after.substr(target + 1);
  // The scanner found a line end; there is a CR in front of the first LF.
  const size_t end = version.find('\r');
  if (end == std::string_view::npos || version[end + 1] != '\n') return Reason::kBadRequest;
  Reason error = parseVersion(version.substr(0, end), head.version);
  if (error != Reason::kNone) return error;
  if (head.version == Version::kHttp10 && !options.accept_http_10) return Reason::kVersionNotSupported;
  head.method = all.substr(0, method);
  error = parseTarget(after.substr(0, target), options, head);
  text = text.subspan(method + 1 + target + 1 + end + 2);
  return error;
}

Reason applyHost(const std::optional<std::string_view>& host, const H1Options& options, Head& head) {
  const bool http_10 = head.version == Version::kHttp10;
  if (host) {
    if (!parseAuthority(*host)) return host->empty() ? Reason::kMissingHost : Reason::kBadRequest;
    // RFC 9112 3.2.2: the authority in the target wins.
    if (head.authority.empty()) head.authority = *host;
    return Reason::kNone;
  }
  if (!http_10) return Reason::kMissingHost;
  if (head.authority.empty()) head.authority = options.default_host_for_http_10;
  return head.authority.empty() ? Reason::kMissingHost : Reason::kNone;
}

bool keepsAlive(const FieldFacts& fields, Version version) {
  return !fields.close && (version == Version::kHttp11 || fields.keep_alive);
}

}  // namespace

Reason parseRequestHead(std::span<char> text, const H1Options& options, Head& head, HeadFacts& facts) {
  Reason error = parseRequestLine(text, options, head);
  if (error != Reason::kNone) return error;
  FieldFacts fields;
  error = parseFields(text, options, head.headers, fields);
  if (error != Reason::kNone) return error;
  if (fields.chunked && head.version != Version::kHttp11) return Reason::kBadFraming;
  error = applyHost(fields.host, options, head);
  if (error != Reason::kNone) return error;
  const bool body = fields.chunked || fields.content_length.value_or(0) > 0;
  if (head.isConnect() && body) return Reason::kBadFraming;
  head.content_length = fields.content_length;
  facts.chunked = fields.chunked;
  facts.keep_alive = keepsAlive(fields, head.version);
  if (head.version == Version::kHttp11) {
    head.expects_continue = fields.expects_continue && body;
    // An upgrade may be ignored (RFC 9110 7.8): it is, beside a body or CONNECT, where both sides would have to agree
    // on when the tunnel begins, and for HTTP/2, which is not spoken that way.
    if (!body && !head.isConnect() && !fields.upgrade.empty()) {
      const std::string_view upgrade = head.arena().copyLower(fields.upgrade);
      if (upgrade != "h2c" && upgrade != "h2") head.upgrade = upgrade;
    }
  }
  return Reason::kNone;
}

Reason responseReason(Reason reason) {
  switch (reason) {
    case Reason::kNone:
      return Reason::kNone;
    case Reason::kHeadersTooLarge:
    case Reason::kTooManyHeaders:
      return Reason::kUpstreamHeadersTooLarge;
    default:
      return Reason::kUpstreamProtocol;
  }
}

Reason parseResponseHead(std::span<char> text, const H1Options& options, Head& head, HeadFacts& facts) {
  const std::string_view all(text.data(), text.size());
  // "HTTP/1.1 200", then a phrase behind a space or, as some servers have it, nothing.
  constexpr size_t kFixed = kVersionBytes + 4;
  if (all.size() < kFixed + 2 || parseVersion(all.substr(0, kVersionBytes), head.version) != Reason::kNone ||
      all[kVersionBytes] != ' ') {
    return Reason::kUpstreamProtocol;
  }
  const std::string_view digits = all.substr(kVersionBytes + 1, 3);
  if (digits[0] == '0' || !isDigit(digits[0]) || !isDigit(digits[1]) || !isDigit(digits[2])) {
    return Reason::kUpstreamProtocol;
  }
  head.status = static_cast<uint16_t>((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0'));
  const size_t end = kFixed + findOutside(kValueBytes, all.substr(kFixed));
  if ((end > kFixed && all[kFixed] != ' ') || end + 1 >= all.size() || all[end] != '\r' || all[end + 1] != '\n') {
    return Reason::kUpstreamProtocol;
  }
  FieldFacts fields;
  const Reason error = parseFields(text.subspan(end + 2), options, head.headers, fields);
  if (error != Reason::kNone) return responseReason(error);
  if (fields.chunked && head.version != Version::kHttp11) return Reason::kUpstreamProtocol;
  if (head.status == 101) head.upgrade = head.arena().copyLower(fields.upgrade);
  head.content_length = fields.content_length;
  facts.chunked = fields.chunked;
  facts.keep_alive = keepsAlive(fields, head.version);
  return Reason::kNone;
}

Head& moveHead(const Head& head, std::string_view text, base::Arena& to) {
  const std::string_view copy = to.copy(text);
  const auto inside = [text](std::string_view view) {
    return !std::less<>()(view.data(), text.data()) && !std::less<>()(text.data() + text.size(), view.data());
  };
  const auto moved = [&](std::string_view view) {
    if (view.empty()) return std::string_view();
    return inside(view) ? copy.substr(view.data() - text.data(), view.size()) : to.copy(view);
  };
  Head& out = *to.make<Head>(to);
  out.method = moved(head.method);
  out.scheme = head.scheme;  // static
  out.authority = moved(head.authority);
  out.path = moved(head.path);
  out.upgrade = moved(head.upgrade);
  out.status = head.status;
  out.version = head.version;
  out.content_length = head.content_length;
  out.expects_continue = head.expects_continue;
  for (const Field& field : head.headers) {
    const std::string_view name = field.id == HeaderId::kOther ? moved(field.name) : field.name;
    if (field.parsed) {
      out.headers.addParsed(field.id, name, moved(field.value));
    } else {
      out.headers.addView(field.id, name, moved(field.value));
    }
  }
  return out;
}

}  // namespace weir::http::h1
