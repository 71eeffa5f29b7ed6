#include "test/http/h2/peer.h"

#include <utility>

namespace weir::http::h2 {

Call::Call(Peer& peer, StreamPtr stream) : peer_(peer), arena_(peer.chunks()), stream_(std::move(stream)) {
  stream_->setOwner(*this, arena_);
}

Call::~Call() { stream_.reset(); }

void Call::wakeStream() {}

void Call::take() {
  while (stream_ != nullptr && pull && !ended_) {
    std::optional<Part> part = stream_->receive();
    if (!part) return;
    if (part->kind() == Part::Kind::kData) {
      if (!std::exchange(in_data_, true)) log_ += "data(";
      log_ += part->data().toString();
      continue;
    }
    if (std::exchange(in_data_, false)) log_ += ")\n";
    if (part->kind() == Part::Kind::kHead) {
      logHead(part->head());
      continue;
    }
    ended_ = true;
    if (part->kind() == Part::Kind::kFailed) {
      failure_ = part->reason();
      log_.append("failed(").append(reasonInfo(part->reason()).name).append(")\n");
    } else {
      log_ += "end";
      if (part->trailers() != nullptr) {
        for (const Field& f : *part->trailers()) log_.append(" ").append(f.name).append("=").append(f.value);
      }
      log_ += "\n";
    }
    if (peer_.on_end) peer_.on_end(*this);
  }
}

void Call::logHead(const Head& head) {
  if (head.isRequest()) {
    log_.append(head.method).append(" ").append(head.scheme).append("://").append(head.authority).append(head.path);
  } else {
    log_.append(std::to_string(head.status));
  }
  if (!head.upgrade.empty()) log_.append(" upgrade:").append(head.upgrade);
  if (head.content_length) log_.append(" length:").append(std::to_string(*head.content_length));
  if (head.expects_continue) log_ += " expects-continue";
  for (const Field& f : head.headers) log_.append(" ").append(f.name).append("=").append(f.value);
  log_ += "\n";
}

Head& Call::newRequest(std::string_view method, std::string_view path, std::string_view authority) {
  Head& head = *arena_.make<Head>(arena_);
  head.method = arena_.copy(method);
  head.scheme = "http";
  head.path = arena_.copy(path);
  head.authority = arena_.copy(authority);
  return head;
}

Head& Call::newResponse(uint16_t status) {
  Head& head = *arena_.make<Head>(arena_);
  head.status = status;
  return head;
}

HeaderMap& Call::newFields() { return *arena_.make<HeaderMap>(arena_); }

void Call::send(Head& head) { stream_->send(Part::makeHead(head, peer_.blocks())); }

void Call::sendData(std::string_view data) {
  buffer::Buffer buffer(peer_.blocks());
  buffer.append(data);
  stream_->send(Part::makeData(std::move(buffer)));
}

void Call::sendEnd(HeaderMap* trailers) { stream_->send(Part::makeEnd(trailers, peer_.blocks())); }

void Call::request(std::string_view method, std::string_view path, std::string_view body) {
  Head& head = newRequest(method, path);
  if (!body.empty()) head.content_length = body.size();
  send(head);
  if (!body.empty()) sendData(body);
  sendEnd();
}

void Call::respond(uint16_t status, std::string_view body) {
  Head& head = newResponse(status);
  head.content_length = body.size();
  send(head);
  sendData(body);
  sendEnd();
}

Peer::Peer(Role role, const H2Options& options, size_t write_limit)
    : options_(options),
      codec_(new H2Codec(role, H2Io{in_, out_, write_limit, chunks_, memory_, now_}, options_, *this)) {}

Peer::~Peer() { calls_.clear(); }

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
  for (size_t i = 0; i < calls_.size(); ++i) calls_[i]->take();
}

std::string Peer::output() {
  codec_->beforeFlush();
  std::string text = out_.toString();
  out_.clear();
  codec_->onRoom();
  return text;
}

Call& Peer::open() {
  calls_.push_back(std::make_unique<Call>(*this, codec_->open()));
  return *calls_.back();
}

void Peer::onStream(StreamPtr stream) {
  if (drop) return;
  calls_.push_back(std::make_unique<Call>(*this, std::move(stream)));
  calls_.back()->pull = pull;
}

std::pair<std::string, std::string> settle(Peer& client, Peer& server) {
  std::pair<std::string, std::string> all;
  for (int quiet = 0; quiet < 2;) {
    const std::string up = client.output();
    if (!up.empty()) server.feed(up);
    const std::string down = server.output();
    if (!down.empty()) client.feed(down);
    client.pump();
    server.pump();
    quiet = up.empty() && down.empty() ? quiet + 1 : 0;
    all.first += up;
    all.second += down;
  }
  return all;
}

}  // namespace weir::http::h2
