"""Configurations as dicts, with what nearly every test wants filled in."""

from weir_process import free_ports

_NETWORK = "type.googleapis.com/envoy.extensions.filters.network."
_HTTP = "type.googleapis.com/envoy.extensions.filters.http."
_LOGS = "type.googleapis.com/envoy.extensions.access_loggers."


def any_of(kind, **fields):
    return dict({"@type": kind}, **fields)


def tcp(port, host="127.0.0.1"):
    return {"socket_address": {"address": host, "port_value": port}}


def pipe(path):
    return {"pipe": {"path": path}}


def as_address(where):
    return tcp(where) if isinstance(where, int) else where


def network_filter(name, kind, **fields):
    return {"name": name, "typed_config": any_of(_NETWORK + kind, **fields)}


def http_filter(name, message, **fields):
    return {"name": name, "typed_config": any_of(_HTTP + name + ".v3." + message, **fields)}


def per_route(name, message, **fields):
    return {name: any_of(_HTTP + name + ".v3." + message, **fields)}


def rate_limit(tokens, fill="1s", **fields):
    """The fields of a LocalRateLimit that holds for every request."""
    every = {"default_value": {"numerator": 100}}
    return dict({"stat_prefix": "limit", "filter_enabled": every, "filter_enforced": every,
                 "token_bucket": {"max_tokens": tokens, "tokens_per_fill": tokens, "fill_interval": fill}}, **fields)


def file_log(path, **log_format):
    fields = {"path": path}
    if log_format:
        fields["log_format"] = log_format
    return {"name": "file", "typed_config": any_of(_LOGS + "file.v3.FileAccessLog", **fields)}


def direct(match, body="ok", status=200, **extra):
    return dict({"match": match, "direct_response": {"status": status, "body": {"inline_string": body}}}, **extra)


def to_cluster(match, cluster, extra=None, **action):
    return dict({"match": match, "route": dict({"cluster": cluster}, **action)}, **(extra or {}))


def prefix(value):
    return {"prefix": value}


def hcm(name, routes, filters=(), domains=("*",), **options):
    """An HTTP connection manager; stat_prefix is `name`."""
    router = {"name": "router", "typed_config": any_of(_HTTP + "router.v3.Router")}
    fields = {
        "stat_prefix": name,
        "http_filters": list(filters) + [router],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": list(domains), "routes": list(routes)}]},
    }
    fields.update(options)
    return network_filter("hcm", "http_connection_manager.v3.HttpConnectionManager", **fields)


def listener(name, where, *filters, **options):
    return dict({"name": name, "address": as_address(where), "filter_chains": [{"filters": list(filters)}]}, **options)


def http_listener(name, where, routes, filters=(), **options):
    return listener(name, where, hcm(name, routes, filters, **options))


def cluster(name, *endpoints, **options):
    hosts = [{"endpoint": {"address": as_address(where)}} for where in endpoints]
    return dict({"name": name, "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": hosts}]}},
                **options)


def config(listeners, clusters=(), admin=True):
    result = {"static_resources": {"listeners": list(listeners), "clusters": list(clusters)}}
    if admin:
        result["admin"] = {"address": tcp(free_ports(1)[0])}
    return result


def proxy(origin_port, route=None, extra=None, cluster_options=None, **options):
    """(port, configuration) of one listener in front of one origin; `options` go to the connection manager."""
    port = free_ports(1)[0]
    routes = [to_cluster(prefix("/"), "origin", extra, **(route or {}))]
    filters = options.pop("filters", ())
    return port, config([http_listener("front", port, routes, filters, **options)],
                        [cluster("origin", origin_port, **(cluster_options or {}))])
