#!/usr/bin/python3
"""Network filters: tcp_proxy, echo, direct_response."""

import json
import tempfile
import unittest

from proxy_config import any_of, cluster, config, file_log, http_listener, listener, network_filter, to_cluster
from weir_process import Weir, cases, free_ports, run
from wire import Client, Origin


def carried(*endpoints, **fields):
    port = free_ports(1)[0]
    fields = dict({"stat_prefix": "front", "cluster": "origin"}, **fields)
    return port, config([listener("front", port, network_filter("tcp", "tcp_proxy.v3.TcpProxy", **fields))],
                        [cluster("origin", *endpoints)])


_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def http2():
    return {"typed_extension_protocol_options": {_HTTP_OPTIONS: any_of(
        "type.googleapis.com/" + _HTTP_OPTIONS, explicit_http_config={"http2_protocol_options": {}})}}


class Tunnels(unittest.TestCase):
    """tunneling_config: through a second listener, where the tunnel ends."""

    @staticmethod
    def through(origin, tunnel=None, end="CONNECT", **options):
        front, back = free_ports(2)
        match = {"connect_matcher": {}} if end == "CONNECT" else {"prefix": "/"}
        connect = {"upgrade_type": "CONNECT", "connect_config": {"allow_post": end == "POST"}}
        route = to_cluster(match, "far", upgrade_configs=[connect])
        tunnel = dict({"hostname": "far.example:22"}, **(tunnel or {}))
        return front, Weir(config(
            [listener("front", front, network_filter("tcp", "tcp_proxy.v3.TcpProxy", stat_prefix="front", cluster="proxy",
                                                     tunneling_config=tunnel)),
             http_listener("back", back, [route], http2_protocol_options={"allow_connect": True})],
            [cluster("proxy", back, **options), cluster("far", origin)]), ["--concurrency", "1"])

    def test_bytes_pass_both_ways_in_every_kind_of_tunnel(self):
        def serve(wire):
            wire.send(b"220 ready\r\n")
            while True:
                if not wire.buffer:
                    wire._more()
                data, wire.buffer = wire.buffer, b""
                wire.send(data.swapcase())
        for end in ("CONNECT", "POST"):
            for options in ({}, http2()):
                with self.subTest(end, http2=bool(options)), Origin(serve=serve) as origin:
                    port, started = self.through(origin.port, {"use_post": end == "POST"}, end, **options)
                    with started as weir:
                        for _ in range(3):
                            with Client(port) as client:
                                self.assertEqual(b"220 ready\r\n", client.until(b"\n"))
                                for size in (1, 1000, 100000):
                                    client.send(b"x" * size)
                                    self.assertEqual(b"X" * size, client.exactly(size))
                        self.assertEqual(3, weir.stats()["cluster.proxy.upstream_rq_total"])
                        if options:
                            self.assertEqual(1, weir.stats()["cluster.proxy.upstream_cx_http2_total"])

    def test_each_half_closes_by_itself_in_a_tunnel(self):
        def serve(wire):
            wire.send(b"got " + wire.rest())
        for options in ({}, http2()):
            with self.subTest(http2=bool(options)), Origin(serve=serve) as origin:
                port, started = self.through(origin.port, **options)
                with started, Client(port) as client:
                    client.send(b"everything")
                    client.shut()
                    self.assertEqual(b"got everything", client.rest())

    def test_what_the_proxy_is_told(self):
        heads = []

        def serve(wire):
            heads.append(wire.until(b"\r\n\r\n").decode().split("\r\n"))
        with Origin(serve=serve) as origin:
            port, configuration = carried(origin.port, tunneling_config={
                "hostname": "%DOWNSTREAM_LOCAL_PORT%.example:80",
                "headers_to_add": [{"header": {"key": "x-client", "value": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"}}]})
            with Weir(configuration), Client(port) as client:
                self.assertTrue(client.ended())
            self.assertEqual("CONNECT %d.example:80 HTTP/1.1" % port, heads[0][0])
            self.assertIn("x-client: 127.0.0.1", heads[0])

    def test_tunnels_that_make_no_sense_are_refused(self):
        for fields, words in (({"hostname": "%NOPE%"}, "tunneling_config.hostname: at offset 0: unknown command operator"),
                              ({"hostname": "a:1", "post_path": "/x"}, "tunneling_config.post_path: given without use_post"),
                              ({"hostname": "a:1", "headers_to_add": [{"header": {"key": "host", "value": "x"}}]}, "headers_to_add[0]")):
            with tempfile.NamedTemporaryFile("w", suffix=".json", dir="/tmp") as file:
                json.dump(carried(1, tunneling_config=fields)[1], file)
                file.flush()
                status, out, error = run("check", file.name)
                self.assertEqual(1, status)
                self.assertIn(words, out + error)


class TcpProxy(unittest.TestCase):

    def test_every_byte_passes_both_ways(self):
        def serve(wire):
            while True:
                if not wire.buffer:
                    wire._more()
                data, wire.buffer = wire.buffer, b""
                wire.send(data.swapcase())
        with Origin(serve=serve) as origin:
            port, configuration = carried(origin.port)
            with Weir(configuration), Client(port) as client:
                every = bytes(range(256))
                for _ in range(10):
                    client.send(every)
                    self.assertEqual(every.swapcase(), client.exactly(256))

    def test_each_half_closes_by_itself(self):
        def serve(wire):
            wire.send(b"got " + wire.rest())
        with Origin(serve=serve) as origin:
            port, configuration = carried(origin.port)
            with Weir(configuration), Client(port) as client:
                client.send(b"everything")
                client.shut()
                self.assertEqual(b"got everything", client.rest())

    def test_a_server_may_speak_first_and_close_first(self):
        def serve(wire):
            wire.send(b"220 ready\r\n")
        with Origin(serve=serve) as origin:
            port, configuration = carried(origin.port)
            with Weir(configuration), Client(port) as client:
                self.assertEqual(b"220 ready\r\n", client.rest())

    def test_a_dead_upstream_closes_the_connection_and_is_logged(self):
        log = file_log("tcp.log", text_format_source={"inline_string": "%RESPONSE_FLAGS% %BYTES_SENT%\n"})
        port, configuration = carried(free_ports(1)[0], access_log=[log])
        with Weir(configuration) as weir:
            with Client(port) as client:
                client.send(b"hello?")
                self.assertTrue(client.ended())
            self.assertEqual(["UF 0"], weir.wait_file("tcp.log", 1))

    def test_bytes_are_counted_and_logged(self):
        log = file_log("tcp.log", text_format_source={"inline_string": "%BYTES_RECEIVED% %BYTES_SENT% %UPSTREAM_CLUSTER%\n"})

        def serve(wire):
            wire.send(wire.exactly(5) * 2)
        with Origin(serve=serve) as origin:
            port, configuration = carried(origin.port, access_log=[log])
            with Weir(configuration) as weir:
                with Client(port) as client:
                    client.send(b"12345")
                    self.assertEqual(b"1234512345", client.rest())
                self.assertEqual(["5 10 origin"], weir.wait_file("tcp.log", 1))
                self.assertEqual(1, weir.stats()["tcp.front.downstream_cx_total"])

    def test_weights_choose_between_clusters(self):
        with Origin(serve=lambda wire: wire.send(b"one")) as one, Origin(serve=lambda wire: wire.send(b"two")) as two:
            port = free_ports(1)[0]
            weights = {"clusters": [{"name": "one", "weight": 1}, {"name": "two", "weight": 3}]}
            filters = network_filter("tcp", "tcp_proxy.v3.TcpProxy", stat_prefix="front", weighted_clusters=weights)
            with Weir(config([listener("front", port, filters)], [cluster("one", one.port), cluster("two", two.port)])):
                got = []
                for _ in range(200):
                    with Client(port) as client:
                        got.append(client.rest())
            # 50 of 200 expected; outside of 20 to 90 once in 10^7 runs.
            self.assertTrue(20 <= got.count(b"one") <= 90, got.count(b"one"))
            self.assertEqual(200, got.count(b"one") + got.count(b"two"))

    def test_an_idle_connection_closes_after_its_timeout(self):
        with Origin(serve=lambda wire: wire.rest()) as origin:
            port, configuration = carried(origin.port, idle_timeout="0.3s")
            with Weir(configuration), Client(port) as client:
                client.send(b"x")
                self.assertTrue(client.ended())


class Terminal(unittest.TestCase):

    def test_echo(self):
        port = free_ports(1)[0]
        with Weir(config([listener("echo", port, network_filter("echo", "echo.v3.Echo"))])):
            with Client(port) as client:
                data = bytes(range(256)) * 1000
                client.send(data[:7])
                self.assertEqual(data[:7], client.exactly(7))
                client.send(data[:100000])
                self.assertEqual(data[:100000], client.exactly(100000))
                client.send(b"the end")
                client.shut()
                self.assertEqual(b"the end", client.rest())

    def test_direct_response(self):
        port = free_ports(1)[0]
        answer = network_filter("direct", "direct_response.v3.Config", response={"inline_string": "closed\n"})
        with Weir(config([listener("direct", port, answer)])):
            for _ in range(3):
                with Client(port) as client:
                    self.assertEqual(b"closed\n", client.rest())


if __name__ == "__main__":
    cases.main()
