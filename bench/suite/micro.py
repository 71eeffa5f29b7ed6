"""Part 1: the micro-benchmarks in bench/micro, each a Google Benchmark program."""

import json
import os
import subprocess

from world import FAILURES, ROOT, on_core

SCALE = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


def targets():
    with open(os.path.join(ROOT, "bench", "micro", "BUILD.bazel")) as file:
        return [line.split('"')[1] for line in file if line.strip().startswith('name = "') and "_benchmark" in line]


def run(binaries, quick, notes, say):
    """Nanoseconds of CPU per operation, by program and case."""
    found = {}
    for name, binary in binaries.items():
        line = [binary, "--benchmark_format=json", "--benchmark_min_time=%g" % (0.01 if quick else 0.1)]
        if quick:  # what takes seconds to be set up
            line.append("--benchmark_filter=-100000|Endpoints|_Build|_Publish|load/10000|load/routes")
        try:
            done = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                  check=True, timeout=30 if quick else 180, preexec_fn=on_core(0))
            # Nothing at all where no case is left.
            cases = [case for case in json.loads(done.stdout or '{"benchmarks": []}')["benchmarks"] if case.get("run_type") != "aggregate"]
        except FAILURES as error:
            notes.failure("micro-benchmark %s: %s" % (name, error))
            continue
        found[name] = {case["name"]: case["cpu_time"] * SCALE[case["time_unit"]] for case in cases if not case.get("error_occurred")}
        for case in cases:
            if case.get("error_occurred"):
                notes.failure("micro-benchmark %s: %s: %s" % (name, case["name"], case.get("error_message")))
        say("%-12s %s: %d cases" % ("micro", name, len(found[name])))
    return found
