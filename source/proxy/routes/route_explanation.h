// explainRoute: which route a request takes, and why not the others: the decision of RouteTable::match, made once more
// by looking at every domain and every route in the plainest way, so that each step can be told. For people and for
// tests, which compare the two; never on the data path.
#pragma once

#include <string_view>
#include <vector>

#include "source/base/random.h"
#include "source/filter/stream_info.h"
#include "source/http/head.h"
#include "source/proxy/routes/route_table.h"

namespace weir::proxy {

struct RouteExplanation {
  struct Trial {
    const Route* route = nullptr;
    const RouteMatch* match = nullptr;
    Mismatch mismatch;
  };
  const VirtualHost* host = nullptr;  // null: no domain is that of the request
  std::string_view domain;            // the one that it was chosen by, as written
  bool needs_tls = false;             // answered with a redirect to https
  std::vector<Trial> trials;          // in written order, up to the one that takes the request
  const Route* chosen = nullptr;      // as RouteTable::match gives it
};

// Draws from `random` as RouteTable::match would.
RouteExplanation explainRoute(const RouteTable& table, const http::Head& request, const filter::StreamInfo& info,
                              base::Random& random);

}  // namespace weir::proxy
