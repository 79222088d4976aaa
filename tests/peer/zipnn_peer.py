"""Weights in bf16 as zipnn packs them: hallmark's file is no larger, and neither exceeds 0.664."""
import pathlib
import sys
import tempfile

import torch
from safetensors.torch import save_file

from program import Check, hallmark

try:
    from zipnn import ZipNN
except ImportError:
    print("zipnn is not installed")
    sys.exit(77)


def main():
    check = Check()
    torch.manual_seed(5)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for kind, weights in ("normal", torch.randn(4096, 4096) * 0.02), ("uniform", torch.rand(4096, 4096) - 0.5):
            save_file({"w": weights.to(torch.bfloat16)}, folder / "model.safetensors")
            original = (folder / "model.safetensors").read_bytes()
            theirs = len(ZipNN(input_format="byte", bytearray_dtype="bfloat16").compress(bytearray(original)))
            status, _, errors = hallmark("pack", folder / "model.safetensors", "-o", folder / "m.hmz", "--force", "-q")
            check.equal(status, 0, errors)
            ours = (folder / "m.hmz").stat().st_size
            print(f"{kind}: hallmark {ours / len(original):.4f}, zipnn {theirs / len(original):.4f}")
            check.that(ours <= theirs * 1.001, f"{kind}: {ours} bytes, zipnn takes {theirs}")
            check.that(ours <= 0.664 * len(original) or kind == "uniform", f"{kind}: {ours} of {len(original)} bytes")
    check.finish()


main()
