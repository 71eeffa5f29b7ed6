#include "source/upstream/dns/hosts_file.h"

#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace weir::upstream::dns {
namespace {

std::string joined(const std::vector<net::Address>* addresses) {
  if (addresses == nullptr) return "none";
  std::string out;
  for (const net::Address& address : *addresses) out += (out.empty() ? "" : " ") + address.ip();
  return out;
}

std::string find(const HostsFile::Table& table, const std::string& name) {
  const auto entry = table.find(name);
  return joined(entry == table.end() ? nullptr : &entry->second);
}

TEST(HostsFileTest, ReadsNamesCommentsAndBothFamilies) {
  const HostsFile::Table table = HostsFile::parse(
      "# a comment\n"
      "127.0.0.1\tlocalhost  Loop # another\n"
      "::1 localhost ip6\n"
      "\n"
      "  10.0.0.1   web\r\n"
      "10.0.0.2 web web\n"
      "not-an-address web2\n"
      "10.0.0.3\n"
      "10.0.0.4 last");
  EXPECT_EQ(find(table, "localhost"), "127.0.0.1 ::1");
  EXPECT_EQ(find(table, "loop"), "127.0.0.1");
  EXPECT_EQ(find(table, "ip6"), "::1");
  EXPECT_EQ(find(table, "web"), "10.0.0.1 10.0.0.2");
  EXPECT_EQ(find(table, "web2"), "none");
  EXPECT_EQ(find(table, "last"), "10.0.0.4");
  EXPECT_EQ(table.size(), 5u);
}

class HostsFileOnDisk : public testing::Test {
 protected:
  HostsFileOnDisk() : path_(testing::TempDir() + "hosts_file_test." + std::to_string(getpid())) {}
  ~HostsFileOnDisk() override { ::unlink(path_.c_str()); }
  // Another file each time, as editors do.
  void write(const std::string& text) {
    std::ofstream(path_ + ".new") << text;
    ASSERT_EQ(::rename((path_ + ".new").c_str(), path_.c_str()), 0);
  }
  const std::string path_;
};

TEST_F(HostsFileOnDisk, FindsNamesInAnyCaseAndWithADotAtTheEnd) {
  write("10.0.0.1 Web.Example\n");
  HostsFile file(path_);
  EXPECT_EQ(joined(file.find("web.example", {1})), "10.0.0.1");
  EXPECT_EQ(joined(file.find("WEB.EXAMPLE.", {1})), "10.0.0.1");
  EXPECT_EQ(joined(file.find("example", {1})), "none");
  EXPECT_EQ(joined(file.find("", {1})), "none");
}

TEST_F(HostsFileOnDisk, SeesChangesOnceASecond) {
  write("10.0.0.1 web\n");
  HostsFile file(path_);
  const base::MonotonicTime start{1};
  EXPECT_EQ(joined(file.find("web", start)), "10.0.0.1");
  write("10.0.0.22 web\n");
  EXPECT_EQ(joined(file.find("web", start + absl::Milliseconds(999))), "10.0.0.1");
  EXPECT_EQ(joined(file.find("web", start + absl::Seconds(1))), "10.0.0.22");
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  EXPECT_EQ(joined(file.find("web", start + absl::Seconds(2))), "none");
}

TEST_F(HostsFileOnDisk, AFileThatIsNotThereIsEmpty) {
  EXPECT_EQ(joined(HostsFile(path_).find("web", {1})), "none");
  EXPECT_EQ(joined(HostsFile("").find("web", {1})), "none");
  EXPECT_EQ(joined(HostsFile(testing::TempDir()).find("web", {1})), "none");
}

}  // namespace
}  // namespace weir::upstream::dns
