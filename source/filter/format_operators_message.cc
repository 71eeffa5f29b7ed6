// Operators that say something of the request and of the response.
#include "source/base/metadata.h"
#include "source/filter/format_operator.h"
#include "source/filter/listener_facts.h"
#include "source/filter/metadata_text.h"
#include "source/http/grpc.h"

namespace weir::filter {
namespace {

using Arity = FormatOperator::Arity;

bool appendHeader(const FormatOperator& self, const http::Head* head, std::string& out) {
  if (head == nullptr) return false;
  std::optional<std::string_view> value = head->value(self.header);
  if (!value && !self.alternative.empty()) value = head->value(self.alternative);
  if (value) out += *value;
  return value.has_value();
}

bool requestHeader(const FormatOperator& self, const StreamInfo& info, std::string& out) {
  return appendHeader(self, info.request_head, out);
}

bool requestHeaderWithoutQuery(const FormatOperator& self, const StreamInfo& info, std::string& out) {
  const size_t start = out.size();
  if (!appendHeader(self, info.request_head, out)) return false;
  const size_t question = out.find('?', start);
  if (question != std::string::npos) out.resize(question);
  return true;
}

bool responseHeader(const FormatOperator& self, const StreamInfo& info, std::string& out) {
  return appendHeader(self, info.response_head, out);
}

bool responseTrailer(const FormatOperator& self, const StreamInfo& info, std::string& out) {
  if (info.response_trailers == nullptr) return false;
  std::optional<std::string_view> value = info.response_trailers->joined(self.header);
  if (!value && !self.alternative.empty()) value = info.response_trailers->joined(self.alternative);
  if (value) out += *value;
  return value.has_value();
}

bool appendText(std::string_view text, std::string& out) {
  out += text;
  return !text.empty();
}

bool protocol(const FormatOperator&, const StreamInfo& info, std::string& out) {
  return info.protocol && appendText(http::versionName(*info.protocol), out);
}

bool responseCode(const FormatOperator&, const StreamInfo& info, std::string& out) {
  return appendNumber(info.status, out);
}

bool responseCodeDetails(const FormatOperator&, const StreamInfo& info, std::string& out) {
  if (info.reason != http::Reason::kNone) return appendText(http::reasonInfo(info.reason).name, out);
  return info.status != 0 && appendText("via_upstream", out);
}

// Of the response as far as it says one, else what its status means. Nothing for a request that is not gRPC.
std::optional<http::GrpcStatus> grpcStatus(const StreamInfo& info) {
  if (info.request_head == nullptr || !http::isGrpc(*info.request_head) || info.status == 0) return std::nullopt;
  std::optional<http::GrpcStatus> status = info.grpc_status;
  if (!status && info.response_trailers != nullptr) status = http::grpcStatusOf(*info.response_trailers);
  if (!status && info.response_head != nullptr) status = http::grpcStatusOf(info.response_head->headers);
  return status ? status : http::grpcStatusFor(info.status, info.reason);
}

bool grpcStatusText(const FormatOperator& self, const StreamInfo& info, std::string& out) {
  const std::optional<http::GrpcStatus> status = grpcStatus(info);
  if (!status) return false;
  const http::GrpcStatusName& name = http::grpcStatusName(*status);
  if (self.text == "NUMBER") return appendText(name.number, out);
  return appendText(self.text == "SNAKE_STRING" ? name.snake : name.camel, out);
}

bool grpcStatusNumber(const FormatOperator&, const StreamInfo& info, std::string& out) {
  const std::optional<http::GrpcStatus> status = grpcStatus(info);
  return status && appendText(http::grpcStatusName(*status).number, out);
}

// The flag of StreamInfo::retries_exhausted.
constexpr std::string_view kRetriesExhausted = "URX";

bool responseFlags(const FormatOperator&, const StreamInfo& info, std::string& out) {
  const std::string_view flag = http::reasonInfo(info.reason).flag;
  if (!info.retries_exhausted) return appendText(flag, out);
  if (flag != "-" && flag != kRetriesExhausted) appendText(flag, out), appendText(",", out);
  return appendText(kRetriesExhausted, out);
}

// The long names of the flags of the xDS access log API.
struct LongFlag {
  std::string_view flag;
  std::string_view name;
};
constexpr LongFlag kLongFlags[] = {
    {"DC", "DownstreamConnectionTermination"},
    {"DPE", "DownstreamProtocolError"},
    {"DT", "DurationTimeout"},
    {"FI", "FaultInjected"},
    {"NC", "NoClusterFound"},
    {"NR", "NoRouteFound"},
    {"OM", "OverloadManagerTerminated"},
    {"RL", "RateLimited"},
    {"SI", "StreamIdleTimeout"},
    {"UC", "UpstreamConnectionTermination"},
    {"UF", "UpstreamConnectionFailure"},
    {"UH", "NoHealthyUpstream"},
    {"UO", "UpstreamOverflow"},
    {"UPE", "UpstreamProtocolError"},
    {"UAEX", "UnauthorizedExternalService"},
    {"URX", "UpstreamRetryLimitExceeded"},
    {"UT", "UpstreamRequestTimeout"},
};

bool responseFlagsLong(const FormatOperator&, const StreamInfo& info, std::string& out) {
  const auto append = [&](std::string_view flag) {
    for (const LongFlag& one : kLongFlags) {
      if (one.flag == flag) return appendText(one.name, out);
    }
    return appendText(flag, out);
  };
  const std::string_view flag = http::reasonInfo(info.reason).flag;
  if (!info.retries_exhausted) return append(flag);
  if (flag != "-" && flag != kRetriesExhausted) append(flag), appendText(",", out);
  return append(kRetriesExhausted);
}

bool bytesReceived(const FormatOperator&, const StreamInfo& info, std::string& out) {
  return appendNumber(info.bytes_received, out);
}
bool bytesSent(const FormatOperator&, const StreamInfo& info, std::string& out) {
  return appendNumber(info.bytes_sent, out);
}
bool requestHeadersBytes(const FormatOperator&, const StreamInfo& info, std::string& out) {
  return info.request_head != nullptr && appendNumber(info.request_head->headers.bytes(), out);
}
bool responseHeadersBytes(const FormatOperator&, const StreamInfo& info, std::string& out) {
  return info.response_head != nullptr && appendNumber(info.response_head->headers.bytes(), out);
}
bool requestId(const FormatOperator&, const StreamInfo& info, std::string& out) {
  return appendText(info.request_id, out);
}
bool routeName(const FormatOperator&, const StreamInfo& info, std::string& out) {
  return info.route != nullptr && appendText(info.route->routeName(), out);
}
bool virtualHostName(const FormatOperator&, const StreamInfo& info, std::string& out) {
  return info.route != nullptr && appendText(info.route->virtualHostName(), out);
}

const base::Metadata* notedAbout(FormatOperator::Noted what, const StreamInfo& info) {
  if (what == FormatOperator::Noted::kStream) return info.dynamic_metadata;
  if (what == FormatOperator::Noted::kCluster) return info.upstream_metadata;
  if (what == FormatOperator::Noted::kListener) return info.listener == nullptr ? nullptr : info.listener->notes.get();
  if (info.route == nullptr) return nullptr;
  return what == FormatOperator::Noted::kRoute ? info.route->metadata() : info.route->virtualHostMetadata();
}

bool metadata(const FormatOperator& self, const StreamInfo& info, std::string& out) {
  const base::Metadata* const noted = notedAbout(self.noted, info);
  const base::Metadata* const value = noted == nullptr ? nullptr : noted->findPath(self.text);
  if (value == nullptr) return false;
  appendMetadataText(*value, out);
  return true;
}

bool trafficDirection(const FormatOperator&, const StreamInfo& info, std::string& out) {
  return info.listener != nullptr && appendText(info.listener->direction, out);
}

bool localReplyBody(const FormatOperator&, const StreamInfo& info, std::string& out) {
  return appendText(info.local_reply_body, out);
}

const FormatOperator kOperators[] = {
    {.name = "BYTES_RECEIVED", .number = true, .write = bytesReceived},
    {.name = "BYTES_SENT", .number = true, .write = bytesSent},
    {.name = "CLUSTER_METADATA", .arity = Arity::kMetadata, .write = metadata},
    {.name = "DYNAMIC_METADATA", .arity = Arity::kMetadata, .write = metadata},
    {.name = "GRPC_STATUS", .arity = Arity::kSpelling, .write = grpcStatusText},
    {.name = "GRPC_STATUS_NUMBER", .number = true, .write = grpcStatusNumber},
    {.name = "LOCAL_REPLY_BODY", .write = localReplyBody},
    {.name = "METADATA", .arity = Arity::kMetadata, .write = metadata},
    {.name = "PROTOCOL", .write = protocol},
    {.name = "REQ", .arity = Arity::kHeader, .write = requestHeader},
    {.name = "REQ_WITHOUT_QUERY", .arity = Arity::kHeader, .write = requestHeaderWithoutQuery},
    {.name = "REQUEST_HEADERS_BYTES", .number = true, .write = requestHeadersBytes},
    {.name = "RESP", .arity = Arity::kHeader, .write = responseHeader},
    {.name = "RESPONSE_CODE", .number = true, .write = responseCode},
    {.name = "RESPONSE_CODE_DETAILS", .write = responseCodeDetails},
    {.name = "RESPONSE_FLAGS", .write = responseFlags},
    {.name = "RESPONSE_FLAGS_LONG", .write = responseFlagsLong},
    {.name = "RESPONSE_HEADERS_BYTES", .number = true, .write = responseHeadersBytes},
    {.name = "ROUTE_NAME", .write = routeName},
    {.name = "STREAM_ID", .write = requestId},
    {.name = "TRAILER", .arity = Arity::kHeader, .write = responseTrailer},
    {.name = "TRAFFIC_DIRECTION", .write = trafficDirection},
    {.name = "UNIQUE_ID", .write = requestId},
    {.name = "VIRTUAL_HOST_NAME", .write = virtualHostName},
};

}  // namespace

FormatOperatorList messageOperators() { return {kOperators, std::size(kOperators)}; }

}  // namespace weir::filter
