// FakeSideCaller: the partner of filters that ask a cluster something: notes what they ask, and answers what the test
// says, when it says so. Belongs to the FilterWorld.
//
//   on_call set: it is run for each call, later in the turn, and may answer it
//   else: the test looks at calls() and answers them one by one
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/base/arena.h"
#include "source/event/wakeable.h"
#include "source/filter/side_call.h"
#include "source/net/worker_context.h"

namespace weir::harness {

class FakeSideCaller final : public filter::SideCaller, private event::Wakeable {
 public:
  explicit FakeSideCaller(const net::WorkerContext& worker);
  ~FakeSideCaller() override;

  // A call that was made.
  struct Asked {
    std::string cluster;
    std::string head;  // as describe() has it, with the authority before it: "example.com GET /check a=b"
    std::string body;
    absl::Duration timeout;
    size_t max_response_bytes;
    bool cancelled = false;
    bool over = false;  // answered or cancelled
  };
  const std::vector<Asked>& calls() const { return asked_; }
  size_t pending() const;
  std::function<void(FakeSideCaller&, size_t call)> on_call;

  using Fields = std::vector<std::pair<std::string, std::string>>;
  // Takes effect later in the turn; a call that was cancelled is left alone.
  void answer(size_t call, uint16_t status, Fields fields = {}, std::string body = "", Fields trailers = {});
  void fail(size_t call, http::Reason reason);

  base::Ticket call(filter::SideRequest request, filter::SideCallReceiver& receiver) override;

 private:
  class Pending;
  void onWake() override;

  const net::WorkerContext& worker_;
  std::vector<Asked> asked_;
  std::vector<std::unique_ptr<Pending>> pending_;  // by number of the call
  size_t shown_ = 0;                               // to on_call
};

}  // namespace weir::harness
