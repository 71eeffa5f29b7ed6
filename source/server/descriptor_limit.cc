#include "source/server/descriptor_limit.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>

namespace weir::server {
namespace {

// Log files, the admin endpoint and its connections, listeners.
constexpr uint64_t kReserve = 64;
// epoll, eventfd, timerfd, the reserve descriptor and a few listeners.
constexpr uint64_t kReservePerWorker = 16;

}  // namespace

uint64_t raiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  if (limit.rlim_cur < limit.rlim_max && ::setrlimit(RLIMIT_NOFILE, &raised) == 0) return limit.rlim_max;
  return limit.rlim_cur;
}

uint32_t connectionLimit(uint64_t descriptors, unsigned workers) {
  const uint64_t reserve = kReserve + kReservePerWorker * workers;
  const uint64_t left = descriptors > reserve ? descriptors - reserve : 0;
  return static_cast<uint32_t>(std::clamp<uint64_t>(left / 2, 1, UINT32_MAX));
}

unsigned usableCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

}  // namespace weir::server
