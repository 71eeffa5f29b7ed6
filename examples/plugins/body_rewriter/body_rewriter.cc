// Replaces a text in response bodies as they stream through: what could be the beginning of a match is held back until
// the next piece tells, so a match may lie across pieces, and never more than one match is kept.
#include "weir_filter.hpp"

namespace {

struct Config {
  static weir::Schema schema() {
    return weir::Schema("body_rewriter.Config").text("from", weir::Required).text("to").text("content_type");
  }
  explicit Config(const weir::ConfigReader& c)
      : from(c.text("from")), to(c.text("to", "")), content_type(c.text("content_type", "text/")) {}
  std::string from, to, content_type;
};

class BodyRewriter {
 public:
  // The length of the body changes: weir takes a declared length away.
  static constexpr bool kEditsResponseBody = true;

  explicit BodyRewriter(const Config& config) : config_(config) {}

  void onResponseHead(weir::Stream& s) {
    const auto type = s.responseHeaders().get("content-type").value_or("");
    active_ = type.substr(0, config_.content_type.size()) == config_.content_type &&
              !s.responseHeaders().has("content-encoding");
    if (active_) s.responseHeaders().remove("etag");
  }

  void onResponseData(weir::Stream& s) {
    if (!active_) return;
    held_ += s.responseBody().str();
    s.responseBody().replace(rewrite());
  }

  void onResponseEnd(weir::Stream& s) {
    if (!held_.empty()) s.responseBody().append(held_);
  }

 private:
  // What is certain of the text that is held; the rest stays.
  std::string rewrite() {
    std::string out;
    size_t at = 0;
    for (size_t match; (match = held_.find(config_.from, at)) != std::string::npos; at = match + config_.from.size()) {
      out.append(held_, at, match - at).append(config_.to);
    }
    // The longest end that could begin a match.
    size_t keep = std::min(config_.from.size() - 1, held_.size() - at);
    while (held_.compare(held_.size() - keep, keep, config_.from, 0, keep) != 0) --keep;
    out.append(held_, at, held_.size() - at - keep);
    held_.erase(0, held_.size() - keep);
    return out;
  }

  const Config& config_;
  bool active_ = false;
  std::string held_;
};

}  // namespace

WEIR_HTTP_FILTER(BodyRewriter, Config, "body_rewriter", "1.0")
