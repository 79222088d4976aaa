"""Packed files by a reader of their own, written from docs/formats/packed.md: what it gets out of what
hallmark packed are the files that went in."""
import ctypes
import ctypes.util
import hashlib
import pathlib
import struct
import sys
import tempfile

import numpy
import torch
from safetensors.torch import save_file

from program import FIXTURES, Check, hallmark

FRAME = 2 * 1024 * 1024


def zstd_library():
    name = ctypes.util.find_library("zstd")
    if name is None:
        print("no libzstd here")
        sys.exit(77)
    library = ctypes.CDLL(name)
    library.ZSTD_decompress.restype = ctypes.c_size_t
    return library


ZSTD = zstd_library()


def decompress(data, size):
    out = ctypes.create_string_buffer(size)
    made = ZSTD.ZSTD_decompress(out, ctypes.c_size_t(size), data, ctypes.c_size_t(len(data)))
    assert made == size, (made, size)
    return out.raw


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        self.at += size
        assert self.at <= len(self.data)
        return self.data[self.at - size:self.at]

    def number(self, code):
        return struct.unpack("<" + code, self.take(struct.calcsize(code)))[0]

    def file(self):
        return self.take(self.number("H")).decode(), self.number("Q"), self.take(32)


def tree_root(data):
    """BEP 52."""
    nodes = [hashlib.sha256(data[i:i + 16384]).digest() for i in range(0, len(data), 16384)]
    while len(nodes) & (len(nodes) - 1):
        nodes.append(bytes(32))
    while len(nodes) > 1:
        nodes = [hashlib.sha256(a + b).digest() for a, b in zip(nodes[::2], nodes[1::2])]
    return nodes[0] if nodes else bytes(32)


def join_numbers(planes):
    """Planes from the highest byte on -> numbers, rotated right by one bit."""
    width = len(planes)
    kind = numpy.dtype(f">u{width}")
    numbers = numpy.stack([numpy.frombuffer(p, numpy.uint8) for p in planes], 1).copy().view(kind)[:, 0]
    numbers = numbers.astype(f"<u{width}")
    top = numpy.array(8 * width - 1, numbers.dtype)
    one = numpy.array(1, numbers.dtype)
    rotated = (numbers >> one) | ((numbers & one) << top)
    return rotated.view(numpy.uint8).reshape(len(numbers), width)


def read_frame(frame, size, base):
    out = b""
    while len(out) < size:
        bytes_, flags = frame.number("I"), frame.number("B")
        fields = [frame.number("H") for _ in range(flags & 127)]
        place = (frame.number("I"), frame.number("Q")) if flags & 128 else None

        def plane(plane_size):
            stored = frame.take(frame.number("I"))
            return stored if len(stored) == plane_size else decompress(stored, plane_size)

        if not fields:
            piece = plane(bytes_)
        else:
            elements = bytes_ // sum(f & 32767 for f in fields)
            columns = []
            for field in fields:
                width = field & 32767
                if field & 32768:
                    columns.append(join_numbers([plane(elements) for _ in range(width)]))
                else:
                    columns.append(numpy.frombuffer(plane(elements * width), numpy.uint8).reshape(elements, width))
            piece = numpy.concatenate(columns, 1).tobytes()
        if place:
            other = base[place[0]][place[1]:place[1] + bytes_]
            piece = (numpy.frombuffer(piece, numpy.uint8) ^ numpy.frombuffer(other, numpy.uint8)).tobytes()
        out += piece
    assert len(out) == size and frame.at == len(frame.data)
    return out


def unpack(path, base_folder=None):
    """Path -> content."""
    data = path.read_bytes()
    assert data[:16] == b"\x89HMZ\r\n\x1a\n" + struct.pack("<II", 1, 0) and data[-8:] == b"\x89HMZend\n"
    begin, size, _ = struct.unpack("<QQQ", data[-32:-8])
    assert begin + size == len(data) - 32
    index, frames = Cursor(data[begin:begin + size]), Cursor(data[16:begin])
    base, files = [], {}
    for _ in range(index.number("I")):
        name, length, root = index.file()
        base.append((base_folder / name).read_bytes())
        assert len(base[-1]) == length and tree_root(base[-1]) == root
    for _ in range(index.number("I")):
        name, length, root = index.file()
        content = b""
        for at in range(0, length, FRAME):
            stored, _ = index.number("I"), index.number("Q")
            content += read_frame(Cursor(frames.take(stored)), min(FRAME, length - at), base)
        assert tree_root(content) == root
        files[name] = content
    assert index.at == len(index.data) and frames.at == len(frames.data)
    return files


def files_of(path):
    if path.is_file():
        return {path.name: path.read_bytes()}
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def make_models(folder):
    """A model of every float type, larger than a frame, and one tuned from it."""
    torch.manual_seed(3)
    types = [torch.bfloat16, torch.float16, torch.float32, torch.float64, torch.float8_e4m3fn, torch.complex64,
             torch.int8, torch.int64]
    base = {f"w{i}": (torch.randn(700, 1001) * (20 if i > 5 else 0.02)).to(t) for i, t in enumerate(types)}
    tuned = {k: t + (torch.randn(t.shape) * 1e-4).to(t.dtype) if t.dtype.is_floating_point and t.itemsize > 1 else t
             for k, t in base.items()}
    for name, tensors in ("base", base), ("tuned", tuned):
        (folder / name).mkdir()
        save_file(tensors, folder / name / "model.safetensors")
        (folder / name / "config.json").write_text("{}")


def main():
    check = Check()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        make_models(folder)
        sources = [p for p in pathlib.Path(FIXTURES).iterdir()] + [folder / "base"]
        for number, source in enumerate(sources):
            packed = folder / f"{number}.hmz"
            status, _, errors = hallmark("pack", source, "-o", packed, "-q")
            check.equal(status, 0, f"pack {source}: {errors}")
            check.that(unpack(packed) == files_of(source), f"{source} came back as something else")
        packed = folder / "tuned.hmz"
        hallmark("pack", folder / "tuned", "--base", folder / "base", "-o", packed, "-q")
        check.that(unpack(packed, folder / "base") == files_of(folder / "tuned"), "the tuned model")
        check.that(packed.stat().st_size < 0.8 * (folder / f"{len(sources) - 1}.hmz").stat().st_size,
                   "a difference is hardly smaller")
    check.finish()


main()
