#!/usr/bin/python3
"""tools/certs makes what it says, keeps what is good, and says what it does not understand."""

import os
import subprocess
import tempfile
import unittest

CERTS = "tools/certs"


def run(*arguments):
    return subprocess.run([CERTS, *arguments], capture_output=True, text=True, check=False)


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=True).stdout


class CertsTest(unittest.TestCase):

    def test_makes_chains_that_verify_and_keeps_them(self):
        with tempfile.TemporaryDirectory() as folder:
            first = run(folder)
            self.assertEqual(0, first.returncode, first.stderr)
            for name, purpose in (("server", "sslserver"), ("server-rsa", "sslserver"), ("client", "sslclient"),
                                  ("client-rsa", "sslclient")):
                pem = os.path.join(folder, name + ".pem")
                openssl("verify", "-x509_strict", "-purpose", purpose, "-CAfile", os.path.join(folder, "ca.pem"), pem)
                self.assertEqual(0o600, os.stat(os.path.join(folder, name + ".key")).st_mode & 0o777)
            names = openssl("x509", "-in", os.path.join(folder, "server.pem"), "-noout", "-ext", "subjectAltName")
            self.assertIn("DNS:localhost, DNS:*.localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1", names)
            before = {f: open(os.path.join(folder, f), "rb").read() for f in os.listdir(folder)}
            self.assertNotIn("made", run(folder).stdout)
            self.assertEqual(before, {f: open(os.path.join(folder, f), "rb").read() for f in os.listdir(folder)})
            again = run(folder, "a.example", "spiffe://b").stdout
            self.assertIn("made server.pem for DNS:a.example,URI:spiffe://b", again)
            self.assertIn("ca.pem is there", again)
            self.assertIn("made ca.pem", run("--force", folder).stdout)

    def test_says_how_it_is_used(self):
        self.assertIn("Usage: tools/certs", run("--help").stdout)
        self.assertEqual(2, run().returncode)
        wrong = run("--wrong")
        self.assertEqual((2, "certs: unknown argument '--wrong'; see tools/certs --help\n"), (wrong.returncode, wrong.stderr))


if __name__ == "__main__":
    unittest.main()
