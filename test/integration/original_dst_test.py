#!/usr/bin/python3
"""Clusters of type ORIGINAL_DST: connections go where they were going, as the PROXY protocol says here, and requests
where a header says. The last test is inside a network namespace of its own, where iptables redirects connections."""

import os
import shutil
import socket
import subprocess
import sys
import unittest

from proxy_config import any_of, cluster, config, hcm, listener, network_filter, prefix, to_cluster
from weir_process import LIMIT, Weir, cases, free_ports
from wire import Client, Origin, Wire, response

_PROXY_PROTOCOL = {"name": "proxy_protocol", "typed_config": any_of(
    "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
    allow_requests_without_proxy_protocol=True)}


def original(**fields):
    return dict({"name": "any", "type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED", "connect_timeout": "1s"}, **fields)


def http(target, **options):
    port = free_ports(1)[0]
    return port, config([listener("front", port, hcm("front", [to_cluster(prefix("/"), "any")]), **options)], [target])


def greeted(port, destination):
    """A client behind a load balancer that says where it was going."""
    client = Client(port)
    client.send(b"PROXY TCP4 192.0.2.1 127.0.0.1 4000 %d\r\n" % destination)
    return client


def naming(name):
    return Origin(lambda request: response(body=name))


class OriginalDst(unittest.TestCase):

    def test_requests_go_where_the_header_says(self):
        port, configuration = http(original(original_dst_lb_config={"use_http_header": True}))
        with naming(b"one") as one, naming(b"two") as two, Weir(configuration) as weir:
            for origin, body in ((one, b"one"), (two, b"two"), (one, b"one")):
                with Client(port) as client:
                    answer = client.get("/", "x-envoy-original-dst-host: 127.0.0.1:%d" % origin.port)
                    self.assertEqual((200, body), (answer.status, answer.body))
            with Client(port) as client:
                self.assertEqual(503, client.get("/").status)
            with Client(port) as client:
                self.assertEqual(503, client.get("/", "x-envoy-original-dst-host: localhost:80").status)
            stats = weir.stats()
            self.assertEqual(1, stats["cluster.any.original_dst_host_invalid"])
            self.assertEqual(2, stats["cluster.any.num_hosts"])
            self.assertIn("any::127.0.0.1:%d::" % one.port, weir.admin("/clusters")[2])

    def test_hosts_that_nobody_asks_for_go(self):
        port, configuration = http(original(original_dst_lb_config={"use_http_header": True}, cleanup_interval="0.2s"))
        with naming(b"one") as one, Weir(configuration) as weir:
            for _ in range(2):
                with Client(port) as client:
                    answer = client.get("/", "x-envoy-original-dst-host: 127.0.0.1:%d" % one.port)
                    self.assertEqual(200, answer.status)
                weir.wait_stat("cluster.any.num_hosts", 0)
                weir.wait_stat("cluster.any.membership_total", 0)
            self.assertEqual(2, weir.stats()["cluster.any.host_removed"])

    def test_requests_go_where_their_connection_was_going(self):
        port, configuration = http(original(), listener_filters=[_PROXY_PROTOCOL])
        with naming(b"one") as one, naming(b"two") as two, Weir(configuration):
            for origin, body in ((one, b"one"), (two, b"two")):
                with greeted(port, origin.port) as client:
                    self.assertEqual(body, client.get("/").body)
                    self.assertEqual(body, client.get("/").body)
            # One that has come by itself was going to weir, which must not go round in circles.
            with Client(port) as client:
                self.assertEqual(503, client.get("/").status)

    def test_the_port_may_be_another(self):
        with naming(b"one") as one:
            port, configuration = http(original(original_dst_lb_config={"upstream_port_override": one.port}),
                                       listener_filters=[_PROXY_PROTOCOL])
            with Weir(configuration), greeted(port, 9) as client:
                self.assertEqual(b"one", client.get("/").body)

    def test_a_request_may_prefer_an_endpoint(self):
        policies = "type.googleapis.com/envoy.extensions.load_balancing_policies."
        fallback = {"policies": [{"typed_extension_config": {"name": "random", "typed_config": any_of(
            policies + "random.v3.Random")}}]}
        override = any_of(policies + "override_host.v3.OverrideHost", override_host_sources=[{"header": "x-host"}],
                          fallback_policy=fallback)
        policy = {"policies": [{"typed_extension_config": {"name": "override_host", "typed_config": override}}]}
        with naming(b"one") as one, naming(b"two") as two:
            port, configuration = http(cluster("any", one.port, two.port, load_balancing_policy=policy))
            with Weir(configuration):
                for origin, body in ((one, b"one"), (two, b"two")) * 3:
                    with Client(port) as client:
                        self.assertEqual(body, client.get("/", "x-host: 127.0.0.1:%d" % origin.port).body)
                with Client(port) as client:
                    self.assertEqual(200, client.get("/", "x-host: 127.0.0.1:1").status)

    def test_bytes_go_where_their_connection_was_going(self):
        def echo(wire):
            wire.send(b"echo " + wire.exactly(4))

        port = free_ports(1)[0]
        tcp_proxy = network_filter("tcp", "tcp_proxy.v3.TcpProxy", stat_prefix="tcp", cluster="any")
        configuration = config([listener("front", port, tcp_proxy, listener_filters=[_PROXY_PROTOCOL])], [original()])
        with Origin(serve=echo) as origin, Weir(configuration):
            with greeted(port, origin.port) as client:
                client.send(b"ping")
                self.assertEqual(b"echo ping", client.exactly(9))
            with Client(port) as client:
                client.send(b"hello")
                self.assertTrue(client.ended())

    def test_the_kernel_says_where_a_connection_was_going_before_it_was_redirected(self):
        apart = ["unshare", "--map-root-user", "--net"]
        if subprocess.run([*apart, "/usr/sbin/iptables", "-t", "nat", "-L", "-n"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=LIMIT).returncode != 0:
            self.skipTest("this machine lets nobody redirect connections in a network namespace")
        done = subprocess.run([*apart, sys.executable, os.path.abspath(__file__), _INSIDE], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=2 * LIMIT)
        self.assertEqual((0, "one two one: two ports of one address, one"), (done.returncode, done.stdout.decode().strip()))


_INSIDE = "--inside-a-namespace"
_CLIENT = "10.0.0.9"


def _command(name, line):
    path = shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin")
    subprocess.run([path or name, *line.split()], check=True)


def _body(*target):
    """What a client is answered that knows nothing of weir."""
    with socket.create_connection(target, LIMIT, source_address=(_CLIENT, 0)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
        answer = b""
        while more := client.recv(4096):
            answer += more
    return answer.rpartition(b"\r\n\r\n")[2].decode()


def _redirected():
    """Origins at two addresses, and all that the client sends there redirected to weir; what weir sends is not."""
    _command("ip", "link set lo up")
    for address in ("10.0.0.1", "10.0.0.2", _CLIENT):
        _command("ip", "address add %s/32 dev lo" % address)
    redirected = {"name": "original_dst", "typed_config": any_of(
        "type.googleapis.com/envoy.extensions.filters.listener.original_dst.v3.OriginalDst")}
    port, configuration = http(original(), listener_filters=[redirected])
    _command("iptables", "-t nat -A OUTPUT -p tcp -s %s -j REDIRECT --to-ports %d" % (_CLIENT, port))

    def origin(address, name):
        return Origin(lambda _: response(body=name), address=address)

    with origin(("10.0.0.1", 0), b"one") as one, origin(("10.0.0.2", 0), b"two") as two, Weir(configuration) as weir:
        with origin(("10.0.0.1", 0), b"two ports of one address") as other:
            first = " ".join(_body(*where) for where in (("10.0.0.1", one.port), ("10.0.0.2", two.port),
                                                         ("10.0.0.1", one.port)))
            print("%s: %s, %s" % (first, _body("10.0.0.1", other.port), _body("10.0.0.1", one.port)))
        assert weir.stats()["cluster.any.num_hosts"] == 3, weir.stats()


if __name__ == "__main__":
    if _INSIDE in sys.argv:
        _redirected()
    else:
        cases.main()
