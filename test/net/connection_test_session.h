// RecordingSession: a Session for tests that keeps what it is told, and breaks the test when the order of calls does.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>

#include "source/net/connection.h"

namespace weir::net {

class RecordingSession final : public Session {
 public:
  void onOpen() override {
    enter();
    EXPECT_EQ(opens, 0);
    EXPECT_TRUE(received.empty());
    ++opens;
    if (on_open) on_open();
    leave();
  }
  void onInput(buffer::Buffer& input, bool end) override {
    enter();
    EXPECT_EQ(ends, 0) << "input after its end";
    ++inputs;
    if (end) ++ends;
    if (on_input) {
      on_input(input);
    } else {
      received += input.toString();
      input.clear();
    }
    leave();
  }
  void onRoom() override {
    enter();
    ++rooms;
    if (on_room) on_room();
    leave();
  }
  void onClose(CloseReason reason) override {
    enter();
    closed = reason;
    if (on_close) on_close();
    leave();
  }

  int opens = 0, inputs = 0, ends = 0, rooms = 0;
  std::string received;
  std::optional<CloseReason> closed;
  std::function<void()> on_open, on_room, on_close;
  std::function<void(buffer::Buffer&)> on_input;

 private:
  void enter() {
    EXPECT_FALSE(inside_) << "called from inside its own call";
    EXPECT_FALSE(closed.has_value()) << "called after onClose";
    inside_ = true;
  }
  void leave() { inside_ = false; }
  bool inside_ = false;
};

}  // namespace weir::net
