#!/usr/bin/python3
"""Drives the suite's traffic through a weir that counts what it executes, so that the next one is compiled for that.

  train.py WEIR LOAD ORIGIN FOLDER    leaves the profile in FOLDER, which must not be there

`tools/build --pgo` calls it. Every scenario gets the same time, but for handshakes, which are OpenSSL's work and not
ours, and for what a log or routes add to h1_small, most of which runs through the same code as without.
"""

import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import peers  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402
from world import BenchError, Loader, Origin  # noqa: E402

SECONDS = 1.5
SHORT = {"tls_full": 0.5, "tls_resumed": 0.5, "h1_log": 0.5, "h1_routes": 0.5, "h1_limit": 0.5, "h1_all": 0.5}
# The folder that .bazelrc's config pgo-train compiles in; gcc's runtime puts GCOV_PREFIX before it.
COMPILED_IN = "weir-pgo"


def certificate(directory):
    cert, key = os.path.join(directory, "cert.pem"), os.path.join(directory, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", "/CN=train", "-keyout", key, "-out", cert],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return cert, key


def train(weir, load, origin_binary, directory):
    """Returns the folder with the counts."""
    environment = dict(os.environ, GCOV_PREFIX=directory)
    loader, origin = Loader(load), Origin(origin_binary)
    try:
        world = peers.World(weir, origin, certificate(directory))
        for scenario in SCENARIOS:
            proxy = peers.start("weir", scenario.setting, world, environment)
            try:
                result = loader.run(proxy.port, scenario.load, 0, SHORT.get(scenario.name, SECONDS))
            finally:
                proxy.close()  # writes the counts, added to those of before
            if result["good"] == 0:
                raise BenchError("no request of %s was answered" % scenario.name)
            print("train: %-12s %d requests" % (scenario.name, result["good"]), file=sys.stderr, flush=True)
    finally:
        origin.close()
    return os.path.join(directory, COMPILED_IN)


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    weir, load, origin, folder = map(os.path.abspath, sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="weir-train-") as directory:
        try:
            counts = train(weir, load, origin, directory)
        except BenchError as error:
            sys.exit("train: %s" % error)
        if not os.path.isdir(counts):
            sys.exit("train: %s wrote no counts; it is not compiled for it" % weir)
        shutil.move(counts, folder)


if __name__ == "__main__":
    main()
