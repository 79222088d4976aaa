#!/usr/bin/env python3
"""Packs one small folder with GNU tar and Python's tarfile in each format they write, and says in
expected.json what the members are. Needs GNU tar >= 1.34."""
import hashlib
import io
import json
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
HEADER = json.dumps({"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}).encode().ljust(64)
LONG = "deep/" + "a-folder-with-a-long-name/" * 6 + "x.txt"  # 166: needs a prefix or an extension
LONGER = "b" * 150 + ".txt"  # no "/" where ustar could cut it
FILES = {
    "model/model.safetensors": len(HEADER).to_bytes(8, "little") + HEADER + bytes(range(24)),
    "model/config.json": b"{}\n",
    "model/empty": b"",
    "model/block": bytes(512),
    "model/ünï cödé.txt": b"not ASCII",
}
TARS = {}


def note(name, files):
    TARS[name] = {path: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                  for path, data in files.items()}


def main():
    os.environ["TZ"] = "UTC"
    with tempfile.TemporaryDirectory() as work:
        for path, data in {**FILES, LONG: b"long", LONGER: b"longer"}.items():
            target = Path(work, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        Path(work, "model/link.json").symlink_to("config.json")
        for form in ("v7", "oldgnu", "gnu", "ustar", "posix"):
            files = dict(FILES)
            if form != "v7":
                files[LONG] = b"long"
            if form in ("oldgnu", "gnu", "posix"):
                files[LONGER] = b"longer"
            name = f"gnutar-{form}.tar"
            subprocess.run(["tar", f"--format={form}", "--sort=name", "--owner=a:1", "--group=a:1",
                            "--mtime=2020-01-01", "-b1", "-cf", HERE / name,
                            "./model", *[f for f in (LONG, LONGER) if f in files]], cwd=work, check=True)
            note(name, files)
    for form, constant in (("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)):
        files = {**FILES, LONG: b"long"} if form == "ustar" else {**FILES, LONG: b"long", LONGER: b"longer"}
        name = f"python-{form}.tar"
        with tarfile.open(HERE / name, "w", format=constant) as archive:
            for path, data in files.items():
                member = tarfile.TarInfo(path)
                member.size = len(data)
                if form == "pax":
                    member.mtime = 0.5  # asks for an extended header
                archive.addfile(member, io.BytesIO(data))
        note(name, files)
    (HERE / "expected.json").write_text(json.dumps({"tars": TARS}, indent=1, ensure_ascii=False) + "\n")


main()
