#!/usr/bin/python3
"""Endpoints in a file of their own, which changes under the running binary in every way in which files change."""

import json
import os
import threading
import unittest

from proxy_config import config, http_listener, prefix, tcp, to_cluster
from weir_process import Weir, cases, free_ports, run, wait_until
from wire import Client, Origin, fetch, response

_TYPE = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"


def endpoints(*ports, name="origin"):
    hosts = [{"endpoint": {"address": tcp(port)}} for port in ports]
    return {"@type": _TYPE, "cluster_name": name, "endpoints": [{"lb_endpoints": hosts}]}


def file_of(*assignments, **fields):
    return json.dumps(dict({"resources": list(assignments)}, **fields))


class Folder:
    """A directory with the file, and the ways to change it."""

    def __init__(self):
        import tempfile
        self._folder = tempfile.TemporaryDirectory(prefix="weir-eds-", dir="/tmp")
        self.path = self.at("endpoints.json")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def at(self, name):
        return os.path.join(self._folder.name, name)

    def write(self, text, path=None):
        with open(path or self.path, "w") as file:
            file.write(text)

    def rename_over(self, text):
        self.write(text, self.at("new"))
        os.rename(self.at("new"), self.path)

    def configuration(self, **source):
        port = free_ports(1)[0]
        cluster = {"name": "origin", "type": "EDS", "eds_cluster_config": {
            "eds_config": {"path_config_source": dict({"path": self.path}, **source), "resource_api_version": "V3"}}}
        return port, config([http_listener("front", port, [to_cluster(prefix("/"), "origin")])], [cluster])


def body(port):
    return fetch(port).body


class Endpoints(unittest.TestCase):

    def setUp(self):
        self.one = Origin(lambda _: response(body=b"one"))
        self.two = Origin(lambda _: response(body=b"two"))

    def tearDown(self):
        self.one.close()
        self.two.close()

    def test_a_file_that_is_renamed_or_written_moves_traffic(self):
        with Folder() as folder:
            folder.write(file_of(endpoints(self.one.port), version_info="v1"))
            port, configuration = folder.configuration()
            with Weir(configuration) as weir:
                self.assertEqual(b"one", body(port))
                folder.rename_over(file_of(endpoints(self.two.port), version_info="v2"))
                wait_until(lambda: body(port) == b"two", "the renamed file")
                weir.wait_log(r"cluster origin: 1 endpoints from .*, version v2")
                folder.write(file_of(endpoints(self.one.port)))
                wait_until(lambda: body(port) == b"one", "the file that was written in place")
                self.assertEqual(2, weir.stats()["cluster.origin.membership_change"])

    def test_a_link_that_leads_elsewhere_moves_traffic(self):
        """As mounted configuration is exchanged: the file is a link through a link to a folder."""
        with Folder() as folder:
            for version, origin in (("v1", self.one), ("v2", self.two)):
                os.mkdir(folder.at(version))
                folder.write(file_of(endpoints(origin.port)), folder.at(version + "/endpoints.json"))
            os.symlink("v1", folder.at("..data"))
            os.symlink("..data/endpoints.json", folder.path)
            port, configuration = folder.configuration()
            with Weir(configuration):
                self.assertEqual(b"one", body(port))
                os.symlink("v2", folder.at("..new"))
                os.rename(folder.at("..new"), folder.at("..data"))
                wait_until(lambda: body(port) == b"two", "the other folder")

    def test_a_bad_file_changes_nothing_and_is_counted(self):
        with Folder() as folder:
            good = file_of(endpoints(self.one.port))
            folder.write(good)
            port, configuration = folder.configuration()
            with Weir(configuration) as weir:
                bad = [
                    good[:len(good) // 2],
                    "",
                    "not json",
                    file_of(endpoints(self.two.port, name="other")),
                    file_of(endpoints(self.two.port), endpoints(self.two.port)),
                    file_of(endpoints(0)),
                    file_of({"@type": "type.googleapis.com/envoy.config.core.v3.Node"}),
                    file_of(endpoints(self.two.port), type_url="type.googleapis.com/x.Y"),
                ]
                for count, text in enumerate(bad, 1):
                    folder.rename_over(text)
                    weir.wait_stat("cluster.origin.update_rejected", count)
                    self.assertEqual(b"one", body(port), text)
                weir.wait_log(r'no ClusterLoadAssignment has the cluster_name "origin"; there is "other"')
                os.remove(folder.path)
                weir.wait_stat("cluster.origin.update_failure", 1)
                self.assertEqual(b"one", body(port))
                folder.write(file_of(endpoints(self.two.port)))
                wait_until(lambda: body(port) == b"two", "the file that is there again")

    def test_no_endpoints_are_none(self):
        with Folder() as folder:
            folder.write(file_of(endpoints(self.one.port)))
            port, configuration = folder.configuration()
            with Weir(configuration) as weir:
                self.assertEqual(200, fetch(port).status)
                folder.rename_over(file_of(endpoints()))
                weir.wait_stat("cluster.origin.membership_total", 0)
                self.assertEqual(503, fetch(port).status)

    def test_a_change_loses_no_request(self):
        stop, failed, count = threading.Event(), [], [0] * 4
        with Folder() as folder:
            folder.write(file_of(endpoints(self.one.port)))
            port, configuration = folder.configuration()
            with Weir(configuration):
                def load(index):
                    with Client(port) as client:
                        while not stop.is_set():
                            answer = client.get()
                            count[index] += 1
                            if answer.status != 200:
                                failed.append(answer)
                threads = [threading.Thread(target=load, args=(i,)) for i in range(len(count))]
                for thread in threads:
                    thread.start()
                try:
                    for turn in range(10):
                        new = (self.two, self.one)[turn % 2]
                        had = len(new.requests)
                        folder.rename_over(file_of(endpoints(new.port)))
                        wait_until(lambda: len(new.requests) > had + 20, "traffic at the new endpoint")
                finally:
                    stop.set()
                    for thread in threads:
                        thread.join(60)
        self.assertEqual([], failed)
        self.assertEqual(sum(count), len(self.one.requests) + len(self.two.requests))

    def test_the_start_needs_the_file(self):
        with Folder() as folder:
            _, configuration = folder.configuration()
            path = folder.at("config.json")
            folder.write(json.dumps(configuration), path)
            status, _, log = run("check", path)
            self.assertEqual(1, status)
            self.assertIn("endpoints.json", log)
            self.assertIn("eds_cluster_config.eds_config", log)
            folder.write(file_of(endpoints(1)))
            self.assertEqual(0, run("check", path)[0])


if __name__ == "__main__":
    cases.main()
