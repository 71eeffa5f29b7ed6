#include "source/extensions/access_loggers/line_format.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <string>

#include "envoy/config/core/v3/core.pb.h"
#include "source/base/arena.h"

namespace weir::extensions {
namespace {

class LineFormatTest : public testing::Test {
 protected:
  LineFormatTest() {
    head_.method = "GET";
    head_.path = "/a\"b";
    info_.request_head = &head_;
    info_.status = 404;
    info_.protocol = http::Version::kHttp11;
    info_.bytes_sent = 12;
  }

  std::string line(const LineFormat& format) {
    std::string out;
    format.append(info_, out);
    return out;
  }
  std::string json(const std::string& object, bool omit_empty = false) {
    google::protobuf::Struct message;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(object, &message).ok()) << object;
    const base::FieldPath root;
    const auto format = LineFormat::json(message, omit_empty, diagnostics_, root.at("json_format"));
    return format == nullptr ? "" : line(*format);
  }
  std::string text(std::string_view pattern) {
    const base::FieldPath root;
    const auto format = LineFormat::text(pattern, false, diagnostics_, root.at("format"));
    return format == nullptr ? "" : line(*format);
  }

  base::ChunkPool pool_;
  base::Arena arena_{pool_};
  http::Head head_{arena_};
  filter::StreamInfo info_;
  base::Diagnostics diagnostics_;
};

TEST_F(LineFormatTest, TextEndsWithOneNewline) {
  EXPECT_EQ(text("%REQ(:METHOD)% %RESPONSE_CODE%\n"), "GET 404\n");
  EXPECT_EQ(text("%REQ(:METHOD)% %RESPONSE_CODE%"), "GET 404\n");
  EXPECT_EQ(text(""), "\n");
}

TEST_F(LineFormatTest, TheDefaultFormatIsValid) {
  const std::string out = text(kDefaultLogFormat);
  EXPECT_TRUE(diagnostics_.ok());
  EXPECT_NE(out.find("\"GET /a\"b HTTP/1.1\" 404 - 0 12 "), std::string::npos) << out;
}

TEST_F(LineFormatTest, JsonKeepsTypesAndSortsItsKeys) {
  EXPECT_EQ(json(R"({"status": "%RESPONSE_CODE%", "path": "%REQ(:PATH)%", "n": 3, "big": 1.5, "b": true, "z": null,
                     "text": "a %RESPONSE_CODE% %PROTOCOL%", "lit\"eral": "pl\"ain"})"),
            R"({"b":true,"big":1.5,"lit\"eral":"pl\"ain","n":3,"path":"/a\"b","status":404,)"
            R"("text":"a 404 HTTP/1.1","z":null})"
            "\n");
}

TEST_F(LineFormatTest, JsonMayBeNested) {
  EXPECT_EQ(json(R"({"a": {"b": {"c": "%RESPONSE_CODE%"}, "d": {}}, "l": ["%PROTOCOL%", 2, [], {"e": 1}]})"),
            R"({"a":{"b":{"c":404},"d":{}},"l":["HTTP/1.1",2,[],{"e":1}]})"
            "\n");
  EXPECT_EQ(json("{}"), "{}\n");
}

TEST_F(LineFormatTest, WhatIsNotKnownIsNullOrLeftOut) {
  const std::string object = R"({"a": "%REQ(X-NONE)%", "b": 1, "c": {"d": "%REQ(X-NONE)%"}, "l": ["%REQ(X-NONE)%"]})";
  EXPECT_EQ(json(object), "{\"a\":null,\"b\":1,\"c\":{\"d\":null},\"l\":[null]}\n");
  EXPECT_EQ(json(object, true), "{\"b\":1,\"c\":{},\"l\":[null]}\n");
}

TEST_F(LineFormatTest, AnUnknownOperatorIsAnErrorWhereItStands) {
  EXPECT_EQ(json(R"({"a": {"b": "%NO_SUCH%"}, "c": "%NOR_THIS%"})"), "");
  ASSERT_EQ(diagnostics_.errors(), 2u);
  EXPECT_EQ(diagnostics_.all()[0].path, "json_format[\"a\"][\"b\"]");
  EXPECT_NE(diagnostics_.all()[0].message.find("NO_SUCH"), std::string::npos) << diagnostics_.all()[0].message;
  EXPECT_EQ(diagnostics_.all()[1].path, "json_format[\"c\"]");
}

TEST_F(LineFormatTest, CompilesEveryFormOfTheMessage) {
  const base::FieldPath root;
  envoy::config::core::v3::SubstitutionFormatString message;
  message.mutable_text_format_source()->set_inline_string("%RESPONSE_CODE%");
  EXPECT_EQ(line(*LineFormat::compile(message, false, diagnostics_, root)), "404\n");
  message.set_text_format("code %RESPONSE_CODE%");
  EXPECT_EQ(line(*LineFormat::compile(message, false, diagnostics_, root)), "code 404\n");
  (*message.mutable_json_format()->mutable_fields())["a"].set_string_value("%RESPONSE_CODE%");
  EXPECT_EQ(line(*LineFormat::compile(message, false, diagnostics_, root)), "{\"a\":404}\n");
  EXPECT_TRUE(diagnostics_.ok());
  message.clear_format();
  EXPECT_EQ(LineFormat::compile(message, false, diagnostics_, root), nullptr);
  EXPECT_EQ(diagnostics_.errors(), 1u);
}

}  // namespace
}  // namespace weir::extensions
