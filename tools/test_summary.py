#!/usr/bin/python3
"""Counts test cases: test_summary.py EVENTS...

EVENTS is what `bazel test --build_event_json_file=EVENTS` wrote, of one run or more: only what this
run did counts, not what an earlier one left behind. Prints a line for each test
that failed and each target that did not build (one failure each, also when its
number of cases is not known), then "N passed, N failed[, N skipped]". The exit
status is zero only if something passed and nothing failed.
"""

import json
import sys
import urllib.parse
import xml.etree.ElementTree as ET


class Summary:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.lines = []

    def add_failure(self, line):
        self.failed += 1
        self.lines.append(line)

    def add_result(self, label, result):
        """One run of one test (Bazel's testResult)."""
        failed_before = self.failed
        found = False
        for output in result.get("testActionOutput", []):
            if output.get("name") == "test.xml":
                found = self.add_xml(label, urllib.parse.unquote(urllib.parse.urlparse(output["uri"]).path))
        ok = result.get("status") in ("PASSED", "FLAKY")
        if ok and not found:
            self.add_failure("no result: " + label)
        elif not ok and self.failed == failed_before:
            self.add_failure("%s: %s" % (result.get("status", "no status").lower().replace("_", " "), label))

    def add_xml(self, label, path):
        try:
            cases = list(ET.parse(path).iter("testcase"))
        except (OSError, ET.ParseError) as error:
            self.add_failure("unreadable result: %s (%s)" % (label, error))
            return True
        for case in cases:
            if case.get("status") == "notrun" or case.get("result") == "skipped" or case.find("skipped") is not None:
                self.skipped += 1
            elif case.find("failure") is not None or case.find("error") is not None:
                self.add_failure("failed: %s %s" % (label, case.get("name", "")))
            else:
                self.passed += 1
        return bool(cases)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.lines += other.lines

    def text(self):
        line = "%d passed, %d failed" % (self.passed, self.failed)
        if self.skipped:
            line += ", %d skipped" % self.skipped
        return "\n".join(self.lines + [line])

    def ok(self):
        return self.passed > 0 and self.failed == 0


def summarise(events):
    """events: the decoded events, in order."""
    summary = Summary()
    unbuilt = set()
    exit_code = None
    for event in events:
        ident = event.get("id", {})
        if "testResult" in ident:
            summary.add_result(ident["testResult"]["label"], event.get("testResult", {}))
        elif "targetCompleted" in ident:
            # The same label again comes from an aspect of the same target.
            label = ident["targetCompleted"]["label"]
            if not event.get("completed", {}).get("success") and label not in unbuilt:
                unbuilt.add(label)
                summary.add_failure("did not build: " + label)
        elif "finished" in event:
            exit_code = event["finished"].get("exitCode", {})
    # 3 is "built, some test failed"; anything else stopped Bazel itself.
    if exit_code is None:
        summary.add_failure("bazel did not finish")
    elif exit_code.get("code", 0) not in (0, 3) and summary.failed == 0:
        summary.add_failure("bazel stopped: " + exit_code.get("name", "?"))
    return summary


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return 2
    summary = Summary()
    for path in sys.argv[1:]:
        with open(path) as file:
            summary.add(summarise([json.loads(line) for line in file if line.strip()]))
    print(summary.text())
    return 0 if summary.ok() else 1


if __name__ == "__main__":
    sys.exit(main())
