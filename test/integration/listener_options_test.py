#!/usr/bin/python3
"""What a listener notes about itself, for logs and headers; how many connections it takes at once, and which."""

import json
import tempfile
import unittest

from proxy_config import any_of, config, direct, hcm, listener, network_filter, prefix, tcp
from weir_process import Weir, cases, free_ports, run, wait_until
from wire import Client, fetch


def _listener_filter(kind, **fields):
    return {"name": kind, "typed_config": any_of("type.googleapis.com/envoy.extensions.filters.listener." + kind, **fields)}


class ListenerOptions(unittest.TestCase):

    def test_logs_and_headers_show_what_is_noted_about_the_listener(self):
        noted = {"traffic_direction": "INBOUND", "metadata": {"filter_metadata": {"app": {"team": "blue"}}}}
        text = "%TRAFFIC_DIRECTION% %METADATA(LISTENER:app:team)%"
        headers = [{"header": {"key": "x-about", "value": text}}]
        log = {"name": "log", "typed_config": any_of(
            "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
            log_format={"text_format_source": {"inline_string": "tcp " + text + "\n"}})}
        web, plain, echo = free_ports(3)
        routes = [direct(prefix("/"), response_headers_to_add=headers)]
        listeners = [listener("web", web, hcm("web", routes), **noted), listener("plain", plain, hcm("plain", routes)),
                     listener("echo", echo, network_filter("echo", "echo.v3.Echo"), access_log=[log], **dict(
                         noted, traffic_direction="OUTBOUND"))]
        with Weir(config(listeners)) as weir:
            self.assertEqual("INBOUND blue", fetch(web).get("x-about"))
            self.assertNotIn("blue", fetch(plain).get("x-about") or "")
            with Client(echo) as client:
                client.send(b"x")
                client.exactly(1)
            wait_until(lambda: "tcp OUTBOUND blue" in [line.strip() for line in weir.stdout], "the line of the log")

    def test_a_connection_is_handed_to_the_listener_that_it_was_going_to(self):
        def named(name, where, *looks, **options):
            headers = [{"header": {"key": "x-where", "value": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% "
                                   "%DOWNSTREAM_LOCAL_ADDRESS%"}}]
            route = direct(prefix("/"), name, response_headers_to_add=headers)
            return listener(name, where, hcm(name, [route]), listener_filters=list(looks), **options)
        greeting = _listener_filter("proxy_protocol.v3.ProxyProtocol", allow_requests_without_proxy_protocol=True)
        looks = _listener_filter("http_inspector.v3.HttpInspector")
        port, exact, wide, again = free_ports(4)
        unbound = {"bind_to_port": False}
        listeners = [named("front", port, greeting, use_original_dst=True), named("exact", exact, looks, **unbound),
                     named("wide", tcp(wide, "0.0.0.0"), **unbound),
                     named("again", again, looks, use_original_dst=True, **unbound)]
        with Weir(config(listeners)) as weir:
            for going_to, name in ((exact, b"exact"), (wide, b"wide"), (again, b"again"), (9, b"front"), (port, b"front")):
                with Client(port) as client:
                    client.send(b"PROXY TCP4 192.0.2.1 127.0.0.1 4000 %d\r\n" % going_to)
                    for _ in range(2):
                        answer = client.get()
                        self.assertEqual((name, "192.0.2.1 127.0.0.1:%d" % going_to), (answer.body, answer.get("x-where")))
            with Client(port) as client:
                self.assertEqual(b"front", client.get().body)
            with self.assertRaises(OSError):
                Client(exact).close()
            self.assertIn("exact::127.0.0.1:%d\n" % exact, weir.admin("/listeners")[2])
            stats = weir.stats()
            self.assertEqual([1, 3], [stats["listener.127.0.0.1_%d.downstream_cx_total" % each] for each in (exact, port)])

    def test_a_listener_where_nothing_comes_is_warned_of(self):
        lonely = listener("lonely", free_ports(1)[0], hcm("lonely", [direct(prefix("/"))]), bind_to_port=False)
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(config([lonely]), file)
            file.flush()
            status, out, error = run("check", "--schema-only", file.name)
        self.assertEqual(0, status)
        self.assertIn("bind_to_port: false, and no listener has use_original_dst: no connection comes here", out + error)

    def test_every_connection_is_taken_however_few_at_once(self):
        port = free_ports(1)[0]
        front = listener("front", port, hcm("front", [direct(prefix("/"))]), max_connections_to_accept_per_socket_event=1)
        with Weir(config([front])) as weir:
            clients = [Client(port) for _ in range(50)]
            for client in clients:
                self.assertEqual(200, client.get().status)
                client.close()
            self.assertEqual(50, weir.stats()["http.front.downstream_cx_total"])


if __name__ == "__main__":
    cases.main()
