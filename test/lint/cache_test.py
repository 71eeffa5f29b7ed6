#!/usr/bin/python3
"""tools/cache deletes what was used longest ago, and no more than it has to."""

import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)

import cases

TOOL = os.path.join(HERE, "../../tools/cache")
LOADER = importlib.machinery.SourceFileLoader("cache", TOOL)
cache = importlib.util.module_from_spec(importlib.util.spec_from_loader("cache", LOADER))
LOADER.exec_module(cache)

LOTS = 1 << 50


class CacheTest(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def file(self, name, size, read, written):
        path = os.path.join(self.folder, name[0], name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(b"x" * size)
        os.utime(path, (read, written))

    def left(self):
        return sorted(name for _, _, names in os.walk(self.folder) for name in names)

    def test_the_last_used_stay(self):
        self.file("read_late", 100, 900, 100)
        self.file("written_late", 100, 100, 800)
        self.file("old", 100, 200, 200)
        self.assertEqual((300, 200), cache.trim(self.folder, 250, 0))
        self.assertEqual(["read_late", "written_late"], self.left())

    def test_nothing_older_than_what_does_not_fit_stays(self):
        self.file("new", 100, 900, 900)
        self.file("large", 100, 800, 800)
        self.file("old", 10, 700, 700)
        self.assertEqual((210, 100), cache.trim(self.folder, 150, 0))
        self.assertEqual(["new"], self.left())

    def test_all_stays_where_there_is_room(self):
        self.file("a", 100, 1, 1)
        self.assertEqual((100, 100), cache.trim(self.folder, LOTS, 0))
        self.assertEqual(["a"], self.left())

    def test_a_full_disk_keeps_less(self):
        self.file("a", 100, 1, 1)
        self.assertEqual((100, 0), cache.trim(self.folder, LOTS, LOTS))
        self.assertEqual([], self.left())

    def test_there_may_be_no_cache_yet(self):
        self.assertEqual((0, 0), cache.trim(os.path.join(self.folder, "none"), LOTS, 0))

    def test_says_what_it_did_and_what_it_cannot_do(self):
        self.file("a", 100, 1, 1)
        line = [TOOL, "--folder", self.folder]
        done = subprocess.run(line + ["--keep", "0"], stdout=subprocess.PIPE, text=True, check=True)
        self.assertRegex(done.stdout, "^cache: 0.0 GiB deleted of 0.0 GiB in ")
        wrong = subprocess.run(line + ["--keep", "much"], stderr=subprocess.PIPE, text=True)
        self.assertEqual(2, wrong.returncode)
        self.assertIn("tools/cache --help", wrong.stderr)


if __name__ == "__main__":
    cases.main()
