#!/usr/bin/python3
"""The closing line of tools/test counts what a run did, and never calls a bad run good."""

import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "../../tools"))

import cases
import test_summary

FINISHED = {"id": {"buildFinished": {}}, "finished": {"exitCode": {"name": "SUCCESS"}}}


def finished(name, code):
    return {"id": {"buildFinished": {}}, "finished": {"exitCode": {"name": name, "code": code}}}


def completed(label, success=True):
    return {"id": {"targetCompleted": {"label": label}}, "completed": {"success": True} if success else {}}


class TestSummaryTest(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def result(self, label, status, xml):
        path = os.path.join(self.folder.name, "test.xml")
        with open(path, "w") as file:
            file.write(xml)
        output = {"name": "test.xml", "uri": "file://" + path}
        return {"id": {"testResult": {"label": label}}, "testResult": {"status": status, "testActionOutput": [output]}}

    def test_counts_cases(self):
        xml = "<testsuites><testsuite><testcase name='a' status='run'/><testcase name='b' status='notrun'/>" \
              "<testcase name='c' status='run'><failure/></testcase></testsuite></testsuites>"
        summary = test_summary.summarise([self.result("//a:b", "FAILED", xml), finished("TESTS_FAILED", 3)])
        self.assertEqual("failed: //a:b c\n1 passed, 1 failed, 1 skipped", summary.text())
        self.assertFalse(summary.ok())

    def test_is_good_when_all_passed(self):
        summary = test_summary.summarise(
            [completed("//a:b"), self.result("//a:b", "PASSED", "<testsuites><testcase name='a'/></testsuites>"), FINISHED])
        self.assertEqual("1 passed, 0 failed", summary.text())
        self.assertTrue(summary.ok())

    def test_a_timeout_is_a_failure_though_no_case_says_so(self):
        summary = test_summary.summarise([self.result("//a:b", "TIMEOUT", "<testsuites><testcase name='a'/></testsuites>"), FINISHED])
        self.assertEqual("timeout: //a:b\n1 passed, 1 failed", summary.text())

    def test_a_test_without_cases_is_a_failure(self):
        self.assertFalse(test_summary.summarise([self.result("//a:b", "PASSED", "<testsuites/>"), FINISHED]).ok())

    def test_an_unreadable_result_is_a_failure(self):
        self.assertEqual(1, test_summary.summarise([self.result("//a:b", "PASSED", "<testsui"), FINISHED]).failed)

    def test_names_a_target_that_did_not_build(self):
        summary = test_summary.summarise([completed("//a:b", False), completed("//a:b", False), finished("BUILD_FAILURE", 1)])
        self.assertEqual("did not build: //a:b\n0 passed, 1 failed", summary.text())

    def test_a_run_that_stopped_is_a_failure(self):
        self.assertEqual("bazel stopped: PARSING_FAILURE\n0 passed, 1 failed",
                         test_summary.summarise([finished("PARSING_FAILURE", 1)]).text())
        self.assertEqual("bazel did not finish\n0 passed, 1 failed", test_summary.summarise([]).text())

    def test_no_test_is_not_good(self):
        self.assertFalse(test_summary.summarise([FINISHED]).ok())


if __name__ == "__main__":
    cases.main()
