#include "source/server/admin/admin_session.h"

#include <algorithm>
#include <utility>

#include "source/proxy/exchange_pool.h"

namespace weir::server {
namespace {

constexpr absl::Duration kIdleTimeout = absl::Minutes(1);
constexpr absl::Duration kLinger = absl::Seconds(1);

}  // namespace

AdminSession::AdminSession(const Shared& shared, const proxy::Services& services, net::Connection& connection,
                           const proxy::DownstreamInfo& info)
    : net::ReadWake(services.worker.dispatcher),
      net::WriteWake(services.worker.dispatcher),
      shared_(shared),
      services_(services),
      connection_(connection),
      info_(info),
      arena_(services.worker.chunks),
      codec_(http::Role::kServer, {connection.input(), connection.output(), connection.room(), services.worker.chunks},
             shared.h1, *this) {}

AdminSession::~AdminSession() { onClose(net::CloseReason::kLocalReset); }

void AdminSession::onAccepted() { connection_.setIdleTimeout(kIdleTimeout); }

void AdminSession::onInput(buffer::Buffer&, bool end) {
  codec_.onInput(end);
  closeWhenFinished();
}

void AdminSession::onClose(net::CloseReason) {
  if (std::exchange(closed_, true)) return;
  codec_.onConnectionLost(http::Reason::kClientGone);
  if (stream_ != nullptr) finishStream();
}

void AdminSession::drain() {
  if (closed_) return;
  codec_.drain();
  closeWhenFinished();
}

void AdminSession::onStream(http::StreamPtr stream) {
  stream_ = std::move(stream);
  stream_->setOwner(*this, arena_);
  log_info_ = filter::StreamInfo();
  log_info_.start = services_.worker.dispatcher.now();
  log_info_.start_wall = services_.worker.dispatcher.wallNow();
  net::ReadWake::wake();
}

void AdminSession::onOutput() {
  net::WriteWake::wake();
  connection_.flush();
}

void AdminSession::onWritePhase() {
  if (!closed_) codec_.beforeFlush();
}

void AdminSession::onReadPhase() {
  if (closed_) return;
  if (stream_ != nullptr && (response_ != nullptr ? sendBody() : readRequest())) finishStream();
  if (stream_ == nullptr) codec_.onInput(connection_.inputEnded());
  closeWhenFinished();
}

bool AdminSession::readRequest() {
  while (std::optional<http::Part> part = stream_->receive()) {
    switch (part->kind()) {
      case http::Part::Kind::kHead:
        request_ = &part->head();
        break;
      case http::Part::Kind::kData:
        log_info_.bytes_received += part->data().size();
        break;
      case http::Part::Kind::kEnd:
        answer();
        return sendBody();
      case http::Part::Kind::kFailed:
        log_info_.reason = part->reason();
        return true;
    }
  }
  return false;
}

void AdminSession::answer() {
  AdminRequest request;
  request.method = request_->method;
  splitTarget(request_->path, request);
  request.authority = request_->authority;
  if (const auto origin = request_->headers.get("origin")) request.origin = std::string(*origin);
  content_ = shared_.pages.answer(request);
  sent_ = request_->isHead() ? content_.body.size() : 0;

  response_ = arena_.make<http::Head>(arena_);
  response_->status = content_.status;
  response_->content_length = content_.body.size();
  response_->headers.add("content-type", content_.content_type);
  response_->headers.add("cache-control", "no-cache, max-age=0");
  response_->headers.add("x-content-type-options", "nosniff");
  if (!content_.allow.empty()) response_->headers.add("allow", content_.allow);
  response_->headers.add("date", services_.exchanges.date.text(services_.worker.dispatcher.wallNow()));
  response_->headers.add("server", "weir");
  log_info_.response_started = services_.worker.dispatcher.now();
  stream_->send(http::Part::makeHead(*response_, services_.worker.blocks));
}

bool AdminSession::sendBody() {
  if (stream_->lost() != http::Reason::kNone) return true;
  while (sent_ < content_.body.size()) {
    const size_t bytes = std::min(stream_->room(), content_.body.size() - sent_);
    if (bytes == 0) return false;
    buffer::Buffer data(services_.worker.blocks);
    data.append(std::string_view(content_.body).substr(sent_, bytes));
    stream_->send(http::Part::makeData(std::move(data)));
    sent_ += bytes;
    log_info_.bytes_sent += bytes;
  }
  stream_->send(http::Part::makeEnd(nullptr, services_.worker.blocks));
  return true;
}

void AdminSession::finishStream() {
  log();
  request_ = response_ = nullptr;
  content_ = AdminResponse();
  stream_.reset();
  arena_.reset();
}

void AdminSession::log() {
  if (shared_.access_logs.empty()) return;
  log_info_.complete = services_.worker.dispatcher.now();
  log_info_.protocol = http::Version::kHttp11;
  log_info_.connection_id = info_.connection_id;
  log_info_.downstream_local = info_.local;
  log_info_.downstream_direct_remote = log_info_.downstream_remote = info_.remote;
  log_info_.status = response_ != nullptr ? response_->status : 0;
  log_info_.request_head = request_;
  log_info_.response_head = response_;
  if (request_ != nullptr) log_info_.protocol = request_->version;
  for (const auto& access_log : shared_.access_logs) access_log->log(log_info_, services_.worker);
}

void AdminSession::closeWhenFinished() {
  if (closed_ || stream_ != nullptr || !codec_.finished() || !connection_.open()) return;
  connection_.flush();
  connection_.closeAfterFlush(kLinger);
}

AdminSessionFactory::AdminSessionFactory(const AdminPages& pages,
                                         std::span<const std::unique_ptr<filter::AccessLog>> access_logs)
    : shared_{pages, access_logs, {}} {}

std::unique_ptr<proxy::TerminalSession> AdminSessionFactory::create(const proxy::Services& services,
                                                                    net::Connection& connection,
                                                                    const proxy::DownstreamInfo& info) const {
  return std::make_unique<AdminSession>(shared_, services, connection, info);
}

}  // namespace weir::server
