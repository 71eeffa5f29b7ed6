"""The proxies of one scenario while it is measured. One that ends or fails is started again, twice."""

from peers import start
from world import FAILURES

TRIES = 3


class Contest:

    def __init__(self, label, setting, names, world, notes):
        """`label` is what the report calls this; `names` in the order in which they take turns."""
        self.label, self.names = label, []
        self._setting, self._world, self._notes = setting, world, notes
        self._running, self._failed = {}, {}
        for name in names:
            if self._start(name):
                self.names.append(name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for proxy in self._running.values():
            proxy.close()

    def proxy(self, name):
        """None while there is none."""
        return self._running.get(name)

    def turn(self, number):
        """The names, each round beginning with another."""
        first = number % max(1, len(self.names))
        return self.names[first:] + self.names[:first]

    def attempt(self, name, action):
        """What action(proxy) gives, or None, and a line in the report."""
        if name not in self._running and not self._start(name):
            return None
        proxy = self._running[name]
        try:
            return action(proxy)
        except FAILURES as error:
            self._say(name, _what(error, proxy))
            del self._running[name]
            proxy.close()
            return None

    def _say(self, name, text):
        self._failed[name] = self._failed.get(name, 0) + 1
        left_out = "; it is left out from then on" if self._failed[name] == TRIES else ""
        self._notes.about(name, "%s in %s%s" % (text, self.label, left_out))

    def _start(self, name):
        if self._failed.get(name, 0) >= TRIES:
            return False
        try:
            proxy = start(name, self._setting, self._world)
        except FAILURES as error:
            self._say(name, "did not start (%s)" % str(error).removeprefix(name + " "))
            return self._failed[name] < TRIES and self._start(name)
        if proxy is not None:
            self._running[name] = proxy
        return proxy is not None


def _what(error, proxy):
    ended = proxy.process.ended()
    last = proxy.process.errors()
    if ended is not None:
        return ended + (" (%s)" % last if last else "")
    return "failed: %s" % (str(error).splitlines() or [type(error).__name__])[0]
