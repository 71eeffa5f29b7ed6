"""What weir wants to reach, and whether a run shows it."""

from load_part import spread
from scenarios import BY_NAME

# KiB of PSS per idle connection: what nginx, HAProxy or OpenSSL make of it at best on machines of this kind.
MEMORY = {"h1": 0.53, "h2": 6.2, "tls": 14, "tcp": 3}
NAMES = {"h1": "HTTP/1", "h2": "HTTP/2", "tls": "TLS", "tcp": "TCP relay"}
START_SECONDS = 1
# p99 of the usual tenth of a second, to the best peer.
LATENCY = 1.0


class Verdict:
    """`seen` is a spread (median, min, max); `met` None where it was not measured."""

    def __init__(self, what, bound, text, seen, digits=2):
        self.what, self.bound, self.text, self.seen, self.digits = what, bound, text, seen, digits

    @property
    def met(self):
        return None if self.seen is None else self.seen["median"] <= self.bound

    @property
    def word(self):
        if self.seen is None:
            return "not measured"
        if not self.met:
            return "**no**"
        return "yes" if self.seen["max"] <= self.bound else "yes (not in all rounds)"

    @property
    def measured(self):
        if self.seen is None:
            return "–"
        numbers = ["%.*f" % (self.digits, self.seen[key]) for key in ("median", "min", "max")]
        return numbers[0] if self.seen["rounds"] < 2 else "%s [%s..%s]" % tuple(numbers)


def verdicts(data):
    """One for each target of what was asked to be measured."""
    return _cpu(data) + _latency(data) + _memory(data) + _start(data)


def _cpu(data):
    found = []
    for name, seen in data.get("load", {}).items():
        for peer, bound in BY_NAME[name].targets:
            ratio = seen.get("weir", {}).get("ratio", {}).get(peer)
            peer = "weir without all that" if peer == "bare" else peer
            unit = "MiB" if BY_NAME[name].unit == "MiB" else "request"
            found.append(Verdict("%s: CPU per %s" % (name, unit), bound, "%.2f × %s" % (bound, peer), ratio))
    return found


def _latency(data):
    return [Verdict("%s: usual p99 at half the knee" % name, LATENCY, "%.2f × best peer" % LATENCY, latency["p99_to_best"])
            for name, seen in data.get("load", {}).items()
            for latency in [seen.get("weir", {}).get("latency")] if latency and latency["p99_to_best"]]


def _memory(data):
    return [Verdict("memory of an idle %s connection" % NAMES[kind], MEMORY[kind], "%g KiB" % MEMORY[kind],
                    spread([found["weir"]["kib"]] if "weir" in found else []))
            for kind, found in (data.get("memory") or {}).items()]


def _start(data):
    return [Verdict("start with 10,000 clusters and routes, %d worker%s" % (row["workers"], "s" if row["workers"] > 1 else ""), START_SECONDS,
                    "%g s" % START_SECONDS, row["seconds"])
            for row in data.get("growth") or [] if row["clusters_and_routes"] == 10000]
