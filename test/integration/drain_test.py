#!/usr/bin/python3
"""Signals: SIGTERM lets requests finish, a second one does not, SIGUSR1 opens the logs again."""

import os
import re
import signal
import socket
import threading
import unittest

from proxy_config import file_log, proxy
from weir_process import Weir, cases, wait_until
from wire import Client, Ended, Origin, fetch, response


class Holding:
    """An origin that answers when it is let."""

    def __init__(self):
        self.arrived = threading.Semaphore(0)
        self.release = threading.Event()
        self.origin = Origin(self.answer)

    def answer(self, wire, request):
        self.arrived.release()
        self.release.wait(60)
        wire.send(response(200, b"finished"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release.set()
        self.origin.close()


def refuses(port):
    try:
        Client(port).close()
        return False
    except ConnectionRefusedError:
        return True


class Draining(unittest.TestCase):

    def drain(self, begin, weir, port, holding):
        """A request is under way when the drain begins; it is answered, then the process ends with 0."""
        idle = Client(port)
        idle.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        busy = Client(port)
        busy.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        self.assertTrue(holding.arrived.acquire(timeout=60) and holding.arrived.acquire(timeout=60))
        self.assertEqual(200, weir.admin("/ready")[0])
        begin()
        wait_until(lambda: weir.admin("/ready")[0] == 503, "readiness fails")
        wait_until(lambda: refuses(port), "new connections are refused")
        self.assertIsNone(weir.process.poll())
        holding.release.set()
        for client in (idle, busy):
            answer = client.response()
            self.assertEqual((200, b"finished", "close"), (answer.status, answer.body, answer.get("connection")))
            self.assertTrue(client.ended())
        self.assertEqual(0, weir.wait_exit())

    def test_sigterm_finishes_what_is_under_way_and_ends_with_0(self):
        with Holding() as holding:
            port, config = proxy(holding.origin.port)
            with Weir(config) as weir:
                self.drain(lambda: weir.signal(signal.SIGTERM), weir, port, holding)

    def test_sigint_does_the_same(self):
        with Holding() as holding:
            port, config = proxy(holding.origin.port)
            with Weir(config) as weir:
                self.drain(lambda: weir.signal(signal.SIGINT), weir, port, holding)

    def test_quitquitquit_does_the_same(self):
        with Holding() as holding:
            port, config = proxy(holding.origin.port)
            with Weir(config) as weir:
                self.drain(lambda: self.assertEqual(200, weir.admin("/quitquitquit", "POST")[0]), weir, port, holding)

    def test_idle_connections_do_not_hold_it_up(self):
        with Origin() as origin:
            port, config = proxy(origin.port)
            with Weir(config, ["--drain-time", "600"]) as weir, Client(port) as client, Client(port) as unused:
                self.assertEqual(200, client.get().status)
                weir.signal(signal.SIGTERM)
                self.assertTrue(client.ended())
                self.assertTrue(unused.ended())
                self.assertEqual(0, weir.wait_exit())

    def test_the_deadline_ends_what_does_not_finish(self):
        with Holding() as holding:
            port, config = proxy(holding.origin.port)
            with Weir(config, ["--drain-time", "1"]) as weir, Client(port) as client:
                client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                self.assertTrue(holding.arrived.acquire(timeout=60))
                weir.signal(signal.SIGTERM)
                # A 503 or a bare close: not an answer that looks whole.
                data = client.rest()
                self.assertNotIn(b"HTTP/1.1 200", data)
                self.assertEqual(0, weir.wait_exit())

    def test_a_second_sigterm_ends_it_now(self):
        with Holding() as holding:
            port, config = proxy(holding.origin.port)
            with Weir(config, ["--drain-time", "600"]) as weir, Client(port) as client:
                client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                self.assertTrue(holding.arrived.acquire(timeout=60))
                weir.signal(signal.SIGTERM)
                wait_until(lambda: refuses(port), "new connections are refused")
                weir.signal(signal.SIGTERM)
                weir.wait_exit()
                with self.assertRaises(Ended):
                    answer = client.response()
                    self.assertEqual(503, answer.status)
                    raise Ended()

    def test_a_response_on_its_way_is_sent_whole(self):
        """8 MiB to a client that begins to read only after SIGTERM."""
        body = os.urandom(1 << 20) * 8
        with Origin(lambda request: response(200, body)) as origin:
            port, config = proxy(origin.port)
            with Weir(config) as weir, Client(port, receive_buffer=65536) as client:
                client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                weir.wait_stat("cluster.origin.upstream_rq_total", 1)
                weir.signal(signal.SIGTERM)
                wait_until(lambda: refuses(port), "new connections are refused")
                self.assertEqual(body, client.response().body)
                self.assertEqual(0, weir.wait_exit())

    def test_sighup_and_sigpipe_do_not_end_it(self):
        with Origin() as origin:
            port, config = proxy(origin.port)
            with Weir(config) as weir:
                weir.signal(signal.SIGPIPE)
                self.assertEqual(200, fetch(port).status)
                self.assertIsNone(weir.process.poll())


class Reopening(unittest.TestCase):

    def test_sigusr1_opens_the_access_log_again(self):
        with Origin() as origin:
            port, config = proxy(origin.port, access_log=[
                file_log("access.log", text_format_source={"inline_string": "%REQ(:PATH)%\n"})])
            with Weir(config) as weir:
                fetch(port, "/first")
                self.assertEqual(["/first"], weir.wait_file("access.log", 1))
                os.rename(os.path.join(weir.directory, "access.log"), os.path.join(weir.directory, "access.log.1"))
                weir.signal(signal.SIGUSR1)
                wait_until(lambda: os.path.exists(os.path.join(weir.directory, "access.log")), "the file is there again")
                fetch(port, "/second")
                self.assertEqual(["/second"], weir.wait_file("access.log", 1))
                self.assertEqual("/first\n", weir.file("access.log.1"))

    def test_lines_of_the_last_requests_are_written_before_the_end(self):
        with Origin() as origin:
            port, config = proxy(origin.port, access_log=[
                file_log("access.log", text_format_source={"inline_string": "%REQ(:PATH)%\n"})])
            with Weir(config) as weir:
                with Client(port) as client:
                    for i in range(200):
                        client.get("/%d" % i)
                weir.stop()
                self.assertEqual(["/%d" % i for i in range(200)], weir.file("access.log").splitlines())


class Starting(unittest.TestCase):

    def test_all_listeners_are_bound_before_any_accepts(self):
        """With the second address taken, the first never answers."""
        from proxy_config import config, direct, http_listener, prefix
        from weir_process import free_ports
        first = free_ports(1)[0]
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen(1)
            second = taken.getsockname()[1]
            listeners = [http_listener("one", first, [direct(prefix("/"))]),
                         http_listener("two", second, [direct(prefix("/"))])]
            weir = Weir(config(listeners), ready=False)
            try:
                self.assertNotEqual(0, weir.wait_exit())
                said = [line for line in weir.log if "127.0.0.1:%d" % second in line]
                self.assertEqual(1, len(said), weir.log)
                self.assertIn("Address already in use", said[0])
                self.assertFalse([line for line in weir.log if re.search(r"\bready\b", line)])
            finally:
                weir.kill()


if __name__ == "__main__":
    cases.main()
