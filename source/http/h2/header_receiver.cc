// Request:   :method :scheme :path, :authority or host (the same if both); CONNECT: :method :authority alone, or with
//            :protocol all of them (RFC 8441)
// Response:  :status
// Trailers:  no pseudo-header
// Pseudo-headers come first, each once. Names are lower-case tokens, values have no control byte and no blank at either
// end. A field that belongs to a connection is an error, but "te: trailers".
#include "source/http/h2/header_receiver.h"

#include <algorithm>

#include "source/http/authority.h"
#include "source/http/scan.h"

namespace weir::http::h2 {
namespace {

constexpr size_t kMaxMethod = 32;
// RFC 9113 6.5.2: what each field counts beside its text.
constexpr uint64_t kFieldOverhead = 32;

bool isToken(std::string_view text) { return !text.empty() && findOutside(kTokenBytes, text) == text.size(); }

bool isBlank(char c) { return c == ' ' || c == '\t'; }

bool isValue(std::string_view value) {
  if (value.empty()) return true;
  return !isBlank(value.front()) && !isBlank(value.back()) && findOutside(kValueBytes, value) == value.size();
}

bool isName(std::string_view name) { return !name.empty() && findOutside(kLowerTokenBytes, name) == name.size(); }

bool sameAuthority(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

void HeaderReceiver::begin(Section section) {
  end();
  section_ = section;
  fields_ = arena_.make<HeaderMap>(arena_);
  method_ = scheme_ = authority_ = path_ = protocol_ = {};
  host_.reset();
  content_length_.reset();
  bytes_ = 0;
  count_ = cookies_ = 0;
  status_ = 0;
  pseudo_ = 0;
  regular_seen_ = expects_continue_ = false;
}

void HeaderReceiver::end() {
  fields_ = nullptr;
  arena_.reset();
}

Reason HeaderReceiver::add(std::string_view name, std::string_view value) {
  if (++count_ > options_.limits.head_fields) return Reason::kTooManyHeaders;
  bytes_ += name.size() + value.size() + kFieldOverhead;
  if (bytes_ > options_.limits.head_bytes) return Reason::kHeadersTooLarge;
  if (!isValue(value)) return Reason::kBadRequest;
  if (!name.empty() && name.front() == ':') return addPseudo(name, value);
  regular_seen_ = true;
  const HeaderId id = headerId(name);
  if (id == HeaderId::kOther && !isName(name)) return Reason::kBadRequest;
  return section_ == Section::kTrailers ? addInTrailers(id, name, value) : addRegular(id, name, value);
}

Reason HeaderReceiver::addPseudo(std::string_view name, std::string_view value) {
  if (regular_seen_ || section_ == Section::kTrailers) return Reason::kBadRequest;
  const auto keep = [&](Pseudo pseudo, std::string_view& place) {
    if (has(pseudo) || value.empty()) return Reason::kBadRequest;
    pseudo_ |= pseudo;
    place = arena_.copy(value);
    return Reason::kNone;
  };
  if (section_ == Section::kResponse) {
    if (name != ":status" || has(kStatus) || value.size() != 3) return Reason::kBadRequest;
    for (const char c : value) {
      if (c < '0' || c > '9') return Reason::kBadRequest;
      status_ = static_cast<uint16_t>(status_ * 10 + (c - '0'));
    }
    pseudo_ |= kStatus;
    return status_ >= 100 ? Reason::kNone : Reason::kBadRequest;
  }
  if (name == ":method") return keep(kMethod, method_);
  if (name == ":scheme") return keep(kScheme, scheme_);
  if (name == ":authority") return keep(kAuthority, authority_);
  if (name == ":path") {
    return value.size() > options_.limits.path_bytes ? Reason::kUriTooLong : keep(kPath, path_);
  }
  if (name == ":protocol" && options_.allow_connect) return keep(kProtocol, protocol_);
  return Reason::kBadRequest;
}

Reason HeaderReceiver::store(HeaderId id, std::string_view name, std::string_view value) {
  fields_->addView(id, id == HeaderId::kOther ? arena_.copy(name) : headerName(id), arena_.copy(value));
  return Reason::kNone;
}

Reason HeaderReceiver::addRegular(HeaderId id, std::string_view name, std::string_view value) {
  switch (id) {
    case HeaderId::kConnection:
    case HeaderId::kKeepAlive:
    case HeaderId::kProxyConnection:
    case HeaderId::kTransferEncoding:
    case HeaderId::kUpgrade:
      return Reason::kBadRequest;
    case HeaderId::kTe:
      if (fields_->has(HeaderId::kTe) || !equalsLower(value, "trailers")) return Reason::kBadRequest;
      return store(id, name, "trailers");
    case HeaderId::kContentLength:
      if (content_length_) return Reason::kBadFraming;
      content_length_ = parseContentLength(value);
      return content_length_ ? Reason::kNone : Reason::kBadFraming;
    case HeaderId::kHost:
      if (section_ == Section::kResponse) return store(id, name, value);
      if (host_) return Reason::kMissingHost;
      host_ = arena_.copy(value);
      return Reason::kNone;
    case HeaderId::kExpect:
      if (section_ == Section::kResponse) return Reason::kNone;
      if (expects_continue_ || !equalsLower(value, "100-continue")) return Reason::kExpectationFailed;
      expects_continue_ = true;
      return Reason::kNone;
    case HeaderId::kCookie:
      ++cookies_;
      return store(id, name, value);
    case HeaderId::kOther:
      if (isProxyField(name)) return Reason::kNone;
      if (options_.underscores != UnderscoreAction::kAllow && name.find('_') != std::string_view::npos) {
        return options_.underscores == UnderscoreAction::kReject ? Reason::kUnderscoreRefused : Reason::kNone;
      }
      return store(id, name, value);
    default:
      return store(id, name, value);
  }
}

Reason HeaderReceiver::addInTrailers(HeaderId id, std::string_view name, std::string_view value) {
  if (contains(kNotInTrailers, id)) return Reason::kBadFraming;
  if (id == HeaderId::kOther && isProxyField(name)) return Reason::kNone;
  return store(id, name, value);
}

Reason HeaderReceiver::finish(bool ends) {
  switch (section_) {
    case Section::kRequest:
      return finishRequest(ends);
    case Section::kResponse:
      // 101 has no meaning here (RFC 9113 8.6), and a head that another follows cannot be the end.
      if (!has(kStatus) || status_ == 101 || (status_ < 200 && ends)) return Reason::kBadRequest;
      return Reason::kNone;
    case Section::kTrailers:
      return ends ? Reason::kNone : Reason::kBadFraming;
  }
  return Reason::kBadRequest;
}

Reason HeaderReceiver::finishRequest(bool ends) {
  if (!has(kMethod) || method_.size() > kMaxMethod || !isToken(method_)) return Reason::kBadRequest;
  if (const Reason reason = finishTarget(); reason != Reason::kNone) return reason;
  if (const Reason reason = finishAuthority(); reason != Reason::kNone) return reason;
  if (tunnel() && (content_length_ || expects_continue_)) return Reason::kBadFraming;
  if (ends) {
    if (content_length_.value_or(0) > 0) return Reason::kBadFraming;
    expects_continue_ = false;
  }
  return Reason::kNone;
}

Reason HeaderReceiver::finishTarget() {
  if (has(kProtocol)) {
    if (!tunnel() || !isToken(protocol_)) return Reason::kBadRequest;
  } else if (tunnel()) {
    return has(kScheme) || has(kPath) || !has(kAuthority) ? Reason::kBadRequest : Reason::kNone;
  }
  if (!has(kScheme) || !has(kPath)) return Reason::kBadRequest;
  if (!equalsLower(scheme_, "http") && !equalsLower(scheme_, "https")) return Reason::kBadRequest;
  if (findOutside(kTargetBytes, path_) != path_.size()) return Reason::kBadRequest;
  const bool form = path_.front() == '/' || (path_ == "*" && method_ == "OPTIONS");
  return form ? Reason::kNone : Reason::kBadRequest;
}

Reason HeaderReceiver::finishAuthority() {
  if (!has(kAuthority)) {
    if (!host_ || host_->empty()) return Reason::kMissingHost;
    authority_ = *host_;
  } else if (host_ && !sameAuthority(*host_, authority_)) {
    return Reason::kMissingHost;
  }
  const std::optional<Authority> authority = parseAuthority(authority_);
  if (!authority) return Reason::kBadRequest;
  const bool plain_connect = tunnel() && !has(kProtocol);
  return plain_connect && !authority->port ? Reason::kBadRequest : Reason::kNone;
}

void HeaderReceiver::copyTo(Head& head) const {
  base::Arena& arena = head.arena();
  head.version = Version::kHttp2;
  head.status = status_;
  head.content_length = content_length_;
  head.expects_continue = expects_continue_;
  if (section_ == Section::kRequest) {
    // An extended CONNECT is an upgrade, which all of weir knows in the form that HTTP/1 gives it.
    head.method = has(kProtocol) ? std::string_view("GET") : arena.copy(method_);
    head.upgrade = arena.copyLower(protocol_);
    if (has(kScheme)) head.scheme = equalsLower(scheme_, "https") ? "https" : "http";
    head.authority = arena.copy(authority_);
    head.path = arena.copy(path_);
  }
  bool cookie_written = false;
  for (const Field& field : *fields_) {
    const std::string_view name = field.id == HeaderId::kOther ? arena.copy(field.name) : field.name;
    if (field.id != HeaderId::kCookie || cookies_ < 2) {
      head.headers.addView(field.id, name, arena.copy(field.value));
    } else if (!cookie_written) {
      // RFC 9113 8.2.3: pieces are joined before they go anywhere else.
      cookie_written = true;
      head.headers.addView(field.id, name, arena.copy(*fields_->joined("cookie")));
    }
  }
}

HeaderMap& HeaderReceiver::copyTrailers(base::Arena& arena) const {
  HeaderMap& trailers = *arena.make<HeaderMap>(arena);
  for (const Field& field : *fields_) {
    const std::string_view name = field.id == HeaderId::kOther ? arena.copy(field.name) : field.name;
    trailers.addView(field.id, name, arena.copy(field.value));
  }
  return trailers;
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

}  // namespace weir::http::h2
