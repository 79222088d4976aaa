"""hallmark id against the second implementation of docs/identity.md, on every fixture."""
import json
import pathlib

import identity_reference
from program import FIXTURES, Check, hallmark

# What the reference cannot open, though it is sound: format version 1, tensor types that gguf-py
# does not know, a float8 file that torch writes and cannot load, pickle protocol 4.
PEER_CANNOT_READ = {"gguf/v1.gguf", "gguf/zoo-types.gguf", "edge/legacy-f8.pt", "edge/proto4.pt"}


def models():
    root = pathlib.Path(FIXTURES)
    for pattern in ("meta-*", "hf-*", "gguf-split", "gguf/*.gguf", "edge/*.pt", "edge/*.safetensors"):
        yield from sorted(root.glob(pattern))


def reference(path):
    """(identity, {group: hex}, {tensor: (hex, dtype)}), or None where there is no identity."""
    try:
        text, groups, rows, _ = identity_reference.identity(str(path))
    except identity_reference.NoIdentity as why:
        print(f"{path.name}: no identity: {why}")
        return None
    return (text, {key: digest.hex() for key, digest in groups},
            {name: (digest.hex(), dtype) for name, (digest, dtype, _) in rows.items()})


def main():
    check = Check()
    for path in models():
        name = str(path.relative_to(FIXTURES))
        theirs = reference(path)
        if name in PEER_CANNOT_READ:
            check.that(theirs is None, f"{name}: the reference can read it by now: compare it")
            continue
        status, out, err = hallmark("id", "--layers", "--tensors", "--json", path)
        if theirs is None:  # unsupported, ill-formed, or a pickle that runs code
            check.that(status in (3, 4, 5, 7), f"{name}: exit status {status} where there is no identity")
            continue
        check.that(status == 0, f"{name}: exit status {status}: {err.strip()}")
        if status != 0:
            continue
        report = json.loads(out)
        tensors = {t["name"]: (t["digest"].removeprefix("sha256:"), t["dtype"]) for t in report["tensors"]}
        for tensor in sorted(theirs[2].keys() | tensors.keys()):
            check.equal(tensors.get(tensor), theirs[2].get(tensor), f"{name}: {tensor}")
        groups = {g["key"]: g["digest"].removeprefix("sha256:") for g in report["groups"]}
        check.equal(groups, theirs[1], f"{name}: groups")
        check.equal(report["weights"], theirs[0], f"{name}: identity")
    check.finish()


main()
