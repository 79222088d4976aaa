"""Makes what is in this folder: what llama-quantize chooses for every tensor (chosen.json), the
importance matrices of llama-imatrix for a small model and for made-up experts, and what numpy and
llama-quantize make of them (expected.json).
usage: make.py PEER      with the Python of scripts/peer-python; PEER as scripts/peer-llama prints it"""
import hashlib
import itertools
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

import gguf
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
TINY = HERE.parent / "fixtures/gguf/tiny-f32.gguf"
PEER = pathlib.Path(sys.argv[1])
MIXES = """F32 F16 BF16 Q2_K Q2_K_S Q3_K_S Q3_K_M Q3_K_L Q4_K_S Q4_K_M Q5_K_S Q5_K_M Q6_K Q4_0 Q4_1 Q5_0
    Q5_1 Q8_0 IQ1_S IQ1_M IQ2_XXS IQ2_XS IQ2_S IQ2_M IQ3_XXS IQ3_XS IQ3_S IQ3_M IQ4_NL IQ4_XS TQ1_0
    TQ2_0 MXFP4_MOE Q1_0 Q2_0""".split()


def run(program, *arguments, ok=True, **keywords):
    done = subprocess.run([PEER / "bin" / program, *map(str, arguments)], capture_output=True, text=True, **keywords)
    assert not ok or done.returncode == 0, done.stderr[-2000:]
    return done.stdout + done.stderr


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_model(path, model):
    """`model` as chosen.json has it, all zeros; returns its tensors."""
    columns, experts = model["columns"], model["experts"]
    writer = gguf.GGUFWriter(path, model["architecture"])
    writer.add_context_length(256)
    writer.add_embedding_length(256)
    writer.add_block_count(model["layers"])
    writer.add_feed_forward_length(256)
    writer.add_head_count(model["heads"])
    writer.add_head_count_kv(model["key_value_heads"])
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_layer_norm_eps(1e-5)
    writer.add_rope_dimension_count(256 // model["heads"])
    writer.add_vocab_size(2)
    writer.add_tokenizer_model("no_vocab")
    if experts:
        writer.add_expert_count(experts)
        writer.add_expert_used_count(2)
    matrix, vector = np.zeros((2, columns), np.float16), np.ones(columns, np.float32)
    stack = np.zeros((experts, 2, columns), np.float16)
    tensors = {"token_embd": matrix, "output_norm": vector}
    if not model["tied"]:
        tensors["output"] = matrix
    for layer in range(model["layers"]):
        attention = ("attn_qkv",) if model["fused"] else ("attn_q", "attn_k", "attn_v")
        for part in (*attention, "attn_output"):
            tensors[f"blk.{layer}.{part}"] = matrix
        for part in ("attn_norm", "ffn_norm"):
            tensors[f"blk.{layer}.{part}"] = vector
        for part in ("ffn_gate", "ffn_down", "ffn_up"):
            tensors[f"blk.{layer}.{part}{'_exps' if experts else ''}"] = stack if experts else matrix
            if model["shared_experts"]:
                tensors[f"blk.{layer}.{part}_shexp"] = matrix
        if experts:
            tensors[f"blk.{layer}.ffn_gate_inp"] = matrix
    for name, values in tensors.items():
        writer.add_tensor(name + ".weight", values)
    finish(writer)
    return tensors


def write_matrix(path, entries):
    """`entries`: name -> (sums of shape experts x columns, counts)."""
    writer = gguf.GGUFWriter(path, "")
    writer.kv_data = [{}]
    writer.add_string("general.type", "imatrix")
    writer.add_array("imatrix.datasets", ["one.txt", "two.txt"])
    writer.add_uint32("imatrix.chunk_count", 3)
    writer.add_uint32("imatrix.chunk_size", 512)
    for name, (sums, counts) in entries.items():
        writer.add_tensor(name + ".in_sum2", sums.astype(np.float32))
        writer.add_tensor(name + ".counts", np.array(counts, np.float32).reshape(-1, 1))
    finish(writer)


def chosen(folder, **model):
    """What each mix makes of each tensor: a type, or several as "2*q5_k 6*q4_k" in order of blocks."""
    model = dict(dict(architecture="llama", experts=0, tied=False, columns=256, shared_experts=False,
                      fused=False, importance=False), **model)
    tensors = write_model(folder / "model.gguf", model)
    options = ()
    if model["importance"]:
        shapes = {f"{name}.weight": t.shape for name, t in tensors.items() if t.ndim > 1}
        write_matrix(folder / "matrix.gguf", {
            name: (np.ones((shape[0] if len(shape) == 3 else 1, shape[-1])), [1] * (shape[0] if len(shape) == 3 else 1))
            for name, shape in shapes.items()})
        options = ("--imatrix", folder / "matrix.gguf")
    model["mixes"] = {}
    for mix in MIXES:
        output = run("llama-quantize", *options, "--dry-run", folder / "model.gguf", mix, ok=False)
        lines = re.findall(r"\] +(\S+) +- \[[^\]]*\], type = +(\S+), .*?MiB(?: -> +[\d.]+ MiB \((\S+)\))?", output)
        if len(lines) != len(tensors):
            model["mixes"][mix] = re.findall(r"failed to quantize: (.*)", output)[-1]
            continue
        types = {}
        for name, before, after in lines:
            types.setdefault(re.sub(r"^blk\.\d+\.", "blk.*.", name), []).append((after or before).lower())
        model["mixes"][mix] = {
            name: " ".join(f"{len(list(run))}*{kind}" for kind, run in itertools.groupby(kinds))
            if len(set(kinds)) > 1 else kinds[0] for name, kinds in types.items() if "norm" not in name}
    return model


def all_chosen():
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        for layers, heads, key_value_heads in ((1, 4, 2), (8, 4, 4), (16, 4, 1), (32, 4, 4), (80, 8, 1)):
            yield chosen(place, layers=layers, heads=heads, key_value_heads=key_value_heads, importance=True)
        yield chosen(place, layers=32, heads=4, key_value_heads=1, tied=True, importance=True)
        for importance in (False, True):
            more = dict(importance=importance, heads=4)
            yield chosen(place, layers=8, key_value_heads=1, experts=4, **more)
            yield chosen(place, layers=24, key_value_heads=1, experts=8, **more)
            yield chosen(place, layers=24, key_value_heads=2, experts=2, shared_experts=True, **more)
            yield chosen(place, layers=32, key_value_heads=1, architecture="falcon", fused=True, **more)
            yield chosen(place, layers=80, key_value_heads=4, architecture="qwen2", **more)
            for columns in (40, 96, 128):
                yield chosen(place, layers=4, key_value_heads=1, columns=columns, **more)
            yield chosen(place, layers=4, key_value_heads=1, columns=96, tied=True, **more)


def weights_of(path):
    """Name -> weights as llama-quantize divides them, by numpy in f32."""
    if path.suffix == ".gguf":
        tensors = {t.name: np.array(t.data, np.float32) for t in gguf.GGUFReader(path).tensors}
        for name in sorted(n.removesuffix(".counts") for n in tensors if n.endswith(".counts")):
            counts = tensors[name + ".counts"].reshape(-1, 1)
            sums = tensors[name + ".in_sum2"].reshape(len(counts), -1)
            with np.errstate(all="ignore"):
                yield name, np.where(counts > 0, sums / counts, np.float32(1)).astype(np.float32).reshape(-1)
        return
    data, at = path.read_bytes(), 4
    for _ in range(struct.unpack_from("<i", data)[0]):
        length = struct.unpack_from("<i", data, at)[0]
        name = data[at + 4:at + 4 + length].decode()
        calls, count = struct.unpack_from("<ii", data, at + 4 + length)
        at += 12 + length
        yield name, np.frombuffer(data, np.float32, count, at) / np.float32(calls)
        at += 4 * count


def make_matrices():
    sentences = "".join(f"Sentence {i} is read so that something can be measured.\n" for i in range(150))
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        (place / "measured.txt").write_text(sentences)
        common = ("-m", TINY, "-t", 1, "-c", 64)
        for kind in ("gguf", "dat"):
            run("llama-imatrix", *common, "-f", "measured.txt", "--chunks", 4, "--output-format", kind, "-o",
                f"{HERE}/tiny.{kind}", cwd=place)
        random = np.random.default_rng(7)
        write_matrix(HERE / "experts.gguf", {
            "blk.0.ffn_down_exps.weight": (random.random((4, 32)) * 90, [11, 0, 700, 3]),
            "blk.0.attn_q.weight": (random.random((1, 32)) * 1e-3, [714])})
        run("llama-imatrix", *common, "--in-file", HERE / "experts.gguf", "--output-format", "dat", "-o",
            HERE / "experts.dat", cwd=place)
    expected = {}
    for path in sorted([*HERE.glob("*.gguf"), *HERE.glob("*.dat")]):
        weights = {name: dict(count=w.size, sha256=hashlib.sha256(w.tobytes()).hexdigest()) for name, w in weights_of(path)}
        expected[path.name] = dict(weights=weights)
    return expected


def quantised(mix, matrix):
    """What a file that llama-quantize weighs by importance says of itself."""
    with tempfile.TemporaryDirectory() as place:
        target = pathlib.Path(place) / "out.gguf"
        run("llama-quantize", "--imatrix", matrix, TINY, target, mix, 1, cwd=HERE)
        reader = gguf.GGUFReader(target)
        metadata = [[f.name, f.types[0].name.lower(), f.contents()] for f in reader.fields.values()
                    if not f.name.startswith(("GGUF.", "tokenizer."))]
        tensors = [[t.name, t.tensor_type.name.lower()] for t in reader.tensors]
        return dict(mix=mix, matrix=matrix, metadata=metadata, tensors=tensors,
                    file_sha256=hashlib.sha256(target.read_bytes()).hexdigest())


def main():
    matrices = make_matrices()
    files = [quantised("Q4_K_M", "tiny.gguf"), quantised("Q4_0", "tiny.dat")]
    (HERE / "expected.json").write_text(json.dumps(dict(matrices=matrices, quantised=files), indent=1) + "\n")
    (HERE / "chosen.json").write_text("[\n" + ",\n".join(json.dumps(model) for model in all_chosen()) + "\n]\n")


main()
