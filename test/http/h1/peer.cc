#include "test/http/h1/peer.h"

#include <algorithm>
#include <utility>

namespace weir::http::h1 {

Peer::Peer(Role role, const H1Options& options, size_t write_limit)
    : arena_(std::make_unique<base::Arena>(chunks_)),
      codec_(new H1Codec(role, H1Io{in_, out_, write_limit, chunks_}, options, *this)) {}

Peer::~Peer() { stream_.reset(); }

void Peer::feed(std::string_view bytes, bool end) {
  in_.append(bytes);
  codec_->onInput(end);
  pump();
}

void Peer::lose(Reason reason) {
  codec_->onConnectionLost(reason);
  pump();
}

void Peer::pump() {
  if (!pull) return;
  for (int turns = 0; turns < 1000; ++turns) {
    const size_t ends = stream_ends_;
    woken_ = false;
    while (stream_ != nullptr && !ended_ && takePart()) {
    }
    if (stream_ends_ != ends && !codec_->finished()) codec_->onInput(false);
    if (stream_ends_ == ends && !woken_) return;
  }
}

bool Peer::takePart() {
  std::optional<Part> part = stream_->receive();
  if (!part) return false;
  if (part->kind() == Part::Kind::kData) {
    if (!std::exchange(in_data_, true)) log_ += "data(";
    log_ += part->data().toString();
    return true;
  }
  closeData();
  if (part->kind() == Part::Kind::kHead) {
    logHead(part->head());
    return true;
  }
  ended_ = true;
  const bool failed = part->kind() == Part::Kind::kFailed;
  if (failed) {
    log_.append("failed(").append(reasonInfo(part->reason()).name).append(")\n");
  } else {
    log_ += "end";
    if (part->trailers() != nullptr) {
      for (const Field& f : *part->trailers()) log_.append(" ").append(f.name).append("=").append(f.value);
    }
    log_ += "\n";
  }
  if (on_end) on_end(failed);
  return true;
}

void Peer::logHead(const Head& head) {
  if (head.isRequest()) {
    log_.append(head.method).append(" ").append(head.scheme).append("://").append(head.authority);
    log_.append(head.path).append(" ").append(versionName(head.version));
  } else {
    log_.append(std::to_string(head.status)).append(" ").append(versionName(head.version));
  }
  if (!head.upgrade.empty()) log_.append(" upgrade:").append(head.upgrade);
  if (head.content_length) log_.append(" length:").append(std::to_string(*head.content_length));
  if (head.expects_continue) log_ += " expects-continue";
  for (const Field& f : head.headers) log_.append(" ").append(f.name).append("=").append(f.value);
  log_ += "\n";
}

void Peer::closeData() {
  if (std::exchange(in_data_, false)) log_ += ")\n";
}

std::string Peer::takeLog() {
  closeData();
  return std::exchange(log_, "");
}

void Peer::onStream(StreamPtr stream) {
  ++requests_;
  stream_ = std::move(stream);
  stream_->setOwner(*this, *arena_);
  ended_ = false;
}

void Peer::openStream() {
  stream_ = codec_->open();
  stream_->setOwner(*this, *arena_);
  ended_ = false;
}

void Peer::releaseStream() {
  stream_.reset();
  arena_->reset();
}

Head& Peer::newHead() { return *arena_->make<Head>(*arena_); }

Head& Peer::newRequest(std::string_view method, std::string_view path, std::string_view authority) {
  Head& head = newHead();
  head.method = arena_->copy(method);
  head.path = arena_->copy(path);
  head.authority = arena_->copy(authority);
  head.scheme = "http";
  return head;
}

Head& Peer::newResponse(uint16_t status) {
  Head& head = newHead();
  head.status = status;
  return head;
}

void Peer::sendData(std::string_view data) {
  buffer::Buffer buffer(blocks_);
  buffer.append(data);
  stream_->send(Part::makeData(std::move(buffer)));
}

void Peer::respond(uint16_t status, std::string_view body) {
  Head& head = newResponse(status);
  head.content_length = body.size();
  send(head);
  sendData(body);
  sendEnd();
  releaseStream();
}

std::string Peer::output() {
  codec_->beforeFlush();
  std::string text = out_.toString();
  out_.clear();
  codec_->onRoom();
  return text;
}

}  // namespace weir::http::h1
