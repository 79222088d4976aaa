"""Tokenizers that hallmark writes, in the libraries that use them: transformers and sentencepiece give
the same ids for a text as with the files that the publisher's tools wrote, and as llama.cpp's own
vocabularies are expected to."""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

from program import FIXTURES, Check

try:
    import sentencepiece
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)
if "HALLMARK_TOKENIZER_FILES" not in os.environ:
    print("skipped: tests/peer/tokenizer_files.cc is not built")
    sys.exit(77)

PROGRAM = os.environ["HALLMARK_TOKENIZER_FILES"]
VECTORS = pathlib.Path(FIXTURES).parent / "tokenizers"
# A source tree of llama.cpp, with its vocabularies and what it expects of them.
LLAMA_CPP = os.environ.get("HALLMARK_LLAMA_CPP")
VOCABULARIES = ["llama-spm", "phi-3", "llama-bpe", "qwen2", "gpt-2", "refact", "starcoder", "command-r",
                "deepseek-coder", "falcon"]

TEXTS = ["", " ", "  ", "\n", "a", " a", "the weights of a model", "the  weights\tof\n\na model ", "größer", "3 33 333 3333",
         "It's he'LL 'RE", "🦙 \u200d", "\u2581", "nobody can't", "x = {1: 'shards'}  # 100%", "を読む", "<0x41>"]


def random_texts(count):
    source = random.Random(1)
    letters = "the weights ofmdl\n\t 0123456789.,'ßüé🦙▁<|>"
    return ["".join(source.choice(letters) for _ in range(source.randrange(40))) for _ in range(count)]


def write(source, folder):
    subprocess.run([PROGRAM, "hf", str(source), str(folder)], check=True)


def pieces(path):
    processor = sentencepiece.SentencePieceProcessor()
    processor.Load(str(path))
    return processor


def check_vectors(check):
    texts = TEXTS + random_texts(300)
    for folder in sorted(p for p in VECTORS.iterdir() if p.is_dir()):
        with tempfile.TemporaryDirectory() as scratch:
            write(folder, scratch)
            fast = AutoTokenizer.from_pretrained(scratch)
            if (folder / "tokenizer.json").exists():
                theirs = Tokenizer.from_file(str(folder / "tokenizer.json"))
                for text in texts:
                    check.equal(fast.encode(text, add_special_tokens=False),
                                theirs.encode(text, add_special_tokens=False).ids, f"{folder.name} {text!r}")
                check.equal(fast.encode("a shard"), theirs.encode("a shard").ids, f"{folder.name}: what is put around")
            elif (folder / "config.json").exists():
                original = pieces(folder / "tokenizer.model")
                written = pieces(pathlib.Path(scratch) / "tokenizer.model")
                for text in texts:
                    if "  " in text or "<" in text or "▁" in text:
                        continue  # added tokens are pieces now, and others were before
                    ids = original.EncodeAsIds(text)
                    check.equal(written.EncodeAsIds(text), ids, f"{folder.name} pieces {text!r}")
                    check.equal(fast.encode(text, add_special_tokens=False), ids, f"{folder.name} {text!r}")
                check.equal(fast.decode(original.EncodeAsIds("a größer shard")), "a größer shard", folder.name)
            else:
                config = json.loads((pathlib.Path(scratch) / "tokenizer_config.json").read_text())
                check.equal(fast.encode("")[:1], [fast.convert_tokens_to_ids(config["bos_token"])], folder.name)
                check.that(all(fast.decode(fast.encode(t, add_special_tokens=False)) == t for t in texts), folder.name)


def check_vocabularies(check):
    models = pathlib.Path(LLAMA_CPP) / "models"
    for name in VOCABULARIES:
        gguf = models / f"ggml-vocab-{name}.gguf"
        texts = pathlib.Path(f"{gguf}.inp").read_bytes().decode().split("\n__ggml_vocab_test__\n")
        lines = pathlib.Path(f"{gguf}.out").read_text().split("\n")
        expected = [[int(id) for id in line.split()] for line in lines]
        with tempfile.TemporaryDirectory() as scratch:
            write(gguf, scratch)
            fast = AutoTokenizer.from_pretrained(scratch)
            model = pathlib.Path(scratch) / "tokenizer.model"
            processor = pieces(model) if model.exists() else None
            for text, ids in zip(texts, expected):
                check.equal(fast.encode(text, add_special_tokens=False), ids, f"{name} {text!r}")
                if processor:
                    check.equal(processor.EncodeAsIds(text), ids, f"{name} pieces {text!r}")


def main():
    check = Check()
    check_vectors(check)
    if LLAMA_CPP:
        check_vocabularies(check)
    check.finish()


main()
