"""Everything outside this repository that weir builds against.

All of it is installed on the machine (tools/setup, Debian packages); nothing is
downloaded. Each library is an external repository with the label that upstream
uses, so a tree that fetches sources instead only has to replace this file.
"""

load("//tools/bazel:abseil.bzl", "ABSEIL_TARGETS")
load("//tools/bazel:system_library.bzl", "system_library", "toolchain_stamp")

def weir_dependencies():
    modern = _bazel_major() >= 5
    if not modern:
        _debian_bazel_compat()

    toolchain_stamp(
        name = "weir_toolchain",
        debs = [
            "libabsl-dev",
            "libbenchmark-dev",
            "libc-ares-dev",
            "libc6-dev",
            "libevent-dev",
            "libfmt-dev",
            "libgmock-dev",
            "libgtest-dev",
            "libnghttp2-dev",
            "libprotobuf-dev",
            "libre2-dev",
            "libspdlog-dev",
            "libssl-dev",
            "libstdc++-12-dev",
            "libyaml-cpp-dev",
            "linux-libc-dev",
            "protobuf-compiler",
        ],
    )
    system_library(
        name = "com_google_absl",
        deb = "libabsl-dev",
        linkage = "static",
        targets = ABSEIL_TARGETS,
    )
    system_library(
        name = "com_github_libevent",
        deb = "libevent-dev",
        linkage = "static",
        targets = {"//:event_core": ["libevent_core"]},
    )
    system_library(
        name = "com_github_c_ares_c_ares",
        deb = "libc-ares-dev",
        linkage = "static",
        targets = {"//:ares": ["libcares"]},
    )
    system_library(
        name = "com_github_nghttp2",
        deb = "libnghttp2-dev",
        linkage = "static",
        targets = {"//:nghttp2": ["libnghttp2"]},
    )
    system_library(
        name = "com_github_google_brotli",
        deb = "libbrotli-dev",
        linkage = "static",
        targets = {"//:brotlienc": ["libbrotlienc"]},
    )
    system_library(
        name = "com_github_facebook_zstd",
        deb = "libzstd-dev",
        linkage = "static",
        targets = {"//:zstd": ["libzstd"]},
    )
    system_library(
        name = "zlib",
        deb = "zlib1g-dev",
        linkage = "static",
        targets = {"//:zlib": ["zlib"]},
    )
    system_library(
        name = "com_github_jbeder_yaml_cpp",
        deb = "libyaml-cpp-dev",
        linkage = "static",
        targets = {"//:yaml-cpp": ["yaml-cpp"]},
    )
    system_library(
        name = "openssl",
        deb = "libssl-dev",
        linkage = "static",
        targets = {
            "//:crypto": ["libcrypto"],
            "//:ssl": ["libssl"],
        },
    )
    system_library(
        name = "com_googlesource_re2",
        deb = "libre2-dev",
        linkage = "static",
        targets = {"//:re2": ["re2"]},
    )

    # Debian has no static archive of these two; as headers they are compiled into
    # the one file that includes them, and the binary needs no more shared objects.
    system_library(
        name = "com_github_gabime_spdlog",
        deb = "libspdlog-dev",
        defines = [
            "FMT_HEADER_ONLY",
            "SPDLOG_FMT_EXTERNAL",
        ],
        linkage = "headers",
        targets = {"//:spdlog": ["spdlog"]},
    )
    system_library(
        name = "com_google_googletest",
        deb = "libgmock-dev",
        linkage = "static",
        targets = {
            "//:gtest": ["gmock"],
            "//:gtest_main": ["gmock_main"],
        },
    )
    system_library(
        name = "com_github_google_benchmark",
        deb = "libbenchmark-dev",
        linkage = "static",
        raw_libs = {"benchmark_main": "benchmark"},
        targets = {
            "//:benchmark": ["benchmark"],
            "//:benchmark_main": ["benchmark_main"],
        },
    )
    system_library(
        name = "com_google_protobuf",
        build_file_tail = "//tools/bazel/external:protobuf.BUILD",
        deb = "libprotobuf-dev",
        links = {
            "bin/protoc": "/usr/bin/protoc",
            "include/google/protobuf": "/usr/include/google/protobuf",
        },
        linkage = "static",
        substitutions = {"blacklisted_protos": "denylisted_protos"} if modern else {},
        targets = {
            "//:protobuf": ["protobuf"],
            "//:protobuf_lite": ["protobuf-lite"],
        },
    )

def _bazel_major():
    # Debian's Bazel, which is 4.2.3, gives no version at all.
    version = getattr(native, "bazel_version", "")
    return int(version.split(".")[0]) if version and version[0].isdigit() else 4

def _debian_bazel_compat():
    # Bazel 4 loads these for its own C++ and test tools and would download them.
    # Debian's bazel-rules-cc wants Bazel 5.1, so the little that is needed comes
    # from this tree. A newer Bazel fetches the real ones.
    for name in ["remote_coverage_tools", "rules_cc", "rules_java"]:
        native.local_repository(
            name = name,
            path = "tools/bazel/compat/" + name,
        )
