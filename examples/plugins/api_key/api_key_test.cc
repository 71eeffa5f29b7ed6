#include "api_key.cc"

#include "weir_testing.hpp"

int main() {
  weir::testing::Host host(weir_plugin_entry, R"({"cluster": "keys"})");

  auto none = host.exchange();
  none->request({{":path", "/"}});
  WEIR_EXPECT(none->replied() == 401);

  auto good = host.exchange();
  good->request({{":path", "/things"}, {"x-api-key", "k1"}});
  WEIR_EXPECT(good->paused() && !good->passed());
  WEIR_EXPECT(host.calls().size() == 1);
  WEIR_EXPECT(host.calls()[0].cluster == "keys");
  host.answer(200, "", {{"x-user", "ann"}});
  WEIR_EXPECT(good->passed());
  WEIR_EXPECT(good->requestField("x-user") == "ann");
  WEIR_EXPECT(good->requestField("x-api-key").empty());

  auto bad = host.exchange();
  bad->request({{"x-api-key", "k2"}});
  host.answer(403);
  WEIR_EXPECT(bad->replied() == 403);

  auto late = host.exchange();
  late->request({{"x-api-key", "k3"}});
  host.answer(WEIR_CALL_TIMED_OUT);
  WEIR_EXPECT(late->replied() == 503);

  auto gone = host.exchange();
  gone->request({{"x-api-key", "k4"}});
  gone.reset();
  host.answer(200);  // nobody is there: nothing happens
  WEIR_EXPECT(host.metric("denied") == 2);
  return weir::testing::result();
}
