// Network filter plugins on connections of a simulated network.
#include <google/protobuf/text_format.h>

#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "source/config/struct_message.h"
#include "source/extensions/filters/network/plugin/plugin.h"
#include "test/harness/filter/network_harness.h"
#include "weir/extensions/filters/network/plugin/v1/plugin.pb.h"

extern "C" const weir_plugin* weir_plugin_entry_talker(const weir_host_api* host);

namespace weir::extensions::network_plugin {
namespace {

plugins::Setup talkerSetup() {
  plugins::Setup setup;
  setup.read_struct = config::readStruct;
  setup.built_in = {{"talker", weir_plugin_entry_talker}};
  return setup;
}

class NetworkPluginTest : public testing::Test {
 protected:
  explicit NetworkPluginTest(const std::string& more = "") : catalogue_(talkerSetup()) {
    ::weir::extensions::filters::network::plugin::v1::Plugin message;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString("name: 'talker' " + more, &message));
    base::Diagnostics diagnostics;
    const base::FieldPath path;
    factory_ = pluginType(catalogue_).make(message, {world_.stats, diagnostics, path, "", world_.simulation.clock()});
    EXPECT_EQ(diagnostics.errors(), 0u);
    open();
  }
  void open() {
    harness_.reset();
    std::vector<std::unique_ptr<filter::NetworkFilter>> filters;
    filters.push_back(factory_->create(world_.worker));
    harness_ = std::make_unique<harness::NetworkHarness>(world_, std::move(filters));
  }
  uint64_t counter(std::string_view name) const { return world_.counter(name); }
  void runFor(absl::Duration period) { world_.simulation.runFor(period); }

  plugins::Catalogue catalogue_;
  harness::FilterWorld world_;
  std::unique_ptr<filter::NetworkFilterFactory> factory_;
  std::unique_ptr<harness::NetworkHarness> harness_;
};

TEST_F(NetworkPluginTest, SeesAndEditsBothWays) {
  EXPECT_EQ(counter("plugin.talker.opened"), 1u);
  harness_->clientSends("edit");
  EXPECT_EQ(harness_->terminalGot(), "edited");
  harness_->clientSends("hold:edit");
  harness_->terminalSends("answer");
  EXPECT_EQ(harness_->clientGot(), "{answer}");
  harness_->clientSends("write");
  EXPECT_EQ(harness_->clientGot(), "<written>");
}

TEST_F(NetworkPluginTest, HoldsWhatIsSentUntilATimer) {
  harness_->clientSends("hold");
  harness_->terminalSends("one ");
  harness_->terminalSends("two ");
  EXPECT_EQ(harness_->clientGot(), "");
  runFor(absl::Seconds(6));
  EXPECT_EQ(harness_->clientGot(), "one <held>two ");
}

TEST_F(NetworkPluginTest, HoldsWhatIsReceivedUntilATimerOrAThread) {
  harness_->clientSends("timer");
  harness_->clientSends("more");
  runFor(absl::Seconds(1));
  EXPECT_EQ(harness_->terminalGot(), "");
  runFor(absl::Seconds(3));
  EXPECT_EQ(harness_->terminalGot(), "timermore");
  harness_->clientSends("thread");
  EXPECT_EQ(harness_->terminalGot(), "thread");
}

TEST_F(NetworkPluginTest, AsksAClusterAndPassesOn) {
  harness_->clientSends("call");
  ASSERT_EQ(world_.side_calls.calls().size(), 1u);
  EXPECT_EQ(world_.side_calls.calls()[0].cluster, "side");
  EXPECT_EQ(harness_->terminalGot(), "");
  world_.side_calls.answer(0, 200, {}, "fine");
  harness_->run();
  EXPECT_EQ(harness_->terminalGot(), "call 200 fine");
}

TEST_F(NetworkPluginTest, ARefusalOfTheClusterClosesTheConnection) {
  harness_->clientSends("call");
  world_.side_calls.answer(0, 403);
  harness_->run();
  EXPECT_EQ(harness_->closed, 1);
  EXPECT_EQ(harness_->terminalGot(), "");
}

TEST_F(NetworkPluginTest, ACallOfAConnectionThatIsGoneIsCancelled) {
  harness_->clientSends("call");
  harness_->connection().close(net::CloseReason::kLocalReset);
  harness_->run();
  EXPECT_TRUE(world_.side_calls.calls()[0].cancelled);
}

TEST_F(NetworkPluginTest, WhatItThrowsClosesTheConnectionAndIsCounted) {
  uint64_t failures = 0;
  const auto expectClosed = [&](const std::string& said) {
    open();
    harness_->clientSends(said);
    if (said == "hold:throw") harness_->terminalSends("x");
    if (said == "call") {
      world_.side_calls.answer(world_.side_calls.calls().size() - 1, 500);
      harness_->run();
    }
    EXPECT_EQ(harness_->closed, 1) << said;
    EXPECT_EQ(counter("plugin.talker.failures"), ++failures) << said;
  };
  expectClosed("throw");
  expectClosed("hold:throw");
  expectClosed("nonsense");
  expectClosed("call");
}

TEST_F(NetworkPluginTest, WhatANetworkFilterMustNotIsRefusedAndCounted) {
  harness_->clientSends("reply");
  EXPECT_EQ(harness_->clientGot(), "<no reply>");
  harness_->clientSends("range");
  EXPECT_EQ(harness_->clientGot(), "<invalid>");
  EXPECT_EQ(counter("plugin.talker.invalid_calls"), 2u);
}

class QuarantinedTest : public NetworkPluginTest {
 protected:
  QuarantinedTest() : NetworkPluginTest("quarantine { max_failures { value: 1 } }") {}
};

TEST_F(QuarantinedTest, ConnectionsAreRefused) {
  harness_->clientSends("throw");
  open();
  EXPECT_EQ(harness_->closed, 1);
  EXPECT_EQ(counter("plugin.talker.quarantined"), 1u);
  runFor(absl::Seconds(31));
  open();
  harness_->clientSends("edit");
  EXPECT_EQ(harness_->terminalGot(), "edited");
}

}  // namespace
}  // namespace weir::extensions::network_plugin
