#!/usr/bin/python3
"""The load generator and the origin of the bench suite, with and without weir between them."""

import json
import os
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
from proxy_config import proxy  # noqa: E402
from weir_process import Weir, runfile  # noqa: E402

TRAFFIC = {
    "http1": ["--path", "/100"],
    "http1_post": ["--path", "/echo", "--body", "16384", "--response", "16384"],
    "http1_large": ["--path", "/1048576", "--response", "1048576"],
    "reconnect": ["--path", "/100", "--reconnect"],
    "http2": ["--traffic", "http2", "--streams", "8"],
    "grpc": ["--traffic", "grpc", "--path", "/bench.Echo/Call", "--streams", "8", "--body", "100", "--response", "105"],
    "tcp": ["--traffic", "tcp"],
    "tcp_large": ["--traffic", "tcp", "--response", "1048576"],
    "websocket": ["--traffic", "websocket"],
}


class Origin:

    def __enter__(self):
        self.process = subprocess.Popen([runfile("bench/load/origin")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        words = self.process.stdout.readline().split()
        self.http, self.raw = int(words[1]), int(words[3])
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(60)


def load(port, *options):
    line = [runfile("bench/load/load"), "--to", "127.0.0.1:%d" % port, "--connections", "4", "--warm", "0.1", "--seconds", "0.4"]
    return json.loads(subprocess.run([*line, *options], stdout=subprocess.PIPE, text=True, check=True, timeout=120).stdout)


class LoadTest(unittest.TestCase):

    def assert_all_good(self, result):
        self.assertGreater(result["good"], 0, result)
        self.assertEqual((result["failed"], result["unanswered"]), (0, 0), result)
        self.assertGreater(result["p50_ns"], 0)
        self.assertLessEqual(result["p50_ns"], result["p99.99_ns"])

    def test_every_kind_of_traffic_is_answered(self):
        with Origin() as origin:
            for name, options in TRAFFIC.items():
                with self.subTest(name):
                    self.assert_all_good(load(origin.raw if name.startswith("tcp") else origin.http, *options))

    def test_through_weir(self):
        with Origin() as origin:
            port, configuration = proxy(origin.http)
            with Weir(configuration):
                for name in ("http1", "http1_post", "reconnect", "http2"):
                    with self.subTest(name):
                        self.assert_all_good(load(port, *TRAFFIC[name]))

    def test_a_rate_gives_as_many_requests(self):
        with Origin() as origin:
            result = load(origin.http, "--rate", "500", "--seconds", "1")
            self.assert_all_good(result)
            self.assertAlmostEqual(result["good"], 500, delta=1)
            self.assertEqual(len(result["windows_p99_ns"]), 10)
            self.assertEqual(len(load(origin.http, "--rate", "500", "--seconds", "0.25")["windows_p99_ns"]), 3)
            self.assertLessEqual(max(result["windows_p99_ns"]), result["max_ns"])
            self.assertGreaterEqual(max(result["windows_p99_ns"]), result["p99_ns"])
            self.assertNotIn("windows_p99_ns", load(origin.http))

    def test_an_answer_of_another_length_is_a_failure(self):
        with Origin() as origin:
            result = load(origin.http, "--path", "/99")
            self.assertEqual(result["good"], 0)
            self.assertGreater(result["failed"], 0)

    def test_a_request_that_is_held_ends_with_its_connection(self):
        with Origin() as origin:
            for path, answered in (("/hold", b""), ("/100", b"HTTP/1.1 200")):
                with socket.create_connection(("127.0.0.1", origin.http), timeout=60) as held:
                    held.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
                    if answered:
                        self.assertTrue(held.recv(100).startswith(answered))
                    else:
                        held.shutdown(socket.SHUT_WR)
                        self.assertEqual(held.recv(100), b"")
            self.assert_all_good(load(origin.http, *TRAFFIC["http1"]))

    def test_bad_options(self):
        for options in (["--to", "nowhere"], [], ["--to", "127.0.0.1:1", "--traffic", "pigeon"]):
            done = subprocess.run([runfile("bench/load/load"), *options], stderr=subprocess.PIPE, text=True, timeout=60)
            self.assertEqual(done.returncode, 2)
            self.assertIn("Usage: load", done.stderr)


if __name__ == "__main__":
    unittest.main()
