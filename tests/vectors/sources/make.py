#!/usr/bin/env python3
"""Makes the checksum lists in this folder, with the tools that people use, and what each must be
read as: NAME.expect beside NAME. Digests in the expectations are hashlib's (b3sum's for blake3).
Needs coreutils >= 9.1, openssl 3, b3sum, perl's shasum. Run it here; the output is committed."""
import hashlib
import json
import os
import subprocess
import tempfile
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILES = {
    "a.bin": b"hello",
    "b c.bin": b"one space",
    "new\nline.bin": b"new line",
    "back\\slash.bin": b"backslash",
    "*star.bin": b"star",
    "p (1) = x.bin": b"paren",
    "sub/d.bin": b"below",
    "empty.bin": b"",
}
PLAIN = ["a.bin", "b c.bin", "sub/d.bin", "empty.bin"]
ALL = list(FILES)
WORK = tempfile.TemporaryDirectory()
made = set()


def run(*command, stdin=None):
    return subprocess.run(command, cwd=WORK.name, input=stdin, stdout=subprocess.PIPE, check=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout


def digest(algorithm, data):
    if algorithm == "blake3":
        return run("b3sum", "--no-names", stdin=data).decode().strip()
    if algorithm == "crc32":
        return "%08x" % zlib.crc32(data)
    return hashlib.new(algorithm, data).hexdigest()


def said(path, algorithm, data=None, size=None, line=None):
    """A file as the list must be understood to name it."""
    return {"path": path, "digests": [f"{algorithm}:{digest(algorithm, FILES[path] if data is None else data)}"],
            **({"size": size} if size is not None else {}), **({"line": line} if line else {})}


def vector(name, text, verdict="ok", **expect):
    """Writes NAME and NAME.expect. Keys of `expect`: dialect, complete, files, findings (code and a
    part of the message), error (a part of the message); `as` is the name the list goes by."""
    assert name not in made, name
    made.add(name)
    if isinstance(text, str):
        text = text.encode()
    (HERE / name).write_bytes(text)
    body = {"verdict": verdict, **expect}
    (HERE / (name + ".expect")).write_text(json.dumps(body, indent=1) + "\n")


def ok(name, text, dialect, files, complete=True, findings=(), **more):
    vector(name, text, dialect=dialect, complete=complete, files=files,
           findings=[list(f) for f in findings], **more)


def bad(name, text, verdict, error, **more):
    vector(name, text, verdict, error=error, **more)


GUESS = ("unnamed-algorithm", "taken for sha256")
WEAK = ("weak-digests", "guards against accidents, not attackers")


def tool_outputs():
    each = lambda names, algorithm: [said(n, algorithm) for n in names]
    ok("md5sum", run("md5sum", *ALL), "gnu", each(ALL, "md5"), findings=[WEAK])
    ok("md5sum-binary", run("md5sum", "-b", *ALL), "gnu", each(ALL, "md5"), findings=[WEAK])
    ok("sha1sum", run("sha1sum", *ALL), "gnu", each(ALL, "sha1"), findings=[WEAK])
    ok("SHA256SUMS", run("sha256sum", *ALL), "gnu", each(ALL, "sha256"))
    ok("SHA512SUMS", run("sha512sum", *ALL), "gnu", each(ALL, "sha512"))
    ok("B2SUMS", run("b2sum", *ALL), "gnu", each(ALL, "blake2b"))
    ok("B3SUMS", run("b3sum", *ALL), "gnu", each(ALL, "blake3"))
    ok("sha256sum-z", run("sha256sum", "-z", *ALL), "gnu", each(ALL, "sha256"))
    ok("sha256sum-tag", run("sha256sum", "--tag", *ALL), "bsd", each(ALL, "sha256"))
    ok("sha256sum-tag-z", run("sha256sum", "--tag", "-z", *ALL), "bsd", each(ALL, "sha256"))
    ok("cksum-sha512", run("cksum", "-a", "sha512", *ALL), "bsd", each(ALL, "sha512"))
    ok("b2sum-tag", run("b2sum", "--tag", *ALL), "bsd", each(ALL, "blake2b"))
    ok("md5sum-tag", run("md5sum", "--tag", *ALL), "bsd", each(ALL, "md5"), findings=[WEAK])
    ok("shasum-256", run("shasum", "-a", "256", *ALL), "gnu", each(ALL, "sha256"),
       findings=[GUESS], **{"as": "list.txt"})
    ok("openssl-sha256", run("openssl", "dgst", "-sha256", *PLAIN), "openssl",
       each(PLAIN, "sha256"))
    ok("openssl-md5-colons", run("openssl", "dgst", "-c", "-md5", *PLAIN), "openssl",
       each(PLAIN, "md5"), findings=[WEAK])
    ok("openssl-blake2b", run("openssl", "dgst", "-blake2b512", *PLAIN), "openssl",
       each(PLAIN, "blake2b"))
    ok("openssl-r", run("openssl", "dgst", "-r", "-sha256", *PLAIN), "gnu", each(PLAIN, "sha256"),
       findings=[GUESS])
    # OpenSSL escapes nothing: a backslash stands for itself and cannot be told from Windows' one.
    ok("openssl-backslash", run("openssl", "dgst", "-sha256", "a.bin", "back\\slash.bin"),
       "openssl", each(["a.bin"], "sha256"), complete=False,
       findings=[("backslash-path", "line 2")])
    ok("openssl-old", f"SHA256(a.bin)= {digest('sha256', b'hello')}\n", "openssl",
       each(["a.bin"], "sha256"))
    ok("b2sum-256-tag", run("b2sum", "-l", "256", "--tag", "a.bin") +
       run("b2sum", "--tag", "b c.bin"), "bsd", each(["b c.bin"], "blake2b"), complete=False,
       findings=[("unusable-digest", "line 1: BLAKE2b-256 is no algorithm known here; of BLAKE2b")])
    ok("cksum-sm3", run("cksum", "-a", "sm3", "a.bin") + run("cksum", "-a", "sha256", "a.bin"),
       "bsd", each(["a.bin"], "sha256"), complete=False,
       findings=[("unusable-digest", "line 1: SM3 is no algorithm known here")])
    bad("sha384sum", run("sha384sum", *PLAIN), "malformed", "sha384 is not known here")
    bad("b3sum-64-bytes.b3", run("b3sum", "-l", "64", "a.bin"), "malformed",
        "line 1: 128 hex digits, a blake3 has 64")
    bad("cksum", run("cksum", *PLAIN), "malformed", "no checksum line")
    # One digest of one file.
    ok("a.bin.sha256", run("sha256sum", stdin=b"hello"), "lone-hash", each(["a.bin"], "sha256"),
       complete=False)
    ok("a.bin.md5", digest("md5", b"hello"), "lone-hash", each(["a.bin"], "md5"), complete=False,
       findings=[WEAK])
    ok("a.bin.b3", run("b3sum", "--no-names", "a.bin"), "lone-hash", each(["a.bin"], "blake3"),
       complete=False)
    ok("openssl-stdin", run("openssl", "dgst", "-sha256", stdin=b"hello"), "lone-hash",
       [said("", "sha256", b"hello")], complete=False)
    ok("lone-algo-prefix", "sha256:" + digest("sha256", b"hello") + "\n", "lone-hash",
       [said("", "sha256", b"hello")], complete=False)
    ok("lone-certutil", "SHA256 hash of a.bin:\r\n" + digest("sha256", b"hello") +
       "\r\nCertUtil: -hashfile command completed successfully.\r\n", "lone-hash",
       [said("", "sha256", b"hello")], complete=False,
       findings=[("malformed-line", "line 1: not a checksum line"),
                 ("malformed-line", "line 3: not a checksum line"), GUESS])


def habits():
    a, b = FILES["a.bin"], FILES["b c.bin"]
    m = lambda data: digest("md5", data)
    s = lambda data: digest("sha256", data)
    ok("checklist.chk", f"{m(a)}  consolidated.00.pth\n{m(b)}  params.json\n", "checklist",
       [said("consolidated.00.pth", "md5", a, line=1), said("params.json", "md5", b, line=2)],
       findings=[WEAK])
    ok("crlf-bom-upper.md5", f"\ufeff{m(a).upper()}  ./a.bin\r\n\r\n{m(b).upper()} *b c.bin\r\n",
       "gnu", [said("a.bin", "md5", line=1), said("b c.bin", "md5", line=3)], findings=[WEAK])
    ok("comments", f"# made by hand\n; second\n\n{s(a)}  a.bin\n   {s(b)}  b c.bin\n# sha256\n",
       "gnu", [said("a.bin", "sha256", line=4), said("b c.bin", "sha256", line=5)])
    ok("comment-says-blake3", f"# b3sum\n{digest('blake3', a)}  a.bin\n", "gnu",
       [said("a.bin", "blake3")])
    ok("one-space", f"{m(a)} a.bin\n{m(b)}\tb c.bin\n", "gnu",
       [said("a.bin", "md5"), said("b c.bin", "md5")], findings=[WEAK])
    ok("no-final-newline", f"{s(a)}  a.bin", "gnu", [said("a.bin", "sha256")],
       findings=[GUESS])
    ok("two-shapes", f"{m(a)}  a.bin\nSHA256 (a.bin) = {s(a)}\n", "gnu",
       [{"path": "a.bin", "digests": [f"md5:{m(a)}", f"sha256:{s(a)}"]}])
    ok("same-line-twice", f"{m(a)}  a.bin\n{m(a)}  ./a.bin\n", "gnu", [said("a.bin", "md5")],
       findings=[WEAK])
    ok("folder.sfv", f"; made by a tool\r\na.bin {digest('crc32', a)}\r\nb c.bin "
       f"{digest('crc32', b).upper()}\r\n", "sfv", [said("a.bin", "crc32"), said("b c.bin", "crc32")],
       findings=[("weak-digests", "only crc32")])
    ok("pgp-signed", "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
       f"{s(a)}  a.bin\n-----BEGIN PGP SIGNATURE-----\n\niQIzBAEBCgAdFiEE\n=AbCd\n"
       "-----END PGP SIGNATURE-----\n", "gnu", [said("a.bin", "sha256")],
       findings=[("signature-not-checked", "PGP"), GUESS])
    ok("windows-list", f"{m(a)} *a.bin\r\n{m(b)} *sub\\d.bin\r\n", "gnu", [said("a.bin", "md5")],
       complete=False, findings=[("backslash-path", "line 2: the path sub\\\\d.bin"), WEAK])
    ok("leading-space", f"{m(a)}   a.bin\n", "gnu", [said(" a.bin", "md5", a)],
       findings=[("name-starts-with-space", "line 1"), WEAK])
    # The real list of a release of 2023 had such a line, and honest copies failed against it.
    ok("short-md5", f"{m(a)}  a.bin\n{m(b)}  b c.bin\n{m(b)[:31]}  c.bin\n", "gnu",
       [said("a.bin", "md5"), said("b c.bin", "md5")], complete=False,
       findings=[("unusable-digest", "line 3: 31 hex digits, an md5 has 32"), WEAK])
    ok("long-sha256", f"SHA256 (a.bin) = {s(a)}\nSHA256 (b c.bin) = {s(b)}0\n", "bsd",
       [said("a.bin", "sha256")], complete=False,
       findings=[("unusable-digest", "line 2: 65 hex digits, a sha256 has 64")])
    ok("letter-in-hex", f"{s(a)}  a.bin\n{s(b)[:-1]}g  b c.bin\n", "gnu",
       [said("a.bin", "sha256")], complete=False,
       findings=[("malformed-line", "line 2: the digest holds g, which is no hex digit"), GUESS])
    ok("bad-escape", f"{s(a)}  a.bin\n\\{s(b)}  b\\tc.bin\n", "gnu", [said("a.bin", "sha256")],
       complete=False, findings=[("malformed-line", "line 2: the name holds an escape"), GUESS])
    ok("no-name", f"{m(a)}  a.bin\n{m(b)}  -\nSHA256 () = {s(b)}\n", "gnu",
       [said("a.bin", "md5"), said("", "md5", b)], complete=False,
       findings=[("malformed-line", "line 3: no file name follows"), WEAK])


def hostile():
    m = digest("md5", b"hello")
    other = digest("md5", b"other")
    fine = f"{m}  a.bin\n"
    bad("path-parent", fine + f"{m}  ../../etc/passwd\n", "malformed",
        "line 2: the path ../../etc/passwd leaves its directory")
    bad("path-absolute", f"{m}  /etc/passwd\n", "malformed", "line 1: the path /etc/passwd is absolute")
    bad("path-inner-parent", f"SHA1 (a/../../b) = {digest('sha1', b'')}\n", "malformed", "line 1")
    bad("path-escaped-parent", f"\\{m}  ..\\\\..\\\\evil.bin\n", "malformed", "leaves its directory")
    bad("path-windows-parent", f"{m}  ..\\..\\evil.bin\n", "malformed", "leaves its directory")
    bad("path-drive", f"{m}  C:\\weights\\a.bin\n", "malformed", "line 1: the path C:")
    bad("path-url", f"{m}  https://example.org/a.bin\n", "malformed", "is a URL")
    bad("conflict", f"{m}  a.bin\n{other}  ./a.bin\n", "malformed",
        "lines 1 and 2 give two different md5 digests for a.bin")
    bad("conflict-shapes", f"{m}  a.bin\nMD5 (a.bin) = {other}\n", "malformed", "lines 1 and 2")
    bad("conflict-lone.md5", f"{m}\n{other}\n", "malformed", "lines 1 and 2")
    # The list's own name must not become a path either.
    ok("dots", m, "lone-hash", [said("", "md5", b"hello")], complete=False, findings=[WEAK],
       **{"as": "...md5"})
    bad("empty", "", "malformed", "the list is empty")
    bad("blank", "\ufeff \r\n\t\n", "malformed", "the list is empty")
    bad("only-comments", "# nothing\n; here\n", "malformed", "no checksum line")
    bad("prose", "Weights of the model.\nSee the web page for their checksums.\n", "malformed",
        "no checksum line")
    bad("only-short-md5", f"{m[:31]}  a.bin\n", "malformed", "line 1: 31 hex digits, an md5 has 32")
    bad("utf16", "\ufeff".encode("utf-16-le") + fine.encode("utf-16-le"), "unsupported", "UTF-16")
    bad("login-page", "<!DOCTYPE html>\n<html><head><title>Log in</title></head><body>\n"
        f"<form><input type=\"password\"></form>\n{m}\n</body></html>\n", "unsupported",
        "an HTML page that asks to sign in, not a list")
    bad("server-message", "Access to model meta-llama/Llama-2-7b is restricted.\n", "unsupported",
        "a server's error message")
    bad("json-error", '{"error":"Repository not found"}', "unsupported", "Repository not found")
    bad("json-broken", '[{"type":"file","oid":"', "malformed", "not valid JSON")
    bad("json-twice", '[{"type":"file","oid":"00","oid":"01","path":"a"}]', "malformed", "twice")
    bad("json-index", '{"metadata":{},"weight_map":{"a":"b.safetensors"}}', "unsupported",
        "an index of shards")
    bad("json-config", '{"architectures":["LlamaForCausalLM"]}', "unsupported", "configuration")
    bad("json-oci", '{"schemaVersion":2,"layers":[],"config":{}}', "unsupported", "OCI")
    bad("json-receipt", '{"schema":"hallmark.receipt/1"}', "unsupported",
        "a statement of kind hallmark.receipt/1")
    bad("weights", b"\x08\0\0\0\0\0\0\0{}      ", "unsupported", "weights (safetensors)")
    bad("minisig", "untrusted comment: signature from minisign secret key\nRUQf6LRCGA9i\n",
        "unsupported", "minisign")
    bad("pgp-detached", "-----BEGIN PGP SIGNATURE-----\n\niQIzBAEBCgAd\n"
        "-----END PGP SIGNATURE-----\n", "unsupported", "detached signature")
    bad("torrent", "d8:announce30:http://tracker.example/announce4:infod6:lengthi1eee",
        "unsupported", "a torrent")
    bad("gguf-hash", "sha256    19485494b1fd7b08c7b321e8acd9e51d3cf3887b3781a1d0e6d28b3b7fda0173  "
        "x.gguf:output.weight\n", "unsupported", "llama-gguf-hash")
    bad("hashdeep", "%%%% HASHDEEP-1.0\n%%%% size,md5,filename\n5,5d41,a.bin\n", "unsupported",
        "hashdeep")


def json_dialects():
    big, small = FILES["a.bin"], FILES["b c.bin"]
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest('sha256', big)}\nsize 5\n"
    git_blob = hashlib.sha1(b"blob %d\0" % len(small) + small).hexdigest()

    def tree(**changes):
        lfs = {"oid": digest("sha256", big), "size": 5, "pointerSize": len(pointer)}
        entry = {"type": "file", "oid": hashlib.sha1(pointer.encode()).hexdigest(), "size": 5,
                 "lfs": lfs, "xetHash": "0" * 64, "path": "model.safetensors"}
        for key, value in changes.items():
            if key.startswith("lfs_"):
                lfs[key[4:]] = value
            else:
                entry[key] = value
        return [entry]

    side = {"type": "file", "oid": git_blob, "size": len(small), "path": "original/params.json"}
    folder = {"type": "directory", "oid": "1" * 40, "size": 0, "path": "original"}
    weights = said("model.safetensors", "sha256", big, size=5)
    ok("hub-tree.json", json.dumps(tree() + [folder, side], indent=2), "hub-tree",
       [weights, {"path": "original/params.json", "size": len(small), "digests": []}],
       findings=[("git-blob-id", "1 file has only a git blob id")])
    ok("hub-tree-flat.json", json.dumps(tree() + [folder]), "hub-tree", [weights], complete=False,
       findings=[("folder-not-listed", "not what is in it")])
    ok("hub-model.json", json.dumps({"id": "org/model", "sha": "2" * 40, "siblings": [
        {"rfilename": "model.safetensors", "size": 5, "blobId": "3" * 40,
         "lfs": {"sha256": digest("sha256", big), "size": 5, "pointerSize": 128}},
        {"rfilename": "config.json", "size": len(small), "blobId": git_blob}]}), "hub-tree",
       [weights, {"path": "config.json", "size": len(small), "digests": []}],
       findings=[("git-blob-id", "")])
    ok("hub-model-names.json", json.dumps({"id": "org/model", "siblings": [
        {"rfilename": "model.safetensors"}]}), "hub-tree",
       [{"path": "model.safetensors", "digests": []}], findings=[("no-digest", "1 file")])
    # Seen on the hub: the pointer's size where the file's belongs.
    ok("hub-tree-pointer-size.json", json.dumps(tree(size=len(pointer))), "hub-tree", [weights])
    t = lambda name, error, **changes: bad(name, json.dumps(tree(**changes)), "malformed", error)
    t("hub-tree-short-oid.json", "entry 1: lfs.oid is not 64 hex digits", lfs_oid="ab12")
    t("hub-tree-sizes.json", "entry 1: size 5 and lfs.size 6 differ", lfs_size=6)
    t("hub-tree-parent.json", "entry 1: the path ../x leaves", path="../x")
    t("hub-tree-negative.json", "size is not a number", size=-1)
    t("hub-tree-type.json", "entry 1: of unknown type", type="symlink")
    bad("hub-tree-twice.json", json.dumps(tree() + tree()), "malformed",
        "entry 2: model.safetensors is listed twice")
    bad("hub-tree-folders.json", json.dumps([folder]), "malformed", "names no file")
    ok("pointer.safetensors", pointer, "lfs-pointer",
       [said("pointer.safetensors", "sha256", big, size=5)], complete=False)
    ok("pointer-ext", pointer.replace("oid", "ext-0-foo sha256:" + "4" * 64 + "\noid"),
       "lfs-pointer", [said("pointer-ext", "sha256", big, size=5)], complete=False)
    p = lambda name, text, error, verdict="malformed": bad(name, text, verdict, error)
    p("pointer-short-oid", pointer.replace(digest("sha256", big), "ab12"), "64 hex digits")
    p("pointer-sha1", pointer.replace("sha256", "sha1"), "oid is not sha256")
    p("pointer-size", pointer.replace("size 5", "size -5"), "size is not a number")
    p("pointer-huge-size", pointer.replace("size 5", "size 99999999999999999999"), "not a number")
    p("pointer-no-size", pointer.replace("size 5\n", ""), "missing")
    p("pointer-two-oids", pointer + f"oid sha256:{'5' * 64}\n", "line 4")
    p("pointer-long", pointer + "x" * 1024, "1023")
    p("pointer-v9", pointer.replace("spec/v1", "spec/v9"), "unknown version", "unsupported")


def main():
    for name, data in FILES.items():
        path = Path(WORK.name) / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    tool_outputs()
    habits()
    hostile()
    json_dialects()
    kept = made | {name + ".expect" for name in made} | {Path(__file__).name}
    for path in HERE.iterdir():
        if path.name not in kept:
            path.unlink()


main()
