// Adds one header to every request.
#include "weir_filter.hpp"

namespace {

struct Config {
  static weir::Schema schema() { return weir::Schema("add_header.Config").text("name", weir::Required).text("value"); }
  explicit Config(const weir::ConfigReader& c) : name(c.text("name")), value(c.text("value", "")) {}
  std::string name, value;
};

class AddHeader {
 public:
  explicit AddHeader(const Config& config) : config_(config) {}
  weir::Verdict onRequestHead(weir::Stream& s) {
    s.requestHeaders().set(config_.name, config_.value);
    return weir::Continue;
  }

 private:
  const Config& config_;
};

}  // namespace

WEIR_HTTP_FILTER(AddHeader, Config, "add_header", "1.0")
