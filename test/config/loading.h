// What the tests of the configuration share: load a text as "t.yaml" and keep the report as the user would see it.
#pragma once

#include <string>
#include <string_view>

#include "source/config/loader.h"
#include "source/config/render.h"

namespace weir::config {

struct Loaded {
  bool ok = false;
  std::string report;
  LoadedConfig config;
};

inline Loaded load(std::string_view text, Format format = Format::kYaml, std::string_view overlay = "") {
  base::Diagnostics diagnostics;
  Loaded out;
  out.config = loadText(text, format, "t.yaml", overlay, diagnostics);
  out.ok = diagnostics.ok();
  out.report = render(diagnostics, out.config.sources);
  return out;
}

// One listener with an HTTP connection manager whose fields are `hcm`, indented by ten spaces; the first of them is on
// line 9.
inline std::string withHcm(std::string_view hcm) {
  return std::string(R"(static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
)") + std::string(hcm);
}

// The same with one route, given in flow style on line 14.
inline std::string withRoute(std::string_view route) {
  return withHcm(std::string(R"(          stat_prefix: s
          route_config:
            virtual_hosts:
            - name: v
              domains: ["*"]
              routes: [)") +
                 std::string(route) + "]\n");
}

// One cluster; `fields` follow its name, indented by four spaces, from line 4 on.
inline std::string withCluster(std::string_view fields) {
  return "static_resources:\n  clusters:\n  - name: c\n" + std::string(fields);
}

}  // namespace weir::config
