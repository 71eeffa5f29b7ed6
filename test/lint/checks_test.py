#!/usr/bin/python3
"""Each lint check on small made-up trees: what it must find, and what it must not."""

import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

import cases
import fields
import levels
import lint
import pages
import reasons
import sizes
import tree
import virtuals
import words


def texts(check, **files):
    """The problems as "path:line: text"; "__" and "_dot_" in a name stand for "/" and "."."""
    named = {name.replace("__", "/").replace("_dot_", "."): text for name, text in files.items()}
    return ["%s:%d: %s" % (p.path, p.line, p.text) for p in check(tree.Tree(named))]


class BlankTest(unittest.TestCase):

    def test_keeps_lines_and_drops_comments_and_strings(self):
        text = 'int a; // {\n/* {\n*/ f("{\\"", \'{\', 1\'000);\n#define X { \\\n {\nint b;\n'
        self.assertEqual(text.count("\n"), tree.blank(text).count("\n"))
        self.assertNotIn("{", tree.blank(text))
        self.assertIn("1'000", tree.blank(text))
        self.assertIn("int b;", tree.blank(text))

    def test_drops_raw_strings(self):
        self.assertNotIn("{", tree.blank('f(R"(a " { )");'))
        self.assertNotIn("{", tree.blank('f(R"x(a )" { )x");'))
        self.assertIn("g();", tree.blank('f(R"(a " { )"); g();'))


class LevelsTest(unittest.TestCase):

    def test_accepts_downward_includes_and_the_own_folder(self):
        self.assertEqual([], texts(levels.check_levels,
                                   source__net__a_dot_h='#include "source/base/b.h"\n#include "source/net/tls/c.h"\n',
                                   source__base__b_dot_h="#include <string>\n",
                                   source__net__tls__c_dot_h="#include <openssl/ssl.h>\n"))

    def test_rejects_upward_include_with_its_line(self):
        found = texts(levels.check_levels, source__base__a_dot_h='\n#include "source/net/b.h"\n')
        self.assertEqual(1, len(found))
        self.assertTrue(found[0].startswith("source/base/a.h:2: source/net/b.h: upward"), found)

    def test_rejects_strangers_of_the_same_level(self):
        found = texts(levels.check_levels, source__net__a_dot_cc='#include "source/http/b.h"\n')
        self.assertIn("strangers", found[0])

    def test_ignores_an_include_in_a_comment(self):
        self.assertEqual([], texts(levels.check_levels, source__base__a_dot_h='// #include "source/net/b.h"\n'))

    def test_rejects_a_folder_that_is_not_in_the_table(self):
        self.assertEqual(1, len(texts(levels.check_levels, source__util__a_dot_h="")))
        self.assertEqual(1, len(texts(levels.check_levels, source__base__a_dot_h='#include "source/util/a.h"\n')))

    def test_rejects_test_code_and_relative_includes(self):
        found = texts(levels.check_levels, source__base__a_dot_h='#include "test/x/y.h"\n#include "b.h"\n')
        self.assertEqual(2, len(found))

    def test_rejects_third_party_outside_its_owner(self):
        for header in ("ares.h", "event2/event.h", "nghttp2/nghttp2.h", "openssl/ssl.h", "yaml-cpp/yaml.h", "spdlog/spdlog.h"):
            found = texts(levels.check_levels, source__http__a_dot_cc="#include <%s>\n" % header)
            self.assertEqual(1, len(found), header)
        self.assertEqual([], texts(levels.check_levels, source__event__a_dot_cc="#include <event2/event.h>\n"))

    def test_rejects_a_cycle_of_folders(self):
        found = texts(levels.check_levels,
                      source__net__a_dot_h='#include "source/net/tls/b.h"\n',
                      source__net__tls__b_dot_h='#include "source/net/c.h"\n',
                      source__net__c_dot_h="")
        self.assertEqual(2, len(found))
        self.assertIn("cycle", found[0])

    def test_rejects_protobuf_reached_through_another_header(self):
        found = texts(levels.check_levels,
                      source__proxy__a_dot_h='#include "source/filter/b.h"\n',
                      source__filter__b_dot_h='#include "envoy/x.pb.h"\n')
        self.assertEqual(1, len(found))
        self.assertTrue(found[0].startswith("source/filter/b.h:1:"), found)

    def test_accepts_protobuf_in_sources_and_high_headers(self):
        self.assertEqual([], texts(levels.check_levels,
                                   source__proxy__a_dot_cc='#include "envoy/x.pb.h"\n',
                                   source__config__b_dot_h='#include "envoy/x.pb.h"\n'))


class SeamTest(unittest.TestCase):

    def tree(self, count):
        files = {"source__filter__h%d_dot_h" % i: "" for i in range(count)}
        includes = "".join('#include "source/filter/h%d.h"\n' % i for i in range(count))
        return dict(files, source__filter__http_filter_dot_h=includes)

    def test_accepts_fifteen_and_rejects_sixteen(self):
        self.assertEqual([], texts(levels.check_seam, **self.tree(15)))
        self.assertIn("reaches 16", texts(levels.check_seam, **self.tree(16))[0])

    def test_rejects_protobuf_behind_it(self):
        files = dict(self.tree(1), source__filter__h0_dot_h="#include <google/protobuf/message.h>\n")
        self.assertIn("protobuf", texts(levels.check_seam, **files)[0])


def function(lines, head="void f() {"):
    return head + "\n" + "  g();\n" * (lines - 2) + "}\n"


class SizesTest(unittest.TestCase):

    def measured(self, text):
        functions, balanced = sizes.measure(tree.blank(text))
        self.assertTrue(balanced)
        return [(name, last - first + 1) for name, first, last in functions]

    def test_bounds_a_source_file_at_500_lines(self):
        # Short files beside it, so that the percentile does not speak.
        short = {"source__base__s%d_dot_h" % i: "\n" for i in range(19)}
        self.assertEqual([], texts(sizes.check_sizes, source__base__a_dot_h="\n" * 500, **short))
        self.assertEqual(1, len(texts(sizes.check_sizes, source__base__a_dot_h="\n" * 501, **short)))

    def test_bounds_the_90th_percentile_at_300_lines(self):
        files = {"source__base__s%d_dot_h" % i: "\n" * (400 if i < 2 else 300) for i in range(10)}
        self.assertIn("90th", texts(sizes.check_sizes, **files)[0])
        files["source__base__s0_dot_h"] = "\n"
        self.assertEqual([], texts(sizes.check_sizes, **files))

    def test_bounds_a_test_file_at_600_lines(self):
        self.assertEqual([], texts(sizes.check_sizes, test__a_test_dot_cc="\n" * 600))
        self.assertEqual(1, len(texts(sizes.check_sizes, test__a_test_dot_cc="\n" * 601)))

    def test_bounds_a_function_at_60_lines(self):
        self.assertEqual([], texts(sizes.check_sizes, source__base__a_dot_cc=function(60)))
        found = texts(sizes.check_sizes, source__base__a_dot_cc="\n" + function(61))
        self.assertEqual(["source/base/a.cc:2: f has 61 lines, at most 60"], found)

    def test_reports_braces_that_do_not_match(self):
        self.assertEqual(1, len(texts(sizes.check_sizes, source__base__a_dot_cc="void f() {\n")))
        self.assertEqual(1, len(texts(sizes.check_sizes, source__base__a_dot_cc="}\n")))

    def test_namespaces_classes_and_enums_are_not_functions(self):
        text = "namespace a::b {\nnamespace {\nenum class E : int {\n  kA,\n};\nclass [[nodiscard]] C final : public D<int> {\n" \
               " public:\n  void f() {\n  }\n private:\n  struct S {\n    int x = 3;\n  } s_;\n  int y_{3};\n};\n}\n}\n"
        self.assertEqual([("f", 2)], self.measured(text))

    def test_reads_constructors_with_initialisers(self):
        text = "A::A(int x, B b = {})\n    : a_{x},\n      b_(std::move(b)),\n      c_([this] { g(); }) {\n  h();\n}\nA::~A() {}\n"
        self.assertEqual([("A", 6), ("~A", 1)], self.measured(text))
        self.assertEqual([("A", 2)], self.measured("A::A() : a_{1}, b_{{2}} {\n}\n"))

    def test_reads_templates_operators_and_trailing_types(self):
        text = "template <typename T, int N = 3>\nauto f(T t) -> std::vector<T> {\n}\n" \
               "bool operator==(const A& a, const A& b) {\n}\nbool A::operator()(int x) const noexcept {\n}\n"
        self.assertEqual([("f", 3), ("operator==", 2), ("operator()", 2)], self.measured(text))

    def test_a_lambda_counts_to_its_function(self):
        self.assertEqual([("f", 5)], self.measured("void f() {\n  auto l = [] {\n    g();\n  };\n}\n"))

    def test_a_table_is_not_a_function_but_a_named_lambda_is(self):
        text = "constexpr std::array<A, 2> kTable = {{\n  {1, f(2)},\n}};\nconst std::map<int, int> kMap{{1, 2}};\n" \
               "const auto kCompare = [](int a, int b) {\n  return a < b;\n};\n"
        self.assertEqual([("kCompare", 3)], self.measured(text))

    def test_reads_gtest_cases(self):
        self.assertEqual([("TEST_F", 2)], self.measured("TEST_F(Foo, Bar) {\n}\n"))

    def test_braces_in_strings_do_not_count(self):
        self.assertEqual([("f", 3)], self.measured('void f() {\n  g("{", \'{\', R"({)");\n}\n'))


class WordsTest(unittest.TestCase):

    def test_rejects_each_word(self):
        bad = ("MOCK_METHOD(void, f, ());", "std::this_thread::sleep_for(d);", "usleep(3);", "absl::SleepFor(d);", "sleep(1);",
               "GTEST_SKIP();", "TEST(A, DISABLED_B) {}", "EXPECT_TRUE(true);", "// TODO: x", "// FIXME", "class CodecImpl {",
               "struct StringUtil {", "using FooBase = int;", "class StringHelper;", "class PoolManager {", "f->decodeHeaders(h);",
               "void encodeData();", "encode1xx();", "onDecodeTrailers();",
               'const base::FieldPath at = path.at("a").at("b");')
        for text in bad:
            self.assertEqual(1, len(texts(words.check_words, test__a_test_dot_cc="\n" + text)), text)

    def test_accepts_what_only_looks_like_one(self):
        good = ("decodeChunk();", "percentDecode(x);", "base64Decode(x);", "hpackEncode();", "class HttpConnectionManager {",
                "class ClusterManager;", "class Database {", "f(base);", "EXPECT_TRUE(truth);", 'f("decodeHeaders");', "asleep(1);",
                'const FieldPath at = path.at("a");', 'use(FieldPath(), path.at("a").at("b"));')
        for text in good:
            self.assertEqual([], texts(words.check_words, source__base__a_dot_cc=text), text)


class VirtualsTest(unittest.TestCase):

    SEAM = "class Clock {\n public:\n  virtual ~Clock() = default;\n  virtual int now() = 0;\n};\n"

    def test_rejects_one_implementation(self):
        found = texts(virtuals.check_virtuals, source__a_dot_h=self.SEAM, source__b_dot_h="class RealClock : public Clock {};\n")
        self.assertEqual(["source/a.h:1: Clock has virtual functions and 1 implementation(s)"], found)

    def test_counts_a_fake(self):
        self.assertEqual([], texts(virtuals.check_virtuals, source__a_dot_h=self.SEAM,
                                   source__b_dot_h="class RealClock final : private X<int, 3>, public base::Clock {};\n",
                                   test__c_dot_h="struct FakeClock : base::Clock {};\n"))

    def test_a_class_that_is_not_abstract_is_itself_one(self):
        text = "class Filter {\n  virtual void f() {}\n  struct In { int x; };\n};\n"
        self.assertEqual(1, len(texts(virtuals.check_virtuals, source__a_dot_h=text)))
        self.assertEqual([], texts(virtuals.check_virtuals, source__a_dot_h=text, source__b_dot_h="class G : public Filter {};"))

    def test_allows_one_in_ten(self):
        text = "".join("class A%d { virtual void f() = 0; };\nclass B%d : A%d {};\nclass C%d : A%d {};\n" % (i, i, i, i, i)
                       for i in range(9))
        one = "class Lone { virtual void f(); };\n"
        self.assertEqual([], texts(virtuals.check_virtuals, source__a_dot_h=text + one))
        self.assertEqual(2, len(texts(virtuals.check_virtuals, source__a_dot_h=text + one + one.replace("Lone", "Lone2"))))

    def test_ignores_classes_without_virtual_functions(self):
        self.assertEqual([], texts(virtuals.check_virtuals, source__a_dot_h="class A { int virtual_; };\nenum class B { kC };\n"))


class PagesTest(unittest.TestCase):

    def pages(self, text, **files):
        return texts(pages.check_pages, README_dot_md="", ARCHITECTURE_dot_md=text, source__http__head_dot_h="",
                     tools__setup="", **files)

    def test_rejects_a_file_that_is_not_there(self):
        self.assertEqual(["ARCHITECTURE.md:2: source/http/gone.h: no such file or folder"],
                         self.pages("\nSee `source/http/gone.h`.\n"))
        self.assertEqual(1, len(self.pages("`http/gone.cc`")))
        self.assertEqual(1, len(self.pages("`tools/gone --all`")))
        self.assertEqual(1, len(self.pages("```\ntools/gone --all\n```\n")))
        self.assertEqual(1, len(self.pages("`//source/gone:all`")))

    def test_accepts_what_is_there(self):
        self.assertEqual([], self.pages("`source/http/head.h:12`, `http/head.h`, `source/http/`, `source/*/head.h`, `tools/setup --all`,"
                                        " `//source/http:head`, `//source/...`, `//...`"))

    def test_accepts_what_is_not_of_the_tree(self):
        self.assertEqual([], self.pages("source/gone.h `and/or` `/etc/x.yaml` `http://a/b.h` `build/weir` `absl/status/status.h` `<name>/x.h`"
                                        "\n```\nbuild/weir -c weir/other.yaml\n```\n"))

    def test_wants_the_two_pages(self):
        self.assertEqual(2, len(texts(pages.check_pages)))


class FieldsTest(unittest.TestCase):

    PROTO = 'syntax = "proto3";\npackage a.v1;\nmessage M {\n  // string ghost = 9;\n  string first_name = 1;\n' \
            "  repeated string items = 2 [(x).y = 3];\n  map<string, int32> labels = 3;\n  oneof choice {\n    N other = 4;\n  }\n" \
            "  message N {\n    enum E {\n      ZERO = 0;\n    }\n    E kind = 1;\n  }\n  reserved 7;\n}\n"

    def fields(self, source):
        return texts(fields.check_fields, api__a_dot_proto=self.PROTO, source__server__main_dot_cc=source)

    def test_finds_every_field(self):
        self.assertEqual([("a.v1.M.first_name", 5), ("a.v1.M.items", 6), ("a.v1.M.labels", 7), ("a.v1.M.other", 9),
                          ("a.v1.M.N.kind", 15)], fields.read_fields(self.PROTO))

    def test_rejects_fields_that_are_not_read(self):
        self.assertEqual(5, len(self.fields("// m.items()")))
        self.assertEqual(["api/a.proto:15: a.v1.M.N.kind is read nowhere in source/"],
                         self.fields('m.first_name(); m->items_size(); f("labels"); case M::kOther: break;'))

    def test_counts_the_ways_to_read(self):
        for read in ("m.kind()", "m->has_kind()", "m.mutable_kind()", "m.kind_size()", "m.set_kind(1)", "m.add_kind()", '"kind"', "M::kKindFieldNumber"):
            self.assertEqual(4, len(self.fields(read)), read)

    def test_waits_for_a_server(self):
        self.assertEqual([], texts(fields.check_fields, api__a_dot_proto=self.PROTO))


class ReasonsTest(unittest.TestCase):
    TABLE = 'WEIR_REASON(kGone, "DC", 0, "client_gone", "The client went away.")\n'

    def reasons(self, **files):
        return [text.split(": ", 1)[1] for text in texts(reasons.check_reasons, source__http__reasons_dot_inc=self.TABLE, **files)]

    def test_wants_a_cause_and_a_test(self):
        self.assertEqual(["kGone: nothing gives this reason", "kGone: no test brings it about"],
                         self.reasons(source__proxy__proxy_status_dot_cc="Reason::kGone", test__server__why_test_dot_cc="client_gone"))

    def test_takes_the_identifier_or_the_name(self):
        for told in ("Reason::kGone", '"0 client_gone GET"'):
            self.assertEqual([], self.reasons(source__a_dot_cc="x = Reason::kGone;", test__a_test_dot_cc=told))


class WaiversTest(unittest.TestCase):

    def run_with(self, waivers, **files):
        named = {name.replace("__", "/").replace("_dot_", "."): text for name, text in files.items()}
        return lint.run("sizes", tree.Tree(dict(named, **{"test/lint/waivers.txt": waivers})))

    def test_waives_what_it_names(self):
        long = {"source__base__a_dot_cc": function(61)}
        self.assertEqual(1, len(self.run_with("", **long)))
        self.assertEqual([], self.run_with("# why\nsizes source/base/a.cc:f one state per case\n", **long))
        self.assertEqual([], self.run_with("words x for another check\nsizes source/base/a.cc:f one state per case\n", **long))

    def test_fails_when_unused_or_without_reason_or_unknown(self):
        self.assertIn("unused", self.run_with("sizes source/base/a.cc:f one state per case\n")[0].text)
        self.assertIn("reason", self.run_with("sizes source/base/a.cc:f\n")[0].text)
        self.assertIn("no check", self.run_with("size source/base/a.cc:f one state per case\n")[0].text)


if __name__ == "__main__":
    cases.main()
