#include "body_rewriter.cc"

#include "weir_testing.hpp"

namespace {

// The body that comes out of `pieces`.
std::string rewritten(const std::vector<std::string>& pieces, const char* type = "text/html") {
  weir::testing::Host host(weir_plugin_entry, R"({"from": "cat", "to": "tiger"})");
  auto x = host.exchange();
  x->request({});
  x->response(200, {{"content-type", type}}, false);
  for (const std::string& piece : pieces) x->responseData(piece);
  x->responseEnd();
  WEIR_EXPECT(x->responseEnded());
  return x->responseBody();
}

}  // namespace

int main() {
  WEIR_EXPECT(rewritten({"a cat sat"}) == "a tiger sat");
  WEIR_EXPECT(rewritten({"c", "a", "t"}) == "tiger");
  WEIR_EXPECT(rewritten({"cac", "at ca"}) == "catiger ca");
  WEIR_EXPECT(rewritten({"concat", "ccat"}) == "contigerctiger");
  WEIR_EXPECT(rewritten({""}).empty());
  WEIR_EXPECT(rewritten({"a cat"}, "image/png") == "a cat");
  // Split at every byte, it is the same.
  const std::string text = "cats, cat and cacat: ca";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    WEIR_EXPECT(rewritten({text.substr(0, cut), text.substr(cut)}) == "tigers, tiger and catiger: ca");
  }
  return weir::testing::result();
}
