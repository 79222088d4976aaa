#!/usr/bin/env python3
"""Writes the tokenizers beside this file: small ones, trained by sentencepiece and tokenizers, and
for each keys.json, the tokenizer keys that llama.cpp's own converter gives it.
usage: make.py LLAMA_CPP   (needs sentencepiece, tokenizers, transformers, torch, gguf)

The converter names a pre-tokenizer by what it makes of one text with the publisher's vocabulary, so
it cannot know these; the names given here are those that it has for the publishers' own."""
import contextlib
import io
import json
import pathlib
import shutil
import sys
import tempfile

import sentencepiece
import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).parent
LLAMA_CPP = pathlib.Path(sys.argv[1])
sys.path[:0] = [str(LLAMA_CPP), str(LLAMA_CPP / "gguf-py")]
import gguf  # noqa: E402
from conversion.base import ModelBase, TextModel, get_model_architecture, ModelType  # noqa: E402
import conversion  # noqa: E402
from transformers.convert_slow_tokenizer import TikTokenConverter  # noqa: E402

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
TEMPLATE = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"

WORDS = "the weights of a model are kept in shards and each shard is hashed so nobody can change it".split()


def corpus():
    """Sentences of few words, in an order that a fixed generator gives."""
    state = 1
    lines = []
    for _ in range(400):
        line = []
        for _ in range(9):
            state = state * 1103515245 + 12345 & 0x7FFFFFFF
            line.append(WORDS[(state >> 16) % len(WORDS)])
        lines.append(" ".join(line) + f" {state % 1000}, größer.")
    return lines


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def config(folder, architecture, model_type, vocab_size, **more):
    write_json(folder / "config.json", {
        "architectures": [architecture], "model_type": model_type, "vocab_size": vocab_size, "hidden_size": 64,
        "intermediate_size": 160, "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2,
        "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, **more})


def train_pieces(folder, **options):
    settings = dict(model_type="bpe", vocab_size=360, byte_fallback=True, normalization_rule_name="identity",
                    remove_extra_whitespaces=False, num_threads=1, character_coverage=0.9995)
    settings.update(options)
    with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stderr(io.StringIO()):
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(corpus()), model_prefix=f"{scratch}/m", minloglevel=2, **settings)
        shutil.copy(f"{scratch}/m.model", folder / "tokenizer.model")


def train_pairs(folder, steps, special, plain=(), normalizer=None, template=None, size=340, ignore_merges=False):
    tokenizer = tokenizers.Tokenizer(models.BPE(ignore_merges=ignore_merges))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps) if len(steps) > 1 else steps[0]
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(corpus(), trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in special])
    tokenizer.add_tokens([AddedToken(t, normalized=False) for t in plain])
    if template:
        tokenizer.post_processor = processors.Sequence([
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single=f"{template} $A", pair=f"{template} $A {template}:1 $B:1",
                                          special_tokens=[(template, tokenizer.token_to_id(template))])])
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer


def keys_of(folder, pre):
    """What the converter writes for `folder`, by key, in its order."""
    TextModel.get_vocab_base_pre = lambda self, tokenizer: pre
    hparams = ModelBase.load_hparams(folder, False)
    architecture = get_model_architecture(hparams, ModelType.TEXT)
    out = pathlib.Path(tempfile.mkdtemp()) / "vocab.gguf"
    model_class = conversion.get_model_class(architecture)
    model_class(folder, gguf.LlamaFileType.MOSTLY_F16, out).write_vocab()
    fields = gguf.GGUFReader(out).fields
    keys = {key: field.contents() for key, field in fields.items() if key.startswith("tokenizer.")}
    shutil.rmtree(out.parent)
    return keys


def make_llama(folder):
    """As Llama 2's and Mistral's: added tokens in and beyond the pieces, and padding."""
    train_pieces(folder)
    config(folder, "LlamaForCausalLM", "llama", 368, bos_token_id=1, eos_token_id=2)
    special = {i: {"content": t, "special": True} for i, t in enumerate(["<unk>", "<s>", "</s>"])}
    write_json(folder / "tokenizer_config.json", {
        "add_bos_token": True, "add_eos_token": False, "add_prefix_space": True, "bos_token": {"content": "<s>"},
        "eos_token": "</s>", "unk_token": "<unk>", "tokenizer_class": "LlamaTokenizer", "chat_template": TEMPLATE,
        "added_tokens_decoder": {**special, 360: {"content": "<|im_end|>", "special": False},
                                 361: {"content": "▁two▁words", "special": False}}})


def make_gemma(folder):
    """As Gemma 2's: no space in front, other ids for the special tokens."""
    train_pieces(folder, add_dummy_prefix=False, pad_id=0, eos_id=1, bos_id=2, unk_id=3,
                 user_defined_symbols=["<start_of_turn>", "▁▁"])
    config(folder, "Gemma2ForCausalLM", "gemma2", 364, head_dim=16, bos_token_id=2, eos_token_id=1, pad_token_id=0,
           attn_logit_softcapping=50.0, final_logit_softcapping=30.0, sliding_window=128)
    write_json(folder / "tokenizer_config.json", {
        "add_bos_token": True, "add_eos_token": False, "bos_token": "<bos>", "tokenizer_class": "GemmaTokenizer",
        "added_tokens_decoder": {"0": {"content": "<pad>", "special": True}, "1": {"content": "<eos>", "special": True},
                                 "2": {"content": "<bos>", "special": True}, "3": {"content": "<unk>", "special": True},
                                 "4": {"content": "<start_of_turn>", "special": True},
                                 "5": {"content": "▁▁", "special": False}}})


def make_phi3(folder):
    """As Phi-3's: tokens added by three files, which win over each other in turn."""
    train_pieces(folder)
    config(folder, "Phi3ForCausalLM", "phi3", 368, original_max_position_embeddings=256, bos_token_id=1,
           eos_token_id=360, pad_token_id=360)
    write_json(folder / "added_tokens.json", {"<|end|>": 361, "<|user|>": 362})
    write_json(folder / "tokenizer_config.json", {
        "add_bos_token": True, "bos_token": "<s>", "eos_token": "<|endoftext|>", "tokenizer_class": "LlamaTokenizer",
        "added_tokens_decoder": {"2": {"content": "</s>", "special": False},
                                 "360": {"content": "<|endoftext|>", "special": True},
                                 "361": {"content": "<|end|>", "special": True}}})


def make_llama3(folder):
    """As Llama 3's: bos in front of every text, several chat templates."""
    special = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"]
    train_pairs(folder, [pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
                         pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)],
                special, template=special[0], ignore_merges=True)
    config(folder, "LlamaForCausalLM", "llama", 343, bos_token_id=340, eos_token_id=[341, 342])
    write_json(folder / "tokenizer_config.json", {
        "bos_token": special[0], "eos_token": special[2], "tokenizer_class": "PreTrainedTokenizerFast",
        "chat_template": [{"name": "default", "template": TEMPLATE}, {"name": "tool-use", "template": "tools"}]})


def make_qwen2(folder):
    """As Qwen2's: nothing in front, more rows than tokens, a template in a file of its own."""
    train_pairs(folder, [pre_tokenizers.Split(Regex(QWEN2), "isolated"),
                         pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)],
                ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], plain=["<think>", "<tool_call>"],
                normalizer=normalizers.NFC())
    config(folder, "Qwen2ForCausalLM", "qwen2", 352, bos_token_id=340, eos_token_id=342)
    write_json(folder / "tokenizer_config.json", {
        "add_bos_token": False, "add_prefix_space": False, "bos_token": None, "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>", "unk_token": None, "tokenizer_class": "Qwen2Tokenizer"})
    (folder / "chat_template.jinja").write_text(TEMPLATE)


def make_smollm(folder):
    """As SmolLM2's: GPT-2's pattern behind single digits; old merges, as texts."""
    train_pairs(folder, [pre_tokenizers.Digits(individual_digits=True),
                         pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)],
                ["<|im_start|>", "<|im_end|>"])
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    tokenizer["model"]["merges"] = [" ".join(merge) for merge in tokenizer["model"]["merges"]]
    write_json(path, tokenizer)
    config(folder, "LlamaForCausalLM", "llama", 342, bos_token_id=340, eos_token_id=341, pad_token_id=341)
    write_json(folder / "tokenizer_config.json", {
        "add_prefix_space": False, "bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "unk_token": "<|im_start|>",
        "tokenizer_class": "GPT2Tokenizer"})


def make_meta_llama3(folder):
    """Ranks, as Meta publishes them; transformers says which merges they mean."""
    import base64
    alphabet = {letter: byte for byte, letter in enumerate(byte_letters())}
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        vocabulary = train_pairs(scratch, [pre_tokenizers.Split(Regex(LLAMA3), "isolated"), pre_tokenizers.ByteLevel(
            add_prefix_space=False, use_regex=False)], []).get_vocab()
    ranked = sorted(vocabulary, key=vocabulary.get)
    lines = [base64.b64encode(bytes(alphabet[c] for c in token)).decode() + f" {rank}\n"
             for rank, token in enumerate(ranked)]
    (folder / "tokenizer.model").write_text("".join(lines))
    write_json(folder / "params.json", {"dim": 64, "n_layers": 1, "n_heads": 4, "vocab_size": -1, "use_scaled_rope": True})
    _, merges = TikTokenConverter().extract_vocab_merges_from_model(str(folder / "tokenizer.model"))
    return {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "llama-bpe",
            "tokenizer.ggml.merges": [" ".join(merge) for merge in merges]}


def byte_letters():
    from gguf.vocab import bytes_to_unicode
    letters = bytes_to_unicode()
    return [letters[byte] for byte in range(256)]


def main():
    names = {"llama": None, "gemma": None, "phi3": None, "llama3": "llama-bpe", "qwen2": "qwen2", "smollm": "smollm",
             "meta_llama3": None}
    for name, pre in names.items():
        folder = HERE / name.replace("_", "-")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        keys = globals()[f"make_{name}"](folder) or keys_of(folder, pre)
        write_json(folder / "keys.json", keys)


main()
