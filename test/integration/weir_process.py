"""Runs the real binary for a test: a configuration in, ports, log lines and an exit status out.

    with Weir(config) as weir:          # waits for "ready"
        Client(ports[0]).send(...)      # wire.py
        weir.admin("/stats")
    # on leaving: SIGTERM, exit status 0, no report of a sanitizer

A configuration is a dict (written as JSON) or the text of a YAML file. Time limits are generous, for slow machines and
sanitizers: they end a test that hangs and are never what a test is about.
"""

import http.client
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

# Bazel sees each case of a unittest module through this runner of test/lint.
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lint"))
import cases  # noqa: E402,F401

LIMIT = 60.0  # seconds until a wait is given up

_SANITIZER = re.compile(r"(ERROR: AddressSanitizer|ERROR: LeakSanitizer|WARNING: ThreadSanitizer|runtime error:)")


def runfile(path):
    """The path of a file of this repository, in a test's runfiles or beside this file."""
    if "TEST_SRCDIR" in os.environ:
        return os.path.join(os.environ["TEST_SRCDIR"], os.environ["TEST_WORKSPACE"], path)
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", path)


# WEIR=/path/to/weir runs a test by hand against that binary.
BINARY = os.environ.get("WEIR") or runfile("source/server/weir")


_HELD = []


def free_ports(count, host="127.0.0.1"):
    """Ports that nothing listens on, and that nobody gets from the kernel while this process lives: each is held by a socket
    that does not listen, beside which a server may bind it (SO_REUSEADDR). A port that is only looked up may be that of
    any connection a moment later."""
    ports = []
    for _ in range(count):
        held = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, 0))
        _HELD.append(held)
        ports.append(held.getsockname()[1])
    return ports


def wait_until(condition, what, limit=LIMIT):
    """Waits until condition() is true, and returns what it returned."""
    deadline = time.monotonic() + limit
    pause = threading.Event()
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError("not within %s s: %s" % (limit, what))
        pause.wait(0.01)


def run(*arguments, **options):
    """Runs the binary to its end; returns (exit status, standard output, standard error)."""
    done = subprocess.run([BINARY, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=LIMIT, **options)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Weir:
    """One running process in a directory of its own, which is also its working directory."""

    def __init__(self, config=None, arguments=(), command="run", suffix=None, preexec=None, ready=True,
                 env=None, prepare=None):
        self.directory = tempfile.mkdtemp(prefix="weir-test-", dir="/tmp")
        if prepare is not None:
            prepare(self.directory)
        self.admin_port = _admin_port(config)
        line = [BINARY, command]
        if config is not None:
            self.path = os.path.join(self.directory, "config" + (suffix or (".json" if isinstance(config, dict) else ".yaml")))
            with open(self.path, "w") as file:
                file.write(json.dumps(config, indent=1) if isinstance(config, dict) else config)
            line += ["-c", self.path]
        self.process = subprocess.Popen(line + list(arguments), cwd=self.directory, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=preexec, env=env)
        self.stdout = []
        self.log = []
        self._times = []  # when each line of the log came
        self._threads = [
            threading.Thread(target=self._collect, args=(self.process.stdout, self.stdout, []), daemon=True),
            threading.Thread(target=self._collect, args=(self.process.stderr, self.log, self._times), daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        if ready:
            self.wait_ready()

    @staticmethod
    def _collect(pipe, lines, times):
        for line in pipe:
            times.append(time.monotonic())
            lines.append(line.decode("utf-8", "replace").rstrip("\n"))
        pipe.close()

    @property
    def pid(self):
        return self.process.pid

    def wait_ready(self):
        try:
            self.wait_log(r"\bready\b")
        except AssertionError:
            self.kill()
            raise

    def wait_log(self, pattern):
        """Waits for a log line that matches, and returns the match."""
        def found():
            for line in list(self.log):
                match = re.search(pattern, line)
                if match:
                    return match
            if self.process.poll() is not None and not any(t.is_alive() for t in self._threads):
                raise AssertionError("weir ended with status %s:\n%s" % (self.process.returncode, "\n".join(self.log)))
            return None
        try:
            return wait_until(found, "a log line like " + pattern)
        except AssertionError as error:
            raise AssertionError("%s\nthe log:\n%s" % (error, "\n".join(self.log)))

    def when_logged(self, pattern):
        """The monotonic time at which a line that matches came."""
        self.wait_log(pattern)
        return next(at for at, line in zip(self._times, list(self.log)) if re.search(pattern, line))

    # --- admin ---------------------------------------------------------------------

    def admin(self, path, method="GET"):
        """(status, headers, body) of a request to the admin listener."""
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=LIMIT)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()
        finally:
            connection.close()

    def stats(self):
        """All counters and gauges as a dict."""
        _, _, body = self.admin("/stats")
        pairs = (line.split(": ", 1) for line in body.splitlines() if ": " in line)
        return {name: int(value) for name, value in pairs if re.fullmatch(r"-?\d+", value)}

    def wait_stat(self, name, value):
        try:
            wait_until(lambda: self.stats().get(name) == value, "%s: %d" % (name, value))
        except AssertionError as error:
            raise AssertionError("%s; it is %s" % (error, self.stats().get(name)))

    # --- the process -----------------------------------------------------------------

    def file(self, name):
        """The text of a file in the working directory; empty while it is not there."""
        try:
            with open(os.path.join(self.directory, name)) as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def wait_file(self, name, lines):
        """Waits until a file has at least so many whole lines, and returns them."""
        wait_until(lambda: self.file(name).count("\n") >= lines, "%d lines in %s" % (lines, name))
        return self.file(name).splitlines()

    def rss(self):
        """Resident bytes now."""
        with open("/proc/%d/statm" % self.pid) as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def signal(self, number):
        self.process.send_signal(number)

    def wait_exit(self):
        """The exit status, when the process has ended by itself; checks for reports of sanitizers."""
        try:
            status = self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("weir did not end within %s s; the log:\n%s" % (LIMIT, "\n".join(self.log)))
        for thread in self._threads:
            thread.join(LIMIT)
        report = [line for line in self.log if _SANITIZER.search(line)]
        if report:
            raise AssertionError("\n".join(self.log))
        return status

    def stop(self):
        """SIGTERM and a clean end."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        status = self.wait_exit()
        if status != 0:
            raise AssertionError("weir ended with status %d; the log:\n%s" % (status, "\n".join(self.log)))

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                self.stop()
        finally:
            self.kill()
            if kind is not None:
                print("--- the log of weir:\n" + "\n".join(self.log), file=sys.stderr)
            shutil.rmtree(self.directory, ignore_errors=True)


def _admin_port(config):
    if isinstance(config, dict):
        admin = config.get("admin", {})
        return admin.get("address", {}).get("socket_address", {}).get("port_value")
    match = re.search(r"^admin:(?:.|\n)*?port_value: (\d+)", config or "", re.MULTILINE)
    return int(match.group(1)) if match else None


def readable(sock, seconds):
    """Whether `sock` has bytes or an end to read within so many seconds."""
    return bool(select.select([sock], [], [], seconds)[0])
