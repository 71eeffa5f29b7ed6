"""Every reason for which weir answers by itself comes about somewhere, and a test brings it about.

A reason that nothing gives is a promise to readers of logs that is not kept; one that no test meets may be given for
something else. Tests of the table itself do not count: they meet every reason without its cause.
"""

import re

from tree import Problem, line_of

TABLE = "source/http/reasons.inc"
_ENTRY = re.compile(r'WEIR_REASON\((k\w+), "[^"]*", \d+, "(\w+)"')
# What becomes of a reason that something else has given.
_ONLY_TELL = ("source/proxy/http_stats.cc", "source/proxy/proxy_status.cc", "source/upstream/cluster_stats.cc")
_OF_THE_TABLE = ("test/http/reason_test.cc", "test/server/why_test.cc", "test/lint/")


def check_reasons(tree):
    text = tree.files.get(TABLE, "")
    given = set()
    for path in tree.cpp("source"):
        if path in _ONLY_TELL:
            continue
        given.update(re.findall(r"\bReason::(k\w+)", tree.blanked(path)))
    met = set()
    for path in sorted(tree.files):
        if path.startswith("test/") and path.endswith((".cc", ".py")) and not path.startswith(_OF_THE_TABLE):
            met.update(re.findall(r"\w+", tree.files[path]))
    problems = []
    for entry in _ENTRY.finditer(text):
        identifier, name = entry.groups()
        line = line_of(text, entry.start())
        if identifier not in given:
            problems.append(Problem(TABLE, line, identifier, "%s: nothing gives this reason" % identifier))
        if identifier not in met and name not in met:
            problems.append(Problem(TABLE, line, identifier, "%s: no test brings it about" % identifier))
    return problems
