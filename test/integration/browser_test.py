#!/usr/bin/python3
"""A browser (headless Chromium) loads a page, and what the page asks for, from weir: HTTP/2 over TLS, and HTTP/1.1."""

import base64
import hashlib
import html
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import tempfile

from proxy_config import cluster, config, direct, file_log, hcm, prefix, tcp, to_cluster
from tls_world import CertsCase
from weir_process import LIMIT, Weir, cases, free_ports
from wire import Origin, response

PARTS = 40
PAGE = """<!doctype html><title>weir</title><pre id="out"></pre><script>
const parts = Array.from({length: %d}, (_, i) => fetch("/part?" + i).then(r => r.text()));
const post = fetch("/echo", {method: "POST", body: "x".repeat(300000)}).then(r => r.text());
const big = fetch("/big").then(r => r.arrayBuffer());
Promise.all([post, big, ...parts]).then(([echoed, bytes, ...texts]) => {
  document.getElementById("out").textContent = JSON.stringify({
    page: performance.getEntriesByType("navigation")[0].nextHopProtocol,
    parts: [...new Set(performance.getEntriesByType("resource").map(e => e.nextHopProtocol))],
    texts: texts.join(""), echoed: echoed.length, big: bytes.byteLength, cookie: document.cookie, secure: isSecureContext});
}, error => { document.getElementById("out").textContent = "failed: " + error; });
</script>""" % PARTS
BIG = 3000000


def answer(request):
    path = request.target.partition("?")[0]
    if path == "/":
        return response(200, PAGE.encode(), "Content-Type: text/html", "Set-Cookie: seen=yes; Secure")
    body = {"/part": b"." * 1, "/echo": request.body, "/big": bytes(BIG)}[path]
    return response(200, body, "Content-Type: application/octet-stream")


def pin(certificate):
    """What --ignore-certificate-errors-spki-list takes: the SHA-256 of the public key, in base64."""
    key = subprocess.run(["openssl", "x509", "-in", certificate, "-pubkey", "-noout"], stdout=subprocess.PIPE, check=True,
                         timeout=LIMIT).stdout.decode()
    return base64.b64encode(hashlib.sha256(ssl.PEM_cert_to_DER_cert(
        key.replace("PUBLIC KEY", "CERTIFICATE"))).digest()).decode()


def page(url, *options):
    """The text of the element "out" when the page and all that it asked for are there."""
    profile = tempfile.mkdtemp(prefix="weir-browser-", dir="/tmp")
    line = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--no-proxy-server", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--user-data-dir=" + profile, "--virtual-time-budget=20000", "--dump-dom", *options, url]
    process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=dict(os.environ, HOME=profile), start_new_session=True)
    try:
        dom, log = (out.decode("utf-8", "replace") for out in process.communicate(timeout=4 * LIMIT))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # it is many processes, in a session of their own
        raise AssertionError("the browser did not end: %s" % process.communicate()[1].decode("utf-8", "replace"))
    finally:
        shutil.rmtree(profile, ignore_errors=True)
    found = re.search(r'<pre id="out">(.*?)</pre>', dom, re.DOTALL)
    assert found, "no page came:\n%s\n%s" % (dom, log)
    return html.unescape(found.group(1))


class Browser(CertsCase):

    def visit(self, alpn, *options):
        """(what the page saw, the protocols in weir's access log)"""
        port = free_ports(1)[0]
        log = file_log("access.log", text_format_source={"inline_string": "%PROTOCOL% %REQ(:PATH)% %RESPONSE_CODE%\n"})
        chain = {"transport_socket": self.certs.server(alpn=alpn), "filters": [
            hcm("front", [direct(prefix("/favicon.ico"), "", status=404), to_cluster(prefix("/"), "origin")], access_log=[log])]}
        with Origin(answer) as origin:
            front = config([{"name": "front", "address": tcp(port), "filter_chains": [chain]}], [cluster("origin", origin.port)])
            with Weir(front) as weir:
                saw = page("https://localhost:%d/" % port, *options)
                lines = [line.split() for line in weir.wait_file("access.log", PARTS + 3)]
        return saw, {line[0] for line in lines if line[1].startswith("/part")}

    def test_a_page_and_its_parts_come_over_http2_and_http1(self):
        trust = "--ignore-certificate-errors-spki-list=" + pin(self.certs.path("server.pem"))
        for alpn, name, logged in ((("h2", "http/1.1"), "h2", "HTTP/2"), (("http/1.1",), "http/1.1", "HTTP/1.1")):
            with self.subTest(alpn):
                saw, protocols = self.visit(alpn, trust)
                self.assertEqual({"page": name, "parts": [name], "texts": "." * PARTS, "echoed": 300000, "big": BIG,
                                  "cookie": "seen=yes", "secure": True}, json.loads(saw))
                self.assertEqual({logged}, protocols)


if __name__ == "__main__":
    cases.main()
