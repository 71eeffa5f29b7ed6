// TcpProbe: a connection that opens is a pass; or one that answers what was sent with what is expected. Main thread.
#pragma once

#include <string>

#include "source/upstream/health/probe_connection.h"

namespace weir::upstream::health {

// Whether `text` has each of `pieces`, one behind the other.
bool hasInOrder(std::string_view text, const std::vector<std::string>& pieces);

class TcpProbe final : public ProbeConnection {
 public:
  using ProbeConnection::ProbeConnection;

 private:
  void sendQuestion() override;
  void dropConnection() override { seen_.clear(); }
  void onInput(buffer::Buffer& input, bool end) override;
  const TcpCheck& check() const { return std::get<TcpCheck>(context().config.kind); }

  std::string seen_;
};

}  // namespace weir::upstream::health
