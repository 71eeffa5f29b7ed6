#!/usr/bin/python3
"""curl, nghttp, h2load and Node's http2 through weir, to origins of both versions."""

import hashlib
import json
import os
import re
import unittest

from http2_world import Node, curl, http1_upstream, http2_upstream, in_front_of, tool
from proxy_config import config, direct, http_listener, prefix
from weir_process import Weir, cases, free_ports
from wire import Client, Origin, fetch, response

_MIB = 1 << 20

# Answers with what it got. Says the port, then nothing unless it is asked: /early gives a 103, /trailers trailers.
_NODE_ORIGIN = """
const crypto = require('crypto');
const server = http2.createServer();
server.on('stream', (stream, headers) => {
  const sum = crypto.createHash('sha256');
  let size = 0;
  stream.on('data', (data) => { sum.update(data); size += data.length; });
  stream.on('error', () => {});
  stream.on('end', () => {
    if (headers[':path'] === '/early') stream.additionalHeaders({':status': 103, 'link': '</style.css>'});
    if (headers[':path'] === '/trailers') {
      stream.respond({':status': 200}, {waitForTrailers: true});
      stream.on('wantTrailers', () => stream.sendTrailers({'x-sum': sum.digest('hex')}));
      stream.end('data');
      return;
    }
    if (headers[':path'] === '/big') {
      stream.respond({':status': 200});
      stream.end(Buffer.alloc(4 << 20, 'x'));
      return;
    }
    stream.respond({':status': 200, 'content-type': 'application/json'});
    stream.end(headers[':method'] === 'HEAD' ? undefined : JSON.stringify(
        {method: headers[':method'], path: headers[':path'], authority: headers[':authority'],
         cookie: headers.cookie, size, sum: sum.digest('hex')}));
  });
});
server.listen(0, '127.0.0.1', () => say(server.address().port));
"""


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def echo_the_size(wire, request):
    """An HTTP/1.1 origin: 103 and 100 where they are wanted, trailers where they are asked for."""
    if request.target == "/trailers":
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n"
                  b"4\r\ndata\r\n0\r\nx-sum: 1234\r\n\r\n")
    elif request.target == "/early":
        wire.send(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n" + response(200, b"late"))
    elif request.method == "HEAD":
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n")
    else:
        wire.send(response(200, b"%d %s" % (len(request.body), sha256(request.body).encode())))


class Http1Origin(unittest.TestCase):
    """HTTP/2 to weir, HTTP/1.1 behind it."""

    def setUp(self):
        self.origin = Origin(echo_the_size)
        self.addCleanup(self.origin.close)
        self.port, configuration = in_front_of(self.origin.port, http1_upstream(enable_trailers=True))
        self.weir = Weir(configuration)
        self.addCleanup(self.weir.kill)

    def tearDown(self):
        self.weir.stop()

    def test_curl(self):
        self.assertEqual(b"0 %s|2|200" % sha256(b"").encode(),
                         curl(self.port, "/", "-w", "|%{http_version}|%{response_code}"))
        body = os.urandom(_MIB)
        self.assertEqual(b"%d %s" % (_MIB, sha256(body).encode()), curl(self.port, "/", "--data-binary", "@-", stdin=body))
        head = curl(self.port, "/", "--head").decode()
        self.assertRegex(head, r"^HTTP/2 200")
        self.assertRegex(head, r"(?m)^content-length: 12345\r$")
        self.assertIn("x-sum: 1234", curl(self.port, "/trailers", "-D", "-").decode())
        self.assertRegex(curl(self.port, "/early", "-i").decode(), r"HTTP/2 103 ?\r\nlink: </style.css>\r\n\r\nHTTP/2 200")
        stats = self.weir.stats()
        self.assertEqual(5, stats["http.front.downstream_rq_http2_total"])
        self.assertEqual(5, stats["http.front.downstream_cx_http2_total"])

    def test_curl_waits_for_100_continue(self):
        asked = []

        def serve(wire):
            head = wire.until(b"\r\n\r\n")
            asked.append((b"expect: 100-continue" in head.lower(), wire.silent()))
            wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            wire.send(response(200, wire.exactly(5)))
        with Origin(serve=serve) as origin:
            port, configuration = in_front_of(origin.port, http1_upstream())
            with Weir(configuration):
                # Only the 100 lets curl send the body within this time.
                out = curl(port, "/", "-i", "-H", "Expect: 100-continue", "--expect100-timeout", "50",
                           "-H", "Content-Length: 5", "-d", "hello", "--max-time", "40")
        self.assertRegex(out.decode(), r"(?s)^HTTP/2 100.*HTTP/2 200.*hello$")
        self.assertEqual(1, len(asked))

    def test_nghttp_asks_for_several_streams_at_once(self):
        urls = ["http://127.0.0.1:%d/%d" % (self.port, i) for i in range(12)]
        out = re.sub(r"\x1b\[[\d;]*m", "", tool("nghttp", "-v", "-n", *urls).decode())
        self.assertEqual(12, len(re.findall(r"recv \(stream_id=\d+\) :status: 200", out)), out)
        # What weir announces.
        self.assertIn("SETTINGS_MAX_CONCURRENT_STREAMS(0x03):100", out)
        self.assertIn("SETTINGS_INITIAL_WINDOW_SIZE(0x04):65536", out)
        self.assertNotIn("SETTINGS_ENABLE_CONNECT_PROTOCOL", out)
        self.assertNotIn("RST_STREAM", out)
        self.assertEqual(1, self.weir.stats()["http.front.downstream_cx_http2_total"])
        self.assertEqual(12, len(self.origin.requests))

    def test_host_and_cookies_are_whole(self):
        curl(self.port, "/", "-H", "Host: shop.example", "-H", "Cookie: a=1; b=2")
        self.assertEqual(("shop.example", ["a=1; b=2"]),
                         (self.origin.requests[0].get("host"), self.origin.requests[0].all("cookie")))


class Http2Origin(unittest.TestCase):
    """A server of Node behind weir, over HTTP/2."""

    def setUp(self):
        self.origin = Node(_NODE_ORIGIN)
        self.addCleanup(self.origin.__exit__)
        self.port, configuration = in_front_of(self.origin.line(), http2_upstream())
        self.weir = Weir(configuration)
        self.addCleanup(self.weir.kill)

    def tearDown(self):
        self.weir.stop()

    def test_curl(self):
        body = os.urandom(_MIB)
        got = json.loads(curl(self.port, "/up?load", "--data-binary", "@-", "-H", "Cookie: a=1; b=2", stdin=body))
        self.assertEqual({"method": "POST", "path": "/up?load", "authority": "127.0.0.1:%d" % self.port,
                          "cookie": "a=1; b=2", "size": _MIB, "sum": sha256(body)}, got)
        self.assertRegex(curl(self.port, "/", "--head").decode(), r"^HTTP/2 200")
        self.assertIn("x-sum: " + sha256(b""), curl(self.port, "/trailers", "-D", "-").decode())
        self.assertRegex(curl(self.port, "/early", "-i").decode(), r"HTTP/2 103 ?\r\nlink: </style.css>\r\n\r\nHTTP/2 200")
        stats = self.weir.stats()
        self.assertGreater(stats["cluster.origin.upstream_cx_http2_total"], 0)

    def test_an_http1_client(self):
        with Client(self.port) as client:
            client.send(b"POST /one HTTP/1.1\r\nHost: h1.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
            got = json.loads(client.response().body)
            self.assertEqual(("POST", "/one", "h1.test", 5, sha256(b"hello")),
                             (got["method"], got["path"], got["authority"], got["size"], got["sum"]))
            self.assertEqual(4 * _MIB, len(client.get("/big").body))
            self.assertEqual(200, client.get("/", method="HEAD").status)
        self.assertEqual(1, self.weir.stats()["http.front.downstream_cx_http1_total"])

    def test_a_client_of_node(self):
        """100 streams at once, 103 and trailers; then one that reads late."""
        script = """
        const session = http2.connect('http://127.0.0.1:' + input.port);
        const ask = (path, send) => new Promise((resolve, reject) => {
          const stream = session.request({':path': path, ':method': send ? 'POST' : 'GET'});
          const got = {size: 0};
          stream.on('headers', (headers) => { got.early = headers[':status']; });
          stream.on('response', (headers) => { got.status = headers[':status']; });
          stream.on('trailers', (headers) => { got.sum = headers['x-sum']; });
          stream.on('data', (data) => { got.size += data.length; });
          stream.on('end', () => resolve(got));
          stream.on('error', reject);
          stream.end(send);
        });
        session.on('connect', async () => {
          session.setLocalWindowSize(1 << 20);  // the late reader keeps to its own window
          const all = await Promise.all(Array.from({length: 100}, (_, i) => ask('/' + i, Buffer.alloc(i * 1000))));
          say(all.filter((got) => got.status === 200 && got.size > 0).length);
          say(await ask('/early'));
          say(await ask('/trailers', 'abc'));
          const late = session.request({':path': '/big'});
          late.pause();
          let size = 0;
          late.on('data', (data) => { size += data.length; });
          late.on('end', () => { say(size); session.close(); });
          await ask('/between');
          late.resume();
        });
        """
        with Node(script, port=self.port) as client:
            self.assertEqual(100, client.line())
            early = client.line()
            self.assertEqual((103, 200), (early["early"], early["status"]))
            trailers = client.line()
            self.assertEqual((200, 4, sha256(b"abc")), (trailers["status"], trailers["size"], trailers["sum"]))
            self.assertEqual(4 * _MIB, client.line())

    def test_h2load(self):
        """Every answer is good, over few connections to the origin; so it is for HTTP/1.1 clients."""
        for arguments in (["-c", "4", "-m", "20"], ["-c", "4", "--h1"]):
            out = tool("h2load", "-n", "1000", *arguments, "http://127.0.0.1:%d/" % self.port).decode()
            self.assertIn("status codes: 1000 2xx, 0 3xx, 0 4xx, 0 5xx", out)
            self.assertIn("0 failed, 0 errored, 0 timeout", out)
        stats = self.weir.stats()
        self.assertEqual(2000, stats["cluster.origin.upstream_rq_total"])
        self.assertEqual(0, stats["http2.streams_active"])


class OneOrBothVersions(unittest.TestCase):

    def start(self, **options):
        port = free_ports(1)[0]
        weir = Weir(config([http_listener("front", port, [direct(prefix("/"), "here")], **options)]))
        self.addCleanup(weir.kill)
        return port, weir

    def test_auto_takes_both(self):
        port, weir = self.start()
        self.assertEqual(b"here", fetch(port).body)
        self.assertEqual(b"here", curl(port))
        # Bytes that come one by one are told apart as well.
        with Client(port) as client:
            for byte in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":
                client.send(bytes([byte]))
            client.send(b"\0\0\0\4\0\0\0\0\0")
            self.assertEqual(4, client.exactly(9)[3])
        with Client(port) as client:
            for byte in b"PROPFIND / HTTP/1.1\r\nHost: h\r\n\r\n":
                client.send(bytes([byte]))
            self.assertEqual(200, client.response().status)
        weir.stop()

    def test_http1_alone(self):
        port, weir = self.start(codec_type="HTTP1")
        self.assertEqual(b"here", fetch(port).body)
        with Client(port) as client:
            client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            self.assertIn(client.response().status, (400, 505))
        weir.stop()

    def test_http2_alone(self):
        port, weir = self.start(codec_type="HTTP2")
        self.assertEqual(b"here", curl(port))
        with Client(port) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertNotIn(b"HTTP/1.1", client.rest())
        weir.stop()


if __name__ == "__main__":
    cases.main()
