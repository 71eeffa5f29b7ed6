// AresResolver: the Resolver of real workers; c-ares on the worker's loop. Made on the worker's thread, or for it
// before it starts; owned by the worker; uses the poller for its sockets and its own clock, that of the machine, for
// what is overdue. Destroy it before the dispatcher and the poller.
//
// c-ares speaks through callbacks, from inside its own calls. Here they only note what they say; a wake delivers it.
// What was noted ready is asked of the kernel again before c-ares is called, because the loop reports edges and c-ares
// reads in pieces.
//
// A name is looked for as literal address, in the hosts file, as "localhost" (RFC 6761), and then in DNS: over UDP, and
// over TCP when the answer is truncated.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "source/event/dispatcher.h"
#include "source/event/libevent_poller.h"
#include "source/event/timer.h"
#include "source/event/wakeable.h"
#include "source/upstream/dns/answer.h"
#include "source/upstream/dns/ares_options.h"
#include "source/upstream/dns/hosts_file.h"
#include "source/upstream/dns/resolver.h"

struct ares_channeldata;

namespace weir::upstream::dns {

class AresResolver final : public Resolver, private event::Wakeable, private event::TimerHandler {
 public:
  // Both must outlive it. Reads resolv.conf. Fails when c-ares cannot be set up (no memory, no such address).
  static absl::StatusOr<std::unique_ptr<AresResolver>> create(event::Dispatcher& dispatcher,
                                                              event::LibeventPoller& poller, AresOptions options);
  ~AresResolver() override;

  base::Ticket resolve(std::string_view name, Family family, AddressReceiver& receiver) override;
  base::Ticket resolveService(std::string_view name, ServiceReceiver& receiver) override;

  // Calls without an answer yet, those that wait their turn included.
  size_t pending() const { return queued_.size() + asked_.size() + finished_.size(); }

 private:
  class Request;
  class Watched;
  struct Question;
  using Requests = std::list<Request>;

  AresResolver(event::Dispatcher& dispatcher, event::LibeventPoller& poller, AresOptions options);

  void onWake() override;
  void onTimer(event::Timer& timer) override;
  static void onSocket(void* self, int fd, int readable, int writable);
  static void onAnswered(void* question, int status, int timeouts, unsigned char* bytes, int length);

  Request& add(std::string_view name, std::vector<RecordType> plan);
  void answerLocally(Request& request, Family family);
  void startQueued();
  void askNext(Request& request);
  void take(Request& request, Outcome outcome, Answer answer);
  void finish(Request& request, Outcome outcome);
  void move(Request& request, Requests& to);
  void forget(Request& request);
  void serveSockets();
  bool serve(int fd);
  void deliver();
  void armTimer();

  event::Dispatcher& dispatcher_;
  event::LibeventPoller& poller_;
  const AresOptions options_;
  HostsFile hosts_;
  event::Timer timer_;
  ares_channeldata* channel_ = nullptr;
  absl::flat_hash_map<int, std::unique_ptr<Watched>> sockets_;
  size_t questions_ = 0;  // that c-ares works on, those of cancelled requests included
  Requests queued_;
  Requests asked_;
  Requests finished_;
};

}  // namespace weir::upstream::dns
