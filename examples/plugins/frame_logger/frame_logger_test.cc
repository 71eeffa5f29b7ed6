#include "frame_logger.cc"

#include "weir_testing.hpp"

int main() {
  const std::string frames("\0\0\0\3abc\0\0\0\0\0\0\0\1x", 16);
  for (size_t cut = 0; cut <= frames.size(); ++cut) {  // split at every byte, it is the same
    weir::testing::Host host(weir_plugin_entry, R"({"max_bytes": 10})");
    {
      auto c = host.connection();
      c->data(frames.substr(0, cut));
      c->output(frames.substr(0, cut));
      c->data(frames.substr(cut), true);
      c->output(frames.substr(cut));
      WEIR_EXPECT(c->passed() == frames);
      WEIR_EXPECT(c->sent() == frames);
      WEIR_EXPECT(!c->closed());
    }
    WEIR_EXPECT(host.metric("frames") == 3);
    WEIR_EXPECT(host.metric("answers") == 3);
    WEIR_EXPECT(host.log().back() == "frame_logger: closed after 3 frames and 3 answers");
  }
  weir::testing::Host host(weir_plugin_entry, R"({"max_bytes": 10})");
  auto c = host.connection();
  c->data(std::string("\0\0\0\13", 4));
  WEIR_EXPECT(c->closed());
  WEIR_EXPECT(host.metric("too_long") == 1);
  auto other = host.connection();
  other->output(std::string("\0\1\0\0", 4));
  WEIR_EXPECT(other->closed());
  WEIR_EXPECT(host.metric("too_long") == 2);
  return weir::testing::result();
}
