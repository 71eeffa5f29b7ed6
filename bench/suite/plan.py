"""How long a run takes: seconds per round such that the whole keeps within its time, said before it begins.

What things cost beside measuring was seen on two cores of a virtual machine: starting a proxy 0.1 s, under valgrind 4 s.
"""

import peers

# Of the whole run, from when everything is built.
MOST_SECONDS = {True: 160, False: 1620}  # by "quick"
# Rounds of latencies, which are to be many because what a machine adds to them differs, and their length to that of others.
LATENCY_ROUNDS = {True: 1, False: 5}
LATENCY_SHARE = {True: 1.5, False: 1.0}
WARM = {True: 0.1, False: 0.2}
START = 0.25
RUN = 0.08  # starting the load generator
VALGRIND = 5
MEMORY_PER_PROXY = {True: 1.5, False: 7}
HONESTY = 9
GROWTH = {True: 14, False: 16}
MICRO = {True: 15, False: 120}
CROSS_CHECK = 13


class Pace:
    """Rounds and seconds of one run."""

    def __init__(self, quick, rounds, entries, parts):
        """`entries`: for each scenario the names of the proxies that are fit for it. `parts`: the others that are measured."""
        self.quick, self.warm = quick, WARM[quick]
        self.rounds = rounds or 5
        self.latency_rounds = LATENCY_ROUNDS[quick]
        self.deep = not quick
        self.connections = 1000 if quick else 10000
        self._entries, self._parts = entries, parts
        self.seconds = self.latency_seconds = 0
        fixed = self.expected()
        # The time that is left goes to the rounds.
        shares = sum(self.rounds * len(names) + LATENCY_SHARE[quick] * self.latency_rounds * len(self._contenders(names)) for names in entries.values())
        shares += 10
        least, most = (0.25, 0.8) if quick else (0.5, 1.5)
        self.seconds = min(most, max(least, (MOST_SECONDS[quick] - fixed) / shares))
        self.latency_seconds = LATENCY_SHARE[quick] * self.seconds

    @staticmethod
    def _contenders(names):
        return [name for name in names if name in peers.CONTENDERS]

    def of_scenario(self, names):
        """Seconds that one scenario takes with these proxies."""
        contenders = self._contenders(names)
        total = len(names) * (START + 2 * RUN + 0.4 + self.rounds * (RUN + self.warm + self.seconds))
        total += len(contenders) * self.latency_rounds * (RUN + self.warm + self.latency_seconds)
        if self.deep:
            total += len(names) * 1.2 + len(contenders) * VALGRIND
        return total

    def expected(self):
        """Seconds of the whole."""
        total = sum(self.of_scenario(names) for names in self._entries.values()) + 2
        if "honesty" in self._parts:
            total += HONESTY + 2 * max(5, self.rounds) * (self.seconds + self.warm + RUN)
        if "cross-check" in self._parts:
            total += CROSS_CHECK
        if "capacity" in self._parts:
            total += GROWTH[self.quick] + 4 * 4 * MEMORY_PER_PROXY[self.quick]
        return total + (MICRO[self.quick] if "micro" in self._parts else 0)
