#!/usr/bin/env python3
"""Writes the checkpoints of this folder: one linear layer of 64 inputs and 32 outputs, kept as each
quantiser keeps it (names, types, shapes and config.json of its own checkpoints; the values are noise),
with safetensors and numpy.

usage: make.py        in the environment of scripts/peer-python
"""
import json
import pathlib

import numpy
import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
INPUTS, OUTPUTS, GROUP = 64, 32, 32
GROUPS = INPUTS // GROUP
LAYER = "model.layers.0.mlp.up_proj"
RANDOM = torch.Generator().manual_seed(7)


def noise(dtype, *shape):
    bits = torch.randint(0, 120, (*shape, torch.tensor([], dtype=dtype).element_size()),
                         generator=RANDOM, dtype=torch.uint8)
    return bits.view(dtype).reshape(shape)


def layer(tensors):
    return {f"{LAYER}{suffix}": tensor for suffix, tensor in tensors.items()}


def norm():
    return {"model.norm.weight": torch.ones(INPUTS, dtype=torch.float16)}


def write(name, tensors, config, framework="pt"):
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    if framework == "npz":
        numpy.savez(folder / "weights.npz", **{key: value.numpy() for key, value in tensors.items()})
    else:
        save_file(tensors, folder / "model.safetensors", {"format": framework})
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", **config}, indent=1) + "\n")


def hub(method, **more):
    return {"quantization_config": {"quant_method": method, **more}}


def gptq():
    return {".qweight": noise(torch.int32, INPUTS // 8, OUTPUTS),
            ".qzeros": noise(torch.int32, GROUPS, OUTPUTS // 8),
            ".scales": noise(torch.float16, GROUPS, OUTPUTS)}


def awq():
    return gptq() | {".qweight": noise(torch.int32, INPUTS, OUTPUTS // 8)}


def bitsandbytes(kind):
    state = json.dumps({"quant_type": kind, "blocksize": 64, "dtype": "float16", "shape": [OUTPUTS, INPUTS]})
    return {".weight": noise(torch.uint8, INPUTS * OUTPUTS // 2, 1),
            ".weight.absmax": noise(torch.float32, INPUTS * OUTPUTS // 64),
            ".weight.quant_map": noise(torch.float32, 16),
            f".weight.quant_state.bitsandbytes__{kind}":
                torch.tensor(list(state.encode()), dtype=torch.uint8)}


def mlx():
    return {".weight": noise(torch.uint32, OUTPUTS, INPUTS // 8),
            ".scales": noise(torch.float16, OUTPUTS, GROUPS),
            ".biases": noise(torch.float16, OUTPUTS, GROUPS)}


def main():
    fp8 = torch.float8_e4m3fn
    groups = {"bits": 4, "group_size": GROUP}
    g_idx = {".g_idx": torch.arange(INPUTS, dtype=torch.int32) // GROUP}
    write("gptq", layer(gptq() | g_idx) | norm(), hub("gptq", **groups, desc_act=False))
    write("gptq-without-g_idx", layer(gptq()) | norm(), hub("gptq", **groups))
    write("awq", layer(awq()) | norm(), hub("awq", **groups, version="gemm", zero_point=True))
    write("bitsandbytes-nf4", layer(bitsandbytes("nf4")) | norm(),
          hub("bitsandbytes", load_in_4bit=True, load_in_8bit=False, bnb_4bit_quant_type="nf4"))
    write("bitsandbytes-fp4", layer(bitsandbytes("fp4")) | norm(),
          {"quantization_config": {"load_in_4bit": True}})
    write("bitsandbytes-int8", layer({
        ".weight": noise(torch.int8, OUTPUTS, INPUTS), ".SCB": noise(torch.float32, OUTPUTS),
        ".weight_format": torch.tensor(0, dtype=torch.uint8)}) | norm(),
        hub("bitsandbytes", load_in_8bit=True))
    write("fp8-blocks", layer({
        ".weight": noise(fp8, OUTPUTS, INPUTS), ".weight_scale_inv": noise(torch.float32, 1, 1)}) | norm(),
        hub("fp8", fmt="e4m3", weight_block_size=[128, 128]))
    scaled = {".weight": noise(fp8, OUTPUTS, INPUTS), ".weight_scale": noise(torch.float32, OUTPUTS, 1)}
    write("fp8-compressed-tensors", layer(scaled | {".input_scale": noise(torch.float32, 1)}) | norm(),
          hub("compressed-tensors", format="float-quantized"))
    write("fp8-fbgemm", layer(scaled | {".input_scale_ub": noise(torch.float32, 1)}) | norm(),
          hub("fbgemm_fp8"))
    write("compressed-tensors-packed", layer({
        ".weight_packed": noise(torch.int32, OUTPUTS, INPUTS // 8),
        ".weight_scale": noise(torch.float16, OUTPUTS, GROUPS),
        ".weight_shape": torch.tensor([OUTPUTS, INPUTS])}) | norm(),
        hub("compressed-tensors", format="pack-quantized"))
    packed = layer(mlx()) | norm()
    both = {"quantization": {"group_size": GROUP, "bits": 4}, "quantization_config": {"group_size": GROUP, "bits": 4}}
    write("mlx", packed, both, "mlx")
    write("mlx-npz", packed, {"quantization": {"group_size": GROUP, "bits": 4}}, "npz")
    # Configurations that are not those of the tensors.
    write("says-awq", layer(gptq() | g_idx) | norm(), hub("awq", **groups))
    write("says-gptq", layer({".weight": noise(torch.float16, OUTPUTS, INPUTS)}) | norm(), hub("gptq", bits=4))
    write("says-quanto", layer({".weight": noise(torch.float16, OUTPUTS, INPUTS)}) | norm(), hub("quanto"))
    write("says-nothing", layer(awq()) | norm(), {})


main()
