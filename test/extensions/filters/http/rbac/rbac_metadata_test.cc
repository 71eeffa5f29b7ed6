// Conditions of the rbac filter on what is noted about a stream and about its route.
#include <algorithm>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "source/base/metadata.h"
#include "source/extensions/filters/http/rbac/rbac.h"
#include "test/harness/filter/filter_harness.h"

namespace weir::extensions::http_rbac {
namespace {

using base::Metadata;

Metadata notes() {
  Metadata whole = Metadata::structure();
  Metadata& space = whole.field("space");
  space.field("text") = Metadata("alice");
  space.field("number") = Metadata::number(5);
  space.field("yes") = Metadata::boolean(true);
  space.field("nothing") = Metadata();
  space.field("list") = Metadata::list({Metadata("a"), Metadata::number(7)});
  space.field("deep").field("er") = Metadata("inner");
  return whole;
}

std::string condition(const std::string& path, const std::string& value, const std::string& more = "") {
  std::string out = "filter: \"space\" ";
  for (size_t at = 0; at < path.size();) {
    const size_t colon = std::min(path.find(':', at), path.size());
    out += "path { key: \"" + path.substr(at, colon - at) + "\" } ";
    at = colon + 1;
  }
  return out + "value { " + value + " } " + more;
}

std::string rules(const std::string& permission, const std::string& principal) {
  return "rules { policies { key: \"p\" value { permissions { " + permission + " } principals { " + principal +
         " } } } }";
}

// Whether a request passes about which that is noted.
bool passes(const std::string& config, Metadata* stream, const Metadata* route = nullptr) {
  harness::FilterHarness h(rbacType(), config);
  h.route.notes = route;
  auto x = h.open();
  x->info.route = &h.route;
  x->info.dynamic_metadata = stream;
  x->get("/");
  x->settle();
  return x->terminal_open;
}

bool met(const std::string& path, const std::string& value, const std::string& more = "") {
  Metadata noted = notes();
  return passes(rules("metadata { " + condition(path, value, more) + " }", "any: true"), &noted);
}

TEST(RbacMetadataTest, ValuesOfEachKind) {
  const std::pair<const char*, const char*> yes[] = {
      {"text", "string_match { exact: \"alice\" }"},
      {"text", "string_match { safe_regex { regex: \"a.*\" } }"},
      {"text", "present_match: true"},
      {"number", "double_match { exact: 5 }"},
      {"number", "double_match { range { start: 5 end: 6 } }"},
      {"number", "present_match: true"},
      {"yes", "bool_match: true"},
      {"nothing", "null_match {}"},
      {"nothing", "present_match: true"},
      {"list", "list_match { one_of { string_match { exact: \"a\" } } }"},
      {"list", "list_match { one_of { double_match { range { start: 7 end: 8 } } } }"},
      {"deep:er", "string_match { prefix: \"in\" }"},
      {"text", "or_match { value_matchers { bool_match: true } value_matchers { string_match { exact: \"alice\" } } }"},
  };
  for (const auto& [path, value] : yes) {
    EXPECT_TRUE(met(path, value)) << path << " " << value;
    EXPECT_FALSE(met(path, value, "invert: true")) << path << " " << value;
  }
  const std::pair<const char*, const char*> no[] = {
      {"text", "string_match { exact: \"bob\" }"},
      {"text", "double_match { exact: 5 }"},
      {"text", "null_match {}"},
      {"text", "present_match: false"},
      {"number", "double_match { exact: 4 }"},
      {"number", "double_match { range { start: 4 end: 5 } }"},
      {"number", "bool_match: true"},
      {"yes", "bool_match: false"},
      {"nothing", "bool_match: false"},
      {"list", "list_match { one_of { string_match { exact: \"b\" } } }"},
      {"text", "list_match { one_of { string_match { exact: \"alice\" } } }"},
      {"deep", "string_match { prefix: \"in\" }"},
      {"none", "present_match: true"},
      {"none", "null_match {}"},
      {"text:er", "present_match: true"},
      {"text", "or_match { value_matchers { bool_match: true } value_matchers { string_match { exact: \"bob\" } } }"},
  };
  for (const auto& [path, value] : no) {
    EXPECT_FALSE(met(path, value)) << path << " " << value;
    EXPECT_TRUE(met(path, value, "invert: true")) << path << " " << value;
  }
}

TEST(RbacMetadataTest, WhereNothingIsNotedOnlyTheInverseMatches) {
  const std::string alice = "string_match { exact: \"alice\" }";
  EXPECT_FALSE(passes(rules("metadata { " + condition("text", alice) + " }", "any: true"), nullptr));
  EXPECT_TRUE(passes(rules("metadata { " + condition("text", alice, "invert: true") + " }", "any: true"), nullptr));
}

TEST(RbacMetadataTest, TheSourceSaysWhoseNotesAreMeant) {
  Metadata noted = notes();
  const std::string matcher = "metadata_matcher { " + condition("text", "string_match { exact: \"alice\" }") + " } ";
  const std::string of_stream = "sourced_metadata { " + matcher + "}";
  const std::string of_route = "sourced_metadata { " + matcher + "metadata_source: ROUTE }";
  for (const bool principal : {false, true}) {
    const auto with = [&](const std::string& one) {
      return principal ? rules("any: true", one) : rules(one, "any: true");
    };
    EXPECT_TRUE(passes(with(of_stream), &noted, nullptr));
    EXPECT_FALSE(passes(with(of_stream), nullptr, &noted));
    EXPECT_FALSE(passes(with(of_route), &noted, nullptr));
    EXPECT_TRUE(passes(with(of_route), nullptr, &noted));
  }
  EXPECT_TRUE(passes(rules("any: true", "metadata { " + condition("yes", "bool_match: true") + " }"), &noted));
}

TEST(RbacMetadataTest, WhatCannotBeIsRefused) {
  harness::FilterWorld world;
  const auto errors = [&](const std::string& value) {
    return world.errorsOf(rbacType(), rules("metadata { " + condition("text", value) + " }", "any: true"));
  };
  const std::string at = "rules.policies[\"p\"].permissions[0].metadata.value";
  EXPECT_EQ(errors("double_match { range { start: 2 end: 2 } }"),
            at + ".double_match.range: from 2 to before 2, which no number is; allowed: start < end\n");
  EXPECT_EQ(errors("string_match { safe_regex { regex: \"(\" } }").find(at + ".string_match.safe_regex.regex: "), 0u);
  EXPECT_EQ(errors("or_match { value_matchers {} value_matchers { bool_match: true } }"),
            at + ".or_match.value_matchers[0]: no pattern; one of null_match, double_match, string_match, bool_match, "
                 "present_match, list_match, or_match is needed\n");
}

}  // namespace
}  // namespace weir::extensions::http_rbac
