#include "bench/load/raw_client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"

namespace weir::bench {

RawClient::RawClient(const Outgoing& outgoing) : Wakeable(outgoing.worker.dispatcher), outgoing_(outgoing) { wake(); }

void RawClient::begin(base::MonotonicTime due) {
  due_ = due;
  missing_ = outgoing_.plan.response;
  if (connection_ == nullptr) {
    connection_ = outgoing_.connect(*this);
  } else if (open_) {
    send();
  }
}

void RawClient::onOpen() {
  open_ = true;
  if (due_) send();
}

void RawClient::send() {
  std::string request = absl::StrCat(outgoing_.plan.response, "\n");
  request.resize(kRawRequestBytes, ' ');
  connection_->output().append(request);
  connection_->flush();
}

void RawClient::onInput(buffer::Buffer& input, bool end) {
  const size_t taken = std::min(missing_, input.size());
  missing_ -= taken;
  input.clear();
  connection_->consumed();
  if (due_ && missing_ == 0) return finish(true);
  if (end) connection_->close(net::CloseReason::kLocal);
}

void RawClient::finish(bool good) {
  outgoing_.run.ended(*std::exchange(due_, std::nullopt), good);
  if (outgoing_.plan.reconnect && connection_ != nullptr) {
    connection_->close(net::CloseReason::kLocal);
  } else {
    wake();
  }
}

void RawClient::onClose(net::CloseReason) {
  open_ = false;
  outgoing_.worker.dispatcher.deleteLater(std::move(connection_));
  if (due_) {
    finish(false);
  } else {
    wake();
  }
}

}  // namespace weir::bench
