#include "source/server/options.h"

#include <charconv>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"
#include "source/config/nearest.h"

namespace weir::server {
namespace {

// Which commands know a flag.
constexpr uint8_t kInRun = 1, kInCheck = 2, kInProxy = 4, kInExplain = 8, kInFilter = 64;

struct Flag {
  std::string_view name;
  std::string_view other;  // another spelling, or empty
  uint8_t commands;
  std::string_view argument;  // what the help calls its value; empty: it takes none
  std::string_view help;
  // Stores the value; what it returns is what is allowed instead, empty when all is well.
  std::string_view (*take)(Options&, std::string_view value);
};

template <std::string Options::*kField>
std::string_view takeText(Options& options, std::string_view value) {
  if (value.empty()) return "a value that is not empty";
  options.*kField = value;
  return "";
}

template <bool Options::*kField>
std::string_view takeSwitch(Options& options, std::string_view) {
  options.*kField = true;
  return "";
}

std::optional<unsigned> number(std::string_view text, unsigned least, unsigned most) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) return std::nullopt;
  return value;
}

std::string_view takeConcurrency(Options& options, std::string_view value) {
  const auto workers = number(value, 1, 1024);
  if (!workers) return "a number of workers from 1 to 1024";
  options.concurrency = *workers;
  return "";
}

std::string_view takeDrainTime(Options& options, std::string_view value) {
  const auto seconds = number(value, 0, 86400);
  if (!seconds) return "whole seconds from 0 to 86400";
  options.drain_time = absl::Seconds(*seconds);
  return "";
}

constexpr std::string_view kLevels[] = {"trace", "debug", "info", "warning", "warn", "error", "critical", "off"};

std::string_view takeLogLevel(Options& options, std::string_view value) {
  for (const std::string_view level : kLevels) {
    if (value == level) {
      options.log_level = value;
      return "";
    }
  }
  return "trace, debug, info, warning, error, critical or off";
}

std::string_view takeMode(Options& options, std::string_view value) {
  if (value == "serve") return "";
  if (value != "validate") return "serve or validate";
  options.command = Command::kCheck;
  return "";
}

std::string_view takeVersion(Options& options, std::string_view) {
  options.command = Command::kVersion;
  return "";
}

std::string_view takeHeader(Options& options, std::string_view value) {
  if (value.find(':', 1) == std::string_view::npos) return "'name: value'";
  options.headers.emplace_back(value);
  return "";
}

constexpr Flag kFlags[] = {
    {"--config-path", "-c", kInRun | kInCheck | kInExplain, "FILE", "the configuration: .yaml, .json, .pb or .pb_text",
     takeText<&Options::config_path>},
    {"--config-yaml", "", kInRun | kInCheck | kInExplain, "TEXT", "YAML that is merged on top of the file",
     takeText<&Options::config_yaml>},
    {"--concurrency", "", kInRun | kInProxy, "N", "worker threads; default: one for each CPU it may run on",
     takeConcurrency},
    {"--log-level", "-l", kInRun | kInCheck | kInProxy, "LEVEL",
     "trace, debug, info, warning, error, critical or off; default: info", takeLogLevel},
    {"--drain-time", "", kInRun | kInProxy, "SECONDS",
     "how long requests may take to finish after SIGTERM; default: 30", takeDrainTime},
    {"--mode", "", kInRun, "MODE", "serve, or validate: the same as `weir check`", takeMode},
    {"--schema-only", "", kInCheck, "", "leave out what needs the machine: files that are named, addresses to bind",
     takeSwitch<&Options::schema_only>},
    {"--from", "", kInProxy, "ADDRESS", "where to listen: ip:port, :port or unix:/path", takeText<&Options::from>},
    {"--to", "", kInProxy, "URL", "where to send it: http[s]://host[:port][/path] or tcp://host:port",
     takeText<&Options::to>},
    {"--name", "", kInProxy, "NAME", "what the listener and the cluster are called; default: proxy",
     takeText<&Options::name>},
    {"--print-config", "", kInProxy, "", "print the configuration that this stands for, and end",
     takeSwitch<&Options::print_config>},
    {"--header", "-H", kInExplain, "HEADER", "a header of the request, as 'name: value'; may be given more than once",
     takeHeader},
    {"--json", "", kInExplain, "", "print the answer as JSON", takeSwitch<&Options::json>},
    {"--plugin-path", "", kInRun | kInCheck | kInExplain, "FOLDERS",
     "where filter plugins are found by name, separated by ':'", takeText<&Options::plugin_path>},
    {"--request", "", kInFilter, "FILE", "of run: an HTTP/1.1 request as text", takeText<&Options::request_path>},
    {"--config", "", kInFilter, "FILE", "of run: the filter's configuration, a file or text in braces",
     takeText<&Options::filter_config>},
    {"--version", "", kInRun, "", "print the version", takeVersion},
};

struct CommandInfo {
  std::string_view name;
  Command command;
  uint8_t flags;
  std::string_view usage;
  std::string_view help;
};

constexpr CommandInfo kCommands[] = {
    {"run", Command::kRun, kInRun, "weir [run] -c FILE [options]",
     "Runs the configuration until SIGTERM or SIGINT, which let requests finish first; a second one ends at once.\n"
     "SIGUSR1 opens the log files again."},
    {"check", Command::kCheck, kInCheck, "weir check FILE [options]",
     "Reports everything that is wrong with a configuration, each with its line. Exit code 0: nothing is; 1: "
     "something\n"
     "is. Opens the files and binds the addresses that it names, and lets go of them again."},
    {"explain", Command::kExplain, kInExplain, "weir explain -c FILE 'GET https://host/path' [options]",
     "Says what weir would do with a request, and where the configuration says so: the listener and filter chain, the\n"
     "virtual host, each route that is tried and why not, the cluster and its hosts, filters, time-outs and retries.\n"
     "Sends and binds nothing."},
    {"proxy", Command::kProxy, kInProxy, "weir proxy --from ADDRESS --to URL [options]",
     "Runs one listener and one cluster without a file."},
    {"why", Command::kWhy, 0, "weir why [CODE]",
     "Explains why weir answered a request by itself, or ended it. CODE is what an access log shows as\n"
     "%RESPONSE_CODE_DETAILS% (no_route) or as %RESPONSE_FLAGS% (NR). Without it: all of them."},
    {"filter", Command::kFilter, kInFilter,
     "weir filter new NAME | run X.so --request FILE | inspect X.so | headers DIR",
     "Helps to write filter plugins. new: writes a filter, its test and what builds them into the folder NAME. run:\n"
     "sends one request through a filter, without a network. inspect: says what a shared object is. headers: writes\n"
     "the headers that filters are compiled with."},
    {"version", Command::kVersion, 0, "weir version", "Prints the version."},
    {"help", Command::kHelp, 0, "weir help [COMMAND]", "Explains a command."},
};

const CommandInfo* findCommand(std::string_view name) {
  for (const CommandInfo& info : kCommands) {
    if (info.name == name) return &info;
  }
  return nullptr;
}

const CommandInfo& infoOf(Command command) {
  for (const CommandInfo& info : kCommands) {
    if (info.command == command) return info;
  }
  return kCommands[0];
}

bool looksLikeFile(std::string_view word) {
  if (word.find('/') != std::string_view::npos) return true;
  for (const std::string_view end : {".yaml", ".yml", ".json", ".pb", ".pb_text"}) {
    if (word.ends_with(end)) return true;
  }
  return false;
}

std::string didYouMean(std::string_view seen, const std::vector<std::string_view>& known) {
  const std::string_view near = config::nearest(seen, known);
  return near.empty() ? "" : absl::StrCat("; did you mean \"", base::av(near), "\"?");
}

std::string seeHelp(const CommandInfo* command) {
  return command == nullptr ? std::string("; see `weir help`")
                            : absl::StrCat("; see `weir help ", base::av(command->name), "`");
}

// Takes arguments one by one.
class Parser {
 public:
  explicit Parser(std::span<const std::string_view> arguments) : arguments_(arguments) {}

  absl::StatusOr<Options> parse() {
    if (absl::Status status = takeCommand(); !status.ok()) return status;
    while (at_ < arguments_.size()) {
      const std::string_view argument = arguments_[at_++];
      const bool flag = argument.size() > 1 && argument[0] == '-';
      if (absl::Status status = flag ? takeFlag(argument) : takeWord(argument); !status.ok()) return status;
      if (options_.command == Command::kHelp && help_asked_) return options_;
    }
    return finish();
  }

 private:
  absl::Status takeCommand() {
    if (arguments_.empty()) {
      options_.command = Command::kHelp;
      command_ = findCommand("help");
      return absl::OkStatus();
    }
    const std::string_view first = arguments_[0];
    if (first.starts_with('-')) {
      command_ = findCommand("run");
      return absl::OkStatus();
    }
    command_ = findCommand(first);
    if (command_ == nullptr && looksLikeFile(first)) {
      return absl::InvalidArgumentError(absl::StrCat("\"", base::av(first), "\" is no command; to run a file: weir -c ",
                                                     base::av(first), seeHelp(nullptr)));
    }
    if (command_ == nullptr) {
      std::vector<std::string_view> names;
      for (const CommandInfo& info : kCommands) names.push_back(info.name);
      return absl::InvalidArgumentError(
          absl::StrCat("unknown command \"", base::av(first), "\"", didYouMean(first, names), seeHelp(nullptr)));
    }
    options_.command = command_->command;
    at_ = 1;
    return absl::OkStatus();
  }

  absl::Status takeFlag(std::string_view argument) {
    if (argument == "--help" || argument == "-h") {
      options_.help_topic = arguments_[0].starts_with('-') ? std::string_view() : command_->name;
      options_.command = Command::kHelp;
      help_asked_ = true;
      return absl::OkStatus();
    }
    const size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    const Flag* flag = findFlag(name);
    if (flag == nullptr) return unknownFlag(name);
    std::string_view value;
    if (flag->argument.empty()) {
      if (equals != std::string_view::npos) return refuse(absl::StrCat(base::av(name), " takes no value"));
    } else if (equals != std::string_view::npos) {
      value = argument.substr(equals + 1);
    } else if (at_ < arguments_.size()) {
      value = arguments_[at_++];
    } else {
      return refuse(absl::StrCat(base::av(name), " needs a value: ", base::av(flag->argument)));
    }
    if (const std::string_view allowed = flag->take(options_, value); !allowed.empty()) {
      return refuse(absl::StrCat(base::av(name), ": \"", base::av(value), "\"; allowed: ", base::av(allowed)));
    }
    return absl::OkStatus();
  }

  const Flag* findFlag(std::string_view name) const {
    for (const Flag& flag : kFlags) {
      if ((flag.commands & command_->flags) && (flag.name == name || (flag.other == name && !name.empty()))) {
        return &flag;
      }
    }
    return nullptr;
  }

  absl::Status unknownFlag(std::string_view name) const {
    std::vector<std::string_view> names = {"--help"};
    for (const Flag& flag : kFlags) {
      if (flag.commands & command_->flags) names.push_back(flag.name);
    }
    return refuse(absl::StrCat("unknown option \"", base::av(name), "\"", didYouMean(name, names)));
  }

  absl::Status takeWord(std::string_view word) {
    if (command_->command == Command::kCheck && options_.config_path.empty()) {
      options_.config_path = word;
      return absl::OkStatus();
    }
    if (command_->command == Command::kExplain && options_.question.empty()) {
      options_.question = word;
      return absl::OkStatus();
    }
    if (command_->command == Command::kWhy && options_.why_code.empty()) {
      options_.why_code = word;
      return absl::OkStatus();
    }
    if (command_->command == Command::kFilter && takeFilterWord(word)) return absl::OkStatus();
    if (command_->command == Command::kHelp && options_.help_topic.empty()) {
      if (findCommand(word) == nullptr) return refuse(absl::StrCat("there is no command \"", base::av(word), "\""));
      options_.help_topic = word;
      return absl::OkStatus();
    }
    if (command_->command == Command::kRun && options_.config_path.empty()) {
      return refuse(
          absl::StrCat("unexpected argument \"", base::av(word), "\"; to run a file: weir run -c ", base::av(word)));
    }
    return refuse(absl::StrCat("unexpected argument \"", base::av(word), "\""));
  }

  // What to do, and with what.
  bool takeFilterWord(std::string_view word) {
    if (options_.filter_action.empty()) {
      for (const std::string_view action : {"new", "run", "inspect", "headers"}) {
        if (word == action) options_.filter_action = word;
      }
      return !options_.filter_action.empty();
    }
    if (!options_.filter_target.empty()) return false;
    options_.filter_target = word;
    return true;
  }

  absl::StatusOr<Options> finish() {
    if (options_.command == Command::kFilter) {
      const bool runs = options_.filter_action == "run";
      if (options_.filter_target.empty() || (runs && options_.request_path.empty())) {
        return refuse(absl::StrCat("something is missing; usage: ", base::av(command_->usage)));
      }
      return options_;
    }
    const bool explains = options_.command == Command::kExplain;
    const bool reads = options_.command == Command::kRun || options_.command == Command::kCheck || explains;
    if (reads && options_.config_path.empty() && options_.config_yaml.empty()) {
      return refuse(absl::StrCat("no configuration is given; usage: ", base::av(infoOf(options_.command).usage)));
    }
    if (explains && options_.question.empty()) {
      return refuse(absl::StrCat("no request is given; usage: ", base::av(command_->usage)));
    }
    if (options_.command == Command::kProxy && (options_.from.empty() || options_.to.empty())) {
      return refuse(absl::StrCat("--from and --to are both needed; usage: ", base::av(command_->usage)));
    }
    return options_;
  }

  absl::Status refuse(const std::string& what) const {
    return absl::InvalidArgumentError(absl::StrCat(what, seeHelp(command_)));
  }

  std::span<const std::string_view> arguments_;
  size_t at_ = 0;
  const CommandInfo* command_ = nullptr;
  bool help_asked_ = false;
  Options options_;
};

std::string flagLines(uint8_t commands) {
  std::string text;
  for (const Flag& flag : kFlags) {
    if (!(flag.commands & commands)) continue;
    std::string left = absl::StrCat("  ", base::av(flag.name));
    if (!flag.other.empty()) absl::StrAppend(&left, ", ", base::av(flag.other));
    if (!flag.argument.empty()) absl::StrAppend(&left, " ", base::av(flag.argument));
    left.resize(std::max<size_t>(left.size() + 2, 30), ' ');
    absl::StrAppend(&text, left, base::av(flag.help), "\n");
  }
  return text;
}

}  // namespace

absl::StatusOr<Options> parseOptions(std::span<const std::string_view> arguments) { return Parser(arguments).parse(); }

std::string helpText(std::string_view command) {
  if (const CommandInfo* info = findCommand(command)) {
    std::string text = absl::StrCat("Usage: ", base::av(info->usage), "\n\n", base::av(info->help), "\n");
    const std::string flags = flagLines(info->flags);
    if (!flags.empty()) absl::StrAppend(&text, "\nOptions:\n", flags);
    return text;
  }
  std::string text =
      "weir is a proxy that runs filter chains; its configuration is that of the xDS v3 API.\n\nUsage:\n";
  for (const CommandInfo& info : kCommands) absl::StrAppend(&text, "  ", base::av(info.usage), "\n");
  absl::StrAppend(&text, "\nOptions of `weir run`:\n", flagLines(kInRun),
                  "\n`weir help COMMAND` explains a command.\n");
  return text;
}

}  // namespace weir::server
