"""Words that do not occur, and how types may not be called."""

import re

from tree import Problem, line_of

_CODE = [
    (r"\bMOCK_\w+", "tests use fakes, not mocks"),
    (r"\b(?:sleep_for|sleep_until|usleep|nanosleep|SleepFor)\b|\bsleep\s*\(", "nothing sleeps; wait for the event"),
    (r"\bGTEST_SKIP\b|\bDISABLED_\w*", "a test runs or is not there"),
    (r"\b(?:EXPECT|ASSERT)_TRUE\s*\(\s*true\s*\)|\b(?:EXPECT|ASSERT)_FALSE\s*\(\s*false\s*\)", "this cannot fail"),
    (r"\b\w*(?:[eE]n|[dD]e)code_?(?:[hH]ead(?:ers?)?|[dD]ata|[tT]railers?|[mM]etadata|[cC]omplete|[eE]nd|1xx|100[cC]ontinue)\b",
     "directions are request and response, downstream and upstream"),
    (r"\b(?:class|struct|union|enum(?:\s+class)?|using)\s+\w+(?:Impl|Helpers?|Utils?|Common|Base)\b",
     "a type's name says what it is: no Impl, Helper, Util, Common, Base"),
    (r"\b(?:class|struct)\s+(?!HttpConnectionManager\b|ClusterManager\b)\w+Manager\b",
     "no Manager but HttpConnectionManager and ClusterManager"),
    (r"\bFieldPath\s+\w+\s*=\s*[^;]*\)\s*\.\s*(?:at|key)\b",
     "a path that is kept looks at its parent: give the step between a name"),
]
_ANYWHERE = [(r"\b(?:TODO|FIXME|XXX)\b", "finish it or leave it out; what is left to do is an issue")]


def check_words(tree):
    problems = []
    for path in tree.cpp("api", "bench", "source", "test"):
        for rules, text in ((_CODE, tree.blanked(path)), (_ANYWHERE, tree.files[path])):
            for pattern, why in rules:
                for match in re.finditer(pattern, text):
                    word = match.group(0).split()[-1]
                    problems.append(Problem(path, line_of(text, match.start()), "%s:%s" % (path, word), "%s: %s" % (word, why)))
    return problems
