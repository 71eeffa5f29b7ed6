#include "source/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace weir::base {

void checkFailed(const char* file, int line, const char* condition, const char* why) {
  fprintf(stderr, "%s:%d: CHECK(%s) failed: %s\n", file, line, condition, why);
  fflush(stderr);
  abort();
}

}  // namespace weir::base
