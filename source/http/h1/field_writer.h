// FieldWriter: writes the text of a head to a buffer, gathered on the stack first, so that a head is one or two
// appends. Fields that frame the message or belong to the connection are left out: whoever writes the head writes those
// anew (law 17). From a name or value that is not valid on nothing is written and ok() is false, so that such a head
// never becomes complete: no filter can split a message.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "source/buffer/buffer.h"
#include "source/http/header_map.h"

namespace weir::http::h1 {

class FieldWriter {
 public:
  explicit FieldWriter(buffer::Buffer& out) : out_(out) {}
  ~FieldWriter() { flush(); }
  FieldWriter(const FieldWriter&) = delete;
  FieldWriter& operator=(const FieldWriter&) = delete;

  // As it is; must be valid.
  void text(std::string_view text);
  void number(uint64_t number);
  // "name: value CRLF". `name` must be valid, `value` is checked here; below, what a parser has checked already is not.
  void field(std::string_view name, std::string_view value);
  // All fields that may be copied; `request`: without Host, which the request's authority stands for.
  void fields(const HeaderMap& fields, bool request);
  // Those that may stand behind a chunked body.
  void trailers(const HeaderMap& fields);

  bool ok() const { return ok_; }

 private:
  void checked(const Field& field);
  void write(std::string_view name, std::string_view value);
  void flush();

  buffer::Buffer& out_;
  std::array<char, 2048> gathered_;
  size_t size_ = 0;
  bool ok_ = true;
};

}  // namespace weir::http::h1
