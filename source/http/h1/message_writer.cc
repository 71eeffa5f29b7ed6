#include "source/http/h1/message_writer.h"

#include <utility>

#include "source/http/authority.h"
#include "source/http/h1/chunked.h"
#include "source/http/h1/field_writer.h"
#include "source/http/scan.h"
#include "source/http/status_text.h"

namespace weir::http::h1 {
namespace {

bool isToken(std::string_view text) { return !text.empty() && findOutside(kTokenBytes, text) == text.size(); }

bool isTarget(std::string_view text) {
  const bool form = text.empty() || text.front() == '/' || text == "*";
  return form && findOutside(kTargetBytes, text) == text.size();
}

// Methods whose empty body is stated, as RFC 9110 8.6 wants it.
bool expectsBody(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

}  // namespace

void MessageWriter::statusLine(FieldWriter& writer, uint16_t status) {
  writer.text("HTTP/1.1 ");
  writer.number(status);
  writer.text(" ");
  writer.text(statusText(status));
  writer.text("\r\n");
}

void MessageWriter::connectionField(FieldWriter& writer) {
  if (is_request_) return;
  if (close_) {
    writer.text("connection: close\r\n");
  } else if (peer_http_10_) {
    writer.text("connection: keep-alive\r\n");
  }
}

// Ends a head that was just written. One that is not valid stays incomplete.
void MessageWriter::finishHead(FieldWriter& writer, State next) {
  if (next != State::kOpen) writer.text("\r\n");
  state_ = writer.ok() ? next : State::kBroken;
}

void MessageWriter::request(const Head& head) {
  is_request_ = true;
  close_ = until_close_ = peer_http_10_ = false;
  const bool connect = head.isConnect();
  const bool valid = isToken(head.method) && isTarget(head.path) &&
                     (head.authority.empty() ? !connect : parseAuthority(head.authority).has_value()) &&
                     (head.upgrade.empty() || isToken(head.upgrade));
  if (!valid || state_ != State::kStart) {
    state_ = State::kBroken;
    return;
  }
  FieldWriter writer(out_);
  writer.text(head.method);
  writer.text(" ");
  writer.text(connect ? head.authority : head.path.empty() ? std::string_view("/") : head.path);
  writer.text(" HTTP/1.1\r\n");
  writer.field("host", head.authority);
  writer.fields(head.headers, /*request=*/true);
  const bool te = head.headers.has(HeaderId::kTe);
  if (!head.upgrade.empty()) {
    writer.text(te ? "connection: upgrade, te\r\n" : "connection: upgrade\r\n");
    writer.field("upgrade", head.upgrade);
  } else if (te) {
    writer.text("connection: te\r\n");
  }
  if (head.expects_continue) writer.text("expect: 100-continue\r\n");
  length_when_empty_ = expectsBody(head.method);
  if (connect || (!head.upgrade.empty() && head.content_length.value_or(0) == 0)) {
    return finishHead(writer, State::kWaiting);
  }
  if (!head.content_length) return finishHead(writer, State::kOpen);
  left_ = *head.content_length;
  writer.text("content-length: ");
  writer.number(left_);
  writer.text("\r\n");
  finishHead(writer, State::kLength);
}

void MessageWriter::interim(const Head& head) {
  if (state_ != State::kStart) {
    state_ = State::kBroken;
    return;
  }
  FieldWriter writer(out_);
  statusLine(writer, head.status);
  writer.fields(head.headers, /*request=*/false);
  finishHead(writer, State::kStart);
}

void MessageWriter::response(const Head& head, const ResponseContext& context) {
  is_request_ = false;
  until_close_ = false;
  close_ = context.close;
  peer_http_10_ = context.peer == Version::kHttp10;
  length_when_empty_ = true;
  const bool switches = head.status == 101;
  const bool valid =
      head.status >= 100 && head.status <= 999 && (!switches || (context.upgrade_asked && isToken(head.upgrade)));
  if (!valid || state_ != State::kStart) {
    state_ = State::kBroken;
    return;
  }
  FieldWriter writer(out_);
  statusLine(writer, head.status);
  writer.fields(head.headers, /*request=*/false);
  if (switches) {
    writer.text("connection: upgrade\r\n");
    writer.field("upgrade", head.upgrade);
    return finishHead(writer, State::kTunnel);
  }
  if (context.to_connect && head.status / 100 == 2) return finishHead(writer, State::kTunnel);
  if (head.status == 204) {
    connectionField(writer);
    return finishHead(writer, State::kNoBody);
  }
  const bool no_body = context.to_head || head.status == 304;
  if (!head.content_length && !no_body) return finishHead(writer, State::kOpen);
  if (head.content_length) {
    left_ = *head.content_length;
    writer.text("content-length: ");
    writer.number(left_);
    writer.text("\r\n");
  }
  connectionField(writer);
  finishHead(writer, no_body ? State::kNoBody : State::kLength);
}

// Writes how an open head's message is delimited, and the end of the head.
void MessageWriter::closeHead(State next) {
  FieldWriter writer(out_);
  if (next == State::kChunked) writer.text("transfer-encoding: chunked\r\n");
  if (next == State::kDone && length_when_empty_) writer.text("content-length: 0\r\n");
  if (next == State::kUntilClose) close_ = until_close_ = true;
  connectionField(writer);
  finishHead(writer, next);
}

void MessageWriter::commit() {
  if (state_ == State::kOpen) closeHead(peer_http_10_ ? State::kUntilClose : State::kChunked);
}

void MessageWriter::data(buffer::Buffer data) {
  if (data.empty()) return;
  commit();
  switch (state_) {
    case State::kLength:
      if (data.size() > left_) break;
      left_ -= data.size();
      out_.append(std::move(data));
      return;
    case State::kChunked:
      return writeChunk(std::move(data), out_);
    case State::kUntilClose:
    case State::kTunnel:
      out_.append(std::move(data));
      return;
    case State::kNoBody:
      return;
    default:
      break;
  }
  state_ = State::kBroken;
}

void MessageWriter::end(const HeaderMap* trailers) {
  // Trailers can only follow chunks.
  if (state_ == State::kOpen && trailers != nullptr && !trailers->empty()) commit();
  switch (state_) {
    case State::kOpen:
      return closeHead(State::kDone);
    case State::kLength:
      state_ = left_ == 0 ? State::kDone : State::kBroken;
      return;
    case State::kChunked:
      state_ = writeLastChunk(trailers, out_) ? State::kDone : State::kBroken;
      return;
    case State::kUntilClose:
    case State::kNoBody:
    case State::kWaiting:
    case State::kTunnel:
      state_ = State::kDone;
      return;
    default:
      state_ = State::kBroken;
  }
}

void MessageWriter::openTunnel() {
  if (state_ == State::kWaiting) state_ = State::kTunnel;
}

}  // namespace weir::http::h1
