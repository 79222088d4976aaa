"""The blocks that values are quantised to against ggml_quantize_chunk, byte for byte, in every type
that hallmark makes: values as weights have them and values that they should not have, with importance
and without. A block that ggml_validate_row_data refuses need only be refused by hallmark too."""
import ctypes
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from program import Check

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("HALLMARK_QUANTISE")
TYPES = "Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS TQ1_0 TQ2_0 MXFP4".split()
ROWS, ROW_LENGTH = 17, 1280  # an odd number of blocks of 256: not a multiple of what lanes take


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def library():
    """libggml-base of scripts/peer-llama, or skips."""
    found = subprocess.run([ROOT / "scripts/peer-llama", "--if-ready"], capture_output=True, text=True)
    if found.returncode != 0:
        skip("llama.cpp is not set up; scripts/peer-llama does it")
    ggml = ctypes.CDLL(str(Path(found.stdout.strip(), "lib/libggml-base.so")))
    ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
    ggml.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p,
                                         *[ctypes.c_int64] * 3, ctypes.c_void_p]
    ggml.ggml_validate_row_data.restype = ctypes.c_bool
    ggml.ggml_validate_row_data.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
    return ggml


def kinds_of_values(random):
    shape = (ROWS, ROW_LENGTH)
    normal = random.standard_normal(shape).astype(np.float32) * np.float32(0.02)
    groups = np.repeat(random.integers(0, 24, (ROWS, ROW_LENGTH // 16)), 16, axis=1)
    superblocks = np.repeat(np.arange(ROWS * ROW_LENGTH // 256), 256).reshape(shape)
    sign = np.where(groups % 2 == 0, 1, -1)
    yield "normal", normal
    yield "of bf16", (normal.view(np.uint32) & 0xFFFF0000).view(np.float32)
    yield "constant", np.choose(groups % 4, [0, -0.0, 0.37, -1.25])
    yield "with zero groups", np.where(groups % 3 == 0, 0 * sign, normal)
    yield "positive", abs(normal)
    yield "negative", -abs(normal)
    yield "tiny", normal * 1e-30
    yield "subnormal", random.standard_normal(shape) * np.where(superblocks % 2, 1e-38, 1e-44)
    yield "huge", normal * 10.0 ** (superblocks % 8 * 5)
    yield "of mixed scales", normal * 2.0 ** groups
    yield "close together", sign * (1 + normal * 2.0 ** -(superblocks % 26))
    yield "powers of two", sign * 2.0 ** random.integers(-15, 5, shape)
    yield "whole", random.integers(-15, 16, shape)
    yield "with outliers", np.where(random.random(shape) < 0.02, normal * 1000, normal)
    yield "with infinities", np.where(random.random(shape) < 0.001, sign * np.inf, normal)
    yield "with NaNs", np.where(random.random(shape) < 0.001, np.nan, normal)


def kinds_of_importance(random):
    yield "no importance", None
    importance = random.random(ROW_LENGTH).astype(np.float32)
    yield "importance", importance
    sparse = np.where(random.random(ROW_LENGTH) < 0.3, 0, importance)
    sparse[64:128] = 0
    yield "importance with zeros", sparse * 2.0 ** random.integers(-8, 8, ROW_LENGTH)


def pointer(array):
    return None if array is None else array.ctypes.data_as(ctypes.c_void_p)


def ours(name, values, importance, way):
    arguments = [PROGRAM, name.lower(), str(ROW_LENGTH), "plain" if importance is None else "importance", way]
    numbers = values.tobytes() if importance is None else importance.tobytes() + values.tobytes()
    done = subprocess.run(arguments, input=numbers, capture_output=True, check=True)
    return np.frombuffer(done.stdout[:-1], np.uint8), done.stdout[-1] == 1


def main():
    if not PROGRAM:
        skip("the program is not built")
    ggml = library()
    check = Check()
    random = np.random.default_rng(1)
    for name in TYPES:
        kind = GGMLQuantizationType[name]
        block_values, block_bytes = GGML_QUANT_SIZES[kind]
        for what, values in kinds_of_values(random):
            values = np.ascontiguousarray(values, np.float32)
            for how, importance in kinds_of_importance(random):
                importance = None if importance is None else np.ascontiguousarray(importance, np.float32)
                theirs = np.zeros(values.size // block_values * block_bytes, np.uint8)
                ggml.ggml_quantize_chunk(kind, pointer(values), pointer(theirs), 0, ROWS, ROW_LENGTH,
                                         pointer(importance))
                valid = ggml.ggml_validate_row_data(kind, pointer(theirs), theirs.size)
                blocks = theirs.reshape(-1, block_bytes)
                kept = np.array([valid or ggml.ggml_validate_row_data(kind, pointer(block), block.size)
                                 for block in blocks])
                for way in ("fast", "definition"):
                    made, finite = ours(name, values, importance, way)
                    differing = (made.reshape(-1, block_bytes) != blocks).any(axis=1) & kept
                    case = f"{name}, values {what}, {how}, {way}"
                    check.equal(int(differing.sum()), 0, f"{case}: differing blocks")
                    check.equal(finite, valid, f"{case}: all scales finite")
    check.finish()


main()
