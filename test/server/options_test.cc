#include "source/server/options.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir::server {
namespace {

absl::StatusOr<Options> parse(const std::vector<std::string_view>& arguments) { return parseOptions(arguments); }

std::string refusal(const std::vector<std::string_view>& arguments) {
  const auto options = parse(arguments);
  return options.ok() ? "accepted" : std::string(options.status().message());
}

TEST(Options, RunsAFileWithAndWithoutTheCommand) {
  for (const auto& arguments : std::vector<std::vector<std::string_view>>{{"run", "-c", "a.yaml"},
                                                                          {"-c", "a.yaml"},
                                                                          {"--config-path", "a.yaml"},
                                                                          {"--config-path=a.yaml"},
                                                                          {"--mode", "serve", "-c", "a.yaml"}}) {
    const auto options = parse(arguments);
    ASSERT_TRUE(options.ok()) << options.status();
    EXPECT_EQ(options->command, Command::kRun);
    EXPECT_EQ(options->config_path, "a.yaml");
    EXPECT_FALSE(options->concurrency.has_value());
    EXPECT_EQ(options->drain_time, absl::Seconds(30));
    EXPECT_EQ(options->log_level, "info");
  }
}

TEST(Options, TakesEveryOptionOfRun) {
  const auto options =
      parse({"run", "-c", "a", "--config-yaml", "b: 1", "--concurrency", "3", "-l", "debug", "--drain-time", "0"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->config_yaml, "b: 1");
  EXPECT_EQ(options->concurrency, 3u);
  EXPECT_EQ(options->log_level, "debug");
  EXPECT_EQ(options->drain_time, absl::ZeroDuration());
}

TEST(Options, TheOverlayAloneIsAConfiguration) {
  const auto options = parse({"--config-yaml", "a: 1"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->command, Command::kRun);
}

TEST(Options, ValidatingIsChecking) {
  const auto options = parse({"--mode", "validate", "-c", "a.yaml"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->command, Command::kCheck);
  EXPECT_EQ(options->config_path, "a.yaml");
  EXPECT_FALSE(options->schema_only);
}

TEST(Options, ChecksAFile) {
  const auto options = parse({"check", "--schema-only", "a.yaml"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->command, Command::kCheck);
  EXPECT_EQ(options->config_path, "a.yaml");
  EXPECT_TRUE(options->schema_only);
  // As for the other commands that read one.
  EXPECT_EQ(parse({"check", "-c", "a.yaml"})->config_path, "a.yaml");
}

TEST(Options, ProxiesFromHereToThere) {
  const auto options = parse({"proxy", "--from", ":1", "--to=http://127.0.0.1:2", "--name", "n", "--print-config"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->command, Command::kProxy);
  EXPECT_EQ(options->from, ":1");
  EXPECT_EQ(options->to, "http://127.0.0.1:2");
  EXPECT_EQ(options->name, "n");
  EXPECT_TRUE(options->print_config);
}

TEST(Options, TakesAQuestionToExplain) {
  const auto options = parse({"explain", "-c", "f.yaml", "GET http://h/", "-H", "a: b", "--header=c: d", "--json"});
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->command, Command::kExplain);
  EXPECT_EQ(options->config_path, "f.yaml");
  EXPECT_EQ(options->question, "GET http://h/");
  EXPECT_EQ(options->headers, (std::vector<std::string>{"a: b", "c: d"}));
  EXPECT_TRUE(options->json);
  EXPECT_FALSE(parse({"explain", "-c", "f.yaml"}).ok());
  EXPECT_FALSE(parse({"explain", "GET http://h/"}).ok());
  EXPECT_FALSE(parse({"explain", "-c", "f.yaml", "GET http://h/", "-H", "nothing"}).ok());
}

TEST(Options, ShowsHelpAndVersion) {
  EXPECT_EQ(parse({})->command, Command::kHelp);
  EXPECT_EQ(parse({"--help"})->command, Command::kHelp);
  EXPECT_EQ(parse({"-h"})->help_topic, "");
  EXPECT_EQ(parse({"help"})->help_topic, "");
  EXPECT_EQ(parse({"help", "check"})->help_topic, "check");
  EXPECT_EQ(parse({"proxy", "--from", ":1", "--help"})->help_topic, "proxy");
  EXPECT_EQ(parse({"why"})->why_code, "");
  EXPECT_EQ(parse({"why", "NR"})->command, Command::kWhy);
  EXPECT_EQ(parse({"why", "NR"})->why_code, "NR");
  EXPECT_EQ(parse({"version"})->command, Command::kVersion);
  EXPECT_EQ(parse({"--version"})->command, Command::kVersion);
}

TEST(Options, RefusalsSayWhatWasSeenAndWhatIsMeant) {
  const struct {
    std::vector<std::string_view> arguments;
    std::string_view message;
  } cases[] = {
      {{"rum"}, "unknown command \"rum\"; did you mean \"run\"?; see `weir help`"},
      {{"mesh.yaml"}, "\"mesh.yaml\" is no command; to run a file: weir -c mesh.yaml; see `weir help`"},
      {{"etc/weir"}, "\"etc/weir\" is no command; to run a file: weir -c etc/weir; see `weir help`"},
      {{""}, "unknown command \"\"; see `weir help`"},
      {{"why", "a", "b"}, "unexpected argument \"b\"; see `weir help why`"},
      {{"zebra"}, "unknown command \"zebra\"; see `weir help`"},
      {{"-c", "a", "--concurency", "2"},
       "unknown option \"--concurency\"; did you mean \"--concurrency\"?; see `weir help run`"},
      {{"-c", "a", "--base-id", "2"}, "unknown option \"--base-id\"; see `weir help run`"},
      {{"check", "a", "--concurrency", "2"}, "unknown option \"--concurrency\"; see `weir help check`"},
      {{"-c"}, "-c needs a value: FILE; see `weir help run`"},
      {{"-c", ""}, "-c: \"\"; allowed: a value that is not empty; see `weir help run`"},
      {{"-c", "a", "--concurrency", "0"},
       "--concurrency: \"0\"; allowed: a number of workers from 1 to 1024; see `weir help run`"},
      {{"-c", "a", "--concurrency", "2x"},
       "--concurrency: \"2x\"; allowed: a number of workers from 1 to 1024; see `weir help run`"},
      {{"-c", "a", "--drain-time", "-1"},
       "--drain-time: \"-1\"; allowed: whole seconds from 0 to 86400; see `weir help run`"},
      {{"-c", "a", "-l", "loud"},
       "-l: \"loud\"; allowed: trace, debug, info, warning, error, critical or off; see `weir help run`"},
      {{"-c", "a", "--mode", "init_only"}, "--mode: \"init_only\"; allowed: serve or validate; see `weir help run`"},
      {{"check", "a", "--schema-only=1"}, "--schema-only takes no value; see `weir help check`"},
      {{"check", "a", "b"}, "unexpected argument \"b\"; see `weir help check`"},
      {{"run", "a"}, "unexpected argument \"a\"; to run a file: weir run -c a; see `weir help run`"},
      {{"run"}, "no configuration is given; usage: weir [run] -c FILE [options]; see `weir help run`"},
      {{"check"}, "no configuration is given; usage: weir check FILE [options]; see `weir help check`"},
      {{"proxy", "--from", ":1"},
       "--from and --to are both needed; usage: weir proxy --from ADDRESS --to URL [options]; see `weir help proxy`"},
      {{"help", "chek"}, "there is no command \"chek\"; see `weir help help`"},
  };
  for (const auto& test : cases) EXPECT_EQ(refusal(test.arguments), test.message);
}

TEST(Options, HelpOfACommandListsItsOptionsAndNoOthers) {
  const std::string check = helpText("check");
  EXPECT_NE(check.find("--schema-only"), std::string::npos);
  EXPECT_EQ(check.find("--concurrency"), std::string::npos);
  const std::string run = helpText("run");
  EXPECT_NE(run.find("--config-path, -c FILE"), std::string::npos);
  EXPECT_NE(run.find("--drain-time SECONDS"), std::string::npos);
  const std::string all = helpText("");
  for (const char* usage :
       {"weir [run] -c FILE", "weir check FILE", "weir proxy --from", "weir why [CODE]", "weir version", "weir help"}) {
    EXPECT_NE(all.find(usage), std::string::npos) << usage;
  }
}

}  // namespace
}  // namespace weir::server
