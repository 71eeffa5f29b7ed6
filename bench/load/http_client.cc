#include "bench/load/http_client.h"

#include <algorithm>
#include <string>
#include <utility>

#include "source/http/h1/h1_codec.h"
#include "source/http/h2/h2_codec.h"

namespace weir::bench {
namespace {

using http::Part;

constexpr size_t kWriteLimit = 256 * 1024;
constexpr size_t kMessageBytes = 64;

std::string zeros(size_t size) { return std::string(size, 'x'); }

}  // namespace

void HttpClient::Slot::wakeStream() {
  if (std::exchange(woken, true)) return;
  client.woken_.push_back(this);
  client.wake();
}

HttpClient::HttpClient(const Outgoing& outgoing)
    : Wakeable(outgoing.worker.dispatcher), outgoing_(outgoing), before_flush_(*this) {
  h2_.initial_stream_window = 4 * 1024 * 1024;
  h2_.initial_connection_window = 64 * 1024 * 1024;
  h2_.max_concurrent_streams = static_cast<uint32_t>(outgoing.plan.streams);
  const size_t count = http2() ? outgoing.plan.streams : 1;
  for (size_t i = 0; i < count; ++i) slots_.push_back(std::make_unique<Slot>(*this));
  wake();
}

HttpClient::~HttpClient() {
  for (const auto& slot : slots_) slot->stream.reset();
}

void HttpClient::begin(base::MonotonicTime due) {
  for (const auto& slot : slots_) {
    if (slot->due || !slot->announced) continue;
    slot->due = due;
    slot->announced = false;
    waiting_.push_back(slot.get());
    break;
  }
  if (connection_ == nullptr) connection_ = outgoing_.connect(*this);
  sendWaiting();
}

void HttpClient::makeCodec() {
  const net::WorkerContext& worker = outgoing_.worker;
  http::CodecOwner& owner = *this;
  if (http2()) {
    const http::h2::H2Io io{connection_->input(),        connection_->output(), kWriteLimit, worker.chunks, memory_,
                            worker.dispatcher.turnTime()};
    codec_ = std::make_unique<http::h2::H2Codec>(http::Role::kClient, io, h2_, owner);
  } else {
    const http::h1::H1Io io{connection_->input(), connection_->output(), kWriteLimit, worker.chunks};
    codec_ = std::make_unique<http::h1::H1Codec>(http::Role::kClient, io, h1_, owner);
  }
}

void HttpClient::onOpen() {
  makeCodec();
  sendWaiting();
}

// As many as the codec takes now.
void HttpClient::sendWaiting() {
  if (codec_ == nullptr || closing_) return;
  while (!waiting_.empty()) {
    Slot& slot = *waiting_.front();
    if (slot.stream == nullptr && !codec_->canOpen()) return;
    waiting_.erase(waiting_.begin());
    if (slot.stream == nullptr) {
      send(slot);
    } else {
      sendMessage(slot);
    }
  }
}

void HttpClient::send(Slot& slot) {
  const Plan& plan = outgoing_.plan;
  slot.arena.reset();
  slot.stream = codec_->open();
  slot.stream->setOwner(slot, slot.arena);
  slot.good = false;
  slot.unsent = plan.traffic == Traffic::kGrpc ? plan.body + 5 : plan.body;
  slot.sent_end = false;
  slot.received = 0;
  http::Head& head = *slot.arena.make<http::Head>(slot.arena);
  head.method = slot.unsent > 0 ? "POST" : "GET";
  head.scheme = plan.tls ? "https" : "http";
  head.authority = "bench";
  head.path = plan.path;
  head.version = http2() ? http::Version::kHttp2 : http::Version::kHttp11;
  if (plan.traffic == Traffic::kGrpc) {
    head.headers.add("content-type", "application/grpc");
    head.headers.add("te", "trailers");
  } else if (slot.unsent > 0) {
    head.content_length = slot.unsent;
  }
  if (websocket()) {
    head.upgrade = "websocket";
    head.headers.add("sec-websocket-version", "13");
    head.headers.add("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
  } else {
    head.headers.add("user-agent", "weir-bench");
    head.headers.add("accept", "*/*");
  }
  slot.stream->send(Part::makeHead(head, outgoing_.worker.blocks));
  if (websocket()) return;
  sendBody(slot);
}

void HttpClient::sendBody(Slot& slot) {
  buffer::BlockPool& blocks = outgoing_.worker.blocks;
  while (slot.unsent > 0) {
    const size_t now = std::min(slot.unsent, slot.stream->room());
    if (now == 0) return;
    buffer::Buffer body(blocks);
    if (outgoing_.plan.traffic == Traffic::kGrpc) {
      const auto size = static_cast<uint32_t>(outgoing_.plan.body);
      const char frame[5] = {0, static_cast<char>(size >> 24), static_cast<char>(size >> 16),
                             static_cast<char>(size >> 8), static_cast<char>(size)};
      body.append(std::string_view(frame, 5));
      body.append(zeros(outgoing_.plan.body));
      slot.unsent = 0;
    } else {
      body.append(zeros(now));
      slot.unsent -= now;
    }
    slot.stream->send(Part::makeData(std::move(body)));
  }
  if (!std::exchange(slot.sent_end, true)) slot.stream->send(Part::makeEnd(nullptr, blocks));
}

void HttpClient::sendMessage(Slot& slot) {
  slot.echo = kMessageBytes;
  buffer::Buffer message(outgoing_.worker.blocks);
  message.append(zeros(kMessageBytes));
  slot.stream->send(Part::makeData(std::move(message)));
}

void HttpClient::receive(Slot& slot) {
  if (slot.stream == nullptr) return;
  if (!websocket() && !slot.sent_end) sendBody(slot);
  while (slot.stream != nullptr) {
    std::optional<Part> part = slot.stream->receive();
    if (!part) return;
    switch (part->kind()) {
      case Part::Kind::kHead:
        onHead(slot, part->head());
        break;
      case Part::Kind::kData:
        slot.received += part->data().size();
        if (!websocket()) break;
        slot.echo -= std::min(slot.echo, part->data().size());
        if (slot.echo == 0 && slot.due) {
          outgoing_.run.ended(*std::exchange(slot.due, std::nullopt), true);
          wake();
        }
        break;
      case Part::Kind::kEnd:
        onEnd(slot, part->trailers());
        break;
      case Part::Kind::kFailed:
        finish(slot, false);
        break;
    }
  }
}

void HttpClient::onHead(Slot& slot, const http::Head& head) {
  slot.good = websocket() ? head.status == 101 : head.status == 200;
  if (websocket() && slot.good && slot.due) sendMessage(slot);
}

void HttpClient::onEnd(Slot& slot, const http::HeaderMap* trailers) {
  bool good = slot.good && slot.received == outgoing_.plan.response && !websocket();
  if (outgoing_.plan.traffic == Traffic::kGrpc) {
    good = good && trailers != nullptr && trailers->get("grpc-status") == "0";
  }
  finish(slot, good);
}

void HttpClient::finish(Slot& slot, bool good) {
  slot.stream.reset();
  if (slot.due) outgoing_.run.ended(*std::exchange(slot.due, std::nullopt), good);
  if ((outgoing_.plan.reconnect || codec_->finished()) && !closing_) {
    closing_ = true;
    connection_->close(net::CloseReason::kLocal);
  }
  wake();
}

void HttpClient::onInput(buffer::Buffer&, bool end) {
  if (codec_ == nullptr) return;
  codec_->onInput(end);
  if ((end || codec_->finished()) && !closing_) {
    closing_ = true;
    connection_->closeAfterFlush(absl::ZeroDuration());
  }
}

void HttpClient::onOutput() {
  before_flush_.wake();
  connection_->flush();
}

void HttpClient::BeforeFlush::onWake() {
  if (client_.connection_ == nullptr || client_.codec_ == nullptr) return;
  client_.codec_->beforeFlush();
  if (!client_.connection_->output().empty()) client_.connection_->flush();
}

void HttpClient::onClose(net::CloseReason) {
  if (codec_ != nullptr) codec_->onConnectionLost(http::Reason::kUpstreamReset);
  closing_ = true;
  wake();
}

void HttpClient::onWake() {
  std::vector<Slot*> woken;
  woken.swap(woken_);
  for (Slot* const slot : woken) {
    slot->woken = false;
    receive(*slot);
  }
  if (closing_ && connection_ != nullptr && !connection_->open()) {
    for (const auto& slot : slots_) {
      slot->stream.reset();
      if (slot->due) outgoing_.run.ended(*std::exchange(slot->due, std::nullopt), false);
    }
    waiting_.clear();
    codec_.reset();
    outgoing_.worker.dispatcher.deleteLater(std::move(connection_));
    closing_ = false;
  }
  sendWaiting();
  announce();
}

// Tells the run of every slot that has nothing to do. What it gives at once comes back through begin().
void HttpClient::announce() {
  if (closing_) return;
  for (const auto& slot : slots_) {
    if (slot->due || slot->announced) continue;
    slot->announced = true;
    outgoing_.run.hasRoom(*this);
  }
}

}  // namespace weir::bench
