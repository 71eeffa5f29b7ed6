// What a terminal session sends, on its way through the network filters.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "test/harness/filter/network_harness.h"

namespace weir::filter {
namespace {

using Log = std::vector<std::string>;

class OutputFilter final : public NetworkFilter {
 public:
  OutputFilter(std::string name, bool looks, Log& log) : name_(std::move(name)), looks_(looks), log_(log) {}
  bool looksAtOutput() const override { return looks_; }
  NetworkVerdict onRead(buffer::Buffer& bytes, bool) override {
    if (bytes.toString() == "greet " + name_) host().write("hello from " + name_ + ";");
    return NetworkVerdict::kNext;
  }
  NetworkVerdict onWrite(buffer::Buffer& bytes) override {
    log_.push_back(name_ + " " + bytes.toString());
    if (!own.empty()) host().write(std::exchange(own, {}));
    bytes.append(suffix);
    return verdict;
  }
  using NetworkFilter::host;
  NetworkVerdict verdict = NetworkVerdict::kNext;
  std::string suffix;
  std::string own;

 private:
  std::string name_;
  bool looks_;
  Log& log_;
};

class NetworkChainOutputTest : public testing::Test {
 protected:
  void open(std::vector<bool> looks) {
    std::vector<std::unique_ptr<NetworkFilter>> filters;
    for (size_t i = 0; i < looks.size(); ++i) {
      auto filter = std::make_unique<OutputFilter>(std::string(1, static_cast<char>('a' + i)), looks[i], log_);
      filters_.push_back(filter.get());
      filters.push_back(std::move(filter));
    }
    harness_ = std::make_unique<harness::NetworkHarness>(world_, std::move(filters));
  }
  std::string calls() {
    std::string out;
    for (const std::string& line : std::exchange(log_, {})) out += line + "; ";
    return out;
  }

  harness::FilterWorld world_;
  Log log_;
  std::vector<OutputFilter*> filters_;
  std::unique_ptr<harness::NetworkHarness> harness_;
};

TEST_F(NetworkChainOutputTest, BytesPassFromTheLastFilterToTheFirstAndMayBeEdited) {
  open({true, true});
  filters_[0]->suffix = "1";
  filters_[1]->suffix = "2";
  harness_->terminalSends("abc");
  EXPECT_EQ(calls(), "b abc; a abc2; ");
  EXPECT_EQ(harness_->clientGot(), "abc21");
  harness_->terminalSends("def");
  EXPECT_EQ(calls(), "b def; a def2; ");
  EXPECT_EQ(harness_->clientGot(), "def21");
}

TEST_F(NetworkChainOutputTest, FiltersThatDoNotLookAreNotAsked) {
  open({false, true, false});
  harness_->terminalSends("abc");
  EXPECT_EQ(calls(), "b abc; ");
  open({false});
  harness_->terminalSends("def");
  EXPECT_EQ(calls(), "");
  EXPECT_EQ(harness_->clientGot(), "def");
}

TEST_F(NetworkChainOutputTest, AWaitHoldsLaterOutputAndCountsAsOutput) {
  open({true, true});
  const size_t room = harness_->connection().room();
  filters_[1]->verdict = NetworkVerdict::kWait;
  harness_->terminalSends("abc");
  filters_[1]->verdict = NetworkVerdict::kNext;
  harness_->terminalSends("defg");
  EXPECT_EQ(calls(), "b abc; ");
  EXPECT_EQ(harness_->clientGot(), "");
  EXPECT_EQ(harness_->connection().room(), room - 7);
  const int rooms = harness_->rooms;
  filters_[1]->host().resumeWrite(NetworkVerdict::kNext);
  EXPECT_EQ(calls(), "") << "nothing happens inside the call";
  harness_->run();
  EXPECT_EQ(calls(), "b defg; a abcdefg; ");
  EXPECT_EQ(harness_->clientGot(), "abcdefg");
  EXPECT_EQ(harness_->connection().room(), room);
  EXPECT_GT(harness_->rooms, rooms);
}

TEST_F(NetworkChainOutputTest, WhatWaitsIsWrittenBeforeTheConnectionCloses) {
  open({true});
  filters_[0]->verdict = NetworkVerdict::kWait;
  harness_->terminalSends("last words");
  harness_->connection().closeAfterFlush(absl::ZeroDuration());
  harness_->run();
  EXPECT_EQ(harness_->clientGot(), "");
  filters_[0]->host().resumeWrite(NetworkVerdict::kNext);
  harness_->run();
  EXPECT_EQ(harness_->clientGot(), "last words|");
}

TEST_F(NetworkChainOutputTest, AWaitEndsWithAClose) {
  open({true, true});
  filters_[0]->verdict = NetworkVerdict::kWait;
  harness_->terminalSends("abc");
  filters_[0]->host().resumeWrite(NetworkVerdict::kClose);
  harness_->run();
  EXPECT_EQ(harness_->closed, 1);
  EXPECT_EQ(harness_->clientGot().find('a'), std::string::npos);
}

TEST_F(NetworkChainOutputTest, CloseInTheHookDropsTheConnection) {
  open({true, true});
  filters_[1]->verdict = NetworkVerdict::kClose;
  harness_->terminalSends("abc");
  EXPECT_EQ(calls(), "b abc; ");
  EXPECT_EQ(harness_->closed, 1);
}

TEST_F(NetworkChainOutputTest, AConnectionThatClosesDropsWhatWaits) {
  open({true});
  filters_[0]->verdict = NetworkVerdict::kWait;
  harness_->terminalSends("abc");
  harness_->connection().close(net::CloseReason::kLocalReset);
  harness_->run();
  EXPECT_EQ(harness_->closed, 1);
  filters_[0]->host().resumeWrite(NetworkVerdict::kNext);  // too late: nothing
  filters_[0]->host().write("too late");
  harness_->run();
}

TEST_F(NetworkChainOutputTest, WhatAFilterWritesIsSeenByThoseInFrontOfIt) {
  open({true, true, true});
  harness_->clientSends("greet b");
  EXPECT_EQ(calls(), "a hello from b;; ");
  EXPECT_EQ(harness_->clientGot(), "hello from b;");
  filters_[1]->own = "[b]";
  harness_->terminalSends("abc");
  EXPECT_EQ(calls(), "c abc; b abc; a abc[b]; ");
  EXPECT_EQ(harness_->clientGot(), "abc[b]");
}

TEST_F(NetworkChainOutputTest, WritesGoStraightOutWhereNobodyLooks) {
  open({false, false});
  harness_->clientSends("greet b");
  EXPECT_EQ(harness_->clientGot(), "hello from b;");
}

TEST_F(NetworkChainOutputTest, MoreThanTheSocketTakesIsSeenOnce) {
  open({true});
  const std::string much(300000, 'x');
  harness_->terminalSends(much);
  std::string got;
  for (int i = 0; i < 1000 && got.size() < much.size(); ++i) {
    got += harness_->clientGot();
    harness_->run();
  }
  EXPECT_EQ(got.size(), much.size());
  size_t seen = 0;
  for (const std::string& line : log_) seen += line.size() - 2;
  EXPECT_EQ(seen, much.size());
}

}  // namespace
}  // namespace weir::filter
