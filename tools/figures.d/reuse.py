"""The figure of reuse: how many requests go over upstream connections that were open already, with many hosts."""

import socket
import time

from proxy_config import cluster, config, direct, http_listener, prefix, to_cluster
from weir_process import Weir, free_ports

WORKERS = 4
CONNECTIONS = 64
HOSTS = 100
BUSY_REQUESTS = 200_000
PACED_SECONDS = 20
PACED_RATE = 100
# A worker comes to a host every four seconds, all together every second: with pools of their own alone, each request
# would find its connection closed. What is missing to 100 % are hosts that two workers come to within a quarter of a
# second, before the first one shares its connection: 9 to 27 %, by how the kernel has spread the clients over workers.
PACED_IDLE_SECONDS = 3
REQUEST = b"GET / HTTP/1.1\r\nHost: figures\r\n\r\n"


class Figure:

    def __init__(self, name, text, holds):
        self.name = name
        self.text = text
        self.holds = holds


class World:
    """A weir of several workers in front of another that listens on a port for each host."""

    def __init__(self, idle_seconds):
        ports = free_ports(HOSTS + 1)
        self.port = ports.pop()
        self.origin = Weir(config([http_listener("o%d" % port, port, [direct(prefix("/"), "hello world")])
                                   for port in ports], admin=False), ["--concurrency", "1"])
        options = {"common_http_protocol_options": {"idle_timeout": "%ds" % idle_seconds},
                   "circuit_breakers": {"thresholds": [{"max_connections": 10_000}]}}
        front = config([http_listener("front", self.port, [to_cluster(prefix("/"), "many")])],
                       [cluster("many", *ports, **options)])
        self.weir = Weir(front, ["--concurrency", str(WORKERS)])

    def counts(self):
        """(requests, connections that were opened, idle ones that changed the worker)."""
        stats = self.weir.stats()
        return [stats.get("cluster.many.upstream_" + name, 0) for name in ("rq_total", "cx_total", "cx_adopted")]

    def __enter__(self):
        self.weir.__enter__()
        self.origin.__enter__()
        return self

    def __exit__(self, *error):
        self.weir.__exit__(*error)
        self.origin.__exit__(*error)


class Clients:
    """Keep-alive connections."""

    def __init__(self, port):
        self._sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]

    def paced(self, rate, seconds):
        """A request at a time, on each connection in turn."""
        begun = time.monotonic()
        for number in range(int(rate * seconds)):
            pause = begun + number / rate - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            one = self._sockets[number % CONNECTIONS]
            one.sendall(REQUEST)
            answer = one.recv(4096)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise SystemExit("figures: not a 200: %r" % answer[:80])

    def close(self):
        for one in self._sockets:
            one.close()


def part(before, after):
    requests = after[0] - before[0]
    return requests, after[1] - before[1], 100 - 100 * (after[1] - before[1]) / requests


def reuse(tools, load_of):
    """`load_of`: makes a running load generator (Load of tools/figures)."""
    with World(3600) as world, load_of(tools, world.port, CONNECTIONS) as load:
        cold = world.counts()
        while world.counts()[0] < BUSY_REQUESTS:
            load.run(1)
        warm = world.counts()
        while world.counts()[0] < warm[0] + BUSY_REQUESTS:
            load.run(1)
        hot = world.counts()
    first, then = part(cold, warm), part(warm, hot)
    yield Figure("reuse", "%.3f %% of %d requests (%d connections opened; %.3f %% of the %d before, from nothing), "
                 "at least 99.9" % (then[2], then[0], then[1], first[2], first[0]), then[2] >= 99.9)
    with World(PACED_IDLE_SECONDS) as world:
        clients = Clients(world.port)
        clients.paced(PACED_RATE, 2 * PACED_IDLE_SECONDS)
        before = world.counts()
        clients.paced(PACED_RATE, PACED_SECONDS)
        after = world.counts()
        clients.close()
    slow = part(before, after)
    yield Figure("reuse_slow", "%.2f %% of %d requests, %d a second (%d connections opened, %d changed the worker), "
                 "at least 70" % (slow[2], slow[0], PACED_RATE, slow[1], after[2] - before[2]), slow[2] >= 70)

