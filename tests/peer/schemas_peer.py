"""The schemas of docs/schemas by jsonschema: they are schemas, what hallmark writes conforms to
them, and what is broken does not."""
import copy
import json
import os
import pathlib
import tempfile

from jsonschema import Draft202012Validator

from program import FIXTURES, Check, hallmark

ROOT = pathlib.Path(os.environ["HALLMARK_ROOT"])
check = Check()
validators = {}
for path in sorted((ROOT / "docs/schemas").glob("*.schema.json")):
    schema = json.loads(path.read_text())
    Draft202012Validator.check_schema(schema)
    validators[path.name.removesuffix(".schema.json")] = Draft202012Validator(schema)


def conforms(name, text, what):
    document = json.loads(text)
    errors = [f"{'/'.join(map(str, e.path))}: {e.message[:200]}" for e in validators[name].iter_errors(document)]
    check.that(not errors, f"{what} is not what {name}.schema.json says: {errors[:3]}")
    for key in validators[name].schema["required"]:
        broken = copy.copy(document)
        del broken[key]
        check.that(not validators[name].is_valid(broken), f"{name}.schema.json takes {what} without {key}")


def report(name, *arguments):
    _, out, _ = hallmark(*arguments)
    conforms(name, out, " ".join(map(str, arguments)))


def main():
    for path in sorted((ROOT / "verify/catalogue").glob("*.json")):
        conforms("catalogue", path.read_text(), path.name)
    report("catalogue", "catalogue", "export", "llama-1/7B")
    report("report-catalogue", "catalogue", "list", "--json")
    report("report-version", "version", "--json")
    report("report-error", "inspect", "--json", "no-such-file")
    for fixture in ("meta-llama2-bf16", "hf-safetensors-sharded", "gguf", "gguf/tiny-Q4_0.gguf", "edge"):
        model = f"{FIXTURES}/{fixture}"
        report("manifest", "hash", model, "--format", "manifest")
        report("report-hash", "hash", model, "--json")
    for fixture in ("meta-llama2-bf16", "gguf/kv-zoo.gguf", "edge/edge.pt"):
        model = f"{FIXTURES}/{fixture}"
        report("report-inspect", "inspect", "--json", "--tensors", model)
        report("report-id", "id", "--json", "--tensors", "--layers", model)
        report("report-identify", "identify", "--json", model)
        report("report-verify", "verify", "--json", model, "--against", f"{FIXTURES}/hf-bin")
        report("report-verify", "verify", "--json", model, "--against", f"{FIXTURES}/hf-bin", "--part", "1/2")
        report("report-id", "id", "--json", model, "--part", "1/1")
    report("report-diff", "diff", "--json", "--ulps", f"{FIXTURES}/gguf/k256-f16.gguf", f"{FIXTURES}/gguf/k256-Q2_K.gguf")
    report("report-diff", "diff", "--json", f"{FIXTURES}/meta-llama2-bf16", f"{FIXTURES}/edge/edge.safetensors")
    for fixture, *options in (("meta-llama2-bf16", "--to", "safetensors"), ("gguf/k256-f16.gguf", "--to", "gguf", "--quant", "Q2_K"),
                              ("edge/edge.safetensors", "--to", "safetensors", "--dtype", "f16")):
        with tempfile.TemporaryDirectory() as folder:
            report("report-convert", "convert", f"{FIXTURES}/{fixture}", *options, "-o", f"{folder}/copy", "--json")
            conforms("receipt", pathlib.Path(folder, "copy.receipt.json").read_text(), f"the receipt of {fixture}")
    check.finish()


with tempfile.TemporaryDirectory() as home:
    os.environ.update(XDG_DATA_HOME=home, XDG_STATE_HOME=home)
    main()
