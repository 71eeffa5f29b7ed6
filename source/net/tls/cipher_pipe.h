// CipherPipe: the encrypted side of a TLS connection, as the BIO that OpenSSL reads and writes. Owned by the TlsSocket;
// one worker. It makes few system calls and holds no buffer while the connection is idle:
//   - inside a Turn, one read of the socket takes up to 32 KiB onto the stack, from which OpenSSL takes its records;
//     what it leaves is kept until the next Turn, which is rare
//   - inside a Turn, records gather on the stack and go out with one write; what the kernel does not take is kept,
//     and flush() sends it later
// OpenSSL is never told that a write would block, unless the peer makes it answer without reading the answers.
#pragma once

#include <openssl/bio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "source/net/socket.h"
#include "source/net/tls/openssl_ptr.h"

namespace weir::net::tls {

struct ConnectionState;

class CipherPipe {
 public:
  // `socket` must outlive it.
  explicit CipherPipe(Socket& socket) : socket_(socket) {}
  CipherPipe(const CipherPipe&) = delete;
  CipherPipe& operator=(const CipherPipe&) = delete;

  // The type of BIO that reaches a CipherPipe. One for all connections; must outlive them.
  static OpensslPtr<BIO_METHOD> makeMethod();
  // Null when there is no memory.
  BIO* makeBio(const BIO_METHOD* method);

  // Where OpenSSL's callbacks find what they need to know of the connection; null when they need nothing more.
  void setState(ConnectionState* state) { state_ = state; }
  ConnectionState* state() const { return state_; }

  // What is lent to the pipe for one call of the socket. `in` takes what is read ahead, `out` gathers what is written;
  // either may be empty. Its end keeps what is left over, and sends what was gathered.
  class Turn {
   public:
    Turn(CipherPipe& pipe, std::span<char> in, std::span<char> out);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    CipherPipe& pipe_;
  };

  // Sends what was gathered and kept, as far as the socket takes it. False when something is left or the socket failed.
  bool flush();
  bool hasUnsent() const { return gathered_ > 0 || unsent_ != nullptr; }
  // Free space of what gathers.
  size_t gatherRoom() const { return out_.size() - gathered_; }

  // The peer has closed: reads go on until its end is found, and not only until one is short.
  void readToTheEnd() { to_the_end_ = true; }
  bool ended() const { return ended_; }            // the peer's FIN was read
  int readError() const { return read_error_; }    // errno of a read that failed, or 0
  int writeError() const { return write_error_; }  // errno of a write that failed, or 0
  // The first bytes that the peer ever sent, for telling what it speaks.
  std::string_view firstBytes() const { return {first_, first_size_}; }
  bool receivedAny() const { return first_size_ > 0; }

 private:
  static int onRead(BIO* bio, char* into, size_t size, size_t* got);
  static int onWrite(BIO* bio, const char* from, size_t size, size_t* taken);
  static long onControl(BIO* bio, int command, long number, void* pointer);

  bool refill();
  void keepRest();
  void gather(std::string_view bytes);
  void noteFirst(std::string_view bytes);
  bool sendPieces(std::string_view kept, std::string_view gathered);

  struct Unsent {
    std::string bytes;
    size_t at = 0;
  };

  Socket& socket_;
  ConnectionState* state_ = nullptr;
  const char* in_ = nullptr;  // what was read and OpenSSL has not taken yet: in the Turn's buffer or in held_
  std::span<char> in_buffer_;
  std::span<char> out_;
  std::unique_ptr<char[]> held_;
  std::unique_ptr<Unsent> unsent_;
  uint32_t in_size_ = 0;
  uint32_t gathered_ = 0;
  int read_error_ = 0;
  int write_error_ = 0;
  char first_[8];
  uint8_t first_size_ = 0;
  bool in_held_ : 1 = false;
  bool drained_ : 1 = false;  // in this Turn: the socket has no more now
  bool to_the_end_ : 1 = false;
  bool ended_ : 1 = false;
};

}  // namespace weir::net::tls
