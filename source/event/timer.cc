#include "source/event/timer.h"

#include "source/event/dispatcher.h"
#include "source/event/timer_wheel.h"

namespace weir::event {

void Timer::arm(absl::Duration after) { armAt(dispatcher_->now() + after); }

void Timer::armAt(base::MonotonicTime deadline) { dispatcher_->wheel_->arm(*this, dispatcher_->now(), deadline); }

void Timer::cancel() {
  if (armed()) dispatcher_->wheel_->cancel(*this);
}

}  // namespace weir::event
