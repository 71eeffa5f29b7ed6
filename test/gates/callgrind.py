"""Reads what valgrind's callgrind writes: instructions that were executed, by object, and calls, by function.

The format is in valgrind's manual, "Callgrind Format Specification". Names are given once, as "(7) name", and by
number after that; the line behind "calls=" is the cost of what was called and counts there already.
"""

import re

_NAME = re.compile(r"\((\d+)\)(?: (.*))?$")
ALLOCATORS = {"malloc", "calloc", "realloc", "memalign", "posix_memalign", "aligned_alloc"}


class Profile:

    def __init__(self):
        self.instructions = {}  # by the path of the object
        self.calls = {}         # by the name of the function

    def of_weir(self):
        """Without the C library: which of its variants of memcpy runs depends on the processor."""
        return sum(cost for name, cost in self.instructions.items() if not re.search(r"/(libc|ld-linux|libm)[-.]", name))

    def allocations(self):
        return sum(count for name, count in self.calls.items() if name.split("'")[0] in ALLOCATORS)


def read(path):
    names = {"ob": {}, "fn": {}}
    profile = Profile()
    now = called = None
    skip = False

    def name(kind, text):
        number, given = _NAME.match(text).groups()
        if given is not None:
            names[kind][number] = given
        return names[kind][number]

    with open(path) as file:
        for line in file:
            first = line[0]
            if first.isdigit() or first in "+-*":
                if not skip:
                    cost = int(line.split()[1])
                    profile.instructions[now] = profile.instructions.get(now, 0) + cost
                skip = False
            elif line.startswith("ob="):
                now = name("ob", line[3:-1])
            elif line.startswith("cob="):
                name("ob", line[4:-1])
            elif line.startswith("fn="):
                name("fn", line[3:-1])
            elif line.startswith("cfn="):
                called = name("fn", line[4:-1])
            elif line.startswith("calls="):
                profile.calls[called] = profile.calls.get(called, 0) + int(line[6:].split()[0])
                skip = True
    return profile
