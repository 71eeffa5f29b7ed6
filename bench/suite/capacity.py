"""Part 3: memory per connection, and what starting costs as the configuration grows."""

import json
import os
import re
import resource
import socket
import ssl
import subprocess
import tempfile
import threading
import time

from peers import Setting, start
from world import Process, pss, wait_for_port, free_port

KINDS = {"h1": Setting(), "h2": Setting(front="h2"), "tls": Setting(tls=True), "tcp": Setting("tcp")}


def _limit(wanted):
    """How many connections can be held: each takes a descriptor here, and up to two in the proxy."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(wanted, (hard - 6000) // 2)


class _Held:
    """Connections that each had one answer and are kept open."""

    def __init__(self, kind, port):
        self.kind, self.port, self.all = kind, port, []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE

    def add(self, count):
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
            if self.kind == "tls":
                connection = self.context.wrap_socket(connection, server_hostname="bench")
            self._ask(connection)
            self.all.append(connection)

    def _ask(self, connection):
        if self.kind == "tcp":
            connection.sendall(b"100\n".ljust(64))
            missing = 100
            while missing > 0:
                missing -= len(connection.recv(missing))
        elif self.kind == "h2":
            # Preface, empty SETTINGS, and a GET / for "bench" on stream 1 with nothing that needs a table.
            head = b"\x82\x86\x84\x01\x05bench"
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0" +
                               len(head).to_bytes(3, "big") + b"\x01\x05\0\0\0\x01" + head)
            self._until_end_of_stream(connection)
            connection.sendall(b"\0\0\0\x04\x01\0\0\0\0")
        else:
            connection.sendall(b"GET /100 HTTP/1.1\r\nHost: bench\r\n\r\n")
            got = b""
            while b"\r\n\r\n" not in got or len(got) < got.index(b"\r\n\r\n") + 104:
                got += connection.recv(4096)

    @staticmethod
    def _until_end_of_stream(connection):
        got = b""
        while True:
            while len(got) >= 9 and len(got) >= 9 + int.from_bytes(got[:3], "big"):
                size, kind, flags, stream = int.from_bytes(got[:3], "big"), got[3], got[4], int.from_bytes(got[5:9], "big")
                got = got[9 + size:]
                if stream == 1 and kind in (0, 1) and flags & 1:
                    return
            got += connection.recv(65536)

    def close(self):
        for connection in self.all:
            connection.close()


def memory(names, world, wanted, say):
    """KiB of PSS per idle connection, by kind and proxy."""
    found = {}
    for kind, setting in KINDS.items():
        count = _limit(wanted if kind != "tls" else min(wanted, 3000))
        for name in names:
            if name in ("go", "caddy") and wanted > 2000:
                continue
            proxy = start(name, setting, world)
            if proxy is None:
                continue
            held = _Held(kind, proxy.port)
            try:
                held.add(50)
                threading.Event().wait(0.3)
                before = pss(proxy.pid)
                held.add(count)
                threading.Event().wait(0.5)
                each = (pss(proxy.pid) - before) / count / 1024
            finally:
                held.close()
                proxy.close()
            found.setdefault(kind, {})[name] = {"kib": each, "connections": count, "start_mib": before / (1 << 20)}
        say("%-12s KiB per idle connection: %s" % (
            "memory " + kind, ", ".join("%s %.2f" % (name, value["kib"]) for name, value in found[kind].items())))
    return found


def growth(weir, say):
    """Start time and memory of weir with many clusters and routes."""
    found = []
    for size in (1, 1000, 10000):
        for workers in (1, 2):
            seconds, size_mib = _start_with(weir, size, workers)
            found.append({"clusters_and_routes": size, "workers": workers, "seconds": seconds, "pss_mib": size_mib})
            say("%-12s %d clusters and routes, %d workers: %.0f ms to the first answer, %.1f MiB" %
                ("start", size, workers, seconds * 1000, size_mib))
    return found


def _start_with(weir, size, workers):
    directory = tempfile.mkdtemp(prefix="weir-bench-")
    port = free_port()
    clusters = [{"name": "c%d" % i, "load_assignment": {"cluster_name": "c%d" % i, "endpoints": [{"lb_endpoints": [
        {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 1 + i % 60000}}}}]}]}}
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
    process = Process([weir, "run", "-c", path, "--concurrency", str(workers), "--log-level", "error"], 0, directory)
    try:
        wait_for_port(port, process.process, "weir with %d clusters" % size)
        took = time.monotonic() - begun
        return took, pss(process.pid) / (1 << 20)
    finally:
        process.close()
