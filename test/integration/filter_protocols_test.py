#!/usr/bin/python3
"""Each HTTP filter over HTTP/1.1, HTTP/2 and gRPC: the same configuration does the same on all of them.

One listener for each filter. A request with `x-refuse` takes a route on which the filter answers by itself; every other
one goes through it to an origin.
"""

import base64
import gzip
import threading
import unittest

import grpc
from grpc_world import Caller, Server
from http2_world import Node, http2_upstream
from proxy_config import any_of, cluster, config, http_filter, http_listener, per_route, prefix, rate_limit, to_cluster
from weir_process import Weir, cases, free_ports
from wire import Client, Origin, response

_EVERY = {"numerator": 100}
_BIG = b"q" * 5000
_TEXT = b"text " * 400
# The answer counts, also where the rest of the request is refused after it (RFC 9113 section 8.1).
_REQUEST = """
const session = http2.connect(`http://127.0.0.1:${input.port}`);
const stream = session.request({':method': 'POST', ':path': '/path', ...input.fields});
let fields; const chunks = [];
stream.on('response', (head) => { fields = {...head}; });
stream.on('data', (chunk) => chunks.push(chunk));
stream.on('error', (error) => say({error: error.message}));
stream.on('end', () => { say({fields, body: Buffer.concat(chunks).toString('base64')}); session.destroy(); });
stream.end(input.body);
"""
_ALL = {"permissions": [{"any": True}], "principals": [{"any": True}]}


def _set(name, value):
    return {"append": {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}


def _gzip(name, **more):
    kind = "type.googleapis.com/envoy.extensions.compression.gzip.%s.v3.Gzip" % name
    return dict({name + "_library": {"name": "gzip", "typed_config": any_of(kind)}}, **more)


class Case:
    """A filter, what a route makes of it where it refuses, and what is seen."""

    def __init__(self, name, message, refusing=None, status=None, code=None, passes=(), request=(), sends=b"q" * 20,
                 refused=b"q" * 20, **fields):
        self.name = name
        self.filter = http_filter(name, message, **fields)
        self.refusing = refusing        # the configuration of the route, or None where the filter itself decides
        self.status = status            # of HTTP, where it answers; None: it never does
        self.code = code                # of gRPC
        self.passes = dict(passes)      # fields of a response that has passed
        self.request = dict(request)    # fields of every request
        self.sends = sends              # the body of a request that passes
        self.refused = refused          # and of one that is refused


def _matrix(authz):
    route_limit = rate_limit(1, "3600s", response_headers_to_add=[])
    deny = {"rules": {"action": "DENY", "policies": {"all": _ALL}}}
    service = {"server_uri": {"uri": "http://authz", "cluster": authz, "timeout": "10s"},
               "authorization_response": {"allowed_upstream_headers": {"patterns": [{"exact": "x-user"}]}}}
    origins = {"allow_origin_string_match": [{"exact": "http://good"}], "expose_headers": "x-seen"}
    checked = [{"name": "x-refuse", "present_match": True}]
    return [
        Case("local_ratelimit", "LocalRateLimit", ("LocalRateLimit", route_limit), 429, "UNAVAILABLE",
             stat_prefix="unlimited"),
        Case("fault", "HTTPFault", ("HTTPFault", {"abort": {"http_status": 503, "percentage": _EVERY}}), 503,
             "UNAVAILABLE"),
        Case("health_check", "HealthCheck", None, 200, "UNKNOWN", pass_through_mode=False, headers=checked),
        Case("header_mutation", "HeaderMutation", passes={"x-mutated": "yes"},
             mutations={"request_mutations": [_set("x-user", "mutated")], "response_mutations": [_set("x-mutated", "yes")]}),
        Case("cors", "Cors", passes={"access-control-allow-origin": "http://good", "access-control-expose-headers": "x-seen"},
             request={"origin": "http://good"}),
        Case("buffer", "Buffer", ("BufferPerRoute", {"buffer": {"max_request_bytes": 1000}}), 413, "UNKNOWN",
             refused=_BIG, sends=_BIG, max_request_bytes=100000),
        Case("rbac", "RBAC", ("RBACPerRoute", {"rbac": deny}), 403, "PERMISSION_DENIED"),
        Case("ext_authz", "ExtAuthz", None, 401, "UNAUTHENTICATED", http_service=service,
             allowed_headers={"patterns": [{"exact": "x-refuse"}]}),
        # What is gRPC has its own compression, and passes as it is.
        Case("compressor", "Compressor", request={"accept-encoding": "gzip"}, **_gzip("compressor")),
        Case("decompressor", "Decompressor", **_gzip("decompressor")),
        Case("grpc_stats", "FilterConfig", stats_for_all_methods=True),
        Case("csrf", "CsrfPolicy", ("CsrfPolicy", {"filter_enabled": {"default_value": _EVERY}}), 403,
             "PERMISSION_DENIED", request={"origin": "http://evil"},
             filter_enabled={"default_value": {"numerator": 0}}),
    ], origins


class FilterProtocols(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.grpc = Server()
        cls.origin = Origin(lambda request: response(200, _TEXT, "Content-Type: text/plain",
                                                     "X-Length: %d" % len(request.body)))
        cls.asked = []
        cls.authz = Origin(cls.authorize)
        cls.cases, origins = _matrix("authz")
        cls.ports = dict(zip((case.name for case in cls.cases), free_ports(len(cls.cases))))
        listeners = []
        for case in cls.cases:
            extra = {}
            if case.name == "cors":
                extra = {"typed_per_filter_config": per_route("cors", "CorsPolicy", **origins)}
            refusing = dict(extra)
            if case.refusing:
                refusing = {"typed_per_filter_config": per_route(case.name, case.refusing[0], **case.refusing[1])}
            refuse = [{"name": "x-refuse", "present_match": True}]
            routes = [to_cluster(dict(prefix("/test.Echo"), headers=refuse), "grpc", refusing),
                      to_cluster(dict(prefix("/"), headers=refuse), "origin", refusing),
                      to_cluster(prefix("/test.Echo"), "grpc", extra),
                      to_cluster(prefix("/"), "origin", extra)]
            listeners.append(http_listener(case.name, cls.ports[case.name], routes, [case.filter]))
        cls.weir = Weir(config(listeners, [cluster("grpc", cls.grpc.port, **http2_upstream()),
                                           cluster("origin", cls.origin.port), cluster("authz", cls.authz.port)]))

    @classmethod
    def authorize(cls, request):
        refused = request.get("x-refuse") is not None
        return response(401 if refused else 200, b"", "X-User: asked")

    @classmethod
    def tearDownClass(cls):
        cls.weir.stop()
        cls.grpc.__exit__()
        cls.origin.close()
        cls.authz.close()

    # --- one request over each, as (status, fields, body); of gRPC the status is its code

    def http1(self, case, fields, body):
        lines = ["POST /path HTTP/1.1", "Host: test", "Content-Length: %d" % len(body)]
        lines += ["%s: %s" % pair for pair in fields.items()]
        with Client(self.ports[case.name]) as client:
            client.send(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
            answer = client.response()
        return answer.status, {name.lower(): value for name, value in answer.fields}, answer.body

    def http2(self, case, fields, body):
        with Node(_REQUEST, port=self.ports[case.name], fields=fields, body=body.decode()) as node:
            answer = node.line()
        fields = answer["fields"]
        return fields.pop(":status"), fields, base64.b64decode(answer["body"])

    def call(self, case, fields, body):
        with Caller(self.ports[case.name]) as caller:
            try:
                answer, call = caller.unary.with_call(body, metadata=tuple(fields.items()), timeout=60)
                return "OK", dict(call.initial_metadata()), answer
            except grpc.RpcError as error:
                return error.code().name, dict(error.initial_metadata() or ()), b""

    def test_what_passes(self):
        for case in self.cases:
            for over in (self.http1, self.http2, self.call):
                with self.subTest(filter=case.name, over=over.__name__):
                    is_grpc = over == self.call
                    seen = self.grpc.metadata if is_grpc else self.origin.requests
                    before = len(seen)
                    status, fields, body = over(case, case.request, case.sends)
                    self.assertEqual("OK" if is_grpc else 200, status)
                    self.assertEqual(before + 1, len(seen))
                    for name, value in case.passes.items():
                        self.assertEqual(value, fields.get(name), fields)
                    if is_grpc:
                        self.assertEqual(case.sends, body)
                        continue
                    self.assertEqual(str(len(case.sends)), fields["x-length"])
                    compressed = case.name == "compressor"
                    self.assertEqual("gzip" if compressed else None, fields.get("content-encoding"))
                    self.assertEqual(_TEXT, gzip.decompress(body) if compressed else body)

    def test_what_is_refused(self):
        for case in self.cases:
            if case.status is None:
                continue
            if case.name == "local_ratelimit":  # the one token
                self.assertEqual(200, self.http1(case, {"x-refuse": "1"}, b"")[0])
                self.assertEqual("OK", self.call(case, {"x-refuse": "1"}, b"")[0])
            for over in (self.http1, self.http2, self.call):
                with self.subTest(filter=case.name, over=over.__name__):
                    before = len(self.origin.requests) + len(self.grpc.metadata)
                    status, _, _ = over(case, dict(case.request, **{"x-refuse": "1"}), case.refused)
                    self.assertEqual(case.code if over == self.call else case.status, status)
                    self.assertEqual(before, len(self.origin.requests) + len(self.grpc.metadata))

    def test_what_they_ask_for_reaches_the_origin(self):
        for name, value in {"header_mutation": "mutated", "ext_authz": "asked"}.items():
            case = next(case for case in self.cases if case.name == name)
            self.http1(case, {}, b"")
            self.assertEqual(value, self.origin.requests[-1].get("x-user"))
            self.http2(case, {}, b"")
            self.assertEqual(value, self.origin.requests[-1].get("x-user"))
            self.call(case, {}, b"")
            self.assertEqual(value, self.grpc.metadata[-1]["x-user"])

    def test_streams_of_grpc_pass_all_of_them(self):
        for case in self.cases:
            with self.subTest(filter=case.name), Caller(self.ports[case.name]) as caller:
                metadata = tuple(case.request.items())
                self.assertEqual(b"a+b", caller.join(iter([b"a", b"b"]), metadata=metadata, timeout=60))
                self.assertEqual([1000, 2000], [len(one) for one in caller.split(b"\1\2", metadata=metadata, timeout=60)])
                if case.name == "buffer":  # wants the whole request before any of it goes on
                    continue
                turn = threading.Semaphore(1)

                def ask():
                    for text in (b"one", b"two"):
                        self.assertTrue(turn.acquire(timeout=60))
                        yield text
                for answer, text in zip(caller.echo(ask(), metadata=metadata, timeout=60), (b"one", b"two")):
                    self.assertEqual(text, answer)
                    turn.release()


if __name__ == "__main__":
    cases.main()
