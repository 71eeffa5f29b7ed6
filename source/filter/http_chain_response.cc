// The response half of HttpChain: terminal stream or local reply, hooks, downstream stream.
#include <algorithm>
#include <utility>

#include "source/filter/http_chain.h"
#include "source/http/grpc.h"

namespace weir::filter {

using http::Part;
using http::Reason;

// Whether anything moved.
bool HttpChain::stepResponse() {
  if (response_finished_) return false;
  switch (response_.advance(filters_, response_active_)) {
    case ChainFlow::Step::kPull:
      return pullResponse();
    case ChainFlow::Step::kWait:
      return false;
    case ChainFlow::Step::kPaused:
    case ChainFlow::Step::kCollecting:
      return true;
    case ChainFlow::Step::kHead:
      sendResponseHead(response_.takeHead());
      return true;
    case ChainFlow::Step::kData:
      return sendResponseData();
    case ChainFlow::Step::kEnd:
      sendResponseEnd(response_.takeEnd());
      return true;
    case ChainFlow::Step::kReply:
      reply(response_.reply(), response_.place() + 1);
      return true;
    case ChainFlow::Step::kTooLarge:
      replyWith(Reason::kResponseTooLarge, "", response_.place() + 1);
      return true;
  }
  return false;
}

bool HttpChain::pullResponse() {
  if (response_pulled_ || terminal_ == nullptr) return false;
  if (!response_.collecting() && downstream_.room() == 0) return false;
  std::optional<Part> part = terminal_->receive();
  if (!part) return false;
  switch (part->kind()) {
    case Part::Kind::kHead:
      response_.putHead(part->head());
      break;
    case Part::Kind::kData:
      response_.putData(std::move(part->data()));
      break;
    case Part::Kind::kEnd:
      response_pulled_ = true;
      response_.putEnd(part->trailers());
      break;
    case Part::Kind::kFailed:
      replyWith(part->reason(), "", outwardOf(config_.size()));
      break;
  }
  return true;
}

void HttpChain::sendResponseHead(http::Head& head) {
  owner_.onResponseHead(head);
  if (!head.isInterim()) {
    response_started_ = true;
    info_.response_started = worker_.dispatcher.now();
    info_.response_head = &head;
    info_.status = head.status;
    const bool connected = info_.request_head != nullptr && info_.request_head->isConnect() && head.status / 100 == 2;
    tunnel_ = head.status == 101 || connected;
    const uint64_t lookers = config_.having(HookMask::kResponseData) | config_.having(HookMask::kResponseWhole);
    const bool passed_on = (lookers & response_active_) == 0 && downstream_.forwardsInKernel();
    if (passed_on && terminal_ != nullptr) terminal_->leaveInKernel();
  }
  downstream_.send(Part::makeHead(head, worker_.blocks));
}

bool HttpChain::sendResponseData() {
  const size_t room = downstream_.room();
  if (room == 0) return false;
  buffer::Buffer& data = response_.data();
  if (data.size() <= room || data.startsInKernel()) {  // cutting would bring a part of it into memory
    info_.bytes_sent += data.size();
    downstream_.send(Part::makeData(std::move(data)));
    return true;
  }
  buffer::Buffer fitting(worker_.blocks);
  fitting.moveFrom(data, room);
  info_.bytes_sent += fitting.size();
  downstream_.send(Part::makeData(std::move(fitting)));
  return true;
}

void HttpChain::sendResponseEnd(http::HeaderMap* trailers) {
  info_.response_trailers = trailers;
  downstream_.send(Part::makeEnd(trailers, worker_.blocks));
  response_finished_ = true;
  if (!tunnel_ || request_finished_) state_ = State::kComplete;
}

void HttpChain::replyWith(Reason reason, std::string_view body, size_t place) {
  const http::ReasonInfo& what = http::reasonInfo(reason);
  if (what.status == 0) return fail(reason);
  LocalReply local;
  local.reason = reason;
  local.status = what.status;
  local.body = body.empty() ? what.sentence : body;
  reply(local, place);
}

void HttpChain::reply(const LocalReply& made, size_t place) {
  if (response_started_) return fail(made.reason);
  note(made.reason);
  LocalReply local = made;
  owner_.onLocalReply(local);
  // Filters that saw a response head, of which only the body was refused further in, are not shown another.
  place = std::max(place, response_.unseen());
  dropTerminal(local.reason);
  request_.drop();
  request_finished_ = true;
  response_.drop();
  response_pulled_ = true;

  http::Head& head = local.head != nullptr ? *local.head : *arena_.make<http::Head>(arena_);
  head.status = local.status;
  if (info_.request_head != nullptr && http::isGrpc(*info_.request_head)) {
    // A status that the owner has chosen says more than the reason.
    http::makeGrpcReply(head, local.status == made.status ? local.reason : Reason::kNone, local.body);
    response_.putHead(head, place);
    response_.putEnd(nullptr, place);
    return;
  }
  const bool empty_by_status = local.status == 204 || local.status == 304;
  head.content_length = empty_by_status ? std::nullopt : std::optional<uint64_t>(local.body.size());
  if (!local.body.empty() && !head.headers.has(http::HeaderId::kContentType)) {
    head.headers.addView(http::HeaderId::kContentType, "content-type", "text/plain");
  }
  response_.putHead(head, place);
  const bool bodyless = empty_by_status || (info_.request_head != nullptr && info_.request_head->isHead());
  if (!bodyless && !local.body.empty()) {
    buffer::Buffer body(worker_.blocks);
    body.append(local.body);
    response_.putData(std::move(body), place);
  }
  response_.putEnd(nullptr, place);
}

}  // namespace weir::filter
