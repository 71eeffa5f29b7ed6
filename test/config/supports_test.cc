#include "source/config/supports.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace weir::config {
namespace {

TEST(SupportedXds, TheCheckedInPageIsWhatTheDescriptorsSay) {
  std::ifstream in("docs/xds-support.md");
  const std::string page((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  EXPECT_TRUE(page == supportedXds())
      << "docs/xds-support.md is out of date: bazel run //source/config:xds_support > docs/xds-support.md";
}

TEST(SupportedXds, ListsFieldsWithTypeAndNotes) {
  const std::string page = supportedXds();
  for (const char* line : {"## envoy.config.cluster.v3\n", "### CircuitBreakers.Thresholds\n",
                           "| `connect_timeout` | google.protobuf.Duration | `duration { gt { } }` |\n",
                           "| `access_log_path` | string | deprecated; use access_log with a file access log |\n",
                           "| `domains` | list of string |"}) {
    EXPECT_NE(page.find(line), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace weir::config
