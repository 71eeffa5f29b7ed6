#include "source/server/commands.h"

#include <malloc.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "source/base/log_pattern.h"
#include "source/config/dump.h"
#include "source/config/loader.h"
#include "source/config/render.h"
#include "source/config/struct_message.h"
#include "source/event/libevent_poller.h"
#include "source/extensions/registry.h"
#include "source/net/kernel_network.h"
#include "source/server/bind_hint.h"
#include "source/server/compile/compile_loaded.h"
#include "source/server/count_messages.h"
#include "source/server/descriptor_limit.h"
#include "source/server/explain/explain.h"
#include "source/server/explain/explain_question.h"
#include "source/server/lints/lints.h"
#include "source/server/log/log_writer.h"
#include "source/server/proxy_bootstrap.h"
#include "source/server/server.h"
#include "source/server/why.h"

namespace weir::server {
namespace {

void print(FILE* stream, const std::string& text) { std::fwrite(text.data(), 1, text.size(), stream); }

std::string plural(size_t count, const char* noun) { return absl::StrCat(count, " ", noun, count == 1 ? "" : "s"); }

extensions::plugins::Setup pluginSetup(const Options& options) {
  extensions::plugins::Setup setup;
  setup.search_path = absl::StrSplit(options.plugin_path, ':', absl::SkipEmpty());
  setup.read_struct = config::readStruct;
  return setup;
}

// What is made of a configuration, in the order in which it must go again.
struct Compiled {
  Compiled(unsigned workers, const Options& options, config::LoadedConfig loaded, base::Diagnostics& diagnostics)
      : extensions(extensions::makeRegistry(pluginSetup(options))), source(std::move(loaded)), logs(stats, workers) {
    config = compileLoaded(source, {stats, clock, *extensions, logs, options.schema_only}, diagnostics);
  }

  const base::RealClock clock;
  stats::Registry stats;
  const std::unique_ptr<const extensions::Registry> extensions;
  config::LoadedConfig source;
  LogWriter logs;
  std::unique_ptr<const ServerConfig> config;
};

// The last line of a start that failed.
std::string summary(const base::Diagnostics& diagnostics) {
  bool lacking = false;
  for (const base::Diagnostic& one : diagnostics.all()) {
    lacking = lacking || one.message.find("not implemented by weir") != std::string::npos;
  }
  return absl::StrCat("weir: not started: ", plural(diagnostics.errors(), "error"),
                      lacking ? "; docs/xds-support.md lists what weir implements" : "", "\n");
}

int serve(const Options& options, config::LoadedConfig loaded, base::Diagnostics& diagnostics,
          base::MonotonicTime started) {
  const unsigned concurrency = options.concurrency.value_or(usableCpus());
  // One more than the workers: the admin endpoint logs from the main thread.
  Compiled compiled(concurrency + 1, options, std::move(loaded), diagnostics);
  print(stderr, config::render(diagnostics, compiled.source.sources));
  if (compiled.config == nullptr) {
    print(stderr, summary(diagnostics));
    return 1;
  }
  base::setLogPattern(compiled.config->log_pattern);
  // Of 10,000 routes, reading takes more memory than keeping them: it goes back to the system.
  compiled.source.sources = config::SourceMap();
  malloc_trim(0);
  Server server({options, concurrency, compiled.source.bootstrap, *compiled.config, compiled.stats, compiled.logs,
                 compiled.clock, started, *compiled.extensions->plugins});
  if (absl::Status status = server.run(); !status.ok()) {
    print(stderr, absl::StrCat("weir: ", status.message(), "\n"));
    return 1;
  }
  return 0;
}

// Binds every address once, and lets go of it.
void tryToBind(const ServerConfig& config, base::Diagnostics& diagnostics) {
  event::LibeventPoller poller;
  net::KernelNetwork network(poller);
  const base::FieldPath root;
  const base::FieldPath resources = root.at("static_resources");
  const auto attempt = [&](const BoundAddress& bound, const base::FieldPath& path) {
    const auto socket = network.bind(bound.address, bound.options);
    if (socket.ok()) return;
    diagnostics.error(path, absl::StrCat(bindHint(socket.status(), bound.address),
                                         "; --schema-only leaves out what depends on the machine"));
  };
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    if (!config.listeners[i].bound) continue;
    const base::FieldPath listener = resources.at("listeners", i);
    const auto& addresses = config.listeners[i].addresses;
    for (size_t a = 0; a < addresses.size(); ++a) {
      const base::FieldPath extra = listener.at("additional_addresses", a == 0 ? 0 : a - 1);
      attempt(addresses[a], a == 0 ? listener.at("address") : extra.at("address"));
    }
  }
  const base::FieldPath admin = root.at("admin");
  if (config.admin) attempt(config.admin->address, admin.at("address"));
}

}  // namespace

int runCommand(const Options& options, base::MonotonicTime started) {
  base::Diagnostics diagnostics;
  config::LoadedConfig loaded = config::loadFile(options.config_path, options.config_yaml, diagnostics);
  return serve(options, std::move(loaded), diagnostics, started);
}

int checkCommand(const Options& options) {
  base::Diagnostics diagnostics;
  Compiled compiled(1, options, config::loadFile(options.config_path, options.config_yaml, diagnostics), diagnostics);
  if (diagnostics.ok()) lint(compiled.source.bootstrap, diagnostics);
  if (diagnostics.ok() && !options.schema_only) tryToBind(*compiled.config, diagnostics);
  print(stderr, config::render(diagnostics, compiled.source.sources));
  if (!diagnostics.ok()) {
    print(stderr, absl::StrCat(plural(diagnostics.errors(), "error"), "\n"));
    return 1;
  }
  print(stdout,
        absl::StrCat("OK: ", plural(compiled.config->listeners.size(), "listener"), ", ",
                     plural(compiled.config->clusters.size(), "cluster"), ", ",
                     plural(countMessages(compiled.source.bootstrap, "envoy.config.route.v3.Route"), "route"), "\n"));
  return 0;
}

int explainCommand(const Options& options) {
  const auto question = parseQuestion(options.question, options.headers);
  if (!question.ok()) {
    print(stderr, absl::StrCat("weir: ", question.status().message(), "; see `weir help explain`\n"));
    return 2;
  }
  base::Diagnostics diagnostics;
  Compiled compiled(1, options, config::loadFile(options.config_path, options.config_yaml, diagnostics), diagnostics);
  if (compiled.config == nullptr) {
    print(stderr, config::render(diagnostics, compiled.source.sources));
    print(stderr, absl::StrCat(plural(diagnostics.errors(), "error"), "\n"));
    return 1;
  }
  const auto answer = explain(*question, compiled.source, *compiled.config);
  if (!answer.ok()) {
    print(stderr, absl::StrCat("weir: ", answer.status().message(), "\n"));
    return 1;
  }
  print(stdout, options.json ? toJson(*answer) : toText(*answer));
  return 0;
}

int proxyCommand(const Options& options, base::MonotonicTime started) {
  const auto bootstrap = proxyBootstrap(options.from, options.to, options.name);
  if (!bootstrap.ok()) {
    print(stderr, absl::StrCat("weir: ", bootstrap.status().message(), "; see `weir help proxy`\n"));
    return 2;
  }
  const std::string yaml = config::toYaml(*bootstrap);
  if (options.print_config) {
    print(stdout, yaml);
    return 0;
  }
  base::Diagnostics diagnostics;
  config::LoadedConfig loaded = config::loadText(yaml, config::Format::kYaml, "weir proxy", "", diagnostics);
  return serve(options, std::move(loaded), diagnostics, started);
}

int whyCommand(const Options& options) {
  const auto text = whyText(options.why_code);
  if (!text.ok()) {
    print(stderr, absl::StrCat("weir: ", text.status().message(), "\n"));
    return 1;
  }
  print(stdout, *text);
  return 0;
}

}  // namespace weir::server
