"""Archives beyond 4 GiB, which need zip64, opened by torch, numpy and Python. Their large tensors are
zeros, so that the files take no room on the disk."""
import json
import os
import struct
import subprocess
import tempfile
import zipfile

import numpy as np
import torch

from program import Check

PROGRAM = os.environ["HALLMARK_WRITE_LAYOUT"]
LARGE = 2**32 + 64
SMALL = np.arange(6, dtype=np.float32).reshape(2, 3)


def sparse_safetensors(path):
    """Two large tensors of zeros, and a small one behind them."""
    header = {"a": {"dtype": "U8", "shape": [LARGE], "data_offsets": [0, LARGE]},
              "b": {"dtype": "U8", "shape": [LARGE], "data_offsets": [LARGE, 2 * LARGE]},
              "c": {"dtype": "F32", "shape": [2, 3], "data_offsets": [2 * LARGE, 2 * LARGE + SMALL.nbytes]}}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.seek(2 * LARGE, os.SEEK_CUR)
        file.write(SMALL.tobytes())


def main():
    check = Check()
    with tempfile.TemporaryDirectory() as folder:
        sparse_safetensors(f"{folder}/in.safetensors")
        for kind, name in [("pytorch", "out.pt"), ("npz", "out.npz")]:
            subprocess.run([PROGRAM, kind, f"{folder}/in.safetensors", f"{folder}/{name}"], check=True)
            with zipfile.ZipFile(f"{folder}/{name}") as archive:
                check.equal(archive.testzip(), None, f"{name}: entries whose CRC is wrong")
        loaded = torch.load(f"{folder}/out.pt", weights_only=True, mmap=True)
        check.equal(loaded["c"].tolist(), SMALL.tolist(), "torch.load")
        check.equal([loaded["a"].numel(), int(loaded["b"][-1])], [LARGE, 0], "torch.load: large ones")
        with np.load(f"{folder}/out.npz") as arrays:
            check.equal(arrays["c"].tolist(), SMALL.tolist(), "numpy.load")
    check.finish()


main()
