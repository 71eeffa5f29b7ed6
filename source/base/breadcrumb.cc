#include "source/base/breadcrumb.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace weir::base {

constinit thread_local Breadcrumb detail::current_breadcrumb;

namespace {

constexpr std::array<int, 5> kSignals = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};

// What each signal did before; written once, before any handler can run.
std::array<struct sigaction, kSignals.size()>& previous() {
  static std::array<struct sigaction, kSignals.size()> actions;
  return actions;
}

const char* nameOf(int number) {
  switch (number) {
    case SIGSEGV:
      return "SIGSEGV";
    case SIGABRT:
      return "SIGABRT";
    case SIGBUS:
      return "SIGBUS";
    case SIGFPE:
      return "SIGFPE";
    default:
      return "SIGILL";
  }
}

// A line in memory of its own: a handler may call nothing that allocates or locks.
struct Line {
  std::array<char, 256> bytes;
  size_t size = 0;
  void add(const char* text) {
    for (; *text != '\0' && size < bytes.size(); ++text) bytes[size++] = *text;
  }
};

void onFatal(int number) {
  for (size_t i = 0; i < kSignals.size(); ++i) {
    if (kSignals[i] == number) ::sigaction(number, &previous()[i], nullptr);
  }
  Line line;
  line.add("weir: crashed by ");
  line.add(nameOf(number));
  if (const Breadcrumb& crumb = breadcrumb(); crumb.subject != nullptr) {
    line.add(" while the plugin ");
    line.add(crumb.subject);
    line.add(" ran ");
    line.add(crumb.action);
  }
  line.add("\n");
  if (::write(STDERR_FILENO, line.bytes.data(), line.size) < 0) return;
  ::raise(number);
}

}  // namespace

void installCrashReport() {
  struct sigaction action {};
  action.sa_handler = onFatal;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &action, &previous()[i]);
}

}  // namespace weir::base
