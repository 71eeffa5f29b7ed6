#include "source/base/ticket.h"

#include <memory>
#include <utility>

#include "gtest/gtest.h"

namespace weir::base {
namespace {

class Work final : public Operation {
 public:
  explicit Work(int& cancelled) : cancelled_(cancelled) {}

 private:
  void onCancelled() override { ++cancelled_; }
  int& cancelled_;
};

TEST(TicketTest, DestroyingTheTicketCancelsOnce) {
  int cancelled = 0;
  Work work(cancelled);
  {
    Ticket ticket = work.issue();
    EXPECT_TRUE(ticket);
    EXPECT_TRUE(work.pending());
  }
  EXPECT_EQ(cancelled, 1);
  EXPECT_FALSE(work.pending());
}

TEST(TicketTest, SettledWorkIsNotCancelled) {
  int cancelled = 0;
  Work work(cancelled);
  Ticket ticket = work.issue();
  work.settle();
  EXPECT_FALSE(ticket);
  ticket.cancel();
  EXPECT_EQ(cancelled, 0);
}

TEST(TicketTest, WorkThatGoesAwayEmptiesTheTicket) {
  int cancelled = 0;
  auto work = std::make_unique<Work>(cancelled);
  Ticket ticket = work->issue();
  work.reset();
  EXPECT_FALSE(ticket);
  EXPECT_EQ(cancelled, 0);
}

TEST(TicketTest, MovingKeepsTheOperationAttached) {
  int cancelled = 0;
  Work work(cancelled);
  Ticket a = work.issue();
  Ticket b = std::move(a);
  EXPECT_TRUE(b);
  Ticket c;
  c = std::move(b);
  EXPECT_EQ(cancelled, 0);
  work.settle();
  EXPECT_FALSE(c);
}

TEST(TicketTest, AssigningCancelsWhatWasHeld) {
  int first = 0;
  int second = 0;
  Work a(first);
  Work b(second);
  Ticket ticket = a.issue();
  ticket = b.issue();
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 0);
  EXPECT_TRUE(b.pending());
}

TEST(TicketTest, AnOperationMayBeIssuedAgainAfterItsEnd) {
  int cancelled = 0;
  Work work(cancelled);
  { Ticket ticket = work.issue(); }
  { Ticket ticket = work.issue(); }
  EXPECT_EQ(cancelled, 2);
}

// Destroys itself when cancelled, as pooled operations do.
class SelfDestroying final : public Operation {
 public:
  explicit SelfDestroying(bool& gone) : gone_(gone) {}
  ~SelfDestroying() { gone_ = true; }

 private:
  void onCancelled() override { delete this; }
  bool& gone_;
};

TEST(TicketTest, CancellingMayDestroyTheOperation) {
  bool gone = false;
  Ticket ticket = (new SelfDestroying(gone))->issue();
  ticket.cancel();
  EXPECT_TRUE(gone);
}

TEST(TicketDeathTest, ASecondLiveTicketIsABug) {
  int cancelled = 0;
  Work work(cancelled);
  Ticket ticket = work.issue();
  EXPECT_DEATH((void)work.issue(), "one ticket at a time");
}

}  // namespace
}  // namespace weir::base
