"""What the documentation names is there."""

import os
import re

from tree import Problem, TOP_FOLDERS

REQUIRED = ("ARCHITECTURE.md", "README.md")

# A path may leave out the first folder.
_ROOTS = ("", "source/", "api/", "test/")
_ENDINGS = (".bazel", ".bzl", ".cc", ".h", ".md", ".proto", ".py", ".sh", ".yaml")
# Written by commands, or another project's headers.
_ELSEWHERE = ("absl/", "bazel-", "build/", "event2/", "google/", "gtest/", "nghttp2/", "openssl/", "spdlog/", "yaml-cpp/")


def check_pages(tree):
    problems = [Problem(page, 1, page, "is missing") for page in REQUIRED if page not in tree.files]
    pages = [p for p in tree.files if p.endswith(".md") and ("/" not in p or p.startswith("docs/"))]
    for page in sorted(pages):
        fenced = False
        for number, line in enumerate(tree.files[page].split("\n"), 1):
            if line.lstrip().startswith(("```", "~~~")):
                fenced = not fenced
                continue
            # In a listing, only what begins with a folder of the tree is meant as a path.
            spans = [line] if fenced else re.findall(r"`([^`]+)`", line)
            for word in (word for span in spans for word in span.split()):
                path = as_path(word, only_tops=fenced)
                if path and not any(tree.exists(root + path) for root in _ROOTS + (os.path.dirname(page) + "/",)):
                    problems.append(Problem(page, number, "%s:%s" % (page, word), "%s: no such file or folder" % word))
    return problems


def as_path(word, only_tops):
    """The repository path that a word means, or "" if it means none."""
    word = word.strip("'\"(),;")
    label = re.fullmatch(r"//([\w./-]*?)(?:/?\.\.\.)?(?::[\w.-]+)?", word)
    if label:
        return label.group(1)
    word = re.sub(r"(?::\d+)+$", "", word).rstrip(".:")
    if word.startswith("./"):
        word = word[2:]
    if "/" not in word or not re.fullmatch(r"[\w.*][\w./*+-]*", word) or word.startswith(_ELSEWHERE):
        return ""
    if word.split("/")[0] in TOP_FOLDERS:
        return word
    return word if word.endswith(_ENDINGS) and not only_tops else ""
