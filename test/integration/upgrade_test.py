#!/usr/bin/python3
"""Upgrades: only 101 opens the tunnel, and only where the route allows it. CONNECT is passed on, or ends at weir."""

import subprocess
import unittest

from proxy_config import cluster, config, direct, http_listener, prefix, proxy, to_cluster
from weir_process import Weir, cases, free_ports
from wire import Client, Origin, response

_ASK = b"GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: abc\r\n\r\n"
_SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n"
_ALLOW = {"upgrade_configs": [{"upgrade_type": "websocket"}]}


def echo_after_switch(wire):
    request = wire.request()
    if request.get("upgrade") is None:
        return wire.send(response(200, b"plain"))
    wire.send(_SWITCH)
    while True:
        if not wire.buffer:
            wire._more()
        data, wire.buffer = wire.buffer, b""
        wire.send(data)


class Upgrades(unittest.TestCase):

    def test_bytes_go_both_ways_after_101(self):
        with Origin(serve=echo_after_switch) as origin:
            port, config = proxy(origin.port, **_ALLOW)
            with Weir(config) as weir, Client(port) as client:
                client.send(_ASK)
                answer = client.response()
                self.assertEqual(101, answer.status)
                self.assertEqual("websocket", answer.get("upgrade").lower())
                self.assertEqual("upgrade", answer.get("connection").lower())
                self.assertEqual("x", answer.get("sec-websocket-accept"))
                for size in (1, 100, 70000):
                    data = bytes(i % 256 for i in range(size))
                    client.send(data)
                    self.assertEqual(data, client.exactly(size))
                self.assertEqual(1, weir.stats()["http.front.downstream_rq_active"])
                client.close()
                weir.wait_stat("http.front.downstream_rq_active", 0)
                weir.wait_stat("cluster.origin.upstream_cx_active", 0)

    def test_connect_is_forwarded_where_a_route_matches_it(self):
        heads = []

        def serve(wire):
            heads.append(wire.until(b"\r\n\r\n"))
            wire.send(b"HTTP/1.1 200 OK\r\n\r\n")
            wire.send(wire.exactly(5)[::-1])
        with Origin(serve=serve) as origin:
            port = free_ports(1)[0]
            routes = [to_cluster({"connect_matcher": {}}, "origin", upgrade_configs=[{"upgrade_type": "CONNECT"}]),
                      direct(prefix("/"), "no tunnel")]
            front = http_listener("front", port, routes, upgrade_configs=[{"upgrade_type": "CONNECT"}])
            with Weir(config([front], [cluster("origin", origin.port)])), Client(port) as client:
                client.send(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n")
                self.assertIn(b" 200 ", client.until(b"\r\n\r\n"))
                client.send(b"hello")
                self.assertEqual(b"olleh", client.exactly(5))
                self.assertTrue(heads[0].startswith(b"CONNECT example.com:443 HTTP/1.1\r\n"), heads)
                with Client(port) as other:
                    self.assertEqual(b"no tunnel", other.get("/").body)

    def test_curl_tunnels_through_a_connect_that_ends_here(self):
        def serve(wire):
            request = wire.request()
            wire.send(response(200, request.target.encode() + b" at " + request.get("host").encode()))
        with Origin(serve=serve) as origin:
            port, weir = self._terminating(origin.port)
            with weir:
                for option in ("-p", "--proxytunnel"):
                    answer = subprocess.run(
                        ["curl", "-sS", "--max-time", "10", option, "-x", f"http://127.0.0.1:{port}",
                         "http://far.example:81/inside"],
                        capture_output=True, check=False)
                    self.assertEqual((b"/inside at far.example:81", b"", 0),
                                     (answer.stdout, answer.stderr, answer.returncode))

    def test_halves_of_a_connect_that_ends_here_close_one_by_one(self):
        def serve(wire):
            asked = wire.rest()
            wire.send(asked[::-1])
        with Origin(serve=serve) as origin:
            port, weir = self._terminating(origin.port)
            with weir, Client(port) as client:
                client.send(b"CONNECT far:1 HTTP/1.1\r\nHost: far:1\r\n\r\n")
                self.assertIn(b" 200 ", client.until(b"\r\n\r\n"))
                client.send(b"abc" * 100000)
                client.shut()
                self.assertEqual(b"cba" * 100000, client.rest())

    @staticmethod
    def _terminating(origin):
        port = free_ports(1)[0]
        route = to_cluster({"connect_matcher": {}}, "origin",
                           upgrade_configs=[{"upgrade_type": "CONNECT", "connect_config": {}}])
        return port, Weir(config([http_listener("front", port, [route])], [cluster("origin", origin)]))

    def test_the_upstreams_end_ends_the_tunnel(self):
        def serve(wire):
            wire.request()
            wire.send(_SWITCH + b"last words")
        with Origin(serve=serve) as origin:
            port, config = proxy(origin.port, **_ALLOW)
            with Weir(config), Client(port) as client:
                client.send(_ASK)
                self.assertEqual(101, client.response().status)
                self.assertEqual(b"last words", client.rest())

    def test_bytes_behind_the_request_wait_for_101(self):
        """T6: what follows the request is a second request unless the upstream switches."""
        with Origin(serve=echo_after_switch) as origin:
            port, config = proxy(origin.port, **_ALLOW)
            with Weir(config), Client(port) as client:
                client.send(_ASK + b"early")
                self.assertEqual(101, client.response().status)
                self.assertEqual(b"early", client.exactly(5))

    def test_no_other_status_opens_the_tunnel(self):
        for status in (200, 204, 400, 426):
            data = response(status, b"") if status != 204 else b"HTTP/1.1 204 No Content\r\n\r\n"
            received = bytearray()

            def serve(wire):
                wire.request()
                wire.send(data)
                received.extend(wire.rest())
            with self.subTest(status), Origin(serve=serve) as origin:
                port, config = proxy(origin.port, **_ALLOW)
                with Weir(config), Client(port) as client:
                    client.send(_ASK + b"GET /smuggled HTTP/1.1\r\nHost: h\r\nX-Raw: not for the tunnel\r\n\r\n")
                    self.assertEqual(status, client.response().status)
                    client.shut()
                    client.rest()
                # If a second request went upstream on that connection, it was one that weir wrote.
                self.assertNotIn(b"X-Raw", bytes(received))

    def test_an_upgrade_that_is_not_allowed_is_refused(self):
        with Origin(serve=echo_after_switch) as origin:
            port, config = proxy(origin.port)
            with Weir(config), Client(port) as client:
                client.send(_ASK)
                self.assertEqual(403, client.response().status)
            self.assertEqual(0, origin.connections)

    def test_a_route_may_allow_what_the_listener_does_not(self):
        with Origin(serve=echo_after_switch) as origin:
            port, config = proxy(origin.port, {"upgrade_configs": [{"upgrade_type": "websocket"}]})
            with Weir(config), Client(port) as client:
                client.send(_ASK)
                self.assertEqual(101, client.response().status)

    def test_connect_matches_no_route(self):
        with Origin() as origin:
            port, config = proxy(origin.port)
            with Weir(config), Client(port) as client:
                client.send(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n\x16\x03\x01")
                self.assertEqual(404, client.response().status)
                self.assertTrue(client.ended())
            self.assertEqual(0, origin.connections)


if __name__ == "__main__":
    cases.main()
