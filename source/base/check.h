// CHECK for what only a bug of weir itself can cause. What the network, a file, a peer or a plugin does wrong is an
// absl::Status and never comes here. A failed CHECK prints file, line, the condition and the reason, and aborts.
#pragma once

namespace weir::base {

[[noreturn]] void checkFailed(const char* file, int line, const char* condition, const char* why);

}  // namespace weir::base

// `why` is a string literal that says which promise was broken. The condition is always evaluated.
#define CHECK(condition, why) \
  (__builtin_expect(!!(condition), 1) ? (void)0 : ::weir::base::checkFailed(__FILE__, __LINE__, #condition, why))
