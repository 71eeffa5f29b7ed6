#include "source/net/tls/tls_socket.h"

#include <openssl/opensslv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/base/log.h"
#include "source/net/tls/openssl_error.h"
#include "source/net/tls/peer_chain.h"
#include "source/net/tls/x509_text.h"

// Before 3.0.14, SSL_free_buffers could free a buffer that was in use.
static_assert(OPENSSL_VERSION_NUMBER >= 0x300000e0L, "OpenSSL 3.0.14 or later is needed");

namespace weir::net::tls {
namespace {

constexpr size_t kReadAhead = 32 * 1024;
constexpr size_t kMaxRecord = 16 * 1024;  // RFC 8446 section 5.1
constexpr size_t kRecordOverhead = 128;   // header, nonce, tag and padding, with room to spare
// Two full records, or many small ones, go out with one write.
constexpr size_t kGather = 2 * (kMaxRecord + kRecordOverhead);

// A browser can use a record when all of it is there. So a connection begins, and begins again after a pause, with
// records that fit into one segment (MSS 1428 on IPv6 with timestamps, less 29 bytes of TLS 1.2) while the peer's
// congestion window opens, and goes over to full ones, which cost less.
constexpr size_t kSmallRecord = 1399;
constexpr uint32_t kSmallRecordsUpTo = 64 * 1024;
constexpr absl::Duration kPause = absl::Seconds(1);

// Goes through the pieces of a write.
class Cursor {
 public:
  explicit Cursor(std::span<const iovec> pieces) : pieces_(pieces) { skipEmpty(); }
  bool done() const { return index_ == pieces_.size(); }
  void skip(size_t bytes) {
    while (bytes > 0 && !done()) {
      const size_t n = std::min(bytes, left());
      at_ += n;
      bytes -= n;
      skipEmpty();
    }
  }
  // The next bytes, `size` of them unless there are fewer: where they are, or copied together into `scratch`.
  std::string_view next(size_t size, std::span<char> scratch) {
    const char* const here = static_cast<const char*>(pieces_[index_].iov_base) + at_;
    if (left() >= size || index_ + 1 == pieces_.size()) {
      const std::string_view bytes(here, std::min(size, left()));
      skip(bytes.size());
      return bytes;
    }
    size_t copied = 0;
    while (copied < size && !done()) {
      const size_t n = std::min(size - copied, left());
      std::memcpy(scratch.data() + copied, static_cast<const char*>(pieces_[index_].iov_base) + at_, n);
      copied += n;
      skip(n);
    }
    return {scratch.data(), copied};
  }

 private:
  size_t left() const { return pieces_[index_].iov_len - at_; }
  void skipEmpty() {
    while (!done() && left() == 0) {
      ++index_;
      at_ = 0;
    }
  }
  std::span<const iovec> pieces_;
  size_t index_ = 0;
  size_t at_ = 0;
};

// "GET / HT" -> that it is HTTP; else the bytes themselves, as far as they can be shown.
std::string whatItSpeaks(std::string_view first) {
  for (const std::string_view start :
       {"GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ", "CONNECT ", "PATCH ", "TRACE ", "PRI * HT", "HTTP/"}) {
    if (first.starts_with(start.substr(0, first.size())) && first.size() >= 4)
      return "the peer speaks HTTP and not TLS";
  }
  return absl::StrCat("the peer does not speak TLS: its first bytes are ",
                      hex(reinterpret_cast<const unsigned char*>(first.data()), first.size()));
}

// A TLS record of the handshake, or an alert.
bool looksLikeTls(std::string_view first) {
  return (first[0] == 0x16 || first[0] == 0x15) && (first.size() < 2 || first[1] == 0x03);
}

}  // namespace

TlsSocket::TlsSocket(std::unique_ptr<Socket> inner, SslPtr ssl, std::unique_ptr<ConnectionState> state,
                     std::shared_ptr<const void> context, std::shared_ptr<const Shared> shared, stats::Shard& shard)
    : Wakeable(*state->dispatcher, event::Phase::kFlush),
      inner_(std::move(inner)),
      pipe_(*inner_),
      shared_(std::move(shared)),
      context_(std::move(context)),
      state_of_callbacks_(std::move(state)),
      ssl_(std::move(ssl)),
      dispatcher_(*state_of_callbacks_->dispatcher),
      shard_(shard),
      state_(SSL_is_server(ssl_.get()) != 0 ? State::kHandshake : State::kConnecting),
      server_(SSL_is_server(ssl_.get()) != 0) {
  pipe_.setState(state_of_callbacks_.get());
  BIO* const bio = pipe_.makeBio(shared_->method.get());
  CHECK(bio != nullptr, "a connection needs memory");
  SSL_set_bio(ssl_.get(), bio, bio);
}

TlsSocket::~TlsSocket() {
  if (waits_at_gate_) state_of_callbacks_->gate->leave();
  if (state_ == State::kOpen && !said_goodbye_ && !reset_ && pipe_.writeError() == 0 && ahead_ == 0) {
    SSL_shutdown(ssl_.get());
    dropOpensslErrors();
    pipe_.flush();
  }
  // A session stays good although its connection was not taken down by both sides.
  if (state_ == State::kOpen) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

void TlsSocket::watch(event::ReadyHandler& handler) {
  handler_ = &handler;
  event::ReadyHandler& self = *this;
  inner_->watch(self);
}

bool TlsSocket::handOver(event::ReadyHandler& handler) {
  if (state_ != State::kOpen) return false;
  handler_ = &handler;
  return true;
}

// --- edges ---

void TlsSocket::onReady(event::Readiness ready) {
  if (ready.closed) pipe_.readToTheEnd();
  if (state_ == State::kConnecting && !connected(ready)) return;
  if (ready.writable && pipe_.hasUnsent()) {
    ready.writable = pipe_.flush() || pipe_.writeError() != 0;
    if (ready.writable && fin_wanted_) sendFin();
  }
  if (ready.writable && read_waits_) {
    read_waits_ = false;
    ready.readable = true;
  }
  if (state_ == State::kHandshake) {
    if (!admitted()) return;
    handshake();
    if (state_ == State::kHandshake) return;
    ready.readable = true;
    ready.writable = ready.writable || !server_ || write_waits_;
    if (state_ == State::kFailed) ready.closed = true;
  }
  if (ready.readable || ready.writable || ready.closed) handler_->onReady(ready);
}

// Whether the inner socket is connected now; if it failed, the watcher is told.
bool TlsSocket::connected(event::Readiness ready) {
  if (!ready.writable && !ready.closed) return false;
  const absl::Status status = inner_->connectResult();
  if (status.ok()) {
    state_ = State::kHandshake;
    return true;
  }
  state_ = State::kFailed;
  never_connected_ = true;
  error_ = ECONNREFUSED;
  failure_ = std::make_unique<std::string>(status.message().data(), status.message().size());
  handler_->onReady({.readable = true, .writable = true, .closed = true});
  return false;
}

// Its time at the gate, or something that a read found behind bytes which it had to deliver first.
void TlsSocket::onWake() {
  if (waits_at_gate_) return onReady({.readable = true, .writable = true, .closed = false});
  handler_->onReady({.readable = true, .writable = false, .closed = true});
}

// --- handshake ---

// Whether the gate lets the handshake go on in this turn; if not, it is asked again in the flush phase of the next.
bool TlsSocket::admitted() {
  const bool admitted = state_of_callbacks_->gate->enter(waits_at_gate_);
  waits_at_gate_ = !admitted;
  if (admitted) {
    unwake();
  } else {
    wake();
  }
  return admitted;
}

void TlsSocket::handshake() {
  std::array<char, kReadAhead> in;
  std::array<char, kMaxRecord> out;
  int result;
  {
    const CipherPipe::Turn turn(pipe_, in, out);
    result = SSL_do_handshake(ssl_.get());
    if (result != 1) outcomeOf(result);
  }
  if (result == 1) handshakeDone();
  SSL_free_buffers(ssl_.get());
}

void TlsSocket::handshakeDone() {
  state_ = State::kOpen;
  shard_.add(shared_->stats.handshake);
  shard_.add(SSL_version(ssl_.get()) == TLS1_3_VERSION ? shared_->stats.tls13 : shared_->stats.tls12);
  if (SSL_session_reused(ssl_.get()) != 0) shard_.add(shared_->stats.session_reused);
  if (SSL_get0_peer_certificate(ssl_.get()) == nullptr) shard_.add(shared_->stats.no_certificate);
  if (server_) {  // no callback needs it any more; a client's sessions are still to come
    pipe_.setState(nullptr);
    state_of_callbacks_.reset();
    transportInfo();
  }
  if (info_ != nullptr) fillInfo();
  if (server_) shared_->remains.drop(ssl_.get());
}

IoResult TlsSocket::outcomeOf(int returned) {
  const int error = SSL_get_error(ssl_.get(), returned);
  const bool waits = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
  if (waits && pipe_.readError() == 0 && pipe_.writeError() == 0) {
    if (error == SSL_ERROR_WANT_WRITE) read_waits_ = true;
    return {IoResult::State::kWouldBlock, 0, 0};
  }
  if (error == SSL_ERROR_ZERO_RETURN) {
    at_end_ = true;
    return {IoResult::State::kEnd, 0, 0};
  }
  const bool library = error == SSL_ERROR_SSL;
  if (!library && pipe_.ended()) {
    dropOpensslErrors();
    if (state_ == State::kOpen) {
      at_end_ = truncated_ = true;
      shard_.add(shared_->stats.truncated);
      if (info_ != nullptr) fillInfo();
      return {IoResult::State::kEnd, 0, 0};
    }
    at_end_ = !pipe_.receivedAny();  // connected and left: no error of anyone
    fail("the peer closed the connection during the handshake", ECONNRESET);
  } else if (!library && (pipe_.readError() != 0 || pipe_.writeError() != 0)) {
    dropOpensslErrors();
    const int number = pipe_.readError() != 0 ? pipe_.readError() : pipe_.writeError();
    fail(absl::StrCat("the connection broke: ", std::strerror(number)), number);
  } else {
    if (state_ == State::kHandshake) countFailedCheck();
    fail(reasonOfFailure(), EPROTO);
  }
  return {at_end_ ? IoResult::State::kEnd : IoResult::State::kFailed, 0, error_};
}

std::string TlsSocket::reasonOfFailure() {
  std::string reason = takeOpensslError();
  if (state_ == State::kHandshake && !state_of_callbacks_->check_failure.empty()) {
    return absl::StrCat("the peer's certificate is not accepted: ", state_of_callbacks_->check_failure);
  }
  const std::string_view first = pipe_.firstBytes();
  if (state_ == State::kHandshake && !first.empty() && !looksLikeTls(first)) return whatItSpeaks(first);
  return reason.empty() ? "unknown reason" : reason;
}

void TlsSocket::fail(std::string reason, int error) {
  if (!at_end_) shard_.add(shared_->stats.connection_error);
  const bool handshake = state_ == State::kHandshake && !at_end_;
  failure_ = std::make_unique<std::string>(std::move(reason));
  error_ = error;
  state_ = State::kFailed;
  if (handshake) logFailure();
  if (info_ != nullptr) fillInfo();
}

// What a client does wrong is its own affair, and anybody can do it; what a server does makes requests fail.
void TlsSocket::logFailure() const {
  const int64_t second = absl::ToInt64Seconds(dispatcher_.now() - base::MonotonicTime{0});
  if (shared_->logged.exchange(second, std::memory_order_relaxed) == second) return;
  const std::string text = absl::StrCat("TLS handshake with ", remoteAddress().text(), " failed: ", *failure_);
  if (server_) {
    LOG(kDebug, text);
  } else {
    LOG(kWarning, text);
  }
}

void TlsSocket::countFailedCheck() {
  const TlsStats& stats = shared_->stats;
  switch (state_of_callbacks_->check) {
    case ConnectionState::Check::kChain:
      return shard_.add(stats.fail_verify_error);
    case ConnectionState::Check::kName:
      return shard_.add(stats.fail_verify_san);
    case ConnectionState::Check::kPin:
      return shard_.add(stats.fail_verify_cert_hash);
    case ConnectionState::Check::kGood:
    case ConnectionState::Check::kNotChecked:
      break;
  }
  if (peerShowedNoCertificate()) shard_.add(stats.fail_verify_no_cert);
}

absl::Status TlsSocket::connectResult() {
  if (state_ != State::kFailed) return absl::OkStatus();
  if (never_connected_) return absl::UnavailableError(*failure_);
  return absl::UnavailableError(absl::StrCat("TLS handshake with ", remoteAddress().text(), " failed: ", *failure_));
}

// --- reading ---

IoResult TlsSocket::read(std::span<const iovec> into) {
  if (at_end_) return {IoResult::State::kEnd, 0, 0};
  if (state_ == State::kFailed) return {IoResult::State::kFailed, 0, error_};
  if (state_ != State::kOpen) return {IoResult::State::kWouldBlock, 0, 0};
  size_t room = 0;
  for (const iovec& piece : into) room += piece.iov_len;
  std::array<char, kReadAhead> ahead;
  // Little more than fits, so that little is left over; enough that a record of the greatest size is one read.
  const size_t want = std::min(ahead.size(), room + kRecordOverhead);
  size_t total = 0;
  IoResult last{IoResult::State::kOk, 0, 0};
  {
    const CipherPipe::Turn turn(pipe_, std::span<char>(ahead).first(want), {});
    for (const iovec& piece : into) {
      last = readPiece(piece, total);
      if (last.state != IoResult::State::kOk) break;
    }
  }
  SSL_free_buffers(ssl_.get());
  if (total == 0) return last;
  if (last.state == IoResult::State::kEnd || last.state == IoResult::State::kFailed) wake();
  return {IoResult::State::kOk, total, 0};
}

// Fills `piece` as far as there is something; kOk when it is full.
IoResult TlsSocket::readPiece(const iovec& piece, size_t& got) {
  for (size_t at = 0; at < piece.iov_len;) {
    size_t n = 0;
    const int result = SSL_read_ex(ssl_.get(), static_cast<char*>(piece.iov_base) + at, piece.iov_len - at, &n);
    if (result != 1) return outcomeOf(result);
    at += n;
    got += n;
  }
  return {IoResult::State::kOk, 0, 0};
}

// --- writing ---

IoResult TlsSocket::write(std::span<const iovec> from) {
  if (state_ == State::kFailed) return {IoResult::State::kFailed, 0, error_ == 0 ? EPIPE : error_};
  if (state_ != State::kOpen) {
    write_waits_ = true;
    return {IoResult::State::kWouldBlock, 0, 0};
  }
  if (!pipe_.flush()) {
    if (pipe_.writeError() != 0) return {IoResult::State::kFailed, 0, pipe_.writeError()};
    return {IoResult::State::kWouldBlock, 0, 0};
  }
  std::array<char, kGather> out;
  std::array<char, kMaxRecord> scratch;
  Cursor cursor(from);
  cursor.skip(ahead_);
  size_t sent = std::exchange(ahead_, 0);
  while (!cursor.done()) {
    size_t batch = 0;
    bool all;
    {
      const CipherPipe::Turn turn(pipe_, {}, out);
      for (size_t size = recordBytes(); !cursor.done() && pipe_.gatherRoom() >= size + kRecordOverhead;
           size = recordBytes()) {
        const std::string_view plain = cursor.next(size, scratch);
        if (!encrypt(plain)) return {IoResult::State::kFailed, 0, error_ == 0 ? EPIPE : error_};
        batch += plain.size();
      }
      all = pipe_.flush();
    }
    if (pipe_.writeError() != 0) return {IoResult::State::kFailed, 0, pipe_.writeError()};
    if (!all) {
      ahead_ = static_cast<uint32_t>(batch);
      break;
    }
    sent += batch;
  }
  SSL_free_buffers(ssl_.get());
  if (sent == 0) return {IoResult::State::kWouldBlock, 0, 0};
  return {IoResult::State::kOk, sent, 0};
}

// One record; the pipe takes all of it.
bool TlsSocket::encrypt(std::string_view plain) {
  for (size_t at = 0; at < plain.size();) {
    size_t n = 0;
    const int result = SSL_write_ex(ssl_.get(), plain.data() + at, plain.size() - at, &n);
    if (result != 1) {
      if (outcomeOf(result).state == IoResult::State::kWouldBlock) fail("a record could not be written", EPIPE);
      return false;
    }
    at += n;
  }
  burst_bytes_ += static_cast<uint32_t>(std::min<size_t>(plain.size(), UINT32_MAX - burst_bytes_));
  return true;
}

size_t TlsSocket::recordBytes() {
  const base::MonotonicTime now = dispatcher_.now();
  if (now - last_write_ >= kPause) burst_bytes_ = 0;
  last_write_ = now;
  return burst_bytes_ < kSmallRecordsUpTo ? kSmallRecord : kMaxRecord;
}

void TlsSocket::shutdownWrite() {
  if (state_ == State::kOpen && !said_goodbye_) {
    said_goodbye_ = true;
    SSL_shutdown(ssl_.get());
    dropOpensslErrors();
  }
  fin_wanted_ = true;
  if (pipe_.flush()) sendFin();
}

void TlsSocket::sendFin() {
  fin_wanted_ = false;
  inner_->shutdownWrite();
}

void TlsSocket::resetOnClose() {
  reset_ = true;
  inner_->resetOnClose();
}

// --- what is known of the peer ---

const TransportInfo* TlsSocket::transportInfo() const {
  if (info_ == nullptr) {
    info_ = std::make_shared<TransportInfo>();
    fillInfo();
  }
  return info_.get();
}

void TlsSocket::fillInfo() const {
  TransportInfo& info = *info_;
  SSL* const ssl = ssl_.get();
  info.truncated = truncated_;
  if (failure_ != nullptr) info.failure = *failure_;
  if (state_ != State::kOpen || !info.version.empty()) return;
  info.version = SSL_get_version(ssl);
  info.cipher = SSL_get_cipher_name(ssl);
  if (const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) {
    info.server_name = name;
    std::transform(info.server_name.begin(), info.server_name.end(), info.server_name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  }
  const unsigned char* alpn = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &alpn, &size);
  info.alpn.assign(reinterpret_cast<const char*>(alpn), size);
  if (SSL_SESSION* const session = SSL_get_session(ssl)) {
    const unsigned char* const id = SSL_SESSION_get_id(session, &size);
    info.session_id = hex(id, size);
  }
  info.resumed = SSL_session_reused(ssl) != 0;
  for (const auto& [certificate, says] : shared_->certificates) {
    if (certificate == SSL_get_certificate(ssl)) info.local = says;
  }
  X509* const certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return;
  info.verified = SSL_get_verify_result(ssl) == X509_V_OK;
  info.peer = std::make_unique<PeerCertificate>(describe(certificate));
  info.peer_chain = keepPeerChain(ssl);
}

std::string TlsSocket::peerCertificatePem(bool chain) const {
  X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return {};
  std::string text = pem(certificate);
  if (!chain) return text;
  // A client's chain begins with the server's own certificate, a server's chain leaves the client's out.
  STACK_OF(X509)* const rest = SSL_get_peer_cert_chain(ssl_.get());
  for (int i = server_ ? 0 : 1; i < sk_X509_num(rest); ++i) text += pem(sk_X509_value(rest, i));
  return text;
}

}  // namespace weir::net::tls
