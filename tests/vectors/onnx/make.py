#!/usr/bin/env python3
"""Writes the ONNX files of this folder and expected.json, with the onnx package itself.

usage: make.py        needs onnx (1.23) and numpy
"""
import hashlib
import json
import pathlib

import numpy
import onnx
from onnx import TensorProto, external_data_helper, helper, numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
RANDOM = numpy.random.default_rng(7)
FILES = {}

# How this project spells the types, and in which typed field onnx.proto keeps them.
TYPES = {
    TensorProto.FLOAT: "f32", TensorProto.UINT8: "u8", TensorProto.INT8: "i8", TensorProto.UINT16: "u16",
    TensorProto.INT16: "i16", TensorProto.INT32: "i32", TensorProto.INT64: "i64", TensorProto.BOOL: "bool",
    TensorProto.FLOAT16: "f16", TensorProto.DOUBLE: "f64", TensorProto.UINT32: "u32", TensorProto.UINT64: "u64",
    TensorProto.COMPLEX64: "c64", TensorProto.COMPLEX128: "c128", TensorProto.BFLOAT16: "bf16",
    TensorProto.FLOAT8E4M3FN: "f8_e4m3", TensorProto.FLOAT8E4M3FNUZ: "f8_e4m3fnuz",
    TensorProto.FLOAT8E5M2: "f8_e5m2", TensorProto.FLOAT8E5M2FNUZ: "f8_e5m2fnuz",
    TensorProto.FLOAT8E8M0: "f8_e8m0", TensorProto.FLOAT4E2M1: "f4_e2m1",
}


def values(kind, shape):
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    size = int(numpy.prod(shape))
    if dtype.kind in "iu" and dtype.names is None and kind != TensorProto.FLOAT4E2M1:
        low, high = numpy.iinfo(dtype).min, numpy.iinfo(dtype).max
        return RANDOM.integers(low, high, size, dtype=dtype, endpoint=True).reshape(shape)
    if dtype.kind == "b":
        return (RANDOM.integers(0, 2, size) == 1).reshape(shape)
    if dtype.kind == "c":
        return (RANDOM.standard_normal(size) + 1j * RANDOM.standard_normal(size)).astype(dtype).reshape(shape)
    return RANDOM.standard_normal(size).astype(numpy.float32).astype(dtype).reshape(shape)


def little_endian(tensor, base=""):
    """The row-major bytes as onnx reads them back; two 4-bit values a byte, the first one low."""
    array = numpy_helper.to_array(tensor, str(base))
    if tensor.data_type == TensorProto.FLOAT4E2M1:
        nibbles = array.view(numpy.uint8).reshape(-1) & 15
        return (nibbles[0::2] | nibbles[1::2] << 4).tobytes()
    return array.astype(array.dtype.newbyteorder("<")).tobytes() if array.dtype.isbuiltin == 1 else array.tobytes()


def write(name, tensors, external=None, **model_fields):
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "tiny",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])], initializer=tensors)
    model = helper.make_model(graph, producer_name="pytorch", producer_version="2.13.0",
                              opset_imports=[helper.make_opsetid("", 21)], **model_fields)
    expected = {t.name: {"dtype": TYPES[t.data_type], "shape": list(t.dims),
                         "sha256": hashlib.sha256(little_endian(t)).hexdigest()} for t in tensors}
    path = HERE / name
    if external:
        onnx.save_model(model, path, save_as_external_data=True, **external)
    else:
        onnx.save_model(model, path)
    for tensor in onnx.load(path).graph.initializer:  # what was written is what was meant
        assert hashlib.sha256(little_endian(tensor)).hexdigest() == expected[tensor.name]["sha256"], tensor.name
    FILES[name] = {"format": "onnx", "size": path.stat().st_size, "tensors": expected}


def raw(name, kind, shape):
    return numpy_helper.from_array(values(kind, shape), name)


def typed(name, kind, shape):
    return helper.make_tensor(name, kind, shape, values(kind, shape).flatten(), raw=False)


def main():
    for old in HERE.iterdir():
        if old.name != "make.py":
            old.unlink()
    kinds = sorted(TYPES)
    shapes = [(3, 4), (2, 3, 2), (8,)]
    write("raw.onnx", [raw(f"raw.{TYPES[k]}", k, shapes[i % 3]) for i, k in enumerate(kinds)]
          + [raw("scalar", TensorProto.FLOAT, ()), raw("empty", TensorProto.FLOAT, (0, 4))])
    write("typed.onnx", [typed(f"typed.{TYPES[k]}", k, shapes[i % 3]) for i, k in enumerate(kinds)
                         if k not in (TensorProto.FLOAT8E8M0,)]
          + [typed("long", TensorProto.INT64, (700,)), typed("halves", TensorProto.FLOAT16, (33, 17))])
    tensors = [raw(f"layers.{i}.weight", TensorProto.FLOAT16, (16, 24)) for i in range(3)]
    write("one-file.onnx", tensors, {"all_tensors_to_one_file": True, "location": "one-file.onnx_data",
                                     "size_threshold": 0})
    tensors = [raw(f"layers.{i}.weight", TensorProto.FLOAT, (8, 8)) for i in range(3)]
    tensors.append(raw("small.bias", TensorProto.FLOAT, (4,)))  # stays in the model
    write("many-files.onnx", tensors, {"all_tensors_to_one_file": False, "size_threshold": 64})
    (HERE / "expected.json").write_text(json.dumps({"files": FILES}, indent=1) + "\n")


main()
