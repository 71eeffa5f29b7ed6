#!/usr/bin/python3
"""Pools of upstream connections over several workers: limits that hold for all of them, and what they share."""

import threading
import unittest

from proxy_config import any_of, file_log, proxy
from weir_process import Weir, cases, wait_until
from wire import Client, Origin, fetch, response

WORKERS = ["--concurrency", "4"]
PENDING = "weir.extensions.upstreams.pending_requests.v1.PendingRequests"


class Gauge:
    """How many are inside at once, and the most that ever were."""

    def __init__(self):
        self._lock = threading.Lock()
        self.now = self.most = 0

    def __enter__(self):
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_):
        with self._lock:
            self.now -= 1


def thresholds(**limits):
    return {"circuit_breakers": {"thresholds": [dict(limits, track_remaining=True)]}}


def storm(port, clients, requests, passed=0):
    """The statuses that many clients get that all ask as fast as they can, and until each was let pass so often."""
    statuses = []

    def ask():
        mine = []
        with Client(port) as client:
            while len(mine) < requests or mine.count((200, None)) < passed and len(mine) < 1000 * requests:
                answer = client.get()
                mine.append((answer.status, answer.get("x-envoy-overloaded")))
        statuses.extend(mine)
    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


class Limits(unittest.TestCase):

    def test_never_more_requests_than_the_limit_over_all_workers(self):
        inside, pause = Gauge(), threading.Event()

        def answer(_):
            with inside:
                pause.wait(0.002)
            return response()
        with Origin(answer) as origin:
            port, configuration = proxy(origin.port, cluster_options=thresholds(max_requests=3))
            with Weir(configuration, WORKERS) as weir:
                statuses = storm(port, 16, 40, passed=3)
                self.assertEqual(3, inside.most)
                self.assertEqual({(200, None), (503, "true")}, set(statuses))
                self.assertGreater(statuses.count((200, None)), 40)
                breaker = "cluster.origin.circuit_breakers.default."
                weir.wait_stat(breaker + "remaining_rq", 3)
                weir.wait_stat(breaker + "rq_open", 0)
                weir.wait_stat("cluster.origin.upstream_rq_active", 0)

    def test_never_more_connections_than_the_limit_over_all_workers(self):
        inside = Gauge()

        def serve(wire):
            with inside:
                while True:
                    wire.request()
                    wire.send(response())
        with Origin(serve=serve) as origin:
            port, configuration = proxy(origin.port, cluster_options=thresholds(max_connections=3))
            with Weir(configuration, WORKERS) as weir:
                storm(port, 16, 40)
                self.assertLessEqual(inside.most, 3)
                stats = weir.stats()
                open_now = stats["cluster.origin.upstream_cx_active"] + stats["cluster.origin.upstream_cx_left_idle"]
                self.assertEqual(3 - open_now, stats["cluster.origin.circuit_breakers.default.remaining_cx"])
                self.assertEqual(open_now == 3, stats["cluster.origin.circuit_breakers.default.cx_open"] == 1)

    def test_what_is_left_and_what_is_open_is_shown(self):
        release = threading.Event()

        def answer(_):
            release.wait(60)
            return response()
        with Origin(answer) as origin:
            port, configuration = proxy(origin.port, cluster_options=thresholds(max_requests=1, max_connections=9))
            with Weir(configuration, WORKERS) as weir, Client(port) as client:
                client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                weir.wait_stat("cluster.origin.circuit_breakers.default.rq_open", 1)
                text = weir.admin("/clusters")[2]
                for line in ("max_requests::1", "max_connections::9", "rq_open::1", "remaining_rq::0", "remaining_cx::8"):
                    self.assertIn("origin::default_priority::" + line + "\n", text)
                release.set()
                self.assertEqual(200, client.response().status)
                weir.wait_stat("cluster.origin.circuit_breakers.default.rq_open", 0)
                self.assertIn("origin::default_priority::remaining_rq::1\n", weir.admin("/clusters")[2])

    def test_who_waits_too_long_for_a_connection_is_told(self):
        release = threading.Event()

        def answer(_):
            release.wait(60)
            return response()
        options = dict(thresholds(max_connections=1), typed_extension_protocol_options={
            PENDING: any_of("type.googleapis.com/" + PENDING, timeout="0.2s")})
        with Origin(answer) as origin:
            log = file_log("access.log", text_format_source={"inline_string": "%RESPONSE_CODE% %RESPONSE_FLAGS%\n"})
            port, configuration = proxy(origin.port, cluster_options=options, access_log=[log])
            with Weir(configuration, ["--concurrency", "1"]) as weir, Client(port) as client:
                client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                weir.wait_stat("cluster.origin.upstream_rq_active", 1)
                late = fetch(port)
                self.assertEqual((503, "true"), (late.status, late.get("x-envoy-overloaded")))
                self.assertEqual(["503 UO"], weir.wait_file("access.log", 1))
                self.assertEqual(1, weir.stats()["cluster.origin.upstream_rq_pending_timeout"])
                release.set()
                self.assertEqual(200, client.response().status)


class Sharing(unittest.TestCase):

    def test_an_idle_connection_goes_to_the_worker_that_needs_one(self):
        with Origin() as origin:
            port, configuration = proxy(origin.port)
            with Weir(configuration, WORKERS) as weir:
                asked = 0
                while weir.stats()["cluster.origin.upstream_cx_adopted"] < 5:
                    self.assertLess(asked, 50)
                    # A client of its own, and so most likely another worker.
                    self.assertEqual(200, fetch(port).status)
                    asked += 1
                    wait_until(lambda: weir.stats()["cluster.origin.upstream_cx_left_idle"] > 0, "an idle connection")
                stats = weir.stats()
                self.assertEqual(1, origin.connections)
                self.assertEqual(1, stats["cluster.origin.upstream_cx_total"])
                self.assertEqual(asked, len(origin.requests))
                self.assertEqual(0, stats["cluster.origin.upstream_cx_destroy"])


class Ahead(unittest.TestCase):

    def test_a_connection_is_opened_before_it_is_needed(self):
        with Origin() as origin:
            options = {"preconnect_policy": {"per_upstream_preconnect_ratio": 2}}
            port, configuration = proxy(origin.port, cluster_options=options)
            with Weir(configuration, ["--concurrency", "1"]) as weir:
                self.assertEqual(200, fetch(port).status)
                weir.wait_stat("cluster.origin.upstream_cx_total", 2)
                wait_until(lambda: origin.connections == 2, "the second connection")


if __name__ == "__main__":
    cases.main()
