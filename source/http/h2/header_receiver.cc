// Request:   :method :scheme :path, :authority or host (the same if both); CONNECT: :method :authority alone, or with
//            :protocol all of them (RFC 8441)
// Response:  :status
// Trailers:  no pseudo-header
// Pseudo-headers come first, each once. Names are lower-case tokens, values have no control byte and no blank at either
// end. A field that belongs to a connection is an error, but "te: trailers".
#include "source/http/h2/header_receiver.h"

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "source/base/check.h"
#include "source/http/authority.h"
#include "source/http/scan.h"

namespace weir::http::h2 {
namespace {

constexpr size_t kMaxMethod = 32;

bool isToken(std::string_view text) { return !text.empty() && findOutside(kTokenBytes, text) == text.size(); }

bool sameAuthority(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

// Text of the program, or at an offset of what the section keeps.
struct HeaderReceiver::Text {
  const char* fixed = nullptr;
  uint32_t offset = 0;
  uint32_t size = 0;

  std::string_view in(const char* kept) const { return {fixed != nullptr ? fixed : kept + offset, size}; }
};

// In one piece of memory, which is enough for usual sections.
struct HeaderReceiver::Collected {
  struct Stored {
    Text name;
    Text value;
    HeaderId id;
  };
  static constexpr size_t kFields = 24;
  static constexpr size_t kText = 1024;
  static constexpr size_t kPseudos = static_cast<size_t>(Pseudo::kStatus) + 1;

  Collected(SessionMemory& session_memory, Section kind)
      : memory(session_memory), section(kind), text(session_memory, text_room.data(), kText) {}
  ~Collected() {
    if (fields != ownFields()) memory.release(fields);
  }
  Stored* ownFields() { return reinterpret_cast<Stored*>(field_room.data()); }
  bool has(Pseudo p) const { return (seen >> static_cast<unsigned>(p)) & 1; }
  std::string_view view(Pseudo p) const { return pseudo[static_cast<size_t>(p)].in(text.kept().data()); }
  Text keep(std::string_view value, bool fixed) {
    const auto size = static_cast<uint32_t>(value.size());
    if (fixed) return {value.data(), 0, size};
    return {nullptr, static_cast<uint32_t>(text.keep(value)), size};
  }
  void push(const Stored& field) {
    if (field_count == field_capacity) {
      const size_t larger = field_capacity * 2;
      auto* const moved = static_cast<Stored*>(memory.allocate(larger * sizeof(Stored)));
      CHECK(moved != nullptr, "there is memory for a header section");
      std::uninitialized_copy_n(fields, field_count, moved);
      if (fields != ownFields()) memory.release(fields);
      fields = moved;
      field_capacity = larger;
    }
    new (&fields[field_count++]) Stored(field);
  }
  bool tunnel() const { return view(Pseudo::kMethod) == "CONNECT"; }

  SessionMemory& memory;
  Section section;
  uint8_t seen = 0;  // a bit for each Pseudo
  bool regular_seen = false;
  bool expects_continue = false;
  bool te_seen = false;
  uint16_t status = 0;
  uint32_t count = 0;
  uint32_t cookies = 0;
  uint64_t bytes = 0;
  std::optional<uint64_t> content_length;
  std::optional<Text> host;
  std::array<Text, kPseudos> pseudo;
  std::array<char, kText> text_room;  // left as it is, too
  HpackText text;
  Stored* fields = ownFields();
  size_t field_count = 0;
  size_t field_capacity = kFields;
  // Left as they are: only what was stored is read.
  alignas(Stored) std::array<char, kFields * sizeof(Stored)> field_room;
};

void HeaderReceiver::begin(Section section) {
  end();
  static_assert(alignof(Collected) <= 8);
  void* const memory = memory_.allocate(sizeof(Collected));
  CHECK(memory != nullptr, "there is memory for a header section");
  part_ = new (memory) Collected(memory_, section);
}

void HeaderReceiver::end() {
  if (part_ == nullptr) return;
  part_->~Collected();
  memory_.release(part_);
  part_ = nullptr;
}

HpackText& HeaderReceiver::text() { return part_->text; }
Section HeaderReceiver::section() const { return part_->section; }

Reason HeaderReceiver::add(const HpackField& field) {
  if (++part_->count > options_.limits.head_fields) return Reason::kTooManyHeaders;
  part_->bytes += field.name.size() + field.value.size() + kFieldOverhead;
  if (part_->bytes > options_.limits.head_bytes) return Reason::kHeadersTooLarge;
  if (!field.good_value) return Reason::kBadRequest;
  if (field.pseudo != Pseudo::kNone) return addPseudo(field);
  part_->regular_seen = true;
  if (!field.good_name) return Reason::kBadRequest;
  return part_->section == Section::kTrailers ? addInTrailers(field) : addRegular(field);
}

Reason HeaderReceiver::addStatus(std::string_view value) {
  if (value.size() != 3) return Reason::kBadRequest;
  for (const char c : value) {
    if (c < '0' || c > '9') return Reason::kBadRequest;
    part_->status = static_cast<uint16_t>(part_->status * 10 + (c - '0'));
  }
  return part_->status >= 100 ? Reason::kNone : Reason::kBadRequest;
}

Reason HeaderReceiver::addPseudo(const HpackField& field) {
  const Pseudo p = field.pseudo;
  if (part_->regular_seen || part_->section == Section::kTrailers || p == Pseudo::kUnknown) return Reason::kBadRequest;
  if (part_->has(p) || (p == Pseudo::kStatus) != (part_->section == Section::kResponse)) return Reason::kBadRequest;
  part_->seen = static_cast<uint8_t>(part_->seen | 1u << static_cast<unsigned>(p));
  if (p == Pseudo::kStatus) return addStatus(field.value);
  if (p == Pseudo::kProtocol && !options_.allow_connect) return Reason::kBadRequest;
  if (p == Pseudo::kPath && field.value.size() > options_.limits.path_bytes) return Reason::kUriTooLong;
  if (field.value.empty()) return Reason::kBadRequest;
  part_->pseudo[static_cast<size_t>(p)] = part_->keep(field.value, field.fixed_value);
  return Reason::kNone;
}

Reason HeaderReceiver::store(const HpackField& field) {
  // What stands where it can stay is kept before the other is copied.
  if (part_->text.has(field.name)) {
    const Text name = part_->keep(field.name, field.fixed_name);
    part_->push({name, part_->keep(field.value, field.fixed_value), field.id});
  } else {
    const Text value = part_->keep(field.value, field.fixed_value);
    part_->push({part_->keep(field.name, field.fixed_name), value, field.id});
  }
  return Reason::kNone;
}

Reason HeaderReceiver::addRegular(const HpackField& field) {
  switch (field.id) {
    case HeaderId::kConnection:
    case HeaderId::kKeepAlive:
    case HeaderId::kProxyConnection:
    case HeaderId::kTransferEncoding:
    case HeaderId::kUpgrade:
      return Reason::kBadRequest;
    case HeaderId::kTe: {
      if (std::exchange(part_->te_seen, true) || !equalsLower(field.value, "trailers")) return Reason::kBadRequest;
      HpackField te = field;
      te.value = "trailers";
      te.fixed_value = true;
      return store(te);
    }
    case HeaderId::kContentLength:
      if (part_->content_length) return Reason::kBadFraming;
      part_->content_length = parseContentLength(field.value);
      return part_->content_length ? Reason::kNone : Reason::kBadFraming;
    case HeaderId::kHost:
      if (part_->section == Section::kResponse) return store(field);
      if (part_->host) return Reason::kMissingHost;
      part_->host = part_->keep(field.value, field.fixed_value);
      return Reason::kNone;
    case HeaderId::kExpect:
      if (part_->section == Section::kResponse) return Reason::kNone;
      if (part_->expects_continue || !equalsLower(field.value, "100-continue")) return Reason::kExpectationFailed;
      part_->expects_continue = true;
      return Reason::kNone;
    case HeaderId::kCookie:
      ++part_->cookies;
      return store(field);
    case HeaderId::kOther:
      if (isProxyField(field.name)) return Reason::kNone;
      if (options_.underscores != UnderscoreAction::kAllow && field.name.find('_') != std::string_view::npos) {
        return options_.underscores == UnderscoreAction::kReject ? Reason::kUnderscoreRefused : Reason::kNone;
      }
      return store(field);
    default:
      return store(field);
  }
}

Reason HeaderReceiver::addInTrailers(const HpackField& field) {
  if (contains(kNotInTrailers, field.id)) return Reason::kBadFraming;
  if (field.id == HeaderId::kOther && isProxyField(field.name)) return Reason::kNone;
  return store(field);
}

Reason HeaderReceiver::finish(bool ends) {
  switch (part_->section) {
    case Section::kRequest:
      return finishRequest(ends);
    case Section::kResponse: {
      // 101 has no meaning here (RFC 9113 8.6), and a head that another follows cannot be the end.
      const uint16_t status = part_->status;
      return status == 0 || status == 101 || (status < 200 && ends) ? Reason::kBadRequest : Reason::kNone;
    }
    case Section::kTrailers:
      return ends ? Reason::kNone : Reason::kBadFraming;
  }
  return Reason::kBadRequest;
}

Reason HeaderReceiver::finishRequest(bool ends) {
  const std::string_view method = part_->view(Pseudo::kMethod);
  if (method.size() > kMaxMethod || !isToken(method)) return Reason::kBadRequest;
  if (const Reason reason = finishTarget(); reason != Reason::kNone) return reason;
  if (const Reason reason = finishAuthority(); reason != Reason::kNone) return reason;
  if (part_->tunnel() && (part_->content_length || part_->expects_continue)) return Reason::kBadFraming;
  if (ends) {
    if (part_->content_length.value_or(0) > 0) return Reason::kBadFraming;
    part_->expects_continue = false;
  }
  return Reason::kNone;
}

Reason HeaderReceiver::finishTarget() {
  const bool has_scheme = part_->has(Pseudo::kScheme);
  const bool has_path = part_->has(Pseudo::kPath);
  if (part_->has(Pseudo::kProtocol)) {
    if (!part_->tunnel() || !isToken(part_->view(Pseudo::kProtocol))) return Reason::kBadRequest;
  } else if (part_->tunnel()) {
    return has_scheme || has_path || !part_->has(Pseudo::kAuthority) ? Reason::kBadRequest : Reason::kNone;
  }
  if (!has_scheme || !has_path) return Reason::kBadRequest;
  const std::string_view scheme = part_->view(Pseudo::kScheme);
  if (!equalsLower(scheme, "http") && !equalsLower(scheme, "https")) return Reason::kBadRequest;
  const std::string_view path = part_->view(Pseudo::kPath);
  if (findOutside(kTargetBytes, path) != path.size()) return Reason::kBadRequest;
  const bool form = path.front() == '/' || (path == "*" && part_->view(Pseudo::kMethod) == "OPTIONS");
  return form ? Reason::kNone : Reason::kBadRequest;
}

Reason HeaderReceiver::finishAuthority() {
  const char* const kept = part_->text.kept().data();
  if (!part_->has(Pseudo::kAuthority)) {
    if (!part_->host || part_->host->size == 0) return Reason::kMissingHost;
    part_->pseudo[static_cast<size_t>(Pseudo::kAuthority)] = *part_->host;
  } else if (part_->host && !sameAuthority(part_->host->in(kept), part_->view(Pseudo::kAuthority))) {
    return Reason::kMissingHost;
  }
  const std::optional<Authority> authority = parseAuthority(part_->view(Pseudo::kAuthority));
  if (!authority) return Reason::kBadRequest;
  const bool plain_connect = part_->tunnel() && !part_->has(Pseudo::kProtocol);
  return plain_connect && !authority->port ? Reason::kBadRequest : Reason::kNone;
}

void HeaderReceiver::copyTo(Head& head) const {
  base::Arena& arena = head.arena();
  const char* const text = arena.copy(part_->text.kept()).data();
  head.version = Version::kHttp2;
  head.status = part_->status;
  head.content_length = part_->content_length;
  head.expects_continue = part_->expects_continue;
  if (part_->section == Section::kRequest) {
    const auto view = [&](Pseudo p) { return part_->pseudo[static_cast<size_t>(p)].in(text); };
    // An extended CONNECT is an upgrade, which all of weir knows in the form that HTTP/1 gives it.
    const bool extended = part_->has(Pseudo::kProtocol);
    head.method = extended ? std::string_view("GET") : view(Pseudo::kMethod);
    if (extended) head.upgrade = arena.copyLower(view(Pseudo::kProtocol));
    if (part_->has(Pseudo::kScheme)) head.scheme = equalsLower(view(Pseudo::kScheme), "https") ? "https" : "http";
    head.authority = view(Pseudo::kAuthority);
    if (part_->has(Pseudo::kPath)) head.path = view(Pseudo::kPath);
  }
  copyFields(head.headers, text);
}

void HeaderReceiver::copyFields(HeaderMap& fields, const char* text) const {
  const bool joins = part_->section == Section::kRequest && part_->cookies > 1;
  for (size_t i = 0; i < part_->field_count; ++i) {
    const Collected::Stored& field = part_->fields[i];
    if (!joins || field.id != HeaderId::kCookie) {
      fields.addParsed(field.id, field.name.in(text), field.value.in(text));
    } else if (!fields.has(HeaderId::kCookie)) {
      // RFC 9113 8.2.3: pieces are joined before they go anywhere else. Where the first stood.
      fields.addParsed(field.id, field.name.in(text), joinCookies(fields.arena(), text));
    }
  }
}

std::string_view HeaderReceiver::joinCookies(base::Arena& arena, const char* text) const {
  constexpr std::string_view kSeparator = "; ";
  size_t bytes = 0;
  for (size_t i = 0; i < part_->field_count; ++i) {
    if (part_->fields[i].id == HeaderId::kCookie) bytes += part_->fields[i].value.size + kSeparator.size();
  }
  char* const begin = arena.allocateChars(bytes);
  char* at = begin;
  for (size_t i = 0; i < part_->field_count; ++i) {
    if (part_->fields[i].id != HeaderId::kCookie) continue;
    const std::string_view value = part_->fields[i].value.in(text);
    if (at != begin) at = std::copy(kSeparator.begin(), kSeparator.end(), at);
    at = std::copy(value.begin(), value.end(), at);
  }
  return {begin, static_cast<size_t>(at - begin)};
}

HeaderMap& HeaderReceiver::copyTrailers(base::Arena& arena) const {
  HeaderMap& trailers = *arena.make<HeaderMap>(arena);
  copyFields(trailers, arena.copy(part_->text.kept()).data());
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
