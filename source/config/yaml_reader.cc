#include "source/config/yaml_reader.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <istream>
#include <map>
#include <streambuf>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "source/config/broken_yaml.h"
#include "source/config/plain_scalar.h"

namespace weir::config {
namespace {

constexpr size_t kDeepest = 100;
constexpr size_t kMostCopied = 1000000;
constexpr size_t kFewKeys = 16;

Place placeOf(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<uint32_t>(mark.line) + 1, static_cast<uint32_t>(mark.column) + 1};
}

// A stream over text that it does not own.
class View : public std::streambuf {
 public:
  explicit View(std::string_view text) {
    char* start = const_cast<char*>(text.data());  // streambuf's own signature; a get area is never written to
    setg(start, start, start + text.size());
  }
};

// Builds the tree from yaml-cpp's events. After a fault that cannot be gone past, it ignores what still comes.
class Builder : public YAML::EventHandler {
 public:
  // `opens`: the first thing in the text is a brace or bracket.
  Builder(Syntax syntax, bool opens, SourceMap::Node file, SourceMap& sources, base::Diagnostics& diagnostics)
      : syntax_(syntax), opens_(opens), file_(file), sources_(sources), diagnostics_(diagnostics) {}

  bool failed() const { return failed_; }
  Place lastScalar() const { return last_scalar_; }
  Value take() { return std::move(root_); }

  void fail(Place place, std::string message) {
    if (failed_) return;
    failed_ = true;
    report(place, std::move(message));
  }

  void warnOfMore(Place place) {
    sources_.pin(diagnostics_.all().size(), file_, place);
    diagnostics_.warning(base::FieldPath(), "a second YAML document begins here; only the first one is read");
  }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark&, const std::string&) override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Value value;
    value.place = placeOf(mark);
    complete(std::move(value), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (failed_) return;
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end()) return fail(placeOf(mark), "an alias inside the value that it names; it has no end");
    if (!mayCopy(it->second, placeOf(mark))) return;
    complete(Value(it->second), YAML::NullAnchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (failed_) return;
    Value value;
    value.place = placeOf(mark);
    value.text = text;
    value.kind = Value::Kind::kString;
    value.quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    last_scalar_ = value.place;
    if (wantsKey()) return setKey(value, tag == "!ignore");
    if (tag == "tag:yaml.org,2002:float" && isNumber(text)) {
      value.kind = Value::Kind::kFloat;
    } else if (!value.quoted && syntax_ == Syntax::kJson) {
      if (!setJsonScalar(value)) return;
    } else if (!value.quoted && !setBool(value)) {
      setInteger(value);
    }
    complete(std::move(value), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(Value::Kind::kList, placeOf(mark), anchor, style);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(Value::Kind::kMap, placeOf(mark), anchor, style);
  }
  void OnMapEnd() override { close(); }

 private:
  // What stands before the value of a map: nothing yet, a key, or a key whose value is thrown away.
  enum class Key { kNone, kGiven, kDropped };
  struct Frame {
    Value value;
    YAML::anchor_t anchor = YAML::NullAnchor;
    Key state = Key::kNone;
    std::string key;
    Place key_place;
    std::unordered_map<std::string, Place> keys;  // filled once there are more than a few
  };

  bool wantsKey() const {
    return !frames_.empty() && frames_.back().value.kind == Value::Kind::kMap && frames_.back().state == Key::kNone;
  }

  // The keys on the way to the innermost container, as the path of a diagnostic.
  void report(Place place, std::string message) {
    std::vector<base::FieldPath> path(1);
    path.reserve(frames_.size() + 2);  // the steps point at each other
    for (size_t i = 0; i < frames_.size(); ++i) {
      if (frames_[i].state == Key::kNone) continue;
      const bool list = i + 1 < frames_.size() && frames_[i + 1].value.kind == Value::Kind::kList;
      path.push_back(list ? path.back().at(frames_[i].key, frames_[i + 1].value.items.size())
                          : path.back().at(frames_[i].key));
    }
    sources_.pin(diagnostics_.all().size(), file_, place);
    diagnostics_.error(path.back(), std::move(message));
  }

  bool mayCopy(const Value& value, Place place) {
    copied_ += value.nodes();
    if (copied_ <= kMostCopied) return true;
    fail(place, "aliases stand for more than " + std::to_string(kMostCopied) + " values, which is the limit");
    return false;
  }

  bool setJsonScalar(Value& value) {
    if (value.text == "true" || value.text == "false") return setBool(value);
    if (isNumber(value.text)) {
      value.kind = Value::Kind::kFloat;
      setInteger(value);
      return true;
    }
    fail(value.place, "not JSON: found " + value.text + " without quotes; files that do not end in .yaml, .yml, " +
                          ".pb_text or .pb are read as JSON");
    return false;
  }

  void open(Value::Kind kind, Place place, YAML::anchor_t anchor, YAML::EmitterStyle::value style) {
    if (failed_) return;
    if (syntax_ == Syntax::kJson && style != YAML::EmitterStyle::Flow) {
      // The parser takes an unclosed '{' for the key of a block map.
      if (opens_) return fail(place, "broken JSON: what '{' or '[' opens here does not end");
      return fail(place, kind == Value::Kind::kMap
                             ? "not JSON: expected '{'; files that do not end in .yaml, .yml, .pb_text or .pb are "
                               "read as JSON"
                             : "not JSON: expected '[' before the first item of a list");
    }
    if (frames_.size() == kDeepest) {
      return fail(place, "nested more than " + std::to_string(kDeepest) + " levels deep, which is the limit");
    }
    if (wantsKey()) {
      return fail(place, "a list or map does not end, or stands where a key is expected; keys are strings");
    }
    Frame frame;
    frame.value.kind = kind;
    frame.value.place = place;
    frame.anchor = anchor;
    frames_.push_back(std::move(frame));
  }

  void close() {
    if (failed_) return;
    Value value = std::move(frames_.back().value);
    const YAML::anchor_t anchor = frames_.back().anchor;
    frames_.pop_back();
    complete(std::move(value), anchor);
  }

  void complete(Value value, YAML::anchor_t anchor) {
    if (failed_) return;
    if (anchor != YAML::NullAnchor) {
      if (!mayCopy(value, value.place)) return;
      anchors_[anchor] = value;
    }
    if (frames_.empty()) {
      root_ = std::move(value);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.value.kind == Value::Kind::kList) {
      frame.value.items.push_back(std::move(value));
      return;
    }
    if (frame.state == Key::kNone) {
      if (!value.isScalar()) return fail(value.place, value.describe() + " stands where a key is expected");
      return setKey(value, false);
    }
    if (frame.state == Key::kGiven) {
      frame.value.entries.push_back(Entry{std::move(frame.key), frame.key_place, std::move(value)});
    }
    frame.state = Key::kNone;
  }

  void setKey(const Value& key, bool ignored) {
    Frame& frame = frames_.back();
    frame.key = key.text;
    frame.key_place = key.place;
    frame.state = Key::kDropped;
    if (ignored) return;
    const Place* first = firstUse(frame);
    if (first == nullptr) {
      frame.state = Key::kGiven;
      if (!frame.keys.empty()) frame.keys.emplace(frame.key, frame.key_place);
      return;
    }
    report(key.place, "duplicate key '" + frame.key + "' on line " + std::to_string(key.place.line) +
                          "; it is already given on line " + std::to_string(first->line));
  }

  static const Place* firstUse(Frame& frame) {
    const std::vector<Entry>& entries = frame.value.entries;
    if (entries.size() < kFewKeys) {
      for (const Entry& entry : entries) {
        if (entry.key == frame.key) return &entry.place;
      }
      return nullptr;
    }
    if (frame.keys.empty()) {
      for (const Entry& entry : entries) frame.keys.emplace(entry.key, entry.place);
    }
    const auto it = frame.keys.find(frame.key);
    return it == frame.keys.end() ? nullptr : &it->second;
  }

  const Syntax syntax_;
  const bool opens_;
  const SourceMap::Node file_;
  SourceMap& sources_;
  base::Diagnostics& diagnostics_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Value> anchors_;
  size_t copied_ = 0;
  bool failed_ = false;
  Place last_scalar_;
  Value root_;
};

}  // namespace

std::optional<Value> readYaml(std::string_view text, Syntax syntax, SourceMap::Node file, SourceMap& sources,
                              base::Diagnostics& diagnostics) {
  const size_t start = text.find_first_not_of(" \t\r\n");
  const bool opens = start != std::string_view::npos && (text[start] == '{' || text[start] == '[');
  Builder builder(syntax, opens, file, sources, diagnostics);
  const std::string json = syntax == Syntax::kJson ? joinSurrogates(text) : "";
  try {
    View view(syntax == Syntax::kJson ? std::string_view(json) : text);
    std::istream stream(&view);
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    if (!quoteEnds(text, builder.lastScalar())) {
      builder.fail(builder.lastScalar(), "a quote opens here and does not end");
    }
    if (parser && !builder.failed()) {
      SourceMap ignored_places;
      base::Diagnostics ignored;
      Builder second(syntax, opens, ignored_places.addFile(""), ignored_places, ignored);
      if (parser.HandleNextDocument(second)) builder.warnOfMore(second.take().place);
    }
  } catch (const YAML::Exception& error) {
    const Place place = placeOf(error.mark);
    builder.fail(place, syntax == Syntax::kJson ? "broken JSON: " + error.msg : brokenYaml(error.msg, text, place));
  } catch (const std::exception& error) {
    builder.fail({}, std::string("cannot be read: ") + error.what());
  }
  if (builder.failed()) return std::nullopt;
  return builder.take();
}

}  // namespace weir::config
