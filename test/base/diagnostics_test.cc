#include "source/base/diagnostics.h"

#include "gtest/gtest.h"

namespace weir::base {
namespace {

TEST(FieldPathTest, SpellsFieldsIndexesAndKeys) {
  const FieldPath root;
  EXPECT_EQ(root.text(), "");
  EXPECT_EQ(root.at("static_resources").at("listeners", 0).at("address").text(),
            "static_resources.listeners[0].address");
  EXPECT_EQ(root.at("typed_per_filter_config").key("envoy.filters.http.cors").at("x").text(),
            "typed_per_filter_config[\"envoy.filters.http.cors\"].x");
  EXPECT_EQ(root.at("m").key("a\"b\\").text(), "m[\"a\\\"b\\\\\"]");
}

TEST(DiagnosticsTest, KeepsOrderAndCountsErrorsOnly) {
  Diagnostics diagnostics;
  const FieldPath root;
  diagnostics.warning(root.at("a"), "deprecated");
  EXPECT_TRUE(diagnostics.ok());
  diagnostics.error(root.at("b", 2), "seen 1; allowed 2");
  EXPECT_FALSE(diagnostics.ok());
  EXPECT_EQ(diagnostics.errors(), 1u);
  ASSERT_EQ(diagnostics.all().size(), 2u);
  EXPECT_EQ(diagnostics.all()[0].severity, Diagnostic::Severity::kWarning);
  EXPECT_EQ(diagnostics.all()[0].path, "a");
  EXPECT_EQ(diagnostics.all()[1].severity, Diagnostic::Severity::kError);
  EXPECT_EQ(diagnostics.all()[1].path, "b[2]");
  EXPECT_EQ(diagnostics.all()[1].message, "seen 1; allowed 2");
}

}  // namespace
}  // namespace weir::base
