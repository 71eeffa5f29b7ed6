"""Certificates and TLS configurations for tests: an authority, server and client certificates, and bad ones."""

import os
import shutil
import ssl
import subprocess
import tempfile
import unittest

from proxy_config import any_of
from weir_process import LIMIT, runfile

_SOCKETS = "type.googleapis.com/envoy.extensions.transport_sockets."
_LISTENER_FILTERS = "type.googleapis.com/envoy.extensions.filters.listener."


def make_certs(folder):
    """What tools/certs makes, in folder/certs."""
    subprocess.run([runfile("tools/certs"), os.path.join(folder, "certs")], check=True, stdout=subprocess.DEVNULL,
                   timeout=LIMIT)


class Certs:
    """A folder of certificates; `path("server.pem")` is one of its files."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="weir-certs-", dir="/tmp")
        make_certs(self.folder)

    def path(self, name):
        return os.path.join(self.folder, "certs", name)

    def issue(self, name, san, days=30, usage="serverAuth", signed_by="ca", start=None):
        """name.pem and name.key; signed_by None: by itself. `start`, as 20200101000000Z: then it is for one day."""
        self._openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.path(name + ".key"))
        extensions = self.path(name + ".ext")
        with open(extensions, "w") as file:
            file.write("basicConstraints=critical,CA:FALSE\nsubjectAltName=%s\nextendedKeyUsage=%s\n" % (san, usage))
        request = self.path(name + ".csr")
        self._openssl("req", "-new", "-key", self.path(name + ".key"), "-subj", "/CN=" + name, "-out", request)
        if start is not None:
            self._dated(request, extensions, name, signed_by, start)
        elif signed_by is None:
            self._openssl("x509", "-req", "-in", request, "-signkey", self.path(name + ".key"), "-days", str(days),
                          "-extfile", extensions, "-out", self.path(name + ".pem"))
        else:
            self._openssl("x509", "-req", "-in", request, "-CA", self.path(signed_by + ".pem"), "-CAkey",
                          self.path(signed_by + ".key"), "-CAcreateserial", "-days", str(days), "-extfile", extensions,
                          "-out", self.path(name + ".pem"))

    def _dated(self, request, extensions, name, signed_by, start):
        database = self.path(name + ".db")
        open(database, "w").close()
        with open(self.path(name + ".cnf"), "w") as file:
            file.write("[ca]\ndefault_ca=d\n[d]\ndatabase=%s\nnew_certs_dir=%s\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n"
                       "[p]\ncommonName=supplied\n" % (database, self.folder))
        end = start[:6] + "%02d" % (int(start[6:8]) + 1) + start[8:]
        self._openssl("ca", "-batch", "-notext", "-config", self.path(name + ".cnf"), "-in", request, "-out",
                      self.path(name + ".pem"), "-cert", self.path(signed_by + ".pem"), "-keyfile",
                      self.path(signed_by + ".key"), "-startdate", start, "-enddate", end, "-extfile", extensions)

    def revoke(self, name):
        """In crl.pem, beside nobody else."""
        path = self.path
        with open(path("crl.cnf"), "w") as file:
            file.write("[ca]\ndefault_ca=d\n[d]\ndatabase=%s\ndefault_md=sha256\ndefault_crl_days=30\n" % path("crl.db"))
        open(path("crl.db"), "w").close()
        line = ["openssl", "ca", "-config", path("crl.cnf"), "-cert", path("ca.pem"), "-keyfile", path("ca.key")]
        for more in (["-revoke", path(name + ".pem")], ["-gencrl", "-out", path("crl.pem")]):
            subprocess.run([*line, *more], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=LIMIT)

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=LIMIT)

    def pair(self, name):
        return {"certificate_chain": {"filename": self.path(name + ".pem")},
                "private_key": {"filename": self.path(name + ".key")}}

    def server(self, *names, validation=None, alpn=(), params=None, **fields):
        """The transport socket of a filter chain."""
        return _tls("DownstreamTlsContext", [self.pair(name) for name in names or ("server",)], validation, alpn, params, fields)

    def client(self, *names, validation=None, alpn=(), params=None, **fields):
        """The transport socket of a cluster; it trusts the authority."""
        validation = {"trusted_ca": {"filename": self.path("ca.pem")}} if validation is None else validation
        return _tls("UpstreamTlsContext", [self.pair(name) for name in names], validation, alpn, params, fields)

    def trust(self, **fields):
        return dict({"trusted_ca": {"filename": self.path("ca.pem")}}, **fields)

    def context(self, cert=None, alpn=None):
        """Of a Python client that trusts the authority."""
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        if cert:
            context.load_cert_chain(self.path(cert + ".pem"), self.path(cert + ".key"))
        if alpn:
            context.set_alpn_protocols(alpn)
        return context

    def close(self):
        shutil.rmtree(self.folder)


class CertsCase(unittest.TestCase):
    """A test with certificates, made once for all of it."""

    @classmethod
    def setUpClass(cls):
        cls.certs = Certs()

    @classmethod
    def tearDownClass(cls):
        cls.certs.close()


def _tls(message, pairs, validation, alpn, params, fields):
    common = {"tls_certificates": pairs} if pairs else {}
    if validation is not None:
        common["validation_context"] = validation
    if alpn:
        common["alpn_protocols"] = list(alpn)
    if params:
        common["tls_params"] = params
    return {"name": "tls", "typed_config": any_of(_SOCKETS + "tls.v3." + message, common_tls_context=common, **fields)}


def listener_filter(name, message, **fields):
    return {"name": name, "typed_config": any_of(_LISTENER_FILTERS + name + ".v3." + message, **fields)}
