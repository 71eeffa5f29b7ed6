#include "source/server/filter_command/filter_new.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "source/base/strings.h"
#include "source/server/filter_command/sdk_files.h"

namespace weir::server {
namespace {

constexpr char kFilter[] = R"TEXT(// NAME: adds a field to each response.
@include "weir_filter.hpp"

namespace {

// Made once, from the configuration; shared by all workers.
struct Config {
  static weir::Schema schema() { return weir::Schema("NAME.Config").text("value", weir::Required); }
  explicit Config(const weir::ConfigReader& c) : value(c.text("value")), requests(c.counter("requests")) {}
  std::string value;
  weir::Counter requests;
};

// One object per request. The hooks are in weir_filter.hpp.
class CLASS {
 public:
  explicit CLASS(const Config& config) : config_(config) {}

  weir::Verdict onRequestHead(weir::Stream& s) {
    s.add(config_.requests);
    if (s.path() == "/forbidden") return s.reply(403, "not here\n");
    return weir::Continue;
  }

  weir::Verdict onResponseHead(weir::Stream& s) {
    s.responseHeaders().set("x-NAME", config_.value);
    return weir::Continue;
  }

 private:
  const Config& config_;
};

}  // namespace

WEIR_HTTP_FILTER(CLASS, Config, "NAME", "1.0")
)TEXT";

constexpr char kTest[] = R"TEXT(@include "NAME.cc"

@include "weir_testing.hpp"

int main() {
  weir::testing::Host host(weir_plugin_entry, R"({"value": "hello"})");
  auto x = host.exchange();
  x->request({{":path", "/"}});
  WEIR_EXPECT(x->passed());
  x->response(200);
  WEIR_EXPECT(x->responseField("x-NAME") == "hello");

  auto refused = host.exchange();
  refused->request({{":path", "/forbidden"}});
  WEIR_EXPECT(refused->replied() == 403);
  WEIR_EXPECT(host.metric("requests") == 2);
  return weir::testing::result();
}
)TEXT";

constexpr char kBuild[] = R"(g++ -std=c++20 -O2 -Wall -fPIC -shared -fno-gnu-unique -o NAME.so NAME.cc
g++ -std=c++20 -O0 -o NAME_test NAME_test.cc && ./NAME_test
)";

constexpr char kRequest[] = "GET / HTTP/1.1\nhost: example.com\n\n";

constexpr char kRun[] = R"TEXT(static_resources:
  listeners:
  - name: main
    address: {socket_address: {address: 127.0.0.1, port_value: 10000}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: main
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: /}
                direct_response: {status: 200, body: {inline_string: "it works\n"}}
          http_filters:
          - name: NAME
            typed_config:
              "@type": type.googleapis.com/weir.extensions.filters.http.plugin.v1.Plugin
              path: FOLDER/NAME.so
              configuration:
                value: hello
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
)TEXT";

bool isName(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name[0] >= 'a' && name[0] <= 'z' &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

// add_header -> AddHeader
std::string className(std::string_view name) {
  std::string out;
  bool capital = true;
  for (const char c : name) {
    if (c != '_') out += capital ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    capital = c == '_';
  }
  return out;
}

}  // namespace

absl::StatusOr<std::string> newFilter(std::string_view name) {
  if (!isName(name)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", base::av(name), "\"; allowed as the name of a filter: a letter, then letters, digits and '_', ",
        "all in lower case"));
  }
  const std::string folder(name);
  const std::string absolute = std::filesystem::absolute(folder).string();
  const std::array<std::pair<std::string, const char*>, 5> files = {{
      {absl::StrCat(folder, ".cc"), kFilter},
      {absl::StrCat(folder, "_test.cc"), kTest},
      {"build.sh", kBuild},
      {"request.http", kRequest},
      {absl::StrCat(folder, ".yaml"), kRun},
  }};
  for (const auto& [file, text] : files) {
    const std::string filled = absl::StrReplaceAll(
        text, {{"@include", "#include"}, {"NAME", folder}, {"CLASS", className(name)}, {"FOLDER", absolute}});
    if (absl::Status status = writeNewFile(absl::StrCat(folder, "/", file), filled); !status.ok()) return status;
  }
  if (absl::Status status = writeSdk(folder); !status.ok()) return status;
  return absl::StrCat("wrote ", folder, "/: the filter is ", folder, ".cc; next:\n  cd ", folder, " && sh build.sh\n",
                      "  weir filter run ", folder, ".so --request request.http --config '{value: hello}'\n",
                      "  weir -c ", folder, ".yaml\n");
}

}  // namespace weir::server
