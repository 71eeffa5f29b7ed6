"""The TLS figures of tools/figures: weir, haproxy and nginx in turn, as bench/suite configures them, with tls_load.c on both sides."""

import os
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "bench", "suite"))

import peers
from world import cpu_us, on_core, pss

IDLE = 3000
ROUNDS = 5
MIB = 1 << 20
PROXIES = ("weir", "haproxy", "nginx")
KEYS = {"P-256": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), "RSA 2048": ("rsa:2048",)}
# Name: (what is counted, mode, threads, path, unit, key, bounds: so many times what the other does)
TRAFFIC = {
    "tls_full": ("full handshakes (P-256)", "full", 16, "/100", "", "P-256", {"nginx": 1.0}),
    "tls_full_rsa": ("full handshakes (RSA 2048)", "full", 16, "/100", "", "RSA 2048", {"nginx": 1.0}),
    "tls_resumed": ("resumed handshakes", "resumed", 16, "/100", "", "P-256", {}),
    "tls_small": ("keep-alive requests", "requests", 32, "/100", "", "P-256", {"haproxy": 1 / 0.95}),
    "tls_bulk": ("MiB of bulk", "requests", 8, "/%d" % MIB, " MiB", "P-256", {}),
}


class Figure:

    def __init__(self, name, text, holds):
        self.name = name
        self.text = text
        self.holds = holds


class Program:
    """tls_load while it is held open by its standard input."""

    def __init__(self, tools, *arguments):
        self._process = subprocess.Popen([_binary(tools), *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True, preexec_fn=on_core(1))
        self.line = self._process.stdout.readline().split()
        if not self.line:
            raise SystemExit("figures: tls_load ended; its message is above")

    def close(self):
        self._process.stdin.close()
        self._process.wait(60)


def _binary(tools):
    path = os.path.join(tools.directory, "tls_load")
    if not os.path.exists(path):
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tls_load.c")
        subprocess.run(["gcc", "-O2", "-o", path, source, "-lssl", "-lcrypto", "-lpthread"], check=True)
    return path


class Origin:

    def __init__(self, program):
        self.http = self.raw = int(program.line[1])


def _certificate(tools, key):
    folder = os.path.join(tools.directory, key.replace(" ", "-"))
    cert, secret = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    if not os.path.isdir(folder):
        os.mkdir(folder)
        subprocess.run(["openssl", "req", "-x509", "-newkey", *KEYS[key], "-nodes", "-days", "30", "-subj", "/CN=bench", "-addext",
                        "subjectAltName=DNS:bench", "-keyout", secret, "-out", cert], check=True, stderr=subprocess.DEVNULL)
    return cert, secret


class World:
    """The proxies that are installed, in front of one origin."""

    def __init__(self, tools, key):
        self._tools = tools
        self._origin = Program(tools, "origin")
        world = peers.World(os.environ["WEIR"], Origin(self._origin), _certificate(tools, key))
        self.proxies = {}
        try:
            for name in PROXIES:
                if name == "weir" or shutil.which(name):
                    self.proxies[name] = peers.start(name, peers.Setting(tls=True), world)
        except BaseException:
            self.close()
            raise

    def run(self, proxy, mode, threads, seconds, path):
        """(answers, seconds of the proxy's CPU)"""
        before = cpu_us(proxy.pid)
        line = [_binary(self._tools), mode, str(proxy.port), str(threads), str(seconds), path]
        done = subprocess.run(line, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, timeout=seconds + 60,
                              preexec_fn=on_core(1))
        if done.returncode != 0:
            raise SystemExit("figures: tls_load failed; its message is above")
        return int(done.stdout.split()[1]), (cpu_us(proxy.pid) - before) / 1e6

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for proxy in self.proxies.values():
            proxy.close()
        self._origin.close()


def tls_cpu(tools):
    """Rounds in turn; ratios are taken inside a round."""
    for name, (what, mode, threads, path, unit, key, bounds) in TRAFFIC.items():
        with World(tools, key) as world:
            rates = {proxy: [] for proxy in world.proxies}
            for number in range(ROUNDS + 1):
                for proxy, its in rates.items():
                    answers, seconds = world.run(world.proxies[proxy], mode, threads, 0.3 if number == 0 else 1, path)
                    if number > 0:
                        its.append(answers / seconds)
        ratios = {proxy: statistics.median(mine / other for mine, other in zip(rates["weir"], its))
                  for proxy, its in rates.items() if proxy != "weir"}
        text = ", ".join("%s %.0f%s" % (proxy, statistics.median(its), unit) for proxy, its in rates.items())
        text += "; weir does " + " and ".join("%.2f times %s's" % (ratio, proxy) for proxy, ratio in ratios.items())
        wanted = {proxy: bound for proxy, bound in bounds.items() if proxy in ratios}
        text += "".join(", at least %.2f times %s's" % (bound, proxy) for proxy, bound in wanted.items())
        yield Figure(name, "%s per second of CPU: %s" % (what, text), all(ratios[p] >= bound for p, bound in wanted.items()))


def tls_memory(tools):
    each = {}
    with World(tools, "P-256") as world:
        for name, proxy in world.proxies.items():
            world.run(proxy, "full", 16, 0.5, "/100")
            before = pss(proxy.pid)
            program = Program(tools, "idle", proxy.port, IDLE)
            each[name] = (pss(proxy.pid) - before) / IDLE / 1024
            program.close()
    yield Figure("tls_memory", "KiB per idle connection, at most 14: %s (PSS, %d connections)" %
                 (", ".join("%s %.2f" % item for item in each.items()), IDLE), each["weir"] <= 14)


FIGURES = {f.__name__: f for f in (tls_cpu, tls_memory)}
