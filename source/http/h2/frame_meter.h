// FrameMeter: reads the frame headers of what came on an HTTP/2 connection, before anything else looks at it, and
// charges each frame to the Budgets. Sees every frame, also those that the library drops in silence. Owned by the
// codec; is fed each received byte once, in pieces of any size; keeps nine bytes.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "source/http/h2/budgets.h"
#include "source/http/reason.h"

namespace weir::http::h2 {

class FrameMeter {
 public:
  // `preface`: the bytes begin with a client's connection preface.
  FrameMeter(Budgets& budgets, bool preface);

  Reason feed(std::string_view bytes);
  // The connection preface or a header section has begun and is not complete.
  bool headPending() const { return preface_left_ > 0 || head_open_; }

 private:
  static constexpr size_t kHeaderBytes = 9;

  Reason frameBegins();

  Budgets& budgets_;
  std::array<unsigned char, kHeaderBytes> header_{};
  uint32_t have_ = 0;  // bytes of header_
  uint32_t payload_left_ = 0;
  uint8_t preface_left_;
  bool head_open_ = false;
  bool head_closes_ = false;  // with the frame that is being read
};

}  // namespace weir::http::h2
