#!/usr/bin/python3
"""What a listener notes about itself, for logs and headers; how many connections it takes at once."""

import unittest

from proxy_config import any_of, config, direct, hcm, listener, network_filter, prefix
from weir_process import Weir, cases, free_ports, wait_until
from wire import Client, fetch


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
