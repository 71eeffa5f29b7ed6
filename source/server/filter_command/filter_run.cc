#include "source/server/filter_command/filter_run.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"
#include "source/config/proto_reader.h"
#include "source/config/render.h"
#include "source/config/struct_message.h"
#include "source/config/yaml_reader.h"
#include "source/event/libevent_poller.h"
#include "source/event/timer.h"
#include "source/event/wakeable.h"
#include "source/extensions/filters/http/plugin/plugin.h"
#include "source/filter/http_chain.h"
#include "source/filter/side_call.h"
#include "source/http/field_rules.h"
#include "source/http/scan.h"
#include "source/http/status_text.h"
#include "source/net/kernel_network.h"
#include "weir/extensions/filters/http/plugin/v1/plugin.pb.h"

namespace weir::server {
namespace {

namespace api = ::weir::extensions::filters::http::plugin::v1;
namespace plugins = extensions::plugins;

constexpr absl::Duration kPatience = absl::Seconds(10);

// A request as a file has it.
struct RequestText {
  std::string method, target, body;
  std::vector<std::pair<std::string, std::string>> fields;
};

// The next line of `text`, without its end.
std::string_view takeLine(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

absl::StatusOr<RequestText> parseRequest(std::string_view text) {
  RequestText request;
  const std::string_view first = takeLine(text);
  const size_t one = std::min(first.find(' '), first.size());
  const size_t two = std::min(first.find(' ', one + 1), first.size());
  request.method = first.substr(0, one);
  request.target = one < first.size() ? first.substr(one + 1, two - one - 1) : "";
  if (request.method.empty() || http::findOutside(http::kTokenBytes, request.method) != request.method.size() ||
      request.target.empty() || request.target[0] != '/') {
    return absl::InvalidArgumentError("does not begin with a line like `GET /path HTTP/1.1`");
  }
  while (!text.empty()) {
    const std::string_view line = takeLine(text);
    if (line.empty()) break;
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("has the line \"", base::av(line), "\", which is no `name: value`"));
    }
    const size_t value = std::min(line.find_first_not_of(" \t", colon + 1), line.size());
    request.fields.emplace_back(line.substr(0, colon), line.substr(value));
  }
  request.body = text;
  return request;
}

std::string headText(const http::Head& head) {
  std::string text = head.isRequest()
                         ? absl::StrCat(base::av(head.method), " ", base::av(head.path),
                                        " HTTP/1.1\nhost: ", base::av(head.authority), "\n")
                         : absl::StrCat("HTTP/1.1 ", head.status, " ", base::av(http::statusText(head.status)), "\n");
  for (const http::Field& field : head.headers) {
    absl::StrAppend(&text, base::av(field.name), ": ", base::av(field.value), "\n");
  }
  if (head.content_length) absl::StrAppend(&text, "content-length: ", *head.content_length, "\n");
  return text;
}

// One end of the exchange: gives the parts that it was given, and writes down those that it gets.
class ScriptStream final : public http::Stream {
 public:
  explicit ScriptStream(buffer::BlockPool& pool) : pool_(pool) {}

  void give(http::Part part) { parts_.push_back(std::move(part)); }
  // Gives these once its own message has ended.
  void answerWith(http::Head& head, std::string_view body) {
    answer_ = &head;
    answer_body_ = body;
  }
  const std::string& text() const { return text_; }

  void setOwner(http::StreamOwner& owner, base::Arena&) override { owner_ = &owner; }
  std::optional<http::Part> receive() override {
    if (next_ == parts_.size()) return std::nullopt;
    return std::move(parts_[next_++]);
  }
  size_t room() const override { return SIZE_MAX; }
  void send(http::Part part) override {
    switch (part.kind()) {
      case http::Part::Kind::kHead:
        absl::StrAppend(&text_, headText(part.head()), "\n");
        break;
      case http::Part::Kind::kData:
        text_ += part.data().toString();
        break;
      default:
        end(part.trailers());
    }
  }
  void reset(http::Reason reason) override {
    absl::StrAppend(&text_, "(reset: ", base::av(http::reasonInfo(reason).name), ")\n");
  }

 private:
  void release() override {}
  void end(const http::HeaderMap* trailers) {
    if (!text_.ends_with('\n')) text_ += '\n';
    if (trailers != nullptr) {
      for (const http::Field& field : *trailers) {
        absl::StrAppend(&text_, base::av(field.name), ": ", base::av(field.value), "\n");
      }
    }
    if (answer_ == nullptr) return;
    give(http::Part::makeHead(*answer_, pool_));
    buffer::Buffer body(pool_);
    body.append(answer_body_);
    give(http::Part::makeData(std::move(body)));
    give(http::Part::makeEnd(nullptr, pool_));
    owner_->wakeStream();
  }

  buffer::BlockPool& pool_;
  http::StreamOwner* owner_ = nullptr;
  std::vector<http::Part> parts_;
  size_t next_ = 0;
  http::Head* answer_ = nullptr;
  std::string_view answer_body_;
  std::string text_;
};

// There are no clusters here: every call fails, later.
class NoClusters final : public filter::SideCaller {
 public:
  explicit NoClusters(event::Dispatcher& dispatcher) : dispatcher_(dispatcher) {}
  base::Ticket call(filter::SideRequest, filter::SideCallReceiver& receiver) override {
    failing_.push_back(std::make_unique<Failing>(dispatcher_, receiver));
    failing_.back()->wake();
    return failing_.back()->issue();
  }

 private:
  class Failing final : public base::Operation, public event::Wakeable {
   public:
    Failing(event::Dispatcher& dispatcher, filter::SideCallReceiver& receiver)
        : Wakeable(dispatcher), receiver_(receiver) {}

   private:
    void onWake() override {
      if (!pending()) return;
      settle();
      receiver_.onSideFailed(http::Reason::kNoCluster);
    }
    void onCancelled() override { unwake(); }
    filter::SideCallReceiver& receiver_;
  };

  event::Dispatcher& dispatcher_;
  std::vector<std::unique_ptr<Failing>> failing_;
};

// Wakes the loop when patience has ended.
struct Alarm final : event::TimerHandler {
  explicit Alarm(event::Dispatcher& dispatcher) : timer(dispatcher, *this) { timer.arm(kPatience); }
  void onTimer(event::Timer&) override { over = true; }
  bool over = false;
  event::Timer timer;
};

// A worker of its own, with nothing on it but the exchange.
class World final : private filter::ChainOwner, private http::StreamOwner, private event::Wakeable {
 public:
  World() : World(std::make_unique<Base>()) {}
  const base::Clock& clock() const { return base_->clock; }
  stats::Registry& stats() { return base_->stats; }

  std::string run(const RequestText& request, const filter::HttpChainConfig& config);

 private:
  struct Base {
    base::RealClock clock;
    event::LibeventPoller poller;
    event::Dispatcher dispatcher{poller, clock};
    net::KernelNetwork network{poller};
    buffer::BlockPool blocks;
    base::ChunkPool chunks;
    base::Random random{base::Random::entropy()};
    stats::Registry stats;
    stats::Shard& shard{stats.makeShard()};
    net::WorkerContext worker{dispatcher, network, blocks, chunks, random, shard};
  };
  explicit World(std::unique_ptr<Base> base)
      : Wakeable(base->dispatcher),
        base_(std::move(base)),
        calls_(base_->dispatcher),
        arena_(base_->chunks),
        client_(base_->blocks),
        upstream_(base_->blocks) {}

  void fillRequest(const RequestText& request);
  void chooseRoute(http::Head&) override {}
  http::Stream& openTerminal(http::Head&) override {
    opened_ = true;
    upstream_.setOwner(*this, arena_);
    return upstream_;
  }
  void dropTerminal(http::Reason reason) override { upstream_.reset(reason); }
  void onResponseHead(http::Head& head) override { info_.response_head = &head; }
  filter::SideCaller& sideCaller() override { return calls_; }
  void wakeChain() override { wake(); }
  void wakeStream() override { wake(); }
  void onWake() override {
    if (state_ == filter::HttpChain::State::kRunning) state_ = chain_->drive();
  }

  const std::unique_ptr<Base> base_;
  NoClusters calls_;
  base::Arena arena_;
  filter::StreamInfo info_;
  ScriptStream client_;
  ScriptStream upstream_;
  std::unique_ptr<filter::HttpChain> chain_;
  filter::HttpChain::State state_ = filter::HttpChain::State::kRunning;
  bool opened_ = false;
};

void World::fillRequest(const RequestText& request) {
  auto* const head = arena_.make<http::Head>(arena_);
  head->method = arena_.copy(request.method);
  head->path = arena_.copy(request.target);
  head->scheme = "http";
  head->authority = "localhost";
  plugins::FieldSet fields = plugins::FieldSet::ofHead(*head);
  for (const auto& [name, value] : request.fields) {
    if (http::equalsLower(name, "host")) {
      fields.set(":authority", value);
    } else {
      fields.append(name, value);
    }
  }
  client_.give(http::Part::makeHead(*head, base_->blocks));
  if (!request.body.empty()) {
    head->content_length = request.body.size();
    buffer::Buffer body(base_->blocks);
    body.append(request.body);
    client_.give(http::Part::makeData(std::move(body)));
  }
  client_.give(http::Part::makeEnd(nullptr, base_->blocks));
}

std::string World::run(const RequestText& request, const filter::HttpChainConfig& config) {
  info_.start = base_->dispatcher.now();
  info_.start_wall = base_->dispatcher.wallNow();
  info_.protocol = http::Version::kHttp11;
  info_.downstream_remote = info_.downstream_direct_remote = *net::Address::parseIp("127.0.0.1", 40000);
  info_.downstream_local = *net::Address::parseIp("127.0.0.1", 80);
  fillRequest(request);
  auto* const answer = arena_.make<http::Head>(arena_);
  answer->status = 200;
  answer->headers.add("content-type", "text/plain");
  answer->content_length = 3;
  upstream_.answerWith(*answer, "ok\n");
  client_.setOwner(*this, arena_);
  chain_.reset(new filter::HttpChain(config, base_->worker, arena_, info_, client_, *this));
  Alarm alarm(base_->dispatcher);
  wake();
  while (state_ == filter::HttpChain::State::kRunning && !alarm.over) {
    base_->dispatcher.turn(true);
  }
  const bool over = state_ != filter::HttpChain::State::kRunning;
  chain_->complete();
  std::string text = absl::StrCat("--- what the upstream gets\n", opened_ ? upstream_.text() : "(nothing)\n",
                                  "--- what the client gets\n", client_.text());
  if (!over) absl::StrAppend(&text, "(the exchange did not end within ", absl::FormatDuration(kPatience), ")\n");
  if (info_.reason != http::Reason::kNone) {
    absl::StrAppend(&text, "--- ", base::av(http::reasonInfo(info_.reason).name), ": ",
                    base::av(http::reasonInfo(info_.reason).sentence), "\n");
  }
  arena_.reset();
  return text;
}

// The configuration of the filter as a configuration file would give it.
bool readConfig(const std::string& given, api::Plugin& message, config::SourceMap& sources,
                base::Diagnostics& diagnostics) {
  if (given.empty()) return true;
  std::string text = given;
  const bool inline_text = given[0] == '{';
  const config::SourceMap::Node file = sources.addFile(inline_text ? "--config" : given);
  if (!inline_text) {
    const auto read = plugins::readFile(given);
    if (!read.ok()) {
      diagnostics.error(base::FieldPath(), std::string(read.status().message()));
      return false;
    }
    text = *read;
  }
  auto root = config::readYaml(text, config::Syntax::kYaml, file, sources, diagnostics);
  if (!root) return false;
  config::Value whole;
  whole.kind = config::Value::Kind::kMap;
  whole.entries.push_back({"configuration", root->place, *std::move(root)});
  config::ProtoReader(sources, diagnostics).read(whole, file, message, nullptr);
  return diagnostics.ok();
}

}  // namespace

absl::StatusOr<std::string> runFilter(const FilterRun& run) {
  const auto text = plugins::readFile(run.request);
  if (!text.ok()) return text.status();
  const auto request = parseRequest(*text);
  if (!request.ok()) return absl::InvalidArgumentError(absl::StrCat(run.request, " ", request.status().message()));
  plugins::Setup setup;
  setup.read_struct = config::readStruct;
  plugins::Catalogue catalogue(std::move(setup));
  World world;
  base::Diagnostics diagnostics;
  config::SourceMap sources;
  api::Plugin message;
  message.set_path(std::filesystem::absolute(run.plugin).string());
  message.set_load_once(true);
  if (!readConfig(run.config, message, sources, diagnostics)) {
    return absl::InvalidArgumentError(config::render(diagnostics, sources));
  }
  const base::FieldPath root;
  auto factory = extensions::plugin_filter::pluginType(catalogue).make(
      message, {world.stats(), diagnostics, root, "run", world.clock()});
  if (factory == nullptr) return absl::InvalidArgumentError(config::render(diagnostics, sources));
  std::vector<filter::HttpChainConfig::Slot> slots;
  slots.push_back({"plugin", std::move(factory), false});
  const filter::HttpChainConfig config(std::move(slots));
  return world.run(*request, config);
}

}  // namespace weir::server
