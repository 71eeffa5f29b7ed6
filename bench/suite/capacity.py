"""Part 3: memory per idle and active connection, and what starting costs as the configuration grows."""

import json
import os
import socket
import ssl
import statistics
import tempfile
import threading
import time

from load_part import spread
from peers import Setting, start
from world import FAILURES, BenchError, Process, free_port, pss, raise_limits, wait_for_port

KINDS = {"h1": Setting(), "h2": Setting(front="h2"), "tls": Setting(tls=True), "tcp": Setting("tcp")}
SPARE = 1500  # descriptors of a process beside those of the connections that are counted
GET = {"100": b"GET /100 HTTP/1.1\r\nHost: bench\r\n\r\n", "hold": b"GET /hold HTTP/1.1\r\nHost: bench\r\n\r\n"}


def settled(pid):
    """Bytes of PSS once that has stopped to change: a proxy that is short of processor time may stop for a moment."""
    end, last, same = time.monotonic() + 6, pss(pid), 0
    while time.monotonic() < end and same < 3:
        threading.Event().wait(0.25)
        now = pss(pid)
        same = same + 1 if abs(now - last) < 0.002 * last else 0
        last = now
    return last


class _Held:
    """Connections that each had one answer and are kept open; activate() lets them ask for what is never answered."""

    def __init__(self, kind, port):
        self.kind, self.port, self.all = kind, port, []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE

    def add(self, count):
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
            self.all.append(connection)
            if self.kind == "tls":
                connection = self.all[-1] = self.context.wrap_socket(connection, server_hostname="bench")
            self._ask(connection)

    def activate(self, count):
        for connection in self.all[-count:]:
            connection.sendall(_h2_get(3, b"/hold") if self.kind == "h2" else GET["hold"])

    def _ask(self, connection):
        if self.kind == "tcp":
            connection.sendall(b"100\n".ljust(64))
            missing = 100
            while missing > 0:
                missing -= len(_some(connection, missing))
        elif self.kind == "h2":
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0" + _h2_get(1, b"/100"))
            self._until_end_of_stream(connection)
            connection.sendall(b"\0\0\0\x04\x01\0\0\0\0")
        else:
            connection.sendall(GET["100"])
            got = b""
            while b"\r\n\r\n" not in got or len(got) < got.index(b"\r\n\r\n") + 104:
                got += _some(connection, 4096)

    @staticmethod
    def _until_end_of_stream(connection):
        got = b""
        while True:
            while len(got) >= 9 and len(got) >= 9 + int.from_bytes(got[:3], "big"):
                size, kind, flags, stream = int.from_bytes(got[:3], "big"), got[3], got[4], int.from_bytes(got[5:9], "big")
                got = got[9 + size:]
                if stream == 1 and kind in (0, 1) and flags & 1:
                    return
            got += _some(connection, 65536)

    def close(self):
        for connection in self.all:
            connection.close()


def _h2_get(stream, path):
    """HEADERS of a GET of "bench" with nothing that needs a table: RFC 7541, 6.1 and 6.2.2."""
    head = b"\x82\x86\x04" + bytes([len(path)]) + path + b"\x01\x05bench"
    return len(head).to_bytes(3, "big") + b"\x01\x05" + stream.to_bytes(4, "big") + head


def _some(connection, size):
    got = connection.recv(size)
    if not got:
        raise BenchError("it closed a connection that was to be held")
    return got


def memory(names, world, wanted, notes, say):
    """KiB of PSS per idle and per active connection, by kind and proxy.

    A proxy needs two descriptors for each, and some take no more than they have both for: where a process may not open as many files,
    fewer connections are held.
    """
    count = min(wanted, (raise_limits() - SPARE) // 2)
    if count < wanted:
        notes.gap("%d connections are held, not %d: a process may open no more than %d files here" % (count, wanted, raise_limits()))
    found = {}
    for kind, setting in KINDS.items():
        found[kind] = {}
        for name in names:
            try:
                seen = _memory_of(name, kind, setting, world, count)
            except FAILURES as error:
                notes.about(name, "failed with %d %s connections: %s" % (count, kind, (str(error).splitlines() or [""])[0]))
                continue
            if seen:
                found[kind][name] = seen
        say("%-12s KiB per idle (and active) connection: %s" % ("memory " + kind, ", ".join(
            "%s %.2f%s" % (name, value["kib"], " (%.2f)" % value["active_kib"] if value["active_kib"] else "")
            for name, value in found[kind].items())))
    return found


def _memory_of(name, kind, setting, world, count):
    proxy = start(name, setting, world)
    if proxy is None:
        return None
    held = _Held(kind, proxy.port)
    try:
        held.add(50)
        before = settled(proxy.pid)
        held.add(count)
        idle = settled(proxy.pid)
        found = {"kib": (idle - before) / count / 1024, "connections": count, "start_mib": before / (1 << 20), "active_kib": None}
        if kind != "tcp":  # where an idle relay is as large as an active one
            held.activate(count)
            found["active_kib"] = found["kib"] + (settled(proxy.pid) - idle) / count / 1024
        ended = proxy.process.ended()
        if ended:
            raise BenchError(ended)
        return found
    finally:
        held.close()
        proxy.close()


SIZES, STARTS = (1, 1000, 10000), 3


def growth(world, notes, say):
    """Start time and memory of weir with many clusters and as many routes."""
    found = []
    for size in SIZES:
        for workers in (1, 2):
            try:
                seen = [_start_with(world, size, workers) for _ in range(STARTS)]
            except FAILURES as error:
                notes.failure("weir with %d clusters and routes: %s" % (size, error))
                continue
            seconds, size_mib = spread([each[0] for each in seen]), statistics.median(each[1] for each in seen)
            found.append({"clusters_and_routes": size, "workers": workers, "seconds": seconds, "pss_mib": size_mib})
            say("%-12s %d clusters and routes, %d workers: %.0f ms to the first answer, %.1f MiB" %
                ("start", size, workers, seconds["median"] * 1000, size_mib))
    return found


def _start_with(world, size, workers):
    """Seconds until the last of the routes has answered, and MiB then. On all cores, as a user would start it."""
    directory = tempfile.mkdtemp(prefix="weir-bench-")
    port = free_port()
    clusters = [{"name": "c%d" % i, "load_assignment": {"cluster_name": "c%d" % i, "endpoints": [{"lb_endpoints": [
        {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": world.origin.http}}}}]}]}}
        for i in range(size)]
    routes = [{"match": {"prefix": "/r/%d/" % i}, "route": {"cluster": "c%d" % i}} for i in range(size)]
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front", "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}]}
    configuration = {"static_resources": {"clusters": clusters, "listeners": [{
        "name": "front", "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}]}]}}
    path = os.path.join(directory, "weir.json")
    with open(path, "w") as file:
        json.dump(configuration, file)
    begun = time.monotonic()
    process = Process([world.weir, "run", "-c", path, "--concurrency", str(workers), "--log-level", "error"], None, directory)
    try:
        wait_for_port(port, process.process, "weir with %d clusters" % size)
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(b"GET /r/%d/100 HTTP/1.1\r\nHost: bench\r\n\r\n" % (size - 1))
            answer = connection.recv(4096)
        took = time.monotonic() - begun
        if not answer.startswith(b"HTTP/1.1 200"):
            raise BenchError("the last route answered %r" % answer[:40])
        return took, settled(process.pid) / (1 << 20)
    finally:
        process.close()
