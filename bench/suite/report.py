"""One page of markdown, the raw numbers, and charts."""

import json
import os
import time

import charts
from scenarios import BY_NAME


def _table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows] + [""]


def _number(value, digits=2):
    return "–" if value is None else "%.*f" % (digits, value)


def _ratio(values, peer):
    ratio = values.get("ratio", {}).get(peer)
    return "–" if ratio is None else "%.2f (%.2f–%.2f)" % (ratio["median"], ratio["min"], ratio["max"])


class Report:

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)

    def write(self, data):
        with open(os.path.join(self.directory, "results.json"), "w") as file:
            json.dump(data, file, indent=1)
        lines = ["# Bench report", ""] + self._conditions(data)
        for part in (self._load, self._latency, self._details, self._capacity, self._honesty, self._micro):
            lines += part(data)
        path = os.path.join(self.directory, "report.md")
        with open(path, "w") as file:
            file.write("\n".join(lines) + "\n")
        return path

    def _chart(self, name, svg):
        with open(os.path.join(self.directory, name + ".svg"), "w") as file:
            file.write(svg)
        return ["![%s](%s.svg)" % (name, name), ""]

    @staticmethod
    def _conditions(data):
        machine = data["machine"]
        lines = ["%s. %s, %d cores, kernel %s; load of the machine at the start %.1f. The proxy has core 0 and one worker; the load "
                 "generator and the origin share core 1." % (time.strftime("%Y-%m-%d %H:%M"), machine["cpu"], machine["cores"],
                                                            machine["kernel"], machine["load_at_start"]), ""]
        return lines + ["- %s: %s" % item for item in data["versions"].items()] + [""]

    def _load(self, data):
        rows, groups = [], []
        for name, seen in data["load"].items():
            scenario = BY_NAME[name]
            bars = []
            for peer, values in seen.items():
                rows.append([name, peer, _number(values["cpu_us"]), _ratio(values, "nginx"), _ratio(values, "haproxy"),
                             _number(values["rps"], 0), _number(values.get("syscalls")), _number(values.get("instructions"), 0),
                             _number(values.get("allocations"), 3), _number(values.get("peak_mib"), 1)])
                base = values.get("ratio", {}).get("nginx") or values.get("ratio", {}).get("haproxy")
                if base:
                    bars.append((peer, base["median"], base["min"], base["max"]))
            groups.append((name, bars))
            del scenario
        lines = ["## Load", "", "CPU is that of the proxy's process tree, per request (per MiB for `h1_1m` and `tcp_1m`). Ratios are to "
                 "nginx and haproxy in the same round: median (least–most).", ""]
        lines += _table(["scenario", "proxy", "CPU µs", "to nginx", "to haproxy", "requests/s", "syscalls", "instructions (user)",
                         "allocations", "peak MiB"], rows)
        lines += self._chart("cpu", charts.bars("CPU per request, nginx (else haproxy) = 1", groups, ""))
        return lines + self._targets(data)

    @staticmethod
    def _targets(data):
        rows = []
        for name, seen in data["load"].items():
            for peer, bound in BY_NAME[name].targets:
                ratio = seen["weir"].get("ratio", {}).get(peer)
                if ratio:
                    rows.append([name, "%.2f × %s" % (bound, peer), "%.2f" % ratio["median"],
                                 "yes" if ratio["median"] <= bound else "no"])
        return (["### Targets", ""] + _table(["scenario", "at most", "seen", "met"], rows)) if rows else []

    def _latency(self, data):
        rows, lines = [], []
        for name, seen in data["load"].items():
            measured = {peer: values["latency"] for peer, values in seen.items() if "latency" in values}
            for peer, values in measured.items():
                rows.append([name, peer, _number(values["rate"], 0)] +
                            [_number(values.get(p), 0) for p in ("p50", "p90", "p99", "p99.9", "p99.99")])
            if measured:
                lines += self._chart("latency_" + name, charts.percentiles("%s: latency at %.0f requests/s" % (
                    name, next(iter(measured.values()))["rate"]), measured))
        if not rows:
            return []
        return ["## Latency", "", "Open loop at half of what the slowest contender can do, the same rate for each; microseconds from when a "
                "request was due, so that a stall counts for everything that it delays.", ""] + _table(
                    ["scenario", "proxy", "rate", "p50", "p90", "p99", "p99.9", "p99.99"], rows) + lines

    @staticmethod
    def _details(data):
        rows = [[name, peer, ", ".join("%s %.3f" % item for item in values["syscalls_by_name"].items())]
                for name, seen in data["load"].items() for peer, values in seen.items() if "syscalls_by_name" in values]
        return (["## System calls", ""] + _table(["scenario", "proxy", "per request"], rows)) if rows else []

    def _capacity(self, data):
        if "memory" not in data:
            return []
        rows = [[kind, name, "%.2f" % value["kib"], value["connections"], "%.1f" % value["start_mib"]]
                for kind, found in data["memory"].items() for name, value in found.items()]
        lines = ["## Capacity", ""] + _table(["idle connections", "proxy", "KiB each (PSS)", "connections", "MiB before"], rows)
        groups = [(kind, [(name, value["kib"], value["kib"], value["kib"]) for name, value in found.items()])
                  for kind, found in data["memory"].items()]
        lines += self._chart("memory", charts.bars("KiB per idle connection", groups, " KiB"))
        return lines + _table(["clusters and routes", "workers", "ms to the first answer", "MiB (PSS)"],
                              [[row["clusters_and_routes"], row["workers"], "%.0f" % (row["seconds"] * 1000), "%.1f" % row["pss_mib"]]
                               for row in data["growth"]])

    @staticmethod
    def _honesty(data):
        stall, same = data["stall"], data["itself"]
        return ["## Honesty", "",
                "- A stop of 100 ms in an open loop of %d/s: p99.9 is %.1f ms, %.1f ms without it (%s)." % (
                    stall["rate"], stall["stalled_p99.9_ms"], stall["calm_p99.9_ms"],
                    "visible" if stall["visible"] else "NOT VISIBLE: do not believe the latencies"),
                "- weir to weir: %.3f (%.3f–%.3f) over %d rounds (%s)." % (
                    same["median"], same["min"], same["max"], same["rounds"],
                    "1.00 within the noise" if same["one_within_noise"] else "NOT 1.00: do not believe the ratios")] + [
                "- %s: %s." % (name, ", ".join("%s %.0f" % item for item in values.items()))
                for name, values in data.get("cross_check", {}).items()] + [""]

    @staticmethod
    def _micro(data):
        rows = [[program, case, "%.1f" % nanoseconds] for program, cases in data.get("micro", {}).items()
                for case, nanoseconds in cases.items()]
        return (["## Micro", ""] + _table(["program", "case", "ns of CPU"], rows)) if rows else []
