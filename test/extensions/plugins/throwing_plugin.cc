// A plugin whose configuration cannot be described: that throws before anything of it is known.
#include <stdexcept>

#include "weir_filter.hpp"

namespace {

struct Config {
  static weir::Schema schema() { throw std::runtime_error("no schema"); }
  explicit Config(const weir::ConfigReader&) {}
};

class Throwing {
 public:
  weir::Verdict onRequestHead(weir::Stream&) { return weir::Continue; }
};

}  // namespace

WEIR_HTTP_FILTER(Throwing, Config, "throwing", "1.0")
