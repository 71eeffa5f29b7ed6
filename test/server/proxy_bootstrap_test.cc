#include "source/server/proxy_bootstrap.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "source/config/dump.h"
#include "source/config/loader.h"
#include "source/config/render.h"

namespace weir::server {
namespace {

std::string refusal(std::string_view from, std::string_view to) {
  const auto bootstrap = proxyBootstrap(from, to, "n");
  return bootstrap.ok() ? "accepted" : std::string(bootstrap.status().message());
}

TEST(ProxyBootstrap, IsOneListenerAndOneCluster) {
  const auto bootstrap = proxyBootstrap(":8082", "http://127.0.0.1:8083", "mine");
  ASSERT_TRUE(bootstrap.ok()) << bootstrap.status();
  const auto& resources = bootstrap->static_resources();
  ASSERT_EQ(resources.listeners_size(), 1);
  ASSERT_EQ(resources.clusters_size(), 1);
  EXPECT_EQ(resources.listeners(0).name(), "mine");
  EXPECT_EQ(resources.listeners(0).address().socket_address().address(), "0.0.0.0");
  EXPECT_EQ(resources.listeners(0).address().socket_address().port_value(), 8082u);
  EXPECT_EQ(resources.clusters(0).name(), "mine");
  EXPECT_EQ(config::toYaml(*bootstrap).find("prefix_rewrite"), std::string::npos);
}

TEST(ProxyBootstrap, APathIsPutBeforeThatOfTheRequest) {
  for (const char* to : {"http://127.0.0.1:1/api", "http://127.0.0.1:1/api/"}) {
    const auto bootstrap = proxyBootstrap(":8082", to, "n");
    ASSERT_TRUE(bootstrap.ok()) << bootstrap.status();
    EXPECT_NE(config::toYaml(*bootstrap).find("prefix_rewrite: \"/api/\"\n"), std::string::npos)
        << config::toYaml(*bootstrap);
  }
}

TEST(ProxyBootstrap, TargetsMayLeaveOutThePortOfHttpAndSayLocalhost) {
  const auto bootstrap = proxyBootstrap("[::1]:0", "http://localhost", "n");
  ASSERT_TRUE(bootstrap.ok()) << bootstrap.status();
  const std::string yaml = config::toYaml(bootstrap->static_resources().clusters(0));
  EXPECT_NE(yaml.find("address: \"127.0.0.1\"\n"), std::string::npos) << yaml;
  EXPECT_NE(yaml.find("port_value: 80\n"), std::string::npos) << yaml;
}

TEST(ProxyBootstrap, ANameIsResolvedAndAskedFor) {
  const auto bootstrap = proxyBootstrap(":1", "https://www.a-1.example/x", "n");
  ASSERT_TRUE(bootstrap.ok()) << bootstrap.status();
  const std::string yaml = config::toYaml(*bootstrap);
  for (const char* part : {"type: STRICT_DNS\n", "address: www.a-1.example\n", "port_value: 443\n",
                           "sni: www.a-1.example\n", "host_rewrite_literal: www.a-1.example\n"}) {
    EXPECT_NE(yaml.find(part), std::string::npos) << part << yaml;
  }
  const auto other_port = proxyBootstrap(":1", "http://a.example:8080", "n");
  ASSERT_TRUE(other_port.ok()) << other_port.status();
  EXPECT_NE(config::toYaml(*other_port).find("host_rewrite_literal: \"a.example:8080\"\n"), std::string::npos);
  const auto bytes = proxyBootstrap(":1", "tcp://db.example:5432", "n");
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_NE(config::toYaml(*bytes).find("type: STRICT_DNS\n"), std::string::npos);
}

TEST(ProxyBootstrap, WhatItPrintsLoadsToTheSame) {
  for (const char* to : {"http://127.0.0.1:1/a", "https://localhost:8443", "tcp://[::1]:5432", "https://a.example"}) {
    const auto bootstrap = proxyBootstrap("unix:/tmp/x.sock", to, "n");
    ASSERT_TRUE(bootstrap.ok()) << bootstrap.status();
    const std::string yaml = config::toYaml(*bootstrap);
    base::Diagnostics diagnostics;
    const config::LoadedConfig loaded = config::loadText(yaml, config::Format::kYaml, "p", "", diagnostics);
    EXPECT_EQ(config::render(diagnostics, loaded.sources), "") << yaml;
    EXPECT_EQ(config::toYaml(loaded.bootstrap), yaml);
  }
}

TEST(ProxyBootstrap, RefusalsSayWhatIsAllowed) {
  EXPECT_EQ(refusal(":1", "ftp://127.0.0.1"), "--to: scheme: \"ftp\"; allowed: http, https, tcp");
  EXPECT_EQ(refusal(":1", "127.0.0.1:80"),
            "--to: \"127.0.0.1:80\"; did you mean \"http://127.0.0.1:80\"?; allowed: http://host:port[/path], "
            "https://host:port[/path], tcp://host:port");
  EXPECT_EQ(refusal("8080", "tcp://127.0.0.1:1"),
            "--from: \"8080\"; did you mean \":8080\"?; allowed: ip:port, :port, unix:/path");
  EXPECT_EQ(refusal(":1", "http:///x"), "--to: \"http:///x\"; allowed: a target with an IP address or a name");
  const std::string host = "; allowed: an IP address or a name, with a port";
  for (const char* bad : {"10.0.0:80", "1.2.3.4.5:80", "a..b:80", ".a:80", "a.:80", "a b:80", "a.example:0",
                          "a.example:x", "a.example:65536", "u@a.example:80", "[a.example]:80"}) {
    EXPECT_EQ(refusal(":1", absl::StrCat("http://", bad, "/")), absl::StrCat("--to: host: \"", bad, "\"", host));
  }
  EXPECT_EQ(refusal(":1", "tcp://a.example"), "--to: host: \"a.example\"" + host);
  EXPECT_EQ(refusal(":1", "tcp://127.0.0.1"), "--to: host: \"127.0.0.1\"" + host);
  EXPECT_EQ(refusal(":1", "http://:80"), "--to: host: \":80\"" + host);
  EXPECT_EQ(refusal(":1", "http://127.0.0.1:0"), "--to: host: \"127.0.0.1:0\"" + host);
  EXPECT_EQ(refusal(":1", "tcp://127.0.0.1:1/x"), "--to: path: \"/x\"; allowed: none for tcp");
  EXPECT_EQ(refusal(":1", "http://127.0.0.1/?q"), "--to: path: \"/?q\"; allowed: a path without a query");
  EXPECT_EQ(refusal("nowhere", "tcp://127.0.0.1:1"), "--from: \"nowhere\"; allowed: ip:port, :port, unix:/path");
}

}  // namespace
}  // namespace weir::server
