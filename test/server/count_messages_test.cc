#include "source/server/count_messages.h"

#include <gtest/gtest.h>

#include "source/config/loader.h"

namespace weir::server {
namespace {

TEST(CountMessages, LooksIntoListsAndIntoAny) {
  base::Diagnostics diagnostics;
  const config::LoadedConfig loaded = config::loadText(R"(
static_resources:
  listeners:
  - name: a
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: a
          http_filters:
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - {name: a, domains: [a], routes: [{match: {prefix: /}, direct_response: {status: 200}}]}
            - {name: b, domains: [b], routes: [{match: {path: /}, direct_response: {status: 200}},
                                               {match: {prefix: /}, direct_response: {status: 200}}]}
)",
                                                       config::Format::kYaml, "t", "", diagnostics);
  ASSERT_TRUE(diagnostics.ok());
  EXPECT_EQ(countMessages(loaded.bootstrap, "envoy.config.route.v3.Route"), 3u);
  EXPECT_EQ(countMessages(loaded.bootstrap, "envoy.config.route.v3.VirtualHost"), 2u);
  EXPECT_EQ(countMessages(loaded.bootstrap, "envoy.config.listener.v3.Listener"), 1u);
  EXPECT_EQ(countMessages(loaded.bootstrap, "envoy.config.cluster.v3.Cluster"), 0u);
}

}  // namespace
}  // namespace weir::server
