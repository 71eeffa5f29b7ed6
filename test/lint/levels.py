"""Includes go down. One table of levels; see design section "The house"."""

import os

from tree import Problem

LEVELS = {
    "base": 1,
    "stats": 2,
    "buffer": 3,
    "event": 4,
    "net": 5,
    "http": 5,
    "filter": 6,
    "upstream": 6,
    "proxy": 7,
    "extensions": 8,
    "config": 8,
    "server": 9,
}

# A third-party library is known to one folder, so that it can be replaced there.
OWNERS = {
    "ares": "source/upstream/dns/",
    "brotli/": "source/extensions/compression/",
    "event2/": "source/event/",
    "fmt/": "source/base/",
    "nghttp2/": "test/http/h2/",
    "openssl/": "source/net/tls/",
    "spdlog/": "source/base/",
    "yaml-cpp/": "source/config/",
    "zlib.h": "source/extensions/compression/",
    "zstd.h": "source/extensions/compression/",
}

# Headers up to here know nothing of protobuf.
LAST_LEVEL_WITHOUT_PROTOBUF = 7


def is_protobuf(name):
    return name.endswith(".pb.h") or name.startswith("google/protobuf/")


def folder(path):
    """The folder that has a level: source/net/tls/context.h -> net."""
    return path.split("/")[1] if path.count("/") >= 2 else ""


def check_levels(tree):
    return _upward(tree) + _owners(tree) + _cycles(tree) + _protobuf(tree)


def _upward(tree):
    problems = []
    for path in tree.cpp("source"):
        here = folder(path)
        if here not in LEVELS:
            problems.append(Problem(path, 1, path, "source/%s is not in the table of levels" % here))
            continue
        for line, name, quoted in tree.includes(path):
            key = "%s:%s" % (path, name)
            if quoted and "/" not in name:
                problems.append(Problem(path, line, key, '"%s": write includes from the root' % name))
            if name.startswith(("test/", "bench/", "tools/")):
                problems.append(Problem(path, line, key, "%s: production code only" % name))
            if not name.startswith("source/"):
                continue
            there = folder(name)
            if there == here:
                continue
            if there not in LEVELS:
                problems.append(Problem(path, line, key, "%s is not in the table of levels" % name))
            elif LEVELS[there] > LEVELS[here]:
                problems.append(Problem(path, line, key, "%s: upward, from level %d (%s) to %d (%s)" %
                                        (name, LEVELS[here], here, LEVELS[there], there)))
            elif LEVELS[there] == LEVELS[here]:
                problems.append(Problem(path, line, key, "%s: %s and %s are strangers, both of level %d" %
                                        (name, here, there, LEVELS[here])))
    return problems


def _owners(tree):
    problems = []
    for path in tree.cpp("source"):
        for line, name, _ in tree.includes(path):
            for prefix, owner in OWNERS.items():
                if name.startswith(prefix) and not path.startswith(owner):
                    problems.append(Problem(path, line, "%s:%s" % (path, name),
                                            "%s: only %s includes %s*" % (name, owner, prefix)))
    return problems


def _cycles(tree):
    """Folders here are all of them, net and net/tls being two."""
    edges = {}
    where = {}
    for path in tree.cpp("source"):
        here = os.path.dirname(path)
        for line, name, _ in tree.includes(path):
            there = os.path.dirname(name)
            if name.startswith("source/") and there != here:
                edges.setdefault(here, set()).add(there)
                where.setdefault((here, there), (path, line, name))

    def reaches(start, goal):
        seen, todo = set(), [start]
        while todo:
            node = todo.pop()
            if node == goal:
                return True
            if node not in seen:
                seen.add(node)
                todo.extend(edges.get(node, ()))
        return False

    problems = []
    for (here, there), (path, line, name) in sorted(where.items()):
        if reaches(there, here):
            problems.append(Problem(path, line, "%s->%s" % (here, there),
                                    "%s: %s and %s include each other in a cycle" % (name, here, there)))
    return problems


def reached_headers(tree, start):
    """{first-party header or protobuf header reached from start: (path, line) that includes it}"""
    reached = {}
    todo = [start]
    while todo:
        path = todo.pop()
        if path not in tree.files:
            continue
        for line, name, _ in tree.includes(path):
            first_party = name.startswith(("source/", "api/"))
            if (first_party or is_protobuf(name)) and name != start and name not in reached:
                reached[name] = (path, line)
                todo.append(name)
    return reached


def _protobuf(tree):
    problems = {}
    for path in tree.cpp("source"):
        if not path.endswith(".h") or LEVELS.get(folder(path), 99) > LAST_LEVEL_WITHOUT_PROTOBUF:
            continue
        for name, (includer, line) in reached_headers(tree, path).items():
            if is_protobuf(name):
                problem = Problem(includer, line, "%s:%s" % (includer, name),
                                  "%s: no protobuf in a header of levels 1 to %d (%s reaches it)" %
                                  (name, LAST_LEVEL_WITHOUT_PROTOBUF, path))
                problems.setdefault((includer, line), problem)
    return list(problems.values())


# --- the seam that filters are written against ------------------------------------

SEAM = "source/filter/http_filter.h"
MAX_SEAM_HEADERS = 15


def check_seam(tree):
    if SEAM not in tree.files:
        return []
    reached = reached_headers(tree, SEAM)
    first_party = sorted(name for name in reached if not is_protobuf(name))
    problems = [
        Problem(path, line, SEAM, "%s: %s reaches protobuf" % (name, SEAM))
        for name, (path, line) in sorted(reached.items()) if is_protobuf(name)
    ]
    if len(first_party) > MAX_SEAM_HEADERS:
        problems.append(Problem(SEAM, 1, SEAM, "reaches %d first-party headers, at most %d: %s" %
                                (len(first_party), MAX_SEAM_HEADERS, " ".join(first_party))))
    return problems
