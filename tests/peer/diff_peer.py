"""What `diff` measures, set against torch: every statistic of tensors of every float type, cast, changed
and with values that are not finite."""
import json
import math
import pathlib
import tempfile

import torch
from safetensors.torch import save_file

from program import Check, hallmark

check = Check()
torch.manual_seed(0)
TYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2)


def expected(a, b):
    """As docs/diff.md defines them, in f64."""
    wide_a, wide_b = a.double().flatten(), b.double().flatten()
    bits = torch.int64
    differing = int((wide_a.view(bits) != wide_b.view(bits)).sum())
    finite = torch.isfinite(wide_a) & torch.isfinite(wide_b)
    x, y = wide_a[finite], wide_b[finite]
    d = (x - y).abs()
    m = torch.maximum(x.abs(), y.abs())
    counts = m >= 2.0**-100
    norm_a, norm_b = torch.linalg.vector_norm(x), torch.linalg.vector_norm(y)
    ratios = {}
    if norm_a and norm_b:  # what is said of nothing but zeros is hallmark's own definition
        ratios = {"relative_norm": float(torch.linalg.vector_norm(d) / norm_a), "cosine": float(x @ y / (norm_a * norm_b))}
    return {
        **ratios,
        "values": wide_a.numel(), "differing": differing, "sign_flips": int((x * y < 0).sum()),
        "zeros_a": int((x == 0).sum()), "zeros_b": int((y == 0).sum()),
        "nan_a": int(wide_a.isnan().sum()), "nan_b": int(wide_b.isnan().sum()),
        "infinite_a": int(wide_a.isinf().sum()), "infinite_b": int(wide_b.isinf().sum()),
        "max_abs": float(d.max()) if d.numel() else 0.0,
        "max_relative": float((d / m)[counts].max()) if counts.any() else 0.0,
        "rms": float((d * d).mean().sqrt()) if d.numel() else 0.0,
    }


def compare(found, wanted, what):
    for name, value in wanted.items():
        got = found[name]
        if isinstance(value, int):
            check.equal(got, value, f"{what}: {name}")
        else:
            check.that(got is not None and math.isclose(got, value, rel_tol=2e-6, abs_tol=2e-6 * (name == "cosine")),
                       f"{what}: {name}: hallmark {got!r}, torch {value!r}")


def cases():
    shape = (257, 1031)
    base = torch.randn(shape) * 0.02
    yield "noise", base, base + torch.randn(shape) * 1e-4
    pruned = base.clone()
    pruned[torch.rand(shape) < 0.4] = 0
    yield "pruned", base, pruned
    yield "unrelated", base, torch.randn(shape) * 0.05
    flipped = base.clone()
    flipped[3, 5] = -flipped[3, 5]
    yield "one sign", base, flipped
    odd = base.clone()
    odd[0, 0], odd[1, 1], odd[2, 2] = math.nan, math.inf, -math.inf
    yield "not finite", base, odd
    yield "large", base * 1e4, (base + 1e-3) * 1e4
    yield "small", base * 1e-3, base * 1.01e-3
    yield "scaled", base, base * 1e-3
    yield "short", base[0, :7].clone(), base[1, :7].clone()


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        a, b, wanted = {}, {}, {}
        for what, x, y in cases():
            for i, type_a in enumerate(TYPES):
                for type_b in TYPES[i:]:
                    name = f"{what} {type_a} {type_b}".replace("torch.", "").replace(" ", "_")
                    a[name], b[name] = x.to(type_a).clone(), y.to(type_b).clone()
                    wanted[name] = expected(a[name], b[name])
        save_file(a, folder / "a.safetensors")
        save_file(b, folder / "b.safetensors")
        reports = []
        for threads in (1, 4):
            status, out, error = hallmark("diff", folder / "a.safetensors", folder / "b.safetensors", "--json",
                                          "--weights-only", "--threads", threads)
            check.that(status == 1, f"diff: status {status}: {error}")
            reports.append(out)
        check.that(reports[0] == reports[1], "the report depends on the number of threads")
        tensors = {tensor["a"]["stored_name"]: tensor for tensor in json.loads(reports[0])["tensors"]}
        check.equal(sorted(tensors), sorted(wanted), "the tensors")
        for name, values in wanted.items():
            compare(tensors[name]["values"], values, name)
    check.finish()


if __name__ == "__main__":
    main()
