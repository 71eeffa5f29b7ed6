"""Part 2 of the suite: traffic through weir and its peers, in alternating rounds."""

import os
import re
import statistics
import struct
import subprocess
import tempfile

from peers import start
from world import ROOT, BenchError, can_count_instructions, cpu_us, on_core, peak_rss, strace_counts, tree

# A rate of nearly nothing measures the waking of an idle machine.
LEAST_RATE = 200


class LoadPart:

    def __init__(self, world, loader, names, rounds, seconds, deep, say):
        """`deep`: system calls, instructions and latencies too."""
        self.world, self.loader, self.names = world, loader, names
        self.rounds, self.seconds, self.deep, self.say = rounds, seconds, deep, say
        self.instructions = deep and can_count_instructions()

    def run(self, scenario):
        """Everything seen, as plain values."""
        proxies = {}
        try:
            for name in self.names:
                proxy = start(name, scenario.setting, self.world)
                if proxy is not None:
                    proxies[name] = proxy
            seen = self._measure(scenario, proxies)
        finally:
            for proxy in proxies.values():
                proxy.close()
        if self.deep:
            for name in seen:
                seen[name]["allocations"] = self._allocations(scenario, name)
        return seen

    def _measure(self, scenario, proxies):
        seen = {name: {"rounds": []} for name in proxies}
        order = list(proxies)
        for name in order:
            self._one(scenario, proxies[name], 0.3, 0.2)
        for number in range(self.rounds):
            turn = number % len(order)
            for name in order[turn:] + order[:turn]:
                seen[name]["rounds"].append(self._one(scenario, proxies[name], 0.3, self.seconds))
        if self.deep:
            self._latencies(scenario, proxies, seen)
            for name, proxy in proxies.items():
                self._calls(scenario, proxy, seen[name])
        for name, proxy in proxies.items():
            seen[name]["peak_mib"] = peak_rss(proxy.pid) / (1 << 20)
        self._ratios(seen)
        best = ", ".join("%s %.2f" % (name, values["cpu_us"]) for name, values in seen.items())
        self.say("%-12s µs of CPU per %s: %s" % (scenario.name, scenario.unit, best))
        return seen

    def _one(self, scenario, proxy, warm, seconds):
        """CPU over the whole of the run, warming included, over all requests of it."""
        before = cpu_us(proxy.pid)
        # The warm time is counted like the rest: CPU and requests must be of the same time.
        result = self.loader.run(proxy.port, scenario.load, 0, warm + seconds)
        used = cpu_us(proxy.pid) - before
        if result["good"] == 0 or result["failed"] + result["unanswered"] > result["good"] * 0.001:
            raise BenchError("%s through %s: %d of %d requests failed\n%s" % (
                scenario.name, proxy.name, result["failed"] + result["unanswered"],
                result["good"] + result["failed"] + result["unanswered"], proxy.process.errors()))
        return {"cpu_us": used / scenario.units(result["good"]), "rps": result["good"] / result["seconds"],
                "requests": result["good"], "failed": result["failed"]}

    def _latencies(self, scenario, proxies, seen):
        """An open loop at half of what the slowest of weir, haproxy and nginx can do, the same rate for each."""
        contenders = [name for name in ("weir", "haproxy", "nginx", "nghttpx") if name in proxies]
        knee = min(statistics.median(r["rps"] for r in seen[name]["rounds"]) for name in contenders)
        rate = max(LEAST_RATE, knee / 2)
        for name in contenders:
            result = self.loader.run(proxies[name].port, scenario.load + ["--rate", "%g" % rate], 0.5, 2 * self.seconds)
            seen[name]["latency"] = dict({key[:-3]: value / 1000 for key, value in result.items() if key.endswith("_ns")},
                                         rate=rate, unanswered=result["unanswered"])

    def _calls(self, scenario, proxy, seen):
        with tempfile.TemporaryDirectory(prefix="weir-bench-") as directory:
            counts, result = strace_counts(proxy.pid, directory,
                                           lambda: self.loader.run(proxy.port, scenario.load, 0, self.seconds))
        units = scenario.units(result["good"])
        seen["syscalls"] = sum(counts.values()) / units
        seen["syscalls_by_name"] = {name: count / units for name, count in sorted(counts.items(), key=lambda i: -i[1])[:8]}
        if self.instructions:
            seen["instructions"] = self._instructions(scenario, proxy)

    def _instructions(self, scenario, proxy):
        pids = ",".join(str(pid) for pid in tree(proxy.pid))
        perf = subprocess.Popen(["perf", "stat", "-x,", "-e", "instructions:u", "-p", pids], stderr=subprocess.PIPE, text=True,
                                preexec_fn=on_core(1))
        result = self.loader.run(proxy.port, scenario.load, 0, self.seconds)
        perf.send_signal(2)
        found = re.search(r"^(\d+),", perf.communicate()[1], re.MULTILINE)
        return int(found.group(1)) / scenario.units(result["good"]) if found else None

    def _allocations(self, scenario, name):
        """Per request, of a process of its own with a counting malloc; None where it does not use the C library's."""
        with tempfile.TemporaryDirectory(prefix="weir-bench-") as directory:
            counter, page = os.path.join(directory, "count.so"), os.path.join(directory, "count")
            subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", counter,
                            os.path.join(ROOT, "tools", "figures.d", "count_malloc.c")], check=True)
            with open(page, "wb") as file:
                file.write(bytes(8))
            # Workers that are not root count too.
            os.chmod(directory, 0o755)
            os.chmod(page, 0o666)
            proxy = start(name, scenario.setting, self.world, dict(os.environ, LD_PRELOAD=counter, WEIR_COUNT_FILE=page))
            try:
                return self._count(scenario, proxy, page)
            finally:
                proxy.close()

    def _count(self, scenario, proxy, page):
        def counted():
            with open(page, "rb") as file:
                return struct.unpack("Q", file.read())[0]
        # Until every pool is as large as it gets.
        self.loader.run(proxy.port, scenario.load, 0, 0.5)
        before = counted()
        result = self.loader.run(proxy.port, scenario.load, 0, self.seconds)
        return (counted() - before) / scenario.units(result["good"]) if before > 0 and result["good"] else None

    @staticmethod
    def _ratios(seen):
        """Each one's CPU to that of nginx and haproxy in the same round."""
        for values in seen.values():
            values["cpu_us"] = statistics.median(r["cpu_us"] for r in values["rounds"])
            values["rps"] = statistics.median(r["rps"] for r in values["rounds"])
        for peer in ("nginx", "haproxy", "nghttpx"):
            if peer not in seen:
                continue
            for values in seen.values():
                pairs = [mine["cpu_us"] / theirs["cpu_us"] for mine, theirs in zip(values["rounds"], seen[peer]["rounds"])]
                values.setdefault("ratio", {})[peer] = {"min": min(pairs), "median": statistics.median(pairs),
                                                        "max": max(pairs)}


def cross_check(world, loader, say):
    """The same traffic by wrk and h2load: what they count per second, beside ours."""
    from scenarios import BY_NAME
    found = {}
    for name, line in (("h1_small", ["wrk", "-t1", "-c64", "-d3s", "http://127.0.0.1:%d/100"]),
                       ("h2_h1", ["h2load", "-D", "3", "--warm-up-time=1", "-c10", "-m32", "http://127.0.0.1:%d/100"])):
        scenario = BY_NAME[name]
        proxy = start("weir", scenario.setting, world)
        try:
            ours = loader.run(proxy.port, scenario.load, 0.5, 3)
            line = [word % proxy.port if "%d" in word else word for word in line]
            before, good = cpu_us(proxy.pid), None
            out = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True, timeout=60, preexec_fn=on_core(1)).stdout
            good = re.search(r"Requests/sec:\s+([\d.]+)|finished in [\d.]+\w+, ([\d.]+) req/s", out)
            del before
            found[name] = {"weir_load_rps": ours["good"] / ours["seconds"], line[0] + "_rps": float(good.group(1) or good.group(2))}
        finally:
            proxy.close()
        say("%-12s %s" % ("cross-check", ", ".join("%s %.0f" % item for item in found[name].items())))
    return found
