#!/usr/bin/env python3
"""Weight identity, version 1: a second implementation of docs/identity.md, for comparison.

Naive on purpose: whole tensors in memory, one obvious line for every sentence of the page, nothing
shared with the C++. Reads what torch, safetensors and gguf can read.

  identity_reference.py MODEL...             one line each: the identity and the path
  identity_reference.py --tensors MODEL      then every tensor: digest, type, dims, canonical name
  identity_reference.py --json MODEL         one JSON object: identity, groups, tensors, left_out

MODEL is a directory, an index.json, any one shard, or a single file.
"""
import hashlib
import json
import math
import os
import re
import struct
import sys

import gguf
import numpy as np
import torch
from safetensors import safe_open


class NoIdentity(Exception):
    """There can be no identity; the text says why."""


class Unreadable(NoIdentity):
    """The library that reads this container cannot read the file."""


# ---------------------------------------------------------------------- section 2: digests

def sha(data):
    return hashlib.sha256(data).digest()


def tree(data):
    if not data:
        return bytes(32)
    level = [sha(data[i:i + 16384]) for i in range(0, len(data), 16384)]
    while len(level) & (len(level) - 1):
        level.append(bytes(32))
    while len(level) > 1:
        level = [sha(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


def s(text):
    data = text.encode("utf-8")
    return struct.pack("<I", len(data)) + data


def tensor_digest(dtype, shape, data):
    dims = "x".join(str(n) for n in shape if n != 1)
    return sha(b"hallmark tensor 1\n" + dtype.encode() + b"\n" + dims.encode() + b"\n" + tree(data))


def group_key(name):
    parts = name.split(".")
    for i, part in enumerate(parts):
        if re.fullmatch("0|[1-9][0-9]{0,8}", part, re.ASCII):
            return ".".join(parts[:i + 1])
    return "globals"


def group_order(key):
    if key == "globals":
        return (0, b"", 0)
    before, _, number = key.rpartition(".")
    before = before + "." if "." in key else ""
    return (1, before.encode("utf-8"), int(number))


def weights_digest(digests):
    """digests: canonical name -> tensor digest. Returns the digest and [(key, group digest)]."""
    groups = {}
    for name in digests:
        groups.setdefault(group_key(name), []).append(name)
    out = []
    for key in sorted(groups, key=group_order):
        names = sorted(groups[key], key=lambda n: n.encode("utf-8"))
        body = b"".join(s(n) + digests[n] for n in names)
        out.append((key, sha(b"hallmark group 1\n" + body)))
    return sha(b"hallmark weights 1\n" + b"".join(s(k) + g for k, g in out)), out


# ---------------------------------------------------------------------- section 1.6: element type

FLOATS = {  # exponent bits, fraction bits, unsigned type of the same size
    "bf16": (8, 7, np.uint16), "f16": (5, 10, np.uint16),
    "f32": (8, 23, np.uint32), "f64": (11, 52, np.uint64),
}


def widen(bits, kind):
    """The exact f64 bits of the values whose bit patterns are given."""
    ebits, fbits, _ = FLOATS[kind]
    bits = bits.astype(np.uint64)
    if kind == "f64":
        return bits
    sign = bits >> np.uint64(ebits + fbits)
    exponent = (bits >> np.uint64(fbits)) & np.uint64((1 << ebits) - 1)
    fraction = bits & np.uint64((1 << fbits) - 1)
    bias = (1 << (ebits - 1)) - 1
    shifted = fraction << np.uint64(52 - fbits)
    normal = ((exponent + np.uint64(1023 - bias)) << np.uint64(52)) | shifted
    special = (np.uint64(0x7ff) << np.uint64(52)) | shifted
    # A subnormal is fraction * 2^(1 - bias - fbits): exact in f64.
    tiny = (fraction.astype(np.float64) * math.ldexp(1.0, 1 - bias - fbits)).view(np.uint64)
    magnitude = np.where(exponent == 0, tiny,
                         np.where(exponent == (1 << ebits) - 1, special, normal))
    return magnitude | (sign << np.uint64(63))


def nearest(wide, kind):
    """Some bit patterns of `kind` for f64 bits: exact wherever an exact one exists."""
    ebits, fbits, unsigned = FLOATS[kind]
    if kind == "f64":
        return wide
    values = wide.view(np.float64)
    with np.errstate(all="ignore"):
        if kind == "f16":
            narrow = values.astype(np.float16).view(np.uint16)
        else:
            narrow = values.astype(np.float32).view(np.uint32)
            if kind == "bf16":
                narrow = (narrow >> np.uint32(16)).astype(np.uint16)
    fraction = (wide & np.uint64((1 << 52) - 1)) >> np.uint64(52 - fbits)
    not_a_number = (((wide >> np.uint64(63)) << np.uint64(ebits + fbits))
                    | np.uint64(((1 << ebits) - 1) << fbits) | fraction).astype(unsigned)
    return np.where(np.isnan(values), not_a_number, narrow).astype(unsigned)


def element_type(dtype, data):
    """The canonical element type and bytes."""
    if dtype == "bool":
        return dtype, (np.frombuffer(data, np.uint8) != 0).astype(np.uint8).tobytes()
    if dtype not in FLOATS:
        return dtype, data
    wide = widen(np.frombuffer(data, FLOATS[dtype][2]), dtype)
    for kind in ("bf16", "f16", "f32", "f64"):
        narrow = nearest(wide, kind)
        if np.array_equal(widen(narrow, kind), wide):
            return kind, narrow.tobytes()
    raise AssertionError("f64 holds everything")


# ---------------------------------------------------------------------- the appendix

# Hugging Face, Meta, GGUF, axis on which Meta's shards are joined (None: replicated)
ENDS = [
    ("model.embed_tokens", "tok_embeddings", "token_embd", "embedding"),
    ("model.norm", "norm", "output_norm", None),
    ("lm_head", "output", "output", 0),
]
ATTENTION = [
    ("model.layers.N.self_attn.q_proj", "layers.N.attention.wq", "blk.N.attn_q", 0),
    ("model.layers.N.self_attn.k_proj", "layers.N.attention.wk", "blk.N.attn_k", 0),
    ("model.layers.N.self_attn.v_proj", "layers.N.attention.wv", "blk.N.attn_v", 0),
    ("model.layers.N.self_attn.o_proj", "layers.N.attention.wo", "blk.N.attn_output", 1),
]
DENSE = [
    ("model.layers.N.mlp.gate_proj", "layers.N.feed_forward.w1", "blk.N.ffn_gate", 0),
    ("model.layers.N.mlp.up_proj", "layers.N.feed_forward.w3", "blk.N.ffn_up", 0),
    ("model.layers.N.mlp.down_proj", "layers.N.feed_forward.w2", "blk.N.ffn_down", 1),
]
NORMS = [
    ("model.layers.N.input_layernorm", "layers.N.attention_norm", "blk.N.attn_norm", None),
    ("model.layers.N.post_attention_layernorm", "layers.N.ffn_norm", "blk.N.ffn_norm", None),
]
QK_NORM = [
    ("model.layers.N.self_attn.q_norm", None, "blk.N.attn_q_norm", None),
    ("model.layers.N.self_attn.k_norm", None, "blk.N.attn_k_norm", None),
]
MIXTRAL = [
    ("model.layers.N.block_sparse_moe.gate", "layers.N.block_sparse_moe.gate",
     "blk.N.ffn_gate_inp", None),
    ("model.layers.N.block_sparse_moe.gate", "layers.N.feed_forward.gate", None, None),
]
for _w, _g in (("w1", "gate"), ("w2", "down"), ("w3", "up")):
    _axis = 1 if _w == "w2" else 0
    _hf = f"model.layers.N.block_sparse_moe.experts.E.{_w}"
    MIXTRAL += [
        (_hf, f"layers.N.block_sparse_moe.experts.E.{_w}", f"blk.N.ffn_{_g}.E", _axis),
        (_hf, f"layers.N.feed_forward.experts.E.{_w}", f"blk.N.ffn_{_g}_exps", _axis),
    ]
QWEN_EXPERTS = [("model.layers.N.mlp.gate", None, "blk.N.ffn_gate_inp", None)] + [
    (f"model.layers.N.mlp.experts.E.{w}_proj", None, f"blk.N.ffn_{w}_exps", None)
    for w in ("gate", "up", "down")]
QWEN_SHARED = [
    ("model.layers.N.mlp.shared_expert_gate", None, "blk.N.ffn_gate_inp_shexp", None)] + [
    (f"model.layers.N.mlp.shared_expert.{w}_proj", None, f"blk.N.ffn_{w}_shexp", None)
    for w in ("gate", "up", "down")]
GEMMA2_NORMS = [
    ("model.layers.N.input_layernorm", None, "blk.N.attn_norm", None),
    ("model.layers.N.post_attention_layernorm", None, "blk.N.post_attention_norm", None),
    ("model.layers.N.pre_feedforward_layernorm", None, "blk.N.ffn_norm", None),
    ("model.layers.N.post_feedforward_layernorm", None, "blk.N.post_ffw_norm", None),
]
OLMO2_NORMS = [
    ("model.layers.N.post_attention_layernorm", None, "blk.N.post_attention_norm", None),
    ("model.layers.N.post_feedforward_layernorm", None, "blk.N.post_ffw_norm", None),
]
PHI3 = [
    ("model.layers.N.self_attn.qkv_proj", None, "blk.N.attn_qkv", None),
    ("model.layers.N.self_attn.o_proj", None, "blk.N.attn_output", None),
    ("model.layers.N.mlp.gate_up_proj", None, "blk.N.ffn_up", None),
    ("model.layers.N.mlp.down_proj", None, "blk.N.ffn_down", None),
]
LLAMA = ENDS + ATTENTION + DENSE + NORMS

# GGUF architecture: names, q/k interleaved there, norms stored as 1+w there
ROWS = {
    "llama": (LLAMA + MIXTRAL, True, False),
    "qwen2": (LLAMA, False, False),
    "qwen2moe": (LLAMA + QWEN_EXPERTS + QWEN_SHARED, False, False),
    "qwen3": (LLAMA + QK_NORM, False, False),
    "qwen3moe": (LLAMA + QK_NORM + QWEN_EXPERTS, False, False),
    "gemma": (LLAMA, False, True),
    "gemma2": (ENDS + ATTENTION + DENSE + GEMMA2_NORMS, False, True),
    "gemma3": (ENDS + ATTENTION + DENSE + GEMMA2_NORMS + QK_NORM, False, True),
    "phi3": (ENDS + PHI3 + NORMS, False, False),
    "smollm3": (LLAMA, True, False),
    "granite": (LLAMA, True, False),
    "olmo2": (ENDS + ATTENTION + DENSE + QK_NORM + OLMO2_NORMS, False, False),
}
NUMBER = "(?:0|[1-9][0-9]{0,8})"


def match(template, stem):
    """The numbers that N and E stand for, or None."""
    if template is None:
        return None
    pattern = "".join(f"(?P<{p}>{NUMBER})" if p in "NE" and p else re.escape(p)
                      for p in re.split(r"(?<=\.)([NE])(?=\.|$)", template))
    found = re.fullmatch(pattern, stem, re.ASCII)
    return found.groupdict() if found else None


def fill(template, numbers):
    return ".".join(numbers.get(part, part) for part in template.split("."))


def find(rules, column, name):
    """(canonical stem template, numbers, suffix, axis) of a stored name, or None."""
    stem, dot, suffix = name.rpartition(".")
    if suffix not in ("weight", "bias"):
        return None
    for rule in rules:
        numbers = match(rule[column], stem)
        if numbers is not None:
            return rule[0], numbers, suffix, rule[3]
    return None


ALL_RULES = [rule for rules, _, _ in ROWS.values() for rule in rules]


# ---------------------------------------------------------------------- reading containers

TORCH_NAMES = {
    torch.float64: "f64", torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16",
    torch.bool: "bool", torch.uint8: "u8", torch.int8: "i8", torch.uint16: "u16",
    torch.int16: "i16", torch.uint32: "u32", torch.int32: "i32", torch.uint64: "u64",
    torch.int64: "i64", torch.complex32: "c32", torch.complex64: "c64", torch.complex128: "c128",
    torch.float8_e4m3fn: "f8_e4m3", torch.float8_e5m2: "f8_e5m2",
    torch.float8_e4m3fnuz: "f8_e4m3fnuz", torch.float8_e5m2fnuz: "f8_e5m2fnuz",
    torch.float8_e8m0fnu: "f8_e8m0",
}


def from_torch(name, tensor):
    if tensor.is_quantized or tensor.is_nested or tensor.layout != torch.strided:
        raise NoIdentity(f"{name}: a quantised, sparse or nested tensor")
    tensor = tensor.detach().resolve_conj().resolve_neg().contiguous()
    if tensor.dtype not in TORCH_NAMES:
        raise NoIdentity(f"{name}: {tensor.dtype}")
    shape = list(tensor.shape)
    data = tensor.reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
    return TORCH_NAMES[tensor.dtype], shape, data


def flatten(value, prefix, out):
    if torch.is_tensor(value):
        if prefix in out:
            raise NoIdentity(f"two tensors are called {prefix}")
        out[prefix] = from_torch(prefix, value)
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(key, (str, int)) or key is None:
                flatten(item, f"{prefix}.{key}" if prefix else str(key), out)
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            flatten(item, f"{prefix}.{i}" if prefix else str(i), out)


def read_torch(path):
    top = torch.load(path, map_location="cpu", weights_only=True)
    every = {}
    flatten(top, "", every)
    for root in ("state_dict", "model", "module"):
        if isinstance(top, dict) and isinstance(top.get(root), dict):
            inner = {}
            flatten(top[root], "", inner)
            if inner and len(inner) == len(every):
                return inner, {}
    return every, {}


def read_safetensors(path):
    out = {}
    with safe_open(path, "pt") as file:
        for name in file.keys():
            out[name] = from_torch(name, file.get_tensor(name))
    return out, {}


def read_gguf(path):
    reader = gguf.GGUFReader(path)
    out = {}
    for tensor in reader.tensors:
        if tensor.name in out:
            raise NoIdentity(f"two tensors are called {tensor.name}")
        shape = [int(n) for n in reversed(tensor.shape)]
        data = tensor.data.astype(tensor.data.dtype.newbyteorder("<"))
        out[tensor.name] = (tensor.tensor_type.name.lower(), shape, data.tobytes())
    fields = {key: field.contents() for key, field in reader.fields.items()}
    return out, fields


def read_file(path):
    with open(path, "rb") as file:
        head = file.read(16)
    read = read_safetensors
    if head[:4] == b"GGUF":
        read = read_gguf
    elif head[:4] == b"PK\3\4" or head[:2] == b"\x80\x02":
        read = read_torch
    try:
        return read(path)
    except NoIdentity:
        raise
    except Exception as error:  # whatever the library says of a file it cannot read
        raise Unreadable(f"{type(error).__name__}: {str(error)[:200]}") from error


def shard_files(path):
    """(files in shard order, whether every file holds a slice of every tensor)."""
    folder, name = os.path.split(path)
    if os.path.isdir(path):
        folder = path
        names = sorted(os.listdir(path))
        found = [n for n in names if n.endswith(".index.json")]
        found += [n for n in names if re.fullmatch(r"consolidated\.\d+\.\w+", n)][:1]
        suffixes = (".safetensors", ".gguf", ".bin", ".pth", ".pt")
        found = found or [n for n in names if n.endswith(suffixes)]
        if not found:
            raise NoIdentity(f"{path}: no weights here")
        return shard_files(os.path.join(folder, found[0]))
    if name.endswith(".json"):
        with open(path, encoding="utf-8") as file:
            weight_map = json.load(file)["weight_map"]
        return [os.path.join(folder, n) for n in sorted(set(weight_map.values()))], False
    if re.fullmatch(r"consolidated\.\d+\.\w+", name):
        ranks = [n for n in os.listdir(folder or ".") if re.fullmatch(r"consolidated\.\d+\.\w+", n)]
        ranks.sort(key=lambda n: int(n.split(".")[1]))
        return [os.path.join(folder, n) for n in ranks], len(ranks) > 1
    numbered = re.fullmatch(r"(.*)-(\d{5})-of-(\d{5})(\..*)", name)
    if numbered:
        return [os.path.join(folder, f"{numbered[1]}-{i:05d}-of-{numbered[3]}{numbered[4]}")
                for i in range(1, int(numbered[3]) + 1)], False
    return [path], False


def configuration(folder, fields, meta):
    """n_heads, n_kv_heads, dim and the RoPE settings, wherever they are said."""
    arch = fields.get("general.architecture")
    if arch is not None:
        get = lambda key: fields.get(f"{arch}.{key}")
        heads = get("attention.head_count")
        return dict(arch=arch, n_heads=heads, n_kv_heads=get("attention.head_count_kv") or heads,
                    dim=get("embedding_length"), theta=get("rope.freq_base"), rope={})
    for name in (("params.json", "config.json") if meta else ("config.json", "params.json")):
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as file:
            c = json.load(file)
        if name == "params.json":
            c = c.get("model", c)
            heads = c.get("n_heads")
            return dict(n_heads=heads, n_kv_heads=c.get("n_kv_heads") or heads, dim=c.get("dim"),
                        theta=c.get("rope_theta"), head_dim=c.get("head_dim"), rope={})
        c = c.get("text_config", c)
        heads = c.get("num_attention_heads")
        rope = c.get("rope_scaling") or c.get("rope_parameters") or {}
        return dict(model_type=c.get("model_type"), n_heads=heads, head_dim=c.get("head_dim"),
                    n_kv_heads=c.get("num_key_value_heads") or heads, dim=c.get("hidden_size"),
                    theta=c.get("rope_theta") or rope.get("rope_theta"), rope=rope)
    return dict(n_heads=None, n_kv_heads=None, dim=None, theta=None, rope={})


# ---------------------------------------------------------------------- section 1: canonical form

ROTARY_BUFFERS = ("rope.freqs", "freqs_cos", "freqs_sin")


def near(a, b):
    """At most 4 apart as f32 bit patterns; all positive and finite."""
    b = np.asarray(b, np.float64).astype(np.float32)
    if a.shape != b.shape or not np.all(np.isfinite(a) & (a > 0) & np.isfinite(b) & (b > 0)):
        return False
    apart = a.view(np.uint32).astype(np.int64) - b.view(np.uint32).astype(np.int64)
    return bool(np.all(np.abs(apart) <= 4))


def llama3_factors(count, theta, factor, low, high, context):
    out = []
    for i in range(count):
        wavelength = 2 * math.pi * theta ** (i / count)
        if wavelength < context / high:
            out.append(1.0)
        elif wavelength > context / low:
            out.append(factor)
        else:
            smooth = (context / wavelength - low) / (high - low)
            out.append(1 / ((1 - smooth) / factor + smooth))
    return out


def left_out_reason(name, tensor, config):
    dtype, shape, data = tensor
    if name in ROTARY_BUFFERS or name.endswith(".rotary_emb.inv_freq"):
        return "derived: rotary frequencies"
    if name.endswith(".attn.masked_bias"):
        return "derived: attention mask"
    if name.endswith(".attn.bias") and dtype in ("bool", "u8"):
        return "derived: attention mask"
    if name == "rope_freqs.weight" and dtype == "f32" and len(shape) == 1 and shape[0]:
        values, rope = np.frombuffer(data, np.float32), config["rope"]
        scaled = rope.get("rope_type", rope.get("type")) == "llama3" and "factor" in rope
        factors = [rope["factor"]] if scaled else [8, 32]
        for factor in factors:
            if near(values, llama3_factors(len(values), config["theta"] or 10000.0, factor,
                                           rope.get("low_freq_factor", 1.0),
                                           rope.get("high_freq_factor", 4.0),
                                           rope.get("original_max_position_embeddings", 8192))):
                return "derived: rotary scaling of llama3"
    for which in ("long", "short"):
        if name == f"rope_factors_{which}.weight" and dtype == "f32" and len(shape) == 1:
            given = config["rope"].get(f"{which}_factor")
            if given is None or near(np.frombuffer(data, np.float32), given):
                return "configuration: rotary scaling"
    return None


def to_half_split(tensor, heads, name):
    """canonical row (h, half, i) = stored row (h, i, half)"""
    dtype, shape, data = tensor
    if not heads or shape[0] % (2 * heads):
        raise NoIdentity(f"{name}: {shape[0]} rows for {heads} heads")
    rows = np.frombuffer(data, np.uint8).reshape(heads, shape[0] // heads // 2, 2, -1)
    return dtype, shape, rows.transpose(0, 2, 1, 3).tobytes()


def minus_one(tensor):
    dtype, shape, data = tensor
    wide = widen(np.frombuffer(data, FLOATS[dtype][2]), dtype).view(np.float64)
    return "f64", shape, (wide - 1.0).tobytes()


def join(parts, axis, config, name, stem):
    if len(parts) == 1:
        return parts[0]
    dtype, first = parts[0][0], parts[0][1]
    if len(first) == 1 and axis == 1:
        axis = None  # the bias of a row-parallel matrix is replicated
    if axis == "embedding":
        axis = 1 if first[1] < config["dim"] else 0
    if axis is None:
        if any(part != parts[0] for part in parts):
            raise NoIdentity(f"{name}: replicated parts differ")
        return parts[0]
    if stem.endswith(("k_proj", "v_proj")) and config["n_kv_heads"]:
        head_dim = config.get("head_dim") or config["dim"] // config["n_heads"]
        rows = sum(part[1][0] for part in parts)
        copies, rest = divmod(rows, config["n_kv_heads"] * head_dim)
        if rest or copies < 1 or len(parts) % copies:
            raise NoIdentity(f"{name}: {rows} rows for {config['n_kv_heads']} heads of {head_dim}")
        for i, part in enumerate(parts):
            if part != parts[i - i % copies]:
                raise NoIdentity(f"{name}: replicated parts differ")
        parts = parts[::copies]
    if any(part[0] != dtype for part in parts):
        raise NoIdentity(f"{name}: shards of different types")
    shape = list(first)
    shape[axis] = sum(part[1][axis] for part in parts)
    if axis == 0:
        return dtype, shape, b"".join(part[2] for part in parts)
    rows = [np.frombuffer(part[2], np.uint8).reshape(shape[0], -1) for part in parts]
    return dtype, shape, np.concatenate(rows, axis=1).tobytes()


def canonical(path):
    """(prefix, {canonical name: (dtype, shape, bytes)}, [(stored name, why left out)])"""
    files, parallel = shard_files(path)
    shards, fields = [], {}
    for file in files:
        tensors, its_fields = read_file(file)
        shards.append(tensors)
        fields = fields or its_fields
    if not parallel:
        merged = {}
        for tensors in shards:
            for name in tensors:
                if name in merged:
                    raise NoIdentity(f"two tensors are called {name}")
            merged.update(tensors)
        shards = [merged]
    for name in (n for tensors in shards for n in tensors):
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            raise NoIdentity(f"{name!r} is not UTF-8") from None

    names = list(dict.fromkeys(n for tensors in shards for n in tensors))
    if not names:
        raise NoIdentity("no tensors")
    is_meta = all(find(ALL_RULES, 1, n) for n in names if n not in ROTARY_BUFFERS)
    config = configuration(os.path.dirname(files[0]), fields, is_meta)
    left_out, kept = [], []
    for name in names:
        reason = left_out_reason(name, next(t[name] for t in shards if name in t), config)
        left_out.append((name, reason)) if reason else kept.append(name)
    extra = ("rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight")

    # The scheme. Hugging Face and Meta names mean the same under every row; GGUF's need the row.
    rules, column, interleaved, plus_one = None, None, False, False
    if all(find(ALL_RULES, 0, n) for n in kept):
        rules, column = ALL_RULES, 0
    elif all(find(ALL_RULES, 1, n) for n in kept):
        rules, column, interleaved = ALL_RULES, 1, True
    else:
        by_type = {"qwen2_moe": "qwen2moe", "qwen3_moe": "qwen3moe", "gemma3_text": "gemma3",
                   "mistral": "llama", "mixtral": "llama"}
        arch = config.get("arch") or by_type.get(config.get("model_type"), config.get("model_type"))
        if arch in ROWS and all(find(ROWS[arch][0], 2, n) for n in kept if n not in extra):
            rules, interleaved, plus_one = ROWS[arch]
            column = 2

    if config["dim"] is None and column == 1:
        config["dim"] = next((t["norm.weight"][1][0] for t in shards if "norm.weight" in t), None)
    out = {}

    def put(name, tensor):
        if name in out:
            raise NoIdentity(f"two tensors are called {name}")
        out[name] = tensor

    for name in kept:
        if any(name not in tensors for tensors in shards):
            raise NoIdentity(f"{name} is not in every shard")
        parts = [tensors[name] for tensors in shards]
        rule = find(rules, column, name) if rules else None
        if rule is None:
            if len(parts) > 1:
                raise NoIdentity(f"{name}: no rule says how its shards are joined")
            put(name, parts[0])
            continue
        template, numbers, suffix, axis = rule
        tensor = join(parts, axis, config, name, template)
        if interleaved and template.endswith((".q_proj", ".k_proj")):
            heads = config["n_heads" if template.endswith(".q_proj") else "n_kv_heads"]
            if not heads:
                raise NoIdentity(f"{name}: the layout needs the number of heads")
            tensor = to_half_split(tensor, heads, name)
        if plus_one and suffix == "weight" and template.endswith("norm"):
            tensor = minus_one(tensor)
        if ".E." in template and "E" not in numbers:
            dtype, shape, data = tensor
            count = shape[0] if len(shape) == 3 else 1
            size = len(data) // count
            for e in range(count):
                put(fill(template, {**numbers, "E": str(e)}) + "." + suffix,
                    (dtype, shape[-2:], data[e * size:(e + 1) * size]))
        else:
            put(fill(template, numbers) + "." + suffix, tensor)
    return "hm1" if rules else "hm1raw", out, left_out


def identity(path):
    prefix, tensors, left_out = canonical(path)
    rows = {}
    for name, (dtype, shape, data) in tensors.items():
        kind, narrow = element_type(dtype, data)
        rows[name] = (tensor_digest(kind, shape, narrow), kind, shape)
    head, embedding = "lm_head.weight", "model.embed_tokens.weight"
    if head in rows and embedding in rows and rows[head][0] == rows[embedding][0]:
        del rows[head]
        left_out.append((head, "equals the input embedding"))
    digest, groups = weights_digest({name: row[0] for name, row in rows.items()})
    return f"{prefix}:{digest.hex()}", groups, rows, left_out


def main(arguments):
    options = [a for a in arguments if a.startswith("--")]
    status = 0
    for path in (a for a in arguments if not a.startswith("--")):
        try:
            text, groups, rows, left_out = identity(path)
        except NoIdentity as why:
            print(f"none {path}: {why}")
            status = 3
            continue
        if "--json" in options:
            print(json.dumps({
                "identity": text, "groups": {k: g.hex() for k, g in groups},
                "tensors": {n: {"digest": d.hex(), "dtype": t, "shape": list(shape)}
                            for n, (d, t, shape) in sorted(rows.items())},
                "left_out": dict(left_out)}))
            continue
        print(text, path)
        if "--tensors" in options:
            for name in sorted(rows, key=lambda n: n.encode("utf-8")):
                digest, dtype, shape = rows[name]
                dims = "x".join(str(n) for n in shape if n != 1)
                print(f"  {digest.hex()} {dtype} {dims} {name}")
            for name, reason in left_out:
                print(f"  left out: {name}: {reason}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
