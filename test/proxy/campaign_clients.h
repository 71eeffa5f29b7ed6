// CampaignClients: clients of a campaign that send one request after the other, each with an id of its own, in the path
// or in the body, and what became of each. A request with a body of at most nine bytes; an answer is good when it is a
// 200 whose body is whole.
#pragma once

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "test/proxy/proxy_world.h"

namespace weir::proxy {

// How many requests a campaign sends: WEIR_CAMPAIGN_REQUESTS, or `otherwise`, which is for every run.
inline int campaignRequests(int otherwise) {
  const char* const text = std::getenv("WEIR_CAMPAIGN_REQUESTS");
  return text == nullptr ? otherwise : std::atoi(text);
}

// The route sends again whatever fails in one of the ways `on`, for as long as it takes.
inline void sendAgain(ProxyWorld::Setup& setup, uint32_t on) {
  auto made = std::make_shared<UpstreamPolicy>();
  made->retry.on = on;
  made->retry.retries = 50;
  made->retry.per_try_timeout = absl::Milliseconds(500);
  auto& action = std::get<ForwardAction>(setup.route->action);
  action.timeout = absl::ZeroDuration();
  action.policy = std::move(made);
}

class CampaignClients {
 public:
  // Each request is "METHOD /<number>" with the number in nine digits as its body.
  CampaignClients(ProxyWorld& world, size_t count, std::string method) : world_(world), method_(std::move(method)) {
    for (size_t i = 0; i < count; ++i) all_.push_back({&world.client(), 0});
  }

  // As many rounds as `count` requests take. `between` is called after each round.
  void run(int count, const std::function<void()>& between) {
    while (sent < count) {
      for (One& one : all_) send(one);
      world_.upstream.simulation.runUntil([this] { return allAnswered(); }, absl::Seconds(120));
      for (const One& one : all_) note(one);
      forgetOld();
      between();
    }
  }
  static std::string idOf(int number) {
    const std::string digits = std::to_string(number);
    return std::string(9 - digits.size(), '0') + digits;
  }

  int sent = 0;
  int good = 0;
  // Those that were not answered well, with the first line of what came.
  std::vector<std::pair<std::string, std::string>> bad;

 private:
  struct One {
    RawClient* client;
    int number;
  };

  void send(One& one) {
    if (one.client->closed || one.client->ended) one.client = &world_.client();
    one.client->received.clear();
    one.number = sent++;
    one.client->write(method_ + " /" + idOf(one.number) + " HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\n" +
                      idOf(one.number));
  }
  bool allAnswered() const {
    for (const One& one : all_) {
      if (!whole(*one.client)) return false;
    }
    return true;
  }
  static bool whole(const RawClient& client) {
    if (client.closed || client.ended) return true;
    const size_t end = client.received.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const size_t length = client.received.find("content-length: ");
    if (length == std::string::npos || length > end) return true;
    return client.received.size() >= end + 4 + std::stoul(client.received.substr(length + 16));
  }
  void note(const One& one) {
    const std::string& got = one.client->received;
    if (got.rfind("HTTP/1.1 200 ", 0) == 0 && got.ends_with("\r\n\r\nhi")) {
      ++good;
    } else {
      bad.emplace_back(idOf(one.number), got.substr(0, got.find("\r\n")));
    }
  }
  // Clients whose connection is over are let go, so that a long campaign stays small.
  void forgetOld() {
    if (world_.clients.size() < 4000) return;
    world_.settle();
    std::erase_if(world_.clients, [this](const auto& client) {
      for (const One& one : all_) {
        if (one.client == client.get()) return false;
      }
      return client->closed.has_value();
    });
  }

  ProxyWorld& world_;
  const std::string method_;
  std::vector<One> all_;
};

}  // namespace weir::proxy
