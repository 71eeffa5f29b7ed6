#!/usr/bin/python3
"""A dynamic forward proxy: requests go to whichever host they name, resolved by a DNS server of the test's own."""

import threading
import unittest

from dns_server import NXDOMAIN, DnsServer, a, fails, silence
from proxy_config import any_of, config, file_log, http_filter, http_listener, per_route, prefix, to_cluster
from weir_process import Weir, cases, free_ports, wait_until
from wire import Client, Origin, response

_CLUSTER = "type.googleapis.com/envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig"


def forward_proxy(dns, route_extra=None, **cache):
    """(port, configuration)"""
    fields = dict({"name": "cache", "dns_lookup_family": "V4_ONLY", "typed_dns_resolver_config": dns.resolver()}, **cache)
    port = free_ports(1)[0]
    proxy = http_filter("dynamic_forward_proxy", "FilterConfig", dns_cache_config=fields)
    log = file_log("access.log", text_format_source={"inline_string": "%RESPONSE_CODE% %RESPONSE_FLAGS%\n"})
    cluster = {"name": "any", "lb_policy": "CLUSTER_PROVIDED", "cluster_type": {
        "name": "envoy.clusters.dynamic_forward_proxy", "typed_config": any_of(_CLUSTER, dns_cache_config=fields)}}
    return port, config([http_listener("front", port, [to_cluster(prefix("/"), "any", route_extra)], [proxy],
                                       access_log=[log])], [cluster])


def ask(port, host):
    with Client(port) as client:
        return client.get(host=host)


class ForwardProxy(unittest.TestCase):

    def test_a_request_goes_to_the_host_that_it_names(self):
        with DnsServer() as dns, Origin(lambda r: response(body=r.get("host").encode())) as origin:
            dns.zone["a.test"] = dns.zone["b.test"] = a("127.0.0.1", ttl=60)
            port, configuration = forward_proxy(dns)
            with Weir(configuration) as weir:
                for _ in range(3):
                    for name in ("a.test", "b.test", "A.test"):
                        answer = ask(port, "%s:%d" % (name, origin.port))
                        self.assertEqual((200, "%s:%d" % (name, origin.port)), (answer.status, answer.body.decode()))
                self.assertEqual(200, ask(port, "127.0.0.1:%d" % origin.port).status)
                self.assertEqual((1, 1), (dns.count("a.test"), dns.count("b.test")))
                self.assertEqual(3, weir.stats()["cluster.any.num_hosts"])

    def test_a_copy_goes_to_the_host_that_it_is_given(self):
        copies = []
        with DnsServer() as dns, Origin() as origin, Origin(lambda r: copies.append(r.get("host")) or response()) as other:
            dns.zone["a.test"] = dns.zone["b.test"] = a("127.0.0.1", ttl=60)
            port, configuration = forward_proxy(dns)
            manager = configuration["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
            route = manager["route_config"]["virtual_hosts"][0]["routes"][0]["route"]
            mirrored = "B.test:%d" % other.port
            route["request_mirror_policies"] = [{"cluster": "any", "host_rewrite_literal": mirrored}]
            with Weir(configuration):
                self.assertEqual(200, ask(port, "a.test:%d" % origin.port).status)
                wait_until(lambda: copies == [mirrored], "the copy has come")

    def test_a_tunnel_goes_to_the_host_that_it_names(self):
        def serve(wire):
            wire.send(wire.exactly(4)[::-1])
        with DnsServer() as dns, Origin(serve=serve) as origin:
            dns.zone["a.test"] = a("127.0.0.1", ttl=60)
            port, configuration = forward_proxy(dns)
            manager = configuration["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
            manager["route_config"]["virtual_hosts"][0]["routes"].insert(0, to_cluster(
                {"connect_matcher": {}}, "any", upgrade_configs=[{"upgrade_type": "CONNECT", "connect_config": {}}]))
            with Weir(configuration), Client(port) as client:
                name = "a.test:%d" % origin.port
                client.send(("CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\nping" % (name, name)).encode())
                self.assertIn(b" 200 ", client.until(b"\r\n\r\n"))
                self.assertEqual(b"gnip", client.exactly(4))

    def test_many_first_requests_ask_once(self):
        with DnsServer() as dns, Origin() as origin:
            dns.zone["a.test"] = a("127.0.0.1", ttl=60)
            port, configuration = forward_proxy(dns)
            with Weir(configuration):
                statuses = []
                threads = [threading.Thread(target=lambda: statuses.append(ask(port, "a.test:%d" % origin.port).status))
                           for _ in range(20)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join(60)
                self.assertEqual([200] * 20, statuses)
                self.assertEqual(1, dns.count("a.test"))

    def test_names_that_cannot_be_resolved_are_503(self):
        with DnsServer() as dns:
            dns.zone["none.test"] = fails(NXDOMAIN)
            dns.zone["silent.test"] = silence
            port, configuration = forward_proxy(dns, dns_query_timeout="0.3s")
            with Weir(configuration) as weir:
                self.assertEqual(503, ask(port, "none.test:80").status)
                self.assertEqual(503, ask(port, "silent.test:80").status)
                self.assertEqual("503 DF", weir.wait_file("access.log", 2)[0])

    def test_there_are_never_more_hosts_than_allowed(self):
        with DnsServer() as dns, Origin() as origin:
            dns.zone["a.test"] = dns.zone["b.test"] = a("127.0.0.1", ttl=60)
            port, configuration = forward_proxy(dns, max_hosts=1)
            with Weir(configuration) as weir:
                self.assertEqual(200, ask(port, "a.test:%d" % origin.port).status)
                self.assertEqual(503, ask(port, "b.test:%d" % origin.port).status)
                self.assertEqual(200, ask(port, "a.test:%d" % origin.port).status)
                self.assertEqual(1, weir.stats()["cluster.any.host_overflow"])
                self.assertEqual(0, dns.count("b.test"))

    def test_a_host_that_nobody_asks_for_is_forgotten(self):
        with DnsServer() as dns, Origin() as origin:
            dns.zone["a.test"] = a("127.0.0.1", ttl=60)
            port, configuration = forward_proxy(dns, host_ttl="0.2s")
            with Weir(configuration) as weir:
                for _ in range(2):
                    self.assertEqual(200, ask(port, "a.test:%d" % origin.port).status)
                    weir.wait_stat("cluster.any.num_hosts", 0)
                    weir.wait_stat("cluster.any.membership_total", 0)
                self.assertEqual(2, weir.stats()["cluster.any.host_removed"])

    def test_only_so_many_requests_wait(self):
        with DnsServer() as dns:
            dns.zone["silent.test"] = silence
            port, configuration = forward_proxy(dns, dns_cache_circuit_breaker={"max_pending_requests": 1})
            with Weir(configuration) as weir:
                with Client(port) as waiting:
                    waiting.send(b"GET / HTTP/1.1\r\nHost: silent.test\r\n\r\n")
                    wait_until(lambda: dns.count("silent.test") == 1, "the question")
                    self.assertEqual(503, ask(port, "other.test:80").status)
                    self.assertEqual(["503 UO"], weir.wait_file("access.log", 1))

    def test_a_route_may_name_another_host(self):
        with DnsServer() as dns, Origin(lambda r: response(body=r.get("host").encode())) as origin:
            dns.zone["inside.test"] = a("127.0.0.1", ttl=60)
            extra = {"typed_per_filter_config": per_route("dynamic_forward_proxy", "PerRouteConfig",
                                                          host_rewrite_literal="inside.test:%d" % origin.port)}
            port, configuration = forward_proxy(dns, extra)
            with Weir(configuration):
                self.assertEqual("inside.test:%d" % origin.port, ask(port, "outside.test").body.decode())


if __name__ == "__main__":
    cases.main()
