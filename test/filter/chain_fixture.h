// ChainFixture: probes in a row, an exchange through them, and the log of their calls.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/harness/filter/filter_exchange.h"
#include "test/harness/filter/probe_filter.h"

namespace weir::filter {

class ChainFixture : public testing::Test {
 protected:
  // Compiles the chain of all probes and opens an exchange.
  harness::FilterExchange& open() {
    exchange_.reset();
    std::vector<HttpChainConfig::Slot> slots;
    for (harness::Probe& probe : probes_) {
      probe.log = &log_;
      slots.push_back({probe.name, std::make_unique<harness::ProbeFactory>(probe), off_by_default_});
    }
    config_ = std::make_unique<HttpChainConfig>(std::move(slots));
    exchange_ = std::make_unique<harness::FilterExchange>(world_, *config_, &route_);
    return *exchange_;
  }
  // The calls so far, joined, and forgotten.
  std::string calls() {
    std::string out;
    for (const std::string& line : log_) out += line + "; ";
    log_.clear();
    return out;
  }
  void run(absl::Duration period = absl::Milliseconds(100)) { world_.simulation.runFor(period); }

  harness::FilterWorld world_;
  harness::FakeRoute route_;
  harness::Probe::Log log_;
  std::vector<harness::Probe> probes_;
  bool off_by_default_ = false;
  std::unique_ptr<HttpChainConfig> config_;
  std::unique_ptr<harness::FilterExchange> exchange_;
};

}  // namespace weir::filter
