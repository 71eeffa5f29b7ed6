// The process's own log (not access logs): one line per event to stderr, "2026-01-02T03:04:05.678Z info  main text".
// A front over spdlog, which only log.cc includes. Safe from any thread. The level is process wide and may be changed
// while running (admin /logging); it is the one piece of process state that weir has outside its objects.
#pragma once

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace weir::base {

enum class LogLevel { kTrace, kDebug, kInfo, kWarning, kError, kCritical, kOff };

// "trace", "debug", "info", "warning" (or "warn"), "error", "critical", "off"; false if `name` is none of these.
bool setLogLevel(std::string_view name);
void setLogLevel(LogLevel level);
LogLevel logLevel();
std::string_view logLevelName(LogLevel level);
bool logEnabled(LogLevel level);
void logLine(LogLevel level, std::string_view text);

}  // namespace weir::base

// LOG(kInfo, "text ", value, ...): the pieces are joined by absl::StrCat (wrap a std::string_view in base::av) and are
// only evaluated when the level is on.
#define LOG(level, ...)                                                                \
  do {                                                                                 \
    if (::weir::base::logEnabled(::weir::base::LogLevel::level)) {                     \
      ::weir::base::logLine(::weir::base::LogLevel::level, absl::StrCat(__VA_ARGS__)); \
    }                                                                                  \
  } while (false)
