#!/usr/bin/python3
"""Filter chains chosen by what the first bytes of a connection say: listener filters and what chains match."""

import socket
import ssl
import struct

from proxy_config import cluster, config, direct, file_log, hcm, network_filter, prefix, tcp
from tls_peer import client_hello
from tls_world import CertsCase, listener_filter
from weir_process import LIMIT, Weir, cases, free_ports
from wire import Client, Origin, response

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def answers(name):
    return hcm(name, [direct(prefix("/"), name)])


def chain(name, match, transport=None, filters=None):
    result = {"name": name, "filter_chain_match": match, "filters": filters or [answers(name)]}
    return dict(result, transport_socket=transport) if transport else result


class ListenerFilters(CertsCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.certs.issue("names", "DNS:a.example,DNS:*.a.example,DNS:b.example,DNS:c.example")
        cls.port = free_ports(1)[0]

    def listener(self, chains, filters=(), **fields):
        kinds = {"tls_inspector": "TlsInspector", "http_inspector": "HttpInspector", "proxy_protocol": "ProxyProtocol",
                 "original_dst": "OriginalDst"}
        filters = [listener_filter(name, kinds[name]) if isinstance(name, str) else name for name in filters]
        return dict({"name": "front", "stat_prefix": "front", "address": tcp(self.port), "listener_filters": filters,
                     "filter_chains": chains}, **fields)

    def over_tls(self, name, split=0, alpn=None):
        """What is answered to a request; the ClientHello in pieces of `split` bytes."""
        context = self.certs.context(alpn=alpn)
        tls, incoming, outgoing = client_hello(context, name)
        with socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT) as raw:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            hello = outgoing.read()
            for at in range(0, len(hello), split or len(hello)):
                raw.sendall(hello[at:at + (split or len(hello))])

            def step(function, *arguments):
                while True:
                    try:
                        result = function(*arguments)
                        raw.sendall(outgoing.read())
                        return result
                    except ssl.SSLWantReadError:
                        raw.sendall(outgoing.read())
                        data = raw.recv(65536)
                        incoming.write(data) if data else incoming.write_eof()
            step(tls.do_handshake)
            step(tls.write, REQUEST)
            answer = b""
            while True:
                try:
                    more = step(tls.read, 65536)
                except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                    more = b""
                if not more:
                    return answer.rpartition(b"\r\n\r\n")[2].decode(), len(hello)
                answer += more

    def by_name(self):
        server = self.certs.server("names")
        return [chain("exact", {"server_names": ["a.example"]}, server),
                chain("wildcard", {"server_names": ["*.a.example"]}, server),
                chain("protocol", {"server_names": ["b.example"], "application_protocols": ["special"]}, server),
                chain("tls", {"transport_protocol": "tls"}, server),
                chain("plain", {"transport_protocol": "raw_buffer"})]

    def test_the_server_name_chooses_the_chain(self):
        with Weir(config([self.listener(self.by_name(), ["tls_inspector"])])) as weir:
            for name, expected in (("a.example", "exact"), ("x.a.example", "wildcard"), ("c.example", "tls")):
                self.assertEqual(expected, self.over_tls(name)[0])
            self.assertEqual("protocol", self.over_tls("b.example", alpn=["special"])[0])
            with Client(self.port) as client:
                self.assertEqual(b"plain", client.get().body)
            stats = weir.stats()
            self.assertEqual((4, 1, 4), tuple(stats["listener.front.tls_inspector." + n]
                                              for n in ("tls_found", "tls_not_found", "sni_found")))

    def test_a_hello_may_come_in_pieces_and_be_large(self):
        many = ["p%03d-%s" % (i, "x" * 240) for i in range(70)] + ["http/1.1"]
        with Weir(config([self.listener(self.by_name())])) as weir:  # the inspector is added, as the chains need it
            self.assertTrue(any("tls_inspector" in line for line in weir.log), weir.log)
            self.assertEqual("exact", self.over_tls("a.example", split=1)[0])
            answer, size = self.over_tls("a.example", split=1000, alpn=many)
            self.assertEqual("exact", answer)
            self.assertGreater(size, 17 * 1024)

    def test_a_name_is_passed_through_without_a_key(self):
        log = file_log("sni.log", text_format_source={"inline_string": "%REQUESTED_SERVER_NAME% %TLS_JA3_FINGERPRINT% %TLS_JA4_FINGERPRINT%\n"})

        def serve(wire):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certs.path("names.pem"), self.certs.path("names.key"))
            with context.wrap_socket(wire.socket, server_side=True) as tls:
                tls.recv(1000)
                tls.sendall(b"HTTP/1.1 200 OK\r\n\r\nend to end")
        with Origin(serve=serve) as origin:
            to = network_filter("tcp", "tcp_proxy.v3.TcpProxy", stat_prefix="t", cluster="origin", access_log=[log])
            listener = self.listener([chain("through", {"server_names": ["a.example"]}, filters=[to])],
                                     [listener_filter("tls_inspector", "TlsInspector", enable_ja3_fingerprinting=True,
                                                      enable_ja4_fingerprinting=True)])
            with Weir(config([listener], [cluster("origin", origin.port)])) as weir:
                self.assertEqual("end to end", self.over_tls("a.example")[0])
                self.assertRegex(weir.wait_file("sni.log", 1)[0],
                                 r"^a\.example [0-9a-f]{32} t13d\d{4}00_[0-9a-f]{12}_[0-9a-f]{12}$")
                with self.assertRaises((ssl.SSLError, ConnectionError)):
                    self.over_tls("b.example")
                self.assertEqual(1, weir.stats()["listener.front.no_filter_chain_match"])

    def test_the_server_name_may_be_the_cluster(self):
        def server(text):
            def serve(wire):
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.certs.path("names.pem"), self.certs.path("names.key"))
                with context.wrap_socket(wire.socket, server_side=True) as tls:
                    tls.recv(1000)
                    tls.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + text)
            return Origin(serve=serve)
        filters = [network_filter("sni_cluster", "sni_cluster.v3.SniCluster"),
                   network_filter("tcp", "tcp_proxy.v3.TcpProxy", stat_prefix="t", cluster="fallback")]
        with server(b"of a") as a, server(b"of x.a") as x, Origin(lambda _: response(body=b"plain")) as fallback:
            clusters = [cluster("a.example", a.port), cluster("x.a.example", x.port), cluster("fallback", fallback.port)]
            with Weir(config([self.listener([chain("all", {}, filters=filters)], ["tls_inspector"])], clusters)) as weir:
                self.assertEqual("of a", self.over_tls("a.example")[0])
                self.assertEqual("of x.a", self.over_tls("X.a.example")[0])
                with self.assertRaises((ssl.SSLError, ConnectionError)):
                    self.over_tls("b.example")
                self.assertEqual(1, weir.stats()["tcp.t.downstream_cx_no_route"])
                with Client(self.port) as client:
                    self.assertEqual(b"plain", client.get().body)

    def test_who_says_nothing_is_given_up_or_served_by_what_is_known(self):
        for goes_on in (False, True):
            listener = self.listener([chain("any", {})], ["tls_inspector"], listener_filters_timeout="0.2s",
                                     continue_on_listener_filters_timeout=goes_on)
            with self.subTest(goes_on), Weir(config([listener])) as weir, Client(self.port) as client:
                if goes_on:
                    weir.wait_stat("listener.front.downstream_pre_cx_timeout", 1)
                    self.assertEqual(b"any", client.get().body)
                else:
                    self.assertTrue(client.ended())
                    self.assertEqual(1, weir.stats()["listener.front.downstream_pre_cx_timeout"])
                self.assertEqual(0, weir.stats()["listener.front.downstream_pre_cx_active"])

    def test_http_is_told_from_other_bytes(self):
        chains = [chain("one", {"application_protocols": ["http/1.0"]}), chain("eleven", {"application_protocols": ["http/1.1"]}),
                  chain("two", {"application_protocols": ["h2c"]}),
                  chain("other", {}, filters=[network_filter("echo", "echo.v3.Echo")])]
        with Weir(config([self.listener(chains, ["http_inspector"])])) as weir:
            with Client(self.port) as client:
                self.assertEqual(b"eleven", client.get().body)
            with Client(self.port) as client:
                client.send(b"\0\1\2 not http")
                self.assertEqual(b"\0\1\2 not http", client.exactly(12))
            with Client(self.port) as client:
                for byte in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":
                    client.send(bytes([byte]))
                self.assertEqual(b"\0\0", client.exactly(2))  # its SETTINGS
            stats = weir.stats()
            self.assertEqual((1, 1, 1), tuple(stats["listener.front.http_inspector." + n]
                                              for n in ("http11_found", "http2_found", "http_not_found")))

    def test_the_proxy_protocol_says_who_the_client_is(self):
        log = file_log("who.log", text_format_source={"inline_string": "%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_LOCAL_PORT%\n"})
        chains = [{"filters": [hcm("proxied", [direct(prefix("/"))], access_log=[log], use_remote_address=True)]}]
        binary = b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack("!H4s4sHH", 15, bytes([10, 1, 2, 3]), bytes([10, 9, 9, 9]), 1234, 443) + b"\4\0\0"
        heads = [b"PROXY TCP4 192.0.2.7 192.0.2.8 4711 80\r\n", b"PROXY TCP6 2001:db8::1 2001:db8::2 5 6\r\n", binary]
        with Weir(config([self.listener(chains, ["proxy_protocol"])])) as weir:
            for head in heads:
                for piece in (1, 1000):
                    with Client(self.port) as client:
                        data = head + REQUEST
                        for at in range(0, len(data), piece):
                            client.send(data[at:at + piece])
                        self.assertEqual(200, client.response().status)
            lines = weir.wait_file("who.log", 6)
            # Two workers write them, in whatever order.
            self.assertEqual(sorted(["192.0.2.7:4711 80", "[2001:db8::1]:5 6", "10.1.2.3:1234 443"] * 2), sorted(lines))
            for bad in (REQUEST, b"PROXY TCP4 1.2.3.4 nonsense 1 2\r\n" + REQUEST, b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0"):
                with Client(self.port) as client:
                    client.send(bad)
                    self.assertTrue(client.ended())
            weir.wait_stat("listener.front.proxy_proto.error", 3)


if __name__ == "__main__":
    cases.main()
