#!/usr/bin/python3
"""No word of unfinished work and no path of somebody's machine is in the tree."""
import re

from tree import ROOT, finish, tracked

# Written so that no pattern matches its own line here.
WORDS = re.compile(
    r"\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b"
    r"|(?i:\bnot (yet )?[i]mplemented\b|\b[p]lace-?holder\b|\b[s]tub(bed|s)?\b)")
# Absolute paths: those that every system has may be written, and places that are none of files (of
# JSON, of servers); all others are of one machine.
PATHS = re.compile(r"(?:^|[\s\"'`(=<>])/(?!(?:bin|dev|etc|proc|srv|tmp|usr)/|(?:api|models|tensors)/)[A-Za-z][\w.-]*/[\w.]")
CODE = {".cc", ".h", ".py", ".sh", ".cmake", ""}


def main():
    complaints, checked = [], 0
    for path in tracked():
        if path.parts[:2] in (("tests", "vectors"), ("demo", "sample")) or path.parts[:3] == ("tests", "fuzz", "corpus"):
            continue  # data, not ours to word
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            complaints.append(f"{path}: not UTF-8 text")
            continue
        checked += 1
        for number, line in enumerate(text.splitlines(), 1):
            if path.suffix in CODE and path.name != "LICENSE" and (m := WORDS.search(line)):
                complaints.append(f"{path}:{number}: {m.group(0)!r}: finish it or say plainly what is so")
            if m := PATHS.search(line):
                complaints.append(f"{path}:{number}: a path of one machine: {line.strip()[:80]}")
    finish(complaints, checked)


main()
