// Ticket: owns an operation in flight (law 5). Whoever starts work gets a Ticket; destroying it cancels the work, and
// nothing is called afterwards. The side that does the work derives from Operation and settles it when it is done.
// Both live on one worker; no allocation is made for a Ticket.
//
//   started:   Operation <-> Ticket
//   settled:   the Operation called settle() (result delivered, or gone); the Ticket is empty and its end is a no-op
//   cancelled: the Ticket was destroyed first; Operation::onCancelled() runs, exactly once, inside that destructor
#pragma once

namespace weir::base {

class Ticket;

class Operation {
 public:
  Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  // The one Ticket of this operation. At most one may be live at a time.
  [[nodiscard]] Ticket issue();
  // The result is about to be, or has been, delivered: the Ticket no longer cancels anything.
  void settle();
  bool pending() const { return ticket_ != nullptr; }

 protected:
  virtual ~Operation() { settle(); }

 private:
  friend class Ticket;
  // Must not call back into the owner of the Ticket. May destroy this Operation.
  virtual void onCancelled() = 0;

  Ticket* ticket_ = nullptr;
};

class Ticket {
 public:
  Ticket() = default;
  Ticket(Ticket&& other) noexcept;
  Ticket& operator=(Ticket&& other) noexcept;
  ~Ticket() { cancel(); }

  // Cancels now if the operation is still pending.
  void cancel();
  explicit operator bool() const { return operation_ != nullptr; }

 private:
  friend class Operation;
  explicit Ticket(Operation& operation);
  Operation* operation_ = nullptr;
};

}  // namespace weir::base
