"""Figures of many clusters."""

import re

from proxy_config import cluster, config, listener, network_filter
from weir_process import Weir, free_ports

CLUSTERS = 10000


class Figure:

    def __init__(self, name, text, holds):
        self.name = name
        self.text = text
        self.holds = holds


def _configuration(count):
    clusters = [cluster("cluster_%d" % i, {"socket_address": {"address": "127.0.%d.%d" % (i // 250, i % 250 + 1),
                                                              "port_value": 9}}) for i in range(count)]
    proxy = network_filter("tcp", "tcp_proxy.v3.TcpProxy", stat_prefix="tcp", cluster="cluster_0")
    return config([listener("front", free_ports(1)[0], proxy)], clusters)


def _run(count):
    """(seconds to "ready", PSS in KiB) of a weir with so many clusters."""
    with Weir(_configuration(count)) as weir:
        ready = next(line for line in weir.log if " ready in " in line)
        with open("/proc/%d/smaps_rollup" % weir.pid) as file:
            pss = int(re.search(r"^Pss:\s+(\d+) kB", file.read(), re.MULTILINE).group(1))
        return float(re.search(r"ready in ([\d.]+) ms", ready).group(1)) / 1000, pss


def clusters(_):
    _, few = _run(1)
    seconds, many = _run(CLUSTERS)
    each = (many - few) / (CLUSTERS - 1)
    yield Figure("clusters", "%.2f s until %d are ready, at most 1" % (seconds, CLUSTERS), seconds <= 1)
    yield Figure("cluster", "%.2f KiB each, at most 6 (PSS %.1f MiB with one, %.1f MiB with %d)" %
                 (each, few / 1024, many / 1024, CLUSTERS), each <= 6)


FIGURES = {"clusters": clusters}
