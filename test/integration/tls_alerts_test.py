#!/usr/bin/python3
"""What goes wrong in a handshake is told the client with the alert that the standard has for it, and counted. One row each."""

import os
import ssl

from tls_peer import (BAD_CERT, BAD_MAC, CERT_REQUIRED, CLOSE_NOTIFY, DECODE, EXPIRED, FAILURE, ILLEGAL, OVERFLOW, REQUEST,
                      REVOKED, UNEXPECTED, UNKNOWN_CA, UNRECOGNIZED_NAME, UNSUPPORTED_CERT, VERSION, Peer, TlsCase, record, says)
from weir_process import Weir, cases


class Alerts(TlsCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        certs = cls.certs
        certs.issue("stranger", "URI:spiffe://example/client", usage="clientAuth", signed_by=None)
        certs.issue("late", "URI:spiffe://example/client", usage="clientAuth", start="20200101000000Z")
        certs.issue("early", "URI:spiffe://example/client", usage="clientAuth", start="20450101000000Z")
        certs.issue("usage", "URI:spiffe://example/client", usage="serverAuth")
        certs.issue("other", "URI:spiffe://example/other", usage="clientAuth")
        certs.issue("gone", "URI:spiffe://example/client", usage="clientAuth")
        certs.revoke("gone")

    def test_certificates_of_clients(self):
        crl = {"crl": {"filename": self.certs.path("crl.pem")}}
        tls12 = {"maximum_version": ssl.TLSVersion.TLSv1_2}
        rows = (  # certificate, more of the client, more of the server's validation, alert, counter
            ("client", {}, {}, [], "handshake"),
            ("client", tls12, crl, [], "handshake"),
            (None, {}, {}, [CERT_REQUIRED], "fail_verify_no_cert"),
            (None, tls12, {}, [FAILURE], "fail_verify_no_cert"),
            ("stranger", {}, {}, [UNKNOWN_CA], "fail_verify_error"),
            ("late", {}, {}, [EXPIRED], "fail_verify_error"),
            ("late", {}, {"allow_expired_certificate": True}, [], "handshake"),
            ("early", {}, {}, [BAD_CERT], "fail_verify_error"),
            ("usage", {}, {}, [UNSUPPORTED_CERT], "fail_verify_error"),
            ("gone", {}, {}, [], "handshake"),
            ("gone", {}, crl, [REVOKED], "fail_verify_error"),
            ("gone", tls12, crl, [REVOKED], "fail_verify_error"),
            ("other", {}, {}, [BAD_CERT], "fail_verify_san"),
            ("client", {}, {"verify_certificate_hash": ["0" * 64]}, [BAD_CERT], "fail_verify_cert_hash"),
        )
        for cert, client, server, alerts, counter in rows:
            port, front = self.front(self.mutual(**server))
            with self.subTest((cert, client, server)), Weir(front) as weir:
                # What is sent to one that refuses may cost its last words: the kernel answers with a reset.
                self.assertEqual(alerts, Peer(port, self.client(cert, **client)).ask(b"" if alerts else REQUEST))
                weir.wait_stat("listener.front.ssl." + counter, 1)

    def test_hellos(self):
        old = {"minimum_version": ssl.TLSVersion.TLSv1_2, "maximum_version": ssl.TLSVersion.TLSv1_2}
        few = self.client(**old)
        few.set_ciphers("ECDHE-RSA-AES256-GCM-SHA384")  # the certificate is ECDSA
        rows = (  # server, client, its server name, alert
            (self.certs.server(params={"tls_minimum_protocol_version": "TLSv1_3"}), self.client(**old), "localhost", VERSION),
            (self.certs.server(), few, "localhost", FAILURE),
            (self.certs.server(require_sni=True), self.client(check_hostname=False), None, UNRECOGNIZED_NAME),
            (self.certs.server(), self.client(check_hostname=False), "no host name", ILLEGAL),
        )
        for server, client, name, alert in rows:
            port, front = self.front(server)
            with self.subTest(alert), Weir(front) as weir:
                self.assertEqual([alert], Peer(port, client, name).ask())
                weir.wait_stat("listener.front.ssl.connection_error", 1)

    def test_bytes(self):
        port, front = self.front(self.certs.server())
        before = (  # what comes instead of a hello, alert: several of OpenSSL's answers are as good as each other
            ("plain HTTP", REQUEST, {None}),
            ("an unknown kind of record", record(99, b"x" * 20), {UNEXPECTED, VERSION}),
            ("data before the handshake", record(23, b"x" * 20, 0x0303), {UNEXPECTED}),
            ("a record that is too long", b"\x16\x03\x01\xff\xff" + b"x" * 100, {OVERFLOW}),
            ("a hello of nothing", record(22, b"\x01\x00\x00\x00"), {DECODE}),
            ("a hello that is cut off", record(22, b"\x01\x00\x00\x06\x03\x03abcd"), {DECODE}),
            ("a Finished", record(22, b"\x14\x00\x00\x04abcd"), {UNEXPECTED}),
        )
        after = (("forged data", record(23, os.urandom(40), 0x0303), BAD_MAC),
                 ("data that is too long", b"\x17\x03\x03\xff\xff" + os.urandom(100), OVERFLOW),
                 ("plain data", record(22, b"\x14\x00\x00\x04abcd", 0x0303), UNEXPECTED))
        with Weir(front) as weir:
            for count, (what, data, alerts) in enumerate(before, 1):
                with self.subTest(what):
                    said = says(port, data)
                    self.assertLessEqual(len(said), 1)
                    self.assertIn(said[0] if said else None, alerts)
                    weir.wait_stat("listener.front.ssl.connection_error", count)
            for what, data, alert in after:
                with self.subTest(what):
                    self.assertEqual([alert], Peer(port, self.client()).after_handshake(data))
            self.assertEqual([], Peer(port, self.client()).ask())

    def test_a_good_end_says_so(self):
        port, front = self.front(self.certs.server())
        with Weir(front) as weir:
            peer = Peer(port, self.client())
            peer.step(peer._tls.do_handshake)
            peer.step(peer._tls.write, REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            answer = b""
            while more := peer.step(peer._tls.read, 65536):
                answer += more
            self.assertTrue(answer.endswith(b"hello"))
            self.assertEqual([CLOSE_NOTIFY], peer.end())
            self.assertEqual(0, weir.stats()["listener.front.ssl.connection_error"])


if __name__ == "__main__":
    cases.main()
