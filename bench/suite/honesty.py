"""Part 4: whether the suite can be believed."""

import os
import platform
import re
import signal
import subprocess
import threading

from contest import Contest
from load_part import measure, spread
from peers import start
from scenarios import BY_NAME
from world import FAILURES, ROOT, BenchError

STALL_SECONDS, STALL_RATE = 3, 2000


def stall(world, loader, notes, say):
    """weir is stopped for 100 ms in the middle of an open loop: p99.9 must show it, for it hits 100 ms of requests."""
    try:
        found = _stall(world, loader)
    except FAILURES as error:
        notes.failure("weir was not measured with a stop of 100 ms: %s" % error)
        return None
    say("%-12s p99.9 is %.1f ms calm and %.1f ms with a stop of 100 ms" %
        ("honesty", found["calm_p99.9_ms"], found["stalled_p99.9_ms"]))
    return found


def _stall(world, loader):
    scenario = BY_NAME["h1_small"]
    load = scenario.load + ["--rate", str(STALL_RATE)]
    proxy = start("weir", scenario.setting, world)
    try:
        calm = loader.run(proxy.port, load, 0.3, STALL_SECONDS)
        process = loader.start(proxy.port, load, 0.3, STALL_SECONDS)
        pause = threading.Event()
        pause.wait(STALL_SECONDS / 2)
        os.kill(proxy.pid, signal.SIGSTOP)
        pause.wait(0.1)
        os.kill(proxy.pid, signal.SIGCONT)
        stalled = loader.finish(process, STALL_SECONDS)
    finally:
        proxy.close()
    if calm["good"] == 0 or stalled["good"] == 0:
        raise BenchError("no request was answered")
    found = {"rate": STALL_RATE, "seconds": STALL_SECONDS, "calm_p99.9_ms": calm["p99.9_ns"] / 1e6,
             "stalled_p99.9_ms": stalled["p99.9_ns"] / 1e6, "stalled_max_ms": stalled["max_ns"] / 1e6}
    found["visible"] = found["stalled_p99.9_ms"] >= 80
    return found


def itself(world, loader, pace, notes, say):
    """weir against weir: the ratio must be 1.00 within the noise that is reported."""
    scenario = BY_NAME["h1_small"]
    with Contest("weir against itself", scenario.setting, ["weir"], world, notes) as one, \
            Contest("weir against itself", scenario.setting, ["weir"], world, notes) as other:
        contests, ratios = [one, other], []
        for contest in contests:
            contest.attempt("weir", lambda proxy: measure(loader, scenario, proxy, 0.4))
        for number in range(max(pace.rounds, 5)):
            order = contests if number % 2 == 0 else contests[::-1]
            cost = {id(contest): contest.attempt("weir", lambda proxy: measure(loader, scenario, proxy, pace.warm + pace.seconds))
                    for contest in order}
            if all(cost.values()):
                ratios.append(cost[id(one)]["cpu_us"] / cost[id(other)]["cpu_us"])
    found = spread(ratios)
    if found is None:
        return None
    found["noise"] = max(abs(ratio - found["median"]) for ratio in ratios)
    found["one_within_noise"] = abs(found["median"] - 1) <= max(found["noise"], 0.02)
    say("%-12s weir to weir: %.3f (%.3f to %.3f)" % ("honesty", found["median"], found["min"], found["max"]))
    return found


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())
    with open("/proc/meminfo") as file:
        kib = int(re.search(r"\d+", file.readline()).group(0))
    return {"kernel": platform.release(), "cpu": model, "cores": os.cpu_count(), "memory_gib": kib / (1 << 20),
            "load_at_start": os.getloadavg()[0]}


def busy():
    """Seconds of CPU that anything on the machine has used, and that it could have used."""
    with open("/proc/stat") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK"), sum(ticks) / os.sysconf("SC_CLK_TCK")


def others(before, after, ours):
    """Share of the machine's CPU between two busy() that was used by neither this suite nor nobody."""
    whole = after[1] - before[1]
    return max(0.0, (after[0] - before[0] - ours) / whole) if whole > 0 else 0.0


def built(weir, options):
    """How the measured weir was made, by what tools/bench was told."""
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True).stdout.strip() or "an unknown commit"
    compiler = re.search(rb"GCC: \([^)]*\) [\d.]+|clang version [\d.]+", _comment_section(weir))
    if options["pgo"]:
        how = "tools/build --pgo, for a profile of this suite's scenarios, %s" % commit
    elif options["binary"] or options["programs"]:
        how = "the binary %s that was given" % os.path.basename(weir)
    else:
        how = "bazel build --config=release //source/server:weir, %s" % commit
    return {"how": how,
            "compiler": compiler.group(0).decode() if compiler else "a compiler that it does not name",
            "mib": os.path.getsize(weir) / (1 << 20)}


def _comment_section(path):
    done = subprocess.run(["readelf", "-p", ".comment", path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    return done.stdout
