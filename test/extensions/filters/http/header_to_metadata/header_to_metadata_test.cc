#include "source/extensions/filters/http/header_to_metadata/header_to_metadata.h"

#include <string>

#include "gtest/gtest.h"
#include "source/base/metadata.h"
#include "source/filter/metadata_text.h"
#include "test/harness/filter/filter_contract.h"
#include "test/harness/filter/filter_harness.h"

namespace weir::extensions::header_to_metadata {
namespace {

using harness::Fields;
using harness::FilterHarness;

std::string noted(const harness::FilterExchange& exchange) {
  std::string out;
  if (exchange.info.dynamic_metadata == nullptr) return "none";
  filter::appendMetadataJson(*exchange.info.dynamic_metadata, out);
  return out;
}

// What is noted about a request with these fields.
std::string notedOf(const std::string& config, Fields fields) {
  FilterHarness h(headerToMetadataType(), config);
  auto x = h.open();
  x->get("/path", fields);
  x->settle();
  return noted(*x);
}

const std::string kUser =
    "request_rules { header: \"X-User\" on_header_present { metadata_namespace: \"n\" key: \"user\" } "
    "on_header_missing { metadata_namespace: \"n\" key: \"user\" value: \"nobody\" } }";

TEST(HeaderToMetadataTest, AHeaderThatIsThereAndOneThatIsNot) {
  EXPECT_EQ(notedOf(kUser, {{"x-user", "alice"}}), "{\"n\":{\"user\":\"alice\"}}");
  EXPECT_EQ(notedOf(kUser, {{"x-user", "a"}, {"x-user", "b"}}), "{\"n\":{\"user\":\"a,b\"}}");
  EXPECT_EQ(notedOf(kUser, {}), "{\"n\":{\"user\":\"nobody\"}}");
}

TEST(HeaderToMetadataTest, WithoutSomethingToNoteNothingIsMade) {
  EXPECT_EQ(notedOf(kUser, {{"x-user", ""}}), "none");
  EXPECT_EQ(notedOf("request_rules { header: \"x\" on_header_present { key: \"k\" } }", {}), "none");
  const std::string longest(8192, 'x');
  EXPECT_EQ(notedOf(kUser, {{"x-user", longest}}), "{\"n\":{\"user\":\"" + longest + "\"}}");
  EXPECT_EQ(notedOf(kUser, {{"x-user", longest + "x"}}), "none");
}

TEST(HeaderToMetadataTest, TheNamespaceIsThatOfTheFilterUnlessGiven) {
  EXPECT_EQ(notedOf("request_rules { header: \":path\" on_header_present { key: \"p\" } }", {}),
            "{\"envoy.filters.http.header_to_metadata\":{\"p\":\"/path\"}}");
}

TEST(HeaderToMetadataTest, ValuesHaveTypesAndMayBeEncoded) {
  const std::string number =
      "request_rules { header: \"x\" on_header_present { metadata_namespace: \"n\" key: \"k\" "
      "type: NUMBER } }";
  EXPECT_EQ(notedOf(number, {{"x", "41.5"}}), "{\"n\":{\"k\":41.5}}");
  for (const char* text : {"x", "1x", "inf", "nan"}) EXPECT_EQ(notedOf(number, {{"x", text}}), "none") << text;
  const std::string base64 =
      "request_rules { header: \"x\" on_header_present { metadata_namespace: \"n\" key: \"k\" "
      "encode: BASE64 } }";
  EXPECT_EQ(notedOf(base64, {{"x", "YWxpY2U="}}), "{\"n\":{\"k\":\"alice\"}}");
  EXPECT_EQ(notedOf(base64, {{"x", "*"}}), "none");
  const std::string rewritten =
      "request_rules { header: \":path\" on_header_present { metadata_namespace: \"n\" key: \"k\" "
      "regex_value_rewrite { pattern { regex: \"^/(p)a(.*)$\" } substitution: \"\\\\2-\\\\1\" } } }";
  EXPECT_EQ(notedOf(rewritten, {}), "{\"n\":{\"k\":\"th-p\"}}");
  EXPECT_EQ(
      notedOf("request_rules { header: \"x\" on_header_present { metadata_namespace: \"n\" key: \"k\" value: \"v\" } }",
              {{"x", "seen"}}),
      "{\"n\":{\"k\":\"v\"}}");
}

TEST(HeaderToMetadataTest, CookiesAreLookedIntoToo) {
  const std::string cookie =
      "request_rules { cookie: \"sid\" on_header_present { metadata_namespace: \"n\" key: \"c\" } }";
  EXPECT_EQ(notedOf(cookie, {{"cookie", "a=1; sid=xyz; b=2"}}), "{\"n\":{\"c\":\"xyz\"}}");
  EXPECT_EQ(notedOf(cookie, {{"cookie", "a=1"}}), "none");
}

TEST(HeaderToMetadataTest, AHeaderMayBeTakenAway) {
  FilterHarness h(
      headerToMetadataType(),
      "request_rules { header: \"x-a\" remove: true on_header_present { metadata_namespace: \"n\" key: \"a\" } } "
      "response_rules { header: \"x-b\" remove: true on_header_present { metadata_namespace: \"n\" key: \"b\" } } "
      "response_rules { header: \":status\" on_header_present { metadata_namespace: \"n\" key: \"s\" type: NUMBER "
      "} }");
  auto x = h.open();
  x->get("/", {{"x-a", "1"}, {"x-kept", "k"}});
  x->settle();
  EXPECT_EQ(x->upstream.sent().find("x-a"), std::string::npos) << x->upstream.sent();
  EXPECT_NE(x->upstream.sent().find("x-kept"), std::string::npos) << x->upstream.sent();
  EXPECT_EQ(noted(*x), "{\"n\":{\"a\":\"1\"}}");
  x->answer(204, {{"x-b", "2"}});
  x->settle();
  EXPECT_EQ(x->client.sent().find("x-b"), std::string::npos) << x->client.sent();
  EXPECT_EQ(noted(*x), "{\"n\":{\"a\":\"1\",\"b\":\"2\",\"s\":204}}");
}

TEST(HeaderToMetadataTest, TheRulesOfARouteTakeThePlaceOfTheFilters) {
  FilterHarness h(headerToMetadataType(), kUser);
  h.addRoute("request_rules { header: \"x-user\" on_header_present { metadata_namespace: \"r\" key: \"u\" } }");
  auto x = h.open();
  x->get("/", {{"x-user", "alice"}});
  x->settle();
  EXPECT_EQ(noted(*x), "{\"r\":{\"u\":\"alice\"}}");
}

TEST(HeaderToMetadataTest, WhatIsWrongIsSaidWhereItStands) {
  harness::FilterWorld world;
  const std::string present = "on_header_present { key: \"k\" } ";
  const std::pair<std::string, const char*> cases[] = {
      {"request_rules { " + present + "}",
       "request_rules[0]: neither header nor cookie is given; one of them is needed"},
      {"request_rules { header: \"a\" cookie: \"b\" " + present + "}",
       "request_rules[0]: header and cookie are given; allowed: one of them"},
      {"request_rules { header: \"a\" }",
       "request_rules[0]: notes nothing; on_header_present, on_header_missing or both are needed"},
      {"request_rules { cookie: \"a\" remove: true " + present + "}",
       "request_rules[0].remove: true; allowed: true only for a header, and not for one that begins with :"},
      {"request_rules { header: \":path\" remove: true " + present + "}",
       "request_rules[0].remove: true; allowed: true only for a header, and not for one that begins with :"},
      {"response_rules { cookie: \"a\" " + present + "}",
       "response_rules[0].cookie: cookies are what clients send; allowed in response_rules: header"},
      {"request_rules { header: \"a\" on_header_missing { key: \"k\" } }",
       "request_rules[0].on_header_missing.value: empty; allowed: a text, as there is no header to take one from"},
      {"request_rules { header: \"a\" on_header_present { key: \"k\" value: \"x\" type: NUMBER } }",
       "request_rules[0].on_header_present.value: not of that type and encode, or longer than 8192 bytes; allowed: a "
       "text "
       "that can be noted"},
      {"request_rules { header: \"a\" on_header_present { key: \"k\" value: \"x\" regex_value_rewrite { pattern { "
       "regex: "
       "\"x\" } } } }",
       "request_rules[0].on_header_present.regex_value_rewrite: beside a value; allowed: value or regex_value_rewrite"},
      {"request_rules { header: \"a\" on_header_present { key: \"k\" regex_value_rewrite { pattern { regex: \"(\" } } "
       "} }",
       "request_rules[0].on_header_present.regex_value_rewrite: "},
  };
  for (const auto& [config, expected] : cases) {
    EXPECT_NE(world.errorsOf(headerToMetadataType(), config).find(expected), std::string::npos)
        << world.errorsOf(headerToMetadataType(), config) << "\nexpected " << expected;
  }
}

TEST(HeaderToMetadataTest, Contract) {
  harness::FilterContract contract;
  contract.make = [](harness::FilterWorld& world) { return world.makeFilter(headerToMetadataType(), kUser); };
  EXPECT_NE(harness::runFilterContract(contract), "");
}

}  // namespace
}  // namespace weir::extensions::header_to_metadata
