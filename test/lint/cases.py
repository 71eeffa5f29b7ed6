"""Runs a module's unittest cases so that Bazel sees each of them, not one for the file."""

import os
import sys
import unittest
import xml.etree.ElementTree as ET


class _Result(unittest.TextTestResult):

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.ran = []

    def startTest(self, test):
        super().startTest(test)
        self.ran.append(test)


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=_Result).run(suite)
    if "XML_OUTPUT_FILE" in os.environ:
        _write(result, os.environ["XML_OUTPUT_FILE"])
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)


def _write(result, path):
    bad = {test.id(): text for test, text in result.failures + result.errors}
    root = ET.Element("testsuites")
    suite = ET.SubElement(root, "testsuite", name="unittest", tests=str(len(result.ran)), failures=str(len(bad)))
    for test in result.ran:
        case = ET.SubElement(suite, "testcase", name=test.id(), status="run")
        if test.id() in bad:
            ET.SubElement(case, "failure", message="failed").text = bad.pop(test.id())
    # An error outside of a case, such as in setUpClass.
    for name, text in bad.items():
        ET.SubElement(ET.SubElement(suite, "testcase", name=name), "error", message="error").text = text
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
