"""What one request costs beside time: system calls, instructions, allocations."""

import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time

from peers import LIBC_MALLOC, NATIVE, start
from world import ROOT, BenchError, tree

CALLGRIND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "-q"]


def per_unit(scenario, mark, send):
    """What one unit adds to what mark() gives, a list of numbers, while send(requests) sends; without the connections' part.

    Three times requests over new connections: the first fills pools, and between the other two only their number differs.
    """
    few = scenario.at_once
    send(2 * few)
    seen = [mark()]
    for requests in (few, few + scenario.counted):
        send(requests)
        seen.append(mark())
    units = scenario.units(scenario.counted)
    return [((last - middle) - (middle - first)) / units for first, middle, last in zip(*seen)]


def send(loader, scenario, proxy, requests):
    result = loader.send(proxy.port, scenario.load, requests, 60)
    if result["good"] < requests:
        raise BenchError("%d of %d requests failed while they were counted" % (requests - result["good"], requests))


def system_calls(loader, scenario, proxy):
    """Per unit, by name, most first."""
    if shutil.which("strace") is None:
        raise BenchError("no strace")
    send(loader, scenario, proxy, scenario.at_once)
    few, many = (_traced(proxy, lambda: send(loader, scenario, proxy, requests))
                 for requests in (scenario.at_once, scenario.at_once + scenario.counted))
    units = scenario.units(scenario.counted)
    each = {name: (count - few.get(name, 0)) / units for name, count in many.items()}
    return dict(sorted(((name, count) for name, count in each.items() if count > 0), key=lambda item: -item[1]))


def _traced(proxy, during):
    """System calls of the tree by name while during() runs."""
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as directory:
        out = os.path.join(directory, "strace")
        targets = [word for each in tree(proxy.pid) for word in ("-p", str(each))]
        strace = subprocess.Popen(["strace", "-c", "-f", *targets, "-o", out], stderr=subprocess.PIPE, text=True)
        try:
            while "attached" not in strace.stderr.readline():
                if strace.poll() is not None:
                    raise BenchError("strace cannot attach; run as root or set kernel.yama.ptrace_scope to 0")
            during()
        finally:
            strace.send_signal(signal.SIGINT)
            strace.communicate(timeout=20)
        with open(out) as file:
            rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", file.read(), re.MULTILINE)
    return {name: int(count) for count, name in rows if name != "total"}


class Counter:
    """Counts instructions and allocations of a proxy that valgrind runs; exact, and independent of how busy the machine is."""

    def __init__(self, world, loader, directory):
        self._world, self._loader = world, loader
        self._page, self._library = os.path.join(directory, "allocations"), os.path.join(directory, "count.so")
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", self._library,
                        os.path.join(ROOT, "tools", "figures.d", "count_malloc.c")], check=True, timeout=60)
        # Workers that are not root count too.
        os.chmod(directory, 0o755)

    def count(self, name, scenario):
        """{"instructions", "allocations"} per unit; allocations None where malloc is not the C library's. None: not native code."""
        if name not in NATIVE or shutil.which("valgrind") is None:
            return None
        with open(self._page, "wb") as file:
            file.write(bytes(8))
        os.chmod(self._page, 0o666)
        environment = dict(os.environ)
        if name in LIBC_MALLOC:
            environment.update(LD_PRELOAD=self._library, WEIR_COUNT_FILE=self._page)
        proxy = start(name, scenario.setting, self._world, environment, CALLGRIND, 60)
        if proxy is None:
            return None
        try:
            instructions, allocations = per_unit(scenario, lambda: [self._instructions(proxy), self._allocations()],
                                                 lambda requests: send(self._loader, scenario, proxy, requests))
        finally:
            proxy.close()
        return {"instructions": instructions, "allocations": max(0, allocations) if name in LIBC_MALLOC else None}

    @staticmethod
    def _instructions(proxy):
        """Of all threads so far; valgrind answers when the program next does something, so it may take a second try."""
        for _ in range(3):
            out = subprocess.run(["callgrind_control", "-e", str(proxy.pid)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True, timeout=60).stdout
            found = re.findall(r"^\s*Th\s+\d+\s+([\d,]+)", out, re.MULTILINE)
            if found:
                return sum(int(number.replace(",", "")) for number in found)
            threading.Event().wait(0.2)
        raise BenchError("callgrind_control does not reach it")

    def _allocations(self):
        with open(self._page, "rb") as file:
            return struct.unpack("Q", file.read())[0]
