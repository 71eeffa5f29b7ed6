#!/usr/bin/python3
"""The filters on the real clock and over real sockets; their rules are tested in simulation."""

import threading
import time
import unittest

from proxy_config import config, direct, file_log, http_filter, http_listener, per_route, prefix, proxy, rate_limit
from weir_process import Weir, cases, free_ports, wait_until
from wire import Client, Origin, fetch, response


class RateLimit(unittest.TestCase):

    def limited(self, tokens, fill):
        port = free_ports(1)[0]
        routes = [direct(prefix("/free")),
                  direct(prefix("/"), typed_per_filter_config=per_route(
                      "local_ratelimit", "LocalRateLimit", **rate_limit(tokens, fill)))]
        chain = [http_filter("local_ratelimit", "LocalRateLimit", stat_prefix="unlimited")]
        return port, config([http_listener("front", port, routes, chain)])

    def test_exactly_the_burst_passes_over_all_workers(self):
        port, configuration = self.limited(10, "3600s")
        with Weir(configuration, ["--concurrency", "4"]) as weir:
            statuses = []
            gate = threading.Barrier(10)

            def run():
                with Client(port) as client:
                    gate.wait()
                    for _ in range(10):
                        statuses.append(client.get().status)
            threads = [threading.Thread(target=run) for _ in range(10)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual({200: 10, 429: 90}, {status: statuses.count(status) for status in set(statuses)})
            self.assertEqual(200, fetch(port, "/free").status)
            weir.wait_stat("limit.http_local_rate_limit.rate_limited", 90)
            self.assertEqual(10, weir.stats()["limit.http_local_rate_limit.ok"])

    def test_tokens_come_back_with_time(self):
        port, configuration = self.limited(2, "1s")
        with Weir(configuration):
            with Client(port) as client:
                begun = time.monotonic()
                passed = wait_until(lambda: self.count(client, 6), "six requests have passed")
                self.assertEqual(6, passed)
                # Two at once, then two more each second: the fifth and sixth come after 2 s.
                self.assertGreaterEqual(time.monotonic() - begun, 1.9)

    def count(self, client, goal):
        self.passed = getattr(self, "passed", 0) + (client.get().status == 200)
        return self.passed if self.passed >= goal else None


class OtherFilters(unittest.TestCase):

    def test_a_delay_is_at_least_as_long_as_it_says(self):
        port = free_ports(1)[0]
        every = {"numerator": 100}
        chain = [http_filter("fault", "HTTPFault", delay={"fixed_delay": "0.3s", "percentage": every})]
        with Weir(config([http_listener("front", port, [direct(prefix("/"))], chain)])):
            begun = time.monotonic()
            self.assertEqual(200, fetch(port).status)
            self.assertGreaterEqual(time.monotonic() - begun, 0.3)

    def test_an_abort_reaches_no_upstream(self):
        with Origin() as origin:
            chain = [http_filter("fault", "HTTPFault", abort={"http_status": 418, "percentage": {"numerator": 100}})]
            port, configuration = proxy(origin.port, filters=chain)
            with Weir(configuration):
                self.assertEqual(418, fetch(port).status)
            self.assertEqual(0, origin.connections)

    def test_the_buffer_filter_sends_whole_requests_only(self):
        with Origin() as origin:
            port, configuration = proxy(origin.port, filters=[http_filter("buffer", "Buffer", max_request_bytes=1000)])
            with Weir(configuration), Client(port) as client:
                client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345")
                self.assertTrue(client.silent())
                self.assertEqual(0, origin.connections)
                client.send(b"67890")
                self.assertEqual(200, client.response().status)
                self.assertEqual(b"1234567890", origin.requests[-1].body)
                client.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
                            b"3e8\r\n" + b"x" * 1000 + b"\r\n1\r\ny\r\n0\r\n\r\n")
                self.assertEqual(413, client.response().status)
            self.assertEqual(1, len(origin.requests))

    def test_header_mutation_comes_where_the_chain_has_it(self):
        edit = [{"append": {"header": {"key": "x-who", "value": "filter"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}},
                {"remove": "x-secret"}]
        with Origin(lambda request: response(200, b"", "X-Internal: 1")) as origin:
            chain = [http_filter("header_mutation", "HeaderMutation",
                                 mutations={"request_mutations": edit, "response_mutations": [{"remove": "x-internal"}]})]
            port, configuration = proxy(origin.port, filters=chain)
            with Weir(configuration):
                answer = fetch(port, "/", "X-Who: client", "X-Secret: s")
                self.assertNotIn("x-internal", answer.names())
            seen = origin.requests[-1]
            self.assertEqual(["filter"], seen.all("x-who"))
            self.assertNotIn("x-secret", seen.names())

    def test_what_one_filter_notes_another_checks_and_the_log_shows(self):
        rules = [{"header": "x-role", "remove": True,
                  "on_header_present": {"metadata_namespace": "who", "key": "role"},
                  "on_header_missing": {"metadata_namespace": "who", "key": "role", "value": "guest"}}]
        admin = {"metadata_matcher": {"filter": "who", "path": [{"key": "role"}],
                                      "value": {"string_match": {"exact": "admin"}}}}
        chain = [http_filter("header_to_metadata", "Config", request_rules=rules),
                 http_filter("set_metadata", "Config", metadata=[
                     {"metadata_namespace": "who", "value": {"site": {"id": 7}}, "allow_overwrite": True}]),
                 http_filter("rbac", "RBAC", rules={"policies": {"admins": {
                     "permissions": [{"any": True}], "principals": [{"sourced_metadata": admin}]}}})]
        form = "%RESPONSE_CODE% %DYNAMIC_METADATA(who:role)% %DYNAMIC_METADATA(who:site)% %DYNAMIC_METADATA(who:none)%\n"
        with Origin() as origin:
            port, configuration = proxy(origin.port, filters=chain, access_log=[
                file_log("access.log", text_format_source={"inline_string": form})])
            with Weir(configuration) as weir, Client(port) as client:
                for sent in (["X-Role: admin"], ["X-Role: user"], []):
                    client.get("/", *sent)
                lines = weir.wait_file("access.log", 3)
            self.assertEqual(['200 admin {"id":7} -', '403 user {"id":7} -', '403 guest {"id":7} -'], lines)
            self.assertEqual(1, len(origin.requests))
            self.assertNotIn("x-role", origin.requests[0].names())

    def test_health_checks_fail_while_draining(self):
        checks = [http_filter("health_check", "HealthCheck", pass_through_mode=False,
                              headers=[{"name": ":path", "string_match": {"exact": "/healthz"}}])]
        hold = threading.Event()
        arrived = threading.Event()

        def answer(wire, request):
            arrived.set()
            hold.wait(60)
            wire.send(response())
        with Origin(answer) as origin:
            port, configuration = proxy(origin.port, filters=checks)
            with Weir(configuration) as weir, Client(port) as client:
                self.assertEqual(200, fetch(port, "/healthz").status)
                self.assertEqual(0, len(origin.requests))
                client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                self.assertTrue(arrived.wait(60))
                hold.set()
                self.assertEqual(200, client.response().status)
                weir.stop()


if __name__ == "__main__":
    cases.main()
