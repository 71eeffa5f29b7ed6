#include "source/base/ticket.h"

#include "source/base/check.h"

namespace weir::base {

Ticket Operation::issue() {
  CHECK(ticket_ == nullptr, "an operation has one ticket at a time");
  // The ticket is constructed in its final place (elision is guaranteed), so its address may be kept.
  return Ticket(*this);
}

void Operation::settle() {
  if (ticket_ == nullptr) return;
  ticket_->operation_ = nullptr;
  ticket_ = nullptr;
}

Ticket::Ticket(Operation& operation) : operation_(&operation) { operation.ticket_ = this; }

Ticket::Ticket(Ticket&& other) noexcept : operation_(other.operation_) {
  other.operation_ = nullptr;
  if (operation_ != nullptr) operation_->ticket_ = this;
}

Ticket& Ticket::operator=(Ticket&& other) noexcept {
  if (this == &other) return *this;
  cancel();
  operation_ = other.operation_;
  other.operation_ = nullptr;
  if (operation_ != nullptr) operation_->ticket_ = this;
  return *this;
}

void Ticket::cancel() {
  if (operation_ == nullptr) return;
  Operation& operation = *operation_;
  operation_ = nullptr;
  operation.ticket_ = nullptr;
  operation.onCancelled();
}

}  // namespace weir::base
