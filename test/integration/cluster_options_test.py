#!/usr/bin/python3
"""What a cluster notes about itself, what it keeps beside its counters, and the options of its HTTP."""

import json
import tempfile
import unittest

from proxy_config import any_of, cluster, config, http_listener, listener, network_filter, prefix, proxy, to_cluster
from weir_process import Weir, cases, free_ports, run, wait_until
from wire import Client, Origin, fetch, response

_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_CODEC = "type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec"
_BUFFER = "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer"


def options(**fields):
    return {"typed_extension_protocol_options": {_HTTP_OPTIONS: any_of(
        "type.googleapis.com/" + _HTTP_OPTIONS, explicit_http_config={"http_protocol_options": {}}, **fields)}}


def header(key, value):
    return {"header": {"key": key, "value": value}}


class ClusterOptions(unittest.TestCase):

    def test_logs_and_headers_show_what_is_noted_about_the_cluster(self):
        noted = {"metadata": {"filter_metadata": {"app": {"team": "blue", "more": {"n": 2}}}}}
        shown = [header("x-team", "%CLUSTER_METADATA(app:team)%"), header("x-more", "%METADATA(CLUSTER:app:more)%"),
                 header("x-n", "%METADATA(CLUSTER:app:more:n)%"), header("x-none", "%CLUSTER_METADATA(app:else)%")]
        with Origin(lambda _: response()) as origin:
            port, bytes_ = free_ports(2)
            log = {"name": "log", "typed_config": any_of(
                "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
                log_format={"text_format_source": {"inline_string": "tcp %CLUSTER_METADATA(app:team)%\n"}})}
            listeners = [http_listener("front", port, [to_cluster(prefix("/"), "back", {"response_headers_to_add": shown})]),
                         listener("bytes", bytes_, network_filter("tcp", "tcp_proxy.v3.TcpProxy", stat_prefix="bytes",
                                                                  cluster="back", access_log=[log]))]
            with Weir(config(listeners, [cluster("back", origin.port, **noted)])) as weir:
                answer = fetch(port)
                self.assertEqual(["blue", '{"n":2}', "2"], [answer.get(name) for name in ("x-team", "x-more", "x-n")])
                self.assertIn(answer.get("x-none"), (None, "-"))
                fetch(bytes_)
                wait_until(lambda: "tcp blue" in [line.strip() for line in weir.stdout], "the line of the log")

    def test_sizes_and_budgets_are_kept_where_they_are_asked_for(self):
        body = b"x" * 1000
        for kept in (False, True):
            extra = {"track_cluster_stats": {"timeout_budgets": True, "request_response_sizes": True}} if kept else {}
            with self.subTest(kept=kept), Origin(lambda _: response(200, body, "x-kind: test")) as origin:
                port, configuration = proxy(origin.port, {"timeout": "100s", "retry_policy": {
                    "retry_on": "5xx", "per_try_timeout": "50s"}}, cluster_options=extra)
                with Weir(configuration) as weir, Client(port) as client:
                    client.send(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\n0123456789")
                    self.assertEqual(body, client.response().body)
                    text = weir.admin("/stats/prometheus")[2]
                    for name, least, most in (("rq_headers_size", 20, 1000), ("rq_headers_count", 2, 12), ("rq_body_size", 9, 11),
                                              ("rs_headers_size", 10, 1000), ("rs_headers_count", 1, 6),
                                              ("rs_body_size", 950, 1050), ("rq_timeout_budget_percent_used", 0, 20),
                                              ("rq_timeout_budget_per_try_percent_used", 0, 20)):
                        name = "envoy_cluster_upstream_" + name
                        self.assertEqual(kept, name in text, name)
                        if not kept:
                            continue
                        values = {}
                        for line in text.splitlines():
                            if line.startswith((name + "_sum", name + "_count")) and '"origin"' in line:
                                values[line.split("{")[0][len(name):]] = float(line.rsplit(None, 1)[1])
                        self.assertEqual(1, values["_count"], name)
                        self.assertTrue(least <= values["_sum"] <= most, (name, values))

    def test_a_cluster_says_what_is_hashed_whatever_its_routes_say(self):
        hashed = [{"header": {"header_name": "x-user"}}]
        ring = {"policies": [{"typed_extension_config": {"name": "ring", "typed_config": any_of(
            "type.googleapis.com/envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash",
            consistent_hashing_lb_config={"hash_policy": hashed})}}]}
        for kind in (dict(options(hash_policy=hashed), lb_policy="RING_HASH"), {"load_balancing_policy": ring}):
            with Origin(lambda _: response(body=b"0")) as one, Origin(lambda _: response(body=b"1")) as two, \
                    Origin(lambda _: response(body=b"2")) as three:
                port = free_ports(1)[0]
                same = to_cluster(prefix("/"), "back", hash_policy=[{"header": {"header_name": "x-same"}}])
                back = cluster("back", one.port, two.port, three.port, **kind)
                with Weir(config([http_listener("front", port, [same])], [back])), Client(port) as client:
                    chosen = []
                    for _ in range(2):
                        bodies = []
                        for user in range(30):
                            client.send(b"GET / HTTP/1.1\r\nhost: h\r\nx-same: a\r\nx-user: %d\r\n\r\n" % user)
                            bodies.append(client.response().body)
                        chosen.append(bodies)
                    self.assertEqual(chosen[0], chosen[1])
                    self.assertEqual({b"0", b"1", b"2"}, set(chosen[0]))

    def test_the_codec_is_the_only_filter_of_a_cluster(self):
        def checked(*filters):
            with tempfile.NamedTemporaryFile("w", suffix=".json", dir="/tmp") as file:
                json.dump(config([], [cluster("back", 1, **options(http_filters=list(filters)))]), file)
                file.flush()
                status, out, error = run("check", "--schema-only", file.name)
                return status, out + error
        codec = {"name": "codec", "typed_config": any_of(_CODEC)}
        other = {"name": "buffer", "typed_config": any_of(_BUFFER, max_request_bytes=1)}
        self.assertEqual(0, checked(codec)[0])
        for filters, words in (((other, codec), "is a envoy.extensions.filters.http.buffer.v3.Buffer; allowed: envoy.ext"),
                               ((codec, codec), '"codec" is not the last; allowed: one codec, at the end'),
                               (({"name": "codec"},), "typed_config: is missing"),
                               ((dict(codec, disabled=True),), "disabled: true for the codec; allowed: false")):
            status, log = checked(*filters)
            self.assertEqual(1, status)
            self.assertIn(words, log)

    def test_upgrades_that_are_ignored_are_not_there(self):
        heads = []

        def answer(request):
            heads.append(request)
            return response()
        ask = b"GET / HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: %s\r\n\r\n"
        with Origin(answer) as origin:
            port, configuration = proxy(origin.port, http_protocol_options={"ignore_http_11_upgrade": [{"prefix": "old-"}]})
            with Weir(configuration), Client(port) as client:
                client.send(ask % b"Old-Protocol")
                self.assertEqual(200, client.response().status)
                self.assertIsNone(heads.pop().get("upgrade"))
                client.send(ask % b"other")
                self.assertEqual(403, client.response().status)
                self.assertEqual([], heads)


if __name__ == "__main__":
    cases.main()
