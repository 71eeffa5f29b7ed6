"""The proxies that are measured, each with its own tuned configuration from bench/load/peers."""

import glob
import os
import shutil
import string
import subprocess
import tempfile

from world import HERE, BenchError, Process, free_port, wait_for_port

TEMPLATES = os.path.join(os.path.dirname(HERE), "load", "peers")

WEIR_TLS = """      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            alpn_protocols: [h2, http/1.1]
            tls_certificates: [{certificate_chain: {filename: "%(cert)s"}, private_key: {filename: "%(key)s"}}]"""
WEIR_H2 = """    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http2_protocol_options: {}}"""
WEIR_LOG = """          access_log:
          - name: envoy.access_loggers.file
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: /dev/null
              log_format:
                json_format:
                  start_time: "%START_TIME%"
                  method: "%REQ(:METHOD)%"
                  path: "%REQ(:PATH)%"
                  protocol: "%PROTOCOL%"
                  status: "%RESPONSE_CODE%"
                  flags: "%RESPONSE_FLAGS%"
                  sent: "%BYTES_SENT%"
                  received: "%BYTES_RECEIVED%"
                  duration: "%DURATION%"
                  upstream: "%UPSTREAM_HOST%"
                  authority: "%REQ(:AUTHORITY)%"
                  agent: "%REQ(USER-AGENT)%\""""
WEIR_LIMIT = """          - name: envoy.filters.http.local_ratelimit
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
              stat_prefix: bench
              token_bucket: {max_tokens: 1000000000, tokens_per_fill: 1000000000, fill_interval: 1s}
              filter_enabled: {default_value: {numerator: 100}}
              filter_enforced: {default_value: {numerator: 100}}"""
# All requests are counted and timed once more for their route, and once more for their virtual cluster.
WEIR_STATS = """              virtual_clusters:
              - name: none
                headers: [{name: ":path", string_match: {prefix: /none/}}]
              - name: all
                headers: [{name: ":path", string_match: {prefix: /}}]"""
NGINX_FORWARD = """      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Upgrade $http_upgrade;"""
NGINX_LIMIT = """  limit_req_zone $server_name zone=limit:1m rate=1000000r/s;
  limit_req zone=limit burst=1000000 nodelay;"""
HAPROXY_LIMIT = """  stick-table type integer size 1k expire 10s store http_req_rate(1s)
  http-request track-sc0 int(1)
  http-request deny deny_status 429 if { sc_http_req_rate(0) gt 1000000000 }
"""
NGHTTPX_LOG = ('{"start_time":"$time_iso8601","method":"$method","path":"$path","protocol":"$protocol_version","status":"$status",'
               '"sent":"$body_bytes_sent","duration":"$request_time","upstream":"$backend_host:$backend_port",'
               '"authority":"$authority","agent":"$http_user_agent"}')
NGINX_LOG = """  log_format json escape=json '{"start_time":"$time_iso8601","method":"$request_method","path":"$request_uri",'
    '"protocol":"$server_protocol","status":"$status","sent":"$bytes_sent","received":"$request_length",'
    '"duration":"$request_time","upstream":"$upstream_addr","authority":"$host","agent":"$http_user_agent"}';
  access_log /dev/null json buffer=64k flush=1s;"""
NGINX_NO_LOG = "  access_log off;"


class Setting:
    """What is asked of every proxy in a scenario."""

    def __init__(self, mode="http", front="h1", back="h1", tls=False, grpc=False, log=False, routes=0, limit=False,
                 stats=False, splice=True):
        self.mode, self.front, self.back, self.tls, self.grpc = mode, front, back, tls, grpc
        self.log, self.routes, self.limit, self.stats, self.splice = log, routes, limit, stats, splice


class World:
    """What all proxies are started with."""

    def __init__(self, weir, origin, certificate, directory=None):
        """`directory`: where peers are built once for all scenarios."""
        self.weir, self.origin, self.certificate, self.directory = weir, origin, certificate, directory


class Proxy:
    """One started proxy on core 0."""

    def __init__(self, name, line, port, directory, environment=None, seconds=30):
        self.name, self.port = name, port
        self.process = Process(line, 0, directory, environment)
        try:
            wait_for_port(port, self.process.process, name, seconds)
        except BenchError as error:
            text = self.process.errors()
            self.process.close()
            raise BenchError("%s; %s" % (error, text) if text else str(error)) from None

    @property
    def pid(self):
        return self.process.pid

    def close(self):
        self.process.close()


class DollarAt(string.Template):
    """$name is ours; $$name stays $name for the configured program."""


def _write(directory, peer, file, values):
    with open(os.path.join(TEMPLATES, peer, file)) as template:
        text = DollarAt(template.read()).substitute(values)
    path = os.path.join(directory, file)
    with open(path, "w") as out:
        out.write(text)
    return path


def _weir_routes(count, stats):
    routes = ["              - {match: {path: /r/%d}, route: {cluster: origin}}" % i for i in range(count)]
    last = "              - {match: {prefix: /}, route: {cluster: origin, timeout: 60s}%s}" % (", stat_prefix: all" if stats else "")
    return "\n".join(routes + [last] + ([WEIR_STATS] if stats else []))


def _weir_config(setting, world, port, directory):
    if setting.mode == "tcp":
        return _write(directory, "weir", "tcp.yaml", {"port": port, "origin": world.origin.raw})
    cert, key = world.certificate
    return _write(directory, "weir", "http.yaml", {
        "port": port, "origin": world.origin.http, "routes": _weir_routes(setting.routes, setting.stats),
        "access_log": WEIR_LOG if setting.log else "", "filters": WEIR_LIMIT if setting.limit else "",
        "transport_socket": WEIR_TLS % {"cert": cert, "key": key} if setting.tls else "",
        "protocol": WEIR_H2 if setting.back == "h2" else ""})


def weir(setting, world, port, directory):
    return [world.weir, "run", "-c", _weir_config(setting, world, port, directory), "--concurrency", "1",
            "--log-level", "error"]


def bare(setting, world, port, directory):
    """weir without what the scenario adds."""
    return weir(Setting(setting.mode, setting.front, setting.back, setting.tls), world, port, directory)


def envoy(setting, world, port, directory):
    return ["envoy", "-c", _weir_config(setting, world, port, directory), "--concurrency", "1", "-l", "error"]


def haproxy(setting, world, port, directory):
    if setting.mode == "tcp":
        return ["haproxy", "-db", "-f", _write(directory, "haproxy", "tcp.cfg", {"port": port, "origin": world.origin.raw})]
    cert, key = world.certificate
    bind = "proto h2" if setting.front == "h2" and not setting.tls else ""
    if setting.tls:
        both = os.path.join(directory, "both.pem")
        with open(both, "w") as out:
            for part in (cert, key):
                with open(part) as file:
                    out.write(file.read())
        bind = "ssl crt %s alpn h2,http/1.1" % both
    routes = ""
    if setting.routes:
        table = os.path.join(directory, "routes.map")
        with open(table, "w") as out:
            out.writelines("/r/%d origin\n" % i for i in range(setting.routes))
        routes = "  use_backend %%[path,map_str(%s,origin)]" % table
    if setting.limit:
        routes = HAPROXY_LIMIT + routes
    log = ""
    if setting.log:
        log = ('  log /dev/null local0\n  log-format "{\\"start_time\\":\\"%T\\",\\"method\\":\\"%HM\\",\\"path\\":\\"%HU\\",'
               '\\"protocol\\":\\"%HV\\",\\"status\\":\\"%ST\\",\\"flags\\":\\"%ts\\",\\"sent\\":\\"%B\\",\\"received\\":\\"%U\\",'
               '\\"duration\\":\\"%Ta\\",\\"upstream\\":\\"%si:%sp\\"}"')
        # It logs to sockets only; nobody reads this one, as nobody reads /dev/null.
        log = log.replace("/dev/null", "127.0.0.1:9")
    return ["haproxy", "-db", "-f", _write(directory, "haproxy", "http.cfg", {
        "port": port, "origin": world.origin.http, "bind": bind, "server": "proto h2" if setting.back == "h2" else "",
        "log": log, "routes": routes,
        "splice": "  option splice-request\n  option splice-response" if setting.splice else ""})]


def nginx(setting, world, port, directory):
    modules = next(iter(glob.glob("/usr/lib/nginx/modules/ngx_stream_module.so")), None)
    if setting.mode == "tcp":
        if modules is None:
            return None
        return ["nginx", "-p", directory, "-c", _write(directory, "nginx", "tcp.conf", {
            "port": port, "origin": world.origin.raw, "directory": directory, "modules": os.path.dirname(modules)})]
    if setting.back == "h2" and not setting.grpc:
        return None
    cert, key = world.certificate
    listen = [word for word, wanted in (("ssl", setting.tls), ("http2", setting.front == "h2")) if wanted]
    tls = "    ssl_certificate %s;\n    ssl_certificate_key %s;\n    ssl_protocols TLSv1.2 TLSv1.3;" % (cert, key)
    forward = "      grpc_pass grpc://origin;" if setting.grpc else NGINX_FORWARD
    routes = "\n".join("    location = /r/%d { proxy_pass http://origin; }" % i for i in range(setting.routes))
    more = "    http2_max_requests 1000000000;\n    http2_max_concurrent_streams 1000;\n" if setting.front == "h2" else ""
    return ["nginx", "-p", directory, "-c", _write(directory, "nginx", "http.conf", {
        "port": port, "origin": world.origin.http, "directory": directory, "listen": " ".join(listen),
        "tls": more + (tls if setting.tls else ""), "forward": forward, "routes": routes,
        "log": "\n".join(text for text, wanted in (
            (NGINX_LOG, setting.log), (NGINX_NO_LOG, not setting.log), (NGINX_LIMIT, setting.limit)) if wanted)})]


def nghttpx(setting, world, port, directory):
    if setting.mode == "tcp" or setting.limit or setting.routes:
        return None
    del directory
    cert, key = world.certificate
    front = "--frontend=127.0.0.1,%d%s" % (port, "" if setting.tls else ";no-tls")
    log = ["--accesslog-file=/dev/null", "--accesslog-format=" + NGHTTPX_LOG] if setting.log else []
    line = ["nghttpx", "--conf=/dev/null", "--no-ocsp", "--workers=1", "--single-process", *log, "--log-level=ERROR",
            "--backend-connections-per-host=1000", front,
            "--backend=127.0.0.1,%d;;proto=%s" % (world.origin.http, "h2" if setting.back == "h2" else "http/1.1")]
    return line + ([key, cert] if setting.tls else [])


def caddy(setting, world, port, directory):
    if setting.mode == "tcp" or setting.limit or setting.routes:
        return None
    h2 = setting.back == "h2"
    return ["env", "GOMAXPROCS=1", "XDG_DATA_HOME=" + directory, "XDG_CONFIG_HOME=" + directory, "HOME=" + directory, "caddy",
            "run", "--adapter", "caddyfile", "--config", _write(directory, "caddy", "Caddyfile", {
                "port": port, "origin": world.origin.http, "site": "https" if setting.tls else "http",
                "tls": "  tls %s %s" % world.certificate if setting.tls else "",
                "log": "  log {\n    output file /dev/null\n    format json\n  }" if setting.log else "",
                "scheme": "h2c" if h2 else "http", "versions": "h2c" if h2 else "1.1"})]


def go(setting, world, port, directory):
    if setting.mode == "tcp" or setting.front != "h1" or setting.back != "h1" or setting.limit or setting.log or setting.routes:
        return None
    del directory
    binary = os.path.join(world.directory, "go-reverse-proxy")
    if not os.path.exists(binary):
        subprocess.run(["go", "build", "-o", binary, os.path.join(TEMPLATES, "go", "main.go")], check=True, cwd=world.directory,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300,
                       env=dict(os.environ, HOME=world.directory, GOCACHE=os.path.join(world.directory, "cache"), GO111MODULE="off"))
    return ["env", "GOMAXPROCS=1", binary, "127.0.0.1:%d" % port, "127.0.0.1:%d" % world.origin.http,
            *(world.certificate if setting.tls else ())]


PEERS = {f.__name__: f for f in (weir, haproxy, nginx, nghttpx, caddy, go, envoy, bare)}
# Those whose own code is machine code from C or C++, which valgrind runs, and of them those in which a preloaded malloc counts.
NATIVE = ("weir", "bare", "haproxy", "nginx", "nghttpx", "envoy")
LIBC_MALLOC = ("weir", "bare", "haproxy", "nginx")
# Those whose best is the mark; the others are shown beside them.
CONTENDERS = ("weir", "bare", "haproxy", "nginx", "nghttpx", "envoy")


def installed():
    """Names of those that can be run here; weir first."""
    return [name for name in PEERS if name == "weir" or shutil.which(name)]


def fit(name, setting, world):
    """Whether that proxy can do what is asked."""
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as directory:
        return PEERS[name](setting, world, 1, directory) is not None


def start(name, setting, world, environment=None, under=(), seconds=30):
    """The running proxy, or None where it cannot do what is asked.

    `environment` is for any of them, `under` a program that runs it (valgrind, say) and is slower: `seconds` until it listens.
    """
    directory = tempfile.mkdtemp(prefix="weir-bench-")
    port = free_port()
    try:
        line = PEERS[name](setting, world, port, directory)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    if line is None:
        shutil.rmtree(directory, ignore_errors=True)
        return None
    return Proxy(name, [*under, *line], port, directory, environment, seconds)


def versions(names, weir_binary):
    """One line for each, as it says it itself."""
    ask = {"weir": [weir_binary, "version"], "haproxy": ["haproxy", "-v"], "nginx": ["nginx", "-v"],
           "nghttpx": ["nghttpx", "--version"], "caddy": ["caddy", "version"], "go": ["go", "version"],
           "envoy": ["envoy", "--version"]}
    found = {}
    for name in names:
        try:
            done = subprocess.run(ask[name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  timeout=30)
            found[name] = (done.stdout.strip().splitlines() or ["?"])[0]
        except (OSError, subprocess.SubprocessError) as error:
            found[name] = "does not say (%s)" % error
    return found
