#include "source/http/grpc.h"

#include <algorithm>
#include <charconv>

namespace weir::http {
namespace {

constexpr std::string_view kGrpcType = "application/grpc";
constexpr size_t kTimeoutDigits = 8;
// Of the text of a local reply. Clients take 8 KiB of headers by default, and an escaped byte is three.
constexpr size_t kMessageBytes = 1024;
constexpr int64_t kTimeoutLimit = 100'000'000;  // the first number that has nine digits

constexpr GrpcStatusName kNames[] = {
    {"OK", "OK", "0"},
    {"Canceled", "CANCELLED", "1"},
    {"Unknown", "UNKNOWN", "2"},
    {"InvalidArgument", "INVALID_ARGUMENT", "3"},
    {"DeadlineExceeded", "DEADLINE_EXCEEDED", "4"},
    {"NotFound", "NOT_FOUND", "5"},
    {"AlreadyExists", "ALREADY_EXISTS", "6"},
    {"PermissionDenied", "PERMISSION_DENIED", "7"},
    {"ResourceExhausted", "RESOURCE_EXHAUSTED", "8"},
    {"FailedPrecondition", "FAILED_PRECONDITION", "9"},
    {"Aborted", "ABORTED", "10"},
    {"OutOfRange", "OUT_OF_RANGE", "11"},
    {"Unimplemented", "UNIMPLEMENTED", "12"},
    {"Internal", "INTERNAL", "13"},
    {"Unavailable", "UNAVAILABLE", "14"},
    {"DataLoss", "DATA_LOSS", "15"},
    {"Unauthenticated", "UNAUTHENTICATED", "16"},
};
static_assert(std::size(kNames) == kGrpcStatuses);

struct Unit {
  char letter;
  absl::Duration length;
};

// From the finest to the coarsest.
const Unit kUnits[] = {
    {'n', absl::Nanoseconds(1)}, {'u', absl::Microseconds(1)}, {'m', absl::Milliseconds(1)},
    {'S', absl::Seconds(1)},     {'M', absl::Minutes(1)},      {'H', absl::Hours(1)},
};

bool isDigit(char c) { return c >= '0' && c <= '9'; }

bool isPlain(char c) { return c >= 0x20 && c <= 0x7e && c != '%'; }

bool isDeadline(Reason reason) {
  switch (reason) {
    case Reason::kRequestHeaderTimeout:
    case Reason::kRequestTimeout:
    case Reason::kStreamIdleTimeout:
    case Reason::kMaxStreamDuration:
    case Reason::kRouteTimeout:
    case Reason::kPerTryTimeout:
      return true;
    default:
      return false;
  }
}

}  // namespace

const GrpcStatusName& grpcStatusName(GrpcStatus status) { return kNames[static_cast<size_t>(status)]; }

bool isGrpcContentType(std::string_view content_type) {
  if (content_type.size() < kGrpcType.size()) return false;
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b; };
  if (!std::equal(kGrpcType.begin(), kGrpcType.end(), content_type.begin(),
                  [same](char lower, char any) { return same(any, lower); })) {
    return false;
  }
  if (content_type.size() == kGrpcType.size()) return true;
  const char next = content_type[kGrpcType.size()];
  return next == '+' || next == ';' || next == ' ' || next == '\t';
}

bool isGrpc(const Head& head) {
  const auto type = head.headers.get(HeaderId::kContentType);
  return type && isGrpcContentType(*type);
}

std::optional<GrpcStatus> parseGrpcStatus(std::string_view text) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || end != text.data() + text.size()) return std::nullopt;
  if (error != std::errc() || number >= kGrpcStatuses) return GrpcStatus::kUnknown;
  return static_cast<GrpcStatus>(number);
}

std::optional<GrpcStatus> grpcStatusOf(const HeaderMap& fields) {
  const auto text = fields.get(HeaderId::kGrpcStatus);
  if (!text) return std::nullopt;
  return parseGrpcStatus(*text);
}

GrpcStatus grpcStatusFor(uint16_t http_status, Reason reason) {
  if (isDeadline(reason)) return GrpcStatus::kDeadlineExceeded;
  switch (http_status) {
    case 400:
      return GrpcStatus::kInternal;
    case 401:
      return GrpcStatus::kUnauthenticated;
    case 403:
      return GrpcStatus::kPermissionDenied;
    case 404:
      return GrpcStatus::kUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return GrpcStatus::kUnavailable;
    default:
      return GrpcStatus::kUnknown;
  }
}

std::optional<absl::Duration> parseGrpcTimeout(std::string_view text) {
  if (text.size() < 2 || text.size() > kTimeoutDigits + 1) return std::nullopt;
  const std::string_view digits = text.substr(0, text.size() - 1);
  if (!std::all_of(digits.begin(), digits.end(), isDigit)) return std::nullopt;
  int64_t number = 0;
  for (const char c : digits) number = number * 10 + (c - '0');
  for (const Unit& unit : kUnits) {
    if (unit.letter == text.back()) return number * unit.length;
  }
  return std::nullopt;
}

std::string_view formatGrpcTimeout(absl::Duration timeout, base::Arena& arena) {
  char* const out = arena.allocateChars(kTimeoutDigits + 1);
  char letter = 'H';
  int64_t number = kTimeoutLimit - 1;
  for (const Unit& unit : kUnits) {
    absl::Duration rest;
    const int64_t count = absl::IDivDuration(timeout, unit.length, &rest);
    if (count >= kTimeoutLimit) continue;
    letter = unit.letter;
    number = std::max<int64_t>(count, 1);
    break;
  }
  char* const end = std::to_chars(out, out + kTimeoutDigits, number).ptr;
  *end = letter;
  return std::string_view(out, static_cast<size_t>(end - out) + 1);
}

std::string_view encodeGrpcMessage(std::string_view message, base::Arena& arena) {
  const auto escaped = message.size() - static_cast<size_t>(std::count_if(message.begin(), message.end(), isPlain));
  if (escaped == 0) return message;
  static constexpr char kHex[] = "0123456789ABCDEF";
  const size_t size = message.size() + 2 * escaped;
  char* const out = arena.allocateChars(size);
  char* at = out;
  for (const char c : message) {
    if (isPlain(c)) {
      *at++ = c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    *at++ = '%';
    *at++ = kHex[byte >> 4];
    *at++ = kHex[byte & 15];
  }
  return std::string_view(out, size);
}

void makeGrpcReply(Head& head, Reason reason, std::string_view body) {
  HeaderMap& headers = head.headers;
  if (!headers.has(HeaderId::kGrpcStatus)) {
    const GrpcStatus status = grpcStatusFor(head.status, reason);
    headers.addView(HeaderId::kGrpcStatus, headerName(HeaderId::kGrpcStatus), grpcStatusName(status).number);
  }
  if (!body.empty() && !headers.has(HeaderId::kGrpcMessage)) {
    headers.addView(HeaderId::kGrpcMessage, headerName(HeaderId::kGrpcMessage),
                    encodeGrpcMessage(head.arena().copy(body.substr(0, kMessageBytes)), head.arena()));
  }
  headers.remove(HeaderId::kContentType);
  headers.addView(HeaderId::kContentType, headerName(HeaderId::kContentType), kGrpcType);
  head.status = 200;
  head.content_length.reset();
}

}  // namespace weir::http
