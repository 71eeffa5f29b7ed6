#!/usr/bin/python3
"""Clusters of names: the real binary, a DNS server of the test's own, and origins on addresses of the loopback."""

import threading
import time
import unittest

from dns_server import (FORMERR, NXDOMAIN, REFUSED, SERVFAIL, DnsServer, a, chain, fails, garbage, silence, srv)
from proxy_config import any_of, cluster, config, http_listener, prefix, tcp, to_cluster
from weir_process import Weir, cases, free_ports, run, wait_until
from wire import Client, Origin, fetch, response


def naming(name, port, dns, kind="STRICT_DNS", **options):
    """A cluster of one name that is resolved by `dns`, and again every 50 ms."""
    fields = {"type": kind, "dns_lookup_family": "V4_ONLY", "dns_refresh_rate": "0.05s",
              "dns_failure_refresh_rate": {"base_interval": "0.05s", "max_interval": "0.05s"}}
    if dns is not None:
        fields["typed_dns_resolver_config"] = dns.resolver()
    fields.update(options)
    return cluster("origin", tcp(port, name), **fields)


def in_front(of, extra=()):
    """(port, configuration) of a listener in front of a cluster called origin."""
    port = free_ports(1)[0]
    return port, config([http_listener("front", port, [to_cluster(prefix("/"), "origin")])], [of, *extra])


def origins(*addresses):
    """Origins with one port, each on an address of its own, that answer with their address."""
    def answer_of(address):
        return lambda request: response(body=address.encode())
    first = Origin(answer_of(addresses[0]), address=(addresses[0], 0))
    return [first] + [Origin(answer_of(address), address=(address, first.port)) for address in addresses[1:]]


def close(of):
    for origin in of:
        origin.close()


def hosts(weir):
    """The hosts of the cluster as /clusters shows them."""
    lines = weir.admin("/clusters")[2].splitlines()
    return sorted({line.split("::")[1] for line in lines if line.endswith("::hostname::web.test")})


def seen(port, count=20):
    return {fetch(port).body.decode() for _ in range(count)}


class Names(unittest.TestCase):

    def test_localhost_of_the_hosts_file_works_without_any_dns(self):
        with Origin() as origin:
            port, configuration = in_front(naming("localhost", origin.port, None))
            with Weir(configuration) as weir:
                self.assertEqual(200, fetch(port).status)
                self.assertEqual(1, weir.stats()["cluster.origin.membership_healthy"])

    def test_every_address_of_a_strict_name_is_a_host(self):
        every = origins("127.0.0.2", "127.0.0.3", "127.0.0.4")
        with DnsServer() as dns:
            dns.zone["web.test"] = a("127.0.0.2", "127.0.0.3", "127.0.0.4")
            port, configuration = in_front(naming("web.test", every[0].port, dns))
            with Weir(configuration) as weir:
                self.assertEqual({"127.0.0.2", "127.0.0.3", "127.0.0.4"}, seen(port))
                self.assertEqual(["127.0.0.%d:%d" % (i, every[0].port) for i in (2, 3, 4)], hosts(weir))
        close(every)

    def test_a_logical_name_is_one_host(self):
        every = origins("127.0.0.2", "127.0.0.3")
        with DnsServer() as dns:
            dns.zone["web.test"] = a("127.0.0.3", "127.0.0.2")
            port, configuration = in_front(naming("web.test", every[0].port, dns, "LOGICAL_DNS"))
            with Weir(configuration) as weir:
                self.assertEqual({"127.0.0.3"}, seen(port))
                self.assertEqual(1, len(hosts(weir)))
        close(every)

    def test_the_dns_extension_is_the_same(self):
        every = origins("127.0.0.2", "127.0.0.3")
        with DnsServer() as dns:
            dns.zone["web.test"] = a("127.0.0.2", "127.0.0.3")
            extension = {"name": "envoy.clusters.dns", "typed_config": any_of(
                "type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster", dns_lookup_family="V4_ONLY",
                typed_dns_resolver_config=dns.resolver())}
            for one, expected in ((False, {"127.0.0.2", "127.0.0.3"}), (True, {"127.0.0.2"})):
                extension["typed_config"]["all_addresses_in_single_endpoint"] = one
                port, configuration = in_front(cluster("origin", tcp(every[0].port, "web.test"),
                                                       cluster_type=extension))
                with Weir(configuration):
                    self.assertEqual(expected, seen(port))
        close(every)

    def test_a_service_brings_its_ports(self):
        with Origin(lambda _: response(body=b"one")) as one, Origin(lambda _: response(body=b"two")) as two:
            with DnsServer() as dns:
                dns.zone["_web._tcp.test"] = srv((1, 1, one.port, "a.test"), (1, 1, two.port, "a.test"))
                dns.zone["a.test"] = a("127.0.0.1")
                port, configuration = in_front(naming("_web._tcp.test", 1, dns))
                with Weir(configuration):
                    self.assertEqual({"one", "two"}, seen(port))

    def test_the_resolver_of_the_bootstrap_serves_clusters_without_their_own(self):
        every = origins("127.0.0.2")
        with DnsServer() as dns:
            dns.zone["web.test"] = a("127.0.0.2")
            port, configuration = in_front(naming("web.test", every[0].port, None))
            configuration["typed_dns_resolver_config"] = dns.resolver()
            with Weir(configuration):
                self.assertEqual({"127.0.0.2"}, seen(port, 2))
        close(every)


class Answers(unittest.TestCase):
    """What a DNS server may say, and what comes of it."""

    def check(self, answer, expected, name="web.test"):
        every = origins("127.0.0.2")
        with DnsServer() as dns:
            dns.zone[name] = answer
            port, configuration = in_front(naming(name, every[0].port, dns))
            with Weir(configuration) as weir:
                self.assertEqual(expected, fetch(port).status)
                log, stats = list(weir.log), weir.stats()
        close(every)
        return dns, log, stats

    def test_aliases_are_followed(self):
        self.check(chain(5, "127.0.0.2"), 200)

    def test_five_hundred_records_come_over_tcp(self):
        addresses = ["127.0.%d.%d" % (1 + i // 250, 1 + i % 250) for i in range(499)] + ["127.0.0.2"]
        with DnsServer() as dns:
            dns.zone["web.test"] = a(*addresses)
            port, configuration = in_front(naming("web.test", 1, dns, dns_refresh_rate="60s"))
            with Weir(configuration) as weir:
                self.assertEqual(500, weir.stats()["cluster.origin.membership_total"])
            self.assertEqual([False, True], [asked[2] for asked in dns.asked])

    def test_a_time_to_live_of_zero_is_no_reason_to_hurry(self):
        every = origins("127.0.0.2")
        with DnsServer() as dns:
            dns.zone["web.test"] = a("127.0.0.2", ttl=0)
            port, configuration = in_front(naming("web.test", every[0].port, dns, dns_refresh_rate="3600s",
                                                  respect_dns_ttl=True))
            with Weir(configuration):
                self.assertEqual(200, fetch(port).status)
                self.assertEqual(1, dns.count("web.test"))
        close(every)

    def test_a_name_that_is_not_there_is_503_and_said(self):
        _, log, stats = self.check(fails(NXDOMAIN), 503)
        self.assertTrue(any("web.test" in line and "origin" in line for line in log), log)
        self.assertGreaterEqual(stats["cluster.origin.update_empty"], 1)
        self.assertEqual(0, stats["cluster.origin.update_failure"])

    def test_an_empty_answer_is_503(self):
        _, _, stats = self.check(a(), 503)
        self.assertGreaterEqual(stats["cluster.origin.update_empty"], 1)

    def test_servers_that_fail_are_503(self):
        for code in (SERVFAIL, REFUSED, FORMERR):
            _, _, stats = self.check(fails(code), 503)
            self.assertGreaterEqual(stats["cluster.origin.update_failure"], 1)

    def test_garbage_is_503(self):
        _, _, stats = self.check(garbage, 503)
        self.assertGreaterEqual(stats["cluster.origin.update_failure"], 1)

    def test_silence_does_not_hold_up_the_start_forever(self):
        start = time.monotonic()
        self.check(silence, 503)
        self.assertLess(time.monotonic() - start, 45)


class Change(unittest.TestCase):

    def test_a_change_moves_traffic_and_loses_no_request(self):
        every = origins("127.0.0.2", "127.0.0.3")
        stop, failed, count = threading.Event(), [], [0] * 4
        with DnsServer() as dns:
            dns.zone["web.test"] = a("127.0.0.2")
            port, configuration = in_front(naming("web.test", every[0].port, dns))
            with Weir(configuration) as weir:
                def load(index):
                    with Client(port) as client:
                        while not stop.is_set():
                            answer = client.get()
                            count[index] += 1
                            if answer.status != 200:
                                failed.append(answer)
                threads = [threading.Thread(target=load, args=(i,)) for i in range(len(count))]
                for thread in threads:
                    thread.start()
                try:
                    for turn in range(10):
                        old, new = every[turn % 2], every[1 - turn % 2]
                        dns.zone["web.test"] = a("127.0.0.3" if turn % 2 == 0 else "127.0.0.2")
                        had = len(new.requests)
                        wait_until(lambda: len(new.requests) > had + 20, "traffic at the new address")
                        wait_until(lambda: self.quiet(old), "the end of traffic at the old address")
                finally:
                    stop.set()
                    for thread in threads:
                        thread.join(60)
                self.assertEqual([], failed)
                self.assertEqual(sum(count), sum(len(origin.requests) for origin in every))
                self.assertGreaterEqual(weir.stats()["cluster.origin.membership_change"], 10)
        close(every)

    @staticmethod
    def quiet(origin):
        before = len(origin.requests)
        threading.Event().wait(0.05)
        return len(origin.requests) == before

    def test_failures_keep_the_last_good_hosts_and_are_counted(self):
        every = origins("127.0.0.2")
        with DnsServer() as dns:
            dns.zone["web.test"] = a("127.0.0.2")
            port, configuration = in_front(naming("web.test", every[0].port, dns))
            with Weir(configuration) as weir:
                self.assertEqual(200, fetch(port).status)
                for answer in (fails(SERVFAIL), fails(NXDOMAIN), a(), garbage):
                    dns.zone["web.test"] = answer
                    asked = dns.count("web.test")
                    wait_until(lambda: dns.count("web.test") > asked + 3, "more questions")
                    self.assertEqual(200, fetch(port).status)
                    self.assertEqual(1, weir.stats()["cluster.origin.update_stale"])
                stats = weir.stats()
                self.assertGreater(stats["cluster.origin.update_failure"], 0)
                self.assertGreater(stats["cluster.origin.update_empty"], 0)
                self.assertRegex(weir.admin("/clusters")[2], r"origin::web\.test::dns::stale")
                dns.zone["web.test"] = a("127.0.0.2")
                weir.wait_stat("cluster.origin.update_stale", 0)
        close(every)

    def test_a_name_that_comes_late_is_served_when_it_is_there(self):
        every = origins("127.0.0.2")
        with DnsServer() as dns:
            port, configuration = in_front(naming("web.test", every[0].port, dns))
            with Weir(configuration) as weir:
                self.assertEqual(503, fetch(port).status)
                dns.zone["web.test"] = a("127.0.0.2")
                weir.wait_stat("cluster.origin.membership_total", 1)
                wait_until(lambda: fetch(port).status == 200, "an answer of the origin")
        close(every)


class Checked(unittest.TestCase):

    def check(self, cluster_of_it, *expected):
        _, configuration = in_front(cluster_of_it)
        import json
        import tempfile
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(configuration, file)
            file.flush()
            status, _, log = run("check", file.name)
        self.assertEqual(1, status)
        for text in expected:
            self.assertIn(text, log)

    def test_errors_name_the_field_and_what_is_allowed(self):
        self.check(cluster("origin", tcp(80, "web.test")), "web.test", "STRICT_DNS or LOGICAL_DNS")
        self.check(cluster("origin", tcp(80, "a.test"), tcp(80, "b.test"), type="LOGICAL_DNS"), "2 endpoints", "one")
        self.check(cluster("origin", tcp(80, "not a name"), type="STRICT_DNS"), "not a name", "a host name")
        named = {"socket_address": {"address": "web.test", "named_port": "http"}}
        self.check(cluster("origin", named, type="STRICT_DNS"), "named_port")


if __name__ == "__main__":
    cases.main()
