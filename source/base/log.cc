#include "source/base/log.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "source/base/check.h"
#include "source/base/log_pattern.h"
#include "spdlog/logger.h"
#include "spdlog/pattern_formatter.h"
#include "spdlog/sinks/stdout_sinks.h"

namespace weir::base {
namespace {

struct LevelNames {
  std::string_view name;    // for people and the admin endpoint
  std::string_view column;  // five characters wide, so that lines align
  spdlog::level::level_enum level;
};

// Indexed by LogLevel.
constexpr LevelNames kLevels[] = {
    {"trace", "trace", spdlog::level::trace}, {"debug", "debug", spdlog::level::debug},
    {"info", "info ", spdlog::level::info},   {"warning", "warn ", spdlog::level::warn},
    {"error", "error", spdlog::level::err},   {"critical", "crit ", spdlog::level::critical},
    {"off", "off  ", spdlog::level::off},
};

const LevelNames& of(LogLevel level) { return kLevels[static_cast<size_t>(level)]; }

// One event is one line: what a peer or a file put into the text must not start another.
void appendEscaped(spdlog::memory_buf_t& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out.push_back(c);
      continue;
    }
    if (c == '\t') {
      out.push_back(c);
    } else if (c == '\n') {
      out.append(std::string_view("\\n"));
    } else {
      const char escape[] = {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
      out.append(std::begin(escape), std::end(escape));
    }
  }
}

void appendThreadName(spdlog::memory_buf_t& out) {
  char name[16] = "main";
  if (gettid() != getpid()) pthread_getname_np(pthread_self(), name, sizeof(name));
  out.append(std::string_view(name));
}

// What a pattern may have beside the flags of spdlog. Lines are formatted by the thread that logs.
template <void (*append)(spdlog::memory_buf_t& out, const spdlog::details::log_msg& event)>
class Flag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& event, const std::tm&, spdlog::memory_buf_t& out) override {
    append(out, event);
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<Flag>(); }
};

void appendLevel(spdlog::memory_buf_t& out, const spdlog::details::log_msg& event) {
  for (const LevelNames& names : kLevels) {
    if (names.level == event.level) out.append(names.column);
  }
}

void appendThread(spdlog::memory_buf_t& out, const spdlog::details::log_msg&) { appendThreadName(out); }

void appendText(spdlog::memory_buf_t& out, const spdlog::details::log_msg& event) {
  out.append(event.payload.begin(), event.payload.end());
}

// No control characters are left in a text, but for tabs.
void appendJson(spdlog::memory_buf_t& out, const spdlog::details::log_msg& event) {
  for (const char c : event.payload) {
    if (c == '"' || c == '\\') out.push_back('\\');
    if (c == '\t') {
      out.append(std::string_view("\\t"));
    } else {
      out.push_back(c);
    }
  }
}

constexpr char kPattern[] = "%Y-%m-%dT%H:%M:%S.%eZ %K %N %v";

std::unique_ptr<spdlog::formatter> makeFormatter(std::string pattern) {
  auto made = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  made->add_flag<Flag<appendLevel>>('K').add_flag<Flag<appendThread>>('N').add_flag<Flag<appendText>>('_');
  made->add_flag<Flag<appendJson>>('j').set_pattern(std::move(pattern));
  return made;
}

// Never destroyed, so that a line logged while the process ends is safe.
spdlog::logger& logger() {
  static spdlog::logger* const instance = [] {
    auto* made = new spdlog::logger("weir", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_formatter(makeFormatter(kPattern));
    made->set_level(spdlog::level::info);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

}  // namespace

bool setLogLevel(std::string_view name) {
  if (name == "warn") name = "warning";
  const auto* found =
      std::find_if(std::begin(kLevels), std::end(kLevels), [&](const LevelNames& entry) { return entry.name == name; });
  if (found == std::end(kLevels)) return false;
  logger().set_level(found->level);
  return true;
}

void setLogLevel(LogLevel level) { logger().set_level(of(level).level); }

LogLevel logLevel() {
  const spdlog::level::level_enum current = logger().level();
  const auto* found = std::find_if(std::begin(kLevels), std::end(kLevels),
                                   [&](const LevelNames& entry) { return entry.level == current; });
  CHECK(found != std::end(kLevels), "every level of the logger has a name here");
  return static_cast<LogLevel>(found - std::begin(kLevels));
}

std::string_view logLevelName(LogLevel level) { return of(level).name; }

bool logEnabled(LogLevel level) { return level != LogLevel::kOff && logger().should_log(of(level).level); }

void logLine(LogLevel level, std::string_view text) {
  if (!logEnabled(level)) return;
  spdlog::memory_buf_t line;
  appendEscaped(line, text);
  logger().log(of(level).level, spdlog::string_view_t(line.data(), line.size()));
}

void setLogPattern(std::string pattern) {
  logger().set_formatter(makeFormatter(pattern.empty() ? std::string(kPattern) : std::move(pattern)));
}

}  // namespace weir::base
