#!/usr/bin/python3
"""Backpressure: large bodies past slow readers, with memory bounded by the buffers and not by the body."""

import hashlib
import os
import threading
import unittest

from proxy_config import cluster, config, listener, network_filter, proxy
from weir_process import Weir, cases, free_ports, wait_until
from wire import Client, Origin, response

_MIB = 1 << 20
# Buffers of both connections, sockets not counted, with much room for allocators and sanitizers to differ; far below the
# body.
_GROWTH = 24 * _MIB


def _kernel_buffers():
    """The most that one way through weir keeps in sockets: two send buffers, and the receive buffer that grows as weir reads.

    The reader's end never grows: it either has a small one of its own or does not read."""
    largest = {}
    for name in ("rmem", "wmem"):
        with open(f"/proc/sys/net/ipv4/tcp_{name}", encoding="ascii") as file:
            largest[name] = int(file.read().split()[2])
    return largest["rmem"] + 2 * largest["wmem"]


# What may be on its way while nobody reads, and a body that is much more than that.
_HELD = _kernel_buffers() + _GROWTH
_SIZE = (2 * _HELD // _MIB + 1) * _MIB
# What AddressSanitizer keeps after it was freed is no buffer of weir's.
_ENVIRONMENT = dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4")


def blocks(size=_SIZE):
    """The same bytes for both ends, a MiB at a time."""
    block = hashlib.sha256(b"weir").digest() * (_MIB // 32)
    for _ in range(size // _MIB):
        yield block


def digest_of(pieces):
    total = hashlib.sha256()
    for piece in pieces:
        total.update(piece)
    return total.hexdigest()


class Watch:
    """The largest resident size while it is open, above that at its start."""

    def __init__(self, weir):
        self.weir = weir
        self.first = weir.rss()
        self.largest = self.first
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._end.wait(0.005):
            self.largest = max(self.largest, self.weir.rss())

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()

    @property
    def growth(self):
        return self.largest - self.first


class Sender:
    """Sends the blocks on a thread of its own and knows how far it is."""

    def __init__(self, wire):
        self.sent = 0
        self._wire = wire
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        for block in blocks():
            self._wire.send(block)
            self.sent += len(block)

    def wait_stalled(self):
        """Waits until nothing moves: the buffers of both sides and the kernel's are full."""
        pause = threading.Event()

        def still():
            before = self.sent
            pause.wait(0.3)
            return 0 < self.sent == before
        wait_until(still, "the sender is held back")
        return self.sent


class LargeBodies(unittest.TestCase):

    def test_a_download_past_a_reader_that_stops(self):
        senders = []

        def serve(wire):
            wire.request()
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % _SIZE)
            senders.append(Sender(wire))
            senders[0].thread.join()
        with Origin(serve=serve) as origin:
            # The timeout of a route holds for the whole response.
            port, configuration = proxy(origin.port, {"timeout": "0s"})
            with Weir(configuration, env=_ENVIRONMENT) as weir, Client(port, receive_buffer=65536) as client, Watch(weir) as watch:
                client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                wait_until(lambda: senders, "the request is upstream")
                self.assertLess(senders[0].wait_stalled(), _HELD)
                self.assertEqual(200, int(client.until(b"\r\n\r\n").split()[1]))
                got = digest_of(client.exactly(_MIB) for _ in range(_SIZE // _MIB))
            self.assertEqual(digest_of(blocks()), got)
            self.assertLess(watch.growth, _GROWTH)

    def test_an_upload_past_an_origin_that_stops(self):
        go = threading.Event()
        got = []

        def serve(wire):
            wire.until(b"\r\n\r\n")
            go.wait(60)
            got.append(digest_of(wire.exactly(_MIB) for _ in range(_SIZE // _MIB)))
            wire.send(response(200, b"stored"))
        with Origin(serve=serve) as origin:
            port, configuration = proxy(origin.port)
            with Weir(configuration, env=_ENVIRONMENT) as weir, Client(port) as client, Watch(weir) as watch:
                client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % _SIZE)
                sender = Sender(client)
                self.assertLess(sender.wait_stalled(), _HELD)
                go.set()
                sender.thread.join()
                self.assertEqual(b"stored", client.response().body)
            self.assertEqual([digest_of(blocks())], got)
            self.assertLess(watch.growth, _GROWTH)

    def test_a_chunked_upload_of_small_chunks(self):
        def serve(wire):
            request = wire.request()
            wire.send(response(200, hashlib.sha256(request.body).hexdigest().encode()))
        body = os.urandom(4 * _MIB)
        with Origin(serve=serve) as origin:
            port, configuration = proxy(origin.port)
            with Weir(configuration), Client(port) as client:
                client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
                for at in range(0, len(body), 1000):
                    piece = body[at:at + 1000]
                    client.send(b"%x\r\n%s\r\n" % (len(piece), piece))
                client.send(b"0\r\n\r\n")
                self.assertEqual(hashlib.sha256(body).hexdigest().encode(), client.response().body)

    def test_tcp_is_held_back_in_the_same_way(self):
        senders = []

        def serve(wire):
            senders.append(Sender(wire))
            senders[0].thread.join()
        with Origin(serve=serve) as origin:
            port = free_ports(1)[0]
            carried = listener("front", port, network_filter("tcp", "tcp_proxy.v3.TcpProxy", stat_prefix="front",
                                                             cluster="origin"))
            with Weir(config([carried], [cluster("origin", origin.port)]), env=_ENVIRONMENT) as weir:
                with Client(port, receive_buffer=65536) as client, Watch(weir) as watch:
                    wait_until(lambda: senders, "the connection is upstream")
                    self.assertLess(senders[0].wait_stalled(), _HELD)
                    got = digest_of(client.exactly(_MIB) for _ in range(_SIZE // _MIB))
                    self.assertTrue(client.ended())
            self.assertEqual(digest_of(blocks()), got)
            self.assertLess(watch.growth, _GROWTH)

    def test_many_clients_at_once(self):
        """20 connections, each with requests of their own, and none gets the answer of another."""
        with Origin(lambda request: response(200, request.target.encode() + request.body)) as origin:
            port, configuration = proxy(origin.port)
            wrong = []

            def run(number):
                with Client(port) as client:
                    for i in range(30):
                        body = b"%d:%d" % (number, i) * (i + 1)
                        client.send(b"POST /%d HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (number, len(body)) + body)
                        answer = client.response()
                        if answer.body != b"/%d" % number + body:
                            wrong.append((number, i, answer))
            with Weir(configuration, ["--concurrency", "3"]) as weir:
                threads = [threading.Thread(target=run, args=(number,)) for number in range(20)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                self.assertEqual([], wrong)
                weir.wait_stat("http.front.downstream_rq_2xx", 600)


if __name__ == "__main__":
    cases.main()
