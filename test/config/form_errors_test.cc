#include "source/config/form_errors.h"

#include <gtest/gtest.h>

#include "test/config/loading.h"

namespace weir::config {
namespace {

// What a load of this text leaves.
struct Failed {
  explicit Failed(std::string_view text) : config(loadText(text, Format::kYaml, "t.yaml", "", diagnostics)) {
    EXPECT_FALSE(diagnostics.ok());
  }
  base::Diagnostics diagnostics;
  LoadedConfig config;
  FormErrors form{diagnostics, config.sources};
};

TEST(FormErrors, ExplainWhatIsAtBelowAndAboveThem) {
  const Failed failed("admin: {address: 5, access_log_path: /a}\nnode: {id: x}\n");
  for (const char* const path : {"", "admin", "admin.address", "admin.address.socket_address.port_value"}) {
    EXPECT_TRUE(failed.form.explains(path)) << path;
  }
  for (const char* const path : {"admin.access_log_path", "node.id", "node"}) {
    EXPECT_FALSE(failed.form.explains(path)) << path;
  }
}

TEST(FormErrors, ExplainWhatIsMissingBesideAFieldThatIsNotKnown) {
  const Failed failed("node: {idd: x, cluster: c}\nadmin: {}\n");
  EXPECT_TRUE(failed.form.explains("node.id"));
  EXPECT_FALSE(failed.form.explains("node.cluster"));
  EXPECT_FALSE(failed.form.explains("admin.address"));
}

TEST(FormErrors, ItemsOfAListAreStrangers) {
  const Failed failed("static_resources: {listeners: [{nam: a}, {name: b}]}\n");
  EXPECT_TRUE(failed.form.explains("static_resources.listeners[0].name"));
  EXPECT_TRUE(failed.form.explains("static_resources.listeners[0]"));
  EXPECT_FALSE(failed.form.explains("static_resources.listeners[1].name"));
  EXPECT_FALSE(failed.form.explains("static_resources.listeners[1]"));
}

TEST(FormErrors, HideTheNamesOfAListOnlyWhereTheyCouldNotBeRead) {
  const char* const list = "static_resources.clusters";
  const auto hidden = [list](std::string_view text) { return Failed(text).form.hideNamesOf(list); };
  EXPECT_FALSE(hidden("static_resources: {clusters: [{name: a, lb_policyy: x}]}"));
  EXPECT_FALSE(hidden("static_resources: {clusters: [{name: a}], listenerz: []}"));
  EXPECT_FALSE(hidden("node: {idd: x}\nstatic_resources: {}"));
  for (const char* const text :
       {"static_resources: {clusters: [{nam: a}]}", "static_resources: {clusters: [{name: 5}]}",
        "static_resources: {clusters: [{name: a, name: b}]}", "static_resources: {clusters: [5, {name: b}]}",
        "static_resources: {clusters: 5}", "static_resources: {clusterz: [{name: b}]}", "static_resourcez: {}",
        "static_resources: 5", "static_resources: {clusters: [], clusters: [{name: b}]}"}) {
    EXPECT_TRUE(hidden(text)) << text;
  }
}

}  // namespace
}  // namespace weir::config
