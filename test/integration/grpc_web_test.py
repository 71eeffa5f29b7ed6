#!/usr/bin/python3
"""gRPC-Web from HTTP/1.1, as browsers send it, to gRPC's own server."""

import base64
import struct
import unittest

from grpc_world import Server
from http2_world import http2_upstream, in_front_of
from proxy_config import any_of
from weir_process import Weir, cases, free_ports
from wire import Client

_WEB = {"name": "envoy.filters.http.grpc_web",
        "typed_config": any_of("type.googleapis.com/envoy.extensions.filters.http.grpc_web.v3.GrpcWeb")}


def message(data):
    return struct.pack(">BI", 0, len(data)) + data


def messages(data):
    """[(flags, bytes)]"""
    out = []
    while data:
        flags, size = struct.unpack(">BI", data[:5])
        out.append((flags, data[5:5 + size]))
        data = data[5 + size:]
    return out


class GrpcWeb(unittest.TestCase):

    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.__exit__)
        self.port, configuration = in_front_of(self.server.port, http2_upstream(), filters=[_WEB])
        self.weir = Weir(configuration)
        self.addCleanup(self.weir.kill)

    def tearDown(self):
        self.weir.stop()

    def call(self, method, body, kind="grpc-web+proto", *more):
        with Client(self.port) as client:
            lines = ["POST /test.Echo/%s HTTP/1.1" % method, "Host: h", "Content-Type: application/" + kind,
                     "X-Grpc-Web: 1", "Content-Length: %d" % len(body), *more]
            client.send(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
            return client.response()

    def check(self, data, expected):
        got = messages(data)
        self.assertEqual([(0, text) for text in expected], got[:-1])
        flags, trailers = got[-1]
        self.assertEqual(0x80, flags)
        lines = trailers.decode().split("\r\n")
        self.assertEqual("", lines.pop())
        fields = dict(line.replace(": ", ":", 1).split(":", 1) for line in lines)
        self.assertEqual(("0", "2"), (fields["grpc-status"], fields["x-last"]))

    def test_binary(self):
        answer = self.call("Unary", message(b"hello"))
        self.assertEqual((200, "application/grpc-web+proto"), (answer.status, answer.get("content-type")))
        self.assertEqual("1", answer.get("x-first"))
        self.check(answer.body, [b"hello"])
        answer = self.call("Split", message(b"\1\2\3"))
        self.check(answer.body, [b"\1" * 1000, b"\2" * 2000, b"\3" * 3000])

    def test_text(self):
        # Two texts in a row, each padded.
        body = base64.b64encode(message(b"a")) + base64.b64encode(message(b"bc"))
        answer = self.call("Join", body, "grpc-web-text", "Accept: application/grpc-web-text")
        self.assertEqual((200, "application/grpc-web-text"), (answer.status, answer.get("content-type").split("+")[0]))
        data = b"".join(base64.b64decode(part + b"=" * (-len(part) % 4)) for part in _texts(answer.body))
        self.check(data, [b"a+bc"])

    def test_text_that_is_not_base64_is_refused(self):
        self.assertEqual(400, self.call("Unary", b"*not base64*", "grpc-web-text").status)

    def test_an_error_without_messages(self):
        answer = self.call("Unary", message(b""), "grpc-web", "X-Status: NOT_FOUND")
        status = answer.get("grpc-status")
        if status is None:
            flags, trailers = messages(answer.body)[-1]
            self.assertEqual(0x80, flags)
            self.assertIn(b"grpc-status:5", trailers.replace(b": ", b":"))
        else:
            self.assertEqual("5", status)

    def test_a_dead_upstream(self):
        port, configuration = in_front_of(free_ports(1)[0], http2_upstream(), filters=[_WEB])
        with Weir(configuration):
            self.port, kept = port, self.port
            answer = self.call("Unary", message(b""))
            self.port = kept
        self.assertEqual((200, "14"), (answer.status, answer.get("grpc-status")))


def _texts(body):
    """Base64 that was written piece by piece: after padding, another text begins."""
    out = [b""]
    for i in range(0, len(body), 4):
        out[-1] += body[i:i + 4]
        if out[-1].endswith(b"="):
            out.append(b"")
    return out


if __name__ == "__main__":
    cases.main()
