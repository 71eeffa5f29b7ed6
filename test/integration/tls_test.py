#!/usr/bin/python3
"""TLS on both sides, with the clients that users have: curl, openssl s_client and Python's ssl."""

import json
import os
import re
import select
import shutil
import socket
import ssl
import subprocess

from proxy_config import cluster, config, direct, file_log, hcm, prefix, tcp, to_cluster
from tls_world import CertsCase
from weir_process import LIMIT, Weir, cases, free_ports, run, wait_until
from wire import Client, Origin


def curl(port, *arguments, path="/", scheme="https"):
    done = subprocess.run(["curl", "-s", "-S", *arguments, "%s://localhost:%d%s" % (scheme, port, path)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def chain(transport, *filters, **fields):
    return dict({"filters": list(filters), "transport_socket": transport}, **fields)


def tls_listener(name, port, *chains, **fields):
    return dict({"name": name, "address": tcp(port), "filter_chains": list(chains)}, **fields)


class TlsTest(CertsCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ca = cls.certs.path("ca.pem")

    def front(self, transport, routes=None, chain_fields=None, clusters=(), **options):
        port = free_ports(1)[0]
        routes = routes or [direct(prefix("/"), "hello")]
        return port, config([tls_listener("front", port, chain(transport, hcm("front", routes, **options),
                                                               **(chain_fields or {})), stat_prefix="front")], clusters)

    def dial(self, port, context=None, name="localhost"):
        raw = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
        try:
            return (context or self.certs.context()).wrap_socket(raw, server_hostname=name)
        except Exception:
            raw.close()
            raise


class Downstream(TlsTest):

    def test_alpn_chooses_the_version_and_the_origin_hears_of_https(self):
        with Origin() as origin:
            port, configuration = self.front(self.certs.server(alpn=["h2", "http/1.1"]),
                                             [to_cluster(prefix("/"), "origin")], clusters=[cluster("origin", origin.port)],
                                             use_remote_address=True)
            with Weir(configuration) as weir:
                for argument, version in (("--http2", "2"), ("--http1.1", "1.1")):
                    status, out, err = curl(port, argument, "--cacert", self.ca, "-o", "/dev/null", "-w", "%{http_version}")
                    self.assertEqual((0, version), (status, out), err)
                    self.assertEqual("https", origin.requests[-1].get("x-forwarded-proto"))
                stats = weir.stats()
                self.assertEqual((1, 1), (stats["http.front.downstream_cx_http2_total"],
                                          stats["http.front.downstream_cx_http1_total"]))
                self.assertEqual(2, stats["listener.front.ssl.handshake"])

    def test_a_client_certificate_is_asked_for_checked_and_passed_on(self):
        log = file_log("tls.log", text_format_source={"inline_string": "%DOWNSTREAM_TLS_VERSION% %DOWNSTREAM_TLS_CIPHER% "
                       "%REQUESTED_SERVER_NAME% %DOWNSTREAM_PEER_URI_SAN% %DOWNSTREAM_PEER_SUBJECT% "
                       "%DOWNSTREAM_LOCAL_SUBJECT% %DOWNSTREAM_PEER_CERT_V_START(%Y)% %DOWNSTREAM_PEER_FINGERPRINT_256%\n"})
        with Origin() as origin:
            port, configuration = self.front(
                self.certs.server(validation=self.certs.trust(), require_client_certificate=True),
                [to_cluster(prefix("/"), "origin")], clusters=[cluster("origin", origin.port)], access_log=[log],
                forward_client_cert_details="SANITIZE_SET", set_current_client_cert_details={"subject": True, "uri": True})
            with Weir(configuration) as weir:
                self.assertNotEqual(0, curl(port, "--cacert", self.ca)[0])
                status, _, err = curl(port, "--cacert", self.ca, "--cert", self.certs.path("client.pem"), "--key",
                                      self.certs.path("client.key"), "-H", "x-forwarded-client-cert: By=forged")
                self.assertEqual(0, status, err)
                seen = origin.requests[-1].get("x-forwarded-client-cert")
                self.assertRegex(seen, r'^Hash=[0-9a-f]{64};Subject="CN=client,O=weir";URI=spiffe://example/client$')
                line = weir.wait_file("tls.log", 1)[0]
                self.assertRegex(line, r"^TLSv1\.3 TLS_\w+ localhost spiffe://example/client CN=client,O=weir "
                                       r"CN=server,O=weir \d{4} [0-9a-f]{64}$")
                self.assertIn(re.search("Hash=([0-9a-f]+)", seen).group(1), line)
                self.assertEqual(1, weir.stats()["listener.front.ssl.fail_verify_no_cert"])

    def test_a_forged_client_certificate_header_goes_no_further(self):
        with Origin() as origin:
            port, configuration = self.front(self.certs.server(), [to_cluster(prefix("/"), "origin")],
                                             clusters=[cluster("origin", origin.port)])
            with Weir(configuration):
                curl(port, "--cacert", self.ca, "-H", "x-forwarded-client-cert: By=forged")
                self.assertIsNone(origin.requests[-1].get("x-forwarded-client-cert"))

    def test_plain_bytes_on_a_tls_port_get_no_answer_and_are_counted(self):
        port, configuration = self.front(self.certs.server())
        with Weir(configuration) as weir:
            with Client(port) as client:
                client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertFalse(client.rest().startswith(b"HTTP"))
            weir.wait_stat("listener.front.ssl.connection_error", 1)
            self.assertEqual(0, curl(port, "--cacert", self.ca)[0])

    def test_tls_on_a_plain_port_is_refused(self):
        port = free_ports(1)[0]
        listener = {"name": "plain", "address": tcp(port), "filter_chains": [{"filters": [hcm("plain", [direct(prefix("/"))])]}]}
        with Weir(config([listener])):
            with self.assertRaises(ssl.SSLError):
                self.dial(port).close()

    def test_a_handshake_that_takes_too_long_is_ended(self):
        port, configuration = self.front(self.certs.server(), chain_fields={"transport_socket_connect_timeout": "0.2s"})
        with Weir(configuration) as weir, self.dial(port) as quick:
            with Client(port) as client:
                self.assertTrue(client.ended())
            weir.wait_stat("listener.front.downstream_cx_transport_socket_connect_timeout", 1)
            # The time is that of the handshake alone.
            quick.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(quick.recv(100).startswith(b"HTTP/1.1 200"))

    def test_many_handshakes_leave_room_for_others(self):
        """A request behind 300 hellos is answered before most of them: at some time, as this process may be kept waiting too."""
        count = 300
        hello = ssl.MemoryBIO()
        with self.assertRaises(ssl.SSLWantReadError):
            self.certs.context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost").do_handshake()
        hello = hello.read()
        port, configuration = self.front(self.certs.server())
        left = []
        with Weir(configuration, ["--concurrency", "1"]) as weir, self.dial(port) as other:
            for _ in range(10):
                waiting = [socket.create_connection(("127.0.0.1", port), timeout=LIMIT) for _ in range(count)]
                weir.wait_stat("listener.front.downstream_cx_active", count + 1)
                for each in waiting:
                    each.sendall(hello)
                other.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertIn(b"200 OK", other.recv(4096))
                left.append(count - len(select.select(waiting, [], [], 0)[0]))
                for each in waiting:
                    self.assertEqual(each.recv(1), b"\x16")
                    each.close()
                weir.wait_stat("listener.front.downstream_cx_active", 1)
                if left[-1] > count / 2:
                    break
            else:
                self.fail("at best, %d of %d were still waiting" % (max(left), count))

    def test_versions_and_ciphers_are_those_of_the_configuration(self):
        port, configuration = self.front(self.certs.server(params={
            "tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_2",
            "cipher_suites": ["ECDHE-ECDSA-AES256-GCM-SHA384"]}))
        with Weir(configuration):
            with self.dial(port) as peer:
                self.assertEqual(("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384"), (peer.version(), peer.cipher()[0]))
            self.assertNotEqual(0, curl(port, "--cacert", self.ca, "--tlsv1.3")[0])

    def test_a_session_is_resumed_under_the_same_policy_only(self):
        plain, strict = free_ports(2)
        routes = [direct(prefix("/"), "hello")]
        old = {"tls_maximum_protocol_version": "TLSv1_2"}
        configuration = config([
            tls_listener("a", plain, chain(self.certs.server(params=old), hcm("a", routes))),
            tls_listener("b", strict, chain(self.certs.server(params=old, validation=self.certs.trust(),
                                                              require_client_certificate=True), hcm("b", routes)))])
        context = self.certs.context()
        with Weir(configuration):
            with self.dial(plain, context) as first:
                session = first.session
            raw = socket.create_connection(("127.0.0.1", plain), timeout=LIMIT)
            with context.wrap_socket(raw, server_hostname="localhost", session=session) as second:
                self.assertTrue(second.session_reused)
            raw = socket.create_connection(("127.0.0.1", strict), timeout=LIMIT)
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                with context.wrap_socket(raw, server_hostname="localhost", session=session) as third:
                    third.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    if not third.recv(1):
                        raise ConnectionError
            raw.close()

    def test_openssl_sees_a_chain_that_verifies(self):
        port, configuration = self.front(self.certs.server("server", "server-rsa"))
        with Weir(configuration):
            for algorithm, expected in (("ecdsa_secp256r1_sha256", "ECDSA"), ("rsa_pss_rsae_sha256", "RSA-PSS")):
                done = subprocess.run(["openssl", "s_client", "-connect", "localhost:%d" % port, "-CAfile", self.ca,
                                       "-verify_return_error", "-verify_hostname", "localhost", "-sigalgs", algorithm],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT)
                out = done.stdout.decode()
                self.assertIn("Verify return code: 0 (ok)", out)
                self.assertIn("Peer signature type: " + expected, out)


class Rotation(TlsTest):

    def put(self, name):
        for suffix in (".key", ".pem"):
            shutil.copy(self.certs.path(name + suffix), self.certs.path("live" + suffix))

    def shown(self, port):
        with self.dial(port) as peer:
            return peer.getpeercert()["serialNumber"]

    def test_a_changed_pair_is_taken_and_a_bad_one_is_not(self):
        self.certs.issue("first", "DNS:localhost")
        self.certs.issue("second", "DNS:localhost", days=3)
        self.put("first")
        port, configuration = self.front(self.certs.server("live"))
        with Weir(configuration) as weir, self.dial(port) as old:
            first = self.shown(port)
            self.assertEqual(29, weir.stats()["server.days_until_first_cert_expiring"])
            self.put("second")
            weir.wait_stat("listener.front.ssl.context_update_success", 1)
            second = self.shown(port)
            self.assertNotEqual(first, second)
            self.assertEqual(2, weir.stats()["server.days_until_first_cert_expiring"])
            certs = json.loads(weir.admin("/certs")[2])["certificates"]
            self.assertEqual("listener front", certs[0]["owner"])
            self.assertEqual(("2", [{"dns": "localhost"}]), (certs[0]["cert_chain"][0]["days_until_expiration"],
                                                             certs[0]["cert_chain"][0]["subject_alt_names"]))
            # The connection from before goes on.
            old.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(old.recv(100).startswith(b"HTTP/1.1 200"))
            failures = weir.stats()["listener.front.ssl.context_update_failure"]
            with open(self.certs.path("live.pem"), "r+") as file:
                file.truncate(100)
            weir.wait_stat("listener.front.ssl.context_update_failure", failures + 1)
            self.assertEqual(second, self.shown(port))
            weir.wait_log("listener front: the new certificates are not taken")

    def put_secrets(self, name):
        secret = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
        with open(self.certs.path("new.json"), "w") as file:
            json.dump({"resources": [
                {"@type": secret, "name": "edge", "tls_certificate": self.certs.pair(name)},
                {"@type": secret, "name": "clients", "validation_context": self.certs.trust()}]}, file)
        os.replace(self.certs.path("new.json"), self.certs.path("secrets.json"))

    def test_secrets_of_a_file_are_followed_and_so_are_the_files_that_they_name(self):
        for name in ("first", "second", "third"):
            self.certs.issue(name, "DNS:localhost")
        self.put_secrets("first")
        source = {"path_config_source": {"path": self.certs.path("secrets.json")}}
        transport = {"name": "tls", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "require_client_certificate": True,
            "common_tls_context": {
                "tls_certificate_sds_secret_configs": [{"name": "edge", "sds_config": source}],
                "combined_validation_context": {
                    "default_validation_context": {},
                    "validation_context_sds_secret_config": {"name": "clients", "sds_config": source}}}}}
        port, configuration = self.front(transport)
        client = self.certs.context(cert="client")

        def shown():
            with self.dial(port, client) as peer:
                return peer.getpeercert()["subject"][0][0][1]
        with Weir(configuration) as weir:
            self.assertEqual("first", shown())
            self.put_secrets("second")
            weir.wait_stat("listener.front.ssl.context_update_success", 1)
            self.assertEqual("second", shown())
            # It was not known at the start.
            shutil.copy(self.certs.path("third.key"), self.certs.path("second.key"))
            shutil.copy(self.certs.path("third.pem"), self.certs.path("second.pem"))
            wait_until(lambda: shown() == "third", "the changed certificate")
            failures = weir.stats()["listener.front.ssl.context_update_failure"]
            with open(self.certs.path("secrets.json"), "w") as file:
                file.write('{"resources": [')
            weir.wait_stat("listener.front.ssl.context_update_failure", failures + 1)
            self.assertEqual("third", shown())
            with open(self.certs.path("secrets.json"), "w") as file:
                file.write('{"resources": []}')
            weir.wait_log("secrets.json has no secret 'edge'; it has none")



class Upstream(TlsTest):

    def two_hops(self, server, client, back_options=None, **cluster_fields):
        front, back = free_ports(2)
        routes = [to_cluster(prefix("/"), "back")]
        listeners = [
            {"name": "front", "address": tcp(front), "filter_chains": [{"filters": [hcm("front", routes)]}]},
            tls_listener("back", back, chain(server, hcm("back", [direct(prefix("/"), "from the back")], **(back_options or {}))))]
        return front, config(listeners, [cluster("back", back, transport_socket=client, **cluster_fields)])

    def answer(self, server, client, **fields):
        port, configuration = self.two_hops(server, client, **fields)
        with Weir(configuration) as weir:
            status, out, _ = curl(port, "-w", " %{http_code}", scheme="http")
            self.assertEqual(0, status)
            return out, weir.stats()

    def test_mutual_tls_between_two_hops(self):
        log = file_log("back.log", text_format_source={"inline_string": "%DOWNSTREAM_PEER_URI_SAN%\n"})
        port, configuration = self.two_hops(
            self.certs.server(validation=self.certs.trust(match_typed_subject_alt_names=[
                {"san_type": "URI", "matcher": {"exact": "spiffe://example/client"}}]), require_client_certificate=True),
            self.certs.client("client", sni="localhost"), {"access_log": [log]})
        with Weir(configuration) as weir:
            self.assertEqual("from the back", curl(port, scheme="http")[1])
            self.assertEqual(["spiffe://example/client"], weir.wait_file("back.log", 1))

    def test_a_name_that_the_certificate_is_not_for_is_refused(self):
        port, configuration = self.two_hops(self.certs.server(), self.certs.client(sni="other.example"))
        with Weir(configuration) as weir:
            self.assertTrue(curl(port, "-w", " %{http_code}", scheme="http")[1].endswith(" 503"))
            self.assertEqual(1, weir.stats()["cluster.back.ssl.fail_verify_san"])
            weir.wait_log("TLS handshake with 127.0.0.1:.* failed: .*not for other.example")

    def test_without_a_name_it_is_the_address_that_counts(self):
        out, _ = self.answer(self.certs.server(), self.certs.client())
        self.assertEqual("from the back 200", out)
        self.certs.issue("named", "DNS:named.example")
        out, stats = self.answer(self.certs.server("named"), self.certs.client())
        self.assertTrue(out.endswith(" 503"), out)
        self.assertEqual(1, stats["cluster.back.ssl.fail_verify_san"])

    def test_certificates_that_nobody_vouches_for_are_refused(self):
        self.certs.issue("selfsigned", "DNS:localhost", signed_by=None)
        self.certs.issue("expired", "DNS:localhost", start="20200101000000Z")
        self.certs.issue("future", "DNS:localhost", start="20490101000000Z")
        self.certs.issue("wrong-usage", "DNS:localhost", usage="clientAuth")
        for name in ("selfsigned", "expired", "future", "wrong-usage"):
            with self.subTest(name):
                out, stats = self.answer(self.certs.server(name), self.certs.client(sni="localhost"))
                self.assertTrue(out.endswith(" 503"), out)
                self.assertEqual(1, stats["cluster.back.ssl.fail_verify_error"])

    def test_switching_the_check_off_must_be_said_and_is_reported(self):
        off = self.certs.client(validation={"trust_chain_verification": "ACCEPT_UNTRUSTED"})
        self.certs.issue("selfsigned", "DNS:elsewhere", signed_by=None)
        port, configuration = self.two_hops(self.certs.server("selfsigned"), off)
        with Weir(configuration) as weir:
            self.assertEqual("from the back", curl(port, scheme="http")[1])
            self.assertIn("ACCEPT_UNTRUSTED", run("check", weir.path)[2])

    def test_http2_is_agreed_on_by_alpn(self):
        options = {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions", "auto_config": {}}}
        for alpn, version in ((["h2", "http/1.1"], 2), (["http/1.1"], 1), ([], 1)):
            with self.subTest(alpn):
                out, stats = self.answer(self.certs.server(alpn=alpn), self.certs.client(sni="localhost"),
                                         typed_extension_protocol_options=options)
                self.assertEqual("from the back 200", out)
                self.assertEqual(1, stats["cluster.back.upstream_cx_http%d_total" % version])

    def test_the_server_name_may_be_the_host_of_each_request(self):
        """Connections are kept by name, and a certificate for another name serves nobody."""
        self.certs.issue("several", "DNS:a.example,DNS:b.example")
        options = {"typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "upstream_http_protocol_options": {"auto_sni": True, "auto_san_validation": True},
            "explicit_http_config": {"http_protocol_options": {}}}}}
        log = file_log("back.log", text_format_source={"inline_string": "%REQUESTED_SERVER_NAME% %CONNECTION_ID%\n"})
        port, configuration = self.two_hops(self.certs.server("several"), self.certs.client(), {"access_log": [log]}, **options)
        with Weir(configuration, ["--concurrency", "1"]) as weir, Client(port) as client:
            for host, status in (("a.example", 200), ("B.example:80", 200), ("a.example", 200), ("b.example", 200), ("c.example", 503)):
                self.assertEqual(status, client.get(host=host).status, host)
            lines = [line.split() for line in weir.wait_file("back.log", 4)]
            self.assertEqual(["a.example", "b.example", "a.example", "b.example"], [name for name, _ in lines])
            self.assertEqual((lines[0], lines[1]), (lines[2], lines[3]))
            self.assertNotEqual(lines[0][1], lines[1][1])
            self.assertEqual(1, weir.stats()["cluster.back.ssl.fail_verify_san"])

    def test_a_server_that_speaks_no_tls_is_a_503(self):
        with Origin(serve=lambda wire: wire.send(b"220 plain words\r\n")) as origin:
            front = free_ports(1)[0]
            listener = {"name": "front", "address": tcp(front),
                        "filter_chains": [{"filters": [hcm("front", [to_cluster(prefix("/"), "back")])]}]}
            back = cluster("back", origin.port, transport_socket=self.certs.client(sni="localhost"))
            with Weir(config([listener], [back])) as weir:
                self.assertTrue(curl(front, "-w", "%{http_code}", scheme="http")[1].endswith("503"))
                self.assertEqual(1, weir.stats()["cluster.back.ssl.connection_error"])
                weir.wait_log("the peer does not speak TLS: its first bytes are")


if __name__ == "__main__":
    cases.main()
