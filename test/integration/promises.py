"""Commands in comments and pages, with what they print: read, run and compared.

    $ curl -s http://127.0.0.1:10000/
    hello

is the command behind "$ " and the lines that it prints. Standard error is not compared. White space at the ends of lines
and runs of spaces are not either, so that `uniq -c` may align as it likes.
"""

import re
import subprocess

from weir_process import LIMIT


class Promise:

    def __init__(self, command, expected):
        self.command = command
        self.expected = expected


def in_comments(text):
    """The promises of the comment at the top of a configuration."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line[2:])
    return in_lines(lines, indent="  ")


def in_lines(lines, indent=""):
    promises = []
    open_ = False
    for line in lines:
        if line.startswith(indent + "$ "):
            promises.append(Promise(line[len(indent) + 2:], []))
            open_ = True
        elif open_ and line.strip() and line.startswith(indent):
            promises[-1].expected.append(line[len(indent):])
        else:
            open_ = False
    return promises


def shell(command, cwd, env=None):
    """Runs a command with bash; returns (exit status, standard output)."""
    done = subprocess.run(["bash", "-c", command], cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          timeout=LIMIT)
    return done.returncode, done.stdout.decode()


def plain(text):
    """What is compared: the lines, without what alignment adds."""
    return [re.sub(r"\s+", " ", line).strip() for line in text.splitlines() if line.strip()]
