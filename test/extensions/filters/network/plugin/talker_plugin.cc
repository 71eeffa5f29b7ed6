// A network filter that does what the client asks for in lines, and what a network filter must not.
#include <string>
#include <thread>

#include "weir_filter.hpp"

namespace {

struct Config {
  explicit Config(const weir::ConfigReader& c) : opened(c.counter("opened")), cluster(c.text("cluster", "side")) {}
  weir::Counter opened;
  std::string cluster;
};

class Talker {
 public:
  explicit Talker(const Config& config) : config_(config) {}

  weir::Verdict onOpen(weir::Stream& s) {
    s.add(config_.opened);
    return weir::Continue;
  }

  weir::Verdict onData(weir::Stream& s, bool) {
    const std::string said = s.data().str();
    if (said == "throw") throw std::runtime_error("on demand");
    if (said == "close") return weir::Close;
    if (said == "nonsense") return static_cast<weir::Verdict>(99);
    if (said == "write") s.write("<written>");
    if (said == "reply") s.write(s.reply(403) == weir::Verdict::Failed ? "<no reply>" : "<replied>");
    if (said == "range") {
      char byte = 0;
      const weir_result result = s.handle().worker->api->body_copy(s.handle(), WEIR_CONNECTION_DATA, 5, &byte, 1);
      s.write(result == WEIR_INVALID ? "<invalid>" : "<copied>");
    }
    if (said == "hold" || said == "hold:throw" || said == "hold:edit") what_ = said;
    if (said == "edit") s.data().replace("edited");
    if (said == "call" && s.call({.cluster = config_.cluster, .path = "/ask"})) return weir::Pause;
    if (said == "thread") {
      const weir::Token token = s.defer();
      std::thread([token] { token.resume() && !token.resume(); }).join();
      return weir::Pause;
    }
    if (said == "timer") {
      s.startTimer(1, std::chrono::seconds(3));
      return weir::Pause;
    }
    return weir::Continue;
  }

  weir::Verdict onWrite(weir::Stream& s) {
    if (what_ == "hold:throw") throw std::runtime_error("in onWrite");
    if (what_ == "hold:edit") s.output().replace("{" + s.output().str() + "}");
    if (what_ != "hold") return weir::Continue;
    what_.clear();
    s.startTimer(2, std::chrono::seconds(5));
    return weir::Pause;
  }

  weir::Verdict onTimer(weir::Stream& s, uint32_t id) {
    if (id == 2) s.output().append("<held>");
    s.resume(id == 2 ? weir::Direction::Response : weir::Direction::Request);
    return weir::Continue;
  }

  weir::Verdict onCall(weir::Stream& s, const weir::CallResult& result) {
    if (result.status == 403) return weir::Close;
    if (result.status == 500) throw std::runtime_error("in onCall");
    s.data().append(" " + std::to_string(result.status) + " " + result.body.str());
    s.resume();
    return weir::Continue;
  }

 private:
  const Config& config_;
  std::string what_;
};

}  // namespace

WEIR_NETWORK_FILTER(Talker, Config, "talker", "1.0")
