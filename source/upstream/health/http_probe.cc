#include "source/upstream/health/http_probe.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"
#include "source/http/h1/h1_codec.h"
#include "source/http/h2/h2_codec.h"
#include "source/upstream/health/tcp_probe.h"

namespace weir::upstream::health {
namespace {

using http::Part;

constexpr size_t kWriteLimit = 64 * 1024;
constexpr size_t kGrpcBodyBytes = 1024;
constexpr uint8_t kServing = 1;  // grpc.health.v1.HealthCheckResponse.ServingStatus

// A HealthCheckRequest in a gRPC frame: field 1 is the service.
std::string grpcRequest(const std::string& service) {
  std::string message;
  if (!service.empty()) {
    message += '\x0a';
    size_t left = service.size();
    for (; left >= 0x80; left >>= 7) message += static_cast<char>(left | 0x80);
    message += static_cast<char>(left);
    message += service;
  }
  std::string frame(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(message.size() >> shift);
  return frame + message;
}

// The status of a HealthCheckResponse in a gRPC frame: field 1, a varint; 0 where there is none.
std::optional<uint8_t> servingStatus(std::string_view frame) {
  if (frame.size() < 5 || frame[0] != 0) return std::nullopt;
  const std::string_view message = frame.substr(5);
  if (message.empty()) return 0;
  if (message.size() < 2 || message[0] != '\x08') return std::nullopt;
  return static_cast<uint8_t>(message[1]);
}

bool anyContains(const std::vector<StatusRange>& ranges, uint16_t status) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const StatusRange& range) { return range.contains(status); });
}

}  // namespace

HttpProbe::HttpProbe(const ProbeContext& context, const net::Address& address, std::string hostname, ProbeOwner& owner)
    : ProbeConnection(context, address, std::move(hostname), owner),
      arena_(context.main.chunks),
      reader_(*this),
      writer_(*this) {}

HttpProbe::~HttpProbe() { stream_.reset(); }

void HttpProbe::makeCodec() {
  const net::WorkerContext& main = context().main;
  const ClusterConfig& config = context().cluster.config();
  http::CodecOwner& owner = *this;
  const auto* const check = std::get_if<HttpCheck>(&context().config.kind);
  if (check != nullptr && check->version != http::Version::kHttp2) {
    const http::h1::H1Io io{connection().input(), connection().output(), kWriteLimit, main.chunks};
    codec_ = std::make_unique<http::h1::H1Codec>(http::Role::kClient, io, config.h1, owner);
    return;
  }
  const http::h2::H2Io io{connection().input(), connection().output(), kWriteLimit,
                          main.chunks,          context().h2_memory,   main.dispatcher.turnTime()};
  codec_ = std::make_unique<http::h2::H2Codec>(http::Role::kClient, io, config.h2, owner);
}

http::Head& HttpProbe::makeHead() {
  http::Head& head = *arena_.make<http::Head>(arena_);
  const ClusterConfig& config = context().cluster.config();
  const std::string& name = hostname().empty() ? config.name : hostname();
  head.scheme = context().transport != nullptr && context().transport->protects() ? "https" : "http";
  if (const auto* const check = std::get_if<HttpCheck>(&context().config.kind)) {
    head.method = check->method;
    head.path = check->path;
    head.authority = check->host.empty() ? name : check->host;
    head.version = check->version;
    head.headers.add("user-agent", "weir/health-check");
    for (const auto& [key, value] : check->headers) head.headers.add(key, value);
    if (!check->send.empty()) head.content_length = check->send.size();
    return head;
  }
  const GrpcCheck& check = std::get<GrpcCheck>(context().config.kind);
  head.method = "POST";
  head.path = "/grpc.health.v1.Health/Check";
  head.authority = check.authority.empty() ? name : check.authority;
  head.version = http::Version::kHttp2;
  head.headers.add("content-type", "application/grpc");
  head.headers.add("te", "trailers");
  for (const auto& [key, value] : check.metadata) head.headers.add(key, value);
  return head;
}

void HttpProbe::sendQuestion() {
  if (codec_ == nullptr) makeCodec();
  if (!codec_->canOpen()) return broken("the connection takes no more requests");
  arena_.reset();
  status_ = 0;
  degraded_ = false;
  grpc_status_.clear();
  body_.clear();
  stream_ = codec_->open();
  http::StreamOwner& owner = *this;
  stream_->setOwner(owner, arena_);
  http::Head& head = makeHead();
  only_head_ = head.isHead();
  buffer::BlockPool& blocks = context().main.blocks;
  stream_->send(Part::makeHead(head, blocks));
  const auto* const check = std::get_if<HttpCheck>(&context().config.kind);
  const std::string body =
      check != nullptr ? check->send : grpcRequest(std::get<GrpcCheck>(context().config.kind).service);
  if (!body.empty()) {
    buffer::Buffer bytes(blocks);
    bytes.append(body);
    stream_->send(Part::makeData(std::move(bytes)));
  }
  stream_->send(Part::makeEnd(nullptr, blocks));
}

void HttpProbe::dropConnection() {
  stream_.reset();
  codec_.reset();
  reader_.unwake();
  writer_.unwake();
}

void HttpProbe::onInput(buffer::Buffer& input, bool end) {
  if (codec_ == nullptr) return input.clear();
  codec_->onInput(end);
  // Between questions nothing is expected but what keeps HTTP/2 going.
  if (!asking() && (end || codec_->finished())) close();
}

void HttpProbe::onOutput() {
  writer_.wake();
  connection().flush();
}

void HttpProbe::beforeFlush() {
  if (codec_ == nullptr) return;
  codec_->beforeFlush();
  if (!connection().output().empty()) connection().flush();
}

size_t HttpProbe::bodyBytes() const {
  const auto* const check = std::get_if<HttpCheck>(&context().config.kind);
  return check == nullptr ? kGrpcBodyBytes : check->body_bytes;
}

void HttpProbe::receive() {
  while (stream_ != nullptr) {
    std::optional<Part> part = stream_->receive();
    if (!part) return;
    switch (part->kind()) {
      case Part::Kind::kHead:
        if (part->head().isInterim()) break;
        status_ = part->head().status;
        degraded_ = part->head().headers.get("x-envoy-degraded").has_value();
        grpc_status_ = part->head().headers.get("grpc-status").value_or("");
        break;
      case Part::Kind::kData:
        if (body_.size() < bodyBytes()) body_ += part->data().toString().substr(0, bodyBytes() - body_.size());
        break;
      case Part::Kind::kEnd:
        if (part->trailers() != nullptr) grpc_status_ = part->trailers()->get("grpc-status").value_or(grpc_status_);
        return judge();
      case Part::Kind::kFailed:
        return broken(absl::StrCat("the answer broke off: ", base::av(http::reasonInfo(part->reason()).sentence)));
    }
  }
}

void HttpProbe::judge() {
  if (const auto* const check = std::get_if<HttpCheck>(&context().config.kind)) return judgeHttp(*check);
  judgeGrpc();
}

void HttpProbe::judgeHttp(const HttpCheck& check) {
  if (!anyContains(check.expected, status_)) {
    const bool retriable = anyContains(check.retriable, status_);
    return fail(retriable ? CheckResult::kFail : CheckResult::kFailAtOnce, absl::StrCat("status ", status_));
  }
  if (!only_head_ && !hasInOrder(body_, check.receive)) {
    return fail(CheckResult::kFail, "the body is not what is expected");
  }
  pass();
}

void HttpProbe::judgeGrpc() {
  if (status_ != 200) return fail(CheckResult::kFail, absl::StrCat("status ", status_));
  if (grpc_status_ != "0") {
    return fail(CheckResult::kFail, absl::StrCat("grpc-status ", grpc_status_.empty() ? "missing" : grpc_status_));
  }
  const std::optional<uint8_t> status = servingStatus(body_);
  if (!status) return fail(CheckResult::kFail, "the answer is not a HealthCheckResponse");
  if (*status != kServing) return fail(CheckResult::kFailAtOnce, absl::StrCat("not serving (", *status, ")"));
  pass();
}

void HttpProbe::pass() {
  stream_.reset();
  const bool keep = codec_->reusable() && !codec_->finished() && !connection().inputEnded();
  answer(degraded_ ? CheckResult::kPassDegraded : CheckResult::kPass, "", keep);
}

std::unique_ptr<Probe> makeProbe(const ProbeContext& context, const net::Address& address, std::string hostname,
                                 ProbeOwner& owner) {
  if (std::holds_alternative<TcpCheck>(context.config.kind)) {
    return std::make_unique<TcpProbe>(context, address, std::move(hostname), owner);
  }
  return std::make_unique<HttpProbe>(context, address, std::move(hostname), owner);
}

}  // namespace weir::upstream::health
