// The request half of HttpChain: downstream stream, hooks, terminal stream.
#include <algorithm>
#include <utility>

#include "source/filter/http_chain.h"

namespace weir::filter {

using http::Part;
using http::Reason;

// Whether anything moved.
bool HttpChain::stepRequest() {
  if (request_finished_) return false;
  if (request_.idle()) return pullRequest();
  switch (request_.advance(filters_, request_active_)) {
    case ChainFlow::Step::kPull:
      return pullRequest();
    case ChainFlow::Step::kWait:
      return false;
    case ChainFlow::Step::kPaused:
      if (request_.head() != nullptr) chooseRoute(*request_.head(), request_.place() + 1);
      return true;
    case ChainFlow::Step::kCollecting:
      if (request_.head()->expects_continue) sendContinue(*request_.head());
      return true;
    case ChainFlow::Step::kHead:
      sendRequestHead(Part::makeHead(request_.takeHead(), worker_.blocks));
      return true;
    case ChainFlow::Step::kData:
      return sendRequestData();
    case ChainFlow::Step::kEnd:
      sendRequestEnd(Part::makeEnd(request_.takeEnd(), worker_.blocks));
      return true;
    case ChainFlow::Step::kReply:
      reply(request_.reply(), outwardOf(request_.place()));
      return true;
    case ChainFlow::Step::kTooLarge:
      replyWith(Reason::kBodyTooLarge, "", outwardOf(request_.place()));
      return true;
  }
  return false;
}

bool HttpChain::pullRequest() {
  if (request_pulled_) return false;
  const bool held = request_.collecting();
  size_t room = 0;
  // Body is pulled when somebody takes it: a filter that collects, or the terminal.
  if (info_.request_head != nullptr && !held) {
    if (terminal_ == nullptr) return false;
    room = terminal_->room();
    if (room == 0) return false;
  }
  std::optional<Part> part = source_.receive();
  if (!part) return false;
  switch (part->kind()) {
    case Part::Kind::kHead:
      info_.request_head = &part->head();
      chooseRoute(part->head(), 0);
      if (lookAtRequest(HookMask::kRequestHead)) {
        request_.putHead(part->head());
      } else {
        sendRequestHead(*std::move(part));
      }
      break;
    case Part::Kind::kData:
      info_.bytes_received += part->data().size();
      takeRequestData(*std::move(part), room);
      break;
    case Part::Kind::kEnd:
      request_pulled_ = true;
      info_.request_complete = worker_.dispatcher.now();
      if (held || lookAtRequest(HookMask::kRequestEnd)) {
        request_.putEnd(part->trailers());
      } else {
        sendRequestEnd(*std::move(part));
      }
      break;
    case Part::Kind::kFailed:
      // What the client did wrong is told to it, unless a response is on its way already.
      replyWith(part->reason(), "", outwardOf(request_.holder()));
      break;
  }
  return true;
}

void HttpChain::sendRequestHead(Part&& part) {
  terminal_ = &owner_.openTerminal(part.head());
  terminal_->send(std::move(part));
}

// `room` is that of the terminal; none if a filter collects.
void HttpChain::takeRequestData(Part&& part, size_t room) {
  buffer::Buffer& data = part.data();
  if (data.size() > room || lookAtRequest(HookMask::kRequestData)) {
    request_.putData(std::move(data));
  } else if (!data.empty()) {
    terminal_->send(std::move(part));
  }
}

void HttpChain::chooseRoute(http::Head& head, size_t from) {
  owner_.chooseRoute(head);
  makeFilters(from);
}

bool HttpChain::sendRequestData() {
  const size_t room = terminal_->room();
  if (room == 0) return false;
  buffer::Buffer& data = request_.data();
  if (data.size() <= room) {
    terminal_->send(Part::makeData(std::move(data)));
    return true;
  }
  buffer::Buffer fitting(worker_.blocks);
  fitting.moveFrom(data, room);
  terminal_->send(Part::makeData(std::move(fitting)));
  return true;
}

// The client waits for leave to send the body that a filter now wants, and nobody further in can give it.
void HttpChain::sendContinue(http::Head& request) {
  request.expects_continue = false;
  auto* const interim = arena_.make<http::Head>(arena_);
  interim->status = 100;
  owner_.onResponseHead(*interim);
  sink_.send(Part::makeHead(*interim, worker_.blocks));
}

void HttpChain::sendRequestEnd(Part&& part) {
  terminal_->send(std::move(part));
  request_finished_ = true;
  if (response_finished_) state_ = State::kComplete;
}

}  // namespace weir::filter
