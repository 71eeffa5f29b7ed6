#!/usr/bin/python3
"""Runs one check over the tree it lies in: lint.py CHECK

Prints each problem as path:line: text. What a check may not mend is waived in
waivers.txt beside this file, one line each: check, key, reason.
"""

import os
import subprocess
import sys

sys.dont_write_bytecode = True
# Bazel gives a test links to the files it declares; behind them is the real tree,
# whole, also from inside the sandbox.
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)

import fields
import levels
import pages
import reasons
import sizes
import tree
import virtuals
import words

CHECKS = {
    "fields": fields.check_fields,
    "levels": levels.check_levels,
    "pages": pages.check_pages,
    "reasons": reasons.check_reasons,
    "seam": levels.check_seam,
    "sizes": sizes.check_sizes,
    "virtuals": virtuals.check_virtuals,
    "words": words.check_words,
}


def run(name, source_tree):
    waivers, problems = tree.parse_waivers(source_tree.files.get("test/lint/waivers.txt", ""), sorted(CHECKS))
    return problems + tree.apply_waivers(CHECKS[name](source_tree), waivers.get(name, {}))


def main():
    root = os.path.dirname(os.path.dirname(HERE))
    if sys.argv[1:] == ["format"]:
        return subprocess.run([os.path.join(root, "tools/format"), "--check"], check=False).returncode
    if len(sys.argv) != 2 or sys.argv[1] not in CHECKS:
        print(__doc__ + "\nChecks: format " + " ".join(sorted(CHECKS)))
        return 2
    source_tree = tree.Tree.load(root)
    problems = run(sys.argv[1], source_tree)
    for problem in sorted(problems):
        print("%s:%d: %s%s" % (problem.path, problem.line, problem.text, " [%s]" % problem.key if problem.key else ""))
    print("lint %s: %d files, %d problems" % (sys.argv[1], len(source_tree.files), len(problems)))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
