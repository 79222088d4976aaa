"""Big-endian GGUF as gguf-py turns it round has the identity and the tensors of its original."""
import contextlib
import io
import json
import logging
import pathlib
import shutil
import tempfile
from types import SimpleNamespace
from unittest import mock

import gguf
from gguf.scripts import gguf_convert_endian
from program import FIXTURES, Check, hallmark

# Plain types, and every block type that the script knows.
ORIGINALS = ("tiny-f32", "tiny-f16", "tiny-bf16", "tiny-Q4_0", "tiny-Q8_0", "k256-Q4_K_M")


def turn_round(path):
    """Rewrites the file in place."""
    with mock.patch("builtins.input", return_value="YES"), contextlib.redirect_stderr(io.StringIO()):
        reader = gguf.GGUFReader(path, "r+")
        gguf_convert_endian.convert_byteorder(reader, SimpleNamespace(order="big", dry_run=False))
        reader.data.flush()


def tensors(path):
    status, out, err = hallmark("id", "--tensors", "--json", path)
    if status != 0:
        return err
    report = json.loads(out)
    return report["weights"], sorted((t["name"], t["dtype"], t["digest"]) for t in report["tensors"])


def main():
    logging.disable(logging.WARNING)
    check = Check()
    with tempfile.TemporaryDirectory() as folder:
        for name in ORIGINALS:
            original = pathlib.Path(FIXTURES, "gguf", name + ".gguf")
            turned = pathlib.Path(folder, name + ".gguf")
            shutil.copyfile(original, turned)
            turned.chmod(0o644)
            turn_round(turned)
            check.equal(turned.read_bytes()[4:8], b"\0\0\0\3", f"{name}: byte order")
            check.that(turned.read_bytes() != original.read_bytes(), f"{name}: nothing was turned round")
            check.equal(tensors(turned), tensors(original), name)
    check.finish()


main()
