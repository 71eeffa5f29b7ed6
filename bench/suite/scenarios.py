"""What is measured: traffic, and what each proxy is asked to be."""

from peers import Setting


class Scenario:
    """`bytes_each` of body make a request count in MiB; `targets` are (peer, ratio) bounds of weir's CPU.

    `counted`: over so many requests instructions and allocations are counted, under valgrind and so slowly. `bare`: weir
    without what the scenario adds runs in the same rounds.
    """

    def __init__(self, name, text, load, setting=None, bytes_each=0, quick=False, targets=(), counted=800,
                 bare=False):
        self.name, self.text, self.load, self.setting = name, text, load.split(), setting or Setting()
        self.bytes_each, self.quick, self.targets = bytes_each, quick, targets
        self.counted, self.bare = counted, bare
        if "--connections" not in self.load:
            self.load += ["--connections", "64"]
        if self.setting.tls:
            self.load.append("--tls")

    @property
    def at_once(self):
        """Requests that are under way at the same time."""
        numbers = dict(zip(self.load, self.load[1:]))
        return int(numbers["--connections"]) * int(numbers.get("--streams", 1))

    @property
    def unit(self):
        return "MiB" if self.bytes_each >= 1 << 20 else "request"

    def units(self, requests):
        return requests * self.bytes_each / (1 << 20) if self.unit == "MiB" else requests


MIB = 1 << 20
SCENARIOS = [
    Scenario("h1_small", "HTTP/1.1 to HTTP/1.1, keep-alive, 100 bytes, 64 connections", "--path /100", quick=True,
             targets=[("nginx", 0.85)]),
    Scenario("h1_16k", "the same with 16 KiB responses", "--path /16384 --response 16384", targets=[("nginx", 0.80)]),
    Scenario("h1_post_16k", "16 KiB POST, echoed", "--path /echo --body 16384 --response 16384", targets=[("nginx", 0.80)]),
    Scenario("h1_1m", "1 MiB responses, 16 connections", "--path /%d --response %d --connections 16" % (MIB, MIB), bytes_each=MIB, quick=True,
             targets=[("haproxy", 0.95)], counted=48),
    Scenario("h1_close", "a connection for each request", "--path /100 --reconnect", targets=[("nginx", 0.90)]),
    Scenario("h2_h1", "HTTP/2 to HTTP/1.1, 10 connections of 32 streams", "--traffic http2 --connections 10 --streams 32",
             Setting(front="h2"), quick=True, targets=[("nghttpx", 0.85)]),
    Scenario("h2_h2", "HTTP/2 to HTTP/2, 10 connections of 32 streams", "--traffic http2 --connections 10 --streams 32",
             Setting(front="h2", back="h2"), quick=True, targets=[("haproxy", 0.80)]),
    Scenario("grpc", "gRPC unary calls, 100 bytes each way, 10 connections of 32 streams",
             "--traffic grpc --path /bench.Echo/Call --body 100 --response 105 --connections 10 --streams 32",
             Setting(front="h2", back="h2", grpc=True)),
    Scenario("tls_small", "TLS 1.3 to HTTP/1.1, keep-alive, 100 bytes", "--path /100", Setting(tls=True), quick=True,
             targets=[("haproxy", 0.95)]),
    Scenario("tls_full", "TLS 1.3 full handshakes (P-256), one request each", "--path /100 --reconnect --connections 16",
             Setting(tls=True), targets=[("nginx", 1.0)], counted=64),
    Scenario("tls_resumed", "TLS 1.3 resumed handshakes, one request each",
             "--path /100 --reconnect --resume --connections 16", Setting(tls=True), counted=64),
    Scenario("tcp_small", "TCP proxy, 64 bytes up and 100 down", "--traffic tcp", Setting("tcp"), quick=True,
             targets=[("nginx", 0.90)]),
    Scenario("tcp_1m", "TCP proxy, 1 MiB down, 16 connections", "--traffic tcp --response %d --connections 16" % MIB,
             Setting("tcp"), bytes_each=MIB, targets=[("haproxy", 0.95)], counted=48),
    Scenario("tcp_close", "TCP proxy, a connection for each exchange", "--traffic tcp --reconnect", Setting("tcp"),
             targets=[("nginx", 0.95)]),
    Scenario("websocket", "messages of 64 bytes echoed through an upgraded connection", "--traffic websocket",
             Setting(splice=False)),
    Scenario("h1_log", "h1_small with a JSON access log of 12 fields", "--path /100", Setting(log=True), bare=True),
    Scenario("h1_routes", "h1_small behind 10,000 routes, the last of which matches", "--path /100", Setting(routes=10000),
             bare=True),
    Scenario("h1_stats", "h1_small with counters and times of the route and of a virtual cluster too", "--path /100",
             Setting(stats=True), bare=True),
    Scenario("h1_limit", "h1_small with a local rate limit that lets all pass", "--path /100", Setting(limit=True), bare=True),
    Scenario("h1_all", "h1_small with JSON access log, 10,000 routes and all counters", "--path /100",
             Setting(log=True, routes=10000, stats=True), bare=True, quick=True, targets=[("bare", 1.15)]),
]
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
