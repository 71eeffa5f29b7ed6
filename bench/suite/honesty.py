"""Part 4: whether the suite can be believed."""

import os
import platform
import signal
import statistics
import threading

from load_part import LoadPart
from peers import start
from scenarios import BY_NAME


def stall(world, loader, say):
    """weir is stopped for 100 ms in the middle of an open loop: p99.9 must show it, for it hits 100 ms of requests."""
    scenario = BY_NAME["h1_small"]
    proxy = start("weir", scenario.setting, world)
    seconds, rate = 4, 2000
    try:
        calm = loader.run(proxy.port, scenario.load + ["--rate", str(rate)], 0.5, seconds)
        process = loader.start(proxy.port, scenario.load + ["--rate", str(rate)], 0.5, seconds)
        pause = threading.Event()
        pause.wait(2)
        os.kill(proxy.pid, signal.SIGSTOP)
        pause.wait(0.1)
        os.kill(proxy.pid, signal.SIGCONT)
        stalled = loader.finish(process, seconds)
    finally:
        proxy.close()
    found = {"rate": rate, "seconds": seconds, "calm_p99.9_ms": calm["p99.9_ns"] / 1e6,
             "stalled_p99.9_ms": stalled["p99.9_ns"] / 1e6, "stalled_max_ms": stalled["max_ns"] / 1e6}
    found["visible"] = found["stalled_p99.9_ms"] >= 80
    say("%-12s p99.9 is %.1f ms calm and %.1f ms with a stop of 100 ms" %
        ("honesty", found["calm_p99.9_ms"], found["stalled_p99.9_ms"]))
    return found


def itself(world, loader, rounds, seconds, say):
    """weir against weir: the ratio must be 1.00 within the noise that is reported."""
    scenario = BY_NAME["h1_small"]
    part = LoadPart(world, loader, ["weir"], rounds, seconds, False, say)
    proxies = [start("weir", scenario.setting, world) for _ in range(2)]
    ratios = []
    try:
        for proxy in proxies:
            part._one(scenario, proxy, 0.3, 0.2)
        for number in range(max(rounds, 5)):
            order = proxies if number % 2 == 0 else proxies[::-1]
            cost = {id(proxy): part._one(scenario, proxy, 0.1, seconds)["cpu_us"] for proxy in order}
            ratios.append(cost[id(proxies[0])] / cost[id(proxies[1])])
    finally:
        for proxy in proxies:
            proxy.close()
    found = {"min": min(ratios), "median": statistics.median(ratios), "max": max(ratios), "rounds": len(ratios)}
    found["noise"] = max(abs(ratio - found["median"]) for ratio in ratios)
    found["one_within_noise"] = abs(found["median"] - 1) <= max(found["noise"], 0.02)
    say("%-12s weir to weir: %.3f (%.3f to %.3f)" % ("honesty", found["median"], found["min"], found["max"]))
    return found


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())
    return {"kernel": platform.release(), "cpu": model, "cores": os.cpu_count(), "load_at_start": os.getloadavg()[0]}
