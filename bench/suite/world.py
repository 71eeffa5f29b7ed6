"""Processes of the bench suite: starting, pinning, and what the kernel says they used."""

import json
import os
import re
import resource
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
    """Something that was to be measured did not work; the message says what. A line in the report, and a gap."""


FAILURES = (BenchError, OSError, ValueError, KeyError, AttributeError, subprocess.SubprocessError)


def raise_limits():
    """Lets this process, and what it starts, open as many files as it may; how many that is."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def ending(status):
    """The status of a process that ended, in words."""
    if status >= 0:
        return "ended with status %d" % status
    try:
        return "ended with signal %d (%s)" % (-status, signal.Signals(-status).name)
    except ValueError:
        return "ended with signal %d" % -status


def on_core(number):
    """For preexec_fn: the process keeps to that core, if there is more than one; to none if that is None."""
    if number is None:
        return None
    cores = sorted(os.sched_getaffinity(0))
    return lambda: os.sched_setaffinity(0, {cores[number % len(cores)]})


_HELD = []


def free_port():
    """One that nobody gets from the kernel while this process lives: held by a socket that does not listen, beside which a
    server may bind it."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    _HELD.append(held)
    return held.getsockname()[1]


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


def wait_for_port(port, process, what, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise BenchError("%s at once: %s" % (what, ending(process.returncode)))
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        threading.Event().wait(0.02)
    raise BenchError("%s does not listen after %d s" % (what, seconds))


class Process:
    """A started program with a folder of its own; ended with the block."""

    def __init__(self, line, core, directory=None, environment=None):
        self.directory = directory or tempfile.mkdtemp(prefix="weir-bench-")
        self._errors = open(os.path.join(self.directory, "stderr"), "w+")
        try:
            self.process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._errors,
                                            cwd=self.directory, preexec_fn=on_core(core), env=environment)
        except OSError:
            self._clean()
            raise

    @property
    def pid(self):
        return self.process.pid

    def ended(self):
        """How it ended, or None while it runs."""
        status = self.process.poll()
        return None if status is None else ending(status)

    def errors(self):
        """The last line that it wrote to standard error."""
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors.read()[-4000:].splitlines() if line.strip()]
        return lines[-1][:300] if lines else ""

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._clean()

    def _clean(self):
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
        self.process.stdout.close()
        self.process.wait(20)


class Loader:
    """The load generator; run() gives what it measured."""

    # What it waits for late answers itself (Run in bench/load/run.cc), and some.
    PATIENCE = 20

    def __init__(self, binary):
        self.binary = binary

    def _command(self, port, options):
        return [self.binary, "--to", "127.0.0.1:%d" % port, *options]

    def start(self, port, options, warm, seconds):
        line = self._command(port, [*options, "--warm", "%g" % warm, "--seconds", "%g" % seconds])
        return subprocess.Popen(line, stdout=subprocess.PIPE, text=True, preexec_fn=on_core(1))

    def finish(self, process, seconds):
        """What it measured: at most `seconds` and its patience from now."""
        try:
            out, _ = process.communicate(timeout=seconds + self.PATIENCE)
        except subprocess.TimeoutExpired:
            raise BenchError("no end of the load after %d s" % (seconds + self.PATIENCE)) from None
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode != 0:
            raise BenchError("the load generator %s" % ending(process.returncode))
        return json.loads(out)

    def run(self, port, options, warm, seconds):
        return self.finish(self.start(port, options, warm, seconds), warm + seconds)

    def send(self, port, options, requests, seconds):
        """So many requests, however long each takes, up to so many seconds in all."""
        process = subprocess.Popen(self._command(port, [*options, "--requests", str(requests)]), stdout=subprocess.PIPE, text=True,
                                   preexec_fn=on_core(1))
        return self.finish(process, seconds)
