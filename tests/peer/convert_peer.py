"""Conversions against the tools whose files they are. Tiny random models of every family, saved by
transformers: as GGUF they have the tensors and the keys that llama.cpp's converter gives, and llama.cpp
computes the same with either; in any other container, and back again, transformers computes the same."""
import json
import logging
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np

os.environ["TQDM_DISABLE"] = "1"  # the converter's bars
from program import FIXTURES, Check, hallmark

PEER = os.environ.get("HALLMARK_PEER_LLAMA")
if PEER:  # its converter needs the gguf-py beside it
    sys.path[:0] = [os.path.join(PEER, "src"), os.path.join(PEER, "src", "gguf-py")]
try:
    import gguf
    import torch
    import transformers
    from safetensors.torch import load_file
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

FIXTURES = pathlib.Path(FIXTURES)
TOKENIZERS = FIXTURES.parent / "tokenizers"

SMALL = dict(hidden_size=64, intermediate_size=160, num_hidden_layers=4, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=256, bos_token_id=1, eos_token_id=2, pad_token_id=0)
LLAMA3 = dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0,
              high_freq_factor=4.0, original_max_position_embeddings=8192)
YARN = dict(rope_type="yarn", rope_theta=1000000.0, factor=4.0, original_max_position_embeddings=64)
LONGROPE = dict(rope_type="longrope", rope_theta=10000.0, original_max_position_embeddings=64,
                long_factor=[1.0 + i / 3 for i in range(8)], short_factor=[1.0 + i / 30 for i in range(8)])
EXPERTS = dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32)
WINDOW = dict(head_dim=32, query_pre_attn_scalar=32, sliding_window=16)

FAMILIES = {  # name: (config class, what differs from SMALL, dtype, tokenizer)
    "llama": ("LlamaConfig", {}, "float32", "llama"),
    "llama-llama3": ("LlamaConfig", dict(rope_parameters=LLAMA3, tie_word_embeddings=True), "bfloat16", "llama3"),
    "llama-bias": ("LlamaConfig", dict(attention_bias=True, mlp_bias=True), "float16", "smollm"),
    "mistral": ("MistralConfig", dict(sliding_window=None, head_dim=32), "bfloat16", "llama"),
    "mixtral": ("MixtralConfig", dict(num_local_experts=4), "bfloat16", "llama"),
    "qwen2": ("Qwen2Config", dict(rope_parameters=YARN, tie_word_embeddings=True), "bfloat16", "qwen2"),
    "qwen2_moe": ("Qwen2MoeConfig", dict(EXPERTS, shared_expert_intermediate_size=48), "bfloat16", "qwen2"),
    "qwen3": ("Qwen3Config", dict(head_dim=32), "bfloat16", "qwen2"),
    "qwen3_moe": ("Qwen3MoeConfig", dict(EXPERTS, head_dim=32, norm_topk_prob=True), "bfloat16", "qwen2"),
    "gemma": ("GemmaConfig", dict(head_dim=32), "bfloat16", "gemma"),
    "gemma2": ("Gemma2Config", WINDOW, "float32", "gemma"),
    "gemma3": ("Gemma3TextConfig", dict(WINDOW, num_hidden_layers=7), "bfloat16", "gemma"),
    "phi3": ("Phi3Config", dict(sliding_window=None), "float16", "phi3"),
    "phi3-longrope": ("Phi3Config", dict(rope_parameters=LONGROPE, sliding_window=None,
                                         original_max_position_embeddings=64), "bfloat16", "phi3"),
    "smollm3": ("SmolLM3Config", {}, "bfloat16", "llama3"),
    "granite": ("GraniteConfig", dict(embedding_multiplier=12.0, residual_multiplier=0.22,
                                      attention_multiplier=0.015625, logits_scaling=8.0), "bfloat16", None),
    "olmo2": ("Olmo2Config", {}, "float32", None),
}
FILE_TYPES = {"float32": 0, "float16": 1, "bfloat16": 32}
# The converter names a pre-tokenizer by the whole vocabulary of a publisher, which these are not.
PRE_TOKENIZERS = {"llama3": "llama-bpe", "qwen2": "qwen2", "smollm": "smollm"}


def make(folder, config_class, extra, dtype, tokenizer):
    """A model as transformers saves it, with the files of a tokenizer."""
    vocabulary = 96
    if tokenizer:
        vocabulary = json.loads((TOKENIZERS / tokenizer / "config.json").read_text())["vocab_size"]
        vocabulary += -vocabulary % 4  # llama-results has no room for logits of another number
    torch.manual_seed(len(folder.name))
    config = getattr(transformers, config_class)(**{**SMALL, "vocab_size": vocabulary, **extra})
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:  # not all ones or zeros, as they begin
                parameter.add_(torch.randn(parameter.shape).to(parameter.dtype) / 10)
            else:
                parameter.mul_(4)
    model.save_pretrained(folder)
    if tokenizer:
        for file in (TOKENIZERS / tokenizer).iterdir():
            if file.name not in ("config.json", "keys.json"):
                shutil.copy(file, folder)


def convert(check, model, output, *options):
    status, _, err = hallmark("convert", model, "-o", output, "-q", *options)
    check.that(status == 0, f"{model.name} {' '.join(map(str, options))}: exit {status}: {err}")
    return status == 0


def converter():
    """llama.cpp's converter as a function of (folder, dtype, pre-tokenizer, output), or None without it."""
    if not PEER:
        print("llama.cpp is not set up, so GGUF is held against transformers only; scripts/peer-llama does it")
        return None
    from conversion import ModelBase, get_model_architecture, get_model_class
    from conversion.base import ModelType

    def run(folder, dtype, pre, output):
        base = get_model_class(get_model_architecture(ModelBase.load_hparams(folder, False), ModelType.TEXT))
        own = {"model_arch": base.model_arch, "get_vocab_base_pre": lambda self, tokenizer: pre}
        if not list(folder.glob("tokenizer.*")):
            own["set_vocab"] = lambda self: None
        model_class = type(base.__name__, (base,), own)
        model_class(folder, gguf.LlamaFileType(FILE_TYPES[dtype]), output).write()
    return run


def contents(path):
    """{key: value} and {tensor: (type, shape, bytes)}"""
    reader = gguf.GGUFReader(path)
    keys = {f.name: (f.types, f.contents()) for f in reader.fields.values() if not f.name.startswith("GGUF.")}
    return keys, {t.name: (t.tensor_type.name, t.shape.tolist(), t.data.tobytes()) for t in reader.tensors}


def without_ones(dimensions):
    while len(dimensions) > 1 and dimensions[-1] == 1:
        dimensions = dimensions[:-1]
    return dimensions


def same_gguf(check, name, ours, theirs):
    our_keys, our_tensors = contents(ours)
    their_keys, their_tensors = contents(theirs)
    # Ours are in the order of blocks and names, as llama-quantize has them; theirs in that of the source.
    check.equal(sorted(our_tensors), sorted(their_tensors), f"{name}: tensors")
    for tensor in our_tensors.keys() & their_tensors.keys():
        own, their = our_tensors[tensor], their_tensors[tensor]
        # ggml drops dimensions of 1 at the end, as we do; gguf-py, which the converter writes by, keeps them.
        check.equal((own[0], without_ones(own[1])), (their[0], without_ones(their[1])), f"{name}: {tensor}")
        if tensor == "rope_freqs.weight":  # in f64 and rounded once; the converter works in f32
            own, their = (np.frombuffer(t[2], np.float32) for t in (own, their))
            check.that(np.allclose(own, their, rtol=1e-6, atol=0), f"{name}: {tensor}: {own} {their}")
        else:
            check.that(own[2] == their[2], f"{name}: {tensor}: other bytes")
    # The converter reads a name and more into that of the folder, which hallmark takes as it is.
    # Gemma 1's end of turn is told apart: docs/conversion-tokenizers.md.
    apart = NAMING | ({"tokenizer.ggml.eot_token_id"} if name.split()[0] == "gemma" else set())
    check.equal([k for k in our_keys if k not in apart], [k for k in their_keys if k not in apart], f"{name}: keys")
    for key in our_keys.keys() & their_keys.keys() - NAMING:
        check.equal(our_keys[key], their_keys[key], f"{name}: {key}")


NAMING = {f"general.{key}" for key in ("name", "basename", "version", "finetune", "organization")}


def llama_computes(check, name, place, ours, theirs):
    """llama.cpp's logits: its tool refuses results of another path, so the files take each other's place."""
    model, results = place / "model.gguf", place / "results.gguf"
    for path, more in ((theirs, ()), (ours, ("--check",))):
        shutil.copy(path, model)
        done = subprocess.run([os.path.join(PEER, "bin", "llama-results"), "-m", model, "--output", results, "-c", "64",
                               "-t", "1", "-p", "the weights of a model", *more], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60)
        check.that(done.returncode == 0, f"{name}: llama-results on {path.name}: {done.stdout[-300:]}{done.stderr[-700:]}")


def logits(folder):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        return model(torch.arange(3, 83).reshape(1, -1)).logits


def same_logits(check, what, folder, expected):
    try:
        found = logits(folder)
    except Exception as error:  # whatever transformers makes of a folder that it cannot read
        check.that(False, f"{what}: {type(error).__name__}: {error}")
        return
    check.that(torch.equal(found, expected),
               f"{what}: logits differ by {(found - expected).abs().max() if found.shape == expected.shape else found.shape}")


def family(check, name, convert_hf):
    config_class, extra, dtype, tokenizer = FAMILIES[name]
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        source = place / f"tiny {name}"
        make(source, config_class, extra, dtype, tokenizer)
        bare = () if tokenizer else ("--without-tokenizer",)
        expected = logits(source)
        check.that(bool(expected.std() > 1e-3), f"{name}: logits that tell nothing: {expected.std()}")
        made = convert(check, source, place / "ours.gguf", "--to", "gguf", *bare)
        if made and name.startswith("gemma"):  # their norms are kept as 1 + w
            receipt = json.loads((place / "ours.gguf.receipt.json").read_text())
            steps = [t["steps"] for t in receipt["tensors"] if t["name"] == "output_norm.weight"]
            check.that(len(steps) == 1 and "1 added" in steps[0], f"{name}: the receipt says {steps} of the norm")
        if convert_hf:
            convert_hf(source, dtype, PRE_TOKENIZERS.get(tokenizer), place / "theirs.gguf")
            if made:
                same_gguf(check, name, place / "ours.gguf", place / "theirs.gguf")
            if made and tokenizer:
                llama_computes(check, name, place, place / "ours.gguf", place / "theirs.gguf")
            if convert(check, place / "theirs.gguf", place / "from-theirs", "--to", "safetensors", *bare):
                same_logits(check, f"{name} by llama.cpp's converter", place / "from-theirs", expected)
        if made and convert(check, place / "ours.gguf", place / "from-gguf", "--to", "safetensors", *bare):
            same_logits(check, f"{name} from GGUF", place / "from-gguf", expected)
        if convert(check, source, place / "bin", "--to", "pytorch", "--shard-size", "100kB", *bare):
            same_logits(check, f"{name} as PyTorch", place / "bin", expected)


def meta_shapes(check, folder, source):
    """Each rank holds what Meta's column and row parallel layers hold: half of the whole, along their axis."""
    whole = load_file(source / "model.safetensors")
    sizes = {"tok_embeddings": whole["model.embed_tokens.weight"].shape, "output": whole["lm_head.weight"].shape}
    for layer in range(2):
        for own, name in META.items():
            sizes[f"layers.{layer}.{own}"] = whole[f"model.layers.{layer}.{name}.weight"].shape
    for rank in range(2):
        held = torch.load(folder / f"consolidated.{rank:02}.pth", weights_only=True)
        for own, (rows, columns) in sizes.items():
            by_columns = own.endswith((".wo", ".w2")) or own == "tok_embeddings"
            wanted = (rows, columns // 2) if by_columns else (rows // 2, columns)
            check.equal(tuple(held[own + ".weight"].shape), wanted, f"{folder.name}, rank {rank}: {own}")
        norms = {f"layers.{layer}.{norm}_norm.weight" for layer in range(2) for norm in ("attention", "ffn")}
        names = {own + ".weight" for own in sizes} | norms | {"norm.weight"}
        check.equal(sorted(held.keys() - {"rope.freqs"}), sorted(names), f"{folder.name}, rank {rank}: names")


META = {"attention.wq": "self_attn.q_proj", "attention.wk": "self_attn.k_proj", "attention.wv": "self_attn.v_proj",
        "attention.wo": "self_attn.o_proj", "feed_forward.w1": "mlp.gate_proj", "feed_forward.w2": "mlp.down_proj",
        "feed_forward.w3": "mlp.up_proj"}


def fixtures(check):
    """One model in every container: the logits are those of its Hugging Face files."""
    original = FIXTURES / "hf-safetensors-f32"
    expected = logits(original)
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        for source in ("gguf/tiny-f32.gguf", "gguf/tiny-f16.gguf", "gguf/tiny-bf16.gguf", "gguf-split",
                       "meta-llama2-bf16", "hf-bin", "hf-legacy", "hf-safetensors-sharded"):
            folder = place / source.replace("/", "-").removesuffix(".gguf")
            if convert(check, FIXTURES / source, folder, "--to", "safetensors", "--without-tokenizer"):
                same_logits(check, source, folder, expected)
        if convert(check, original, place / "ranks", "--to", "meta", "--model-parallel", "2"):
            meta_shapes(check, place / "ranks", original)
            if convert(check, place / "ranks", place / "from-ranks", "--to", "safetensors"):
                same_logits(check, "through two ranks", place / "from-ranks", expected)
        if convert(check, original, place / "model.gguf", "--to", "gguf"):
            if convert(check, place / "model.gguf", place / "from-gguf", "--to", "meta", "--model-parallel", "2"):
                meta_shapes(check, place / "from-gguf", original)
        for options in ((), ("--shard-size", "64kB")):
            folder = place / f"bin{len(options)}"
            if convert(check, original, folder, "--to", "pytorch", *options):
                held = {}
                for file in folder.glob("*.bin"):
                    held |= torch.load(file, weights_only=True)
                whole = load_file(original / "model.safetensors")
                check.that(held.keys() == whole.keys() and all(torch.equal(held[n], whole[n]) for n in whole),
                           f"pytorch {options}: not the tensors of the original")
                same_logits(check, f"pytorch {options}", folder, expected)


def main():
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    check = Check()
    convert_hf = converter()
    if not sys.argv[1:]:
        fixtures(check)
    for name in sys.argv[1:] or FAMILIES:
        family(check, name, convert_hf)
    check.finish()


main()
