#!/usr/bin/env python3
"""Compares `hallmark id` with identity_reference.py, model by model.

  identity_compare.py HALLMARK FOLDER...

Every directory and file below FOLDER that either of the two can identify is a case. They must give
the same identity and the same digest for every tensor and layer, or both none. Then tiny models of
every architecture row are written in the three schemes and must agree with each other, too.
Exit status 0: all agree.
"""
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import warnings

import numpy as np

import identity_reference as reference

warnings.filterwarnings("ignore")


def ours(hallmark, path):
    """(identity or None, {tensor: digest}, why none)"""
    run = subprocess.run([hallmark, "id", "--json", "--tensors", path], capture_output=True,
                         text=True, check=False)
    if run.returncode != 0:
        if run.returncode < 0 or run.returncode == 70:
            raise SystemExit(f"{path}: hallmark broke: {run.stderr}")
        return None, {}, run.stderr.strip()
    report = json.loads(run.stdout)
    text = json.dumps(report)
    return find_identity(report), dict(find_tensors(report)), text


def find_identity(value):
    """The first string in a report that is an identity: the report's form is not the point here."""
    if isinstance(value, str) and value.startswith(("hm1:", "hm1raw:")):
        return value
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return next((found for item in items if (found := find_identity(item))), None)


def find_tensors(value):
    if isinstance(value, dict):
        if "name" in value and "digest" in value:
            yield value["name"], value["digest"].split(":")[-1]
        for item in value.values():
            yield from find_tensors(item)
    elif isinstance(value, list):
        for item in value:
            yield from find_tensors(item)


def theirs(path):
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            text, _, rows, _ = reference.identity(path)
    except reference.NoIdentity as why:
        return None, {}, str(why)
    return text, {name: row[0].hex() for name, row in rows.items()}, ""


def compare(hallmark, path):
    a, a_tensors, a_why = ours(hallmark, path)
    b, b_tensors, b_why = theirs(path)
    if a is None and b is None:
        print(f"none      {path}")
        return True
    if a == b and a_tensors == b_tensors:
        print(f"same      {path} {a}")
        return True
    print(f"DIFFERENT {path}\n  hallmark:  {a} {a_why[:200] if a is None else ''}"
          f"\n  reference: {b} {b_why[:200]}")
    if a is not None and b is not None:
        names = sorted(set(a_tensors) | set(b_tensors))
        wrong = [name for name in names if a_tensors.get(name) != b_tensors.get(name)]
        for name in wrong[:5]:
            print(f"  {name[:100]!r}: {a_tensors.get(name)} / {b_tensors.get(name)}")
    return False


# ---------------------------------------------------------------------- models of every row

WIDTH, HEADS, KV_HEADS, FFN, LAYERS, EXPERTS, VOCABULARY = 32, 4, 2, 48, 2, 2, 24
HEAD = WIDTH // HEADS


def shape_of(template):
    """The shape of a canonical tensor, by what its name says."""
    last = template.rsplit(".", 1)[-1]
    shapes = {
        "embed_tokens": (VOCABULARY, WIDTH), "lm_head": (VOCABULARY, WIDTH),
        "q_proj": (WIDTH, WIDTH), "o_proj": (WIDTH, WIDTH),
        "k_proj": (KV_HEADS * HEAD, WIDTH), "v_proj": (KV_HEADS * HEAD, WIDTH),
        "qkv_proj": (WIDTH + 2 * KV_HEADS * HEAD, WIDTH), "gate_up_proj": (2 * FFN, WIDTH),
        "gate_proj": (FFN, WIDTH), "up_proj": (FFN, WIDTH), "down_proj": (WIDTH, FFN),
        "w1": (FFN, WIDTH), "w3": (FFN, WIDTH), "w2": (WIDTH, FFN),
        "gate": (EXPERTS, WIDTH), "shared_expert_gate": (1, WIDTH),
        "q_norm": (HEAD,), "k_norm": (HEAD,),
    }
    return shapes.get(last, (WIDTH,))


def write_models(folder):
    """One random model for each row of the reference, as safetensors and as GGUF, with the layout
    done here by hand in the direction opposite to the reference's. Yields pairs of paths."""
    import gguf
    from safetensors.numpy import save_file
    model_types = {"qwen2moe": "qwen2_moe", "qwen3moe": "qwen3_moe", "gemma3": "gemma3_text"}
    for arch, (rules, interleaved, plus_one) in reference.ROWS.items():
        for mixture in ((False, True) if arch == "llama" else (False,)):
            random = np.random.default_rng(len(arch) + mixture)
            name = arch + ("-moe" if mixture else "")
            hub = os.path.join(folder, name)
            os.makedirs(hub)
            writer = gguf.GGUFWriter(os.path.join(folder, name + ".gguf"), arch)
            writer.add_head_count(HEADS)
            writer.add_head_count_kv(KV_HEADS)
            writer.add_embedding_length(WIDTH)
            writer.add_block_count(LAYERS)
            canonical, seen = {}, set()
            for template, _, stored, _ in rules:
                sparse = "block_sparse_moe" in template
                if stored is None or stored.endswith(".E") or template in seen:
                    continue
                if arch == "llama" and (sparse != mixture) and (sparse or ".mlp." in template):
                    continue
                seen.add(template)
                for layer in range(LAYERS if ".N." in template else 1):
                    parts = []
                    for expert in range(EXPERTS if ".E." in template else 1):
                        values = random.standard_normal(shape_of(template)).astype(np.float32)
                        if plus_one and template.endswith("norm"):
                            values = np.round(values * 64) / 64  # so that 1 + w is exact
                        full = reference.fill(template, {"N": str(layer), "E": str(expert)})
                        canonical[full + ".weight"] = values
                        parts.append(values)
                    values = np.stack(parts) if ".E." in template else parts[0]
                    if interleaved and template.endswith((".q_proj", ".k_proj")):
                        heads = HEADS if template.endswith(".q_proj") else KV_HEADS
                        halves = values.reshape(heads, 2, HEAD // 2, WIDTH)
                        values = halves.swapaxes(1, 2).reshape(values.shape)
                    if plus_one and template.endswith("norm"):
                        values = values + np.float32(1)
                    if template.endswith("shared_expert_gate"):
                        values = values.reshape(-1)
                    target = reference.fill(stored, {"N": str(layer)})
                    writer.add_tensor(target + ".weight", np.ascontiguousarray(values))
            save_file(canonical, os.path.join(hub, "model.safetensors"))
            with open(os.path.join(hub, "config.json"), "w", encoding="utf-8") as file:
                json.dump({"model_type": model_types.get(arch, arch), "hidden_size": WIDTH,
                           "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS}, file)
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
            writer.close()
            yield hub, os.path.join(folder, name + ".gguf")


def main(arguments):
    hallmark, folders = arguments[0], arguments[1:]
    failures = cases = 0
    for folder in folders:
        for root, names, files in os.walk(folder):
            names.sort()
            weights = [f for f in sorted(files)
                       if f.endswith((".safetensors", ".gguf", ".pth", ".pt"))]
            parts = any(f.endswith((".index.json", ".bin", ".pth")) or "-of-" in f for f in files)
            paths = [root] if parts or (weights and "config.json" in files) else [
                os.path.join(root, f) for f in weights]
            if root.endswith("ggml-legacy"):
                continue
            for path in paths:
                cases += 1
                failures += not compare(hallmark, path)
    with tempfile.TemporaryDirectory() as folder:
        for hub, gguf_file in write_models(folder):
            cases += 2
            failures += not compare(hallmark, hub)
            failures += not compare(hallmark, gguf_file)
            here, there = theirs(hub)[0], theirs(gguf_file)[0]
            if here is None or here != there or not here.startswith("hm1:"):
                print(f"DIFFERENT {hub} {here} and its GGUF {there}")
                failures += 1
    print(f"{cases} models compared, {failures} differ")
    return 1 if failures or not cases else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
