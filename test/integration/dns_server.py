"""A DNS server of a test, over UDP and TCP, on a port of the loopback that the kernel picks.

    with DnsServer() as dns:
        dns.zone["web.test"] = a("127.0.0.2", "127.0.0.3")   # what is answered
        dns.zone["web.test"] = lambda question: ...          # bytes, or None for silence
        dns.asked                                            # [(name, type, over TCP)]

A name that is not in the zone is answered NXDOMAIN.
"""

import socket
import struct
import threading

A, CNAME, AAAA, SRV = 1, 5, 28, 33
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, REFUSED = 0, 1, 2, 3, 5
_TRUNCATED = 0x0200
_UDP_LIMIT = 512


def wire_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".")) + b"\0"


class Question:
    def __init__(self, message, tcp):
        self.id = message[:2]
        self.tcp = tcp
        labels, at = [], 12
        while message[at]:
            labels.append(message[at + 1:at + 1 + message[at]].decode())
            at += 1 + message[at]
        self.name = ".".join(labels).lower()
        self.type = struct.unpack("!H", message[at + 1:at + 3])[0]
        self.section = message[12:at + 5]

    def answer(self, records=(), code=NOERROR):
        """A whole message. `records` are (name, type, ttl, data)."""
        body = b"".join(wire_name(name) + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data
                        for name, kind, ttl, data in records)
        flags = 0x8180 | code
        if not self.tcp and 12 + len(self.section) + len(body) > _UDP_LIMIT:
            return self.id + struct.pack("!HHHHH", flags | _TRUNCATED, 1, 0, 0, 0) + self.section
        return self.id + struct.pack("!HHHHH", flags, 1, len(records), 0, 0) + self.section + body


def a(*addresses, ttl=1, alias=None):
    """IPv4 addresses; no record for any other type."""
    def answer(question):
        name = alias or question.name
        found = [(name, A, ttl, socket.inet_aton(address)) for address in addresses] if question.type == A else []
        return question.answer(found)
    return answer


def chain(length, *addresses, ttl=1):
    """The addresses at the end of `length` aliases."""
    def answer(question):
        names = [question.name] + ["alias%d.test" % i for i in range(length)]
        found = [(names[i], CNAME, ttl, wire_name(names[i + 1])) for i in range(length)]
        if question.type == A:
            found += [(names[-1], A, ttl, socket.inet_aton(address)) for address in addresses]
        return question.answer(found)
    return answer


def srv(*targets, ttl=1):
    """(priority, weight, port, target) each."""
    def answer(question):
        found = [(question.name, SRV, ttl, struct.pack("!HHH", priority, weight, port) + wire_name(target))
                 for priority, weight, port, target in targets] if question.type == SRV else []
        return question.answer(found)
    return answer


def fails(code):
    return lambda question: question.answer(code=code)


def silence(_):
    return None


def garbage(question):
    return question.id + b"\x81\x80" + b"\xff" * 40


class DnsServer:
    def __init__(self):
        self.zone = {}
        self.asked = []
        while True:
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._udp.bind(("127.0.0.1", 0))
            self.port = self._udp.getsockname()[1]
            self._tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                self._tcp.bind(("127.0.0.1", self.port))
                break
            except OSError:  # the port is taken for TCP
                self._udp.close()
                self._tcp.close()
        self._tcp.listen(64)
        self._threads = [threading.Thread(target=serve, daemon=True) for serve in (self._serve_udp, self._serve_tcp)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        for sock in (self._udp, self._tcp):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def count(self, name):
        return sum(1 for asked in list(self.asked) if asked[0] == name)

    def _reply(self, message, tcp):
        question = Question(message, tcp)
        self.asked.append((question.name, question.type, tcp))
        answer = self.zone.get(question.name, fails(NXDOMAIN))
        return answer(question)

    def _serve_udp(self):
        while True:
            try:
                message, peer = self._udp.recvfrom(4096)
                if not message:  # the end
                    return
                reply = self._reply(message, False)
                if reply is not None:
                    self._udp.sendto(reply, peer)
            except OSError:
                return

    def _serve_tcp(self):
        while True:
            try:
                client, _ = self._tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_client, args=(client,), daemon=True).start()

    def _serve_client(self, client):
        with client, client.makefile("rwb") as stream:
            try:
                while True:
                    head = stream.read(2)
                    if len(head) < 2:
                        return
                    reply = self._reply(stream.read(struct.unpack("!H", head)[0]), True)
                    if reply is not None:
                        stream.write(struct.pack("!H", len(reply)) + reply)
                        stream.flush()
            except OSError:
                return

    # --- configurations ---------------------------------------------------------

    def resolver(self, **options):
        """A typed_dns_resolver_config that asks this server alone."""
        fields = dict({
            "@type": "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
            "resolvers": [{"socket_address": {"address": "127.0.0.1", "port_value": self.port}}],
            "dns_resolver_options": {"no_default_search_domain": True},
            "query_timeout_seconds": 1, "query_tries": 1}, **options)
        return {"name": "envoy.network.dns_resolver.cares", "typed_config": fields}
