#!/usr/bin/python3
"""Every file in configs/ runs and does what the comment at its top promises."""

import glob
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
from example import on_free_ports, replace_ports  # noqa: E402
from promises import in_comments, plain, shell  # noqa: E402
from tls_world import make_certs  # noqa: E402
from weir_process import Weir, cases, run, runfile  # noqa: E402
from wire import Client, Origin, fetch  # noqa: E402

_SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


def websocket_server(wire):
    wire.request()
    wire.send(_SWITCH)
    wire.rest()


def files():
    return sorted(glob.glob(os.path.join(runfile("configs"), "*.yaml")) + glob.glob(os.path.join(runfile("configs"), "*.json")))


def read(name):
    with open(runfile("configs/" + name)) as file:
        return file.read()


class Configs(unittest.TestCase):

    def keep_promises(self, name, text, ports, weir):
        promises = in_comments(read(name))
        self.assertTrue(promises, "%s promises nothing" % name)
        for promise in promises:
            _, out = shell(replace_ports(promise.command, ports), weir.directory)
            expected = replace_ports("\n".join(promise.expected), ports)
            self.assertEqual(plain(expected), plain(out), promise.command)

    def test_what_access_logs_promise(self):
        text, ports = on_free_ports(read("access-log-json.yaml"))
        with Weir(text) as weir:
            with Client(ports[10000]) as client:
                client.get("/hello?name=weir")
                client.get("/missing")
            weir.stop()
            entries = [json.loads(line) for line in weir.stdout if line.startswith("{")]
            self.assertEqual([("/hello?name=weir", 200, 3), ("/missing", 404, entries[1]["bytes"])],
                             [(entry["path"], entry["status"], entry["bytes"]) for entry in entries])
            self.assertEqual(1, sum(line == "error 404 no_route GET /missing" for line in weir.log), weir.log)

    def test_health_checks_are_not_logged(self):
        text, ports = on_free_ports(read("health-check.yaml"))
        with Weir(text) as weir:
            fetch(ports[10000], "/healthz")
            fetch(ports[10000], "/")
            weir.stop()
            self.assertEqual(1, len(weir.stdout), weir.stdout)
            self.assertIn('"GET / HTTP/1.1" 200', weir.stdout[0])

    def test_the_edge(self):
        """edge.json can hold no comment: what it is for is said here."""
        text, ports = on_free_ports(read("edge.json"))
        with Weir(text, suffix=".json"):
            with Client(ports[10000]) as client:
                answer = client.get("/", host="shop.example.com")
                self.assertEqual((200, b"welcome to the shop\n", "edge"),
                                 (answer.status, answer.body, answer.get("server")))
                self.assertEqual(200, client.get("/", host="a.b.shop.example.com").status)
                self.assertEqual(404, client.get("/", host="other.example.com").status)
                self.assertEqual(400, client.get("/a%2Fb", host="shop.example.com").status)
                self.assertEqual(400, client.get("/", "x_y: 1", host="shop.example.com").status)

    def test_formats(self):
        """The same configuration as YAML and as JSON is the same to weir."""
        for path in files():
            status, out, err = run("check", "--schema-only", path)
            self.assertEqual((0, ""), (status, err if "error" in err else ""), path + out + err)


def _case(name):
    def test(self):
        text, ports = on_free_ports(read(name))
        origins = [Origin(serve=websocket_server, port=ports[9000])] if 9000 in ports else []
        try:
            prepare = make_certs if "certs/" in text else None
            with Weir(text, suffix=os.path.splitext(name)[1], prepare=prepare) as weir:
                self.keep_promises(name, text, ports, weir)
        finally:
            for origin in origins:
                origin.close()
    return test


for _path in files():
    _name = os.path.basename(_path)
    if _name.endswith(".yaml"):
        setattr(Configs, "test_keeps_the_promises_of_" + _name.replace("-", "_").replace(".", "_"), _case(_name))


if __name__ == "__main__":
    cases.main()
