"""ONNX models by onnx itself: every type, as raw bytes, as typed fields and in files beside the model.
What hallmark reads of them is what safetensors holds of the same numbers."""
import json
import pathlib
import tempfile

import ml_dtypes
import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

from program import Check, hallmark

# Types that both containers have, by hallmark's names.
PLAIN = {"f32": numpy.float32, "f64": numpy.float64, "f16": numpy.float16, "u8": numpy.uint8, "i8": numpy.int8,
         "u16": numpy.uint16, "i16": numpy.int16, "u32": numpy.uint32, "i32": numpy.int32, "u64": numpy.uint64,
         "i64": numpy.int64, "bool": numpy.bool_, "c64": numpy.complex64}
# Types that numpy has not.
EXTENDED = {"bf16": (TensorProto.BFLOAT16, ml_dtypes.bfloat16),
            "f8_e4m3": (TensorProto.FLOAT8E4M3FN, ml_dtypes.float8_e4m3fn),
            "f8_e5m2": (TensorProto.FLOAT8E5M2, ml_dtypes.float8_e5m2),
            "f8_e4m3fnuz": (TensorProto.FLOAT8E4M3FNUZ, ml_dtypes.float8_e4m3fnuz),
            "f8_e5m2fnuz": (TensorProto.FLOAT8E5M2FNUZ, ml_dtypes.float8_e5m2fnuz)}
SHAPES = [(), (1,), (7,), (3, 5), (2, 3, 4)]


def arrays():
    random = numpy.random.default_rng(11)
    out = {}
    for name, kind in PLAIN.items():
        for shape in SHAPES:
            size = int(numpy.prod(shape)) * numpy.dtype(kind).itemsize
            raw = random.integers(0, 2 if name == "bool" else 256, size, numpy.uint8).tobytes()
            out[f"{name}.{len(shape)}d"] = numpy.frombuffer(raw, kind).reshape(shape)
    return out


def model(tensors):
    graph = helper.make_graph([], "weights", [], [], initializer=tensors)
    return helper.make_model(graph, producer_name="a test", opset_imports=[helper.make_opsetid("", 21)])


def typed(name, array):
    """The same tensor in the field of its type instead of raw bytes."""
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    values = array.ravel()
    if array.dtype == numpy.complex64:
        values = values.view(numpy.float32).view(numpy.complex64)
    return helper.make_tensor(name, kind, array.shape, values.tolist(), raw=False)


def save_bits(dtype, array, path):
    """A safetensors file of one tensor of a type that numpy has not."""
    raw = array.tobytes()
    header = json.dumps({"w": {"dtype": dtype.upper(), "shape": array.shape, "data_offsets": [0, len(raw)]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + raw)


def check_same(check, path, identity, what):
    status, ours, errors = hallmark("id", path)
    check.equal((status, ours), (0, identity), f"{what} {errors}")


def main():
    check = Check()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        ours = arrays()
        save_file(ours, folder / "same.safetensors")
        _, identity, errors = hallmark("id", folder / "same.safetensors")
        check.that(identity.startswith("hm1raw:"), f"the identity of the safetensors file: {identity!r} {errors}")

        raw = [numpy_helper.from_array(array, name) for name, array in ours.items()]
        onnx.save(model(raw), folder / "raw.onnx")
        check_same(check, folder / "raw.onnx", identity, "raw bytes")

        for one_file in (True, False):
            place = folder / f"external-{one_file}"
            place.mkdir()
            onnx.save(model([numpy_helper.from_array(array, name) for name, array in ours.items()]),
                      place / "model.onnx", save_as_external_data=True, all_tensors_to_one_file=one_file,
                      location="weights.bin" if one_file else None, size_threshold=0)
            check_same(check, place / "model.onnx", identity, f"external data, one file: {one_file}")
            status, report, _ = hallmark("inspect", "--tensors", "--json", place / "model.onnx")
            for tensor in json.loads(report)["tensors"]:
                array = ours[tensor["name"]]
                check.equal((tensor["dtype"], tuple(tensor["shape"])), (tensor["name"].split(".")[0], array.shape),
                            f"inspect: {tensor['name']}")

        # NaNs do not survive the way through Python's floats, so the typed fields get small numbers.
        small = {name: (array.astype(numpy.float64).ravel() * 0 + numpy.arange(array.size) % 2).reshape(array.shape)
                 .astype(array.dtype) if array.dtype != numpy.complex64
                 else (numpy.arange(array.size) * (1 + 2j)).astype(numpy.complex64).reshape(array.shape)
                 for name, array in numpy_without_warnings(ours).items()}
        save_file(small, folder / "small.safetensors")
        _, identity, _ = hallmark("id", folder / "small.safetensors")
        onnx.save(model([typed(name, array) for name, array in small.items()]), folder / "typed.onnx")
        check_same(check, folder / "typed.onnx", identity, "typed fields")

        for name, (code, kind) in EXTENDED.items():
            bits = numpy.arange(256, dtype=numpy.uint8 if numpy.dtype(kind).itemsize == 1 else numpy.uint16)
            onnx.save(model([helper.make_tensor("w", code, bits.shape, bits.tobytes(), raw=True)]),
                      folder / f"{name}.onnx")
            onnx.save(model([helper.make_tensor("w", code, (6,), [0, 1, -1, 0.5, 2, -1.5])]), folder / "some.onnx")
            save_bits(name, bits, folder / f"{name}.safetensors")
            save_bits(name, numpy.array([0, 1, -1, 0.5, 2, -1.5]).astype(kind), folder / "some.safetensors")
            _, report, errors = hallmark("inspect", "--tensors", "--json", folder / f"{name}.onnx")
            check.equal(json.loads(report)["tensors"][0]["dtype"], name, f"inspect {name} {errors}")
            for stem in (name, "some"):
                _, identity, _ = hallmark("id", folder / f"{stem}.safetensors")
                check_same(check, folder / f"{stem}.onnx", identity, f"{name}, {stem}")
    check.finish()


def numpy_without_warnings(arrays):
    return {name: numpy.nan_to_num(array) if array.dtype.kind in "fc" else array for name, array in arrays.items()}


main()
