#include "source/extensions/filters/http/set_metadata/set_metadata.h"

#include <string>

#include "gtest/gtest.h"
#include "source/base/metadata.h"
#include "source/filter/metadata_text.h"
#include "test/harness/filter/filter_contract.h"
#include "test/harness/filter/filter_harness.h"

namespace weir::extensions::set_metadata {
namespace {

using harness::FilterHarness;

std::string field(const std::string& key, const std::string& value) {
  return "fields { key: \"" + key + "\" value { " + value + " } } ";
}

std::string entry(const std::string& name, const std::string& fields, bool overwrite = false) {
  return "metadata { metadata_namespace: \"" + name + "\" value { " + fields + "} " +
         (overwrite ? "allow_overwrite: true } " : "} ");
}

std::string noted(FilterHarness& h) {
  auto x = h.open();
  x->get("/");
  x->settle();
  EXPECT_TRUE(x->terminal_open);
  std::string out;
  if (x->info.dynamic_metadata != nullptr) filter::appendMetadataJson(*x->info.dynamic_metadata, out);
  return out;
}

TEST(SetMetadataTest, EachStreamIsGivenWhatIsConfigured) {
  FilterHarness h(setMetadataType(), entry("a", field("k", "string_value: \"v\"")) +
                                         entry("b", field("n", "number_value: 2") + field("t", "bool_value: true") +
                                                        field("z", "null_value: NULL_VALUE")));
  EXPECT_EQ(noted(h), "{\"a\":{\"k\":\"v\"},\"b\":{\"n\":2,\"t\":true,\"z\":null}}");
  EXPECT_EQ(noted(h), "{\"a\":{\"k\":\"v\"},\"b\":{\"n\":2,\"t\":true,\"z\":null}}");
  EXPECT_EQ(h.world.counter("http.test.set_metadata.overwrite_denied"), 0u);
}

TEST(SetMetadataTest, ANamespaceThatHasSomethingIsLeftAloneUnlessItMayBeOverwritten) {
  FilterHarness kept(setMetadataType(),
                     entry("a", field("k", "string_value: \"first\"")) +
                         entry("a", field("k", "string_value: \"second\"") + field("l", "string_value: \"second\"")));
  EXPECT_EQ(noted(kept), "{\"a\":{\"k\":\"first\"}}");
  EXPECT_EQ(kept.world.counter("http.test.set_metadata.overwrite_denied"), 1u);
  FilterHarness merged(setMetadataType(),
                       entry("a", field("k", "string_value: \"first\"") + field("m", "string_value: \"first\"")) +
                           entry("a", field("k", "number_value: 2") + field("l", "string_value: \"second\""), true));
  EXPECT_EQ(noted(merged), "{\"a\":{\"k\":2,\"l\":\"second\",\"m\":\"first\"}}");
  EXPECT_EQ(merged.world.counter("http.test.set_metadata.overwrite_denied"), 0u);
}

TEST(SetMetadataTest, TheOlderPairIsHonoured) {
  FilterHarness h(setMetadataType(), "metadata_namespace: \"a\" value { " + field("k", "string_value: \"v\"") + "} " +
                                         entry("a", field("k", "string_value: \"w\"")));
  EXPECT_EQ(noted(h), "{\"a\":{\"k\":\"v\"}}");
}

TEST(SetMetadataTest, WithoutEntriesNothingIsMade) {
  FilterHarness h(setMetadataType(), "");
  EXPECT_EQ(noted(h), "");
}

TEST(SetMetadataTest, WhatIsWrongIsSaidWhereItStands) {
  harness::FilterWorld world;
  EXPECT_NE(world.errorsOf(setMetadataType(), "metadata { metadata_namespace: \"a\" }")
                .find("metadata[0]: notes nothing; value is needed, an object with what is to be noted"),
            std::string::npos);
  EXPECT_NE(
      world.errorsOf(setMetadataType(), "value { }").find("metadata_namespace: empty beside a value; allowed: a name"),
      std::string::npos);
}

TEST(SetMetadataTest, Contract) {
  harness::FilterContract contract;
  contract.make = [](harness::FilterWorld& world) {
    return world.makeFilter(setMetadataType(), entry("a", field("k", "string_value: \"v\"")));
  };
  EXPECT_NE(harness::runFilterContract(contract), "");
}

}  // namespace
}  // namespace weir::extensions::set_metadata
