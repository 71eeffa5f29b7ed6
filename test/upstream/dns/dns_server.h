// DnsServer: a DNS server of a test, on a port of the loopback that the kernel picks, UDP and TCP; it runs on the
// test's own loop. The test says how each question is answered, well or badly. Destroy it before the poller.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/event/libevent_poller.h"
#include "source/net/address.h"

namespace weir::upstream::dns {

class DnsServer final : private event::ReadyHandler {
 public:
  struct Question {
    uint16_t id;
    std::string name;  // as it was sent
    uint16_t type;
    bool tcp;
  };
  // The bytes that go back; none: silence.
  using Answerer = std::function<std::vector<std::string>(const Question&)>;

  explicit DnsServer(event::LibeventPoller& poller);
  ~DnsServer();

  net::Address address() const { return address_; }
  // How the questions from now on are answered.
  void answerWith(Answerer answerer) { answerer_ = std::move(answerer); }
  // The same for all: a message with this response code and the records; one that does not fit into `udp_limit` bytes
  // is sent truncated over UDP.
  void answerWith(uint16_t response_code, std::vector<std::string> records, size_t udp_limit = 512);

  std::vector<Question> seen;

 private:
  class TcpClient;

  void onReady(event::Readiness ready) override;
  bool bindBoth();
  void readDatagrams();
  void acceptAll();
  std::vector<std::string> answersTo(std::string_view bytes, bool tcp);

  event::LibeventPoller& poller_;
  net::Address address_;
  int udp_ = -1;
  int listener_ = -1;
  Answerer answerer_;
  std::unique_ptr<event::LibeventPoller::Watch> udp_watch_;
  std::unique_ptr<event::LibeventPoller::Watch> listener_watch_;
  std::vector<std::unique_ptr<TcpClient>> clients_;
};

}  // namespace weir::upstream::dns
