// NetworkChain: stands between a net::Connection and a terminal net::Session and takes what is received, and what is
// sent, through the network filters first. Made for each connection whose chain has network filters, by whoever accepts
// it, who owns it and calls start() once; one worker. Bytes that have passed the filters stay in the connection's
// input, where the terminal session takes them; bytes that wait behind a filter are held here, and the connection is
// not read meanwhile. What is sent is looked at in the flush phase, and only where a filter does look; what a filter
// holds back counts as output of the connection, whose room() shrinks by it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "source/event/wakeable.h"
#include "source/filter/network_filter.h"
#include "source/net/connection.h"
#include "source/net/worker_context.h"

namespace weir::filter {

class NetworkChain final : public net::Session, private net::OutputFilter, private event::Wakeable {
 public:
  // All must outlive it; `connection` is the one whose session this is. `terminal` is told onOpen() when the filters
  // have let the connection in, before any bytes.
  NetworkChain(std::vector<std::unique_ptr<NetworkFilter>> filters, net::Connection& connection,
               const net::WorkerContext& worker, SideCaller& side_calls, net::Session& terminal);
  ~NetworkChain() override;

  // The connection is accepted: onOpen of the filters follows later in the turn, before any onRead.
  void start() { wake(); }

  void onInput(buffer::Buffer& input, bool end) override;
  void onRoom() override;
  // The filters learn it first, then the terminal session.
  void onClose(net::CloseReason reason) override;

 private:
  enum class Stage : uint8_t { kOpening, kReading, kClosed };
  class Place;

  void onWake() override { drive(); }
  void resume(NetworkVerdict verdict);
  void drive();
  // Calls the hook of the next filter; none when all have been asked.
  std::optional<NetworkVerdict> callNext();
  // Begins with what was held, if anything. False when there is nothing to do.
  bool takeHeld();
  void deliver();
  void drop();

  // network_chain_output.cc
  void onOutput(buffer::Buffer& fresh) override;
  size_t kept() const override;
  // Takes what came to that filter through its hook; what passes is added to `passed`.
  void showOutput(Place& place, buffer::Buffer& passed);

  std::vector<std::unique_ptr<Place>> places_;  // a filter each
  net::Connection& connection_;
  const net::WorkerContext& worker_;
  SideCaller& side_calls_;
  net::Session& terminal_;
  buffer::Buffer held_;     // received, and shown to no filter
  buffer::Buffer current_;  // on its way
  uint64_t seen_ = 0;       // of Connection::bytesRead()
  size_t next_ = 0;         // the filter that is asked next
  Stage stage_ = Stage::kOpening;
  bool moving_ = false;  // current_ is on its way
  bool end_held_ = false;
  bool end_ = false;  // current_ is the last
  bool waiting_ = false;
  bool driving_ = false;
  bool looks_at_output_ = false;  // a filter does
  std::optional<NetworkVerdict> answer_;
};

}  // namespace weir::filter
