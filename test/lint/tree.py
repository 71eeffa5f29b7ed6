"""The source tree as the lint checks see it, and what they report.

A check is a function Tree -> list of Problem. It reads the tree only through Tree,
so that its own tests can give it a few made-up files.
"""

import collections
import os
import re

# Where a problem is, what a waiver calls it, and what is wrong, with the bound.
Problem = collections.namedtuple("Problem", "path line key text")

TOP_FOLDERS = [".ci", "api", "bench", "configs", "docs", "source", "test", "tools"]
_CPP = (".cc", ".h")


class Tree:
    """files: path from the root -> text."""

    def __init__(self, files):
        self.files = files
        self._blanked = {}
        self._includes = {}

    @staticmethod
    def load(root):
        files = {}
        tops = [root] + [os.path.join(root, top) for top in TOP_FOLDERS]
        for top in tops:
            for folder, folders, names in os.walk(top):
                folders[:] = [] if folder == root else [f for f in folders if f != "__pycache__"]
                for name in names:
                    path = os.path.join(folder, name)
                    try:
                        with open(path, encoding="utf-8") as file:
                            files[os.path.relpath(path, root)] = file.read()
                    except (UnicodeDecodeError, OSError):
                        # A corpus or a certificate: there, but not text.
                        files[os.path.relpath(path, root)] = ""
        return Tree(files)

    def cpp(self, *tops):
        """The C++ files below the given folders, sorted."""
        return sorted(p for p in self.files if p.endswith(_CPP) and p.startswith(tuple(t + "/" for t in tops)))

    def exists(self, path):
        """Whether there is such a file or folder; "*" stands for any part of a name."""
        path = path.rstrip("/")
        if path in self.files:
            return True
        pattern = re.compile(re.escape(path).replace(r"\*", "[^/]*") + r"(/|$)")
        return any(pattern.match(p) for p in self.files)

    def blanked(self, path):
        """The text with comments, strings and preprocessor lines as spaces, lines kept."""
        if path not in self._blanked:
            self._blanked[path] = blank(self.files[path])
        return self._blanked[path]

    def uncommented(self, path):
        """The text with comments as spaces, strings and preprocessor lines kept."""
        return blank(self.files[path], strings=False, preprocessor=False)

    def includes(self, path):
        """[(line, name, quoted)] of every #include."""
        if path not in self._includes:
            lines = enumerate(self.uncommented(path).split("\n"), 1)
            matches = ((number, _INCLUDE.match(line)) for number, line in lines)
            self._includes[path] = [(n, m.group(2), m.group(1) == '"') for n, m in matches if m]
        return self._includes[path]


_INCLUDE = re.compile(r'\s*#\s*include\s*(["<])([^">]+)[">]')
_LITERAL = re.compile(
    r'//[^\n]*|/\*.*?\*/'
    r'|(?:u8|[uUL])?R"(?P<d>[^\s()\\]{0,16})\(.*?\)(?P=d)"'
    r'|"(?:\\.|[^"\\\n])*"'
    # Not the quote that groups digits, as in 1'000.
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)
_PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)


def blank(text, strings=True, preprocessor=True):
    def spaces(match):
        found = match.group(0)
        if not strings and not found.startswith(("//", "/*")):
            return found
        return re.sub(r"[^\n]", " ", found)

    text = _LITERAL.sub(spaces, text)
    return _PREPROCESSOR.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text) if preprocessor else text


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


# --- waivers -------------------------------------------------------------------


def parse_waivers(text, checks):
    """Returns ({check: {key: line}}, problems) of waivers.txt: "check key reason" per line."""
    waivers = {}
    problems = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split(None, 2)
        if len(words) < 3 or len(words[2].split()) < 3:
            problems.append(Problem("test/lint/waivers.txt", number, "", "a waiver is: check key reason-in-words"))
        elif words[0] not in checks:
            problems.append(
                Problem("test/lint/waivers.txt", number, "", "no check '%s'; there are: %s" % (words[0], ", ".join(checks))))
        else:
            waivers.setdefault(words[0], {})[words[1]] = number
    return waivers, problems


def apply_waivers(problems, waivers):
    """The problems that stay; a waiver that waives nothing is one itself."""
    keys = {problem.key for problem in problems}
    unused = [
        Problem("test/lint/waivers.txt", number, "", "unused waiver for %s: remove it" % key)
        for key, number in sorted(waivers.items()) if key not in keys
    ]
    return [problem for problem in problems if problem.key not in waivers] + unused
