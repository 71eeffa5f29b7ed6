#!/usr/bin/python3
"""Endpoints that are checked and watched by the running binary: traffic goes to those that are well."""

import json
import os
import tempfile
import threading
import unittest

from proxy_config import any_of, cluster, config, http_listener, prefix, to_cluster
from weir_process import Weir, cases, free_ports, run, wait_until
from wire import Origin, fetch, response


class Backend:
    """An origin that answers with its name, and says of itself what the test wants."""

    def __init__(self, name):
        self.check = 200
        self.status = 200
        self.fields = ()
        self.checks = 0
        self._body = name.encode()
        self.origin = Origin(self._answer)
        self.port = self.origin.port

    def _answer(self, request):
        if request.target == "/healthz":
            self.checks += 1
            return response(status=self.check)
        return response(self.status, self._body, *self.fields)

    def close(self):
        self.origin.close()


def http_check(**fields):
    return dict({"timeout": "5s", "interval": "0.1s", "no_traffic_interval": "0.1s", "unhealthy_threshold": 2,
                 "healthy_threshold": 1, "http_health_check": {"path": "/healthz"}}, **fields)


class Health(unittest.TestCase):

    def setUp(self):
        self.backends = [Backend("one"), Backend("two")]

    def tearDown(self):
        for backend in self.backends:
            backend.close()

    def configuration(self, **options):
        port = free_ports(1)[0]
        ports = [backend.port for backend in self.backends]
        return port, config([http_listener("front", port, [to_cluster(prefix("/"), "backends")])],
                            [cluster("backends", *ports, **options)])

    def refusal(self, configuration):
        with tempfile.TemporaryDirectory(dir="/tmp") as directory:
            path = os.path.join(directory, "config.json")
            with open(path, "w") as file:
                json.dump(configuration, file)
            status, _, log = run("check", path)
        self.assertEqual(1, status)
        return log

    def bodies(self, port, count=20):
        return {fetch(port).body for _ in range(count)}

    def flags(self, weir, backend):
        mark = "backends::127.0.0.1:%d::health_flags::" % backend.port
        lines = weir.admin("/clusters")[2].splitlines()
        return next(line[len(mark):] for line in lines if line.startswith(mark))

    def test_traffic_leaves_a_host_that_fails_its_checks_and_comes_back(self):
        one, two = self.backends
        port, configuration = self.configuration(health_checks=[http_check(event_log_path="events.log")])
        with Weir(configuration) as weir:
            self.assertEqual({b"one", b"two"}, self.bodies(port), "from the first request on")
            self.assertEqual("healthy", self.flags(weir, two))
            two.check = 500
            wait_until(lambda: self.flags(weir, two) == "/failed_active_hc", "the flag")
            wait_until(lambda: self.bodies(port) == {b"one"}, "traffic to the other alone")
            weir.wait_stat("cluster.backends.membership_healthy", 1)
            entry = [host for host in json.loads(weir.admin("/clusters?format=json")[2])["cluster_statuses"][0]["host_statuses"]
                     if host["address"]["socket_address"]["port_value"] == two.port][0]
            self.assertTrue(entry["health_status"]["failed_active_health_check"])
            two.check = 200
            wait_until(lambda: self.flags(weir, two) == "healthy", "the flag is gone")
            wait_until(lambda: self.bodies(port) == {b"one", b"two"}, "traffic to both")
            events = [json.loads(line) for line in weir.wait_file("events.log", 4)]
            here = [event for event in events if event["host"] == "127.0.0.1:%d" % two.port]
            self.assertEqual(["add_healthy", "eject_unhealthy", "add_healthy"], [event["event"] for event in here])
            self.assertEqual("status 500", here[1]["reason"])

    def test_the_first_request_meets_no_host_that_is_down(self):
        one, two = self.backends
        two.close()
        port, configuration = self.configuration(health_checks=[http_check()])
        with Weir(configuration) as weir:
            answers = [fetch(port) for _ in range(20)]
            self.assertEqual({(200, b"one")}, {(answer.status, answer.body) for answer in answers})
            self.assertEqual("/failed_active_hc", self.flags(weir, two))

    def test_a_check_keeps_its_connection(self):
        port, configuration = self.configuration(health_checks=[http_check()])
        with Weir(configuration):
            one = self.backends[0]
            wait_until(lambda: one.checks > 10, "checks")
            self.assertEqual(1, one.origin.connections)

    def test_the_wait_for_the_first_check_can_be_ended(self):
        never, asked = threading.Event(), threading.Event()

        def silent(wire, _):
            asked.set()
            never.wait(60)
        origin = Origin(silent)
        port = free_ports(1)[0]
        configuration = config([http_listener("front", port, [to_cluster(prefix("/"), "slow")])],
                               [cluster("slow", origin.port, health_checks=[http_check(timeout="100s")])])
        try:
            with Weir(configuration, ready=False) as weir:
                self.assertTrue(asked.wait(60))
                self.assertEqual("INITIALIZING", weir.admin("/ready")[2].strip())
        finally:
            never.set()
            origin.close()

    def test_an_aggregate_goes_to_the_next_cluster_and_back(self):
        one, two = self.backends
        port = free_ports(1)[0]
        every = {"name": "every", "lb_policy": "CLUSTER_PROVIDED", "cluster_type": {
            "name": "envoy.clusters.aggregate", "typed_config": any_of(
                "type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig", clusters=["near", "far"])}}
        configuration = config([http_listener("front", port, [to_cluster(prefix("/"), "every")])],
                               [every, cluster("near", one.port, health_checks=[http_check()]), cluster("far", two.port)])
        with Weir(configuration) as weir:
            self.assertEqual({b"one"}, self.bodies(port))
            one.check = 503
            wait_until(lambda: self.bodies(port) == {b"two"}, "the next cluster")
            one.check = 200
            wait_until(lambda: self.bodies(port) == {b"one"}, "the first again")
            stats = weir.stats()
            self.assertGreater(stats["cluster.near.upstream_rq_total"], 0)
            self.assertGreater(stats["cluster.far.upstream_rq_total"], 0)
            self.assertEqual(0, stats["cluster.every.upstream_rq_total"])

    def test_an_aggregate_of_what_there_is_not_is_refused(self):
        every = {"name": "every", "lb_policy": "CLUSTER_PROVIDED", "cluster_type": {
            "name": "envoy.clusters.aggregate", "typed_config": any_of(
                "type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig", clusters=["inner", "x"])}}
        inner = dict(every, name="inner", cluster_type={"name": "envoy.clusters.aggregate", "typed_config": any_of(
            "type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig", clusters=["every"])})
        configuration = config([http_listener("front", free_ports(1)[0], [to_cluster(prefix("/"), "every")])], [every, inner])
        log = self.refusal(configuration)
        self.assertIn("clusters[0].cluster_type.typed_config.clusters[1]: no cluster is named 'x'; ", log)

        every["cluster_type"]["typed_config"]["clusters"] = ["inner"]
        self.assertIn("clusters[1].cluster_type.typed_config.clusters[0]: an aggregate that has itself: every -> inner -> every; "
                      "allowed: aggregates whose ends are other clusters", self.refusal(configuration))

    def test_an_aggregate_of_aggregates_has_the_clusters_at_their_ends_in_order(self):
        one, two = self.backends
        port = free_ports(1)[0]

        def aggregate(name, *members):
            return {"name": name, "lb_policy": "CLUSTER_PROVIDED", "cluster_type": {
                "name": "envoy.clusters.aggregate", "typed_config": any_of(
                    "type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig", clusters=list(members))}}
        clusters = [aggregate("every", "all", "far", "local"), aggregate("all", "local"), aggregate("local", "near"),
                    cluster("near", one.port, health_checks=[http_check()]), cluster("far", two.port)]
        with Weir(config([http_listener("front", port, [to_cluster(prefix("/"), "every")])], clusters)):
            self.assertEqual({b"one"}, self.bodies(port))
            one.check = 503
            wait_until(lambda: self.bodies(port) == {b"two"}, "the next cluster")

    def test_errors_in_a_row_eject(self):
        one, two = self.backends
        port, configuration = self.configuration(outlier_detection={
            "consecutive_5xx": 3, "interval": "0.1s", "base_ejection_time": "0.5s", "max_ejection_percent": 50})
        with Weir(configuration) as weir:
            two.status = 500
            wait_until(lambda: fetch(port) and self.flags(weir, two) == "/failed_outlier_check", "the ejection")
            stats = weir.stats()
            self.assertEqual(1, stats["cluster.backends.outlier_detection.ejections_enforced_consecutive_5xx"])
            weir.wait_log("is ejected: consecutive_5xx")
            two.status = 200
            wait_until(lambda: self.flags(weir, two) == "healthy", "the end of the ejection")
            wait_until(lambda: self.bodies(port) == {b"one", b"two"}, "traffic to both")
            self.assertEqual(0, weir.stats()["cluster.backends.outlier_detection.ejections_active"])

    def test_a_host_may_say_that_it_must_not_be_used(self):
        one, two = self.backends
        port, configuration = self.configuration(health_checks=[http_check(
            interval="60s", no_traffic_interval="60s", unhealthy_threshold=3)])
        with Weir(configuration) as weir:
            self.assertEqual({b"one", b"two"}, self.bodies(port))
            two.fields = ("x-envoy-immediate-health-check-fail: true",)
            self.bodies(port)
            weir.wait_stat("cluster.backends.membership_healthy", 1)
            self.assertEqual({b"one"}, self.bodies(port))
            stats = weir.stats()
            self.assertEqual(1, stats["cluster.backends.membership_excluded"])
            self.assertLessEqual(1, stats["cluster.backends.health_check.passive_failure"])

    def test_ejections_are_logged(self):
        one, two = self.backends
        port, configuration = self.configuration(outlier_detection={
            "consecutive_5xx": 2, "max_ejection_percent": 100, "interval": "0.1s", "base_ejection_time": "0.1s"})
        configuration["cluster_manager"] = {"outlier_detection": {"event_log_path": "ejections.log"},
                                            "enable_deferred_cluster_creation": True}
        one.status = 500
        with Weir(configuration) as weir:
            self.bodies(port)
            lines = [json.loads(line) for line in weir.wait_file("ejections.log", 2)]
            first, second = lines[:2]
            self.assertEqual(("EJECT", "CONSECUTIVE_5XX", "backends", "127.0.0.1:%d" % one.port, True),
                             (first["action"], first["type"], first["cluster_name"], first["upstream_url"],
                              first["enforced"]))
            self.assertEqual(("UNEJECT", first["upstream_url"]), (second["action"], second["upstream_url"]))

    def test_a_host_that_refuses_is_ejected(self):
        one, two = self.backends
        two.close()
        port, configuration = self.configuration(outlier_detection={
            "consecutive_5xx": 3, "interval": "0.1s", "base_ejection_time": "100s", "max_ejection_percent": 50})
        with Weir(configuration) as weir:
            wait_until(lambda: fetch(port) and self.flags(weir, two) == "/failed_outlier_check", "the ejection")
            wait_until(lambda: {fetch(port).status for _ in range(20)} == {200}, "no more failures")

    def test_what_is_wrong_is_said(self):
        _, configuration = self.configuration(health_checks=[http_check(http_health_check={"path": "healthz"})])
        log = self.refusal(configuration)
        self.assertIn('health_checks[0].http_health_check.path: "healthz" is no path', log)


if __name__ == "__main__":
    cases.main()
