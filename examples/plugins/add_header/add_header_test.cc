#include "add_header.cc"

#include "weir_testing.hpp"

int main() {
  weir::testing::Host host(weir_plugin_entry, R"({"name": "x-answer", "value": "42"})");
  auto x = host.exchange();
  x->request({{":path", "/"}});
  WEIR_EXPECT(x->passed());
  WEIR_EXPECT(x->requestField("x-answer") == "42");

  weir::testing::Host refused(weir_plugin_entry, "{}");
  WEIR_EXPECT(refused.refused());
  WEIR_EXPECT(refused.errors()[0] == "name: is missing");
  return weir::testing::result();
}
