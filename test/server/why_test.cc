#include "source/server/why.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace weir::server {
namespace {

size_t lines(const std::string& text) { return static_cast<size_t>(std::count(text.begin(), text.end(), '\n')); }

TEST(Why, ExplainsAReasonByItsName) {
  for (const char* const code : {"no_route", "NO_ROUTE"}) {
    EXPECT_EQ(whyText(code).value_or("refused"),
              "no_route\n"
              "  flag in access logs: NR\n"
              "  status of the answer: 404\n"
              "  No virtual host or route matched the request.\n");
  }
}

TEST(Why, AFlagStandsForAllReasonsThatHaveIt) {
  const std::string text = whyText("uf").value_or("");
  EXPECT_EQ(text.find("upstream_connect_failure\n"), 0u) << text;
  EXPECT_NE(text.find("\n\nupstream_connect_timeout\n"), std::string::npos) << text;
  EXPECT_EQ(lines(text), 9u) << text;
  EXPECT_EQ(whyText("NR,NC").value_or(""),
            whyText("no_route").value_or("x") + "\n" + whyText("no_cluster").value_or("x"));
}

TEST(Why, AReasonWithoutAStatusSaysSo) {
  EXPECT_NE(whyText("client_gone").value_or("").find("status of the answer: as configured, or none"),
            std::string::npos);
}

TEST(Why, KnowsWhatIsNotWeirsOwn) {
  EXPECT_NE(whyText("via_upstream").value_or("").find("the upstream's own"), std::string::npos);
}

TEST(Why, ListsEveryReasonOnALineOfItsOwn) {
  const std::string text = whyText("").value_or("");
  std::set<std::string> seen;
#define WEIR_REASON(id, flag, status, name, sentence)             \
  EXPECT_NE(text.find("\n" name " "), std::string::npos) << name; \
  EXPECT_NE(text.find(sentence "\n"), std::string::npos) << name; \
  seen.insert(name);
#include "source/http/reasons.inc"
#undef WEIR_REASON
  EXPECT_EQ(lines(text), 1 + seen.size() + 3) << text;
}

TEST(Why, AnUnknownCodeIsRefusedWithTheNearest) {
  EXPECT_EQ(whyText("no_rout").status().message(),
            "no reason is called \"no_rout\"; did you mean \"no_route\"?; `weir why` lists all of them");
  EXPECT_EQ(whyText("QQ").status().message(), "no reason is called \"QQ\"; `weir why` lists all of them");
  EXPECT_FALSE(whyText("NR,").ok());
}

}  // namespace
}  // namespace weir::server
