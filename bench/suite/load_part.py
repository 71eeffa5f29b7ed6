"""Part 2 of the suite: traffic through weir and its peers, in alternating rounds."""

import os
import re
import statistics
import subprocess

from contest import Contest
from depth import system_calls
from peers import CONTENDERS, start
from world import FAILURES, BenchError, cpu_us, on_core, peak_rss

# A rate of nearly nothing measures the waking of an idle machine.
LEAST_RATE = 200
POINTS = ("p50", "p90", "p99", "p99.9", "p99.99")
# Ratios are given to each of these.
MARKS = ("nginx", "haproxy", "nghttpx", "bare")


def spread(values):
    """Median, least and most; None where there is none."""
    values = [value for value in values if value is not None]
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "rounds": len(values)} if values else None


def to_best(mine, others):
    """The p99 of the usual tenth of a second to the least of the others': the median over the windows of all rounds. Least and
    most are of the rounds' own medians. A virtual machine stands still for some milliseconds now and then, which makes
    the p99 of a whole round a hundred times what it was, for whoever's turn it is: that p99 is what everybody's users
    would see, and says nothing of who is better."""
    def usual(rounds):
        return statistics.median([p99 for each in rounds if each for p99 in each["windows_p99"]] or [float("inf")])
    best = min(map(usual, others), default=float("inf"))
    if best == float("inf"):
        return None
    at = [min((usual([theirs]) for theirs in each if theirs), default=None) for each in zip(*others)]
    seen = spread([usual([own]) / other for own, other in zip(mine, at) if own and other])
    return dict(seen, median=usual(mine) / best) if seen else None


def measure(loader, scenario, proxy, seconds):
    """CPU over the whole of a run and over all requests of it: both are of the same time."""
    before = cpu_us(proxy.pid)
    result = loader.run(proxy.port, scenario.load, 0, seconds)
    used = cpu_us(proxy.pid) - before
    lost = result["failed"] + result["unanswered"]
    if result["good"] == 0 or lost > result["good"] * 0.001:
        raise BenchError("%d of %d requests failed" % (lost, result["good"] + lost))
    return {"cpu_us": used / scenario.units(result["good"]), "rps": result["good"] / result["seconds"],
            "requests": result["good"], "failed": lost}


class LoadPart:

    def __init__(self, world, loader, pace, counter, notes, say):
        """`counter` counts under valgrind; None where that is not wanted."""
        self.world, self.loader, self.pace, self.counter, self.notes, self.say = world, loader, pace, counter, notes, say

    def run(self, scenario, names):
        """Everything seen, as plain values by the names of the proxies; None is a gap."""
        with Contest(scenario.name, scenario.setting, names, self.world, self.notes) as contest:
            seen = {name: {"rounds": []} for name in contest.names}
            self._rounds(scenario, contest, seen)
            self._latencies(scenario, contest, seen)
            for name in contest.names:
                if self.pace.deep and seen[name]["rps"]:
                    self._calls(scenario, contest, name, seen[name])
                proxy = contest.proxy(name)
                seen[name]["peak_mib"] = peak_rss(proxy.pid) / (1 << 20) if proxy and not proxy.process.ended() else None
        if self.pace.deep and self.counter:
            for name in seen:
                self._count(scenario, name, seen[name])
        return seen

    def _rounds(self, scenario, contest, seen):
        for name in contest.names:
            contest.attempt(name, lambda proxy: measure(self.loader, scenario, proxy, 0.4))
        for number in range(self.pace.rounds):
            for name in contest.turn(number):
                seen[name]["rounds"].append(contest.attempt(
                    name, lambda proxy: measure(self.loader, scenario, proxy, self.pace.warm + self.pace.seconds)))
        for values in seen.values():
            done = [each for each in values["rounds"] if each]
            values["cpu_us"] = statistics.median(each["cpu_us"] for each in done) if done else None
            values["rps"] = statistics.median(each["rps"] for each in done) if done else None
            values["ratio"] = {mark: ratio for mark in MARKS if mark in seen
                               for ratio in [self._ratio(values["rounds"], seen[mark]["rounds"])] if ratio}

    @staticmethod
    def _ratio(mine, theirs):
        """CPU to CPU in the same round."""
        return spread([a["cpu_us"] / b["cpu_us"] for a, b in zip(mine, theirs) if a and b])

    def _latencies(self, scenario, contest, seen):
        """An open loop at half of what the slowest of the contenders can do, the same rate for each."""
        names = [name for name in contest.names if name in CONTENDERS and name != "bare" and seen[name]["rps"]]
        if not names:
            return
        rate = max(LEAST_RATE, min(seen[name]["rps"] for name in names) / 2)
        rounds = {name: [] for name in names}
        for number in range(self.pace.latency_rounds):
            for name in contest.turn(number):
                if name in rounds:
                    rounds[name].append(contest.attempt(name, lambda proxy: self._open_loop(scenario, proxy, rate)))
        for name in names:
            done = [each for each in rounds[name] if each]
            if not done:
                continue
            seen[name]["latency"] = {
                "rate": rate, "rounds": rounds[name], "requests": sum(each["requests"] for each in done),
                "usual_p99": statistics.median(p99 for each in done for p99 in each["windows_p99"]),
                "p99_to_best": to_best(rounds[name], [each for other, each in rounds.items() if other != name]),
                **{point: spread([each[point] for each in done]) for point in POINTS}}

    def _open_loop(self, scenario, proxy, rate):
        """Microseconds from when each request was due."""
        result = self.loader.run(proxy.port, scenario.load + ["--rate", "%g" % rate], self.pace.warm, self.pace.latency_seconds)
        if result["good"] == 0 or result["unanswered"] + result["failed"] > result["good"] * 0.001:
            raise BenchError("%d requests of an open loop of %.0f/s failed" % (result["failed"] + result["unanswered"], rate))
        return {"requests": result["good"], "windows_p99": [p99 / 1000 for p99 in result["windows_p99_ns"]],
                **{point: result[point + "_ns"] / 1000 for point in POINTS}}

    def _calls(self, scenario, contest, name, seen):
        calls = contest.attempt(name, lambda proxy: system_calls(self.loader, scenario, proxy))
        if calls:
            seen["syscalls"], seen["syscalls_by_name"] = sum(calls.values()), dict(list(calls.items())[:8])

    def _count(self, scenario, name, seen):
        """Of a process of its own, under valgrind."""
        try:
            seen.update(self.counter.count(name, scenario) or {})
        except FAILURES as error:
            self.notes.gap("instructions of %s in %s were not counted: %s" % (name, scenario.name, (str(error).splitlines() or [""])[0]))


CROSS = (("h1_small", ["wrk", "-t1", "-c64", "-d3s", "http://127.0.0.1:%d/100"]),
         ("h2_h1", ["h2load", "-D", "3", "--warm-up-time=1", "-c10", "-m32", "http://127.0.0.1:%d/100"]))


def cross_check(world, loader, notes, say):
    """The same traffic by wrk and h2load: requests per second and CPU per request of weir that they see, beside ours."""
    from scenarios import BY_NAME
    found = {}
    for name, line in CROSS:
        try:
            found[name] = _cross(BY_NAME[name], line, world, loader)
        except FAILURES as error:
            notes.gap("no cross-check of %s with %s: %s" % (name, line[0], error))
            continue
        say("%-12s %s: %.0f requests/s here, %.0f by %s" % ("cross-check", name, found[name]["ours"], found[name]["theirs"], line[0]))
    return found


def _cross(scenario, line, world, loader):
    proxy = start("weir", scenario.setting, world)
    try:
        ours = loader.run(proxy.port, scenario.load, 0.5, 3)
        line = [word % proxy.port if "%d" in word else word for word in line]
        out = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True, timeout=60,
                             env=dict(os.environ, LC_ALL="C"), preexec_fn=on_core(1)).stdout
    finally:
        proxy.close()
    good = re.search(r"Requests/sec:\s+([\d.]+)|finished in [\d.]+\w+, ([\d.]+) req/s", out)
    if good is None:
        raise BenchError("it does not say how many requests")
    return {"tool": line[0], "ours": ours["good"] / ours["seconds"], "theirs": float(good.group(1) or good.group(2))}
