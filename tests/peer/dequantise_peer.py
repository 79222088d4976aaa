"""The values of quantised blocks against gguf.quants, bit for bit, in every type that it knows:
random bytes (so every row of the codebooks, NaN and infinite scales too) and blocks of one byte."""
import os
import subprocess

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants

from program import Check

PROGRAM = os.environ["HALLMARK_DEQUANTISE"]
BLOCKS = 20_000
# Not in the package that is pinned, or no values but sums of products: nothing to compare with.
UNKNOWN_TO_PEER = {"Q8_1", "Q8_K", "Q1_0", "Q2_0"}


def ours(name, blocks):
    done = subprocess.run([PROGRAM, name.lower()], input=blocks.tobytes(), capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.float32)


def differing(left, right):
    """How many values have other bits; all NaNs count as one, since processors choose among them."""
    both_nan = np.isnan(left) & np.isnan(right)
    return int(((left.view(np.uint32) != right.view(np.uint32)) & ~both_nan).sum())


def blocks_of(block_bytes, random):
    yield "random", random.integers(0, 256, (BLOCKS, block_bytes), np.uint8)
    yield "of one byte", np.repeat(np.arange(256, dtype=np.uint8), block_bytes).reshape(256, block_bytes)


def main():
    check = Check()
    random = np.random.default_rng(1)
    compared = set()
    for kind, (block_values, block_bytes) in GGML_QUANT_SIZES.items():
        if kind.name in UNKNOWN_TO_PEER or (block_values == 1 and kind.name not in ("F16", "BF16")):
            continue
        compared.add(kind)
        for what, blocks in blocks_of(block_bytes, random):
            with np.errstate(all="ignore"):
                theirs = quants.dequantize(blocks, kind).astype(np.float32, copy=False).reshape(-1)
            values = ours(kind.name, blocks)
            check.equal(values.size, theirs.size, f"{kind.name}, {what}: values")
            check.equal(differing(values, theirs), 0, f"{kind.name}, {what}: differing values")
    check.that(GGMLQuantizationType.IQ1_M in compared and len(compared) >= 25, f"only {len(compared)} types")
    check.finish()


main()
