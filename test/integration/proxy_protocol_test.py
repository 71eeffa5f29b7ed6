#!/usr/bin/python3
"""The PROXY protocol on the way out, read by weir's own listener filter; and hosts of one cluster over different
transports, as their metadata says."""

import json
import os
import tempfile

from proxy_config import any_of, cluster, config, direct, hcm, network_filter, prefix, tcp, to_cluster
from tls_world import CertsCase, listener_filter
from weir_process import Weir, cases, free_ports, run, wait_until
from wire import Client, Origin, response

_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
RAW = {"name": "raw", "typed_config": any_of("type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer")}


def told(version, inner, **fields):
    """A transport socket that sends a header in front of another."""
    return {"name": "envoy.transport_sockets.upstream_proxy_protocol", "typed_config": any_of(
        "type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
        config=dict({"version": version}, **fields), transport_socket=inner)}


def http2():
    options = any_of("type.googleapis.com/" + _HTTP_OPTIONS, explicit_http_config={"http2_protocol_options": {}})
    return {"typed_extension_protocol_options": {_HTTP_OPTIONS: options}}


def seen():
    """Answers with the addresses that it was told, and that of the name of the peer's certificate."""
    headers = [{"header": {"key": key, "value": value}} for key, value in (
        ("x-from", "%DOWNSTREAM_REMOTE_ADDRESS%"), ("x-to", "%DOWNSTREAM_LOCAL_ADDRESS%"),
        ("x-who", "%DOWNSTREAM_PEER_URI_SAN%"))]
    return [direct(prefix("/"), "seen", response_headers_to_add=headers)]


class World(CertsCase):

    def behind(self, port, name="behind", transport=None, told=True):
        chain = {"filters": [hcm(name, seen())]}
        if transport:
            chain["transport_socket"] = transport
        filters = [listener_filter("proxy_protocol", "ProxyProtocol")] if told else []
        return {"name": name, "stat_prefix": name, "address": tcp(port), "listener_filters": filters, "filter_chains": [chain]}

    def own_address(self, client):
        return "%s:%d" % client.socket.getsockname()


class ProxyProtocolUpstream(World):

    def start(self, version, over_tls=False, **options):
        """Two listeners in front, HTTP and TCP; (their ports, the process)."""
        web, bytes_, back = free_ports(3)
        listeners = [{"name": "web", "address": tcp(web), "filter_chains": [{"filters": [hcm("web", [to_cluster(prefix("/"), "back")])]}]},
                     {"name": "bytes", "address": tcp(bytes_), "filter_chains": [{"filters": [
                         network_filter("tcp", "tcp_proxy.v3.TcpProxy", stat_prefix="bytes", cluster="back")]}]},
                     self.behind(back, transport=self.certs.server(alpn=["h2", "http/1.1"]) if over_tls else None)]
        inner = self.certs.client(sni="localhost") if over_tls else RAW
        back_cluster = cluster("back", back, transport_socket=told(version, inner), **options)
        return web, bytes_, Weir(config(listeners, [back_cluster]))

    def check(self, port):
        with Client(port) as first, Client(port) as second:
            for client in (first, second, first, second):
                answer = client.get()
                self.assertEqual(200, answer.status)
                self.assertEqual(self.own_address(client), answer.get("x-from"))
                self.assertEqual("127.0.0.1:%d" % port, answer.get("x-to"))

    def test_clients_are_told_in_both_versions_with_and_without_tls(self):
        for version in ("V1", "V2"):
            for over_tls in (False, True):
                with self.subTest(version, tls=over_tls):
                    web, bytes_, started = self.start(version, over_tls)
                    with started as weir:
                        self.check(web)
                        if not over_tls:  # else the bytes of the client would have to be HTTP in TLS in TLS
                            self.check(bytes_)
                        stats = weir.stats()
                        found = stats["listener.behind.proxy_proto.versions.%s.found" % version.lower()]
                        self.assertEqual(2 if over_tls else 4, found)
                        self.assertEqual(found, stats["cluster.back.upstream_cx_total"])
                        self.assertEqual(0, stats["listener.behind.proxy_proto.error"])

    def test_streams_of_http2_are_not_mixed_either(self):
        web, _, started = self.start("V2", over_tls=True, **http2())
        with started as weir:
            self.check(web)
            self.assertEqual(2, weir.stats()["cluster.back.upstream_cx_http2_total"])

    def test_what_is_added_does_no_harm(self):
        port, back = free_ports(2)
        added = [{"type": 0xe0, "value": "AAEC"}]
        listeners = [{"name": "web", "address": tcp(port), "filter_chains": [{"filters": [hcm("web", [to_cluster(prefix("/"), "back")])]}]},
                     self.behind(back)]
        with Weir(config(listeners, [cluster("back", back, transport_socket=told("V2", RAW, added_tlvs=added))])):
            self.check(port)

    def test_health_checks_are_the_proxy_itself(self):
        checks = [{"timeout": "2s", "interval": "0.1s", "no_traffic_interval": "0.1s", "unhealthy_threshold": 1, "healthy_threshold": 1, "reuse_connection": False,
                   "http_health_check": {"path": "/"}}]
        for version in ("V1", "V2"):
            with self.subTest(version):
                web, _, started = self.start(version, health_checks=checks)
                with started as weir:
                    wait_until(lambda: weir.stats().get("cluster.back.health_check.success", 0) > 2, "checks pass")
                    self.check(web)
                    self.assertEqual(0, weir.stats()["listener.behind.proxy_proto.error"])

    def test_a_tunnel_that_ends_here_begins_with_its_client(self):
        for version in ("V1", "V2"):
            port, back = free_ports(2)
            route = to_cluster({"connect_matcher": {}}, "back", upgrade_configs=[
                {"upgrade_type": "CONNECT", "connect_config": {"proxy_protocol_config": {"version": version}}}])
            front = {"name": "web", "address": tcp(port), "filter_chains": [{"filters": [hcm("web", [route])]}]}
            with self.subTest(version), Weir(config([front, self.behind(back)], [cluster("back", back)])):
                with Client(port) as client:
                    client.send(b"CONNECT far:1 HTTP/1.1\r\nHost: far:1\r\n\r\n")
                    self.assertIn(b" 200 ", client.until(b"\r\n\r\n"))
                    answer = client.get()
                    self.assertEqual(self.own_address(client), answer.get("x-from"))
                    self.assertEqual("127.0.0.1:%d" % port, answer.get("x-to"))

    def test_what_else_the_client_was_told_goes_on_to_the_upstream(self):
        def tlv(kind, value):
            return bytes([kind]) + len(value).to_bytes(2, "big") + value

        def header(*tlvs):
            body = bytes((192, 0, 2, 1, 192, 0, 2, 2, 0, 9, 0, 80)) + b"".join(tlvs)
            return b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + len(body).to_bytes(2, "big") + body
        heads = []

        def serve(wire):
            start = wire.exactly(16)
            heads.append(start + wire.exactly(int.from_bytes(start[14:], "big")))
            while True:
                wire.request()
                wire.send(response())
        name, unique, kept, dropped = tlv(2, b"a.example"), tlv(5, b"id"), tlv(0xe0, b"k"), tlv(0xe1, b"d")
        with Origin(serve=serve) as origin:
            web, bytes_ = free_ports(2)
            passing = listener_filter("proxy_protocol", "ProxyProtocol", pass_through_tlvs={
                "match_type": "INCLUDE", "tlv_type": [2, 5, 0xe0]})
            listeners = [{"name": "web", "address": tcp(web), "listener_filters": [passing], "filter_chains": [
                             {"filters": [hcm("web", [to_cluster(prefix("/"), "back")])]}]},
                         {"name": "bytes", "address": tcp(bytes_), "listener_filters": [passing], "filter_chains": [
                             {"filters": [network_filter("tcp", "tcp_proxy.v3.TcpProxy", stat_prefix="bytes", cluster="back")]}]}]
            transport = told("V2", RAW, pass_through_tlvs={"match_type": "INCLUDE", "tlv_type": [2, 0xe0, 0xe1]},
                             added_tlvs=[{"type": 0xe0, "value": "bmV3"}])
            with Weir(config(listeners, [cluster("back", origin.port, transport_socket=transport)])) as weir:
                for port in (web, bytes_):
                    with Client(port) as client:
                        client.send(header(dropped, kept, name, unique))
                        self.assertEqual(200, client.get().status)
                    self.assertEqual(name + tlv(0xe0, b"new"), heads.pop()[28:])
                with Client(web) as client:  # a length that leads out of the header
                    client.send(header(name, b"\2\0\5abc"))
                    client.ended()
                self.assertEqual(1, weir.stats()["listener.127.0.0.1_%d.proxy_proto.error" % web])

    def test_what_makes_no_sense_is_refused(self):
        for transport, words in ((told("V1", RAW, pass_through_tlvs={}), "pass_through_tlvs: given with version V1"),
                                 (told("V1", RAW, added_tlvs=[{"type": 1, "value": "AA=="}]), "allowed: with version V2"),
                                 (told("V1", told("V2", RAW)), "a second header inside the first")):
            with tempfile.NamedTemporaryFile("w", suffix=".json", dir="/tmp") as file:
                json.dump(config([], [cluster("back", 1, transport_socket=transport)]), file)
                file.flush()
                status, out, error = run("check", file.name)
                self.assertNotEqual(0, status)
                self.assertIn(words, out + error)


class TransportsByMetadata(World):
    """A mesh in which some endpoints want mutual TLS already, and others do not have it yet."""

    def endpoint(self, port, mode):
        result = {"endpoint": {"address": tcp(port)}}
        if mode:
            result["metadata"] = {"filter_metadata": {"envoy.transport_socket_match": {"tlsMode": mode}}}
        return result

    def write(self, path, *endpoints):
        kind = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
        with open(path + ".new", "w") as file:
            json.dump({"resources": [{"@type": kind, "cluster_name": "back", "endpoints": [{"lb_endpoints": endpoints}]}]}, file)
        os.rename(path + ".new", path)

    def test_each_endpoint_has_its_own_and_follows_its_metadata(self):
        front, mutual, plain = free_ports(3)
        needs = self.certs.server(validation=self.certs.trust(), require_client_certificate=True)
        listeners = [{"name": "web", "address": tcp(front), "filter_chains": [{"filters": [hcm("web", [to_cluster(prefix("/"), "back")])]}]},
                     self.behind(mutual, "mutual", needs, told=False), self.behind(plain, "plain", told=False)]
        matches = [{"name": "mutual", "match": {"tlsMode": "istio"},
                    "transport_socket": self.certs.client("client", sni="localhost")},
                   {"name": "disabled", "match": {}, "transport_socket": RAW}]
        with tempfile.TemporaryDirectory(prefix="weir-mesh-", dir="/tmp") as folder:
            path = os.path.join(folder, "endpoints.json")
            self.write(path, self.endpoint(mutual, "istio"), self.endpoint(plain, None))
            back = {"name": "back", "type": "EDS", "transport_socket_matches": matches, "eds_cluster_config": {
                "eds_config": {"path_config_source": {"path": path}, "resource_api_version": "V3"}}}
            with Weir(config(listeners, [back])) as weir, Client(front) as client:
                answers = [client.get() for _ in range(10)]
                self.assertEqual({200}, {answer.status for answer in answers})
                self.assertEqual({"spiffe://example/client", None}, {answer.get("x-who") for answer in answers})
                stats = weir.stats()
                self.assertEqual(1, stats["cluster.back.transport_socket_match.mutual.total_match_count"])
                self.assertEqual(1, stats["cluster.back.transport_socket_match.disabled.total_match_count"])
                self.assertEqual(0, stats["cluster.back.transport_socket_match.default.total_match_count"])
                # The one that had no TLS moves to where it is wanted, at the same address: over TLS now.
                self.write(path, self.endpoint(mutual, "istio"))
                weir.wait_stat("cluster.back.membership_total", 1)
                self.assertEqual({"spiffe://example/client"}, {client.get().get("x-who") for _ in range(4)})
                self.write(path, self.endpoint(mutual, None))
                wait_until(lambda: client.get().status != 200, "plain bytes are no good there")
                self.write(path, self.endpoint(mutual, "istio"))
                wait_until(lambda: client.get().status == 200, "TLS again")
                self.assertEqual({"spiffe://example/client"}, {client.get().get("x-who") for _ in range(4)})


if __name__ == "__main__":
    cases.main()
