#include "source/upstream/health/probe_connection.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/base/strings.h"

namespace weir::upstream::health {
namespace {

constexpr size_t kBufferBytes = 64 * 1024;

}  // namespace

ProbeConnection::ProbeConnection(const ProbeContext& context, const net::Address& address, std::string hostname,
                                 ProbeOwner& owner)
    : Wakeable(context.main.dispatcher),
      context_(context),
      address_(address),
      hostname_(std::move(hostname)),
      owner_(owner),
      deadline_(context.main.dispatcher, *this) {}

ProbeConnection::~ProbeConnection() = default;

void ProbeConnection::ask() {
  CHECK(!asking_, "one question at a time");
  asking_ = true;
  deadline_.arm(context_.config.timeout);
  reused_ = connection_ != nullptr && !closing_;
  if (reused_) {
    sendQuestion();
  } else if (!closing_) {
    connect();
  }
}

void ProbeConnection::connect() {
  auto socket = connectFor(context_.main.network, context_.cluster.config(), address_);
  if (!socket.ok()) return answer(CheckResult::kConnectFailure, std::string(socket.status().message()), false);
  std::unique_ptr<net::Socket> connecting = *std::move(socket);
  if (context_.transport != nullptr) {
    connecting = context_.transport->wrap(std::move(connecting), context_.main, {.host_name = hostname_});
  }
  const net::Connection::Limits limits{kBufferBytes, kBufferBytes};
  net::Session& session = *this;
  connection_ = std::make_unique<net::Connection>(context_.main.dispatcher, context_.main.blocks, std::move(connecting),
                                                  limits, session, absl::InfiniteDuration());
}

void ProbeConnection::onOpen() {
  if (asking()) sendQuestion();
}

void ProbeConnection::onClose(net::CloseReason reason) {
  const int error = connection_->error();
  const bool expected = std::exchange(closing_, false);
  if (!expected) dropConnection();
  context_.main.dispatcher.deleteLater(std::move(connection_));
  if (!asking()) return;
  if (expected) return connect();  // it was asked since, or is to be asked again
  std::string why = absl::StrCat("connection ended: ", base::av(net::closeReasonName(reason)));
  if (error != 0) absl::StrAppend(&why, " (", strerror(error), ")");
  broken(std::move(why));
}

void ProbeConnection::broken(std::string why) {
  if (!std::exchange(reused_, false)) return answer(CheckResult::kConnectFailure, std::move(why), false);
  if (connection_ == nullptr) return connect();
  close();
}

void ProbeConnection::onTimer(event::Timer&) {
  if (!asking_ || answered_) return;
  answer(CheckResult::kTimeout, absl::StrCat("no answer within ", absl::FormatDuration(context_.config.timeout)),
         false);
}

void ProbeConnection::answer(CheckResult result, std::string why, bool keep) {
  if (!asking_ || answered_) return;
  answered_ = true;
  result_ = result;
  why_ = std::move(why);
  deadline_.cancel();
  if (!keep || !context_.config.reuse_connection) close();
  wake();
}

void ProbeConnection::onWake() {
  answered_ = false;
  asking_ = false;
  owner_.onProbed(result_, why_);
}

void ProbeConnection::close() {
  if (connection_ == nullptr || closing_) return;
  closing_ = true;
  dropConnection();
  connection_->close(net::CloseReason::kLocal);
}

}  // namespace weir::upstream::health
