"""The macros that every BUILD file here uses instead of the bare rules."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_proto_library", "cc_test")
load("//tools/bazel:proto.bzl", "proto_library")

_COPTS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wnon-virtual-dtor",
    "-Woverloaded-virtual",
    "-Wvla",
]

def weir_cc_library(name, copts = [], **kwargs):
    cc_library(name = name, copts = _COPTS + copts, **kwargs)

def weir_cc_binary(name, copts = [], **kwargs):
    cc_binary(name = name, copts = _COPTS + copts, **kwargs)

def weir_cc_test(name, deps = [], copts = [], size = "small", **kwargs):
    cc_test(
        name = name,
        size = size,
        copts = _COPTS + copts,
        deps = deps + ["@com_google_googletest//:gtest_main"],
        **kwargs
    )

def weir_script_test(name, script, tags = [], **kwargs):
    """A test that is an executable file (#!/usr/bin/python3, say), run as it is.

    It has a network of its own, loopback only, so any port is free.
    """
    native.sh_test(
        name = name,
        srcs = [script],
        tags = tags + ["block-network"],
        **kwargs
    )

def weir_plugin(name, srcs, built_in = True, local_defines = [], **kwargs):
    """NAME.so, a filter plugin, as a user would build it.

    With `built_in` also NAME_built_in, the same source for linking into a program, where its entry is
    weir_plugin_entry_NAME.
    """
    cc_binary(
        name = name + ".so",
        srcs = srcs,
        copts = _COPTS,
        linkshared = 1,
        local_defines = local_defines,
        deps = ["//api/plugin"],
        **kwargs
    )
    if built_in:
        cc_library(
            name = name + "_built_in",
            srcs = srcs,
            copts = _COPTS,
            local_defines = local_defines + ["WEIR_BUILT_IN=" + name],
            deps = ["//api/plugin"],
            **kwargs
        )

def weir_plugin_test(name, srcs, plugin):
    """A test of a filter plugin on the fake host, with a main() of its own; it includes the source of the plugin."""
    cc_library(
        name = name + "_source",
        textual_hdrs = [plugin],
        includes = ["."],
    )
    cc_test(
        name = name,
        size = "small",
        srcs = srcs,
        # GCC sees moves of empty optionals as uses, between the calls that the sanitizers insert.
        copts = _COPTS + ["-Wno-maybe-uninitialized"],
        deps = [
            ":" + name + "_source",
            "//api/plugin",
        ],
    )

def weir_cc_benchmark(name, deps = [], copts = [], **kwargs):
    cc_binary(
        name = name,
        testonly = 1,
        copts = _COPTS + copts,
        deps = deps + ["@com_github_google_benchmark//:benchmark_main"],
        **kwargs
    )

    # A benchmark must at least run: one short pass of it is a test.
    native.sh_test(
        name = name + "_smoke_test",
        srcs = ["//tools/bazel:run_once.sh"],
        args = ["$(location :%s)" % name],
        data = [":" + name],
        # Some build a table of 100,000 before they begin, under the sanitizers as well.
        size = "medium",
    )

def weir_cc_fuzz_test(name, corpus, deps = [], copts = [], **kwargs):
    """LLVMFuzzerTestOneInput in `srcs`; replays `corpus` as an ordinary test.

    With --config=fuzz the same target is a libFuzzer binary.
    """
    cc_test(
        name = name,
        copts = _COPTS + copts,
        args = ["$(locations %s)" % corpus],
        data = [corpus],
        deps = deps + select({
            "//tools/bazel:fuzzing": [],
            "//conditions:default": ["//test/fuzz:replay_main"],
        }),
        linkopts = select({
            "//tools/bazel:fuzzing": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        **kwargs
    )

def weir_proto_library(name, srcs, deps = [], visibility = None):
    """proto_library `name` and cc_proto_library `name`_cc, rooted at //api.

    Sources live below api/ and import each other from there:
    import "envoy/type/v3/percent.proto"; in C++ #include "envoy/type/v3/percent.pb.h".
    """
    proto_library(
        name = name,
        srcs = srcs,
        strip_import_prefix = "/api",
        visibility = visibility,
        deps = deps,
    )
    cc_proto_library(
        name = name + "_cc",
        visibility = visibility,
        deps = [":" + name],
    )
