"""HTTP/2 for tests: configurations on both sides of weir, the real clients, and frames by hand.

Frames are for what no well-behaved client does. Header blocks are written as literals without Huffman codes or a table;
of those that come only the status is read, which needs neither.
"""

import json
import shutil
import struct
import subprocess

from proxy_config import any_of, cluster, config, http_listener, prefix, to_cluster
from weir_process import LIMIT, free_ports, readable
from wire import Client

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, _, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS = 1, 1, 4
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR = 0, 1, 2
REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 7, 8, 11
ENABLE_CONNECT_PROTOCOL = 8

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_STATUS = {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}  # RFC 7541, appendix A


# --- configurations ------------------------------------------------------------------


def http2_upstream(**options):
    """The fields of a cluster that speaks HTTP/2; `options` are Http2ProtocolOptions."""
    return {"typed_extension_protocol_options": {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": any_of(
            "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            explicit_http_config={"http2_protocol_options": options})}}


def http1_upstream(**options):
    return {"typed_extension_protocol_options": {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": any_of(
            "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            explicit_http_config={"http_protocol_options": options})}}


def in_front_of(origin_port, upstream, route=None, filters=(), **options):
    """(port, configuration) of one listener for both versions in front of one origin, without a time limit on routes."""
    port = free_ports(1)[0]
    routes = [to_cluster(prefix("/"), "origin", **dict({"timeout": "0s"}, **(route or {})))]
    return port, config([http_listener("front", port, routes, filters, **options)],
                        [cluster("origin", origin_port, **upstream)])


# --- real clients --------------------------------------------------------------------


def tool(*arguments, stdin=b"", status=0):
    """Runs a client to its end; returns what it printed."""
    if shutil.which(arguments[0]) is None:
        raise AssertionError("%s is not installed; tools/setup installs it" % arguments[0])
    done = subprocess.run(arguments, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT)
    if done.returncode != status:
        raise AssertionError("%s ended with %d:\n%s%s" % (" ".join(arguments[:4]), done.returncode,
                                                          done.stdout[-2000:].decode("latin-1"),
                                                          done.stderr[-2000:].decode("latin-1")))
    return done.stdout


def curl(port, path="/", *arguments, stdin=b""):
    """The output of curl, which speaks HTTP/2 from its first byte."""
    return tool("curl", "-s", "-S", "--max-time", str(int(LIMIT)), "--http2-prior-knowledge", *arguments,
                "http://127.0.0.1:%d%s" % (port, path), stdin=stdin)


class Node:
    """A script for Node with `http2`, `input` (an object) and `say` (a line of JSON to the test)."""

    _HEAD = "const http2 = require('http2'); const input = %s; const say = (x) => console.log(JSON.stringify(x));\n"

    def __init__(self, script, **values):
        if shutil.which("node") is None:
            raise AssertionError("node is not installed; tools/setup installs it")
        self.process = subprocess.Popen(["node", "-e", self._HEAD % json.dumps(values) + script],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def line(self):
        """The next thing that it said."""
        ready = readable(self.process.stdout, LIMIT)
        text = self.process.stdout.readline() if ready else b""
        if not text:
            raise AssertionError("the script has %s" % ("ended" if ready else "said nothing"))
        return json.loads(text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


# --- frames --------------------------------------------------------------------------


class Frame:

    def __init__(self, kind, flags, stream, payload):
        self.kind = kind
        self.flags = flags
        self.stream = stream
        self.payload = payload

    @property
    def error(self):
        """The error code of RST_STREAM or GOAWAY."""
        return struct.unpack(">I", self.payload[-4:] if self.kind == RST_STREAM else self.payload[4:8])[0]

    @property
    def last_stream(self):
        return struct.unpack(">I", self.payload[:4])[0]

    @property
    def status(self):
        """The status of a response's HEADERS, if it has an entry in the static table."""
        return _STATUS.get(self.payload[0] & 0x7f)

    @property
    def ends(self):
        return self.kind == RST_STREAM or self.kind in (DATA, HEADERS) and bool(self.flags & END_STREAM)

    def __repr__(self):
        return "<frame %d flags %x stream %d, %d bytes>" % (self.kind, self.flags, self.stream, len(self.payload))


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">IBI", len(payload) << 8 | kind, flags, stream) + payload


def _length(number):
    if number < 127:
        return bytes([number])
    number -= 127
    out = [127]
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out + [number])


def fields(*pairs):
    """A header block."""
    out = b""
    for pair in pairs:
        out += b"\0" + b"".join(_length(len(text)) + text for text in (part.encode("latin-1") for part in pair))
    return out


def request(path="/", *more, method="GET", authority="test"):
    return fields((":method", method), (":scheme", "http"), (":path", path), (":authority", authority), *more)


def get(stream, path="/", *more):
    """The frame of a whole request."""
    return frame(HEADERS, END_STREAM | END_HEADERS, stream, request(path, *more))


def reset(stream, error=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", error))


def settings(**values):
    numbers = {"window": 4, "streams": 3}
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", numbers[name], value) for name, value in values.items()))


class Http2Client(Client):
    """A connection to weir on which a test writes frames. Answers SETTINGS and PING; nothing else by itself."""

    def __init__(self, address, **values):
        super().__init__(address)
        self.server_settings = {}
        self.send(_PREFACE + settings(**values))

    def read(self):
        """The next frame; answers it where the protocol wants that, and raises Ended at the end."""
        length_and_kind, flags, stream = struct.unpack(">IBI", self.exactly(9))
        got = Frame(length_and_kind & 0xff, flags, stream & 0x7fffffff, self.exactly(length_and_kind >> 8))
        if got.kind == SETTINGS and not flags & ACK:
            self.server_settings.update(struct.iter_unpack(">HI", got.payload))
            self.send(frame(SETTINGS, ACK, 0))
        elif got.kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, 0, got.payload))
        return got

    def next(self, *kinds):
        """The next frame of one of these kinds."""
        while True:
            got = self.read()
            if got.kind in kinds:
                return got

    def answer(self, stream):
        """The frames of one stream until it ends."""
        frames = []
        while not frames or not frames[-1].ends:
            got = self.read()
            if got.stream == stream and got.kind in (DATA, HEADERS, RST_STREAM):
                frames.append(got)
        return frames
