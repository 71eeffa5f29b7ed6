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
  if (response_.idle()) return pullResponse();
  switch (response_.advance(filters_, response_active_)) {
    case ChainFlow::Step::kPull:
      return pullResponse();
    case ChainFlow::Step::kWait:
      return false;
    case ChainFlow::Step::kPaused:
    case ChainFlow::Step::kCollecting:
      return true;
    case ChainFlow::Step::kHead:
      sendResponseHead(Part::makeHead(response_.takeHead(), worker_.blocks));
      return true;
    case ChainFlow::Step::kData:
      return sendResponseData();
    case ChainFlow::Step::kEnd:
      sendResponseEnd(Part::makeEnd(response_.takeEnd(), worker_.blocks));
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
  const bool held = response_.collecting();
  const size_t room = held ? 0 : sink_.room();
  if (room == 0 && !held) return false;
  std::optional<Part> part = terminal_->receive();
  if (!part) return false;
  switch (part->kind()) {
    case Part::Kind::kHead:
      if (lookAtResponse(HookMask::kResponseHead)) {
        response_.putHead(part->head());
      } else {
        sendResponseHead(*std::move(part));
      }
      break;
    case Part::Kind::kData:
      takeResponseData(*std::move(part), room);
      break;
    case Part::Kind::kEnd:
      response_pulled_ = true;
      if (held || lookAtResponse(HookMask::kResponseEnd)) {
        response_.putEnd(part->trailers());
      } else {
        sendResponseEnd(*std::move(part));
      }
      break;
    case Part::Kind::kFailed:
      replyWith(part->reason(), "", outwardOf(config_.size()));
      break;
  }
  return true;
}

void HttpChain::sendResponseHead(Part&& part) {
  http::Head& head = part.head();
  owner_.onResponseHead(head);
  if (!head.isInterim()) {
    response_started_ = true;
    info_.response_started = worker_.dispatcher.now();
    info_.response_head = &head;
    info_.status = head.status;
    const bool connected = info_.request_head != nullptr && info_.request_head->isConnect() && head.status / 100 == 2;
    tunnel_ = head.status == 101 || connected;
    const bool looked_at = lookAtResponse(HookMask::kResponseData) || lookAtResponse(HookMask::kResponseWhole);
    if (!looked_at && sink_.forwardsInKernel() && terminal_ != nullptr) terminal_->leaveInKernel();
  }
  sink_.send(std::move(part));
}

// `room` is that of the sink; none if a filter collects.
void HttpChain::takeResponseData(Part&& part, size_t room) {
  buffer::Buffer& data = part.data();
  const bool fits = data.size() <= room || (data.startsInKernel() && !response_.collecting());
  if (!fits || lookAtResponse(HookMask::kResponseData)) {
    response_.putData(std::move(data));
  } else if (!data.empty()) {
    info_.bytes_sent += data.size();
    sink_.send(std::move(part));
  }
}

bool HttpChain::sendResponseData() {
  const size_t room = sink_.room();
  if (room == 0) return false;
  buffer::Buffer& data = response_.data();
  if (data.size() <= room || data.startsInKernel()) {  // cutting would bring a part of it into memory
    info_.bytes_sent += data.size();
    sink_.send(Part::makeData(std::move(data)));
    return true;
  }
  buffer::Buffer fitting(worker_.blocks);
  fitting.moveFrom(data, room);
  info_.bytes_sent += fitting.size();
  sink_.send(Part::makeData(std::move(fitting)));
  return true;
}

void HttpChain::sendResponseEnd(Part&& part) {
  info_.response_trailers = part.trailers();
  sink_.send(std::move(part));
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
