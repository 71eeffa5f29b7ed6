#!/usr/bin/python3
"""What a request costs may not grow unnoticed: instructions, allocations and system calls of six flows, counted
exactly, against costs.json. That has a part for the binary of every test, which is not optimised, and one for the
optimised binary; the argument names it. `tools/gates --write` writes the file anew, and so does whoever makes weir
faster, or slower for a good reason.

Each number is the difference of two runs that differ only in how many requests one client sends, one after the other:
what starting costs cancels out, and nothing depends on the speed of the machine. Instructions are those of weir's own
code and of the libraries that are linked into it, under valgrind; the C library's are left out, since it chooses its
code by the processor.
"""

import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
if "TEST_SRCDIR" in os.environ:
    ROOT = os.path.join(os.environ["TEST_SRCDIR"], os.environ["TEST_WORKSPACE"])
else:
    ROOT = os.path.join(HERE, "..", "..")
for folder in ("bench/suite", "test/lint", "test/gates"):
    sys.path.insert(0, os.path.join(ROOT, folder))

import callgrind  # noqa: E402
import cases  # noqa: E402
import peers  # noqa: E402
import world  # noqa: E402

COSTS = os.path.join(ROOT, "test", "gates", "costs.json")
MARGIN = 1.03
# Between the two numbers lie the requests that count. Under valgrind they are fewer where the binary is slower.
TRACED = (300, 1500)
PROFILED = {"release": (300, 1500), "fastbuild": (50, 350)}
NEAR_NOTHING = {"instructions": 0, "syscalls": 0.02, "allocations": 0.02}  # connections are a part of it

H2 = ["--traffic", "http2"]
FLOWS = {
    "h1_small": (peers.Setting(), ["--path", "/100"]),
    "h1_16k": (peers.Setting(), ["--path", "/16384", "--response", "16384"]),
    "h1_post_16k": (peers.Setting(), ["--path", "/echo", "--body", "16384", "--response", "16384"]),
    "h2_h1": (peers.Setting(front="h2"), H2),
    "h2_h2": (peers.Setting(front="h2", back="h2"), H2),
    "tcp": (peers.Setting("tcp"), ["--traffic", "tcp"]),
}


def program(path, variable):
    return os.environ.get(variable) or os.path.join(ROOT, path)


WEIR = program("source/server/weir", "WEIR")


def requests(under, flow, count, directory):
    """Runs weir under a program that counts, with `count` requests to it."""
    setting, load = FLOWS[flow]
    origin = world.Origin(program("bench/load/origin", "ORIGIN"))
    try:
        port = world.free_port()
        line = peers.weir(setting, peers.World(WEIR, origin, (None, None)), port, directory)
        with open(os.path.join(directory, "stderr"), "w+") as errors:
            process = subprocess.Popen(under + line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
            try:
                world.wait_for_port(port, process, flow)
                done = subprocess.run([program("bench/load/load", "LOAD"), "--to", "127.0.0.1:%d" % port, "--connections", "1",
                                       "--requests", str(count), *load], stdout=subprocess.PIPE, timeout=120, check=True)
                result = json.loads(done.stdout)
                assert result["good"] == count, result
            finally:
                # strace passes nothing on; what it runs is its child.
                for pid in world.tree(process.pid)[-1:]:
                    os.kill(pid, signal.SIGTERM)
                process.wait(60)
    finally:
        origin.close()


def instructions_and_allocations(flow, count, directory):
    out = os.path.join(directory, "callgrind")
    requests(["valgrind", "--tool=callgrind", "--separate-threads=yes", "--callgrind-out-file=" + out, "-q"], flow, count, directory)
    # The first thread is the main one, which only starts and ends the process.
    profiles = [callgrind.read(path) for path in glob.glob(out + "-*") if not path.endswith("-01")]
    return [sum(p.of_weir() for p in profiles), sum(p.allocations() for p in profiles)]


def system_calls(flow, count, directory):
    """All but epoll_wait, of which there are fewer when two things happen at once."""
    out = os.path.join(directory, "strace")
    requests(["strace", "-f", "-c", "-o", out], flow, count, directory)
    with open(out) as file:
        rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", file.read(), re.MULTILINE)
    return [sum(int(count) for count, name in rows if name not in ("total", "epoll_wait"))]


def can_trace():
    """Some containers let nobody trace a process; system calls are not counted there."""
    return subprocess.run(["strace", "-f", "-c", "-o", os.devnull, "true"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0


TRACES = can_trace()


def per_request(measure, flow, counts):
    """What measure(), which gives a list of numbers, grows by for each request."""
    seen = []
    for count in counts:
        directory = tempfile.mkdtemp(prefix="weir-gates-")
        try:
            seen.append(measure(flow, count, directory))
        finally:
            shutil.rmtree(directory)
    return [(b - a) / (counts[1] - counts[0]) for a, b in zip(*seen)]


def cost(flow, mode):
    """What a request of that flow costs."""
    traced, = per_request(system_calls, flow, TRACED) if TRACES else (0,)
    instructions, allocations = per_request(instructions_and_allocations, flow, PROFILED[mode])
    return {"instructions": round(instructions), "allocations": max(0.0, round(allocations, 2)), "syscalls": round(traced, 2)}


def least(flow, mode, enough):
    """The least of each in up to three tries: a message that comes in two pieces costs more."""
    best = cost(flow, mode)
    for _ in range(2):
        if enough(best):
            break
        again = cost(flow, mode)
        best = {what: min(best[what], again[what]) for what in best}
    return best


class GatesTest(unittest.TestCase):

    def check(self, flow):
        with open(COSTS) as file:
            allowed = json.load(file)[MODE][flow]
        most = {what: bound * MARGIN + NEAR_NOTHING[what] for what, bound in allowed.items()}
        now = least(flow, MODE, lambda seen: all(seen[what] <= most[what] for what in most))
        print(MODE, flow, now, "" if TRACES else "(system calls are not counted: strace may not trace here)", flush=True)
        for what, bound in allowed.items():
            self.assertLessEqual(now[what], most[what], "%s for a request of %s: 3 %% above the %s in test/gates/costs.json (%s). "
                                 "If that is worth it: tools/gates --write" % (what, flow, bound, MODE))


# Costs of one binary are no measure for another: the argument says which this one is.
MODE = next((word for word in sys.argv[1:] if word in PROFILED), "fastbuild")

for each_flow in FLOWS:
    setattr(GatesTest, "test_" + each_flow, lambda self, flow=each_flow: self.check(flow))

def write(mode):
    with open(COSTS) as file:
        costs = json.load(file)
    costs[mode] = {flow: least(flow, mode, lambda _: False) for flow in FLOWS}
    with open(COSTS, "w") as file:
        json.dump(costs, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    if "--write" in sys.argv:
        write(MODE)
    else:
        cases.main()
