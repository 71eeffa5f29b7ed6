#include "source/server/bind_hint.h"

#include <gtest/gtest.h>

namespace weir::server {
namespace {

std::string hint(const char* message, const char* address) {
  return bindHint(absl::UnavailableError(message), *net::Address::parse(address));
}

TEST(BindHint, TellsTheNextStepAfterWhatHappened) {
  EXPECT_EQ(hint("cannot bind (EADDRINUSE)", "127.0.0.1:80"),
            "cannot bind (EADDRINUSE); another process listens there, perhaps a weir that runs already; `ss -ltnp` "
            "shows which");
  EXPECT_NE(hint("(EADDRINUSE)", "unix:/a").find("ss -lxp"), std::string::npos);
  EXPECT_NE(hint("(EADDRNOTAVAIL)", "192.0.2.1:80").find("ip address"), std::string::npos);
  EXPECT_NE(hint("(EACCES)", "127.0.0.1:1023").find("setcap"), std::string::npos);
  EXPECT_NE(hint("(EACCES)", "unix:/a").find("may write"), std::string::npos);
  EXPECT_NE(hint("(ENOENT)", "unix:/no/a").find("must exist"), std::string::npos);
}

TEST(BindHint, SaysNoMoreWhereItKnowsNoMore) {
  EXPECT_EQ(hint("(EACCES)", "127.0.0.1:1024"), "(EACCES)");
  EXPECT_EQ(hint("(ENOMEM)", "127.0.0.1:80"), "(ENOMEM)");
}

}  // namespace
}  // namespace weir::server
