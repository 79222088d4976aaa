#!/usr/bin/env python3
"""Writes the distributed checkpoint of this folder with torch itself: four processes, each of which
holds a part of every tensor, and expected.json.

usage: make.py        needs torch; scripts/peer-python prints a Python that has it
"""
import hashlib
import json
import logging
import os
import pathlib
import shutil
import warnings

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
import torch.multiprocessing
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Replicate, Shard, distribute_tensor

HERE = pathlib.Path(__file__).resolve().parent
RANKS = 4
NAMES = {torch.float32: "f32", torch.bfloat16: "bf16", torch.float16: "f16", torch.int64: "i64"}


def tensors():
    generator = torch.Generator().manual_seed(5)

    def normal(*shape, dtype=torch.float32):
        return torch.randn(shape, generator=generator).to(dtype)

    return {  # name: tensor, its placements on a mesh of 2 x 2
        "rows": (normal(8, 6), (Shard(0), Replicate())),
        "columns": (normal(6, 10, dtype=torch.bfloat16), (Replicate(), Shard(1))),
        "grid": (normal(7, 9), (Shard(0), Shard(1))),  # 4 + 3 rows, 5 + 4 columns
        "cube": (normal(4, 3, 6, dtype=torch.float16), (Shard(2), Shard(0))),
        "twice": (normal(9, 4), (Shard(0), Shard(0))),
        "few": (torch.arange(3), (Shard(0), Shard(0))),  # one rank has nothing
        "bias": (normal(5), (Replicate(), Replicate())),
        "scalar": (normal(), (Replicate(), Replicate())),
    }


def save(rank, folder):
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29511", RANK=str(rank), WORLD_SIZE=str(RANKS))
    dist.init_process_group("gloo")
    mesh = init_device_mesh("cpu", (2, 2))
    state = {name: distribute_tensor(tensor, mesh, placements) for name, (tensor, placements) in tensors().items()}
    dcp.save({"model": state, "step": 12, "note": {"text": "plain values"}}, checkpoint_id=folder)
    dist.destroy_process_group()


def main():
    os.chdir(HERE)
    shutil.rmtree("sharded", ignore_errors=True)
    torch.multiprocessing.spawn(save, args=("sharded",), nprocs=RANKS)
    expected = {"model." + name: {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "sha256": hashlib.sha256(
        tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()).hexdigest()}
        for name, (tensor, _) in tensors().items()}
    size = (HERE / "sharded/.metadata").stat().st_size
    files = {"sharded/.metadata": {"format": "torch-dcp", "size": size, "tensors": expected}}
    (HERE / "expected.json").write_text(json.dumps({"files": files}, indent=1) + "\n")


if __name__ == "__main__":
    main()
