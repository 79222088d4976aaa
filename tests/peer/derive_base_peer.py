"""Releases shipped as differences: applied by torch as their publishers' scripts do (added in the type that
both have, or in f32), and by xor over files, `derive --base` gives the same bytes; edited ones it does not."""
import json
import pathlib
import shutil
import tempfile

import torch
from safetensors.torch import load_file, save_file

from program import FIXTURES, Check, hallmark

check = Check()
torch.manual_seed(0)
base_folder = pathlib.Path(FIXTURES) / "hf-safetensors-f16"
base = load_file(base_folder / "model.safetensors")


def write(folder, tensors):
    folder.mkdir()
    shutil.copy(base_folder / "config.json", folder)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors", {"format": "pt"})
    return folder


def derive(suspect, release, of):
    status, out, _ = hallmark("derive", suspect, "--from", release, "--base", of, "--json")
    return status, json.loads(out)


with tempfile.TemporaryDirectory() as name:
    here = pathlib.Path(name)
    # Values over many exponents, so that sums round.
    tuned = {n: (t.float() * torch.exp(torch.randn(t.shape))).to(torch.float16) for n, t in base.items()}
    delta = {n: tuned[n] - base[n] for n in base}
    release = write(here / "delta", delta)
    wide = {n: t.float() for n, t in base.items()}
    half_base = write(here / "bf16-base", {n: t.to(torch.bfloat16) for n, t in base.items()})

    applied = {n: base[n] + delta[n] for n in base}  # f16, as FastChat's apply_delta
    in_f32 = {n: base[n].float() + delta[n].float() for n in base}  # as Alpaca's weight_diff
    rounded = {n: applied[n].float() for n in base}  # added in f16, then kept in f32
    mixed = {n: base[n].to(torch.bfloat16) + delta[n] for n in base}  # torch promotes to f32
    for what, tensors, of in (("f16", applied, base_folder), ("f32", in_f32, base_folder),
                              ("f16 kept as f32", rounded, base_folder), ("bf16 and f16", mixed, half_base)):
        status, report = derive(write(here / what.replace(" ", "-"), tensors), release, of)
        check.equal((status, report["verdict"] in ("replayed", "derived-exactly"), report["counts"]["not_derived"]),
                    (0, True, 0), f"added: {what}")
    status, report = derive(base_folder, release, base_folder)
    check.equal((status, report["verdict"]), (1, "not-derived"), "the base itself is not the release")
    other_base = write(here / "other-base", {n: t * 1.01 for n, t in base.items()})
    status, report = derive(here / "f16", release, other_base)
    check.equal((status, report["verdict"]), (1, "not-derived"), "another base")
    edited = {n: t.clone() for n, t in applied.items()}
    some = "model.layers.0.mlp.down_proj.weight"
    edited[some][3, 5] *= 1.01
    status, report = derive(write(here / "edited", edited), release, base_folder)
    check.equal((status, report["counts"]["not_derived"]), (1, 1), "one value edited")

    # A token more than the base has.
    embedding = "model.embed_tokens.weight"
    more = dict(delta)
    more[embedding] = torch.cat([delta[embedding], torch.ones(1, delta[embedding].shape[1], dtype=torch.float16)])
    grown = dict(applied)
    grown[embedding] = torch.cat([applied[embedding], torch.full((1, delta[embedding].shape[1]), 0.25, dtype=torch.float16)])
    status, report = derive(write(here / "grown", grown), write(here / "grown-delta", more), base_folder)
    reasons = [t.get("reason", "") for t in report["tensors"] if t["name"] == embedding]
    check.equal((status, report["verdict"], report["counts"]["not_derived"]), (3, "inconclusive", 0), "one more row")
    check.that("in all rows that the base has" in reasons[0], f"one more row: {reasons}")

    # Quantised after it was applied.
    gguf = here / "applied.gguf"
    for arguments in (("convert", here / "f16", "--to", "gguf", "--without-tokenizer", "-o", gguf), ("convert", gguf, "--to", "gguf", "--quant", "Q8_0", "-o", here / "q8.gguf")):
        check.equal(hallmark(*arguments, "--json")[0], 0, f"{arguments[0]} {arguments[-1]}")
    status, report = derive(here / "q8.gguf", release, base_folder)
    check.equal((status, report["verdict"]), (0, "replayed"), "quantised after it was applied")

    # Files xored with the base's, of which one is longer; small ones too.
    target = write(here / "target", {n: t.repeat(2, 1) if n == embedding else t for n, t in tuned.items()})
    xored = here / "xored"
    xored.mkdir()
    for file in target.iterdir():
        payload, key = file.read_bytes(), (base_folder / file.name).read_bytes()
        key = key[: len(payload)] + bytes(max(0, len(payload) - len(key)))
        (xored / file.name).write_bytes(bytes(a ^ b for a, b in zip(payload, key)))
    status, report = derive(target, xored, base_folder)
    check.equal((status, report["verdict"]), (0, "derived-exactly"), "xored files")
    status, report = derive(here / "f16", xored, base_folder)
    check.equal(status, 1, "xored files of another model")
    status, report = derive(target, xored, other_base)
    check.equal(status != 0, True, "xored with another base")
check.finish()
