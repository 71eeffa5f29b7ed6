#!/usr/bin/python3
"""The bench suite when things go wrong, and what it concludes from numbers."""

import json
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
if "TEST_SRCDIR" in os.environ:
    ROOT = os.path.join(os.environ["TEST_SRCDIR"], os.environ["TEST_WORKSPACE"])
else:
    ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "bench", "suite"))

import charts  # noqa: E402
import peers  # noqa: E402
import plan  # noqa: E402
import targets  # noqa: E402
from contest import Contest  # noqa: E402
from load_part import LoadPart, to_best  # noqa: E402
from notes import Notes  # noqa: E402
from report import Report, summary  # noqa: E402
from scenarios import BY_NAME, SCENARIOS  # noqa: E402
from world import BenchError, Loader, Origin  # noqa: E402

H1 = BY_NAME["h1_small"]


def program(path):
    return os.path.join(ROOT, path)


def quiet(_):
    pass


class Pace:
    rounds, warm, seconds, deep, latency_rounds, latency_seconds = 2, 0, 0.2, False, 1, 0.2


def broken(command):
    """A peer that listens for a moment at most."""
    def peer(setting, world, port, directory):
        del setting, world, directory
        return ["python3", "-c", command % port]
    return peer


LISTEN = "import os,socket,signal;s=socket.create_server(('127.0.0.1',%d));"
DIES = LISTEN + "c=s.accept();c=s.accept();os.kill(os.getpid(),signal.SIGSEGV)"
REFUSES = LISTEN + "[s.accept()[0].close() for i in iter(int,1)]"
ENDS = "import sys;sys.exit('no listening on %d today')"


class WithPeers(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="weir-bench-")
        self.addCleanup(folder.cleanup)
        self.directory = folder.name
        self.loader, self.origin = Loader(program("bench/load/load")), Origin(program("bench/load/origin"))
        self.addCleanup(self.origin.close)
        self.world = peers.World(program("source/server/weir"), self.origin, (None, None), self.directory)
        self.notes = Notes(quiet)

    def add_peer(self, name, command):
        peers.PEERS[name] = broken(command)
        self.addCleanup(peers.PEERS.pop, name)

    def run_scenario(self, names):
        return LoadPart(self.world, self.loader, Pace, None, self.notes, quiet).run(H1, names)

    def test_a_peer_that_dies_is_a_gap_and_the_others_are_measured(self):
        self.add_peer("dies", DIES)
        seen = self.run_scenario(["weir", "dies"])
        self.assertEqual(self.notes.failures, [])
        self.assertIn("dies ended with signal 11 (SIGSEGV) in h1_small", self.notes.gaps[0])
        self.assertEqual(seen["dies"]["rounds"], [None, None])
        self.assertIsNone(seen["dies"]["cpu_us"])
        self.assertEqual(len([each for each in seen["weir"]["rounds"] if each["requests"] > 0]), 2)
        self.assertGreater(seen["weir"]["cpu_us"], 0)
        self.assertGreater(seen["weir"]["latency"]["p99"]["median"], 0)

    def test_a_peer_that_refuses_or_does_not_start_is_a_gap(self):
        self.add_peer("refuses", REFUSES)
        self.add_peer("ends", ENDS)
        seen = self.run_scenario(["weir", "refuses", "ends"])
        self.assertEqual(self.notes.failures, [])
        self.assertNotIn("ends", seen)
        self.assertTrue(any(gap.startswith("ends did not start") and "today" in gap for gap in self.notes.gaps), self.notes.gaps)
        self.assertTrue(any("left out from then on" in gap for gap in self.notes.gaps), self.notes.gaps)
        self.assertEqual(seen["refuses"]["rounds"], [None, None])

    def test_weir_that_fails_is_a_failure(self):
        self.world.weir = "/nonexistent/weir"
        self.assertEqual(self.run_scenario(["weir"]), {})
        self.assertTrue(self.notes.failures)

    def test_a_peer_that_failed_once_is_started_again(self):
        with Contest("this", H1.setting, ["weir"], self.world, self.notes) as contest:
            def fail(proxy):
                raise BenchError("nothing came")
            first = contest.proxy("weir").pid
            self.assertIsNone(contest.attempt("weir", fail))
            self.assertNotEqual(contest.attempt("weir", lambda proxy: proxy.pid), first)
        self.assertEqual(self.notes.failures, ["weir failed: nothing came in this"])


def measured(ratio, peer):
    return {"weir": {"rounds": [], "cpu_us": 1, "rps": 1, "ratio": {peer: dict(zip(("median", "min", "max", "rounds"), ratio))}}}


class Conclusions(unittest.TestCase):

    def test_verdicts(self):
        for ratio, word in (((0.8, 0.7, 0.85, 5), "yes"), ((0.84, 0.7, 0.9, 5), "yes (not in all rounds)"), ((0.9, 0.8, 1, 5), "**no**")):
            found = targets.verdicts({"load": {"h1_small": measured(ratio, "nginx")}})
            self.assertEqual([verdict.word for verdict in found], [word])
        found = targets.verdicts({"load": {}, "memory": {"h1": {"weir": {"kib": 0.6}}, "h2": {}}})
        self.assertEqual([(v.measured, v.word) for v in found], [("0.60", "**no**"), ("–", "not measured")])

    def test_the_plan_keeps_its_time(self):
        for quick, minutes in ((True, 3), (False, 30)):
            names = ["weir", "haproxy", "nginx", "nghttpx"] + ([] if quick else ["caddy", "go"])
            entries = {s.name: names for s in SCENARIOS if s.quick or not quick}
            pace = plan.Pace(quick, 0, entries, ["micro", "capacity", "honesty"])
            self.assertGreaterEqual(pace.rounds, 5)
            self.assertLess(pace.expected(), minutes * 60)

    def test_p99_to_the_best_is_that_of_the_usual_window(self):
        def rounds(*windows):
            return [each and {"windows_p99": each} for each in windows]
        # A machine that stood still in one window of each says nothing of either.
        self.assertEqual({"median": 2, "min": 0.1, "max": 2, "rounds": 2},
                         to_best(rounds([20, 200, 20], [20]), [rounds([10, 900, 10, 10], [200])]))
        self.assertEqual(0.5, to_best(rounds([10], [10]), [rounds([40], [40]), rounds([20, 20], None)])["median"])
        self.assertIsNone(to_best(rounds([10]), []))
        self.assertIsNone(to_best(rounds([10]), [rounds(None)]))

    def test_labels_are_apart(self):
        places = charts._apart([10, 11, 50, 10], 14)
        in_order = sorted(places.values())
        self.assertTrue(all(b - a >= 14 for a, b in zip(in_order, in_order[1:])), places)

    def test_a_report_of_what_there_is(self):
        data = {"machine": {"cpu": "c", "cores": 2, "memory_gib": 4, "kernel": "k", "load_at_start": 0}, "complete": False, "seconds": 1,
                "built": {"how": "so", "compiler": "c", "mib": 1}, "versions": {"weir": "1"}, "gaps": ["a gap"], "failures": [],
                "plan": {"rounds": 5, "seconds": 1, "latency_rounds": 3, "latency_seconds": 1}, "itself": None, "stall": None,
                "load": {"h1_small": {"weir": {"rounds": [None], "cpu_us": None, "rps": None, "ratio": {}}}}}
        with tempfile.TemporaryDirectory() as directory:
            with open(Report(directory).write(data)) as file:
                text = file.read()
            with open(os.path.join(directory, "results.json")) as file:
                self.assertEqual(json.load(file)["gaps"], ["a gap"])
        self.assertTrue(summary(data)[0].startswith("On c, 2 cores, kernel k, "))
        self.assertIn("Not complete", text)
        self.assertIn("- a gap", text)
        self.assertIn("### h1_small", text)


if __name__ == "__main__":
    unittest.main()
