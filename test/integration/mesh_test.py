#!/usr/bin/python3
"""The mesh of configs/mesh.yaml as it stands there: only its ports are others."""

import collections
import re
import subprocess
import unittest

from example import on_free_ports
from weir_process import Weir, cases, runfile
from wire import Client, fetch


def curl(*arguments):
    done = subprocess.run(["curl", "-s", *arguments], stdout=subprocess.PIPE, timeout=60)
    return done.returncode, done.stdout


class Mesh(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        with open(runfile("configs/mesh.yaml")) as file:
            text, ports = on_free_ports(file.read())
        cls.client, cls.server, cls.service = ports[8082], ports[8083], ports[6060]
        cls.weir = Weir(text)

    @classmethod
    def tearDownClass(cls):
        try:
            cls.weir.stop()
        finally:
            cls.weir.kill()

    def test_each_hop_gives_the_same_answer(self):
        for port in (self.client, self.server, self.service):
            status, out = curl("-i", "http://127.0.0.1:%d/" % port)
            self.assertEqual(0, status)
            head, body = out.decode().split("\r\n\r\n", 1)
            self.assertEqual("hello world", body)
            self.assertTrue(head.startswith("HTTP/1.1 200 OK\r\n"), head)
            self.assertRegex(head, r"(?im)^content-length: 11\r?$")

    def test_one_request_id_is_in_the_logs_of_both_hops(self):
        marker = "/one-id"
        fetch(self.client, marker)
        lines = []
        for name in ("access-client.log", "access-server.log", "access-service.log"):
            lines.append(self.line_with(name, marker))
        ids = {re.search(r'"([0-9a-f]{8}-[0-9a-f-]{27})"', line).group(1) for line in lines}
        self.assertEqual(1, len(ids), lines)

    def line_with(self, name, marker):
        from weir_process import wait_until
        return wait_until(lambda: next((line for line in self.weir.file(name).splitlines() if marker in line), None),
                          "a line with %s in %s" % (marker, name))

    def test_the_client_cannot_choose_its_request_id_at_the_edge(self):
        with Client(self.client) as client:
            client.get("/chosen-id", "X-Request-Id: chosen")
        self.assertNotIn('"chosen"', self.line_with("access-server.log", "/chosen-id"))

    def test_ten_of_a_hundred_pass_the_limited_route(self):
        status, out = curl("-o", "/dev/null", "-w", "%{http_code}\n", "http://127.0.0.1:%d/limited?[1-100]" % self.client)
        self.assertEqual(0, status)
        self.assertEqual({"200": 10, "429": 90}, dict(collections.Counter(out.decode().split())))

    def test_a_slow_upstream_gives_504(self):
        self.assertEqual(504, fetch(self.client, "/slow").status)
        self.assertEqual(200, fetch(self.server, "/").status)

    def test_a_dead_upstream_gives_503(self):
        self.assertEqual(503, fetch(self.client, "/dead").status)


if __name__ == "__main__":
    cases.main()
