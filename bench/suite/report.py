"""One page of markdown, the raw numbers as JSON, and charts. Written anew after every scenario, so that a run that is
interrupted leaves what it has."""

import glob
import json
import os
import time

import charts
from load_part import POINTS
from scenarios import BY_NAME
from targets import NAMES, verdicts


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows] + [""]


def _number(value, digits=2):
    return "–" if value is None else "{:,.{}f}".format(value, digits)


def _spread(value, digits=2):
    if value is None:
        return "–"
    if value["rounds"] < 2:
        return _number(value["median"], digits)
    return "%s [%s..%s]" % tuple(_number(value[key], digits) for key in ("median", "min", "max"))


def verdict_table(data):
    found = verdicts(data)
    if not found:
        return []
    met = sum(1 for verdict in found if verdict.met)
    return ["%d of %d targets are met. A ratio is weir's to the peer's in the same round: median [least..most] of the rounds." % (
        met, len(found)), ""] + table(["target", "at most", "measured", "met"],
                                      [[v.what, v.text, v.measured, v.word] for v in found])


def summary(data):
    """The table of targets and what it was measured on, to be pasted into a page."""
    machine, same = data["machine"], data.get("itself")
    noise = "; weir against itself %.2f [%.2f..%.2f]" % (same["median"], same["min"], same["max"]) if same else ""
    return ["On %s, %d cores, kernel %s, %s (%s)%s:" % (
        machine["cpu"], machine["cores"], machine["kernel"], time.strftime("%Y-%m-%d"), data["built"]["how"], noise),
            ""] + verdict_table(data)


def conditions(data):
    machine, made = data["machine"], data["built"]
    lines = ["- Machine: %s, %d cores, %.0f GiB, kernel %s." % (machine["cpu"], machine["cores"], machine["memory_gib"], machine["kernel"]),
             "- Load of the machine at the start %.1f%s." % (machine["load_at_start"], "" if machine.get("others") is None else
                                                            "; during the run other processes used %.0f %% of it" % (100 * machine["others"])),
             "- weir: %s; %s; %.1f MiB." % (made["how"], made["compiler"], made["mib"]),
             "- Versions: " + "; ".join("%s: %s" % item for item in data["versions"].items()) + ".",
             "- The proxy has core 0 and one worker. The load generator and the origin share core 1, so requests per second end where that "
             "core is full: compare CPU per request."]
    plan = data["plan"]
    lines.append("- %d rounds of %.1f s and, of open loops, %d of %.1f s." % (
        plan["rounds"], plan["seconds"], plan["latency_rounds"], plan["latency_seconds"]))
    same = data.get("itself")
    if same:
        lines.append("- Noise: weir against itself is %.3f [%.3f..%.3f] (%s)." % (
            same["median"], same["min"], same["max"],
            "1.00 within that" if same["one_within_noise"] else "NOT 1.00: do not believe the ratios"))
    return lines + [""]


class Report:

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        for old in glob.glob(os.path.join(directory, "*.svg")):
            os.unlink(old)

    def write(self, data):
        with open(os.path.join(self.directory, "results.json"), "w") as file:
            json.dump(data, file, indent=1)
        lines = ["# Bench report", "", time.strftime("%Y-%m-%d %H:%M") + ", after %.0f s." % data["seconds"], ""]
        if not data["complete"]:
            lines += ["**Not complete: the run was interrupted, or still runs.**", ""]
        lines += self._problems("Failures", data["failures"]) + ["## Targets", ""] + verdict_table(data)
        lines += ["## Conditions", ""] + conditions(data) + self._problems("Gaps", data["gaps"])
        for part in (self._load, self._latency, self._scenarios, self._capacity, self._honesty, self._micro):
            lines += part(data)
        path = os.path.join(self.directory, "report.md")
        with open(path + ".new", "w") as file:
            file.write("\n".join(lines) + "\n")
        os.replace(path + ".new", path)
        return path

    @staticmethod
    def _problems(title, texts):
        return ["## " + title, ""] + ["- " + text for text in texts] + [""] if texts else []

    def _chart(self, name, svg):
        with open(os.path.join(self.directory, name + ".svg"), "w") as file:
            file.write(svg)
        return ["![%s](%s.svg)" % (name, name), ""]

    def _load(self, data):
        groups = []
        for name, seen in data["load"].items():
            mark = next((peer for peer in ("nginx", "haproxy", "nghttpx") if seen.get(peer, {}).get("ratio", {}).get(peer)), None)
            if mark:
                rows = [(peer, values["ratio"][mark]) for peer, values in seen.items() if values["ratio"].get(mark)]
                groups.append((name, [(peer, ratio["median"], ratio["min"], ratio["max"]) for peer, ratio in rows]))
        if not groups:
            return []
        return ["## CPU per request", "", "Of the proxy's process tree; the dashed line is nginx (HAProxy where nginx cannot do it). Shorter "
                "is better; thin lines are least and most of the rounds.", ""] + self._chart(
                    "cpu", charts.bars("CPU per request, as a ratio in the same round", groups, most=3, mark=1))

    def _latency(self, data):
        rows, lines = [], []
        for name, seen in data["load"].items():
            measured = {peer: values["latency"] for peer, values in seen.items() if "latency" in values}
            for peer, values in measured.items():
                rows.append([name, peer, _number(values["rate"], 0), _number(values["requests"], 0)] +
                            [_number(values[point]["median"], 0) for point in POINTS] +
                            [_number(values["usual_p99"], 0), _spread(values["p99_to_best"])])
            if measured:
                rate = next(iter(measured.values()))["rate"]
                lines += self._chart("latency_" + name, charts.percentiles("%s: latency at %.0f requests/s" % (name, rate), {
                    peer: {point: values[point]["median"] for point in POINTS} for peer, values in measured.items()}))
        if not rows:
            return []
        return ["## Latency", "", "Open loop at half of what the slowest of them can do, the same rate for each; microseconds from when a "
                "request was due, so that a stall counts for everything that it delays. Medians of the rounds; then the median of the p99 of each "
                "tenth of a second, and that as a ratio to the best other one [least..most of a round].", ""] + table(
                    ["scenario", "proxy", "rate", "requests", *POINTS, "usual p99", "to best"], rows) + lines

    @staticmethod
    def _scenarios(data):
        lines = ["## Scenarios", ""] if data["load"] else []
        for name, seen in data["load"].items():
            scenario = BY_NAME[name]
            lines += ["### %s" % name, "", "%s. Per %s." % (scenario.text[0].upper() + scenario.text[1:], scenario.unit), ""]
            marks = [mark for mark in ("nginx", "haproxy", "nghttpx", "bare") if mark in seen]
            rows = [[peer, _number(values["cpu_us"]), *[_spread(values["ratio"].get(mark)) for mark in marks], _number(values["rps"], 0),
                     _number(values.get("syscalls")), _number(values.get("instructions"), 0), _number(values.get("allocations")),
                     _number(values.get("peak_mib"), 1)] for peer, values in seen.items()]
            lines += table(["proxy", "CPU µs", *["CPU to " + mark for mark in marks], "requests/s", "system calls", "instructions",
                            "allocations", "peak MiB"], rows)
            calls = ["- %s: %s" % (peer, ", ".join("%s %.2f" % item for item in values["syscalls_by_name"].items() if item[1] >= 0.005))
                     for peer, values in seen.items() if "syscalls_by_name" in values]
            lines += calls + [""] if calls else []
        return lines

    def _capacity(self, data):
        lines = []
        if data.get("memory"):
            rows = [[NAMES[kind], name, _number(value["kib"]), "{:,}".format(value["connections"]), _number(value["active_kib"]),
                     _number(value["start_mib"], 1)]
                    for kind, found in data["memory"].items() for name, value in found.items()]
            lines += ["## Capacity", "", "Proportional set size. An active connection has a request under way that is not answered, and one to "
                      "the origin.", ""]
            lines += table(["connections", "proxy", "KiB idle", "of them", "KiB active", "MiB before"], rows)
            groups = [(NAMES[kind], [(name, value["kib"], value["kib"], value["kib"]) for name, value in found.items()])
                      for kind, found in data["memory"].items()]
            lines += self._chart("memory", charts.bars("KiB per idle connection", groups, " KiB"))
        if data.get("growth"):
            lines += ["## Start", "", "Until the last of the routes has answered a request: median [least..most] of the starts.", ""]
            lines += table(["clusters and routes", "workers", "ms", "MiB (PSS)"],
                           [["{:,}".format(row["clusters_and_routes"]), row["workers"], _spread({key: value if key == "rounds" else value * 1000 for key, value in row["seconds"].items()}, 0),
                             "%.1f" % row["pss_mib"]] for row in data["growth"]])
        return lines

    @staticmethod
    def _honesty(data):
        lines, stall, same = [], data.get("stall"), data.get("itself")
        if stall:
            lines.append("- A stop of 100 ms in an open loop of %d/s: p99.9 is %.1f ms, %.1f ms without it (%s)." % (
                stall["rate"], stall["stalled_p99.9_ms"], stall["calm_p99.9_ms"],
                "visible" if stall["visible"] else "NOT VISIBLE: do not believe the latencies"))
        if same:
            lines.append("- weir to weir: %.3f [%.3f..%.3f] over %d rounds (%s)." % (
                same["median"], same["min"], same["max"], same["rounds"],
                "1.00 within the noise" if same["one_within_noise"] else "NOT 1.00: do not believe the ratios"))
        for name, values in (data.get("cross_check") or {}).items():
            lines.append("- %s through weir: %.0f requests/s by our load generator, %.0f by %s." % (
                name, values["ours"], values["theirs"], values["tool"]))
        return ["## Honesty", ""] + lines + [""] if lines else []

    @staticmethod
    def _micro(data):
        rows = [[case, program.removesuffix("_benchmark"), _number(nanoseconds, 1 if nanoseconds < 1e5 else 0)]
                for program, cases in (data.get("micro") or {}).items() for case, nanoseconds in cases.items()]
        return (["## Micro", ""] + table(["case", "program", "ns of CPU"], rows)) if rows else []
