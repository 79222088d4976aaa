"""Files that hallmark lays out, opened by the tools whose formats they are: torch, safetensors, numpy,
gguf-py; where the tool leaves the writer no choice, compared with its own file to the byte."""
import os
import subprocess
import tempfile
import zipfile

import gguf
import numpy as np
import safetensors.numpy
import safetensors.torch
import torch

from program import Check

PROGRAM = os.environ["HALLMARK_WRITE_LAYOUT"]
DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.bool, torch.uint8, torch.int8,
          torch.uint16, torch.int16, torch.uint32, torch.int32, torch.uint64, torch.int64, torch.complex32,
          torch.complex64, torch.complex128, torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz,
          torch.float8_e5m2fnuz, torch.float8_e8m0fnu, torch.float4_e2m1fn_x2]
NOT_IN_SAFETENSORS = {torch.complex32, torch.complex128}


def raw(tensor):
    """The bytes of a tensor, whatever its type."""
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def tensor_of(dtype, shape, generator):
    count = int(np.prod(shape)) * torch.empty(0, dtype=dtype).element_size()
    high = 2 if dtype == torch.bool else 256
    data = torch.randint(0, high, (count,), dtype=torch.uint8, generator=generator)
    return data.view(dtype).reshape(shape)


def every_dtype(dtypes):
    """Tensors of each type, large and small, none and scalars, under names of all sorts."""
    generator = torch.Generator().manual_seed(1)
    tensors = {}
    for dtype in dtypes:
        for shape in [(), (1,), (3, 4), (2, 0, 3), (5, 1, 70), (300, 257)]:
            if dtype == torch.float4_e2m1fn_x2 and not shape:
                continue  # two values, and no dimension that could say so
            tensors[f"{str(dtype)[6:]}.{'x'.join(map(str, shape))}"] = tensor_of(dtype, shape, generator)
    for name in ["", "é 日本", 'quote"\\', "line\n", "a/b.c"]:
        tensors[name] = tensor_of(torch.float32, (2, 3), generator)
    return tensors


def write(kind, source, target):
    subprocess.run([PROGRAM, kind, source, target], check=True)
    return target


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def compare(check, ours, theirs, what):
    check.equal(list(ours), list(theirs), f"{what}: names")
    for name, tensor in theirs.items():
        check.equal(ours[name].dtype, tensor.dtype, f"{what}: type of {name!r}")
        check.equal(ours[name].shape, tensor.shape, f"{what}: shape of {name!r}")
        check.that(raw(ours[name]) == raw(tensor), f"{what}: bytes of {name!r}")


def check_zip(check, path, what):
    with zipfile.ZipFile(path) as archive:
        check.equal(archive.testzip(), None, f"{what}: entries whose CRC is wrong")


def check_torch(check, folder):
    tensors = every_dtype(DTYPES)
    torch.save(tensors, f"{folder}/theirs.pt")
    ours = write("pytorch", f"{folder}/theirs.pt", f"{folder}/ours.pt")
    for options in [{"weights_only": True}, {"weights_only": True, "mmap": True}, {"weights_only": False}]:
        compare(check, torch.load(ours, **options), tensors, f"torch.load {options}")
    check_zip(check, ours, "PyTorch")
    torch.save({}, f"{folder}/none.pt")
    check.equal(torch.load(write("pytorch", f"{folder}/none.pt", f"{folder}/empty.pt")), {}, "no tensors")


def check_safetensors(check, folder):
    tensors = every_dtype(d for d in DTYPES if d not in NOT_IN_SAFETENSORS)
    torch.save(tensors, f"{folder}/theirs.pt")
    theirs = safetensors.torch.save(tensors)
    ours = write("safetensors", f"{folder}/theirs.pt", f"{folder}/ours.safetensors")
    check.that(read_bytes(ours) == theirs, "safetensors: the bytes that the reference writes")

    metadata = {'key\u007f\x01"\\/é\u2028': "value\n\r\t\b\f\x00\U0001f999"}
    safetensors.torch.save_file(tensors, f"{folder}/theirs.safetensors", metadata)
    ours = write("safetensors", f"{folder}/theirs.safetensors", f"{folder}/ours.safetensors")
    check.that(read_bytes(ours) == read_bytes(f"{folder}/theirs.safetensors"), "safetensors: with metadata")
    with safetensors.safe_open(ours, "pt") as opened:
        check.equal(opened.metadata(), metadata, "safetensors: metadata")


def check_numpy(check, folder):
    random = np.random.default_rng(1)
    arrays = {}
    for kind in ["?", "i1", "u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16"]:
        for shape in [(), (1,), (3, 4), (2, 0, 3), (70, 1, 3), (1000,)]:
            count = int(np.prod(shape)) * np.dtype(kind).itemsize
            data = random.integers(0, 2 if kind == "?" else 256, count, np.uint8)
            arrays[f"{kind[-2:]}/{'x'.join(map(str, shape))} é"] = data.view(kind).reshape(shape)
    np.savez(f"{folder}/theirs.npz", **arrays)
    ours = write("npz", f"{folder}/theirs.npz", f"{folder}/ours.npz")
    check_zip(check, ours, "npz")
    with zipfile.ZipFile(ours) as mine, zipfile.ZipFile(f"{folder}/theirs.npz") as peer:
        check.equal(mine.namelist(), peer.namelist(), "npz: entries")
        for name in peer.namelist():
            check.that(mine.read(name) == peer.read(name), f"npz: the bytes that numpy.save writes for {name}")
    with np.load(ours) as loaded:
        check.equal(loaded.files, list(arrays), "numpy.load: names")
        for name, array in arrays.items():
            check.equal((loaded[name].dtype, loaded[name].shape), (array.dtype, array.shape), f"numpy.load {name}")
            check.that(loaded[name].tobytes() == array.tobytes(), f"numpy.load: bytes of {name}")

    many = {f"w{i}": np.array([i], np.int32) for i in range(66_000)}
    safetensors.numpy.save_file(many, f"{folder}/many.safetensors")
    with np.load(write("npz", f"{folder}/many.safetensors", f"{folder}/many.npz")) as loaded:
        check.equal(len(loaded.files), len(many), "numpy.load: more entries than 16 bits count")
        check.equal(loaded["w65999"].tolist(), [65999], "numpy.load: the last of them")


def gguf_file(path, alignment):
    writer = gguf.GGUFWriter(path, "llama")
    if alignment:
        writer.add_custom_alignment(alignment)
    for name in ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"]:
        limits = np.iinfo(name)
        getattr(writer, f"add_{name}")(f"test.{name}.least", int(limits.min))
        getattr(writer, f"add_{name}")(f"test.{name}.most", int(limits.max))
    writer.add_float32("test.float32", 1e-5)
    writer.add_float64("test.float64", 1e-5)
    writer.add_bool("test.bool", True)
    writer.add_string("test.string", "é\n")
    writer.add_array("test.strings", ["a", "é", "ccc"])
    writer.add_array("test.ints", [1, -2, 3])
    writer.add_array("test.floats", [1.5, -2.5])
    writer.add_array("test.bools", [True, False])
    random = np.random.default_rng(1)
    for kind in ["f4", "f2", "f8", "i1", "i2", "i4", "i8"]:
        for shape in [(7,), (3, 5), (2, 3, 4), (2, 2, 3, 33)]:
            data = random.integers(0, 256, int(np.prod(shape)) * np.dtype(kind).itemsize, np.uint8)
            writer.add_tensor(f"{kind}.{len(shape)}", data.view(kind).reshape(shape))
    for kind in [gguf.GGMLQuantizationType.Q4_0, gguf.GGMLQuantizationType.Q6_K, gguf.GGMLQuantizationType.BF16]:
        block, size = gguf.GGML_QUANT_SIZES[kind]
        blocks = random.integers(0, 256, (3, 512 // block * size), np.uint8)
        writer.add_tensor(kind.name, blocks, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def check_gguf(check, folder):
    for alignment in [None, 8, 32, 64, 4096]:
        gguf_file(f"{folder}/theirs.gguf", alignment)
        ours = write("gguf", f"{folder}/theirs.gguf", f"{folder}/ours.gguf")
        check.that(read_bytes(ours) == read_bytes(f"{folder}/theirs.gguf"), f"GGUF: alignment {alignment}")
        check.that(len(gguf.GGUFReader(ours).tensors) == 31, "gguf-py: tensors")


def main():
    check = Check()
    with tempfile.TemporaryDirectory() as folder:
        for step in [check_torch, check_safetensors, check_numpy, check_gguf]:
            step(check, folder)
    check.finish()


main()
