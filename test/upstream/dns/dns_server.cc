#include "test/upstream/dns/dns_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "source/base/check.h"
#include "test/upstream/dns/dns_messages.h"

namespace weir::upstream::dns {
namespace {

constexpr uint16_t kAnswer = 0x8180;
constexpr uint16_t kTruncated = 0x0200;

uint16_t number(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) << 8 | static_cast<uint8_t>(bytes[at + 1]));
}

}  // namespace

// One connection. Answers go out at once: the kernel's buffer takes what tests send.
class DnsServer::TcpClient final : private event::ReadyHandler {
 public:
  TcpClient(DnsServer& server, int fd) : server_(server), fd_(fd), watch_(server.poller_.watch(fd, *this)) {}
  ~TcpClient() {
    watch_.reset();
    ::close(fd_);
  }

 private:
  void onReady(event::Readiness) override {
    char buffer[4096];
    ssize_t n;
    while ((n = ::recv(fd_, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0) input_.append(buffer, static_cast<size_t>(n));
    while (input_.size() >= 2 && input_.size() >= 2u + number(input_, 0)) {
      const std::string question = input_.substr(2, number(input_, 0));
      input_.erase(0, 2 + question.size());
      for (const std::string& answer : server_.answersTo(question, true)) {
        output_ += bigEndian(static_cast<uint32_t>(answer.size()), 2) + answer;
      }
    }
    while (!output_.empty() && (n = ::send(fd_, output_.data(), output_.size(), MSG_DONTWAIT | MSG_NOSIGNAL)) > 0) {
      output_.erase(0, static_cast<size_t>(n));
    }
  }

  DnsServer& server_;
  const int fd_;
  std::string input_;
  std::string output_;
  std::unique_ptr<event::LibeventPoller::Watch> watch_;
};

DnsServer::DnsServer(event::LibeventPoller& poller) : poller_(poller) {
  // The port that the kernel gives for UDP may be taken for TCP.
  bool bound = false;
  for (int i = 0; i < 100 && !bound; ++i) bound = bindBoth();
  CHECK(bound, "one of a hundred ports is free for both");
  udp_watch_ = poller_.watch(udp_, *this);
  listener_watch_ = poller_.watch(listener_, *this);
}

DnsServer::~DnsServer() {
  clients_.clear();
  udp_watch_.reset();
  listener_watch_.reset();
  ::close(udp_);
  ::close(listener_);
}

bool DnsServer::bindBoth() {
  udp_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_storage storage;
  socklen_t length = net::Address::parseIp("127.0.0.1", 0)->toSockaddr(storage);
  auto* raw = reinterpret_cast<sockaddr*>(&storage);
  if (::bind(udp_, raw, length) == 0 && ::getsockname(udp_, raw, &length) == 0 && ::bind(listener_, raw, length) == 0 &&
      ::listen(listener_, 64) == 0) {
    address_ = net::Address::fromSockaddr(raw, length);
    return true;
  }
  ::close(udp_);
  ::close(listener_);
  return false;
}

void DnsServer::answerWith(uint16_t response_code, std::vector<std::string> records, size_t udp_limit) {
  answerWith([response_code, records = std::move(records), udp_limit](const Question& question) {
    const auto flags = static_cast<uint16_t>(kAnswer | response_code);
    std::string whole = message(question.id, flags, question.name, question.type, records);
    if (!question.tcp && whole.size() > udp_limit) {
      whole = message(question.id, flags | kTruncated, question.name, question.type, {});
    }
    return std::vector<std::string>{whole};
  });
}

void DnsServer::onReady(event::Readiness) {
  readDatagrams();
  acceptAll();
}

void DnsServer::readDatagrams() {
  char buffer[4096];
  sockaddr_storage from;
  socklen_t length = sizeof(from);
  ssize_t n;
  while ((n = ::recvfrom(udp_, buffer, sizeof(buffer), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from), &length)) >
         0) {
    for (const std::string& answer : answersTo({buffer, static_cast<size_t>(n)}, false)) {
      ::sendto(udp_, answer.data(), answer.size(), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from), length);
    }
    length = sizeof(from);
  }
}

void DnsServer::acceptAll() {
  int fd;
  while ((fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    clients_.push_back(std::make_unique<TcpClient>(*this, fd));
  }
}

std::vector<std::string> DnsServer::answersTo(std::string_view bytes, bool tcp) {
  CHECK(bytes.size() > 16, "a question has a header, a name and a type");
  Question question = {number(bytes, 0), "", 0, tcp};
  size_t at = 12;
  while (bytes[at] != 0) {
    if (!question.name.empty()) question.name += '.';
    question.name += bytes.substr(at + 1, static_cast<uint8_t>(bytes[at]));
    at += static_cast<uint8_t>(bytes[at]) + 1u;
  }
  question.type = number(bytes, at + 1);
  seen.push_back(question);
  return answerer_ ? answerer_(question) : std::vector<std::string>();
}

}  // namespace weir::upstream::dns
