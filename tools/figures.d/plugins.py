"""The figures of filter plugins in tools/figures: what a hook costs, and how long a filter takes to build."""

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BENCHMARK = "//bench/micro:plugin_benchmark"


class Figure:

    def __init__(self, name, text, holds):
        self.name = name
        self.text = text
        self.holds = holds


def plugins(tools):
    del tools
    release = ["--config=release", "--curses=no"]
    subprocess.run(["bazel", "build", *release, BENCHMARK], cwd=ROOT, check=True, stdin=subprocess.DEVNULL)
    folder = subprocess.run(["bazel", "info", *release, "bazel-bin"], cwd=ROOT, check=True, stdin=subprocess.DEVNULL,
                            capture_output=True, text=True).stdout.strip()
    out = subprocess.run([os.path.join(folder, "bench", "micro", "plugin_benchmark"), "--benchmark_format=json",
                          "--benchmark_repetitions=5", "--benchmark_report_aggregates_only"], check=True,
                         capture_output=True, text=True).stdout
    took = {entry["run_name"]: entry["cpu_time"] for entry in json.loads(out)["benchmarks"]
            if entry["aggregate_name"] == "median"}
    yield Figure("plugin_hook", "%.1f ns a hook through the ABI, at most 50" % took["hook"], took["hook"] <= 50)
    more = took["exchange/20"] - took["exchange/0"]
    yield Figure("plugin_chain", "%.0f ns a request for 20 plugins that do nothing, at most 1000 (%.0f with them, %.0f without)" %
                 (more, took["exchange/20"], took["exchange/0"]), more <= 1000)
    watched = took["timed/20"] - took["exchange/20"]
    yield Figure("plugin_watch", "%.0f ns a request more where each of 20 is timed, at most 20000; nothing where none is" % watched,
                 watched <= 20000)


def plugin_build(tools):
    del tools
    took = []
    folder = tempfile.mkdtemp(prefix="weir-figures-")
    try:
        for _ in range(3):
            begun = time.monotonic()
            subprocess.run(["g++", "-std=c++20", "-O2", "-fPIC", "-shared", "-I", os.path.join(ROOT, "api", "plugin"),
                            "-o", os.path.join(folder, "add_header.so"),
                            os.path.join(ROOT, "examples", "plugins", "add_header", "add_header.cc")], check=True)
            took.append(time.monotonic() - begun)
    finally:
        shutil.rmtree(folder)
    middle = statistics.median(took)
    yield Figure("plugin_build", "%.2f s for the example with g++ alone, at most 5" % middle, middle <= 5)


FIGURES = {f.__name__: f for f in (plugins, plugin_build)}
