"""Example configurations on ports that are free."""

import re

from weir_process import free_ports

# Ports that stand for something else than "any free one": nothing listens on 1, and redirects name 443.
_KEPT = (1, 443)


def on_free_ports(text):
    """(the text with each port replaced, {the port that was written: the free one}).

    A port that occurs as `port_value` is the same free port wherever its number stands behind a colon.
    """
    written = sorted({int(port) for port in re.findall(r'\bport_value"?: (\d+)', text)} - set(_KEPT))
    ports = dict(zip(written, free_ports(len(written))))
    return replace_ports(re.sub(r'(\bport_value"?: )(\d+)', lambda m: m.group(1) + str(_other(ports, m.group(2))), text),
                         ports), ports


def replace_ports(text, ports):
    """The same in URLs and addresses: 127.0.0.1:10000, localhost:10000, /dev/tcp/127.0.0.1/10000, ":8082"."""
    return re.sub(r"(127\.0\.0\.1[:/]|localhost:|--from :|\[::1\]:)(\d+)\b",
                  lambda m: m.group(1) + str(_other(ports, m.group(2))), text)


def _other(ports, number):
    return ports.get(int(number), int(number))
