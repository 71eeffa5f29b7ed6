#!/usr/bin/python3
"""The command line: check, proxy, version, help, and the lines that a start logs."""

import os
import re
import tempfile
import unittest

from weir_process import Weir, cases, free_ports, run
from wire import Origin, fetch

_BAD = """\
static_resources:
  listeners:
  - name: web
    addres: {socket_address: {address: 127.0.0.1, port_value: 8080}}
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: web
          codec_type: HTTPP1
          http_filters:
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: /}
                route: {cluster: nowhere, timeout: 5 seconds}
  clusters:
  - name: somewhere
    lrs_server: {}
"""


class Check(unittest.TestCase):

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(dir="/tmp")
        self.addCleanup(self.directory.cleanup)

    def write(self, name, text):
        path = os.path.join(self.directory.name, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def test_every_error_is_reported_with_its_place(self):
        path = self.write("bad.yaml", _BAD)
        status, out, err = run("check", path)
        self.assertEqual(1, status)
        report = out + err
        place = re.escape(path) + r":%d:\d+: .*"
        self.assertRegex(report, place % 4 + "addres.*address")
        self.assertRegex(report, place % 11 + "HTTPP1.*HTTP1")
        self.assertRegex(report, place % 21 + "5 seconds")
        self.assertRegex(report, place % 24 + "known xDS field, not implemented by weir")

    def test_rules_between_fields_are_checked_when_the_form_is_right(self):
        text = _BAD.replace("addres:", "address:").replace("HTTPP1", "HTTP1").replace(", timeout: 5 seconds", "")
        path = self.write("unknown.yaml", text.replace("    lrs_server: {}\n", ""))
        status, out, err = run("check", path)
        self.assertEqual(1, status)
        self.assertRegex(out + err, re.escape(path) + r":21:\d+: .*nowhere")

    def test_a_good_file_gives_0(self):
        port = free_ports(1)[0]
        path = self.write("good.yaml", "admin: {address: {socket_address: {address: 127.0.0.1, port_value: %d}}}\n" % port)
        status, out, err = run("check", path)
        self.assertEqual(0, status, out + err)

    def test_a_file_that_is_not_there(self):
        status, out, err = run("check", "/nonexistent/file.yaml")
        self.assertEqual(1, status)
        self.assertIn("/nonexistent/file.yaml", out + err)
        self.assertIn("No such file", out + err)

    def test_schema_only_leaves_the_machine_alone(self):
        text = ("static_resources: {listeners: [{name: a, address: {socket_address: {address: 192.0.2.1, port_value: 80}},"
                " filter_chains: [{filters: [{name: e, typed_config: {'@type':"
                " type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo}}]}]}]}\n")
        path = self.write("elsewhere.yaml", text)
        status, out, err = run("check", path)
        self.assertEqual(1, status, out + err)
        self.assertIn("192.0.2.1:80", out + err)
        status, out, err = run("check", "--schema-only", path)
        self.assertEqual(0, status, out + err)

    def test_run_reports_the_same_errors_and_does_not_start(self):
        path = self.write("bad.yaml", _BAD)
        status, out, err = run("run", "-c", path)
        self.assertNotEqual(0, status)
        self.assertRegex(out + err, re.escape(path) + r":4:\d+: ")
        self.assertNotIn("ready", out + err)

    def test_formats_by_extension(self):
        for name, text in (("a.yaml", "node: {id: x}\n"), ("a.yml", "node: {id: x}\n"), ("a.json", '{"node": {"id": "x"}}'),
                           ("a.pb_text", 'node { id: "x" }'), ("a.pb", "\x0a\x03\x0a\x01x")):
            with self.subTest(name):
                status, out, err = run("check", self.write(name, text))
                self.assertEqual(0, status, out + err)


class Lines(unittest.TestCase):

    def test_version(self):
        status, out, _ = run("version")
        self.assertEqual(0, status)
        self.assertRegex(out, r"^weir \S+")
        self.assertEqual(out, run("--version")[1])

    def test_help_for_each_command(self):
        for arguments in (["help"], ["--help"]):
            status, out, _ = run(*arguments)
            self.assertEqual(0, status)
            for command in ("run", "check", "explain", "proxy", "why", "version"):
                self.assertRegex(out, r"(?m)^\s+weir \[?%s\b" % command)
        for command in ("run", "check", "explain", "proxy", "why", "version"):
            for arguments in (["help", command], [command, "--help"]):
                status, out, _ = run(*arguments)
                self.assertEqual(0, status)
                self.assertIn("Usage: weir ", out)

    def test_mistakes_on_the_command_line(self):
        for arguments, hint in ((["chekc"], "check"), (["run", "--concurency", "2"], "--concurrency"),
                                (["run"], "weir help run"), (["run", "-c", "a", "--concurrency", "0"], "1 to 1024"),
                                (["run", "-c", "a", "--log-level", "loud"], "debug"), (["check"], "usage: weir check")):
            with self.subTest(arguments):
                status, out, err = run(*arguments)
                self.assertNotEqual(0, status)
                self.assertEqual("", out)
                self.assertEqual(1, err.count("\n"), err)
                self.assertIn(hint, err)

    def test_plain_weir_runs_a_file(self):
        port, admin = free_ports(2)
        with Weir(_web(port, admin), command="--concurrency=1") as weir:
            self.assertEqual(b"from weir", fetch(port).body)
            self.assertEqual(200, weir.admin("/ready")[0])

    def test_overlay_adds_to_the_file(self):
        port, other, admin = free_ports(3)
        overlay = _web(other, admin).replace("admin:", "#").replace("name: web", "name: more", 1)
        with Weir(_web(port, admin), ["--config-yaml", overlay.replace("from weir", "from above")]):
            self.assertEqual(b"from weir", fetch(port).body)
            self.assertEqual(b"from above", fetch(other).body)

    def test_one_line_for_each_listener_and_one_for_ready(self):
        port, admin = free_ports(2)
        with Origin() as origin:
            text = _web(port, admin, "route: {cluster: origin}", "  clusters:\n  - name: origin\n    load_assignment:\n"
                        "      cluster_name: origin\n      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address:"
                        " {address: 127.0.0.1, port_value: %d}}}}]}]\n" % origin.port)
            with Weir(text) as weir:
                lines = [line for line in weir.log if "127.0.0.1:%d" % port in line]
                self.assertEqual(1, len(lines), weir.log)
                for word in ("listener web ", "chain", "-> origin"):
                    self.assertIn(word, lines[0])
                self.assertEqual(1, sum(bool(re.search(r"\bready\b", line)) for line in weir.log))


def _web(port, admin, action="direct_response: {status: 200, body: {inline_string: from weir}}", clusters=""):
    return """\
admin: {address: {socket_address: {address: 127.0.0.1, port_value: %d}}}
static_resources:
  listeners:
  - name: web
    address: {socket_address: {address: 127.0.0.1, port_value: %d}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: web
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: /}
                %s
%s""" % (admin, port, action, clusters)


class Proxy(unittest.TestCase):

    def test_http_without_a_file(self):
        port = free_ports(1)[0]
        with Origin() as origin:
            arguments = ["--from", "127.0.0.1:%d" % port, "--to", "http://127.0.0.1:%d" % origin.port, "--name", "mine"]
            with Weir(None, arguments, command="proxy") as weir:
                self.assertEqual(b"ok", fetch(port, "/path").body)
                self.assertEqual("/path", origin.requests[-1].target)
                self.assertTrue([line for line in weir.log if "mine" in line])

    def test_a_port_alone_is_every_address(self):
        port = free_ports(1)[0]
        with Origin() as origin:
            with Weir(None, ["--from", ":%d" % port, "--to", "tcp://127.0.0.1:%d" % origin.port], command="proxy"):
                self.assertEqual(b"ok", fetch(port).body)

    def test_the_printed_configuration_runs_and_is_its_own_print(self):
        port = free_ports(1)[0]
        with Origin() as origin:
            for scheme in ("http", "tcp"):
                arguments = ["--from", "127.0.0.1:%d" % port, "--to", "%s://127.0.0.1:%d" % (scheme, origin.port)]
                status, text, err = run("proxy", *arguments, "--print-config")
                self.assertEqual(0, status, err)
                with Weir(text):
                    self.assertEqual(b"ok", fetch(port).body)

    def test_a_path_in_the_target_is_kept(self):
        port = free_ports(1)[0]
        with Origin() as origin:
            arguments = ["--from", "127.0.0.1:%d" % port, "--to", "http://127.0.0.1:%d/base" % origin.port]
            with Weir(None, arguments, command="proxy"):
                fetch(port, "/page?x")
                self.assertEqual("/base/page?x", origin.requests[-1].target)

    def test_a_target_may_have_a_name(self):
        port = free_ports(1)[0]
        with Origin() as origin:
            arguments = ["--from", "127.0.0.1:%d" % port, "--to", "http://LOCALHOST:%d" % origin.port]
            with Weir(None, arguments, command="proxy"):
                self.assertEqual(b"ok", fetch(port).body)
                self.assertEqual("LOCALHOST:%d" % origin.port, origin.requests[-1].get("host"))

    def test_other_schemes_and_bad_addresses_are_refused(self):
        for source, target, hint in ((":0", "ftp://127.0.0.1:1", "http, https, tcp"), (":0", "127.0.0.1:1", "tcp://"),
                                     (":0", "http://", "http"), ("nowhere", "http://127.0.0.1:1", "nowhere")):
            with self.subTest(target=target, source=source):
                status, _, err = run("proxy", "--from", source, "--to", target)
                self.assertNotEqual(0, status)
                self.assertIn(hint, err)


if __name__ == "__main__":
    cases.main()
