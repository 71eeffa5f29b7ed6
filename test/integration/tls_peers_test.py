#!/usr/bin/python3
"""What peers of both sides may do wrong in a handshake, down to the byte: which alert weir has for it, and what it makes
of every alert that it is sent. The alerts that clients' certificates, hellos and records bring on are in tls_alerts_test.

Of the alerts of the registry (RFC 8446 section 6, and those that came after), these are never sent, whatever a peer does:
21 decryption_failed, 41 no_certificate and 60 export_restriction are of versions that weir does not speak, and so is 30
decompression_failure, as nothing is ever compressed; 49 access_denied and 90 user_canceled are for programs that have a
user, and OpenSSL leaves them to the program; 71 insufficient_security is sent for SRP alone; 80 internal_error needs a
failure of its own, as of memory; 111, 114 and 121 belong to extensions that OpenSSL does not have, 115 to keys that are
shared in advance, 113 to stapled answers, which weir does not ask for, so that it refuses them with 110; 120 would refuse
who offers no protocol that weir has, where weir goes on without one, as its peers do (RFC 7301 asks for the alert, but old
clients would have nobody left to talk to)."""

import base64
import os
import socket
import ssl
import subprocess

from proxy_config import cluster, config, file_log, hcm, network_filter, prefix, tcp, to_cluster
from tls_peer import (BAD_CERT, CERT_UNKNOWN, DECODE, DECRYPT, EXPIRED, FALLBACK, ILLEGAL, MISSING, OVERFLOW, REVOKED,
                      UNEXPECTED, UNKNOWN_CA, UNSUPPORTED_CERT, UNSUPPORTED_EXTENSION, VERSION, Peer, TlsCase, client_hello,
                      record, says)
from weir_process import LIMIT, Weir, cases, free_ports
from wire import Client, Origin

USER_CANCELED = 90
# Names, as the log has them.
REGISTRY = {10: "unexpected_message", 20: "bad record mac", 21: "decryption failed", 22: "record overflow",
            30: "decompression failure", 40: "handshake failure", 41: "no certificate", 42: "bad certificate",
            43: "unsupported certificate", 44: "certificate revoked", 45: "certificate expired", 46: "certificate unknown",
            47: "illegal parameter", 48: "unknown CA", 49: "access denied", 50: "decode error", 51: "decrypt error",
            60: "export restriction", 70: "protocol version", 71: "insufficient security", 80: "internal error",
            86: "inappropriate fallback", 90: "user canceled", 100: "no renegotiation", 109: "missing extension",
            110: "unsupported extension", 111: "certificate unobtainable", 112: "unrecognized name",
            113: "bad certificate status response", 114: "bad certificate hash value", 115: "unknown PSK identity",
            116: "certificate required", 120: "no application protocol", 121: "121", 255: "255"}


class Hello:
    """A ClientHello taken apart: `suites` and `extensions` may be changed before bytes() puts it together again."""

    def __init__(self, data):
        body = data[9:]  # behind the headers of the record and of the message
        self._start, body = body[:34], body[34:]
        session, body = body[1:1 + body[0]], body[1 + body[0]:]
        self._session = bytes([len(session)]) + session
        size = int.from_bytes(body[:2], "big")
        self.suites = [body[i:i + 2] for i in range(2, 2 + size, 2)]
        body = body[2 + size:]
        self._compression, body = body[:1 + body[0]], body[1 + body[0] + 2:]
        self.extensions = []
        while body:
            size = int.from_bytes(body[2:4], "big")
            self.extensions.append((int.from_bytes(body[:2], "big"), body[4:4 + size]))
            body = body[4 + size:]

    def bytes(self):
        suites = b"".join(self.suites)
        extensions = b"".join(extension(kind, data) for kind, data in self.extensions)
        body = (self._start + self._session + sized(suites) + self._compression + sized(extensions))
        return record(22, b"\x01" + len(body).to_bytes(3, "big") + body)


def sized(data):
    return len(data).to_bytes(2, "big") + data


def extension(kind, data=b""):
    return kind.to_bytes(2, "big") + sized(data)


def server_hello(suite=0xc02b, extensions=b"", version=0x0303, compression=0, random=b"r" * 32):
    body = version.to_bytes(2, "big") + random + b"\x00" + suite.to_bytes(2, "big") + bytes([compression]) + sized(extensions)
    return b"\x02" + len(body).to_bytes(3, "big") + body


class Clients(TlsCase):
    """More of what clients do."""

    def test_more_certificates(self):
        self.certs.issue("critical", "URI:spiffe://example/client\n1.2.3.4=critical,DER:0500", usage="clientAuth")
        with open(self.certs.path("client.pem")) as file:
            der = bytearray(ssl.PEM_cert_to_DER_cert(file.read().split("-----END", 1)[0] + "-----END CERTIFICATE-----"))
        der[-1] ^= 1  # the end of the signature
        with open(self.certs.path("forged.pem"), "w") as file:
            file.write("-----BEGIN CERTIFICATE-----\n%s-----END CERTIFICATE-----\n" % base64.encodebytes(bytes(der)).decode())
        os.link(self.certs.path("client.key"), self.certs.path("forged.key"))
        for name, alerts in (("critical", [CERT_UNKNOWN]), ("forged", [DECRYPT])):
            port, front = self.front(self.mutual())
            with self.subTest(name), Weir(front) as weir:
                self.assertEqual(alerts, Peer(port, self.client(name)).ask(b""))
                weir.wait_stat("listener.front.ssl.fail_verify_error", 1)

    def test_more_hellos(self):
        tls12 = self.client(maximum_version=ssl.TLSVersion.TLSv1_2)
        tls13 = self.client(minimum_version=ssl.TLSVersion.TLSv1_3)

        def fallback(hello):
            hello.suites.append(b"\x56\x00")  # RFC 7507: "I would have spoken a newer version"

        def without(kind):
            def change(hello):
                hello.extensions = [one for one in hello.extensions if one[0] != kind]
            return change

        def twice(hello):
            hello.extensions.append(hello.extensions[0])

        def wrong_share(hello):
            hello.extensions = [(kind, sized(sized(b"\x00\x1d")[2:] + sized(b"short")) if kind == 51 else data)
                                for kind, data in hello.extensions]

        rows = (("a fallback", tls12, fallback, FALLBACK), ("no groups", tls13, without(10), MISSING),
                ("no signature algorithms", tls13, without(13), MISSING), ("no share of a key", tls13, without(51), MISSING),
                ("an extension twice", tls13, twice, ILLEGAL), ("a bad share of a key", tls13, wrong_share, ILLEGAL))
        port, front = self.front(self.certs.server())
        with Weir(front) as weir:
            for count, (what, context, change, alert) in enumerate(rows, 1):
                hello = Hello(client_hello(context, "localhost")[2].read())
                change(hello)
                with self.subTest(what):
                    self.assertEqual([alert], says(port, hello.bytes()))
                    weir.wait_stat("listener.front.ssl.connection_error", count)
            self.assertEqual([], Peer(port, self.client()).ask())

    def test_a_new_handshake_within_the_first_is_refused(self):
        port, front = self.front(self.certs.server())
        with Weir(front):
            # "R" asks for it. OpenSSL answers the question in the end.
            done = subprocess.run(["openssl", "s_client", "-connect", "localhost:%d" % port, "-CAfile", self.certs.path("ca.pem"),
                                   "-tls1_2", "-msg"], input=b"R\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT)
            self.assertIn("warning no_renegotiation", done.stdout.decode())

    def test_a_client_without_a_protocol_in_common_is_served(self):
        port, front = self.front(self.certs.server(alpn=["h2", "http/1.1"]))
        with Weir(front):
            context = self.client()
            context.set_alpn_protocols(["acme/1"])
            self.assertEqual([], Peer(port, context).ask())

    def test_every_alert_of_a_client_ends_its_connection(self):
        port, front = self.front(self.certs.server())
        with Weir(front) as weir:
            # The end that user_canceled announces is another alert.
            for count, code in enumerate((code for code in REGISTRY if code != USER_CANCELED), 1):
                with self.subTest(code), socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as raw:
                    # In place of what a client says to the server's first words.
                    raw.sendall(client_hello(self.client(), "localhost")[2].read())
                    self.assertTrue(raw.recv(1))
                    raw.sendall(record(21, bytes([2, code]), 0x0303))
                    try:
                        while raw.recv(65536):
                            pass
                    except ConnectionResetError:
                        pass
                    weir.wait_stat("listener.front.ssl.connection_error", count)
            self.assertEqual([], Peer(port, self.client()).ask())


class Servers(TlsCase):
    """What upstreams do."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        certs = cls.certs
        certs.issue("stranger", "DNS:localhost", signed_by=None)
        certs.issue("late", "DNS:localhost", start="20200101000000Z")
        certs.issue("early", "DNS:localhost", start="20450101000000Z")
        certs.issue("usage", "DNS:localhost", usage="clientAuth")
        certs.issue("other", "DNS:other.example")
        certs.issue("critical", "DNS:localhost\n1.2.3.4=critical,DER:0500")
        certs.issue("gone", "DNS:localhost")
        certs.revoke("gone")

    def ask(self, serve, validation=None, params=None):
        """(status, why the upstream failed) of a request to an upstream that is `serve`."""
        front = free_ports(1)[0]
        log = file_log("up.log", text_format_source={"inline_string": "%UPSTREAM_TRANSPORT_FAILURE_REASON%\n"})
        web = {"name": "front", "address": tcp(front),
               "filter_chains": [{"filters": [hcm("front", [to_cluster(prefix("/"), "back")], access_log=[log])]}]}
        with Origin(serve=serve) as origin:
            transport = self.certs.client(sni="localhost", validation=validation, params=params)
            with Weir(config([web], [cluster("back", origin.port, transport_socket=transport)])) as weir:
                with Client(front) as client:
                    status = client.get().status
                return status, weir.wait_file("up.log", 1)[0], weir.stats()

    def shown(self, cert, alerts, **versions):
        """A server with that certificate; the alerts that it is sent are added to the list."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certs.path(cert + ".pem"), self.certs.path(cert + ".key"))
        for name, value in versions.items():
            setattr(context, name, value)

        def note(_conn, direction, _version, content, _kind, data):
            if direction == "read" and content == 21:
                alerts.append(data[1])
        context._msg_callback = note

        def serve(wire):
            try:
                with context.wrap_socket(wire.socket, server_side=True) as tls:
                    tls.recv(65536)
                    tls.sendall(b"HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nok")
                    tls.recv(1)
            except (ssl.SSLError, OSError):
                pass
        return serve

    def test_certificates_of_servers(self):
        crl = self.certs.trust(crl={"filename": self.certs.path("crl.pem")})
        pinned = self.certs.trust(verify_certificate_hash=["0" * 64])
        rows = (("server", None, None), ("stranger", None, UNKNOWN_CA), ("late", None, EXPIRED), ("early", None, BAD_CERT),
                ("usage", None, UNSUPPORTED_CERT), ("other", None, BAD_CERT), ("critical", None, CERT_UNKNOWN), ("gone", None, None),
                ("gone", crl, REVOKED), ("server", pinned, BAD_CERT))
        for cert, validation, alert in rows:
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                with self.subTest((cert, validation, version)):
                    alerts = []
                    status, _, stats = self.ask(self.shown(cert, alerts, maximum_version=version), validation)
                    self.assertEqual(200 if alert is None else 503, status)
                    self.assertEqual(0 if alert is None else 1, stats["cluster.back.ssl.connection_error"])
                    if alert is not None:
                        self.assertEqual([alert], alerts)

    def test_a_server_of_an_older_version_says_so(self):
        alerts = []
        old = self.shown("server", alerts, maximum_version=ssl.TLSVersion.TLSv1_2)
        status, why, _ = self.ask(old, params={"tls_minimum_protocol_version": "TLSv1_3"})
        self.assertEqual((503, "the peer sent the alert 'protocol version'"), (status, why))

    def test_first_words_of_servers(self):
        message = server_hello
        rows = (  # what, the record that comes for a hello, the alert that it gets: none where OpenSSL says nothing
            ("an answer to nobody", b"HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nok", {None}),
            ("an extension that nobody offered", record(22, message(extensions=extension(0x3374))), {UNSUPPORTED_EXTENSION}),
            ("an answer about a certificate that nobody asked for", record(22, message(extensions=extension(5))), {UNSUPPORTED_EXTENSION}),
            ("a suite that was not offered", record(22, message(suite=0x0005)), {ILLEGAL}),
            ("compression", record(22, message(compression=1)), {ILLEGAL}),
            ("an old version", record(22, message(version=0x0302)), {VERSION}),
            ("a downgrade", record(22, message(random=b"r" * 24 + b"DOWNGRD\x01")), {ILLEGAL}),
            ("TLS 1.3 without a key", record(22, message(suite=0x1301, extensions=extension(43, b"\x03\x04"))), {MISSING, ILLEGAL}),
            ("a message that is cut off", record(22, b"\x02\x00\x00\x04\x03\x03rr"), {DECODE}),
            ("a Finished", record(22, b"\x14\x00\x00\x04abcd"), {UNEXPECTED}),
            ("a record that is too long", b"\x16\x03\x03\xff\xff" + b"x" * 100, {OVERFLOW}),
            ("data before the handshake", record(23, b"HTTP/1.1 200 Fine\r\n\r\n", 0x0303), {UNEXPECTED}),
        )
        for what, data, alerts in rows:
            with self.subTest(what):
                heard = []

                def serve(wire):
                    wire.socket.recv(65536)
                    wire.send(data)
                    heard.append(wire.rest())
                status, _, stats = self.ask(serve)
                self.assertEqual((503, 1), (status, stats["cluster.back.ssl.connection_error"]))
                said = heard[0] if heard else b""
                self.assertIn(said[6] if len(said) == 7 and said[0] == 21 else None, alerts)

    def test_a_server_that_speaks_first_is_not_believed(self):
        answer = b"HTTP/1.1 200 Fine\r\nContent-Length: 6\r\n\r\nforged"
        status, why, _ = self.ask(lambda wire: (wire.send(answer), wire.rest()))
        self.assertEqual(503, status)
        self.assertEqual("the peer speaks HTTP and not TLS", why)

    def test_the_log_of_a_proxied_connection_tells_it_too(self):
        front = free_ports(1)[0]
        log = file_log("up.log", text_format_source={"inline_string": "%UPSTREAM_TRANSPORT_FAILURE_REASON%\n"})
        web = {"name": "front", "address": tcp(front), "filter_chains": [{"filters": [
            network_filter("tcp", "tcp_proxy.v3.TcpProxy", stat_prefix="t", cluster="back", access_log=[log])]}]}
        with Origin(serve=lambda wire: (wire.send(b"220 plain words\r\n"), wire.rest())) as origin:
            back = cluster("back", origin.port, transport_socket=self.certs.client(sni="localhost"))
            with Weir(config([web], [back])) as weir, Client(front) as client:
                self.assertTrue(client.ended())
                self.assertIn("does not speak TLS", weir.wait_file("up.log", 1)[0])

    def test_every_alert_of_a_server_is_told_by_its_name(self):
        front = free_ports(1)[0]
        log = file_log("up.log", text_format_source={"inline_string": "%UPSTREAM_TRANSPORT_FAILURE_REASON%\n"})
        web = {"name": "front", "address": tcp(front),
               "filter_chains": [{"filters": [hcm("front", [to_cluster(prefix("/"), "back")], access_log=[log])]}]}
        codes = iter(REGISTRY)

        def serve(wire):
            wire.socket.recv(65536)
            wire.send(record(21, bytes([2, next(codes)]), 0x0303))
            wire.rest()
        with Origin(serve=serve) as origin:
            back = cluster("back", origin.port, transport_socket=self.certs.client(sni="localhost"))
            with Weir(config([web], [back])) as weir, Client(front) as client:
                for count, (code, name) in enumerate(REGISTRY.items(), 1):
                    with self.subTest(code):
                        self.assertEqual(503, client.get().status)
                        self.assertIn("the peer sent the alert '%s'" % name, weir.wait_file("up.log", count)[-1])
                self.assertEqual(len(REGISTRY), weir.stats()["cluster.back.ssl.connection_error"])


if __name__ == "__main__":
    cases.main()
