#!/usr/bin/python3
"""What goes through unchanged, and what must not go through: HTTP semantics over real sockets."""

import subprocess
import unittest

from proxy_config import proxy
from weir_process import Weir, cases, wait_until
from wire import Client, Origin, fetch, response


class Passing(unittest.TestCase):
    """One weir before one origin, whose answer each test sets."""

    @classmethod
    def setUpClass(cls):
        cls.answer = lambda wire, request: wire.send(response())
        cls.origin = Origin(lambda wire, request: cls.answer(wire, request))
        cls.port, config = proxy(cls.origin.port, http_protocol_options={"enable_trailers": True},
                                 cluster_options={"typed_extension_protocol_options": {
                                     "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                                         "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                                         "explicit_http_config": {"http_protocol_options": {"enable_trailers": True}}}}})
        cls.weir = Weir(config)

    @classmethod
    def tearDownClass(cls):
        try:
            cls.weir.stop()
        finally:
            cls.weir.kill()
            cls.origin.close()

    def setUp(self):
        del self.origin.requests[:]

    def answers(self, data):
        type(self).answer = lambda wire, request: wire.send(data)

    def test_every_status_from_200_to_599_passes_unchanged(self):
        type(self).answer = lambda wire, request: wire.send(
            b"HTTP/1.1 %s As It Was\r\n\r\n" % request.target[1:].encode() if request.target[1:] in ("204", "304")
            else response(int(request.target[1:]), b"body", reason="As It Was"))
        with Client(self.port) as client:
            for status in range(200, 600):
                answer = client.get("/%d" % status)
                self.assertEqual(status, answer.status)
                self.assertEqual(b"" if status in (204, 304) else b"body", answer.body, status)

    def test_method_target_headers_and_body_reach_the_upstream(self):
        with Client(self.port) as client:
            client.send(b"PATCH /a/b%2Fc?x=1&y=%20;z HTTP/1.1\r\nHost: example.com:99\r\nX-One: a\r\nX-Two: \xe9\r\n"
                        b"x-one: b\r\nContent-Length: 5\r\n\r\nhello")
            self.assertEqual(200, client.response().status)
        seen = self.origin.requests[-1]
        self.assertEqual("PATCH /a/b%2Fc?x=1&y=%20;z HTTP/1.1", seen.start)
        self.assertEqual(["a", "b"], seen.all("x-one"))
        self.assertEqual("\xe9", seen.get("x-two"))
        self.assertEqual("example.com:99", seen.get("host"))
        self.assertEqual(b"hello", seen.body)

    def test_repeated_headers_keep_their_number_and_order(self):
        self.answers(response(200, b"", "Set-Cookie: a=1", "X-Between: y", "Set-Cookie: b=2; Path=/", "Vary: a", "Vary: b"))
        answer = fetch(self.port)
        self.assertEqual(["a=1", "b=2; Path=/"], answer.all("set-cookie"))
        self.assertEqual(["a", "b"], answer.all("vary"))

    def test_no_request_header_shows_in_the_response(self):
        self.answers(response(200, b"", "X-Own: 1"))
        answer = fetch(self.port, "/", "Authorization: secret", "Cookie: c=1", "X-Asked: 1", "Accept: */*")
        self.assertEqual({"x-own", "content-length", "server", "date", "x-envoy-upstream-service-time"},
                         set(answer.names()))

    def test_hop_by_hop_headers_of_the_request_stay_here(self):
        fetch(self.port, "/", "Connection: x-nominated, keep-alive", "X-Nominated: 1", "Keep-Alive: timeout=5",
              "Proxy-Connection: keep-alive", "TE: gzip", "Upgrade: h2c", "HTTP2-Settings: AAA", "X-Kept: 1")
        seen = self.origin.requests[-1].names()
        self.assertIn("x-kept", seen)
        for name in ("x-nominated", "keep-alive", "proxy-connection", "te", "upgrade", "transfer-encoding"):
            self.assertNotIn(name, seen)

    def test_hop_by_hop_headers_of_the_response_stay_here(self):
        self.answers(response(200, b"body", "Connection: x-hop", "X-Hop: 1", "Keep-Alive: timeout=9", "X-Kept: 1"))
        with Client(self.port) as client:
            answer = client.get()
            self.assertIn("x-kept", answer.names())
            for name in ("x-hop", "keep-alive"):
                self.assertNotIn(name, answer.names())
            self.assertEqual(200, client.get().status)

    def test_head_has_the_length_but_no_body(self):
        self.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")
        with Client(self.port) as client:
            for _ in range(2):
                answer = client.get(method="HEAD")
                self.assertEqual("1234", answer.get("content-length"))
            self.answers(response(200, b"whole"))
            self.assertEqual(b"whole", client.get().body)

    def test_204_and_304_have_no_body_and_keep_the_connection(self):
        with Client(self.port) as client:
            for data, status in ((b"HTTP/1.1 204 No Content\r\n\r\n", 204),
                                 (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\nETag: \"a\"\r\n\r\n", 304)):
                self.answers(data)
                answer = client.get()
                self.assertEqual(status, answer.status)
                self.assertNotIn("transfer-encoding", answer.names())
            self.answers(response(200, b"next"))
            self.assertEqual(b"next", client.get().body)

    def test_chunked_with_trailers_both_ways(self):
        self.answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                     b"3\r\nabc\r\n10;ext=1\r\n0123456789abcdef\r\n0\r\nX-Sum: 19\r\n\r\n")
        with Client(self.port) as client:
            client.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                        b"4;name=\"quoted\"\r\nwiki\r\n5\r\npedia\r\n0\r\nX-Check: yes\r\n\r\n")
            answer = client.response()
            self.assertEqual(b"abc0123456789abcdef", answer.body)
            self.assertEqual([("x-sum", "19")], [(n.lower(), v) for n, v in answer.trailers])
            self.assertNotIn(b"ext", answer.raw)
        seen = self.origin.requests[-1]
        self.assertEqual(b"wikipedia", seen.body)
        self.assertEqual([("x-check", "yes")], [(n.lower(), v) for n, v in seen.trailers])
        self.assertNotIn(b"quoted", seen.raw)

    def test_a_response_up_to_the_end_of_the_connection_is_whole(self):
        def answer(wire, request):
            wire.send(b"HTTP/1.1 200 OK\r\n\r\nall that there is")
            wire.shut()
        type(self).answer = answer
        answer = fetch(self.port)
        self.assertEqual(b"all that there is", answer.body)

    def test_expect_100_continue_is_answered_by_the_upstream(self):
        waiting = []

        def serve(wire):
            waiting.append(wire.until(b"\r\n\r\n"))
            wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            wire.send(response(200, wire.exactly(4)))
        with Origin(serve=serve) as origin:
            port, config = proxy(origin.port)
            with Weir(config):
                with Client(port) as client:
                    client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
                    self.assertEqual(100, client.response().status)
                    client.send(b"body")
                    answer = client.response()
                    self.assertEqual((200, b"body"), (answer.status, answer.body))
        self.assertIn(b"\r\nexpect: 100-continue\r\n", waiting[0].lower())

    def test_a_refusal_in_place_of_100_continue_is_passed_on(self):
        def serve(wire):
            wire.until(b"\r\n\r\n")
            wire.send(response(401, b"who?"))
            wire.rest()
        with Origin(serve=serve) as origin:
            port, config = proxy(origin.port)
            with Weir(config), Client(port) as client:
                client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
                answer = client.response()
                self.assertEqual((401, b"who?"), (answer.status, answer.body))
                # Whether the body comes now, nobody can know: the connection cannot be used again.
                self.assertEqual("close", answer.get("connection"))

    def test_curl_sends_a_large_body_that_expects(self):
        """curl waits for 100 only a moment, since many servers never send it."""
        type(self).answer = lambda wire, request: wire.send(response(200, b"%d" % len(request.body)))
        done = subprocess.run(["curl", "-s", "-H", "Expect: 100-continue", "--data-binary", "@-",
                               "http://127.0.0.1:%d/" % self.port], input=b"x" * 100000, stdout=subprocess.PIPE, check=True)
        self.assertEqual(b"100000", done.stdout)

    def test_103_comes_before_the_final_response(self):
        self.answers(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n" + response(200, b"page"))
        with Client(self.port) as client:
            early = client.get()
            self.assertEqual((103, "</style.css>"), (early.status, early.get("link")))
            final = client.response()
            self.assertEqual((200, b"page"), (final.status, final.body))

    def test_pipelined_requests_are_answered_in_order(self):
        type(self).answer = lambda wire, request: wire.send(response(200, request.target.encode()))
        with Client(self.port) as client:
            client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % i for i in range(50)))
            for i in range(50):
                self.assertEqual(b"/%d" % i, client.response().body)

    def test_one_upstream_connection_serves_one_client_after_another(self):
        self.answers(response())
        fetch(self.port)
        before = self.origin.connections
        with Client(self.port) as client:
            for _ in range(20):
                client.get()
        # Each worker has its own pool; the second connection of this test may be on another worker.
        self.assertLessEqual(self.origin.connections, before + 1)

    def test_connection_close_is_honoured(self):
        self.answers(response())
        with Client(self.port) as client:
            answer = client.get("/", "Connection: close")
            self.assertEqual("close", answer.get("connection"))
            self.assertTrue(client.ended())

    def test_absolute_form_takes_its_own_authority(self):
        self.answers(response())
        with Client(self.port) as client:
            client.send(b"GET http://real.example/path?q HTTP/1.1\r\nHost: other.example\r\n\r\n")
            self.assertEqual(200, client.response().status)
        seen = self.origin.requests[-1]
        self.assertEqual(("/path?q", "real.example"), (seen.target, seen.get("host")))

    def test_redirects_are_passed_on_and_not_followed(self):
        self.answers(response(302, b"", "Location: http://127.0.0.1:1/"))
        done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}",
                               "http://127.0.0.1:%d/" % self.port], stdout=subprocess.PIPE, check=True)
        self.assertEqual(b"302 http://127.0.0.1:1/", done.stdout)
        self.assertEqual(1, len(self.origin.requests))

    def test_a_request_id_is_given_and_kept(self):
        self.answers(response())
        fetch(self.port)
        given = self.origin.requests[-1].get("x-request-id")
        self.assertRegex(given, r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        fetch(self.port, "/", "X-Request-Id: mine")
        self.assertEqual("mine", self.origin.requests[-1].get("x-request-id"))

    def test_a_large_head_passes_and_a_larger_one_does_not(self):
        self.answers(response())
        self.assertEqual(200, fetch(self.port, "/", *["X-%d: %s" % (i, "v" * 1000) for i in range(50)]).status)
        self.assertEqual(431, fetch(self.port, "/", *["X-%d: %s" % (i, "v" * 1000) for i in range(70)]).status)
        self.assertEqual(431, fetch(self.port, "/", *["X-%d: v" % i for i in range(101)]).status)

    def test_the_counters_of_the_request_moved(self):
        self.answers(response(500, b""))
        # Counted when the exchange is over, which may be a moment after its last byte.
        before = wait_until(lambda: _settled(self.weir), "no request under way")
        fetch(self.port)
        after = wait_until(lambda: _settled(self.weir), "no request under way")
        for name in ("http.front.downstream_rq_total", "http.front.downstream_rq_5xx", "http.front.downstream_cx_total",
                     "cluster.origin.upstream_rq_total", "cluster.origin.upstream_rq_5xx"):
            self.assertEqual(before[name] + 1, after[name], name)


def _settled(weir):
    stats = weir.stats()
    return stats if stats["http.front.downstream_rq_active"] == 0 else None


class OlderHttp(unittest.TestCase):

    def test_http_1_0_is_refused_unless_it_is_allowed(self):
        with Origin() as origin:
            port, config = proxy(origin.port)
            with Weir(config):
                with Client(port) as client:
                    client.send(b"GET / HTTP/1.0\r\nHost: h\r\n\r\n")
                    self.assertEqual(505, client.response().status)
                    self.assertTrue(client.ended())
            port, config = proxy(origin.port, http_protocol_options={"accept_http_10": True,
                                                                    "default_host_for_http_10": "old.example"})
            with Weir(config):
                with Client(port) as client:
                    client.send(b"GET /old HTTP/1.0\r\n\r\n")
                    answer = client.response()
                    self.assertEqual((200, b"ok"), (answer.status, answer.body))
                    self.assertTrue(client.ended())
                self.assertEqual("old.example", origin.requests[-1].get("host"))
                with Client(port) as client:
                    client.send(b"GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                    self.assertEqual(200, client.response().status)
                    client.send(b"GET /again HTTP/1.0\r\n\r\n")
                    self.assertEqual(200, client.response().status)


if __name__ == "__main__":
    cases.main()
