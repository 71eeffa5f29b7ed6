#!/usr/bin/python3
"""gRPC's own client and server for Python, with weir between them: all kinds of calls, unchanged."""

import queue
import threading
import unittest

from grpc_world import Caller, Server, grpc
from http2_world import http1_upstream, http2_upstream, in_front_of
from proxy_config import http_filter
from weir_process import LIMIT, Weir, cases, free_ports
from wire import Origin, response

_STATS = http_filter("envoy.filters.http.grpc_stats", "FilterConfig", stats_for_all_methods=True)
_STATS["typed_config"]["@type"] = "type.googleapis.com/envoy.extensions.filters.http.grpc_stats.v3.FilterConfig"


class Calls(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.__exit__)
        port, configuration = in_front_of(cls.server.port, http2_upstream(), filters=[_STATS])
        cls.weir = Weir(configuration)
        cls.addClassCleanup(cls.weir.__exit__, None, None, None)
        cls.caller = Caller(port)
        cls.addClassCleanup(cls.caller.__exit__)

    def fails(self, call, status):
        with self.assertRaises(grpc.RpcError) as caught:
            call()
        self.assertEqual(status, caught.exception.code(), caught.exception)
        return caught.exception

    def check_metadata(self, call):
        self.assertEqual([("x-first", "1"), ("x-blob-bin", b"\0\xff")],
                         [tuple(pair) for pair in call.initial_metadata() if pair[0].startswith("x-") and "envoy" not in pair[0]])
        self.assertEqual([("x-last", "2"), ("x-tail-bin", b"\1\xfe")],
                         [tuple(pair) for pair in call.trailing_metadata() if pair[0].startswith("x-")])

    def test_unary(self):
        for message in (b"", b"hello", bytes(range(256)) * 12000):
            answer, call = self.caller.unary.with_call(message, metadata=[("x-ask", "3"), ("x-ask-bin", b"\0\1\2")],
                                                       timeout=LIMIT)
            self.assertEqual(message, answer)
            self.assertEqual(grpc.StatusCode.OK, call.code())
            self.check_metadata(call)
            self.assertEqual(("3", b"\0\1\2"), (self.server.metadata[-1]["x-ask"], self.server.metadata[-1]["x-ask-bin"]))

    def test_server_streams(self):
        message = bytes(range(1, 200, 7))
        call = self.caller.split(message, timeout=LIMIT)
        self.assertEqual([bytes([byte]) * (byte * 1000) for byte in message], list(call))
        self.assertEqual(grpc.StatusCode.OK, call.code())
        self.check_metadata(call)

    def test_client_streams(self):
        parts = [b"%d" % i * (i * 10) for i in range(1, 200)]
        answer, call = self.caller.join.with_call(iter(parts), timeout=LIMIT)
        self.assertEqual(b"+".join(parts), answer)
        self.check_metadata(call)

    def test_both_stream(self):
        """Each message is answered before the next one goes, so nothing may be held back."""
        messages = queue.Queue()
        call = self.caller.echo(iter(messages.get, None), timeout=LIMIT)
        for i in range(50):
            messages.put(b"x" * (i * i * 20))
            self.assertEqual(i * i * 20, len(next(call)))
        messages.put(None)
        self.assertEqual([], list(call))
        self.assertEqual(grpc.StatusCode.OK, call.code())

    def test_every_status(self):
        for status in grpc.StatusCode:
            if status is grpc.StatusCode.OK:
                continue
            error = self.fails(lambda: self.caller.unary(b"", metadata=[("x-status", status.name)], timeout=LIMIT), status)
            self.assertEqual("asked for: 100% \u00e9\n", error.details())
            self.check_metadata(error)

    def test_cancellation_reaches_the_server(self):
        call = self.caller.unary.future(b"", metadata=[("x-wait", "1")], timeout=LIMIT)
        self.assertTrue(self.server.waiting.acquire(timeout=LIMIT))
        call.cancel()
        self.assertTrue(self.server.cancelled.acquire(timeout=LIMIT))
        self.assertEqual(grpc.StatusCode.CANCELLED, call.code())

    def test_a_deadline_goes_on_and_ends_the_call(self):
        self.fails(lambda: self.caller.unary(b"", metadata=[("x-wait", "1")], timeout=0.5), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertTrue(self.server.waiting.acquire(timeout=LIMIT))
        self.assertTrue(self.server.cancelled.acquire(timeout=LIMIT))
        self.assertLessEqual(self.server.deadlines[-1], 0.5)
        self.assertGreater(self.server.deadlines[-1], 0)

    def test_many_at_once(self):
        calls = [self.caller.unary.future(b"%d" % i * i, timeout=LIMIT) for i in range(300)]
        self.assertEqual([b"%d" % i * i for i in range(300)], [call.result() for call in calls])


class Counted(unittest.TestCase):

    def test_grpc_stats(self):
        with Server() as server:
            port, configuration = in_front_of(server.port, http2_upstream(), filters=[_STATS])
            with Weir(configuration) as weir, Caller(port) as caller:
                caller.unary(b"a")
                list(caller.split(b"\1\2\3"))
                caller.join(iter([b"1", b"2"]))
                with self.assertRaises(grpc.RpcError):
                    caller.unary(b"", metadata=[("x-status", "NOT_FOUND")])
                weir.wait_stat("cluster.origin.grpc.test.Echo.Unary.total", 2)
                counters = {name[len("cluster.origin.grpc.test.Echo."):]: value for name, value in weir.stats().items()
                            if name.startswith("cluster.origin.grpc.test.Echo.")}
        for name, value in {"Unary.success": 1, "Unary.failure": 1, "Unary.0": 1, "Unary.5": 1,
                            "Unary.request_message_count": 2, "Unary.response_message_count": 1,
                            "Split.request_message_count": 1, "Split.response_message_count": 3,
                            "Join.request_message_count": 2, "Join.response_message_count": 1}.items():
            self.assertEqual(value, counters.get(name), (name, counters))


class LocalReplies(unittest.TestCase):

    def status_of(self, origin_port, upstream, route=None, timeout=LIMIT):
        port, configuration = in_front_of(origin_port, upstream, route)
        with Weir(configuration), Caller(port) as caller:
            with self.assertRaises(grpc.RpcError) as caught:
                caller.unary(b"hello", timeout=timeout)
            return caught.exception.code()

    def test_a_dead_upstream_is_unavailable(self):
        for upstream in (http2_upstream(), http1_upstream()):
            self.assertEqual(grpc.StatusCode.UNAVAILABLE, self.status_of(free_ports(1)[0], upstream))

    def test_the_routes_timeout_is_deadline_exceeded(self):
        over = threading.Event()
        with Origin(lambda wire, request: over.wait(LIMIT)) as origin:
            self.assertEqual(grpc.StatusCode.DEADLINE_EXCEEDED,
                             self.status_of(origin.port, http1_upstream(), {"timeout": "0.2s"}))
            over.set()

    def test_a_response_without_a_grpc_status_is_told_by_its_http_status(self):
        with Origin(lambda request: response(404, b"not here")) as origin:
            self.assertEqual(grpc.StatusCode.UNIMPLEMENTED, self.status_of(origin.port, http1_upstream()))


if __name__ == "__main__":
    cases.main()
