// RawClient: requests over a plain TCP connection: 64 bytes that begin with a number and a line feed ask for so many
// bytes. One at a time. Owned by main.
#pragma once

#include <memory>
#include <optional>

#include "bench/load/outgoing.h"
#include "source/event/wakeable.h"

namespace weir::bench {

inline constexpr size_t kRawRequestBytes = 64;

class RawClient final : public Client, private net::Session, private event::Wakeable {
 public:
  explicit RawClient(const Outgoing& outgoing);
  void begin(base::MonotonicTime due) override;

 private:
  void onOpen() override;
  void onInput(buffer::Buffer& input, bool end) override;
  void onRoom() override {}
  void onClose(net::CloseReason reason) override;
  void onWake() override { outgoing_.run.hasRoom(*this); }
  void send();
  void finish(bool good);

  const Outgoing outgoing_;
  std::unique_ptr<net::Connection> connection_;
  std::optional<base::MonotonicTime> due_;
  bool open_ = false;
  size_t missing_ = 0;
};

}  // namespace weir::bench
