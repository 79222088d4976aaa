#!/usr/bin/env python3
"""Makes demo/sample: one small LLaMA as a publisher would release it, two mirrors in other
containers, and the edits of a tampered copy.

The weights are random fp16 values. Everything is written by the real libraries: torch, safetensors
and gguf-py. The outputs are kept in the repository; run this only to change them:
    "$(scripts/peer-python)" demo/make_sample.py
"""
import collections
import hashlib
import json
import pathlib
import shutil

import gguf
import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE / "sample"
TOKENIZER = HERE.parent / "tests/vectors/fixtures/meta-llama2-bf16/tokenizer.model"
DIM, LAYERS, HEADS, FFN, VOCAB, RANKS = 96, 4, 6, 256, 320, 2
EPSILON = 1e-6

HF = {"attention.wq": "self_attn.q_proj", "attention.wk": "self_attn.k_proj",
      "attention.wv": "self_attn.v_proj", "attention.wo": "self_attn.o_proj",
      "feed_forward.w1": "mlp.gate_proj", "feed_forward.w2": "mlp.down_proj",
      "feed_forward.w3": "mlp.up_proj", "attention_norm": "input_layernorm",
      "ffn_norm": "post_attention_layernorm", "tok_embeddings": "model.embed_tokens",
      "norm": "model.norm", "output": "lm_head"}
GGUF = {"attention.wq": "attn_q", "attention.wk": "attn_k", "attention.wv": "attn_v",
        "attention.wo": "attn_output", "feed_forward.w1": "ffn_gate", "feed_forward.w2": "ffn_down",
        "feed_forward.w3": "ffn_up", "attention_norm": "attn_norm", "ffn_norm": "ffn_norm",
        "tok_embeddings": "token_embd", "norm": "output_norm", "output": "output"}


def renamed(name, table, layer_prefix):
    stem = name.removesuffix(".weight")
    if not stem.startswith("layers."):
        return table[stem] + ".weight"
    _, layer, part = stem.split(".", 2)
    return f"{layer_prefix}.{layer}.{table[part]}.weight"


def make_weights():
    generator = torch.Generator().manual_seed(20230224)

    def matrix(rows, columns, scale):
        return (torch.randn(rows, columns, generator=generator) * scale).half()

    def norm():
        return (1 + 0.1 * torch.randn(DIM, generator=generator)).half()

    weights = collections.OrderedDict()
    weights["tok_embeddings.weight"] = matrix(VOCAB, DIM, 0.7)
    weights["norm.weight"] = norm()
    weights["output.weight"] = matrix(VOCAB, DIM, 0.08)
    for layer in range(LAYERS):
        prefix = f"layers.{layer}."
        for name in "qkvo":
            weights[f"{prefix}attention.w{name}.weight"] = matrix(DIM, DIM, 0.05)
        weights[f"{prefix}feed_forward.w1.weight"] = matrix(FFN, DIM, 0.04)
        weights[f"{prefix}feed_forward.w2.weight"] = matrix(DIM, FFN, 0.04)
        weights[f"{prefix}feed_forward.w3.weight"] = matrix(FFN, DIM, 0.04)
        weights[f"{prefix}attention_norm.weight"] = norm()
        weights[f"{prefix}ffn_norm.weight"] = norm()
    return weights


def shard_axis(name):
    """Along which axis LLaMA-1's model parallelism cuts a tensor; None: every rank has all of it."""
    if any(part in name for part in (".wo.", ".w2.", "tok_embeddings.")):
        return 1
    return None if "norm" in name else 0


def rank_file(weights, rank):
    """The bytes of consolidated.NN.pth."""
    shard = collections.OrderedDict()
    for name, tensor in weights.items():
        axis = shard_axis(name)
        part = tensor if axis is None else tensor.chunk(RANKS, axis)[rank]
        shard[name] = part.contiguous().clone()
    head = DIM // HEADS
    shard["rope.freqs"] = (1.0 / 10000.0 ** (torch.arange(0, head, 2).float() / head)).half()
    path = OUT / f"consolidated.{rank:02d}.pth"  # torch names the records after the file
    torch.save(shard, path)
    data = path.read_bytes()
    path.unlink()
    return data


def write_official(weights):
    folder = OUT / "official"
    folder.mkdir()
    for rank in range(RANKS):
        (folder / f"consolidated.{rank:02d}.pth").write_bytes(rank_file(weights, rank))
    (folder / "params.json").write_text(json.dumps(
        dict(dim=DIM, multiple_of=32, n_heads=HEADS, n_layers=LAYERS, norm_eps=EPSILON,
             vocab_size=-1)))
    shutil.copyfile(TOKENIZER, folder / "tokenizer.model")
    # What the publisher announced; kept apart, since a list that travels with a copy proves nothing.
    published = OUT / "published"
    published.mkdir()
    (published / "checklist.chk").write_text("".join(
        f"{hashlib.md5(file.read_bytes()).hexdigest()}  {file.name}\n"
        for file in sorted(folder.iterdir())))


def half_split(tensor):
    """Meta's interleaved q and k rows in the order of Hugging Face."""
    rows, columns = tensor.shape
    return tensor.view(HEADS, rows // HEADS // 2, 2, columns).transpose(1, 2).reshape(rows, columns)


def write_safetensors(weights):
    folder = OUT / "mirror-safetensors"
    folder.mkdir()
    model = {renamed(name, HF, "model.layers"):
             half_split(t) if ".wq." in name or ".wk." in name else t for name, t in weights.items()}
    total = sum(t.numel() * 2 for t in model.values())
    shards, filled = [{} for _ in range(3)], 0
    for name, tensor in model.items():
        shards[min(2, filled * 3 // total)][name] = tensor.contiguous().clone()
        filled += tensor.numel() * 2
    where = {}
    for number, shard in enumerate(shards, 1):
        file = f"model-{number:05d}-of-00003.safetensors"
        save_file(shard, folder / file, metadata={"format": "pt"})
        where.update({name: file for name in shard})
    (folder / "model.safetensors.index.json").write_text(json.dumps(
        {"metadata": {"total_size": total}, "weight_map": where}, indent=2, sort_keys=True) + "\n")
    (folder / "config.json").write_text(json.dumps(dict(
        architectures=["LlamaForCausalLM"], model_type="llama", hidden_size=DIM,
        intermediate_size=FFN, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
        num_key_value_heads=HEADS, vocab_size=VOCAB, max_position_embeddings=2048,
        rms_norm_eps=EPSILON, rope_theta=10000.0, tie_word_embeddings=False, hidden_act="silu",
        bos_token_id=1, eos_token_id=2, torch_dtype="float16"), indent=2) + "\n")
    shutil.copyfile(TOKENIZER, folder / "tokenizer.model")


def write_gguf(weights):
    folder = OUT / "mirror-gguf"
    folder.mkdir()
    writer = gguf.GGUFWriter(folder / "demo-llama-f16.gguf", "llama")
    writer.add_name("demo llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(2048)
    writer.add_embedding_length(DIM)
    writer.add_feed_forward_length(FFN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_rope_dimension_count(DIM // HEADS)
    writer.add_vocab_size(VOCAB)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    for name, tensor in weights.items():  # llama.cpp keeps vectors in f32
        array = tensor.float().numpy() if tensor.dim() == 1 else tensor.numpy()
        writer.add_tensor(renamed(name, GGUF, "blk"), array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_tampered(weights):
    """The edits that turn the official rank 1 into a tampered one: lines of offset and hex bytes.

    Four values of one row are changed and the file saved anew by torch, so its own checksums fit.
    """
    changed = collections.OrderedDict((name, t.clone()) for name, t in weights.items())
    tensor = changed["layers.2.feed_forward.w2.weight"]
    tensor[17, 200:204] = torch.tensor([0.25, -0.25, 0.25, -0.25]).half()
    before, after = rank_file(weights, 1), rank_file(changed, 1)
    assert len(before) == len(after)
    edits, at = [], 0
    while at < len(before):
        if before[at] == after[at]:
            at += 1
            continue
        end = at
        while end < len(before) and before[end:end + 4] != after[end:end + 4]:
            end += 1
        edits.append(f"{at} {after[at:end].hex()}\n")
        at = end
    folder = OUT / "tampered"
    folder.mkdir()
    (folder / "consolidated.01.pth.edits").write_text("".join(edits))


def main():
    torch.set_num_threads(1)
    if OUT.exists():
        shutil.rmtree(OUT)
    OUT.mkdir()
    weights = make_weights()
    write_official(weights)
    write_safetensors(weights)
    write_gguf(weights)
    write_tampered(weights)


main()
