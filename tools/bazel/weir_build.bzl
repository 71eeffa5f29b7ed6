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
        size = "small",
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
