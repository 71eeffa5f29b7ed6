"""Lengths of files and functions."""

import math
import re

from tree import Problem, line_of

MAX_SOURCE = 500
MAX_SOURCE_90TH = 300
MAX_FUNCTION = 60
MAX_TEST = 600

_SOURCES = ("api", "bench", "source")


def check_sizes(tree):
    problems = []
    lengths = []
    for path in tree.cpp(*_SOURCES):
        length = _lines(tree.files[path])
        lengths.append((length, path))
        if length > MAX_SOURCE:
            problems.append(Problem(path, length, path, "%d lines, at most %d" % (length, MAX_SOURCE)))
        functions, balanced = measure(tree.blanked(path))
        if not balanced:
            problems.append(Problem(path, 1, path, "braces do not match, so functions cannot be measured"))
        for name, first, last in functions:
            if last - first + 1 > MAX_FUNCTION:
                problems.append(Problem(path, first, "%s:%s" % (path, name),
                                        "%s has %d lines, at most %d" % (name, last - first + 1, MAX_FUNCTION)))
    lengths.sort()
    if lengths:
        # Nearest rank: nine in ten files are no longer than this one.
        length, path = lengths[math.ceil(0.9 * len(lengths)) - 1]
        if length > MAX_SOURCE_90TH:
            above = " ".join("%s(%d)" % (p, n) for n, p in lengths if n > MAX_SOURCE_90TH)
            problems.append(Problem(path, length, "90th-percentile",
                                    "90th percentile of source files is %d lines, at most %d: %s" %
                                    (length, MAX_SOURCE_90TH, above)))
    tests = [p for p in tree.files if p.startswith("test/") and p.endswith((".cc", ".h", ".py"))]
    for path in sorted(tests):
        length = _lines(tree.files[path])
        if length > MAX_TEST:
            problems.append(Problem(path, length, path, "%d lines, at most %d" % (length, MAX_TEST)))
    return problems


def _lines(text):
    return text.count("\n") + (not text.endswith("\n") and bool(text))


# --- functions --------------------------------------------------------------------

_TOKEN = re.compile(r"[A-Za-z_]\w*|::|->|\S")
_NAME = re.compile(r"(operator\s*\(\s*\)|operator\W{1,3}?|~?[A-Za-z_]\w*)\s*\(")


def measure(text):
    """Returns ([(name, first line, last line)], whether all braces match) of blanked C++ text.

    A function is a body at namespace or class level. What is inside it, lambdas and
    local classes, counts to it. A lambda that initialises a variable at that level is
    a function as well.
    """
    scanner = _Scanner(text)
    scanner.scope()
    return scanner.functions, not scanner.broken


class _Scanner:

    def __init__(self, text):
        self.text = text
        self.tokens = [(m.group(0), m.start()) for m in _TOKEN.finditer(text)]
        self.at = 0
        self.functions = []
        self.broken = False

    def scope(self, depth=0):
        """Reads declarations up to the brace that closes this scope."""
        head = []
        parens = 0
        while self.at < len(self.tokens):
            token, offset = self.tokens[self.at]
            self.at += 1
            if token in "([":
                parens += 1
            elif token in ")]":
                parens -= 1
            if token == ";" and parens == 0:
                head = []
            elif token == "}":
                self.broken |= depth == 0
                return
            elif token == ":" and len(head) == 1 and head[0][0] in ("public", "private", "protected"):
                head = []
            elif token == "{":
                head = self.brace(head, parens, depth)
            else:
                head.append((token, offset))
        self.broken |= depth > 0

    def brace(self, head, parens, depth):
        """Deals with what an opening brace opens; returns the head that goes on after it."""
        words = [token for token, _ in head]
        kind = "value" if parens else classify(words)
        if kind == "scope":
            self.scope(depth + 1)
            return []
        start = self.tokens[self.at - 1][1]
        end = self.skip()
        if kind == "value":
            return head + [("}", end)]
        first = line_of(self.text, head[0][1] if head else start)
        self.functions.append((self.name(head, start, kind), first, line_of(self.text, end)))
        # A lambda's declaration ends with a semicolon still to come.
        return []

    def skip(self):
        """Passes the matching closing brace and returns its offset."""
        depth = 1
        while self.at < len(self.tokens):
            token, offset = self.tokens[self.at]
            self.at += 1
            depth += (token == "{") - (token == "}")
            if depth == 0:
                return offset
        self.broken = True
        return len(self.text)

    def name(self, head, start, kind):
        words = [token for token, _ in head]
        if kind == "lambda":
            return words[words.index("=") - 1]
        own = _without_templates(words)
        match = _NAME.search(self.text, head[-len(own)][1], start) if own else None
        return re.sub(r"\s", "", match.group(1)) if match else "?"


def classify(words):
    """What a brace after these words opens: "scope", "function", "lambda" or "value" (an initialiser)."""
    words = _without_templates(words)
    if not words or words[0] == "namespace" or words[:2] == ["inline", "namespace"] or words == ["extern"]:
        return "scope"
    flat, last_paren, assigned, colon = [], -1, False, False
    depth = 0
    for index, word in enumerate(words):
        if word in "([":
            depth += 1
        elif word in ")]":
            depth -= 1
            if word == ")" and depth == 0:
                last_paren = index
        elif depth == 0:
            flat.append(word)
            operator = "operator" in words[max(0, index - 3):index]
            assigned |= word == "=" and not operator
            colon |= word == ":" and last_paren >= 0
    if assigned:
        value = words[words.index("=") + 1:]
        is_lambda = value[:1] == ["["] and (words[-1] in (")", "]", "mutable") or "->" in value)
        return "lambda" if is_lambda else "value"
    # A class's head may have parentheses only in an attribute or alignas.
    kind = next((w for w in flat if w not in _BEFORE_CLASS), "")
    if kind in ("class", "struct", "union", "enum") and words[-1] != ")" and (last_paren < 0 or ":" in flat or "alignas" in flat):
        return "scope"
    if last_paren < 0:
        return "value"
    if colon and words[-1] not in (")", "}"):
        return "value"
    return "function"


_BEFORE_CLASS = ("typedef", "static", "const", "constexpr", "inline", "alignas")


def _without_templates(words):
    """Drops each leading template<...>."""
    while words[:2] == ["template", "<"]:
        depth = 0
        for index, word in enumerate(words):
            depth += (word == "<") - (word == ">")
            if depth == 0 and index > 0:
                words = words[index + 1:]
                break
        else:
            return []
    return words
