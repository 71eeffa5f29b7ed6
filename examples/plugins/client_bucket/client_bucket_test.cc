#include "client_bucket.cc"

#include "weir_testing.hpp"

namespace {

uint32_t ask(weir::testing::Host& host, const char* client) {
  auto x = host.exchange();
  x->client = client;
  x->request({});
  return x->passed() ? 200 : x->replied();
}

}  // namespace

int main() {
  weir::testing::Host host(weir_plugin_entry, R"({"per_second": 2, "burst": 3, "clients": 2})");
  for (int i = 0; i < 3; ++i) WEIR_EXPECT(ask(host, "192.0.2.1:1") == 200);
  WEIR_EXPECT(ask(host, "192.0.2.1:2") == 429);
  WEIR_EXPECT(ask(host, "192.0.2.2:1") == 200);
  host.advance(std::chrono::milliseconds(499));
  WEIR_EXPECT(ask(host, "192.0.2.1:3") == 429);
  host.advance(std::chrono::milliseconds(2));
  WEIR_EXPECT(ask(host, "192.0.2.1:3") == 200);
  WEIR_EXPECT(ask(host, "192.0.2.1:3") == 429);
  // A third client takes the place of the one that was not seen for longest, which begins anew.
  WEIR_EXPECT(ask(host, "192.0.2.3:1") == 200);
  for (int i = 0; i < 3; ++i) WEIR_EXPECT(ask(host, "192.0.2.2:1") == 200);
  WEIR_EXPECT(host.metric("limited") == 3);

  weir::testing::Host wrong(weir_plugin_entry, R"({"per_second": 0})");
  WEIR_EXPECT(wrong.errors().at(0) == "per_second: must be above 0");
  return weir::testing::result();
}
