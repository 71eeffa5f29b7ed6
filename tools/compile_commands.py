#!/usr/bin/python3
"""Writes compile_commands.json for clangd and clang-tidy.

Usage: tools/compile_commands.py [BAZEL FLAGS...]   (say, --config=clang)

Asks `bazel aquery` how each file is compiled, so nothing has to be built; but
headers that are generated (*.pb.h) exist only after `bazel build //...`.
"""

import json
import os
import subprocess
import sys

# gcc's own, which clang does not know.
DROP = {"-fno-canonical-system-headers", "-flto=auto"}


def main():
    if "--help" in sys.argv or "-h" in sys.argv:
        print(__doc__)
        return
    os.chdir(os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
    root = subprocess.check_output(["bazel", "info", "workspace"], text=True, stderr=subprocess.DEVNULL).strip()
    os.chdir(root)
    out = subprocess.check_output([
        "bazel", "aquery", "--include_aspects", "--output=jsonproto", "--noshow_progress",
        "--ui_event_filters=-info", *sys.argv[1:], 'mnemonic("CppCompile", //...)',
    ], text=True)
    commands = {}
    for action in json.loads(out).get("actions", []):
        args = action["arguments"]
        source = args[args.index("-c") + 1]
        keep, skip = [], False
        for arg in args[1:]:
            if skip:
                skip = False
            elif arg == "-MF":
                skip = True
            elif arg not in DROP and arg != "-MD":
                keep.append(arg)
        commands.setdefault(source, {
            "directory": root,
            "file": source,
            "arguments": ["c++"] + keep,
        })
    with open("compile_commands.json", "w") as file:
        json.dump([commands[key] for key in sorted(commands)], file, indent=1)
    print("compile_commands.json: %d files" % len(commands))


if __name__ == "__main__":
    main()
