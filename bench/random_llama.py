"""A LLaMA with normally distributed weights in bf16, as Hugging Face lays it out, for measurements."""
import json
import pathlib
import struct
import sys

import numpy

HEADS, KEY_HEADS, WIDTH, FEED, VOCABULARY = 32, 4, 2048, 5632, 32000  # TinyLlama's


def tensors(layers):
    """Names and shapes, in the order of the file."""
    yield "model.embed_tokens.weight", (VOCABULARY, WIDTH)
    key_width = WIDTH // HEADS * KEY_HEADS
    for layer in range(layers):
        at = f"model.layers.{layer}."
        yield at + "input_layernorm.weight", (WIDTH,)
        for name, rows in (("q_proj", WIDTH), ("k_proj", key_width), ("v_proj", key_width), ("o_proj", WIDTH)):
            yield at + f"self_attn.{name}.weight", (rows, WIDTH)
        yield at + "post_attention_layernorm.weight", (WIDTH,)
        for name, shape in (("gate_proj", (FEED, WIDTH)), ("up_proj", (FEED, WIDTH)), ("down_proj", (WIDTH, FEED))):
            yield at + f"mlp.{name}.weight", shape
    yield "model.norm.weight", (WIDTH,)
    yield "lm_head.weight", (VOCABULARY, WIDTH)


def write(folder, layers, seed=1):
    """model.safetensors and config.json in `folder`; 22 layers are 2.2 GB."""
    random = numpy.random.default_rng(seed)
    header, at = {}, 0
    for name, shape in tensors(layers):
        end = at + 2 * int(numpy.prod(shape))
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, shape in tensors(layers):
            bits = (random.standard_normal(shape, numpy.float32) * numpy.float32(0.02)).view(numpy.uint32)
            bits += 0x7FFF + ((bits >> 16) & 1)
            file.write((bits >> 16).astype(numpy.uint16).tobytes())
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": WIDTH,
        "intermediate_size": FEED, "num_attention_heads": HEADS, "num_key_value_heads": KEY_HEADS,
        "num_hidden_layers": layers, "vocab_size": VOCABULARY, "rms_norm_eps": 1e-5,
        "max_position_embeddings": 2048, "rope_theta": 10000.0, "tie_word_embeddings": False,
        "torch_dtype": "bfloat16", "bos_token_id": 1, "eos_token_id": 2}, indent=2))


# As a program, so that a bench that reports the peak memory of others stays small itself: what is started
# begins with the size of its parent.
if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:]))
