"""hallmark id against the second implementation of docs/identity.md, on models made here.

Element types of every bit pattern, state dicts nested in all ways, ranks that repeat key heads,
rotary buffers, and a tiny model of every architecture in Hugging Face's and in GGUF's layout, which
must also agree with each other.
"""
import json
import os
import tempfile

import numpy as np

import identity_reference as reference
from program import Check, hallmark


def compare(check, path):
    """Identity, groups and tensors must be the same. Returns the reference's identity."""
    name = os.path.basename(path)
    status, out, err = hallmark("id", "--layers", "--tensors", "--json", path)
    check.equal(status, 0, f"{name}: exit status: {err.strip()}")
    text, groups, rows, _ = reference.identity(path)
    if status != 0:
        return text
    report = json.loads(out)
    tensors = {t["name"]: (t["digest"].removeprefix("sha256:"), t["dtype"])
               for t in report["tensors"]}
    wrong = [n for n in rows.keys() | tensors.keys()
             if n not in rows or tensors.get(n) != (rows[n][0].hex(), rows[n][1])]
    check.equal(sorted(wrong)[:5], [], f"{name}: tensors")
    check.equal({g["key"]: g["digest"].removeprefix("sha256:") for g in report["groups"]},
                {key: digest.hex() for key, digest in groups}, f"{name}: groups")
    check.equal(report["weights"], text, f"{name}: identity")
    return text


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
            random = np.random.default_rng(list(arch.encode()) + [mixture])
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
                            values = np.round(values * 64) / 64 + 0.0  # 1 + w is exact, w is not -0
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


def write_values(folder):
    """Every f16 and bf16, wider types that hold them exactly or just not, random bit patterns."""
    import torch
    from safetensors.torch import save_file
    random = np.random.default_rng(5)
    every = np.arange(65536, dtype=np.uint16)
    tensors = {}

    def put(name, bits, dtype):
        signed = {2: np.int16, 4: np.int32, 8: np.int64}[bits.itemsize]
        tensors[name] = torch.from_numpy(bits.copy().view(signed)).view(dtype)

    types = {"f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32,
             "f64": torch.float64}
    for kind in ("f16", "bf16"):
        put(f"{kind}.all", every, types[kind])
        wide = reference.widen(every, kind)
        put(f"{kind}.as.f64", wide, types["f64"])
        put(f"{kind}.as.f32", reference.nearest(wide, "f32"), types["f32"])
        for i in range(40):  # few values each, so that a fitting type is found by some
            some = wide[random.integers(0, 65536, 5)]
            put(f"{kind}.{i}.some", reference.nearest(some, "f32"), types["f32"])
            off = some ^ (np.uint64(1) << random.integers(0, 63, 5).astype(np.uint64))
            put(f"{kind}.{i}.off", off, types["f64"])
    for i in range(40):
        put(f"random.{i}.f32", random.integers(0, 2**32, 1 + i, dtype=np.uint64).astype(np.uint32),
            types["f32"])
        tiny = random.integers(0, 2**12, 3, dtype=np.uint64).astype(np.uint32)
        put(f"random.{i}.tiny", tiny << np.uint32(i % 13), types["f32"])
    put("large", random.integers(0, 2**16, 5_000_001, dtype=np.uint64).astype(np.uint32)
        << np.uint32(16), types["f32"])
    path = os.path.join(folder, "values.safetensors")
    save_file(tensors, path)
    yield path


def write_nested(folder):
    """State dicts nested in all ways."""
    import torch

    def weights(prefix=""):
        return {prefix + "model.norm.weight": torch.arange(4.0),
                prefix + "model.layers.0.input_layernorm.weight": torch.ones(4)}
    cases = {
        "flat": weights(), "state_dict": {"state_dict": weights(), "epoch": 3},
        "model": {"model": weights()}, "module": {"module": weights(), "optimizer": {"lr": 0.1}},
        "tied": {"model": weights(), "optimizer": {"m": torch.ones(2)}},
        "twice": {"module": {"model": weights()}}, "ema": {"ema": weights()},
        "prefix": weights("module."), "both": {"model": weights(), "model.extra": torch.ones(1)},
        "list": {"model": [torch.ones(1), torch.zeros(2)]}, "bare": [torch.ones(1)],
        "empty": {"": {"a": torch.ones(1)}},
        "numbers": {0: {1: torch.ones(3)}, None: torch.ones(1)},
    }
    for name, value in cases.items():
        path = os.path.join(folder, f"nested-{name}.pt")
        torch.save(value, path)
        yield path


def write_ranks(folder):
    """Meta's layout on four ranks with two key heads, so that neighbours repeat them."""
    import torch
    generator = torch.Generator().manual_seed(3)
    full = {}
    for template, meta, _, axis in reference.LLAMA:
        if "block_sparse" in template:
            continue
        full[meta.replace(".N.", ".0.") + ".weight"] = (
            torch.randn(shape_of(template), generator=generator), axis, template)
    path = os.path.join(folder, "ranks")
    os.makedirs(path)
    for rank in range(4):
        part = {"rope.freqs": torch.ones(HEAD // 2)}
        for name, (tensor, axis, template) in full.items():
            axis = 1 if axis == "embedding" else axis
            if template.endswith((".k_proj", ".v_proj")):
                part[name] = tensor.chunk(KV_HEADS, 0)[rank // 2].clone()
            else:
                part[name] = tensor if axis is None else tensor.chunk(4, axis)[rank].clone()
        torch.save(part, os.path.join(path, f"consolidated.{rank:02}.pth"))
    with open(os.path.join(path, "params.json"), "w", encoding="utf-8") as file:
        json.dump({"dim": WIDTH, "n_heads": HEADS, "n_kv_heads": KV_HEADS, "n_layers": 1}, file)
    yield path


def write_rope(folder):
    """GGUF with llama3's rope_freqs as its converter computes them in f32, and with others."""
    import gguf
    import torch
    for head, theta, factor in ((128, 500000.0, 8.0), (64, 500000.0, 32.0), (64, 500000.0, 16.0),
                                (16, 10000.0, 8.0)):
        frequencies = 1.0 / (theta ** (torch.arange(0, head, 2, dtype=torch.float32) / head))
        factors = []
        for frequency in frequencies:
            wavelength = 2 * np.pi / frequency
            smooth = (8192 / wavelength - 1) / 3
            factors.append(1.0 if wavelength < 2048 else factor if wavelength > 8192
                           else float(1 / ((1 - smooth) / factor + smooth)))
        path = os.path.join(folder, f"rope-{head}-{factor}.gguf")
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_rope_freq_base(theta)
        writer.add_tensor("output_norm.weight", np.ones(8, np.float32))
        writer.add_tensor("rope_freqs.weight", np.array(factors, np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        yield path


def main():
    check = Check()
    with tempfile.TemporaryDirectory() as folder:
        for write in (write_values, write_nested, write_ranks, write_rope):
            for path in write(folder):
                compare(check, path)
        for hub, gguf_file in write_models(folder):
            here, there = compare(check, hub), compare(check, gguf_file)
            check.equal(here, there, f"{os.path.basename(hub)} and its GGUF")
            check.that(here.startswith("hm1:"), f"{os.path.basename(hub)}: {here}")
    check.finish()


main()
