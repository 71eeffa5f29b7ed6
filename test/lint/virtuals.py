"""A virtual function is there for a second implementation; a test's fake is one."""

import re

from tree import Problem, line_of

MAX_PERCENT = 10

_CLASS = re.compile(
    r"(?<!enum )\b(?:class|struct)\s+(?:\[\[[^\]]*\]\]\s*|alignas\([^)]*\)\s*)*([A-Za-z_][\w:]*)"
    r"\s*(?:final\s*)?(?::(?!:)\s*([^;{]*))?\{")


def check_virtuals(tree):
    classes, descendants = read_classes(tree)
    offenders = []
    for name, (path, line, abstract) in sorted(classes.items()):
        implementations = len(descendants(name)) + (not abstract)
        if implementations <= 1:
            offenders.append(Problem(path, line, name, "%s has virtual functions and %d implementation(s)" %
                                     (name, implementations)))
    # Up to the bound they are nobody's problem.
    return offenders if len(offenders) * 100 > MAX_PERCENT * len(classes) else []


def read_classes(tree):
    """Returns ({class that introduces virtual functions: (path, line, abstract)}, descendants of a class)."""
    classes = {}
    derived = {}
    for path in tree.cpp("api", "bench", "source", "test"):
        text = tree.blanked(path)
        for match in _CLASS.finditer(text):
            name = match.group(1).split("::")[-1]
            for base in _bases(match.group(2) or ""):
                derived.setdefault(base, set()).add(name)
            body = _own_body(text, match.end())
            if path.startswith(("api/", "source/")) and re.search(r"\bvirtual\b", body):
                abstract = re.search(r"\)[^;{}]*=\s*0\s*;", body) is not None
                classes[name] = (path, line_of(text, match.start()), abstract)

    def descendants(name):
        found, todo = set(), [name]
        while todo:
            for child in derived.get(todo.pop(), ()):
                if child not in found:
                    found.add(child)
                    todo.append(child)
        return found

    return classes, descendants


def _bases(text):
    """public net::Session, private Foo<Bar> -> Session, Foo"""
    while re.search(r"<[^<>]*>", text):
        text = re.sub(r"<[^<>]*>", "", text)
    return [part.split()[-1].split("::")[-1] for part in text.split(",") if part.split()]


def _own_body(text, start):
    """What stands in the class itself, not in classes or functions inside it."""
    depth = 1
    out = []
    for match in re.compile(r"[{}]|[^{}]+").finditer(text, start):
        if match.group(0) == "{":
            depth += 1
        elif match.group(0) == "}":
            depth -= 1
            if depth == 0:
                break
            out.append(";")
        elif depth == 1:
            out.append(match.group(0))
    return "".join(out)
