#include "source/base/log.h"

#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/log_pattern.h"
#include "source/base/strings.h"

namespace weir::base {
namespace {

class LogTest : public testing::Test {
 protected:
  LogTest() { setLogLevel(LogLevel::kInfo); }
  ~LogTest() override { setLogLevel(LogLevel::kInfo); }

  template <typename Fn>
  std::string captured(Fn&& fn) {
    testing::internal::CaptureStderr();
    fn();
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(LogTest, WritesOneLineWithTimeLevelAndThread) {
  const std::string out = captured([] { LOG(kInfo, "answer ", 42, " ", av(std::string_view("ok"))); });
  // Digits are written as 'd' so that any moment compares equal.
  std::string shape = out.substr(0, out.find(' '));
  for (char& c : shape) c = c >= '0' && c <= '9' ? 'd' : c;
  EXPECT_EQ(shape, "dddd-dd-ddTdd:dd:dd.dddZ");
  EXPECT_EQ(out.substr(shape.size()), " info  main answer 42 ok\n");
}

TEST_F(LogTest, DoesNotEvaluateWhatIsOff) {
  int evaluated = 0;
  const std::string out = captured([&] { LOG(kDebug, ++evaluated); });
  EXPECT_EQ(out, "");
  EXPECT_EQ(evaluated, 0);
  setLogLevel(LogLevel::kDebug);
  EXPECT_NE(captured([&] { LOG(kDebug, ++evaluated); }).find("debug main 1\n"), std::string::npos);
}

TEST_F(LogTest, EscapesWhatWouldStartAnotherLine) {
  const std::string out = captured([] { LOG(kError, "a\nb\rc\x1b{}"); });
  EXPECT_NE(out.find("error main a\\nb\\x0dc\\x1b{}\n"), std::string::npos) << out;
}

TEST_F(LogTest, LinesMayBeWrittenAnotherWay) {
  setLogPattern("[%l][%n] %v");
  EXPECT_EQ(captured([] { LOG(kWarning, "a \"b\"\n"); }), "[warning][weir] a \"b\"\\n\n");
  setLogPattern("{\"level\":\"%l\",\"text\":\"%j\",\"same\":%_}");
  EXPECT_EQ(captured([] { LOG(kError, "q\"\\\t\n"); }),
            "{\"level\":\"error\",\"text\":\"q\\\"\\\\\\t\\\\n\",\"same\":q\"\\\t\\n}\n");
  setLogPattern("");
  EXPECT_NE(captured([] { LOG(kInfo, "as before"); }).find("Z info  main as before\n"), std::string::npos);
}

TEST_F(LogTest, KnowsItsLevelsByName) {
  for (const char* name : {"trace", "debug", "info", "warning", "error", "critical", "off"}) {
    EXPECT_TRUE(setLogLevel(name));
    EXPECT_EQ(logLevelName(logLevel()), name);
  }
  EXPECT_TRUE(setLogLevel("warn"));
  EXPECT_EQ(logLevel(), LogLevel::kWarning);
  EXPECT_FALSE(setLogLevel("loud"));
  EXPECT_EQ(logLevel(), LogLevel::kWarning);
}

TEST_F(LogTest, OffIsSilent) {
  setLogLevel(LogLevel::kOff);
  EXPECT_EQ(captured([] { LOG(kCritical, "x"); }), "");
  EXPECT_FALSE(logEnabled(LogLevel::kOff));
}

TEST_F(LogTest, LinesOfManyThreadsStayWhole) {
  const std::string out = captured([] {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([] {
        for (int i = 0; i < 100; ++i) LOG(kInfo, "0123456789");
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  size_t lines = 0;
  for (size_t at = 0; (at = out.find(" 0123456789\n", at)) != std::string::npos; ++at) ++lines;
  EXPECT_EQ(lines, 400u);
}

}  // namespace
}  // namespace weir::base
