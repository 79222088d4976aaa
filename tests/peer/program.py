"""What the peer tests share: running hallmark, and saying what is wrong."""
import os
import subprocess
import sys

HALLMARK = os.environ["HALLMARK"]
FIXTURES = os.environ["HALLMARK_FIXTURES"]


def hallmark(*arguments):
    """(exit status, stdout, stderr) of one run."""
    done = subprocess.run([HALLMARK, *map(str, arguments)], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


class Check:
    """Counts what was compared; a test that compared nothing has failed."""

    def __init__(self):
        self.compared = 0
        self.wrong = 0

    def that(self, holds, what):
        self.compared += 1
        if not holds:
            self.wrong += 1
            print("WRONG:", what)

    def equal(self, ours, theirs, what):
        self.that(ours == theirs, f"{what}: hallmark {ours!r}, peer {theirs!r}")

    def finish(self):
        print(f"{self.compared} comparisons, {self.wrong} wrong")
        sys.exit(1 if self.wrong or not self.compared else 0)
