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
NGINX_FORWARD = """      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Upgrade $http_upgrade;"""
NGINX_LOG = """  log_format json escape=json '{"start_time":"$time_iso8601","method":"$request_method","path":"$request_uri",'
    '"protocol":"$server_protocol","status":"$status","sent":"$bytes_sent","received":"$request_length",'
    '"duration":"$request_time","upstream":"$upstream_addr","authority":"$host","agent":"$http_user_agent"}';
  access_log /dev/null json;"""


class Setting:
    """What is asked of every proxy in a scenario."""

    def __init__(self, mode="http", front="h1", back="h1", tls=False, grpc=False, log=False, routes=0, limit=False,
                 splice=True):
        self.mode, self.front, self.back, self.tls, self.grpc = mode, front, back, tls, grpc
        self.log, self.routes, self.limit, self.splice = log, routes, limit, splice


class World:
    """What all proxies are started with."""

    def __init__(self, weir, origin, certificate, environment=None):
        self.weir, self.origin, self.certificate, self.environment = weir, origin, certificate, environment


class Proxy:
    """One started proxy on core 0."""

    def __init__(self, name, line, port, directory, environment=None):
        self.name, self.port = name, port
        self.process = Process(line, 0, directory, environment)
        try:
            wait_for_port(port, self.process.process, name)
        except BenchError as error:
            text = self.process.errors()
            self.process.close()
            raise BenchError("%s\n%s" % (error, text)) from None

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


def _weir_routes(count):
    routes = ["              - {match: {path: /r/%d}, route: {cluster: origin}}" % i for i in range(count)]
    return "\n".join(routes + ["              - {match: {prefix: /}, route: {cluster: origin, timeout: 60s}}"])


def _weir_config(setting, world, port, directory):
    if setting.mode == "tcp":
        return _write(directory, "weir", "tcp.yaml", {"port": port, "origin": world.origin.raw})
    cert, key = world.certificate
    return _write(directory, "weir", "http.yaml", {
        "port": port, "origin": world.origin.http, "routes": _weir_routes(setting.routes),
        "access_log": WEIR_LOG if setting.log else "", "filters": WEIR_LIMIT if setting.limit else "",
        "transport_socket": WEIR_TLS % {"cert": cert, "key": key} if setting.tls else "",
        "protocol": WEIR_H2 if setting.back == "h2" else ""})


def weir(setting, world, port, directory):
    return [world.weir, "run", "-c", _weir_config(setting, world, port, directory), "--concurrency", "1",
            "--log-level", "error"]


def envoy(setting, world, port, directory):
    return ["envoy", "-c", _weir_config(setting, world, port, directory), "--concurrency", "1", "-l", "error"]


def haproxy(setting, world, port, directory):
    if setting.limit:
        return None
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
    if setting.limit:
        return None
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
        "log": NGINX_LOG if setting.log else ""})]


def nghttpx(setting, world, port, directory):
    if setting.mode == "tcp" or setting.limit or setting.routes or setting.log:
        return None
    del directory
    cert, key = world.certificate
    front = "--frontend=127.0.0.1,%d%s" % (port, "" if setting.tls else ";no-tls")
    line = ["nghttpx", "--conf=/dev/null", "--no-ocsp", "--workers=1", "--single-process", "--accesslog-file=/dev/null",
            "--errorlog-file=/dev/null", "--backend-connections-per-host=1000", front,
            "--backend=127.0.0.1,%d;;proto=%s" % (world.origin.http, "h2" if setting.back == "h2" else "http/1.1")]
    return line + ([key, cert] if setting.tls else [])


def caddy(setting, world, port, directory):
    if setting.mode == "tcp" or setting.tls or setting.limit or setting.routes or setting.log or setting.grpc:
        return None
    h2 = setting.back == "h2"
    return ["env", "GOMAXPROCS=1", "XDG_DATA_HOME=" + directory, "XDG_CONFIG_HOME=" + directory, "HOME=" + directory, "caddy",
            "run", "--adapter", "caddyfile", "--config", _write(directory, "caddy", "Caddyfile", {
                "port": port, "origin": world.origin.http, "scheme": "h2c" if h2 else "http", "versions": "h2c" if h2 else "1.1"})]


def go(setting, world, port, directory):
    if setting.mode == "tcp" or setting.tls or setting.front != "h1" or setting.back != "h1" or setting.limit or setting.log \
            or setting.routes:
        return None
    binary = os.path.join(directory, "proxy")
    subprocess.run(["go", "build", "-o", binary, os.path.join(TEMPLATES, "go", "main.go")], check=True, cwd=directory,
                   env=dict(os.environ, HOME=directory, GOCACHE=os.path.join(directory, "cache"), GO111MODULE="off"))
    return ["env", "GOMAXPROCS=1", binary, "127.0.0.1:%d" % port, "127.0.0.1:%d" % world.origin.http]


PEERS = {f.__name__: f for f in (weir, haproxy, nginx, nghttpx, caddy, go, envoy)}


def installed():
    """Names of those that can be run here; weir first."""
    return [name for name in PEERS if name == "weir" or shutil.which(name)]


def start(name, setting, world, environment=None):
    """The running proxy, or None where it cannot do what is asked. `environment` is for any of them."""
    directory = tempfile.mkdtemp(prefix="weir-bench-")
    port = free_port()
    line = PEERS[name](setting, world, port, directory)
    if line is None:
        shutil.rmtree(directory, ignore_errors=True)
        return None
    return Proxy(name, line, port, directory, environment or (world.environment if name == "weir" else None))


def versions(names, weir_binary):
    """One line for each, as it says it itself."""
    ask = {"weir": [weir_binary, "version"], "haproxy": ["haproxy", "-v"], "nginx": ["nginx", "-v"],
           "nghttpx": ["nghttpx", "--version"], "caddy": ["caddy", "version"], "go": ["go", "version"],
           "envoy": ["envoy", "--version"]}
    found = {}
    for name in names:
        done = subprocess.run(ask[name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
        found[name] = (done.stdout.strip().splitlines() or ["?"])[0]
    return found
