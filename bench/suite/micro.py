"""Part 1: the micro-benchmarks in bench/micro, each a Google Benchmark program."""

import json
import os
import subprocess

from world import ROOT, on_core


def targets():
    with open(os.path.join(ROOT, "bench", "micro", "BUILD.bazel")) as file:
        return [line.split('"')[1] for line in file if line.strip().startswith('name = "') and "_benchmark" in line]


def run(binaries, quick, say):
    """Nanoseconds of CPU per operation, by program and case."""
    found = {}
    for name, binary in binaries.items():
        line = [binary, "--benchmark_format=json", "--benchmark_min_time=%g" % (0.02 if quick else 0.2)]
        out = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True, timeout=900,
                             preexec_fn=on_core(0)).stdout
        cases = [case for case in json.loads(out)["benchmarks"] if case.get("run_type") != "aggregate"]
        scale = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
        found[name] = {case["name"]: case["cpu_time"] * scale[case["time_unit"]] for case in cases}
        say("%-12s %s: %d cases" % ("micro", name, len(cases)))
    return found
