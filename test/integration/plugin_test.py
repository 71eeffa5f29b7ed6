#!/usr/bin/python3
"""Filter plugins in the real binary: built by the plain compiler, found by file and by name, swapped under load."""

import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

from proxy_config import cluster, config, direct, http_listener, listener, network_filter, prefix, to_cluster
from weir_process import BINARY, Weir, cases, free_ports, run, runfile, wait_until
from wire import Client, Origin, fetch, response

# WEIR_SWAPS=1000 for a long look.
_SWAPS = int(os.environ.get("WEIR_SWAPS", "30"))

_PLUGIN = "type.googleapis.com/weir.extensions.filters.http.plugin.v1.Plugin"


def compile_filter(source, target, *defines):
    """What a user does: one command. Returns the seconds that it took."""
    begun = time.monotonic()
    subprocess.run(["g++", "-std=c++20", "-O2", "-fPIC", "-shared", "-fno-gnu-unique", "-I", runfile("api/plugin"), *defines,
                    "-o", target, source], check=True, timeout=120)
    return time.monotonic() - begun


_SWAPPED = """
#include "weir_filter.hpp"
struct Swapped {
  explicit Swapped(const weir::NoConfig&) {}
  weir::Verdict onRequestHead(weir::Stream& s) {
    if (s.path() == "/crash") __builtin_trap();
    if (s.path() == "/throw") throw std::runtime_error("asked for");
    return weir::Continue;
  }
  void onResponseHead(weir::Stream& s) { s.responseHeaders().set("x-version", VERSION); }
};
WEIR_HTTP_FILTER(Swapped, weir::NoConfig, "swapped", VERSION)
"""


# Writes down who ends what, and on which thread; and that it was loaded.
_NOTING = """
#include <sys/syscall.h>
#include <unistd.h>
#include <cstdio>
#include "weir_filter.hpp"
static void note(const char* what) {
  FILE* const file = fopen(NOTES, "a");
  fprintf(file, "%s on %s\\n", what, getpid() == syscall(SYS_gettid) ? "main" : "another");
  fclose(file);
}
__attribute__((constructor)) static void loaded() { note("loaded"); }
struct Config {
  explicit Config(const weir::ConfigReader&) {}
  ~Config() { note("filter"); }
};
struct Noting {
  struct RouteConfig {
    explicit RouteConfig(const weir::ConfigReader& c) : tag(c.text("tag")) {}
    ~RouteConfig() { note("route"); }
    std::string tag;
  };
  explicit Noting(const Config&) {}
  weir::Verdict onRequestHead(weir::Stream& s) {
    if (const auto* const route = s.routeConfig<RouteConfig>()) tag = route->tag;
    return weir::Continue;
  }
  void onResponseHead(weir::Stream& s) { s.responseHeaders().set("x-version", std::string(VERSION) + tag); }
  std::string tag;
};
WEIR_HTTP_FILTER(Noting, Config, "noting", VERSION)
"""


class Plugins(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="weir-plugin-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def configuration(self, port, plugin):
        chain = [{"name": "plugin", "typed_config": dict({"@type": _PLUGIN}, **plugin)}]
        return config([http_listener("front", port, [direct(prefix("/"))], chain)])

    def swapped(self):
        source = self.write("swapped.cc", _SWAPPED)
        for version in ("1", "2"):
            compile_filter(source, self.path("v" + version), '-DVERSION="%s"' % version)

    def place(self, version):
        shutil.copy(self.path("v" + version), self.path("next"))
        os.rename(self.path("next"), self.path("swapped.so"))

    def loaded(self, weir):
        """Objects of plugins in the process."""
        with open("/proc/%d/maps" % weir.pid) as maps:
            return sum("memfd:weir-plugin" in line and "r-xp" in line for line in maps)

    def test_the_example_is_small_and_built_in_seconds(self):
        source = runfile("examples/plugins/add_header/add_header.cc")
        with open(source) as file:
            self.assertLessEqual(len(file.readlines()), 30)
        seconds = compile_filter(source, self.path("add_header.so"))
        print("built in %.1f s" % seconds)
        status, out, _ = run("filter", "inspect", self.path("add_header.so"))
        self.assertEqual(0, status)
        self.assertIn("name: string; string { min_len: 1 }", out)

    def test_the_header_is_c_and_stands_alone(self):
        header = runfile("api/plugin/weir_plugin.h")
        with open(header) as file:
            self.assertLessEqual(len(file.readlines()), 1000)
        subprocess.run(["gcc", "-std=c11", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c", header],
                       check=True, timeout=120)

    def test_all_calls_go_through_the_table(self):
        symbols = subprocess.run(["nm", "-D", "--defined-only", BINARY], check=True, stdout=subprocess.PIPE, text=True).stdout
        functions = [line.split()[2] for line in symbols.splitlines() if line.split()[1] in "TWi"]
        self.assertEqual([], [name for name in functions if "weir" in name])

    def test_an_error_in_its_configuration_has_a_line(self):
        compile_filter(runfile("examples/plugins/add_header/add_header.cc"), self.path("add_header.so"))
        text = "\n".join(["static_resources:", "  listeners:", "  - name: a",
                          "    address: {socket_address: {address: 127.0.0.1, port_value: 1}}", "    filter_chains:",
                          "    - filters:", "      - name: hcm", "        typed_config:",
                          "          '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
                          ".HttpConnectionManager", "          stat_prefix: a",
                          "          route_config: {virtual_hosts: [{name: a, domains: ['*'], routes: []}]}",
                          "          http_filters:", "          - name: p", "            typed_config:",
                          "              '@type': " + _PLUGIN, "              path: " + self.path("add_header.so"),
                          "              configuration:", "                name: x", "                valeu: y",
                          "          - name: envoy.filters.http.router", ""])
        status, _, err = run("check", "--schema-only", self.write("wrong.yaml", text))
        self.assertEqual(0, status, err)
        status, _, err = run("check", self.path("wrong.yaml"))
        self.assertEqual(1, status)
        self.assertIn("wrong.yaml:19:24: ", err)
        self.assertIn("configuration.valeu: unknown field 'valeu'; did you mean 'value'?", err)

    def test_swaps_under_load_fail_no_request(self):
        self.swapped()
        self.place("1")
        port = free_ports(1)[0]
        with Weir(self.configuration(port, {"path": self.path("swapped.so")}), ["--concurrency", "2"]) as weir:
            seen, stop = [], threading.Event()

            def load():
                with Client(port) as client:
                    while not stop.is_set():
                        answer = client.get()
                        seen.append((answer.status, answer.get("x-version")))
            threads = [threading.Thread(target=load) for _ in range(4)]
            for thread in threads:
                thread.start()
            for number in range(_SWAPS):
                version = "21"[number % 2]
                self.place(version)
                wait_until(lambda: sum("serves new streams" in line for line in weir.log) == number + 1,
                           "swap %d" % (number + 1))
                wait_until(lambda: seen and seen[-1][1] == version, "version %s, swap %d" % (version, number + 1))
            self.write("swapped.so", "no object")  # in place, over what runs
            weir.wait_log("the changed file is not taken")
            before = len(seen)
            wait_until(lambda: len(seen) > before + 100, "more requests")
            stop.set()
            for thread in threads:
                thread.join()
            self.assertEqual({200}, {status for status, _ in seen})
            print("%d requests over %d swaps" % (len(seen), _SWAPS))
            self.assertEqual(version, seen[-1][1])
            weir.wait_stat("plugin.swapped.swaps", _SWAPS)
            weir.wait_stat("plugin.swapped.swap_failures", 1)
            wait_until(lambda: self.loaded(weir) == 1, "the old versions unloaded")

    def noting(self, *versions):
        source = self.write("noting.cc", _NOTING)
        for version in versions:
            compile_filter(source, self.path("v" + version), '-DVERSION="%s"' % version,
                           '-DNOTES="%s"' % self.path("notes"))

    def notes(self):
        if not os.path.exists(self.path("notes")):
            return []
        with open(self.path("notes")) as file:
            return file.read().splitlines()

    def test_configurations_end_on_the_main_thread_whoever_used_them_last(self):
        self.noting("1", "2")
        self.place("1")
        port = free_ports(1)[0]
        per_route = {"plugin": {"@type": _PLUGIN + "PerRoute", "configuration": {"tag": "r"}}}

        def answer(request):
            if request.target == "/slow":
                held.wait(30)
            return response()
        held = threading.Event()
        with Origin(answer) as origin:
            routes = [to_cluster(prefix("/"), "back", {"typed_per_filter_config": per_route})]
            chain = [{"name": "plugin", "typed_config": {"@type": _PLUGIN, "path": self.path("swapped.so")}}]
            front = http_listener("front", port, routes, chain)
            with Weir(config([front], [cluster("back", origin.port)]), ["--concurrency", "2"]) as weir:
                slow = [Client(port) for _ in range(4)]
                for client in slow:
                    client.send(b"GET /slow HTTP/1.1\r\nhost: h\r\n\r\n")
                wait_until(lambda: len(origin.requests) == 4, "requests on the old code")
                self.place("2")
                wait_until(lambda: fetch(port).get("x-version") == "2r", "the new version")
                self.assertNotIn("route on main", self.notes())
                held.set()
                for client in slow:
                    self.assertEqual("1r", client.response().get("x-version"))
                    client.close()
                wait_until(lambda: "route on main" in self.notes(), "the end of the old configuration")
                wait_until(lambda: self.loaded(weir) == 1, "the old version unloaded")
            notes = self.notes()
            self.assertEqual(2, notes.count("route on main"), notes)
            self.assertEqual([], [line for line in notes if "another" in line])

    def test_no_variable_of_the_environment_loads_anything(self):
        self.noting("1")
        os.mkdir(self.path("folder"))
        shutil.copy(self.path("v1"), self.path("folder/noting.so"))
        env = dict(os.environ)
        for variable in ("WEIR_PLUGIN", "WEIR_PLUGINS", "WEIR_PRELOAD", "WEIR_FILTER", "WEIR_FILTERS", "WEIR_EXTENSIONS"):
            env[variable] = self.path("folder/noting.so")
        for variable in ("WEIR_PLUGIN_PATH", "WEIR_PLUGIN_DIR", "WEIR_PATH", "WEIR_HOME", "WEIR_LIBRARY_PATH", "LD_LIBRARY_PATH"):
            env[variable] = self.path("folder")
        port = free_ports(1)[0]
        with Weir(config([http_listener("front", port, [direct(prefix("/"))])]), env=env) as weir:
            self.assertEqual(200, fetch(port).status)
            self.assertEqual(0, self.loaded(weir))
            with open("/proc/%d/maps" % weir.pid) as maps:
                self.assertNotIn("noting", maps.read())
        named = self.configuration(port, {"name": "noting"})
        path = self.write("named.json", json.dumps(named))
        status, out, error = run("check", path, env=env)
        self.assertEqual(1, status, out + error)
        self.assertIn("noting", out + error)
        self.assertEqual([], self.notes())
        status, out, error = run("check", "--plugin-path", self.path("folder"), path)  # where it was really asked for
        self.assertEqual((0, True), (status, "loaded on main" in self.notes()), out + error)

    def test_a_network_filter_sees_the_bytes_of_a_connection(self):
        compile_filter(runfile("examples/plugins/frame_logger/frame_logger.cc"), self.path("frame_logger.so"))
        port = free_ports(1)[0]
        plugin = {"name": "frames", "typed_config": {
            "@type": "type.googleapis.com/weir.extensions.filters.network.plugin.v1.Plugin",
            "path": self.path("frame_logger.so"), "configuration": {"max_bytes": 10}}}
        echo = network_filter("echo", "echo.v3.Echo")
        with Weir(config([listener("front", port, plugin, echo)])) as weir:
            with Client(port) as client:
                client.send(b"\0\0\0\3abc")
                client.send(b"\0\0\0\1x")
                self.assertEqual(b"\0\0\0\3abc\0\0\0\1x", client.exactly(12))
                client.send(b"\0\0\0\x0b")
                self.assertTrue(client.ended())
            weir.wait_stat("plugin.frame_logger.frames", 2)
            weir.wait_stat("plugin.frame_logger.too_long", 1)
            weir.wait_stat("plugin.frame_logger.answers", 2)
            weir.wait_log("frame_logger: frame 2 of 1 bytes")
            weir.wait_log("frame_logger: answer 2 of 1 bytes")

    def test_a_filter_asks_a_cluster_before_the_request_goes_on(self):
        compile_filter(runfile("examples/plugins/api_key/api_key.cc"), self.path("api_key.so"))

        def check(request):
            good = request.get("x-api-key") == "good"
            return response(200, b"", "x-user: ann") if good else response(403, b"")
        port = free_ports(1)[0]
        with Origin(check) as keys, Origin(lambda request: response(200, request.get("x-user").encode())) as origin:
            chain = [{"name": "keys", "typed_config": {"@type": _PLUGIN, "path": self.path("api_key.so"),
                                                       "configuration": {"cluster": "keys"}}}]
            configuration = config([http_listener("front", port, [to_cluster(prefix("/"), "origin")], chain)],
                                   [cluster("keys", keys.port), cluster("origin", origin.port)])
            with Weir(configuration) as weir:
                self.assertEqual(401, fetch(port, "/").status)
                answer = fetch(port, "/", "x-api-key: good")
                self.assertEqual((200, b"ann"), (answer.status, answer.body))
                self.assertEqual(403, fetch(port, "/", "x-api-key: bad").status)
                keys.close()
                self.assertEqual(503, fetch(port, "/", "x-api-key: good").status)
                weir.wait_stat("plugin.api_key.errors", 1)

    def test_what_it_throws_is_500_and_a_quarantine_follows(self):
        self.swapped()
        self.place("1")
        port = free_ports(1)[0]
        plugin = {"name": "swapped", "quarantine": {"max_failures": 2, "hold": "3600s"}}
        with Weir(self.configuration(port, plugin), ["--plugin-path", "/nowhere:" + self.folder]) as weir:
            self.assertEqual(200, fetch(port, "/").status)
            self.assertEqual(500, fetch(port, "/throw").status)
            self.assertEqual(500, fetch(port, "/throw").status)
            self.assertEqual(503, fetch(port, "/").status)
            weir.wait_stat("plugin.swapped.failures", 2)
            weir.wait_stat("plugin.swapped.quarantined", 1)

    def test_a_crash_names_the_filter_and_its_hook(self):
        self.swapped()
        self.place("1")
        port = free_ports(1)[0]
        file = self.write("config.json", json.dumps(self.configuration(port, {"path": self.path("swapped.so")})))
        process = subprocess.Popen([BINARY, "-c", file], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(line.decode() for line in process.stderr))
        reader.start()
        wait_until(lambda: any("ready" in line for line in lines), "ready")
        with Client(port) as client:
            client.send(b"GET /crash HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertLess(process.wait(60), 0)
        reader.join()
        self.assertIn("weir: crashed by SIGILL while the plugin swapped ran onRequestHead\n", lines)


if __name__ == "__main__":
    cases.main()
