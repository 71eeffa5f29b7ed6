// A filter plugin that looks at every head and does nothing.
#include "weir_filter.hpp"

namespace {

class Noop {
 public:
  explicit Noop(const weir::NoConfig&) {}
  weir::Verdict onRequestHead(weir::Stream&) { return weir::Continue; }
  weir::Verdict onResponseHead(weir::Stream&) { return weir::Continue; }
};

}  // namespace

WEIR_HTTP_FILTER(Noop, weir::NoConfig, "noop", "1.0")
