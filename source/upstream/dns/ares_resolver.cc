#include "source/upstream/dns/ares_resolver.h"

#include <ares.h>
#include <poll.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <utility>

#include "source/upstream/dns/ares_options.h"

namespace weir::upstream::dns {
namespace {

// Calls of c-ares for one socket in one turn.
constexpr int kServesPerTurn = 64;
constexpr size_t kMaxName = 254;  // with a dot at the end

Outcome outcomeOf(int status) {
  switch (status) {
    case ARES_SUCCESS:
      return Outcome::kFound;
    case ARES_ENODATA:
      return Outcome::kNoData;
    case ARES_ENOTFOUND:
      return Outcome::kNoName;
    case ARES_ETIMEOUT:
      return Outcome::kTimeout;
    case ARES_EBADRESP:
      return Outcome::kBadAnswer;
    case ARES_EBADNAME:
    case ARES_EBADQUERY:
      return Outcome::kBadName;
    default:  // c-ares 1.18 says ECONNREFUSED for SERVFAIL of all servers too
      return Outcome::kServerFailure;
  }
}

// Of two answers without records, the one that says more: that somebody failed, or else that the name exists.
Outcome graver(Outcome a, Outcome b) {
  const auto rank = [](Outcome outcome) {
    return outcome == Outcome::kNoName ? 0 : outcome == Outcome::kNoData ? 1 : 2;
  };
  return rank(b) > rank(a) ? b : a;
}

std::vector<RecordType> planOf(Family family) {
  switch (family) {
    case Family::kAuto:
      return {RecordType::kAaaa, RecordType::kA};
    case Family::kV4Only:
      return {RecordType::kA};
    case Family::kV6Only:
      return {RecordType::kAaaa};
    case Family::kV4Preferred:
    case Family::kAll:
      return {RecordType::kA, RecordType::kAaaa};
  }
  return {};
}

// Letters, digits, "-", "_" and "."; the names of the world's other scripts come in their ASCII form (RFC 5891).
bool validName(std::string_view name) {
  if (name.empty() || name == "." || name.size() > kMaxName) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

bool isLocalhost(std::string_view name) {
  constexpr std::string_view kLocalhost = "localhost";
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  if (name.size() < kLocalhost.size()) return false;
  const std::string_view last = name.substr(name.size() - kLocalhost.size());
  const bool whole = last.size() == name.size() || name[name.size() - last.size() - 1] == '.';
  return whole && strncasecmp(last.data(), kLocalhost.data(), last.size()) == 0;
}

// Of `all`, what `family` asks for.
std::vector<AddressRecord> choose(const std::vector<net::Address>& all, Family family) {
  std::vector<AddressRecord> out;
  for (const RecordType type : planOf(family)) {
    const auto wanted = type == RecordType::kA ? net::Address::Family::kIpv4 : net::Address::Family::kIpv6;
    for (const net::Address& address : all) {
      if (address.family() == wanted) out.push_back({address, absl::InfiniteDuration()});
    }
    if (!out.empty() && family != Family::kAll) break;
  }
  return out;
}

}  // namespace

// What c-ares is asked. Its own: it lives until c-ares has answered, whether or not somebody still wants to know.
struct AresResolver::Question {
  AresResolver& resolver;
  Request* request;  // null after it was cancelled
  RecordType type;
};

// One call of resolve() or resolveService().
class AresResolver::Request final : public base::Operation {
 public:
  Request(AresResolver& resolver, std::string_view asked, std::vector<RecordType> types)
      : name(asked), plan(std::move(types)), resolver_(resolver) {}
  ~Request() override {
    for (Question* question : questions) {
      if (question != nullptr) question->request = nullptr;
    }
  }

  const std::string name;
  const std::vector<RecordType> plan;
  bool together = false;  // all of the plan at once, not one after the other until something is found
  AddressReceiver* addresses = nullptr;
  ServiceReceiver* services = nullptr;

  size_t next = 0;  // of the plan
  std::array<Question*, 2> questions = {};
  std::optional<Outcome> outcome;
  Answer answer;

  Requests* home = nullptr;
  Requests::iterator self;

 private:
  void onCancelled() override { resolver_.forget(*this); }
  AresResolver& resolver_;
};

// A socket of c-ares.
class AresResolver::Watched final : public event::ReadyHandler {
 public:
  Watched(AresResolver& resolver, int fd) : resolver_(resolver), watch_(resolver.poller_.watch(fd, *this)) {}
  void onReady(event::Readiness) override {
    ready = true;
    resolver_.wake();
  }

  bool ready = true;  // something may have come since c-ares last looked
  short wanted = 0;   // POLLIN, POLLOUT

 private:
  AresResolver& resolver_;
  std::unique_ptr<event::LibeventPoller::Watch> watch_;
};

AresResolver::AresResolver(event::Dispatcher& dispatcher, event::LibeventPoller& poller, AresOptions options)
    : event::Wakeable(dispatcher),
      dispatcher_(dispatcher),
      poller_(poller),
      options_(std::move(options)),
      hosts_(options_.hosts_path),
      timer_(dispatcher, *this) {}

absl::StatusOr<std::unique_ptr<AresResolver>> AresResolver::create(event::Dispatcher& dispatcher,
                                                                   event::LibeventPoller& poller, AresOptions options) {
  std::unique_ptr<AresResolver> resolver(new AresResolver(dispatcher, poller, std::move(options)));
  absl::StatusOr<ares_channeldata*> channel = openChannel(resolver->options_, &AresResolver::onSocket, resolver.get());
  if (!channel.ok()) return channel.status();
  resolver->channel_ = *channel;
  return resolver;
}

AresResolver::~AresResolver() {
  queued_.clear();
  asked_.clear();
  finished_.clear();
  if (channel_ != nullptr) ares_destroy(channel_);
}

AresResolver::Request& AresResolver::add(std::string_view name, std::vector<RecordType> plan) {
  Request& request = queued_.emplace_back(*this, name, std::move(plan));
  request.home = &queued_;
  request.self = std::prev(queued_.end());
  return request;
}

base::Ticket AresResolver::resolve(std::string_view name, Family family, AddressReceiver& receiver) {
  Request& request = add(name, planOf(family));
  request.together = family == Family::kAll;
  request.addresses = &receiver;
  answerLocally(request, family);
  startQueued();
  wake();  // the timer
  return request.issue();
}

base::Ticket AresResolver::resolveService(std::string_view name, ServiceReceiver& receiver) {
  Request& request = add(name, {RecordType::kSrv});
  request.services = &receiver;
  if (!validName(name)) finish(request, Outcome::kBadName);
  startQueued();
  wake();  // the timer
  return request.issue();
}

void AresResolver::answerLocally(Request& request, Family family) {
  const absl::StatusOr<net::Address> literal = net::Address::parseIp(request.name, 0);
  std::vector<net::Address> known;
  if (literal.ok()) {
    known = {*literal};
  } else if (!validName(request.name)) {
    finish(request, Outcome::kBadName);
    return;
  } else if (const std::vector<net::Address>* listed = hosts_.find(request.name, dispatcher_.now());
             listed != nullptr) {
    known = *listed;
  } else if (isLocalhost(request.name)) {
    known = {*net::Address::parseIp("127.0.0.1", 0), *net::Address::parseIp("::1", 0)};
  }
  if (known.empty()) return;
  request.answer.addresses = choose(known, family);
  // A name that the hosts file has for the other family only may still be in DNS.
  if (request.answer.addresses.empty() && !literal.ok() && !isLocalhost(request.name)) return;
  finish(request, request.answer.addresses.empty() ? Outcome::kNoData : Outcome::kFound);
}

void AresResolver::startQueued() {
  while (!queued_.empty() && questions_ < options_.max_parallel) {
    Request& request = queued_.front();
    move(request, asked_);
    askNext(request);
  }
}

void AresResolver::askNext(Request& request) {
  const size_t first = request.next;
  request.next = request.together ? request.plan.size() : first + 1;
  // All are counted as open before the first is asked: c-ares may answer at once.
  for (size_t i = first; i < request.next; ++i) request.questions[i] = new Question{*this, &request, request.plan[i]};
  for (size_t i = first; i < request.next; ++i) {
    ++questions_;
    ares_search(channel_, request.name.c_str(), 1, static_cast<int>(request.plan[i]), &AresResolver::onAnswered,
                request.questions[i]);
  }
}

void AresResolver::onAnswered(void* argument, int status, int, unsigned char* bytes, int length) {
  const std::unique_ptr<Question> question(static_cast<Question*>(argument));
  AresResolver& self = question->resolver;
  --self.questions_;
  self.wake();  // there is room for another, even if this one was cancelled
  if (question->request == nullptr) return;
  Outcome outcome = outcomeOf(status);
  Answer answer;
  if (outcome == Outcome::kFound) {
    const std::string_view message(reinterpret_cast<const char*>(bytes), static_cast<size_t>(length));
    absl::StatusOr<Answer> read = readAnswer(message, question->type);
    if (read.ok()) answer = *std::move(read);
    if (!read.ok()) outcome = Outcome::kBadAnswer;
    if (read.ok() && answer.addresses.empty() && answer.services.empty()) outcome = Outcome::kNoData;
  }
  Request& request = *question->request;
  for (Question*& open : request.questions) {
    if (open == question.get()) open = nullptr;
  }
  self.take(request, outcome, std::move(answer));
}

void AresResolver::take(Request& request, Outcome outcome, Answer answer) {
  Answer& all = request.answer;
  for (AddressRecord& record : answer.addresses) all.addresses.push_back(std::move(record));
  for (ServiceRecord& record : answer.services) all.services.push_back(std::move(record));
  request.outcome = request.outcome.has_value() ? graver(*request.outcome, outcome) : outcome;
  const bool waiting = std::any_of(request.questions.begin(), request.questions.end(),
                                   [](const Question* question) { return question != nullptr; });
  if (waiting) return;
  if (!all.addresses.empty() || !all.services.empty()) {
    std::stable_partition(all.addresses.begin(), all.addresses.end(), [](const AddressRecord& record) {
      return record.address.family() == net::Address::Family::kIpv4;
    });
    finish(request, Outcome::kFound);
  } else if (request.next < request.plan.size()) {
    askNext(request);
  } else {
    finish(request, *request.outcome);
  }
}

void AresResolver::finish(Request& request, Outcome outcome) {
  request.outcome = outcome;
  move(request, finished_);
  wake();
}

void AresResolver::move(Request& request, Requests& to) {
  to.splice(to.end(), *request.home, request.self);
  request.home = &to;
}

void AresResolver::forget(Request& request) { request.home->erase(request.self); }

// Inside one of our own calls of c-ares.
void AresResolver::onSocket(void* argument, int fd, int readable, int writable) {
  AresResolver& self = *static_cast<AresResolver*>(argument);
  if (readable == 0 && writable == 0) {
    self.sockets_.erase(fd);
    return;
  }
  std::unique_ptr<Watched>& socket = self.sockets_[fd];
  if (socket == nullptr) socket = std::make_unique<Watched>(self, fd);
  socket->wanted = static_cast<short>((readable != 0 ? POLLIN : 0) | (writable != 0 ? POLLOUT : 0));
  socket->ready = true;
  self.wake();
}

void AresResolver::onWake() {
  serveSockets();
  startQueued();
  deliver();
  armTimer();
}

void AresResolver::onTimer(event::Timer&) {
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  for (auto& socket : sockets_) socket.second->ready = true;
  wake();
}

void AresResolver::serveSockets() {
  std::vector<int> ready;
  for (const auto& [fd, socket] : sockets_) {
    if (socket->ready) ready.push_back(fd);
  }
  for (const int fd : ready) {
    for (int i = 0; i < kServesPerTurn && serve(fd); ++i) {
    }
    // Still ready: goes on in the next turn, others come first.
    const auto socket = sockets_.find(fd);
    if (socket != sockets_.end() && socket->second->ready) wake();
  }
}

// True when c-ares was called, and more may be waiting.
bool AresResolver::serve(int fd) {
  const auto socket = sockets_.find(fd);  // c-ares may have closed it, and opened another of the same number
  if (socket == sockets_.end()) return false;
  pollfd state = {fd, socket->second->wanted, 0};
  if (::poll(&state, 1, 0) <= 0 || state.revents == 0) {
    socket->second->ready = false;
    return false;
  }
  const bool writable = (state.revents & POLLOUT) != 0;
  const bool readable = (state.revents & ~POLLOUT) != 0;  // an error is read
  ares_process_fd(channel_, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
  return true;
}

void AresResolver::deliver() {
  for (size_t left = finished_.size(); left > 0 && !finished_.empty(); --left) {
    Requests done;
    done.splice(done.end(), finished_, finished_.begin());
    Request& request = done.front();
    request.settle();
    const Outcome outcome = *request.outcome;
    if (request.addresses != nullptr) {
      request.addresses->onAddresses(outcome, std::move(request.answer.addresses));
    } else {
      request.services->onServices(outcome, std::move(request.answer.services));
    }
  }
}

void AresResolver::armTimer() {
  timeval wait;
  if (ares_timeout(channel_, nullptr, &wait) == nullptr) {
    timer_.cancel();
    return;
  }
  timer_.arm(std::max(absl::DurationFromTimeval(wait), absl::Milliseconds(1)));
}

}  // namespace weir::upstream::dns
