// What HTTP needs to know of gRPC: which requests are gRPC, how their deadlines and statuses are written, and how weir
// itself answers one. Pure functions, used by the chain, the router, log formats and filters, on any worker. Nothing
// here reads a message body. Sources: "gRPC over HTTP2" and "HTTP to gRPC Status Code Mapping" of the gRPC project.
//
//   grpc-timeout    1*8DIGIT unit                   unit = H hours, M minutes, S seconds, m milli, u micro, n nano
//   grpc-status     1*DIGIT
//   grpc-message    *( %x20-24 / %x26-7E / "%" 2HEXDIG )
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/time/time.h"
#include "source/http/head.h"
#include "source/http/reason.h"

namespace weir::http {

enum class GrpcStatus : uint8_t {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};
inline constexpr size_t kGrpcStatuses = 17;

struct GrpcStatusName {
  std::string_view camel;   // "DeadlineExceeded", "OK"
  std::string_view snake;   // "DEADLINE_EXCEEDED"
  std::string_view number;  // "4"
};
const GrpcStatusName& grpcStatusName(GrpcStatus status);

// application/grpc, alone or with a suffix (+proto) or parameters (;...), in any case. Not application/grpc-web.
bool isGrpcContentType(std::string_view content_type);
// By the content type that the head has now.
bool isGrpc(const Head& head);

// The value of a grpc-status field; none when it is no number. Numbers above 16 are kUnknown, as clients take them.
std::optional<GrpcStatus> parseGrpcStatus(std::string_view text);
// The grpc-status of trailers or of a head; none when there is none or it is no number.
std::optional<GrpcStatus> grpcStatusOf(const HeaderMap& fields);
// What a status of HTTP means for a caller that got no grpc-status. A deadline of weir's own is DEADLINE_EXCEEDED,
// whatever status it is answered with.
GrpcStatus grpcStatusFor(uint16_t http_status, Reason reason = Reason::kNone);

// None when it is not well formed: no digits, more than eight, or another unit. At most 99,999,999 hours, so that it
// can be added to a time. "0S" is a deadline that has passed.
std::optional<absl::Duration> parseGrpcTimeout(std::string_view text);
// In the finest unit in which it has at most eight digits, rounded down, but never to nothing: what is below a
// nanosecond (a deadline that has passed) is "1n". At most "99999999H". Arena text.
std::string_view formatGrpcTimeout(absl::Duration timeout, base::Arena& arena);

// Percent-encoded as a grpc-message: arena text, or `message` itself when nothing has to be escaped.
std::string_view encodeGrpcMessage(std::string_view message, base::Arena& arena);

// Turns the head of a local reply into the answer that a gRPC client understands: status 200, content-type
// application/grpc, grpc-status for `head.status` and the reason, and the first KiB of `body` as grpc-message if
// there is one; the response has no body then, and ends with this head. Other fields stay, a grpc-status too.
void makeGrpcReply(Head& head, Reason reason, std::string_view body);

}  // namespace weir::http
