#!/usr/bin/python3
"""The pages are true: their commands run and print what they say, their code is in the tree, their tables are whole.

In a block marked `sh`, "$ " begins a command and the lines behind it are what it prints; "..." stands for anything, and
"&" at the end leaves it running. A `yaml` block that begins with "# name.yaml" becomes that file. All blocks of a page share
one directory with the configs in it; ports are replaced by free ones. A `console` block is for commands that need the whole
toolchain and is not run.
"""

import glob
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from example import on_free_ports, replace_ports
from promises import in_lines, plain, shell
from weir_process import BINARY, LIMIT, cases, runfile, wait_until

_BLOCK = re.compile(r"(?:<!-- (\S+) -->\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def pages():
    return [runfile("README.md")] + sorted(glob.glob(os.path.join(runfile("docs"), "*.md")))


def blocks(path):
    """[(the file that is named before it, language, text)]"""
    with open(path) as file:
        return _BLOCK.findall(file.read())


def read(path):
    with open(runfile(path)) as file:
        return file.read()


class Sandbox:
    """A directory with the configs, a path with weir on it, and what runs there in the background."""

    def __init__(self, page):
        self.directory = tempfile.mkdtemp(prefix="weir-docs-", dir="/tmp")
        os.mkdir(os.path.join(self.directory, "bin"))
        os.symlink(os.path.abspath(BINARY), os.path.join(self.directory, "bin", "weir"))
        os.mkdir(os.path.join(self.directory, "configs"))
        configs = sorted(glob.glob(os.path.join(runfile("configs"), "*.yaml")))
        texts = [read("configs/" + os.path.basename(path)) for path in configs] + [text for _, _, text in blocks(page)]
        # One map for all files, so that one port is the same in each.
        everything = "".join(texts)
        for text in texts:
            everything += "".join("\nport_value: %s" % port for port in re.findall(r"--from \S*?:(\d+)", text))
        _, self.ports = on_free_ports(everything)
        for path, text in zip(configs, texts):
            self.write("configs/" + os.path.basename(path), text)
        self.running = []
        self.told = False  # what runs was told to end by the page
        self.environment = dict(os.environ, PATH=os.path.join(self.directory, "bin") + ":/usr/bin:/bin")

    def adapt(self, text):
        text = re.sub(r'(\bport_value"?: )(\d+)', lambda m: m.group(1) + str(self.ports.get(int(m.group(2)), m.group(2))), text)
        text = re.sub(r"(--from \S*?:)(\d+)", lambda m: m.group(1) + str(self.ports.get(int(m.group(2)), m.group(2))), text)
        return replace_ports(text, self.ports)

    def write(self, name, text):
        with open(os.path.join(self.directory, name), "w") as file:
            file.write(self.adapt(text))

    def run(self, command):
        """What a command prints."""
        command = self.adapt(command)
        if self.running:
            command = command.replace("$!", str(self.running[-1].pid))
        if not command.endswith("&"):
            self.told = self.told or command.startswith("kill -TERM")
            return shell(command, self.directory, self.environment)[1]
        log = os.path.join(self.directory, "log%d" % len(self.running))
        with open(log, "w") as file:
            process = subprocess.Popen(["bash", "-c", "exec " + command[:-1]], cwd=self.directory, env=self.environment,
                                       stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        self.running.append(process)

        def ready():
            with open(log) as file:
                text = file.read()
            if process.poll() is not None:
                raise AssertionError("%s: %s" % (command, text))
            return re.search(r"\bready\b", text)
        wait_until(ready, command)
        return ""

    def stop(self):
        """Ends what is running; a non-zero exit status is an error."""
        for process in self.running:
            if process.poll() is None and not self.told:
                process.send_signal(signal.SIGTERM)
        statuses = [process.wait(LIMIT) for process in self.running]
        del self.running[:]
        self.told = False
        if any(statuses):
            raise AssertionError("exit statuses %s" % statuses)

    def close(self):
        for process in self.running:
            process.kill()
            process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def matches(expected, printed):
    return re.fullmatch(".*".join(re.escape(part) for part in expected.split("...")), printed) is not None


class Pages(unittest.TestCase):

    def keep(self, page):
        sandbox = Sandbox(page)
        try:
            for _, language, text in blocks(page):
                name = re.match(r"# (\S+\.yaml)\n", text)
                if language == "yaml" and name:
                    sandbox.write(name.group(1), text.split("\n", 1)[1])
                if language != "sh":
                    continue
                promises = in_lines(text.splitlines())
                self.assertTrue(promises, text)
                for promise in promises:
                    self.check(sandbox, promise)
                sandbox.stop()
        finally:
            sandbox.close()

    def check(self, sandbox, promise):
        expected = plain(sandbox.adapt("\n".join(promise.expected)))
        printed = []

        def same():
            printed[:] = plain(sandbox.run(promise.command))
            return len(expected) == len(printed) and all(map(matches, expected, printed))
        if promise.command.startswith("cat access-"):
            wait_until(same, promise.command)  # lines are written a moment after the response
        else:
            self.assertTrue(same(), "%s\nsays:   %s\nprints: %s" % (promise.command, expected, printed))

    def test_code_is_what_stands_in_the_tree(self):
        found = 0
        for page in pages():
            for path, language, text in blocks(page):
                if language == "cpp":
                    self.assertTrue(path, "code without the name of its file:\n" + text)
                    self.assertIn(text, read(path), path)
                    found += 1
        self.assertGreater(found, 3)

    def test_every_reason_is_in_the_table(self):
        reasons = re.findall(r'WEIR_REASON\(k\w+, "([^"]*)", (\d+), "([^"]*)", "([^"]*)"\)', read("source/http/reasons.inc"))
        self.assertGreater(len(reasons), 20)
        rows = re.findall(r"^\| `(\w+)` \| (\d*) \| (\w*) \| (.*) \|$", read("docs/operating.md"), re.MULTILINE)
        self.assertEqual([(name, status if status != "0" else "", flag.strip("-"), sentence)
                          for flag, status, name, sentence in reasons], rows)

    def test_links_lead_somewhere(self):
        for page in pages():
            folder = "docs/" if "/docs/" in page else ""
            with open(page) as file:
                links = re.findall(r"\]\((?!https?:)([^)#]+)\)", file.read())
            for link in links:
                if link != "ARCHITECTURE.md":
                    self.assertTrue(os.path.exists(runfile(folder + link)), "%s: %s" % (page, link))


def _case(page):
    return lambda self: self.keep(page)


for _page in pages():
    _name = os.path.basename(_page)[:-len(".md")].replace("-", "_").lower()
    if any(language == "sh" for _, language, _ in blocks(_page)):
        setattr(Pages, "test_commands_of_" + _name, _case(_page))


if __name__ == "__main__":
    cases.main()
