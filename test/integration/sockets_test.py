#!/usr/bin/python3
"""Where weir listens and connects: ports of the kernel, unix sockets, IPv6; and what happens when descriptors run out."""

import os
import resource
import shutil
import socket
import stat
import tempfile
import unittest

from proxy_config import any_of, cluster, config, direct, hcm, http_listener, listener, pipe, prefix, tcp, to_cluster
from weir_process import Weir, cases, free_ports, wait_until
from wire import Client, Ended, Origin, fetch, response


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


class Addresses(unittest.TestCase):

    def test_port_0_is_a_port_that_the_kernel_picks(self):
        configuration = config([http_listener("a", 0, [direct(prefix("/"), "a")]),
                                http_listener("b", 0, [direct(prefix("/"), "b")])])
        with Weir(configuration, ["--concurrency", "4"]) as weir:
            for line in weir.admin("/listeners")[2].splitlines():
                name, address = line.split("::")
                port = int(address.rsplit(":", 1)[1])
                self.assertGreater(port, 0)
                self.assertTrue([entry for entry in weir.log if "127.0.0.1:%d" % port in entry], weir.log)
                for _ in range(20):
                    self.assertEqual(name.encode(), fetch(port).body)

    def test_unix_sockets_both_ways(self):
        directory = tempfile.mkdtemp(dir="/tmp")
        self.addCleanup(shutil.rmtree, directory)
        path, upstream = os.path.join(directory, "weir"), os.path.join(directory, "origin")
        with Origin(address=upstream) as origin:
            where = pipe(path)
            where["pipe"]["mode"] = 0o600
            configuration = config([http_listener("unix", where, [to_cluster(prefix("/"), "origin")])],
                                   [cluster("origin", pipe(upstream))])
            with Weir(configuration):
                self.assertEqual(b"ok", fetch(path).body)
                self.assertEqual(0o600, stat.S_IMODE(os.stat(path).st_mode))
                self.assertEqual(1, len(origin.requests))
            # A socket that a dead process left behind is not in the way of the next start.
            if not os.path.exists(path):
                with socket.socket(socket.AF_UNIX) as stale:
                    stale.bind(path)
            with Weir(configuration):
                self.assertEqual(b"ok", fetch(path).body)

    def test_abstract_unix_sockets(self):
        name = "weir-test-%d" % os.getpid()
        configuration = config([http_listener("unix", pipe("@" + name), [direct(prefix("/"), "hidden")])])
        with Weir(configuration):
            self.assertEqual(b"hidden", fetch("\0" + name).body)

    def test_ipv6(self):
        if not has_ipv6():
            # Nothing to serve on; the refusal must then be clear.
            weir = Weir(config([http_listener("six", tcp(0, "::1"), [direct(prefix("/"))])]), ready=False)
            try:
                self.assertNotEqual(0, weir.wait_exit())
                self.assertTrue([line for line in weir.log if "[::1]:0" in line], weir.log)
            finally:
                weir.kill()
            return
        port = free_ports(1, "::1")[0]
        with Weir(config([http_listener("six", tcp(port, "::1"), [direct(prefix("/"), "six")])])) as weir:
            self.assertEqual(b"six", fetch(("::1", port)).body)
            self.assertTrue([line for line in weir.log if "[::1]:%d" % port in line])

    def test_one_listener_on_two_addresses(self):
        one, two = free_ports(2)
        listener = http_listener("both", one, [direct(prefix("/"), "both")],)
        listener["additional_addresses"] = [{"address": tcp(two)}]
        with Weir(config([listener])):
            self.assertEqual(b"both", fetch(one).body)
            self.assertEqual(b"both", fetch(two).body)

    def test_chains_are_chosen_by_the_source(self):
        port = free_ports(1)[0]
        listener = http_listener("chosen", port, [direct(prefix("/"), "anyone")])
        local = http_listener("x", port, [direct(prefix("/"), "from 127.0.0.2")])["filter_chains"][0]
        local["filter_chain_match"] = {"source_prefix_ranges": [{"address_prefix": "127.0.0.2", "prefix_len": 32}]}
        listener["filter_chains"].append(local)
        with Weir(config([listener])):
            self.assertEqual(b"anyone", fetch(port).body)
            sock = socket.create_connection(("127.0.0.1", port), 60, ("127.0.0.2", 0))
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            data = b"".join(iter(lambda: sock.recv(4096), b""))
            sock.close()
            self.assertTrue(data.endswith(b"from 127.0.0.2"), data)

    def test_a_connection_that_no_chain_matches_is_closed_and_counted(self):
        port = free_ports(1)[0]
        listener = http_listener("picky", port, [direct(prefix("/"))])
        listener["filter_chains"][0]["filter_chain_match"] = {
            "source_prefix_ranges": [{"address_prefix": "192.0.2.0", "prefix_len": 24}]}
        with Weir(config([listener])) as weir, Client(port) as client:
            self.assertTrue(client.ended())
            weir.wait_stat("listener.127.0.0.1_%d.no_filter_chain_match" % port, 1)


class Descriptors(unittest.TestCase):

    def test_survives_when_descriptors_run_out(self):
        """256 descriptors and many more clients: some wait or are turned away, none makes it fall or spin."""
        port, reserved = free_ports(2)
        limit = 256
        with Origin(lambda request: response(200, b"served")) as origin:
            open_to_all = listener("reserved", reserved, hcm("reserved", [direct(prefix("/"), "free")]),
                                   bypass_overload_manager=True)
            configuration = config([http_listener("front", port, [to_cluster(prefix("/"), "origin")]), open_to_all],
                                   [cluster("origin", origin.port)])
            with Weir(configuration, preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))) as weir:
                crowd = []
                for _ in range(600):
                    try:
                        crowd.append(Client(port))
                    except OSError:
                        pass
                served = 0
                for client in crowd:
                    try:
                        client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                        served += client.response().status == 200
                    except (Ended, OSError):
                        pass
                # Half of the descriptors, less a reserve, are for clients; each of them is served.
                self.assertGreater(served, 60)
                self.assertEqual(len(crowd) - served, weir.stats()["listener.127.0.0.1_%d.downstream_cx_overflow" % port])
                self.assertEqual(b"free", fetch(reserved).body)
                self.assertLess(len(os.listdir("/proc/%d/fd" % weir.pid)), limit)
                for client in crowd:
                    client.close()
                wait_until(lambda: weir.stats()["http.front.downstream_cx_active"] == 0, "the crowd has gone")
                self.assertEqual(b"served", fetch(port).body)

    def test_the_configuration_may_allow_fewer_connections(self):
        limit = {"overload_manager": {"resource_monitors": [{"name": "connections", "typed_config": any_of(
            "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
            max_active_downstream_connections=3)}]}}
        port, reserved = free_ports(2)
        listeners = [listener("front", port, hcm("front", [direct(prefix("/"))])),
                     listener("reserved", reserved, hcm("reserved", [direct(prefix("/"), "free")]),
                              bypass_overload_manager=True)]
        with Weir(dict(config(listeners), **limit)) as weir:
            crowd = [Client(port) for _ in range(3)]
            for client in crowd:
                self.assertEqual(200, client.get().status)
            with Client(port) as refused:
                self.assertTrue(refused.ended())
            weir.wait_stat("listener.127.0.0.1_%d.downstream_cx_overflow" % port, 1)
            self.assertEqual(b"free", fetch(reserved).body)
            crowd.pop().close()
            wait_until(lambda: weir.stats()["http.front.downstream_cx_active"] == 2, "one has gone")
            self.assertEqual(200, fetch(port).status)
            for client in crowd:
                client.close()


if __name__ == "__main__":
    cases.main()
