"""Arrays and archives by numpy: every type in either order of dimensions and bytes, and headers bent
by hand. What hallmark reads of them numpy reads the same."""
import io
import json
import pathlib
import tempfile

import numpy
import torch

from program import Check, hallmark

TYPES = {"?": "bool", "i1": "i8", "u1": "u8", "i2": "i16", "u2": "u16", "i4": "i32", "u4": "u32",
         "i8": "i64", "u8": "u64", "f2": "f16", "f4": "f32", "f8": "f64", "c8": "c64", "c16": "c128"}
SHAPES = [(), (0,), (1,), (5,), (3, 4), (4, 1, 3), (2, 0, 3), (2, 3, 4, 5)]
# Headers that numpy takes and hallmark does not, each for a reason that docs/formats/numpy.md gives.
STRICTER = {"a key twice", "bytes behind", "numbers in the order of the machine", "hexadecimal"}


def arrays():
    """Name -> array, over all types, shapes and orders."""
    random = numpy.random.default_rng(7)
    out = {}
    for code in TYPES:
        for shape in SHAPES:
            for endian in "<>":
                for fortran in (False, True):
                    size = int(numpy.prod(shape)) * numpy.dtype(code).itemsize
                    raw = random.integers(0, 2 if code == "?" else 256, size, numpy.uint8).tobytes()
                    array = numpy.frombuffer(raw, numpy.dtype(endian + code)).reshape(shape)
                    name = f"{code}/{len(out)}.{endian}{'F' if fortran else 'C'}"
                    out[name] = numpy.asfortranarray(array) if fortran else array
    return out


def check_archives(check, folder):
    """The same arrays in an archive and in a file of torch's are the same weights."""
    ours = arrays()
    native = {name: torch.from_numpy(numpy.array(a, a.dtype.newbyteorder("="), order="C"))
              for name, a in ours.items()}
    torch.save(native, folder / "same.pt")
    numpy.savez(folder / "stored.npz", **ours)
    numpy.savez_compressed(folder / "deflated.npz", **ours)
    _, expected, _ = hallmark("id", folder / "same.pt")
    check.that(expected.startswith("hm1raw:"), f"the identity of torch's file: {expected!r}")
    for name in ("stored.npz", "deflated.npz"):
        _, identity, errors = hallmark("id", folder / name)
        check.equal(identity, expected, f"{name} {errors}")
        _, report, _ = hallmark("inspect", "--tensors", "--json", folder / name)
        for tensor in json.loads(report)["tensors"]:
            array = ours[tensor["name"]]
            check.equal((tensor["dtype"], tuple(tensor["shape"])),
                        (TYPES[numpy.dtype(array.dtype).str[1:].replace("b1", "?")], array.shape),
                        f"{name} {tensor['name']}")


def npy(header, values=b"abcdefgh", version=1):
    length = len(header).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode("latin1") + values


def headers():
    """What it tries -> the bytes of an array of eight."""
    def of(descr="'|u1'", order="False", shape="(8,)", end="}"):
        return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, {end}"
    yield "as numpy writes", npy(of() + "   \n")
    for version in (2, 3):
        yield f"version {version}", npy(of(), version=version)
    yield "version 4", npy(of(), version=4)
    yield "no end of line", npy(of())
    yield "double quotes", npy(of(descr='"|u1"'))
    yield "another order of keys", npy("{'shape': (8,), 'descr': '|u1', 'fortran_order': True}")
    yield "Python 2", npy(of(shape="(8L,)"))
    yield "Python 2 in version 3", npy(of(shape="(8L,)"), version=3)
    yield "two numbers", npy(of(shape="(2, 4)"))
    yield "no comma", npy(of(shape="(2, 4)", end="").rstrip(", ") + "}")
    yield "no tuple", npy(of(shape="(8)"))
    yield "a list", npy(of(shape="[8]"))
    yield "a sum", npy(of(shape="(4+4,)"))
    yield "a float", npy(of(shape="(8.0,)"))
    yield "a sign", npy(of(shape="(-8,)"))
    yield "hexadecimal", npy(of(shape="(0x8,)"))
    yield "a key more", npy(of(end="'more': 1}"))
    yield "a key less", npy("{'descr': '|u1', 'shape': (8,)}")
    yield "a key twice", npy(of(end="'shape': (8,)}"))
    yield "a number for a bool", npy(of(order="0"))
    yield "code", npy(of(descr="__import__('os')"))
    yield "no type", npy(of(descr="'|q1'"))
    yield "numbers in the order of the machine", npy(of(descr="'=u2'", shape="(4,)"))
    yield "objects", npy(of(descr="'|O'"))
    yield "more after it", npy(of() + " x")
    yield "too long", npy(of() + " " * 10_000)
    yield "bytes missing", npy(of(shape="(9,)"))
    yield "bytes behind", npy(of(shape="(7,)"))
    yield "overflow", npy(of(shape="(4611686018427387905, 4)"))


def check_headers(check, folder):
    for what, data in headers():
        try:
            peer = numpy.load(io.BytesIO(data), allow_pickle=False)
        except Exception:  # numpy raises what its parsers do
            peer = None
        (folder / "a.npy").write_bytes(data)
        status, report, _ = hallmark("inspect", "--tensors", "--json", folder / "a.npy")
        tensors = json.loads(report).get("tensors", [])
        if peer is None or what in STRICTER:
            check.that(status != 0 or not tensors, f"{what}: hallmark reads it")
        else:
            check.that(bool(tensors) and tuple(tensors[0]["shape"]) == peer.shape, f"{what}: {report}")


def main():
    check = Check()
    with tempfile.TemporaryDirectory() as name:
        check_archives(check, pathlib.Path(name))
        check_headers(check, pathlib.Path(name))
    check.finish()


main()
