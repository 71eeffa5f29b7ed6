#include "source/config/runtime_layers.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/loader.h"

namespace weir::config {
namespace {

using envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
using envoy::type::v3::FractionalPercent;

constexpr char kKeyed[] = R"(
static_resources:
  listeners:
  - name: front
    address: {socket_address: {address: 127.0.0.1, port_value: 81}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: /, runtime_fraction: {default_value: {numerator: 1}, runtime_key: share}}
                direct_response: {status: 200}
          http_filters:
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
  clusters:
  - name: back
    lb_policy: LEAST_REQUEST
    least_request_lb_config: {active_request_bias: {default_value: 1, runtime_key: lb.bias}}
)";

struct Layered {
  explicit Layered(const std::string& layers)
      : config(loadText(absl::StrCat(kKeyed, "layered_runtime: {layers: [", layers, "]}\n"), Format::kYaml, "test.yaml",
                        "", diagnostics)) {
    for (const base::Diagnostic& one : diagnostics.all()) absl::StrAppend(&report, one.path, ": ", one.message, "\n");
    HttpConnectionManager http;
    const auto& chain = config.bootstrap.static_resources().listeners(0).filter_chains(0);
    chain.filters(0).typed_config().UnpackTo(&http);
    share = http.route_config().virtual_hosts(0).routes(0).match().runtime_fraction().default_value();
    bias =
        config.bootstrap.static_resources().clusters(0).least_request_lb_config().active_request_bias().default_value();
  }
  std::string text() const {
    return absl::StrCat(share.numerator(), " ", FractionalPercent::DenominatorType_Name(share.denominator()), " ",
                        bias);
  }

  base::Diagnostics diagnostics;
  LoadedConfig config;
  std::string report;
  FractionalPercent share;
  double bias = 0;
};

TEST(RuntimeLayers, WithoutAValueTheDefaultsHold) {
  const Layered loaded("{name: a, static_layer: {}}");
  EXPECT_EQ(loaded.report, "");
  EXPECT_EQ(loaded.text(), "1 HUNDRED 1");
}

TEST(RuntimeLayers, AValueTakesThePlaceOfADefaultWhereverItStands) {
  for (const char* layer : {"{share: 50, lb: {bias: 0.5}}", "{share: '50', lb.bias: '0.5'}"}) {
    const Layered loaded(absl::StrCat("{name: a, static_layer: ", layer, "}"));
    EXPECT_EQ(loaded.report, "");
    EXPECT_EQ(loaded.text(), "50 HUNDRED 0.5");
  }
}

TEST(RuntimeLayers, AShareMayHaveADenominator) {
  EXPECT_EQ(Layered("{name: a, static_layer: {share: {numerator: 7, denominator: MILLION}}}").text(), "7 MILLION 1");
  EXPECT_EQ(Layered("{name: a, static_layer: {share: {numerator: 7}}}").text(), "7 HUNDRED 1");
}

TEST(RuntimeLayers, TheLastLayerThatHasAValueHolds) {
  const Layered loaded(
      "{name: a, static_layer: {share: 50, lb: {bias: 3}}}, {name: b, static_layer: {share: 60}}, "
      "{name: c, admin_layer: {}}");
  EXPECT_EQ(loaded.text(), "60 HUNDRED 3");
  EXPECT_EQ(loaded.report,
            "layered_runtime.layers[2].admin_layer: has no effect: values are those of the configuration\n");
}

TEST(RuntimeLayers, WhatNobodyAsksForIsWarnedOf) {
  const Layered loaded("{name: a, static_layer: {other: {key: 1}, overload: {global_downstream_max_connections: 9}}}");
  EXPECT_EQ(loaded.report,
            "layered_runtime.layers[0].static_layer: 'other.key' has no effect: no runtime_key of this configuration "
            "is called so\n");
}

TEST(RuntimeLayers, AValueOfAnotherKindIsWarnedOfAndTheDefaultHolds) {
  for (const char* value : {"much", "-1", "1.5", "true", "{numerator: many}", "{denominator: TEN}"}) {
    const Layered loaded(absl::StrCat("{name: a, static_layer: {share: ", value, "}}"));
    EXPECT_EQ(loaded.text(), "1 HUNDRED 1");
    EXPECT_EQ(loaded.report,
              "layered_runtime.layers[0].static_layer: 'share' has no effect, the default holds; allowed: a whole "
              "number of percent, or numerator and denominator\n")
        << value;
  }
}

TEST(RuntimeLayers, NamesOfLayersDiffer) {
  const Layered loaded("{name: a, static_layer: {}}, {name: a, admin_layer: {}}");
  EXPECT_FALSE(loaded.diagnostics.ok());
  EXPECT_NE(loaded.report.find("layers[1].name: \"a\" is the name of layers[0] already"), std::string::npos);
}

TEST(RuntimeLayers, OfALayerThatIsElsewhereOneIsTold) {
  const Layered loaded("{name: a, disk_layer: {symlink_root: /srv}}");
  EXPECT_NE(loaded.report.find("'disk_layer' of RuntimeLayer: known xDS field, not implemented by weir"),
            std::string::npos)
      << loaded.report;
}

TEST(RuntimeLayers, NumbersAreFoundByName) {
  envoy::config::bootstrap::v3::LayeredRuntime message;
  auto& fields = *message.add_layers()->mutable_static_layer()->mutable_fields();
  fields["n"].set_number_value(12);
  fields["text"].set_string_value("twelve");
  base::Diagnostics diagnostics;
  RuntimeLayers layers(message, diagnostics);
  EXPECT_EQ(layers.number("n"), 12u);
  EXPECT_EQ(layers.number("none"), std::nullopt);
  EXPECT_TRUE(diagnostics.all().empty());
  EXPECT_EQ(layers.number("text"), std::nullopt);
  ASSERT_EQ(diagnostics.all().size(), 1u);
  EXPECT_EQ(diagnostics.all()[0].message, "'text' has no effect; allowed: a whole number up to 4294967295");
}

}  // namespace
}  // namespace weir::config
