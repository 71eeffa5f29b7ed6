"""A TLS client that tells which alerts it was sent, the bytes that clients send, and a listener to try them on."""

import socket
import ssl

from proxy_config import config, direct, hcm, prefix, tcp
from tls_world import CertsCase
from weir_process import LIMIT, free_ports

CLOSE_NOTIFY, UNEXPECTED, BAD_MAC, OVERFLOW, FAILURE, BAD_CERT, UNSUPPORTED_CERT = 0, 10, 20, 22, 40, 42, 43
REVOKED, EXPIRED, ILLEGAL, UNKNOWN_CA, DECODE, VERSION = 44, 45, 47, 48, 50, 70
UNRECOGNIZED_NAME, CERT_REQUIRED = 112, 116
CERT_UNKNOWN, DECRYPT, FALLBACK, NO_RENEGOTIATION, MISSING, UNSUPPORTED_EXTENSION = 46, 51, 86, 100, 109, 110
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Peer:
    """A TLS client on a socket of its own, that shows which alerts it was sent."""

    def __init__(self, port, context, name="localhost"):
        self.alerts = []
        context._msg_callback = self._on_message
        self.raw = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=name)

    def _on_message(self, _conn, direction, _version, content, _kind, data):
        if direction == "read" and content == 21:
            self.alerts.append(data[1])

    def step(self, function, *arguments):
        while True:
            try:
                result = function(*arguments)
                self.raw.sendall(self._out.read())
                return result
            except ssl.SSLWantReadError:
                self.raw.sendall(self._out.read())
                data = self.raw.recv(65536)
                if not data:
                    raise ConnectionError("the end") from None
                self._in.write(data)

    def ask(self, question=REQUEST):
        """The alerts, when the answer or the end has come. With TLS 1.3 a server's refusal comes after the handshake."""
        try:
            self.step(self._tls.do_handshake)
            self.step(self._tls.write, question)
            self.step(self._tls.read, 65536)
        except (ssl.SSLError, ConnectionError):
            pass
        return self.end()

    def after_handshake(self, data):
        self.step(self._tls.do_handshake)
        self.raw.sendall(data)
        try:
            while True:
                self.step(self._tls.read, 65536)
        except (ssl.SSLError, ConnectionError):
            pass
        return self.end()

    def end(self):
        self.raw.close()
        return self.alerts


def says(port, data):
    """The alerts that follow bytes which are no handshake."""
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as raw:
        raw.sendall(data)
        got = b""
        try:
            while more := raw.recv(4096):
                got += more
        except ConnectionResetError:
            pass
    return [got[6]] if len(got) == 7 and got[0] == 21 else [] if not got else list(got)


def record(kind, payload, version=0x0301):
    return bytes([kind]) + version.to_bytes(2, "big") + len(payload).to_bytes(2, "big") + payload


def client_hello(context, name):
    """The first flight of a client, as bytes, and what is needed to go on with it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return tls, incoming, outgoing


class TlsCase(CertsCase):
    """A test with listeners that want some of its certificates."""

    def front(self, transport):
        port = free_ports(1)[0]
        chain = {"filters": [hcm("front", [direct(prefix("/"), "hello")])], "transport_socket": transport}
        return port, config([{"name": "front", "address": tcp(port), "stat_prefix": "front", "filter_chains": [chain]}])

    def client(self, cert=None, **fields):
        context = self.certs.context(cert=cert)
        for name, value in fields.items():
            setattr(context, name, value)
        return context

    def mutual(self, **fields):
        uri = [{"san_type": "URI", "matcher": {"exact": "spiffe://example/client"}}]
        return self.certs.server(validation=self.certs.trust(match_typed_subject_alt_names=uri, **fields),
                                 require_client_certificate=True)
