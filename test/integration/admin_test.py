#!/usr/bin/python3
"""The admin pages."""

import json
import re
import unittest

from proxy_config import cluster, config, direct, http_listener, prefix, proxy, tcp, to_cluster
from weir_process import Weir, cases, free_ports
from wire import Client, Origin, fetch


class Admin(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.origin = Origin()
        cls.port, configuration = proxy(cls.origin.port)
        configuration["node"] = {"id": "node-1", "cluster": "tests"}
        cls.weir = Weir(configuration, ["--concurrency", "2"])
        for _ in range(3):
            fetch(cls.port)
        cls.weir.wait_stat("http.front.downstream_rq_2xx", 3)

    @classmethod
    def tearDownClass(cls):
        try:
            cls.weir.stop()
        finally:
            cls.weir.kill()
            cls.origin.close()

    def page(self, path, method="GET", status=200):
        got, headers, body = self.weir.admin(path, method)
        self.assertEqual(status, got, body)
        return headers, body

    def test_ready(self):
        self.assertEqual("LIVE\n", self.page("/ready")[1])

    def test_stats_as_text(self):
        _, body = self.page("/stats")
        self.assertIn("http.front.downstream_rq_2xx: 3\n", body)
        self.assertIn("cluster.origin.upstream_rq_total: 3\n", body)
        names = [line.split(":")[0] for line in body.splitlines()]
        self.assertEqual(len(names), len(set(names)))

    def test_stats_filter_and_usedonly(self):
        _, body = self.page("/stats?filter=^cluster%5C.origin%5C.upstream_rq_total$")
        self.assertEqual("cluster.origin.upstream_rq_total: 3\n", body)
        _, all_of_them = self.page("/stats")
        _, used = self.page("/stats?usedonly")
        self.assertLess(len(used), len(all_of_them))
        self.assertIn("cluster.origin.upstream_rq_total: 3\n", used)
        self.page("/stats?filter=(", status=400)
        self.page("/stats?format=xml", status=400)

    def test_stats_as_json(self):
        headers, body = self.page("/stats?format=json")
        self.assertEqual("application/json", headers["content-type"].split(";")[0])
        values = {entry["name"]: entry["value"] for entry in json.loads(body)["stats"] if "name" in entry}
        self.assertEqual(3, values["cluster.origin.upstream_rq_total"])

    def test_stats_for_prometheus_have_real_histograms(self):
        for path in ("/stats/prometheus", "/stats?format=prometheus"):
            _, body = self.page(path)
            self.assertRegex(body, r'(?m)^envoy_cluster_upstream_rq_total\{envoy_cluster_name="origin"\} 3$')
            buckets = re.findall(r'(?m)^envoy_http_downstream_rq_time_bucket\{[^}]*le="([^"]+)"[^}]*\} (\d+)$', body)
            self.assertEqual("+Inf", buckets[-1][0])
            counts = [int(count) for _, count in buckets]
            self.assertEqual(sorted(counts), counts)
            self.assertEqual(3, counts[-1])
            self.assertRegex(body, r"(?m)^envoy_http_downstream_rq_time_count\{[^}]*\} 3$")
            self.assertRegex(body, r"(?m)^# TYPE envoy_http_downstream_rq_time histogram$")
            for line in body.splitlines():
                self.assertRegex(line, r'^(# (TYPE|HELP) .*|[a-zA-Z_:][\w:]*(\{.*\})? \S+)$')

    def test_config_dump_is_the_configuration(self):
        dump = json.loads(self.page("/config_dump")[1])["configs"][0]["bootstrap"]
        self.assertEqual("front", dump["static_resources"]["listeners"][0]["name"])
        self.assertEqual("node-1", dump["node"]["id"])

    def test_clusters(self):
        _, body = self.page("/clusters")
        self.assertIn("origin::127.0.0.1:%d::rq_total::3\n" % self.origin.port, body)
        self.assertIn("origin::default_priority::max_connections::1024\n", body)
        status = json.loads(self.page("/clusters?format=json")[1])["cluster_statuses"]
        self.assertEqual(["origin"], [entry["name"] for entry in status])
        self.assertEqual(self.origin.port, status[0]["host_statuses"][0]["address"]["socket_address"]["port_value"])

    def test_listeners(self):
        self.assertEqual("front::127.0.0.1:%d\n" % self.port, self.page("/listeners")[1])
        status = json.loads(self.page("/listeners?format=json")[1])["listener_statuses"]
        self.assertEqual(self.port, status[0]["local_address"]["socket_address"]["port_value"])

    def test_server_info(self):
        info = json.loads(self.page("/server_info")[1])
        self.assertEqual(("LIVE", 2, "node-1"), (info["state"], info["concurrency"], info["node"]["id"]))

    def test_the_log_level_changes_by_post_only(self):
        self.assertEqual("level: info\n", self.page("/logging")[1])
        self.page("/logging?level=debug")
        self.assertEqual("level: info\n", self.page("/logging")[1])
        self.assertEqual("level: debug\n", self.page("/logging?level=debug", "POST")[1])
        self.assertEqual("level: debug\n", self.page("/logging")[1])
        self.page("/logging?level=loud", "POST", 400)
        self.page("/logging?level=info", "POST")

    def test_what_changes_something_needs_post(self):
        for path in ("/quitquitquit", "/reset_counters"):
            headers, _ = self.page(path, "GET", 405)
            self.assertEqual("POST", headers["allow"])
        for path in ("/ready", "/stats", "/listeners", "/config_dump", "/server_info"):
            headers, _ = self.page(path, "POST", 405)
            self.assertIn("GET", headers["allow"])
        self.assertEqual("LIVE\n", self.page("/ready")[1])

    def test_a_post_from_a_page_of_another_site_is_refused(self):
        with Client(self.weir.admin_port) as client:
            for origin, status in (("http://evil.example", 403), ("http://127.0.0.1:%d" % self.weir.admin_port, 200)):
                answer = client.get("/logging?level=info", "Origin: " + origin, "Content-Length: 0", method="POST",
                                    host="127.0.0.1:%d" % self.weir.admin_port)
                self.assertEqual(status, answer.status, answer)

    def test_an_unknown_page_lists_those_that_are_there(self):
        for path, status in (("/nothing", 404), ("/", 200), ("/help", 200)):
            _, body = self.page(path, status=status)
            self.assertIn("/stats", body)

    def test_head_and_keep_alive(self):
        with Client(self.weir.admin_port) as client:
            for _ in range(3):
                answer = client.get("/ready", method="HEAD")
                self.assertEqual(("5", 200), (answer.get("content-length"), answer.status))
            self.assertEqual(b"LIVE\n", client.get("/ready").body)


class Alone(unittest.TestCase):

    def test_no_request_of_the_data_path_reaches_admin(self):
        with Origin() as origin:
            port, configuration = proxy(origin.port)
            with Weir(configuration) as weir:
                for target, host in (("/ready", "127.0.0.1:%d" % weir.admin_port), ("/quitquitquit", "localhost")):
                    with Client(port) as client:
                        self.assertEqual(b"ok", client.get(target, method="POST", host=host).body)
                self.assertEqual(["/ready", "/quitquitquit"], [request.target for request in origin.requests])

    def test_counters_begin_again(self):
        port = free_ports(1)[0]
        configuration = config([http_listener("front", port, [direct(prefix("/"))])])
        with Weir(configuration) as weir:
            fetch(port)
            weir.wait_stat("http.front.downstream_rq_total", 1)
            self.assertEqual(200, weir.admin("/reset_counters", "POST")[0])
            self.assertEqual(0, weir.stats()["http.front.downstream_rq_total"])
            fetch(port)
            weir.wait_stat("http.front.downstream_rq_total", 1)

    def test_there_is_no_admin_without_a_configured_address(self):
        port = free_ports(1)[0]
        configuration = config([http_listener("front", port, [to_cluster(prefix("/"), "c")])],
                               [cluster("c", 1)], admin=False)
        with Weir(configuration):
            self.assertEqual(503, fetch(port).status)

    def test_admin_on_another_address_than_loopback_is_said(self):
        port = free_ports(1)[0]
        configuration = config([http_listener("front", port, [direct(prefix("/"))])])
        configuration["admin"]["address"] = tcp(free_ports(1)[0], "0.0.0.0")
        with Weir(configuration) as weir:
            self.assertTrue([line for line in weir.log if "warn" in line and "admin" in line], weir.log)


if __name__ == "__main__":
    cases.main()
