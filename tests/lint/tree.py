# What the lint tests share: the tracked files of the tree.
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def tracked(*patterns):
    """Paths relative to ROOT of the files under version control, new ones included."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT, check=True, capture_output=True).stdout.decode()
    return [pathlib.PurePosixPath(p) for p in sorted(set(listing.split("\0"))) if p and (ROOT / p).is_file()]


def finish(complaints, checked):
    for complaint in complaints:
        print(complaint)
    print(f"{checked} checked, {len(complaints)} complaints")
    sys.exit(1 if complaints or not checked else 0)
