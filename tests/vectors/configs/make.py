"""Makes the vectors in this folder: configurations and the GGUF keys llama.cpp's converter gives them.

usage: make.py LLAMA_CPP    a source tree of llama.cpp, for convert_hf_to_gguf.py and what it imports;
                            needs transformers 5 and torch

Each folder holds config.json, of a tiny random model as transformers wrote it (tiny-…) or with the
values that the publisher of a model gave (published-…), perhaps generation_config.json, and in
expected.json
  file_type   the number of general.file_type
  loaded      what transformers makes of config.json: every default filled in
  parameters  total, shared, of an expert, experts: the converter's own count; null without tensors
  rope        the tensors that the converter adds for scaled rotary frequencies
  gguf        [key, type, value] in file order, tokenizer.* left out
  tensors     what the tensors tell (TensorFacts), where there are any
"""

import json
import logging
import pathlib
import re
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
LLAMA_CPP = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(LLAMA_CPP / "gguf-py"))
sys.path.insert(0, str(LLAMA_CPP))

import gguf  # noqa: E402
import numpy  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from conversion import ModelBase, get_model_architecture, get_model_class  # noqa: E402
from conversion.base import ModelType  # noqa: E402
from safetensors import safe_open  # noqa: E402

logging.disable(logging.WARNING)

SMALL = dict(hidden_size=64, intermediate_size=160, num_hidden_layers=4, num_attention_heads=4,
             num_key_value_heads=2, vocab_size=96, max_position_embeddings=256)
LLAMA3 = dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0,
              high_freq_factor=4.0, original_max_position_embeddings=8192)
LINEAR = dict(rope_type="linear", rope_theta=10000.0, factor=2.5)
YARN = dict(rope_type="yarn", rope_theta=1000000.0, factor=4.0, original_max_position_embeddings=64)
YARN_MORE = dict(YARN, attention_factor=1.2, beta_fast=24.0, beta_slow=2.0)
LONGROPE = dict(rope_type="longrope", rope_theta=10000.0, original_max_position_embeddings=64,
                long_factor=[1.0 + i / 3 for i in range(8)],
                short_factor=[1.0 + i / 30 for i in range(8)])
EXPERTS = dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32)

TINY = {  # name: (config class, what differs from SMALL, dtype)
    "llama": ("LlamaConfig", {}, "float32"),
    "llama-all-heads": ("LlamaConfig", dict(num_key_value_heads=4), "float16"),
    "llama-llama3": ("LlamaConfig", dict(rope_parameters=LLAMA3, tie_word_embeddings=True), "bfloat16"),
    "llama-llama3-32": ("LlamaConfig", dict(rope_parameters=dict(LLAMA3, factor=32.0)), "bfloat16"),
    "llama-linear": ("LlamaConfig", dict(rope_parameters=LINEAR), "float32"),
    "llama-yarn": ("LlamaConfig", dict(rope_parameters=YARN_MORE), "float32"),
    "llama-bias": ("LlamaConfig", dict(attention_bias=True, mlp_bias=True), "float32"),
    "llama-head-dim": ("LlamaConfig", dict(head_dim=32), "float32"),
    "mistral": ("MistralConfig", dict(sliding_window=32, rms_norm_eps=1e-5), "bfloat16"),
    "mistral-no-window": ("MistralConfig", dict(sliding_window=None, head_dim=32), "bfloat16"),
    "mixtral": ("MixtralConfig", dict(num_local_experts=4), "bfloat16"),
    "qwen2": ("Qwen2Config", dict(tie_word_embeddings=True), "bfloat16"),
    "qwen2-yarn": ("Qwen2Config", dict(rope_parameters=YARN), "bfloat16"),
    "qwen2_moe": ("Qwen2MoeConfig", dict(EXPERTS, shared_expert_intermediate_size=48), "bfloat16"),
    "qwen3": ("Qwen3Config", dict(head_dim=32), "bfloat16"),
    "qwen3_moe": ("Qwen3MoeConfig", dict(EXPERTS, head_dim=32, norm_topk_prob=True), "bfloat16"),
    "gemma": ("GemmaConfig", dict(head_dim=32), "bfloat16"),
    "gemma2": ("Gemma2Config", dict(head_dim=32, query_pre_attn_scalar=32, sliding_window=16), "bfloat16"),
    "gemma3": ("Gemma3TextConfig", dict(head_dim=32, query_pre_attn_scalar=32, sliding_window=16,
                                        num_hidden_layers=7), "bfloat16"),
    "phi3": ("Phi3Config", dict(pad_token_id=0, eos_token_id=2), "bfloat16"),
    "phi3-longrope": ("Phi3Config", dict(rope_parameters=LONGROPE, pad_token_id=0, eos_token_id=2,
                                         original_max_position_embeddings=64), "bfloat16"),
    "smollm3": ("SmolLM3Config", dict(pad_token_id=0, eos_token_id=2, bos_token_id=1), "bfloat16"),
    "granite": ("GraniteConfig", dict(embedding_multiplier=12.0, residual_multiplier=0.22,
                                      attention_multiplier=0.015625, logits_scaling=8.0), "bfloat16"),
    "olmo2": ("Olmo2Config", dict(eos_token_id=2), "float32"),
}


def longrope_list(n):
    return [1.0 + round(i * i / 7.0, 6) for i in range(n)]


def published(architecture, model_type, layers, hidden, ffn, heads, vocab, context, **more):
    kv = more.pop("kv", None)
    config = dict(architectures=[architecture], model_type=model_type, num_hidden_layers=layers,
                  hidden_size=hidden, intermediate_size=ffn, num_attention_heads=heads,
                  vocab_size=vocab, max_position_embeddings=context)
    if kv is not None:
        config["num_key_value_heads"] = kv
    return {**config, **more}


def llama(*shape, **more):
    return published("LlamaForCausalLM", "llama", *shape, **{"hidden_act": "silu", **more})


def scaled(factor):
    return dict(factor=factor, low_freq_factor=1.0, high_freq_factor=4.0,
                original_max_position_embeddings=8192, rope_type="llama3")


PUBLISHED = {
    "llama-7b": llama(32, 4096, 11008, 32, 32000, 2048, rms_norm_eps=1e-6, torch_dtype="float16",
                      bos_token_id=1, eos_token_id=2, max_sequence_length=2048,
                      tie_word_embeddings=False),
    "llama-2-70b": llama(80, 8192, 28672, 64, 32000, 4096, kv=8, rms_norm_eps=1e-5, pretraining_tp=1,
                         torch_dtype="float16", rope_scaling=None, tie_word_embeddings=False),
    "codellama-7b": llama(32, 4096, 11008, 32, 32016, 16384, kv=32, rms_norm_eps=1e-5,
                          rope_theta=1000000, rope_scaling=None, torch_dtype="bfloat16"),
    "llama-3.1-8b": llama(32, 4096, 14336, 32, 128256, 131072, kv=8, rms_norm_eps=1e-5,
                          rope_theta=500000.0, rope_scaling=scaled(8.0), torch_dtype="bfloat16",
                          bos_token_id=128000, eos_token_id=[128001, 128008, 128009],
                          attention_bias=False, mlp_bias=False, tie_word_embeddings=False),
    "llama-3.2-1b": llama(16, 2048, 8192, 32, 128256, 131072, kv=8, head_dim=64, rms_norm_eps=1e-5,
                          rope_theta=500000.0, rope_scaling=scaled(32.0), torch_dtype="bfloat16",
                          bos_token_id=128000, eos_token_id=128001, tie_word_embeddings=True),
    "tinyllama-1.1b": llama(22, 2048, 5632, 32, 32000, 2048, kv=4, rms_norm_eps=1e-5,
                            rope_scaling=None, torch_dtype="float32", tie_word_embeddings=False),
    "smollm2-135m": llama(30, 576, 1536, 9, 49152, 8192, kv=3, rms_norm_eps=1e-5, rope_theta=100000,
                          rope_interleaved=False, rope_scaling=None, tie_word_embeddings=True,
                          torch_dtype="bfloat16", bos_token_id=0, eos_token_id=0),
    "smollm3-3b": published("SmolLM3ForCausalLM", "smollm3", 36, 2048, 11008, 16, 128256, 65536, kv=4,
                            rms_norm_eps=1e-6, rope_theta=5000000.0, rope_scaling=None,
                            no_rope_layer_interval=4, no_rope_layers=[1, 1, 1, 0] * 9,
                            sliding_window=None, use_sliding_window=False, torch_dtype="bfloat16",
                            bos_token_id=128000, eos_token_id=128012, pad_token_id=128004,
                            layer_types=["full_attention"] * 36, max_window_layers=28,
                            pretraining_tp=2, attention_bias=False, hidden_act="silu"),
    "mistral-7b-v0.1": published("MistralForCausalLM", "mistral", 32, 4096, 14336, 32, 32000, 32768,
                                 kv=8, rms_norm_eps=1e-5, rope_theta=10000.0, sliding_window=4096,
                                 torch_dtype="bfloat16", tie_word_embeddings=False),
    "mixtral-8x7b": published("MixtralForCausalLM", "mixtral", 32, 4096, 14336, 32, 32000, 32768, kv=8,
                              rms_norm_eps=1e-5, rope_theta=1000000.0, sliding_window=None,
                              num_local_experts=8, num_experts_per_tok=2, torch_dtype="bfloat16"),
    "qwen2.5-0.5b": published("Qwen2ForCausalLM", "qwen2", 24, 896, 4864, 14, 151936, 32768, kv=2,
                              rms_norm_eps=1e-6, rope_theta=1000000.0, sliding_window=32768,
                              use_sliding_window=False, max_window_layers=24, torch_dtype="bfloat16",
                              tie_word_embeddings=True, use_mrope=False, hidden_act="silu"),
    "qwen2.5-7b-yarn": published("Qwen2ForCausalLM", "qwen2", 28, 3584, 18944, 28, 152064, 32768, kv=4,
                                 rms_norm_eps=1e-6, rope_theta=1000000.0, sliding_window=131072,
                                 use_sliding_window=False, max_window_layers=28,
                                 rope_scaling=dict(factor=4.0, type="yarn",
                                                   original_max_position_embeddings=32768),
                                 torch_dtype="bfloat16", tie_word_embeddings=False),
    "qwen1.5-moe-a2.7b": published("Qwen2MoeForCausalLM", "qwen2_moe", 24, 2048, 5632, 16, 151936,
                                   8192, kv=16, rms_norm_eps=1e-6, rope_theta=1000000.0,
                                   num_experts=60, num_experts_per_tok=4, moe_intermediate_size=1408,
                                   shared_expert_intermediate_size=5632, norm_topk_prob=False,
                                   decoder_sparse_step=1, sliding_window=32768, max_window_layers=21,
                                   use_sliding_window=False, torch_dtype="bfloat16"),
    "qwen3-0.6b": published("Qwen3ForCausalLM", "qwen3", 28, 1024, 3072, 16, 151936, 40960, kv=8,
                            head_dim=128, rms_norm_eps=1e-6, rope_theta=1000000, rope_scaling=None,
                            sliding_window=None, use_sliding_window=False, max_window_layers=28,
                            attention_bias=False, torch_dtype="bfloat16", tie_word_embeddings=True),
    "qwen3-30b-a3b": published("Qwen3MoeForCausalLM", "qwen3_moe", 48, 2048, 6144, 32, 151936, 40960,
                               kv=4, head_dim=128, rms_norm_eps=1e-6, rope_theta=1000000.0,
                               rope_scaling=None, num_experts=128, num_experts_per_tok=8,
                               moe_intermediate_size=768, norm_topk_prob=True, decoder_sparse_step=1,
                               mlp_only_layers=[], sliding_window=None, use_sliding_window=False,
                               torch_dtype="bfloat16", tie_word_embeddings=False),
    "gemma-2b": published("GemmaForCausalLM", "gemma", 18, 2048, 16384, 8, 256000, 8192, kv=1,
                          head_dim=256, rms_norm_eps=1e-6, rope_theta=10000.0, rope_scaling=None,
                          hidden_act="gelu", hidden_activation=None, torch_dtype="bfloat16",
                          bos_token_id=2, eos_token_id=1, pad_token_id=0),
    "gemma-2-9b": published("Gemma2ForCausalLM", "gemma2", 42, 3584, 14336, 16, 256000, 8192, kv=8,
                            head_dim=256, rms_norm_eps=1e-6, rope_theta=10000.0,
                            query_pre_attn_scalar=256, sliding_window=4096, sliding_window_size=4096,
                            attn_logit_softcapping=50.0, final_logit_softcapping=30.0,
                            hidden_act="gelu_pytorch_tanh", hidden_activation="gelu_pytorch_tanh",
                            cache_implementation="hybrid", torch_dtype="float32"),
    "gemma-3-1b": published("Gemma3ForCausalLM", "gemma3_text", 26, 1152, 6912, 4, 262144, 32768, kv=1,
                            head_dim=256, rms_norm_eps=1e-6, rope_theta=1000000,
                            rope_local_base_freq=10000, rope_scaling=None, sliding_window=512,
                            sliding_window_pattern=6, query_pre_attn_scalar=256,
                            attn_logit_softcapping=None, final_logit_softcapping=None,
                            attention_bias=False, hidden_activation="gelu_pytorch_tanh",
                            torch_dtype="bfloat16", bos_token_id=2, eos_token_id=[1, 106]),
    "gemma-3-4b": dict(architectures=["Gemma3ForConditionalGeneration"], model_type="gemma3",
                       boi_token_index=255999, eoi_token_index=256000, eos_token_id=[1, 106],
                       image_token_index=262144, mm_tokens_per_image=256, torch_dtype="bfloat16",
                       text_config=dict(hidden_size=2560, intermediate_size=10240,
                                        model_type="gemma3_text", num_hidden_layers=34,
                                        rope_scaling=dict(factor=8.0, rope_type="linear"),
                                        sliding_window=1024),
                       vision_config=dict(hidden_size=1152, image_size=896, intermediate_size=4304,
                                          model_type="siglip_vision_model", num_attention_heads=16,
                                          num_hidden_layers=27, patch_size=14)),
    "phi-3-mini-4k": published("Phi3ForCausalLM", "phi3", 32, 3072, 8192, 32, 32064, 4096, kv=32,
                               original_max_position_embeddings=4096, rms_norm_eps=1e-5,
                               rope_theta=10000.0, rope_scaling=None, sliding_window=2047,
                               bos_token_id=1, eos_token_id=32000, pad_token_id=32000,
                               torch_dtype="bfloat16", attention_bias=False),
    "phi-3-mini-128k": published("Phi3ForCausalLM", "phi3", 32, 3072, 8192, 32, 32064, 131072, kv=32,
                                 original_max_position_embeddings=4096, rms_norm_eps=1e-5,
                                 rope_theta=10000.0, sliding_window=262144, bos_token_id=1,
                                 eos_token_id=32000, pad_token_id=32000, torch_dtype="bfloat16",
                                 rope_scaling=dict(type="longrope", long_factor=longrope_list(48),
                                                   short_factor=[1.0] * 24 + [1.5] * 24)),
    "phi-4-mini": published("Phi3ForCausalLM", "phi3", 32, 3072, 8192, 24, 200064, 131072, kv=8,
                            original_max_position_embeddings=4096, partial_rotary_factor=0.75,
                            rms_norm_eps=1e-5, rope_theta=10000.0, sliding_window=262144,
                            bos_token_id=199999, eos_token_id=199999, pad_token_id=199999,
                            torch_dtype="bfloat16", tie_word_embeddings=True,
                            rope_scaling=dict(type="longrope", long_factor=longrope_list(48),
                                              short_factor=[1.0] * 48)),
    "granite-3.3-2b": published("GraniteForCausalLM", "granite", 40, 2048, 8192, 32, 49159, 131072, kv=8,
                                rms_norm_eps=1e-5, rope_theta=10000000.0, rope_scaling=None,
                                attention_bias=False, attention_multiplier=0.015625,
                                embedding_multiplier=12.0, logits_scaling=8.0,
                                residual_multiplier=0.22, mlp_bias=False, torch_dtype="bfloat16",
                                bos_token_id=0, eos_token_id=0, pad_token_id=0,
                                tie_word_embeddings=True),
    "olmo-2-7b": published("Olmo2ForCausalLM", "olmo2", 32, 4096, 11008, 32, 100352, 4096, kv=32,
                           rms_norm_eps=1e-6, rope_theta=500000, rope_scaling=None,
                           attention_bias=False, hidden_act="silu", torch_dtype="float32",
                           eos_token_id=100257, pad_token_id=100277, tie_word_embeddings=False),
}
GENERATION = {  # generation_config.json beside a published configuration
    "llama-3.1-8b": dict(bos_token_id=128000, do_sample=True, eos_token_id=[128001, 128008, 128009],
                         temperature=0.6, top_p=0.9),
    "qwen2.5-0.5b": dict(do_sample=True, repetition_penalty=1.1, temperature=0.7, top_k=20, top_p=0.8,
                         min_p=0.05),
}

FILE_TYPES = {"float32": 0, "float16": 1, "bfloat16": 32}


def loaded(folder):
    config = transformers.AutoConfig.from_pretrained(folder).to_dict()
    config = {**config, **config.get("text_config", {})}
    for key in ("transformers_version", "text_config", "vision_config", "_name_or_path", "id2label",
                "label2id", "problem_type", "return_dict", "output_hidden_states",
                "output_attentions", "chunk_size_feed_forward", "is_encoder_decoder"):
        config.pop(key, None)
    return json.loads(json.dumps(config, default=str))


def plain(field):
    """[type, value] of a GGUFValue; floats as the value that f32 holds."""
    def one(value, kind):
        if kind == gguf.GGUFValueType.FLOAT32:
            return float(numpy.float32(value))
        return bool(value) if kind == gguf.GGUFValueType.BOOL else (
            value if isinstance(value, str) else int(value))
    names = {"UINT32": "u32", "INT32": "i32", "FLOAT32": "f32", "STRING": "string", "BOOL": "bool"}
    if field.type != gguf.GGUFValueType.ARRAY:
        return [names[field.type.name], one(field.value, field.type)]
    kind = field.sub_type or gguf.GGUFValueType.get_type(field.value[0])
    return [names[kind.name] + "[]", [one(value, kind) for value in field.value]]


def convert(folder, dtype, has_tensors):
    """The converter's keys for what is in `folder`, its count of parameters, its tensors for RoPE."""
    architecture = get_model_architecture(ModelBase.load_hparams(folder, False), ModelType.TEXT)
    base = get_model_class(architecture)
    model_class = type(base.__name__, (base,), {"model_arch": base.model_arch,
                                                "set_vocab": lambda self: None})
    if not has_tensors:
        model_class.index_tensors = lambda self, remote_hf_model_id=None: {}
    model = model_class(folder, gguf.LlamaFileType(FILE_TYPES[dtype]), folder / "out.gguf")
    rope = {name: tensor.tolist() for name, tensor in model.generate_extra_tensors()}
    if has_tensors:
        model.prepare_tensors()
    model.prepare_metadata(vocab_only=False)
    keys = [[key, *plain(field)] for key, field in model.gguf_writer.kv_data[0].items()
            if not key.startswith("tokenizer.")]
    parameters = list(model.gguf_writer.get_total_parameter_count()) if has_tensors else None
    return keys, parameters, rope


def tensor_facts(folder):
    shapes = {}
    for file in folder.glob("*.safetensors"):
        with safe_open(file, "pt") as opened:
            shapes |= {name: list(opened.get_slice(name).get_shape()) for name in opened.keys()}

    def size(pattern, axis):
        return next((shape[axis] for name, shape in shapes.items() if re.fullmatch(pattern, name)), 0)

    layer = r"model\.layers\.\d+\."
    expert = layer + r"(mlp|block_sparse_moe)\.experts\."
    return {
        "layers": len({name.split(".")[2] for name in shapes if name.startswith("model.layers.")}),
        "vocab_size": size(r"model\.embed_tokens\.weight", 0),
        "hidden_size": size(r"model\.embed_tokens\.weight", 1),
        "ffn_size": size(layer + r"mlp\.down_proj\.weight", 1),
        "expert_ffn_size": size(expert + r"\d+\.(w2|down_proj)\.weight", 1),
        "shared_expert_ffn_size": size(layer + r"mlp\.shared_expert\.down_proj\.weight", 1),
        "query_rows": size(layer + r"self_attn\.q_proj\.weight", 0),
        "key_rows": size(layer + r"self_attn\.k_proj\.weight", 0),
        "has_output": "lm_head.weight" in shapes,
        "has_query_bias": size(layer + r"self_attn\.q_proj\.bias", 0) > 0,
        "has_output_bias": size(layer + r"self_attn\.o_proj\.bias", 0) > 0,
        "has_ffn_bias": size(layer + r"mlp\.down_proj\.bias", 0) > 0,
    }


def write(name, folder, dtype, has_tensors):
    target = HERE / name
    target.mkdir(exist_ok=True)
    for file in ("config.json", "generation_config.json"):
        if (folder / file).exists():
            (target / file).write_text((folder / file).read_text().rstrip() + "\n")
    keys, parameters, rope = convert(folder, dtype, has_tensors)
    expected = {"file_type": FILE_TYPES[dtype], "loaded": loaded(folder), "parameters": parameters,
                "rope": rope, "gguf": keys}
    if has_tensors:
        expected["tensors"] = tensor_facts(folder)
    lines = ",\n".join(f" {json.dumps(key)}: " + (
        json.dumps(value) if key != "gguf" else
        "[\n  " + ",\n  ".join(json.dumps(row) for row in value) + "\n ]")
        for key, value in expected.items())
    (target / "expected.json").write_text("{\n" + lines + "\n}\n")


def main():
    with tempfile.TemporaryDirectory() as root:
        for name, (config_class, extra, dtype) in TINY.items():
            folder = pathlib.Path(root) / f"tiny {name}"  # with a space, nothing is read into the name
            config = getattr(transformers, config_class)(**{**SMALL, **extra})
            torch.manual_seed(1)
            model = transformers.AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype))
            model.save_pretrained(folder)
            (folder / "tokenizer.json").write_text(json.dumps(
                {"model": {"vocab": {str(i): i for i in range(SMALL["vocab_size"])}}, "added_tokens": []}))
            write(f"tiny-{name}", folder, dtype, True)
        for name, config in PUBLISHED.items():
            folder = pathlib.Path(root) / f"published {name}"
            folder.mkdir()
            (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True))
            if name in GENERATION:
                (folder / "generation_config.json").write_text(json.dumps(GENERATION[name]))
            write(f"published-{name}", folder, config["torch_dtype"], False)


main()
