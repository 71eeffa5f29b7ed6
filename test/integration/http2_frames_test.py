#!/usr/bin/python3
"""HTTP/2 that only frames by hand can speak: drains, floods of resets, and WebSocket over a stream."""

import signal
import threading
import time
import unittest

from http2_world import (CANCEL, DATA, END_HEADERS, END_STREAM, ENABLE_CONNECT_PROTOCOL, ENHANCE_YOUR_CALM, GOAWAY,
                         HEADERS, NO_ERROR, RST_STREAM, SETTINGS, Http2Client, frame, get, http1_upstream,
                         http2_upstream, in_front_of, request, reset)
from proxy_config import cluster, config, direct, http_listener, prefix, to_cluster
from weir_process import Weir, cases, free_ports, wait_until
from wire import Client, Ended, Origin, fetch, response

_LAST_ID = (1 << 31) - 1


def echo_after_switch(wire):
    """An HTTP/1.1 origin that upgrades to WebSocket and sends back what it gets."""
    asked = wire.request()
    if asked.get("upgrade") != "websocket" or asked.method != "GET":
        return wire.send(response(400, b"not an upgrade"))
    wire.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nX-Path: " +
              asked.target.encode() + b"\r\n\r\n")
    while True:
        if not wire.buffer:
            wire._more()
        data, wire.buffer = wire.buffer, b""
        wire.send(data)


def tunnel(stream, path="/chat"):
    """The frame of an extended CONNECT (RFC 8441)."""
    return frame(HEADERS, END_HEADERS, stream,
                 request(path, (":protocol", "websocket"), ("sec-websocket-version", "13"), method="CONNECT"))


class Draining(unittest.TestCase):

    def drain(self, upstream):
        release = threading.Event()
        arrived = threading.Semaphore(0)

        def answer(wire, asked):
            arrived.release()
            release.wait(60)
            wire.send(response(200, b"finished"))
        with Origin(answer) as origin:
            port, configuration = in_front_of(origin.port, upstream)
            with Weir(configuration) as weir, Http2Client(port) as client:
                client.send(get(1) + get(3) + get(5))
                for _ in range(3):
                    self.assertTrue(arrived.acquire(timeout=60))
                weir.signal(signal.SIGTERM)
                # First a warning that takes nothing back, then the last stream that is answered.
                first = client.next(GOAWAY, RST_STREAM)
                self.assertEqual((GOAWAY, NO_ERROR, _LAST_ID), (first.kind, first.error, first.last_stream))
                client.send(get(7))
                self.assertTrue(arrived.acquire(timeout=60))
                second = client.next(GOAWAY, RST_STREAM)
                self.assertEqual((GOAWAY, NO_ERROR, 7), (second.kind, second.error, second.last_stream))
                client.send(get(9))
                release.set()
                got = {}
                for data in iter(client.read, None):
                    if data.kind == HEADERS:
                        got[data.stream] = data.status
                    self.assertNotEqual(RST_STREAM, data.kind)
                    if data.kind == DATA and data.ends and len(got) == 4:
                        break
                self.assertEqual({1: 200, 3: 200, 5: 200, 7: 200}, got)
                with self.assertRaises(Ended):
                    while True:
                        client.read()
                self.assertEqual(0, weir.wait_exit())

    def test_sigterm_answers_what_is_under_way(self):
        self.drain(http1_upstream())

    def test_idle_connections_are_told_and_closed(self):
        port = free_ports(1)[0]
        with Weir(config([http_listener("front", port, [direct(prefix("/"))])]), ["--drain-time", "600"]) as weir:
            with Http2Client(port) as client:
                client.send(get(1))
                self.assertEqual(200, client.answer(1)[0].status)
                weir.signal(signal.SIGTERM)
                self.assertEqual(NO_ERROR, client.next(GOAWAY).error)
                with self.assertRaises(Ended):
                    while True:
                        client.read()
            self.assertEqual(0, weir.wait_exit())


class Resets(unittest.TestCase):

    def test_a_flood_of_resets_ends_its_connection_and_no_other(self):
        """CVE-2023-44487: streams that are begun and reset at once."""
        with Origin() as origin:
            port, configuration = in_front_of(origin.port, http1_upstream())
            with Weir(configuration) as weir, Http2Client(port) as good, Http2Client(port) as bad:
                flood = b"".join(get(stream) + reset(stream) for stream in range(1, 4001, 2))
                begun = time.monotonic()
                try:
                    bad.send(flood)
                    while True:
                        said = bad.next(GOAWAY)
                        if said.error != NO_ERROR:
                            break
                    self.assertEqual(ENHANCE_YOUR_CALM, said.error)
                    bad.rest()
                except (Ended, ConnectionError):
                    pass  # the end may overtake what was said before it
                self.assertLess(time.monotonic() - begun, 10)
                for stream in range(1, 201, 2):
                    good.send(get(stream))
                    self.assertEqual(200, good.answer(stream)[0].status)
                stats = weir.stats()
                self.assertEqual(1, stats["http2.inbound_reset_flood"])
                self.assertLess(stats["http2.rx_reset"], 600)
                bad.close()
                weir.wait_stat("http.front.downstream_cx_http2_active", 1)
                weir.wait_stat("http2.streams_active", 0)

    def test_few_resets_are_nothing(self):
        with Origin() as origin:
            port, configuration = in_front_of(origin.port, http1_upstream())
            with Weir(configuration) as weir, Http2Client(port) as client:
                for stream in range(1, 201, 2):
                    client.send(get(stream) + reset(stream))
                client.send(get(201))
                self.assertEqual(200, client.answer(201)[0].status)
                self.assertEqual(0, weir.stats()["http2.inbound_reset_flood"])

    def test_a_reset_goes_on_to_the_origin(self):
        """h2 to h2: two weirs in a row, an HTTP/1.1 origin at the end whose connection is closed."""
        closed = threading.Event()
        arrived = threading.Event()

        def serve(wire):
            wire.request()
            arrived.set()
            wire.rest()
            closed.set()
        with Origin(serve=serve) as origin:
            behind, second = in_front_of(origin.port, http1_upstream())
            port, first = in_front_of(behind, http2_upstream())
            with Weir(second) as weir, Weir(first), Http2Client(port) as client:
                client.send(get(1))
                self.assertTrue(arrived.wait(60))
                client.send(reset(1, CANCEL))
                self.assertTrue(closed.wait(60))
                weir.wait_stat("http2.rx_reset", 1)


class WebSocket(unittest.TestCase):

    _ALLOW = {"upgrade_configs": [{"upgrade_type": "websocket"}], "http2_protocol_options": {"allow_connect": True}}

    def converse(self, port):
        with Http2Client(port) as client:
            client.next(SETTINGS)
            self.assertEqual(1, client.server_settings.get(ENABLE_CONNECT_PROTOCOL))
            client.send(tunnel(1))
            answer = client.next(HEADERS, RST_STREAM)
            self.assertEqual((HEADERS, 200, False), (answer.kind, answer.status, answer.ends))
            for size in (1, 100, 15000):
                data = bytes(i % 251 for i in range(size))
                client.send(frame(DATA, 0, 1, data))
                got = b""
                while len(got) < size:
                    got += client.next(DATA).payload
                self.assertEqual(data, got)
            # Another stream of the connection is not held up.
            client.send(frame(HEADERS, END_STREAM | END_HEADERS, 3, request("/other")))
            self.assertEqual(400, client.answer(3)[0].status)
            client.send(frame(DATA, END_STREAM, 1))
            self.assertTrue(client.answer(1)[-1].ends)

    def test_into_an_http1_upgrade(self):
        with Origin(serve=echo_after_switch) as origin:
            port, configuration = in_front_of(origin.port, http1_upstream(), **self._ALLOW)
            with Weir(configuration) as weir:
                self.converse(port)
                weir.wait_stat("http.front.downstream_rq_active", 0)
                weir.wait_stat("cluster.origin.upstream_cx_active", 0)

    def test_through_two_proxies(self):
        with Origin(serve=echo_after_switch) as origin:
            behind, second = in_front_of(origin.port, http1_upstream(), **self._ALLOW)
            port, first = in_front_of(behind, http2_upstream(), **self._ALLOW)
            with Weir(second), Weir(first):
                self.converse(port)

    def test_an_http1_upgrade_over_http2(self):
        with Origin(serve=echo_after_switch) as origin:
            behind, second = in_front_of(origin.port, http1_upstream(), **self._ALLOW)
            port, first = in_front_of(behind, http2_upstream(), **self._ALLOW)
            with Weir(second), Weir(first), Client(port) as client:
                client.send(b"GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
                answer = client.response()
                self.assertEqual((101, "websocket"), (answer.status, answer.get("upgrade")))
                client.send(b"hello")
                self.assertEqual(b"hello", client.exactly(5))

    def test_not_announced_and_refused_without_allow_connect(self):
        with Origin(serve=echo_after_switch) as origin:
            port, configuration = in_front_of(origin.port, http1_upstream())
            with Weir(configuration), Http2Client(port) as client:
                client.next(SETTINGS)
                self.assertNotIn(ENABLE_CONNECT_PROTOCOL, client.server_settings)
                client.send(tunnel(1))
                self.assertEqual(RST_STREAM, client.answer(1)[-1].kind)
            self.assertEqual(0, origin.connections)


class Upstreams(unittest.TestCase):

    def test_a_dead_one_is_503(self):
        dead, = free_ports(1)
        port, configuration = in_front_of(dead, http2_upstream())
        with Weir(configuration), Http2Client(port) as client:
            client.send(get(1))
            frames = client.answer(1)
            self.assertNotIn(RST_STREAM, [f.kind for f in frames])
            self.assertIn(b"503", frames[0].payload + fetch(port).start.encode())

    def finish(self, client, streams):
        """That many responses, whole."""
        ended = set()
        while len(ended) < streams:
            got = client.next(DATA, RST_STREAM)
            self.assertEqual(DATA, got.kind)
            if got.ends:
                ended.add(got.stream)

    def test_requests_above_the_peers_streams_wait(self):
        """The origin is a weir that takes two streams at a time."""
        release = threading.Event()

        def answer(wire, asked):
            if asked.target != "/first":
                release.wait(60)
            wire.send(response(200, b"done"))
        with Origin(answer) as origin:
            behind = free_ports(1)[0]
            second = config([http_listener("front", behind, [to_cluster(prefix("/"), "origin")],
                                           http2_protocol_options={"max_concurrent_streams": 2})],
                            [cluster("origin", origin.port)])
            port, first = in_front_of(behind, http2_upstream())
            with Weir(second) as weir, Weir(first, ["--concurrency", "1"]), Http2Client(port) as client:
                client.send(get(1, "/first"))
                self.finish(client, 1)  # before it, the number of streams has come
                client.send(b"".join(get(stream) for stream in range(3, 21, 2)))
                wait_until(lambda: weir.stats()["http.front.downstream_rq_active"] == 9, "all nine arrive")
                release.set()
                self.finish(client, 9)
                self.assertGreaterEqual(weir.stats()["http.front.downstream_cx_total"], 5)
                self.assertEqual(0, weir.stats()["http2.tx_reset"])


if __name__ == "__main__":
    cases.main()
