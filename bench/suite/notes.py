"""What did not work in a run: a line in the report and a gap in its tables, never the end of the run."""


class Notes:

    def __init__(self, say):
        self._say = say
        self.gaps = []      # of peers, and of what this machine cannot count
        self.failures = []  # of weir or of the suite; they make the exit status 1

    def gap(self, text):
        """Once for each text."""
        if text not in self.gaps:
            self.gaps.append(text)
            self._say("%-12s %s" % ("gap", text))

    def failure(self, text):
        if text not in self.failures:
            self.failures.append(text)
            self._say("%-12s %s" % ("FAILURE", text))

    def about(self, name, text):
        """Something that happened to the proxy of that name."""
        (self.failure if name in ("weir", "bare") else self.gap)("%s %s" % (name, text))
