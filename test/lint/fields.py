"""A field of the API is there only if the server reads it."""

import re

from tree import Problem, blank, line_of

# Wired in once there is a server that could read anything.
SERVER = "source/server/main.cc"

_ITEM = re.compile(
    r"\b(?P<kind>message|enum|oneof|extend|service)\s+(?P<name>[\w.]+)\s*\{"
    r"|(?P<close>\})|(?P<open>\{)"
    r"|\b(?:(?:optional|repeated|required)\s+)?(?P<type>map\s*<[^>]*>|\.?[A-Za-z_][\w.]*)\s+(?P<field>[a-z_]\w*)\s*=\s*\d+")


def check_fields(tree):
    if SERVER not in tree.files:
        return []
    source = "\n".join(tree.uncommented(p) for p in tree.cpp("source"))
    problems = []
    for path in sorted(p for p in tree.files if p.startswith("api/") and p.endswith(".proto")):
        for name, line in read_fields(tree.files[path]):
            if not is_read(name.split(".")[-1], source):
                problems.append(Problem(path, line, name, "%s is read nowhere in source/" % name))
    return problems


def read_fields(text):
    """[(package.Message.field, line)] of a .proto file."""
    text = blank(text, preprocessor=False)
    package = re.search(r"^\s*package\s+([\w.]+)\s*;", text, re.MULTILINE)
    fields = []
    stack = []
    for match in _ITEM.finditer(text):
        if match.group("kind"):
            stack.append((match.group("kind"), match.group("name")))
        elif match.group("open"):
            stack.append(("", ""))
        elif match.group("close"):
            if stack:
                stack.pop()
        elif stack and stack[-1][0] in ("message", "oneof") and match.group("type") not in ("option", "reserved"):
            scope = [name for kind, name in stack if kind == "message"]
            prefix = [package.group(1)] if package else []
            fields.append((".".join(prefix + scope + [match.group("field")]), line_of(text, match.start("field"))))
    return fields


def is_read(field, source):
    camel = "k" + "".join(part.capitalize() for part in field.split("_"))
    name = re.escape(field)
    pattern = r"(?:\.|->)(?:has_|mutable_|set_|add_)?%s(?:_size)?\s*\(|\"(?:[\w.]+\.)?%s\"|::%s(?:FieldNumber)?\b" % (name, name, camel)
    return re.search(pattern, source) is not None
