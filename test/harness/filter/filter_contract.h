// runFilterContract: what every HTTP filter must stand, checked for any filter that it is given: the same exchange with
// whole parts, one-byte parts and one byte of room; between neighbours that wait in every hook; ended by destruction,
// by a client that leaves and by a timeout, each after every step. What the peers see must not depend on the first
// three.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "test/harness/filter/filter_exchange.h"

namespace weir::harness {

struct FilterContract {
  // A new filter, for each run.
  std::function<std::unique_ptr<filter::HttpFilterFactory>(FilterWorld&)> make;
  // Gives the route its configuration of the filter, which stands in that slot; may be empty.
  std::function<void(FilterWorld&, FakeRoute&, size_t slot)> route = {};
  // The messages of the exchange.
  std::string method = "POST";
  std::string path = "/contract";
  std::vector<std::pair<std::string, std::string>> request_fields = {};
  uint16_t status = 200;
  std::vector<std::pair<std::string, std::string>> response_fields = {};  // behind response-field
  // What the client makes of the body of the response; empty: it is as it is.
  std::function<std::string(const std::string&)> decode_response = {};
  // Longer than the filter ever waits.
  absl::Duration patience = absl::Seconds(10);
};

// Fails the test that calls it where a promise is broken. Returns what client and upstream saw in the plain run.
std::string runFilterContract(const FilterContract& contract);

}  // namespace weir::harness
