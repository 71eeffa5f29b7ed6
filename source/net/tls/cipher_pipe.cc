#include "source/net/tls/cipher_pipe.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "source/base/check.h"

namespace weir::net::tls {
namespace {

// A peer that has OpenSSL answer (key updates, alerts) and reads nothing gets no further than this.
constexpr size_t kMaxUnsent = 256 * 1024;

}  // namespace

OpensslPtr<BIO_METHOD> CipherPipe::makeMethod() {
  OpensslPtr<BIO_METHOD> method(BIO_meth_new(BIO_TYPE_SOURCE_SINK, "weir socket"));
  CHECK(method != nullptr, "a TLS context needs memory");
  BIO_meth_set_read_ex(method.get(), &CipherPipe::onRead);
  BIO_meth_set_write_ex(method.get(), &CipherPipe::onWrite);
  BIO_meth_set_ctrl(method.get(), &CipherPipe::onControl);
  return method;
}

BIO* CipherPipe::makeBio(const BIO_METHOD* method) {
  BIO* const bio = BIO_new(method);
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  return bio;
}

CipherPipe::Turn::Turn(CipherPipe& pipe, std::span<char> in, std::span<char> out) : pipe_(pipe) {
  pipe_.in_buffer_ = in;
  pipe_.out_ = out;
  pipe_.drained_ = false;
}

CipherPipe::Turn::~Turn() {
  pipe_.flush();
  pipe_.keepRest();
  pipe_.in_buffer_ = {};
  pipe_.out_ = {};
}

// What is left of a read stays for the next turn; it is in held_ already when this turn read nothing.
void CipherPipe::keepRest() {
  if (in_size_ == 0) {
    held_.reset();
    in_ = nullptr;
    return;
  }
  if (in_held_) return;
  std::unique_ptr<char[]> rest(new char[in_size_]);
  std::memcpy(rest.get(), in_, in_size_);
  held_ = std::move(rest);
  in_ = held_.get();
  in_held_ = true;
}

// --- what OpenSSL reads ---

int CipherPipe::onRead(BIO* bio, char* into, size_t size, size_t* got) {
  CipherPipe& self = *static_cast<CipherPipe*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (self.in_size_ == 0 && !self.refill()) {
    if (!self.ended_ && self.read_error_ == 0) BIO_set_retry_read(bio);
    return 0;
  }
  *got = std::min<size_t>(size, self.in_size_);
  std::memcpy(into, self.in_, *got);
  self.in_ += *got;
  self.in_size_ -= static_cast<uint32_t>(*got);
  return 1;
}

bool CipherPipe::refill() {
  if (drained_ || ended_ || read_error_ != 0 || in_buffer_.empty()) return false;
  const iovec into{in_buffer_.data(), in_buffer_.size()};
  const IoResult result = socket_.read({&into, 1});
  switch (result.state) {
    case IoResult::State::kOk:
      break;
    case IoResult::State::kWouldBlock:
      drained_ = true;
      return false;
    case IoResult::State::kEnd:
      ended_ = true;
      return false;
    case IoResult::State::kFailed:
      read_error_ = result.error == 0 ? EIO : result.error;
      return false;
  }
  if (result.bytes < in_buffer_.size() && !to_the_end_) drained_ = true;
  in_ = in_buffer_.data();
  in_held_ = false;
  in_size_ = static_cast<uint32_t>(result.bytes);
  noteFirst({in_, in_size_});
  return true;
}

void CipherPipe::noteFirst(std::string_view bytes) {
  const size_t n = std::min(sizeof(first_) - first_size_, bytes.size());
  std::memcpy(first_ + first_size_, bytes.data(), n);
  first_size_ += static_cast<uint8_t>(n);
}

// --- what OpenSSL writes ---

int CipherPipe::onWrite(BIO* bio, const char* from, size_t size, size_t* taken) {
  CipherPipe& self = *static_cast<CipherPipe*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (self.write_error_ != 0) return 0;
  if (self.unsent_ != nullptr && self.unsent_->bytes.size() > kMaxUnsent) {
    BIO_set_retry_write(bio);
    return 0;
  }
  self.gather({from, size});
  *taken = size;
  return 1;
}

void CipherPipe::gather(std::string_view bytes) {
  if (gatherRoom() < bytes.size()) flush();
  if (gatherRoom() >= bytes.size()) {
    std::memcpy(out_.data() + gathered_, bytes.data(), bytes.size());
    gathered_ += static_cast<uint32_t>(bytes.size());
    return;
  }
  // Outside a turn, or more than gathers.
  if (unsent_ == nullptr) unsent_ = std::make_unique<Unsent>();
  unsent_->bytes.append(bytes);
}

bool CipherPipe::flush() {
  if (write_error_ != 0) return false;
  if (!hasUnsent()) return true;
  const std::string_view kept =
      unsent_ == nullptr ? std::string_view() : std::string_view(unsent_->bytes).substr(unsent_->at);
  const bool all = sendPieces(kept, {out_.data(), gathered_});
  gathered_ = 0;
  return all;
}

bool CipherPipe::sendPieces(std::string_view kept, std::string_view gathered) {
  std::array<iovec, 2> pieces;
  size_t count = 0;
  for (const std::string_view piece : {kept, gathered}) {
    if (!piece.empty()) pieces[count++] = {const_cast<char*>(piece.data()), piece.size()};
  }
  const IoResult result = socket_.write(std::span<const iovec>(pieces.data(), count));
  if (result.state == IoResult::State::kFailed || result.state == IoResult::State::kEnd) {
    write_error_ = result.error == 0 ? EPIPE : result.error;
    unsent_.reset();
    return false;
  }
  size_t sent = result.state == IoResult::State::kOk ? result.bytes : 0;
  if (sent == kept.size() + gathered.size()) {
    unsent_.reset();
    return true;
  }
  if (unsent_ == nullptr) unsent_ = std::make_unique<Unsent>();
  const size_t of_kept = std::min(sent, kept.size());
  unsent_->at += of_kept;
  sent -= of_kept;
  if (unsent_->at > unsent_->bytes.size() / 2) {
    unsent_->bytes.erase(0, unsent_->at);
    unsent_->at = 0;
  }
  unsent_->bytes.append(gathered.substr(sent));
  return false;
}

long CipherPipe::onControl(BIO*, int command, long, void*) {
  // The end of the stream is the socket's to report, or OpenSSL would answer it with an alert.
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

}  // namespace weir::net::tls
