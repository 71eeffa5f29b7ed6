#!/usr/bin/python3
"""Upstreams that are dead, slow, rude or gone, and clients that leave."""

import threading
import unittest

from proxy_config import cluster, config, file_log, http_listener, prefix, proxy, to_cluster
from weir_process import Weir, cases, free_ports, wait_until
from wire import Client, Ended, Origin, fetch, response


class Failing(unittest.TestCase):

    def test_a_dead_upstream_gives_503(self):
        port, configuration = proxy(free_ports(1)[0])
        with Weir(configuration) as weir:
            with Client(port) as client:
                for _ in range(3):
                    self.assertEqual(503, client.get().status)
            weir.wait_stat("cluster.origin.upstream_cx_connect_fail", 3)
            self.assertEqual(3, weir.stats()["http.front.downstream_rq_5xx"])

    def test_a_slow_upstream_gives_504_and_its_connection_closes(self):
        closed = threading.Event()

        def serve(wire):
            wire.request()
            if wire.ended():
                closed.set()
        with Origin(serve=serve) as origin:
            port, configuration = proxy(origin.port, {"timeout": "0.2s"})
            with Weir(configuration) as weir:
                with Client(port) as client:
                    self.assertEqual(504, client.get().status)
                    self.assertTrue(closed.wait(60))
                weir.wait_stat("cluster.origin.upstream_rq_timeout", 1)

    def test_a_client_that_resets_cancels_the_request_upstream(self):
        arrived = threading.Event()
        closed = threading.Event()

        def serve(wire):
            wire.request()
            arrived.set()
            if wire.ended():
                closed.set()
        with Origin(serve=serve) as origin:
            log = file_log("access.log", text_format_source={"inline_string": "%RESPONSE_CODE% %RESPONSE_FLAGS%\n"})
            port, configuration = proxy(origin.port, access_log=[log])
            with Weir(configuration) as weir:
                client = Client(port)
                client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                self.assertTrue(arrived.wait(60))
                client.reset()
                self.assertTrue(closed.wait(60))
                self.assertEqual(["0 DC"], weir.wait_file("access.log", 1))
                self.assertEqual(0, weir.stats()["http.front.downstream_rq_5xx"])

    def test_a_client_that_has_ended_its_half_is_a_client_that_has_gone(self):
        arrived, closed = threading.Event(), threading.Event()

        def serve(wire):
            wire.request()
            arrived.set()
            if wire.ended():
                closed.set()
        with Origin(serve=serve) as origin:
            log = file_log("access.log", text_format_source={"inline_string": "%RESPONSE_CODE% %RESPONSE_FLAGS%\n"})
            port, configuration = proxy(origin.port, access_log=[log])
            with Weir(configuration) as weir, Client(port) as client:
                client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                self.assertTrue(arrived.wait(60))
                client.shut()
                self.assertTrue(closed.wait(60))
                self.assertTrue(client.ended())
                self.assertEqual(["0 DC"], weir.wait_file("access.log", 1))
                self.assertEqual(0, weir.stats()["http.front.downstream_rq_5xx"])

    def test_an_upstream_that_closes_without_an_answer_gives_503(self):
        def serve(wire):
            wire.request()
        with Origin(serve=serve) as origin:
            port, configuration = proxy(origin.port)
            with Weir(configuration), Client(port) as client:
                client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
                self.assertEqual(503, client.response().status)

    def test_an_upstream_that_breaks_off_ends_the_response_early(self):
        for head, body in ((b"Content-Length: 100\r\n\r\n", b"short"),
                           (b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nshort\r\n")):
            def serve(wire):
                wire.request()
                wire.send(b"HTTP/1.1 200 OK\r\n" + head + body)
            with self.subTest(head), Origin(serve=serve) as origin:
                port, configuration = proxy(origin.port)
                with Weir(configuration), Client(port) as client:
                    with self.assertRaises(Ended):
                        answer = client.get()
                        self.assertNotEqual(200, answer.status)
                        raise Ended()  # a 5xx in place of a response that had not begun is as good

    def test_a_connection_that_the_upstream_closed_is_not_the_clients_problem(self):
        """Each answer is followed by a close that was not announced."""
        def serve(wire):
            wire.request()
            wire.send(response())
        with Origin(serve=serve) as origin:
            port, configuration = proxy(origin.port)
            with Weir(configuration), Client(port) as client:
                for _ in range(50):
                    self.assertEqual(200, client.get().status)

    def test_bodies_of_the_response_go_on_while_the_request_is_still_coming(self):
        def serve(wire):
            wire.until(b"\r\n\r\n")
            wire.send(response(403, b"no"))
            wire.rest()
        with Origin(serve=serve) as origin:
            port, configuration = proxy(origin.port)
            with Weir(configuration), Client(port) as client:
                client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nfirst")
                answer = client.response()
                self.assertEqual((403, b"no"), (answer.status, answer.body))

    def test_a_full_circuit_breaker_gives_503_and_says_so(self):
        release = threading.Event()

        def serve(wire):
            wire.request()
            release.wait(60)
            wire.send(response())
        limits = {"circuit_breakers": {"thresholds": [{"max_connections": 1, "max_pending_requests": 1}]}}
        with Origin(serve=serve) as origin:
            port, configuration = proxy(origin.port, cluster_options=limits)
            # One worker: another would have no connection that it could wait for.
            with Weir(configuration, ["--concurrency", "1"]) as weir:
                held = [Client(port) for _ in range(2)]
                held[0].send(b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\n")
                weir.wait_stat("cluster.origin.upstream_rq_active", 1)
                held[1].send(b"GET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
                weir.wait_stat("cluster.origin.upstream_rq_pending_active", 1)
                answer = fetch(port, "/3")
                self.assertEqual((503, "true"), (answer.status, answer.get("x-envoy-overloaded")))
                release.set()
                self.assertEqual(200, held[0].response().status)
                self.assertEqual(200, held[1].response().status)
                for client in held:
                    client.close()

    def test_no_host_and_no_route(self):
        port = free_ports(1)[0]
        listeners = [http_listener("front", port, [to_cluster(prefix("/empty"), "empty")], domains=["known"])]
        with Weir(config(listeners, [cluster("empty")])):
            with Client(port) as client:
                self.assertEqual(404, client.get("/empty", host="unknown").status)
                self.assertEqual(404, client.get("/other", host="known").status)
                self.assertEqual(503, client.get("/empty", host="known").status)

    def test_connections_come_from_the_address_that_is_given(self):
        peers = []

        def serve(wire):
            peers.append(wire.socket.getpeername()[0])
            while wire.request():
                wire.send(response())

        bind = {"source_address": {"address": "127.0.0.9", "port_value": 0}}
        foreign = {"source_address": {"address": "192.0.2.1", "port_value": 0}}
        with Origin(serve=serve) as origin:
            port = free_ports(1)[0]
            listeners = [http_listener("front", port, [to_cluster(prefix("/bad"), "bad"), to_cluster(prefix("/"), "good")])]
            with Weir(config(listeners, [cluster("good", origin.port, upstream_bind_config=bind),
                                         cluster("bad", origin.port, upstream_bind_config=foreign)])):
                with Client(port) as client:
                    self.assertEqual(200, client.get().status)
                    self.assertEqual(503, client.get("/bad").status)
        self.assertEqual(["127.0.0.9"], peers)

    def test_requests_are_spread_over_the_hosts(self):
        with Origin() as one, Origin() as two:
            for policy in ("ROUND_ROBIN", "RANDOM", "LEAST_REQUEST"):
                with self.subTest(policy):
                    port = free_ports(1)[0]
                    listeners = [http_listener("front", port, [to_cluster(prefix("/"), "both")])]
                    before = len(one.requests), len(two.requests)
                    with Weir(config(listeners, [cluster("both", one.port, two.port, lb_policy=policy)])):
                        with Client(port) as client:
                            for _ in range(60):
                                client.get()
                    got = len(one.requests) - before[0], len(two.requests) - before[1]
                    self.assertEqual(60, sum(got))
                    # Below 10 of 60 by chance: once in 10^8.
                    self.assertGreaterEqual(min(got), 30 if policy == "ROUND_ROBIN" else 10)


# T90: what an upstream may say before and instead of a proper response.
_GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
_RESPONSES = [
    ("many_interim_heads", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 20 + _CLOSING, 200),
    ("too_many_interim_heads", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50 + _GOOD, 502),
    ("a_101_that_nobody_asked_for", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", 502),
    ("length_and_chunked", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 502),
    ("two_lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk", 502),
    ("a_signed_length", b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", 502),
    ("no_http_at_all", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", 502),
    ("a_bad_status", b"HTTP/1.1 20 OK\r\n\r\n", 502),
    ("a_bad_version", b"HTTP/3.7 200 OK\r\n\r\n", 502),
    ("a_bare_lf", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 502),
    ("a_folded_line", b"HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\nContent-Length: 2\r\n\r\nok", 502),
    ("a_space_before_the_colon", b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", 502),
    ("a_nul_in_a_value", b"HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 2\r\n\r\nok", 502),
    ("a_head_over_the_limit", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000 + b"\r\nContent-Length: 2\r\n\r\nok", 502),
    ("too_many_headers", b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 101 + b"Content-Length: 2\r\n\r\nok", 502),
]


class RudeResponses(unittest.TestCase):

    def test_responses_that_are_not_http_give_502_and_close_the_upstream(self):
        answers = {name: data for name, data, _ in _RESPONSES}
        closed = []

        def serve(wire):
            request = wire.request()
            wire.send(answers[request.target[1:]])
            if wire.ended():
                closed.append(request.target[1:])
        with Origin(serve=serve) as origin:
            port, configuration = proxy(origin.port)
            with Weir(configuration):
                for name, _, status in _RESPONSES:
                    with self.subTest(name), Client(port) as client:
                        answer = client.get("/" + name)
                        while answer.status < 200:
                            answer = client.response()
                        self.assertEqual(status, answer.status)
                        wait_until(lambda name=name: name in closed, "the upstream connection of %s closes" % name)

    def test_bytes_behind_a_response_are_not_the_next_one(self):
        """A second, unasked response must not answer the next request."""
        def serve(wire):
            wire.request()
            wire.send(_GOOD + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
            wire.rest()
        with Origin(serve=serve) as origin:
            port, configuration = proxy(origin.port)
            with Weir(configuration, ["--concurrency", "1"]), Client(port) as client:
                for _ in range(5):
                    self.assertEqual(b"ok", client.get().body)


if __name__ == "__main__":
    cases.main()
