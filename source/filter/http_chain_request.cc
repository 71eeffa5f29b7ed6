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
    case ChainFlow::Step::kHead: {
      http::Head& head = request_.takeHead();
      terminal_ = &owner_.openTerminal(head);
      terminal_->send(Part::makeHead(head, worker_.blocks));
      return true;
    }
    case ChainFlow::Step::kData:
      return sendRequestData();
    case ChainFlow::Step::kEnd:
      terminal_->send(Part::makeEnd(request_.takeEnd(), worker_.blocks));
      finishRequest();
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
  // Body is pulled when somebody takes it: a filter that collects, or the terminal.
  const bool body_next = info_.request_head != nullptr;
  if (body_next && !request_.collecting() && (terminal_ == nullptr || terminal_->room() == 0)) return false;
  std::optional<Part> part = downstream_.receive();
  if (!part) return false;
  switch (part->kind()) {
    case Part::Kind::kHead:
      info_.request_head = &part->head();
      chooseRoute(part->head(), 0);
      request_.putHead(part->head());
      break;
    case Part::Kind::kData:
      info_.bytes_received += part->data().size();
      request_.putData(std::move(part->data()));
      break;
    case Part::Kind::kEnd:
      request_pulled_ = true;
      info_.request_complete = worker_.dispatcher.now();
      request_.putEnd(part->trailers());
      break;
    case Part::Kind::kFailed:
      // What the client did wrong is told to it, unless a response is on its way already.
      replyWith(part->reason(), "", outwardOf(request_.holder()));
      break;
  }
  return true;
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
  downstream_.send(Part::makeHead(*interim, worker_.blocks));
}

void HttpChain::finishRequest() {
  request_finished_ = true;
  if (response_finished_) state_ = State::kComplete;
}

}  // namespace weir::filter
