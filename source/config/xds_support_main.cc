// Prints docs/xds-support.md.
#include <cstdio>

#include "source/config/supports.h"

int main() {
  const std::string page = weir::config::supportedXds();
  return fwrite(page.data(), 1, page.size(), stdout) == page.size() ? 0 : 1;
}
