"""A random LLaMA of any size, saved by torch and by safetensors: the weights are the same, so
hallmark must say so; after a change of one value, it must name the tensor."""
import json
import pathlib
import tempfile
import time

import torch
from safetensors.torch import save_file

from program import Check, hallmark


def make(layers, dim, ffn, vocab):
    generator = torch.Generator().manual_seed(layers * dim)
    heads = dim // 64

    def matrix(rows, columns):
        return torch.randn(rows, columns, generator=generator).mul_(0.02).half()

    model = {"model.embed_tokens.weight": matrix(vocab, dim), "lm_head.weight": matrix(vocab, dim),
             "model.norm.weight": torch.ones(dim).half()}
    for layer in range(layers):
        prefix = f"model.layers.{layer}."
        for name in "qkvo":
            model[f"{prefix}self_attn.{name}_proj.weight"] = matrix(dim, dim)
        for name, shape in (("gate", (ffn, dim)), ("up", (ffn, dim)), ("down", (dim, ffn))):
            model[f"{prefix}mlp.{name}_proj.weight"] = matrix(*shape)
        for name in ("input_layernorm", "post_attention_layernorm"):
            model[f"{prefix}{name}.weight"] = torch.ones(dim).half()
    config = dict(architectures=["LlamaForCausalLM"], model_type="llama", hidden_size=dim,
                  intermediate_size=ffn, num_hidden_layers=layers, num_attention_heads=heads,
                  num_key_value_heads=heads, vocab_size=vocab, rms_norm_eps=1e-5,
                  tie_word_embeddings=False, torch_dtype="float16")
    return model, json.dumps(config)


def compare(layers, dim, ffn, vocab):
    model, config = make(layers, dim, ffn, vocab)
    check = Check()
    with tempfile.TemporaryDirectory() as place:
        by_torch, by_safetensors, changed = (pathlib.Path(place) / n for n in ("torch", "safetensors", "changed"))
        for folder in (by_torch, by_safetensors, changed):
            folder.mkdir()
            (folder / "config.json").write_text(config)
        torch.save(model, by_torch / "pytorch_model.bin")
        save_file(model, by_safetensors / "model.safetensors", metadata={"format": "pt"})
        tensor = f"model.layers.{layers - 1}.mlp.up_proj.weight"
        model[tensor][ffn // 2, dim // 2] += 1
        save_file(model, changed / "model.safetensors", metadata={"format": "pt"})
        del model

        identities = []
        for folder in (by_torch, by_safetensors, changed):
            start = time.monotonic()
            status, out, err = hallmark("id", folder)
            size = sum(f.stat().st_size for f in folder.iterdir()) / 1e6
            print(f"id {folder.name}: {size:.0f} MB in {time.monotonic() - start:.2f} s: {out.strip()}")
            check.that(status == 0 and out.startswith("hm1:"), f"id {folder.name}: {status} {err}")
            identities.append(out.strip())
        check.equal(identities[0], identities[1], "identity of the two containers")
        check.that(identities[2] != identities[1], "a changed value left the identity as it was")

        for copy, source in ((by_safetensors, by_torch), (by_torch, by_safetensors)):
            status, out, err = hallmark("verify", copy, "--against", source)
            check.that(status == 0 and "same-weights" in out, f"verify {copy.name}: {status} {out} {err}")
        manifest = pathlib.Path(place) / "manifest.json"
        status, _, err = hallmark("hash", by_torch, "--format", "manifest", "-o", manifest)
        check.that(status == 0, f"hash: {status} {err}")
        status, out, err = hallmark("verify", by_safetensors, "--against", manifest)
        check.that(status == 0 and "same-weights" in out, f"verify by manifest: {status} {out} {err}")
        status, out, err = hallmark("verify", changed, "--against", manifest)
        check.that(status == 1 and tensor in out, f"verify of the changed copy: {status} {out} {err}")
    check.finish()
