#!/usr/bin/python3
"""Network filters: tcp_proxy, echo, direct_response."""

import unittest

from proxy_config import cluster, config, file_log, listener, network_filter
from weir_process import Weir, cases, free_ports
from wire import Client, Origin


def carried(*endpoints, **fields):
    port = free_ports(1)[0]
    fields = dict({"stat_prefix": "front", "cluster": "origin"}, **fields)
    return port, config([listener("front", port, network_filter("tcp", "tcp_proxy.v3.TcpProxy", **fields))],
                        [cluster("origin", *endpoints)])


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
