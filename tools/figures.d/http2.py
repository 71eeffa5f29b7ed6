"""The HTTP/2 figures of tools/figures: h2load in front, two weirs in a row, peers beside them."""

import os
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time

from http2_world import Http2Client, get, http1_upstream, http2_upstream, in_front_of, reset
from proxy_config import config, direct, http_listener, prefix
from weir_process import Weir, free_ports, wait_until

MIB = 1 << 20
IDLE = 4000
ONE = ["--concurrency", "1"]
UPSTREAMS = {"h2_h1": http1_upstream, "h2_h2": http2_upstream}


class Figure:

    def __init__(self, name, text, holds):
        self.name = name
        self.text = text
        self.holds = holds


def on_core(core):
    """For preexec_fn: the process keeps to a core, if there is more than one."""
    cores = sorted(os.sched_getaffinity(0))
    return lambda: os.sched_setaffinity(0, {cores[core % len(cores)]})


def origin():
    """(port, weir) of one that answers by itself, to both versions."""
    port = free_ports(1)[0]
    return port, Weir(config([http_listener("origin", port, [direct(prefix("/"), "hello world")])], admin=False), ONE,
                      preexec=on_core(1))


def front(origin_port, upstream, core=0):
    port, configuration = in_front_of(origin_port, upstream())
    del configuration["admin"]
    return port, Weir(configuration, ONE, preexec=on_core(core))


def h2load(port, requests, *more):
    """Requests that were answered well; all must be."""
    out = subprocess.run(["h2load", "-n", str(requests), "-c", "10", "-m", "32", *more, "http://127.0.0.1:%d/" % port],
                         stdout=subprocess.PIPE, text=True, check=True, timeout=300, preexec_fn=on_core(1)).stdout
    good = int(re.search(r"status codes: (\d+) 2xx", out).group(1))
    if good != requests:
        raise SystemExit("figures: %d of %d requests were answered\n%s" % (good, requests, out))
    return good


def pss(pid):
    with open("/proc/%d/smaps_rollup" % pid) as file:
        return int(re.search(r"^Pss:\s+(\d+) kB", file.read(), re.MULTILINE).group(1)) * 1024


def cpu(pids):
    """Microseconds that all threads of the processes have run."""
    total = 0
    for pid in pids:
        for thread in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/schedstat" % (pid, thread)) as file:
                total += int(file.read().split()[0])
    return total / 1000


# --- system calls --------------------------------------------------------------------


def h2_syscalls(tools):
    bounds = {"h2_h1": 2.2, "h2_h2": 0.25}
    for name, upstream in UPSTREAMS.items():
        origin_port, behind = origin()
        port, weir = front(origin_port, upstream)
        with behind, weir:
            h2load(port, 10000)
            out = os.path.join(tools.directory, "h2.strace")
            strace = subprocess.Popen(["strace", "-c", "-f", "-p", str(weir.pid), "-o", out], stderr=subprocess.PIPE, text=True)
            while "attached" not in strace.stderr.readline():
                if strace.poll() is not None:
                    raise SystemExit("figures: strace could not attach; run it as root or set kernel.yama.ptrace_scope to 0")
            requests = h2load(port, 60000)
            strace.send_signal(signal.SIGINT)
            strace.communicate()
        with open(out) as file:
            rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", file.read(), re.MULTILINE)
        counts = {call: int(count) for count, call in rows if call != "total"}
        each = sum(counts.values()) / requests
        by_name = ", ".join("%s %.3f" % (call, count / requests) for call, count in sorted(counts.items(), key=lambda i: -i[1])[:5])
        yield Figure(name + "_syscalls", "%.3f per request, at most %.2f (%d requests: %s)" %
                     (each, bounds[name], requests, by_name), each <= bounds[name])


# --- CPU beside others ---------------------------------------------------------------


class Peer:
    """Another proxy on core 0, with one thread, in a directory of its own."""

    def __init__(self, name, version, origin_port):
        self.port = free_ports(1)[0]
        self._directory = tempfile.mkdtemp(prefix="weir-figures-")
        line = getattr(self, "_" + name)(version, origin_port)
        self._process = subprocess.Popen(line, cwd=self._directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL, preexec_fn=on_core(0))
        wait_until(self._listens, name)

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _write(self, text):
        path = os.path.join(self._directory, "conf")
        with open(path, "w") as file:
            file.write(text)
        return path

    def _nghttpx(self, version, origin_port):
        return ["nghttpx", "--conf=/dev/null", "--no-ocsp", "--workers=1", "--single-process", "--accesslog-file=/dev/null",
                "--errorlog-file=/dev/null", "--frontend=127.0.0.1,%d;no-tls" % self.port,
                "--backend=127.0.0.1,%d;;proto=%s" % (origin_port, {"h2_h1": "http/1.1", "h2_h2": "h2"}[version])]

    def _haproxy(self, version, origin_port):
        proto = " proto h2" if version == "h2_h2" else ""
        return ["haproxy", "-db", "-f", self._write(
            "global\n nbthread 1\n maxconn 1000\ndefaults\n mode http\n timeout client 60s\n timeout server 60s\n"
            " timeout connect 5s\n http-reuse always\nfrontend f\n bind 127.0.0.1:%d proto h2\n default_backend b\n"
            "backend b\n server s 127.0.0.1:%d%s\n" % (self.port, origin_port, proto))]

    def _nginx(self, _, origin_port):
        return ["nginx", "-p", self._directory, "-c", self._write(
            "daemon off; master_process off; worker_processes 1; pid p; error_log stderr crit;\n"
            "events { worker_connections 2000; }\nhttp { access_log off; keepalive_requests 1000000000;\n"
            "upstream o { server 127.0.0.1:%d; keepalive 400; keepalive_requests 1000000000; }\n"
            "server { listen 127.0.0.1:%d http2; http2_max_requests 1000000000; location / { proxy_pass http://o; proxy_http_version 1.1;\n"
            'proxy_set_header Connection ""; } } }\n' % (origin_port, self.port))]

    @property
    def pid(self):
        return self._process.pid

    def close(self):
        self._process.terminate()
        self._process.wait(60)
        shutil.rmtree(self._directory, ignore_errors=True)


def h2_cpu(tools):
    del tools
    for version, upstream in UPSTREAMS.items():
        origin_port, behind = origin()
        with behind:
            port, weir = front(origin_port, upstream)
            with weir:
                names = ["nghttpx", "haproxy"] + (["nginx"] if version == "h2_h1" else [])
                peers = {name: Peer(name, version, origin_port) for name in names if shutil.which(name)}
                try:
                    proxies = dict({"weir": (weir.pid, port)}, **{name: (p.pid, p.port) for name, p in peers.items()})
                    for _, its_port in proxies.values():
                        h2load(its_port, 5000)
                    seen = {name: [] for name in proxies}
                    for _ in range(5):
                        for name, (pid, its_port) in proxies.items():
                            seen[name].append(_measure(pid, its_port))
                finally:
                    for peer in peers.values():
                        peer.close()
        middle = {name: statistics.median(values) for name, values in seen.items()}
        text = ", ".join("%s %.2f" % item for item in sorted(middle.items(), key=lambda i: i[1]))
        yield Figure(version + "_cpu", "µs of CPU per request, median of 5 rounds in turn: " + text, True)


def _measure(pid, port):
    before = cpu([pid])
    requests = h2load(port, 30000)
    return (cpu([pid]) - before) / requests


# --- memory --------------------------------------------------------------------------


def h2_memory(tools):
    del tools
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4 * IDLE, hard), hard))
    origin_port, behind = origin()
    port, weir = front(origin_port, http1_upstream)
    with behind, weir:
        _idle(port, 20)
        at_start = pss(weir.pid)
        clients = _idle(port, IDLE, keep=True)
        grown = pss(weir.pid) - at_start
        for client in clients:
            client.close()
    each = grown / IDLE / 1024
    yield Figure("h2_memory", "%.2f KiB per idle connection, at most 8 (PSS %.1f MiB, and %.1f MiB with %d connections)" %
                 (each, at_start / MIB, (at_start + grown) / MIB, IDLE), each <= 8)


def _idle(port, count, keep=False):
    """Connections that have had one answer."""
    clients = []
    for _ in range(count):
        client = Http2Client(port)
        client.send(get(1))
        client.answer(1)
        clients.append(client)
        if not keep:
            client.close()
    return clients


# --- resets --------------------------------------------------------------------------


def h2_resets(tools):
    """16 connections at a time reset 50,000 streams a second; each that is closed is replaced at once."""
    origin_port, behind = origin()
    port, weir = front(origin_port, http1_upstream)
    log = os.path.join(tools.directory, "h2.times")

    def p99():
        subprocess.run(["h2load", "-c", "4", "-m", "1", "--rps", "250", "-D", "4", "--log-file", log,
                        "http://127.0.0.1:%d/" % port], stdout=subprocess.DEVNULL, check=True, timeout=60, preexec_fn=on_core(1))
        with open(log) as file:
            rows = [line.split("\t") for line in file]
        os.unlink(log)
        if any(row[1] != "200" for row in rows):
            raise SystemExit("figures: a request beside the resets failed")
        times = sorted(int(row[2]) for row in rows)
        return times[len(times) * 99 // 100]
    with behind, weir:
        alone = statistics.median(p99() for _ in range(3))
        quiet = pss(weir.pid)
        attack = _Attack(port)
        attack.start()
        # Pools have grown to what such a load needs by then.
        wait_until(lambda: attack.sent > 800000, "the first 800,000 resets")
        early = pss(weir.pid)
        beside = statistics.median(p99() for _ in range(3))
        attack.stop()
        late = pss(weir.pid)
    yield Figure("h2_resets", "p99 of others %d µs beside %d resets/s, %d µs without: %.2f times, at most 1.5" %
                 (beside, attack.rate, alone, beside / alone), beside <= 1.5 * alone)
    yield Figure("h2_reset_end", "the abusive connections lived %.0f ms, at most 1000 (%d of them; longest)" %
                 (1000 * max(attack.lives), len(attack.lives)), max(attack.lives) <= 1)
    yield Figure("h2_reset_memory", "%.1f MiB more after %d resets than after 800,000, at most 1 (PSS %.1f MiB before them)" %
                 ((late - early) / MIB, attack.sent, quiet / MIB), late - early <= MIB)


class _Attack(threading.Thread):
    STREAMS = 4000
    STEP = 32  # streams in one write

    def __init__(self, port):
        super().__init__()
        self._port = port
        self._end = threading.Event()
        self.sent = 0
        self.rate = 0
        self.lives = []
        pieces = [get(2 * i + 1) + reset(2 * i + 1) for i in range(self.STREAMS)]
        self._steps = [b"".join(pieces[i:i + self.STEP]) for i in range(0, self.STREAMS, self.STEP)]

    def run(self):
        begun = time.monotonic()
        slots = [None] * 16
        while not self._end.is_set():
            for i in range(len(slots)):
                if slots[i] is None:
                    client = Http2Client(self._port)
                    client.socket.setblocking(False)
                    slots[i] = [client, 0, time.monotonic()]
                if not self._go_on(*slots[i][:2]) or slots[i][1] + 1 == len(self._steps):
                    self.lives.append(time.monotonic() - slots[i][2])
                    slots[i][0].close()
                    slots[i] = None
                else:
                    slots[i][1] += 1
                # 50,000 a second, over all.
                self._end.wait(max(0, begun + self.sent / 50000 - time.monotonic()))
        self.rate = self.sent / (time.monotonic() - begun)

    def _go_on(self, client, step):
        try:
            client.socket.send(self._steps[step])
            self.sent += self.STEP
            while client.socket.recv(65536):
                pass
            return False
        except BlockingIOError:
            return True
        except OSError:
            return False

    def stop(self):
        self._end.set()
        self.join()


FIGURES = {f.__name__: f for f in (h2_syscalls, h2_cpu, h2_memory, h2_resets)}
