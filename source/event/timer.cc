#include "source/event/timer.h"

#include "source/event/dispatcher.h"
#include "source/event/timer_wheel.h"

namespace weir::event {

void Timer::arm(absl::Duration after) { dispatcher_->wheel_->arm(*this, dispatcher_->now(), after); }

void Timer::cancel() {
  if (armed()) dispatcher_->wheel_->cancel(*this);
}

}  // namespace weir::event
