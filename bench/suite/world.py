"""Processes of the bench suite: starting, pinning, and what the kernel says they used."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

MIB = 1 << 20
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


class BenchError(Exception):
    """Ends the suite with its message."""


def on_core(number):
    """For preexec_fn: the process keeps to that core, if there is more than one."""
    cores = sorted(os.sched_getaffinity(0))
    return lambda: os.sched_setaffinity(0, {cores[number % len(cores)]})


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _stat(pid):
    with open("/proc/%d/stat" % pid) as file:
        return file.read().rsplit(")", 1)[1].split()


def tree(pid):
    """The process and everything below it."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parents.setdefault(int(_stat(int(entry))[1]), []).append(int(entry))
            except OSError:
                pass
    found, at = [pid], 0
    while at < len(found):
        found += parents.get(found[at], [])
        at += 1
    return found


def cpu_us(pid):
    """Microseconds of CPU of the tree, threads that have ended included: the processes' own CPU clocks."""
    total = 0
    for each in tree(pid):
        try:
            # What clock_getcpuclockid(3) gives for a process: its number inverted, and "scheduler" in the lowest bits.
            total += time.clock_gettime_ns((~each << 3) | 2)
        except OSError:
            pass
    return total / 1000


def pss(pid):
    """Bytes of memory that are the tree's own share."""
    total = 0
    for each in tree(pid):
        with open("/proc/%d/smaps_rollup" % each) as file:
            total += int(re.search(r"^Pss:\s+(\d+) kB", file.read(), re.MULTILINE).group(1)) * 1024
    return total


def peak_rss(pid):
    total = 0
    for each in tree(pid):
        with open("/proc/%d/status" % each) as file:
            total += int(re.search(r"^VmHWM:\s+(\d+) kB", file.read(), re.MULTILINE).group(1)) * 1024
    return total


def wait_for_port(port, process, what):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if process.poll() is not None:
            raise BenchError("%s ended at once with status %d" % (what, process.returncode))
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        threading.Event().wait(0.02)
    raise BenchError("%s does not listen on port %d after 20 s" % (what, port))


class Process:
    """A started program with a folder of its own; ended with the block."""

    def __init__(self, line, core, directory=None, environment=None):
        self.directory = directory or tempfile.mkdtemp(prefix="weir-bench-")
        self._errors = open(os.path.join(self.directory, "stderr"), "w+")
        self.process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._errors,
                                        cwd=self.directory, preexec_fn=on_core(core), env=environment)

    @property
    def pid(self):
        return self.process.pid

    def errors(self):
        self._errors.seek(0)
        return self._errors.read()[-2000:]

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._errors.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Origin:
    """What stands behind all proxies."""

    def __init__(self, binary):
        self.process = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=on_core(1))
        words = self.process.stdout.readline().split()
        if len(words) != 4:
            raise BenchError("the origin did not start")
        self.http, self.raw = int(words[1]), int(words[3])

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


class Loader:
    """The load generator; run() gives what it measured."""

    def __init__(self, binary):
        self.binary = binary

    def command(self, port, options, warm, seconds):
        return [self.binary, "--to", "127.0.0.1:%d" % port, "--warm", "%g" % warm, "--seconds", "%g" % seconds, *options]

    def start(self, port, options, warm, seconds):
        return subprocess.Popen(self.command(port, options, warm, seconds), stdout=subprocess.PIPE, text=True,
                                preexec_fn=on_core(1))

    def finish(self, process, seconds):
        out, _ = process.communicate(timeout=seconds + 60)
        if process.returncode != 0:
            raise BenchError("the load generator ended with status %d" % process.returncode)
        return json.loads(out)

    def run(self, port, options, warm, seconds):
        return self.finish(self.start(port, options, warm, seconds), seconds)


def strace_counts(pid, directory, during):
    """System calls of the tree by name while `during()` runs; and what that returned."""
    out = os.path.join(directory, "strace")
    targets = [word for each in tree(pid) for word in ("-p", str(each))]
    strace = subprocess.Popen(["strace", "-c", "-f", *targets, "-o", out], stderr=subprocess.PIPE, text=True)
    while "attached" not in strace.stderr.readline():
        if strace.poll() is not None:
            raise BenchError("strace could not attach; run as root or set kernel.yama.ptrace_scope to 0")
    value = during()
    strace.send_signal(signal.SIGINT)
    strace.communicate()
    with open(out) as file:
        rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", file.read(), re.MULTILINE)
    return {name: int(count) for count, name in rows if name != "total"}, value


def can_count_instructions():
    if shutil.which("perf") is None:
        return False
    out = subprocess.run(["perf", "stat", "-x,", "-e", "instructions:u", "true"], stderr=subprocess.PIPE, text=True).stderr
    return bool(re.search(r"^\d+,", out, re.MULTILINE))
