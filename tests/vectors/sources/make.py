#!/usr/bin/env python3
"""Makes the checksum lists in this folder, with the tools that people use, and what each must be
read as: NAME.expect beside NAME. Digests in the expectations are hashlib's (b3sum's for blake3).
Needs coreutils >= 9.1, openssl 3, b3sum, perl's shasum, hashdeep 4.4,
rhash 1.4, xxhsum, transmission-create 3.00, mktorrent 1.1 and Debian's python3-libtorrent 2.0. Run it here; the output is committed."""
import base64
import hashlib
import json
import os
import re
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
    ok("sha384sum", run("sha384sum", *PLAIN), "gnu", each(PLAIN, "sha384"))
    bad("sha224sum", run("sha224sum", *PLAIN), "malformed", "sha224 is not known here")
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
    bad("json-oci-index", '{"schemaVersion":2,"manifests":[]}', "unsupported", "an OCI index")
    bad("json-capsule", '{"schema":"hallmark.capsule/1"}', "unsupported",
        "a statement of kind hallmark.capsule/1")
    bad("weights", b"\x08\0\0\0\0\0\0\0{}      ", "unsupported", "weights (safetensors)")
    bad("minisig", "untrusted comment: signature from minisign secret key\nRUQf6LRCGA9i\n",
        "unsupported", "minisign")
    bad("pgp-detached", "-----BEGIN PGP SIGNATURE-----\n\niQIzBAEBCgAd\n"
        "-----END PGP SIGNATURE-----\n", "unsupported", "detached signature")
    bad("torrent-no-pieces", "d8:announce31:http://tracker.example/announce4:infod6:lengthi1eee",
        "malformed", "no piece length")
    bad("hashdeep-short", "%%%% HASHDEEP-1.0\n%%%% size,md5,filename\n5,5d41,a.bin\n", "malformed",
        "line 3: 4 hex digits, an md5 has 32")
    bad("hashdeep-parent", f"%%%% HASHDEEP-1.0\n%%%% size,md5,filename\n5,{m},../a.bin\n",
        "malformed", "line 3: the path ../a.bin leaves")
    bad("hashdeep-conflict", f"%%%% HASHDEEP-1.0\n%%%% size,md5,filename\n5,{m},a.bin\n6,{m},a.bin\n",
        "malformed", "lines 3 and 4 give two different sizes")
    bad("hashdeep-columns", f"%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n5,{m},a.bin\n",
        "malformed", "fewer columns")
    bad("hashdeep-no-size", f"%%%% HASHDEEP-1.0\n%%%% size,md5,filename\n-5,{m},a.bin\n", "malformed",
        "no size")
    h = "19485494b1fd7b08c7b321e8acd9e51d3cf3887b3781a1d0e6d28b3b7fda0173"
    bad("gguf-hash-conflict", f"sha256    {h}  x.gguf:a\nsha256    {h[::-1]}  x.gguf:a\n", "malformed",
        "line 2: a second sha256 digest of x.gguf:a")
    bad("gguf-hash-uuid", "uuid      a8ac404b-a1b0-5ef0-87fd-82112a0cdcd8  gguf/zoo-types.gguf\n",
        "malformed", "a uuid of the tensors' data is not checked")


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
    HUB_WEAK = ("weak-digests", "1 of 2 files have only git-blob")
    side_file = lambda path: {"path": path, "size": len(small), "digests": [f"git-blob:{git_blob}"]}
    ok("hub-tree.json", json.dumps(tree() + [folder, side], indent=2), "hub-tree",
       [weights, side_file("original/params.json")], findings=[HUB_WEAK])
    ok("hub-tree-flat.json", json.dumps(tree() + [folder]), "hub-tree", [weights], complete=False,
       findings=[("folder-not-listed", "not what is in it")])
    ok("hub-model.json", json.dumps({"id": "org/model", "sha": "2" * 40, "siblings": [
        {"rfilename": "model.safetensors", "size": 5, "blobId": "3" * 40,
         "lfs": {"sha256": digest("sha256", big), "size": 5, "pointerSize": 128}},
        {"rfilename": "config.json", "size": len(small), "blobId": git_blob}]}), "hub-tree",
       [weights, side_file("config.json")], findings=[HUB_WEAK])
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


def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, (bytes, str)):
        value = value.encode() if isinstance(value, str) else value
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    items = sorted((k.encode() if isinstance(k, str) else k, v) for k, v in value.items())
    return b"d" + b"".join(bencode(k) + bencode(v) for k, v in items) + b"e"


TORRENT_FILES = {"m/a.bin": bytes(i % 251 for i in range(40000)), "m/c.txt": b"hello",
                 "m/sub/b.bin": bytes(i % 241 for i in range(100000))}


def libtorrent(name, flag, root="m"):
    """A torrent by libtorrent 2.0.8, Debian's python3-libtorrent."""
    script = (f"import libtorrent as lt; fs = lt.file_storage(); lt.add_files(fs, {root!r});"
              f"t = lt.create_torrent(fs, 32768, {flag}); lt.set_piece_hashes(t, {os.path.dirname(root) or '.'!r});"
              f"d = t.generate(); d.pop(b'creation date', None); open({name!r}, 'wb').write(lt.bencode(d))")
    run("/usr/bin/python3", "-c", script)
    return (Path(WORK.name) / name).read_bytes()


def undated(name):
    """A torrent that was made on a day in 2023, so that it is the same on every day."""
    text = (Path(WORK.name) / name).read_bytes()
    return re.sub(rb"13:creation datei\d+e", b"13:creation datei1700000000e", text)


def tree_root(data):
    """BEP 52, by hashlib."""
    nodes = [hashlib.sha256(data[i:i + 16384]).digest() for i in range(0, len(data), 16384)]
    while len(nodes) & (len(nodes) - 1):
        nodes.append(bytes(32))
    while len(nodes) > 1:
        nodes = [hashlib.sha256(nodes[i] + nodes[i + 1]).digest() for i in range(0, len(nodes), 2)]
    return nodes[0].hex()


def torrents():
    for path, data in TORRENT_FILES.items():
        file = Path(WORK.name) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    plain = lambda path, **more: {"path": path.removeprefix("m/"), "size": len(TORRENT_FILES[path]),
                                  "digests": [], **more}
    rooted = lambda path: plain(path, digests=["tree:" + tree_root(TORRENT_FILES[path])])
    weak = ("weak-digests", "3 of 3 files have only digests of pieces")
    three = lambda paths: [plain("m/" + path) for path in paths]
    run("transmission-create", "-s", "32", "-o", "t.torrent", "m")
    ok("transmission.torrent", undated("t.torrent"), "torrent",
       three(["a.bin", "c.txt", "sub/b.bin"]), findings=[weak])
    run("mktorrent", "-l", "15", "-d", "-a", "http://tracker.example/announce", "-o", "k.torrent", "m")
    ok("mktorrent.torrent", (Path(WORK.name) / "k.torrent").read_bytes(), "torrent",
       three(["a.bin", "c.txt", "sub/b.bin"]), findings=[weak])
    v1 = libtorrent("v1.torrent", "lt.create_torrent.v1_only")
    v2 = libtorrent("v2.torrent", "lt.create_torrent.v2_only")
    both = libtorrent("hybrid.torrent", "0")
    all_rooted = [rooted(path) for path in sorted(TORRENT_FILES)]
    ok("libtorrent-v1.torrent", v1, "torrent", three(["a.bin", "sub/b.bin", "c.txt"]), findings=[weak])
    ok("libtorrent-v2.torrent", v2, "torrent", all_rooted)
    ok("libtorrent-hybrid.torrent", both, "torrent", all_rooted)
    # The hybrid's version 1 alone: with padding between the files.
    run("/usr/bin/python3", "-c", "import libtorrent as lt; d = lt.bdecode(open('hybrid.torrent', 'rb').read());"
        "del d[b'piece layers'], d[b'info'][b'file tree'], d[b'info'][b'meta version'];"
        "open('padded.torrent', 'wb').write(lt.bencode(d))")
    ok("libtorrent-padded.torrent", (Path(WORK.name) / "padded.torrent").read_bytes(), "torrent",
       three(["a.bin", "c.txt", "sub/b.bin"]), findings=[weak])
    ok("libtorrent-one.torrent", libtorrent("one.torrent", "lt.create_torrent.v2_only", "m/a.bin"),
       "torrent", [rooted("m/a.bin")])

    info = {"name": "m", "piece length": 16384, "pieces": bytes(20),
            "files": [{"length": 5, "path": ["a"]}]}

    def t(name, error, verdict="malformed", **changes):
        bad(name + ".torrent", bencode({"info": {**info, **changes}}), verdict, error)

    t("parent", "the path ../x leaves", files=[{"length": 5, "path": ["..", "x"]}])
    t("long-path", "a path of more than 4096 bytes", files=[{"length": 5, "path": ["a" * 99] * 99}])
    t("slash", "a/b is no file name", files=[{"length": 5, "path": ["a/b"]}])
    t("twice", "a is listed twice", files=[{"length": 2, "path": ["a"]}] * 2)
    t("pieces-count", "40 bytes of piece hashes, 1 pieces have 20", pieces=bytes(40))
    t("huge", "sizes beyond all bounds", files=[{"length": 2**63 - 1, "path": [n]} for n in "abc"])
    t("negative", "a file without a length", files=[{"length": -1, "path": ["a"]}])
    t("no-piece-length", "no piece length", **{"piece length": 0})
    t("large-pieces", "limit", "unsupported", **{"piece length": 2**40})
    t("version-3", "a torrent of version 3", "unsupported", **{"meta version": 3})
    t("no-tree", "version 2 without a file tree", **{"meta version": 2})
    leaf = lambda **more: {"": {"length": 5, "pieces root": bytes(32), **more}}
    v2_only = {"meta version": 2, "pieces": 0}
    t("two-contents", "versions 1 and 2 differ in b", **{"meta version": 2, "file tree": {"b": leaf()}})
    t("short-root", "without a pieces root", **v2_only, **{"file tree": {"b": leaf(**{"pieces root": b"x"})}})
    t("tree-parent", "leaves its directory", **v2_only, **{"file tree": {"..": {"b": leaf()}}})
    t("file-and-folder", "a file that is a folder too",
      **v2_only, **{"file tree": {"b": {**leaf(), "c": leaf()}}})
    broken = bytearray(v2)
    broken[-10] ^= 1
    bad("wrong-layer.torrent", bytes(broken), "malformed", "a piece layer of another root")
    t("links", "names no file", files=[{"length": 0, "path": ["a"], "attr": "l"}], pieces=b"")
    raw = lambda name, text, error: bad(name + ".torrent", text, "malformed", error)
    raw("keys-twice", b"d4:infod6:lengthi1e6:lengthi1eee", "keys out of order, or one twice")
    raw("keys-order", b"d4:infod4:name1:x6:lengthi1eee", "keys out of order")
    raw("leading-zero", b"d4:infod6:lengthi01eee", "not a number in its shortest form")
    raw("minus-zero", b"d4:infod6:lengthi-0eee", "not a number in its shortest form")
    raw("long-text", b"d4:infod6:length9999999999:xee", "a text of 9999999999 bytes")
    raw("deep", b"d4:infod1:a" + b"l" * 100 + b"e" * 102, "nested deeper than 64")
    raw("trailing", bencode({"info": info}) + b"x", "bytes after the end")


def hashdeep():
    sizes = lambda names, *algorithms: [
        {"path": n, "size": len(FILES[n]), "digests": [f"{a}:{digest(a, FILES[n])}" for a in algorithms]}
        for n in names]
    placed = lambda text: text.replace(WORK.name.encode(), b"/srv/models")
    ok("hashdeep-l", placed(run("hashdeep", "-j0", "-l", *PLAIN)), "hashdeep", sizes(PLAIN, "md5", "sha256"))
    # Absolute names, below the folder it was started in. That folder is made the same everywhere.
    absolute = placed(run("hashdeep", "-j0", "-c", "sha1,tiger", *PLAIN))
    ok("hashdeep-absolute", absolute, "hashdeep", sizes(PLAIN, "sha1"),
       findings=[("columns-left-out", "tiger"), ("weak-digests", "only sha1")])
    ok("rhash.sfv", re.sub(rb" on .*| *\d\d:\d\d.*", b"", run("rhash", "--sfv", "a.bin", "sub/d.bin")), "sfv",
       [said(n, "crc32") for n in ["a.bin", "sub/d.bin"]], findings=[("weak-digests", "crc32")])
    ok("rhash-bsd", run("rhash", "--bsd", "--sha384", "--md5", *PLAIN), "bsd",
       [{"path": n, "digests": [f"md5:{digest('md5', FILES[n])}", f"sha384:{digest('sha384', FILES[n])}"]}
        for n in PLAIN])
    ok("xxhsum", run("xxhsum", "-q", "a.bin", "b c.bin"), "gnu",
       [{"path": "a.bin", "digests": ["xxh64:26c7827d889f6da3"]},
        {"path": "b c.bin", "digests": ["xxh64:" + run("xxhsum", stdin=FILES["b c.bin"]).decode()[:16]]}],
       findings=[("weak-digests", "xxh64")])


def gguf_hash():
    listed = (HERE.parent / "fixtures/hash/tiny-f16.gguf.manifest").read_bytes()
    ok("gguf-hash", listed, "gguf-hash", [{"path": "gguf/tiny-f16.gguf", "digests": []}],
       complete=False, findings=[("tensor-data-only", "are not checked")])


def oci():
    config, layer = b'{"model_format":"gguf"}', FILES["a.bin"]
    blob = lambda data, kind, **more: {"mediaType": kind, "digest": "sha256:" + digest("sha256", data),
                                       "size": len(data), **more}
    listed = lambda data, path=None: {
        "path": path or "sha256-" + digest("sha256", data), "size": len(data),
        "digests": ["sha256:" + digest("sha256", data)]}
    manifest = lambda *layers, **more: json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": blob(config, "application/vnd.docker.container.image.v1+json"), "layers": layers, **more})
    model = blob(layer, "application/vnd.ollama.image.model")
    ok("ollama.json", manifest(model, blob(FILES["b c.bin"], "application/vnd.ollama.image.template")),
       "oci", [listed(config), listed(layer), listed(FILES["b c.bin"])])
    title = {"annotations": {"org.opencontainers.image.title": "model.gguf"}}
    ok("oci-titles.json", manifest(
        blob(layer, "application/vnd.cncf.model.weight.v1.raw", **title),
        blob(FILES["b c.bin"], "application/vnd.cncf.model.weight.v1.tar", **title)),
       "oci", [listed(config), listed(layer, "model.gguf"), listed(FILES["b c.bin"])])
    o = lambda name, error, *layers, verdict="malformed", **more: bad(
        name + ".json", manifest(*layers, **more), verdict, error)
    o("oci-short", "layer 1: no sha256", {**model, "digest": "sha256:ab"})
    o("oci-md5", "layer 1: no sha256", {**model, "digest": "md5:" + digest("md5", layer)})
    o("oci-no-size", "layer 1: no size", {k: v for k, v in model.items() if k != "size"})
    o("oci-sizes", "two different sizes", model, {**model, "size": 6})
    o("oci-parent", "layer 1: the path ../x leaves",
      blob(layer, "x", annotations={"org.opencontainers.image.title": "../x"}))
    o("oci-version", "schema version", model, verdict="unsupported", schemaVersion=1)


def oms():
    def bundle(predicate, subject=None, **more):
        digests = b"".join(bytes.fromhex(r["digest"]) for r in predicate.get("resources", []))
        statement = {"_type": "https://in-toto.io/Statement/v1",
                     "subject": subject or [{"name": "model", "digest": {
                         "sha256": hashlib.sha256(digests).hexdigest()}}],
                     "predicateType": "https://model_signing/signature/v1.0", "predicate": predicate, **more}
        payload = base64.b64encode(json.dumps(statement, indent=2).encode()).decode()
        return json.dumps({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": "00"}, "tlogEntries": []},
            "dsseEnvelope": {"payload": payload, "payloadType": "application/vnd.in-toto+json",
                             "signatures": [{"sig": "MEUCIQ==", "keyid": ""}]}})

    resource = lambda name, algorithm="sha256", data=None: {
        "name": name, "algorithm": algorithm,
        "digest": digest(algorithm.split("-")[0], FILES[name] if data is None else data)}
    plain = {"method": "files", "hash_type": "sha256", "allow_symlinks": False}
    model = lambda algorithm, **more: {
        "serialization": {**plain, "hash_type": algorithm, **more},
        "resources": [resource("a.bin", algorithm), resource("sub/d.bin", algorithm), resource("b c.bin", algorithm)]}
    listed = lambda algorithm: [said(name, algorithm) for name in ("a.bin", "sub/d.bin", "b c.bin")]
    unsigned = ("signature-not-checked", "not checked here")
    files = model("sha256", ignore_paths=[".git", "notes.txt"])
    ok("model.sig", bundle(files), "oms", listed("sha256"),
       findings=[unsigned, ("ignored-paths", ".git, notes.txt")])
    for algorithm in ("blake2b", "blake3"):
        ok(f"oms-{algorithm}.sig", bundle(model(algorithm)), "oms", listed(algorithm), findings=[unsigned])
    ok("oms-unknown-field.sig", bundle(model("sha256", depth=3)), "oms", listed("sha256"),
       findings=[unsigned, ("unknown-field", "depth")])
    ok("oms-one-file.sig", bundle({"serialization": plain, "resources": [resource(".", data=b"hello")]}), "oms",
       [said("", "sha256", b"hello")], findings=[unsigned])
    data = FILES["back\\slash.bin"]
    shard = lambda begin, end: resource(f"xx:y.bin:{begin}:{end}", "sha256-sharded-4", data[begin:end])
    sharded = lambda *resources: bundle({"serialization": {**plain, "method": "shards", "shard_size": 4},
                                         "resources": list(resources)})
    ok("oms-shards.sig", sharded(shard(0, 4), shard(4, 8), shard(8, 9)), "oms",
       [{"path": "xx:y.bin", "size": 9, "digests": []}], findings=[unsigned])
    ok("oms-digests-v0.1.sig", bundle({}, [{"name": "a.bin", "digest": {"sha256": digest("sha256", b"hello")}}],
                                      predicateType="https://model_signing/Digests/v0.1"), "oms",
       [said("a.bin", "sha256")], findings=[unsigned])
    # Made once by model_signing 1.1.1 of a.bin, "b c.bin" and sub/d.bin, with a key of its own each time:
    # model_signing sign key DIR --private_key KEY, and its API with use_shard_serialization(4 bytes).
    kept = lambda name: (HERE / name).read_bytes()
    three = ["a.bin", "b c.bin", "sub/d.bin"]
    git = ("ignored-paths", ".gitattributes")
    ok("model-signing.sig", kept("model-signing.sig"), "oms", [said(n, "sha256") for n in three],
       findings=[unsigned, git])
    ok("model-signing-shards.sig", kept("model-signing-shards.sig"), "oms",
       [{"path": n, "size": len(FILES[n]), "digests": []} for n in three], findings=[unsigned, git])
    o = lambda name, text, error, verdict="malformed": bad(name + ".sig", text, verdict, error)
    o("oms-gap", sharded(shard(0, 4), shard(5, 9)), "do not make one file")
    o("oms-root", bundle(files, [{"name": "m", "digest": {"sha256": "0" * 64}}]), "subject's digest")
    o("oms-twice", bundle({"serialization": plain, "resources": [resource("a.bin"), resource("a.bin")]}), "listed twice")
    o("oms-parent", bundle({"serialization": plain, "resources": [{**resource("a.bin"), "name": "../a"}]}), "leaves its directory")
    o("oms-algorithm", bundle({"serialization": plain, "resources": [{**resource("a.bin"), "algorithm": "md6"}]}),
      "a digest of md6")
    o("oms-empty", bundle({"serialization": plain, "resources": []}), "lists no file")


def statements():
    """What is signed and lists files: in-toto statements, Sigstore bundles, receipts; a statement's signature."""
    subject = lambda name, **digests: {"name": name, "digest": digests}
    a, d = digest("sha256", FILES["a.bin"]), digest("sha256", FILES["sub/d.bin"])
    def statement(subjects, kind="https://in-toto.io/Statement/v1", predicate=None, type="https://example.org/test"):
        return {"_type": kind, "subject": subjects, "predicateType": type, "predicate": predicate or {}}
    both = [subject("a.bin", sha256=a, gitCommit="00"), subject("pkg:x/../y", sha512=digest("sha512", FILES["sub/d.bin"]))]
    named = said("a.bin", "sha256")
    nameless = {"path": "", "digests": ["sha512:" + digest("sha512", FILES["sub/d.bin"])]}
    note = ("statement-type", "example.org/test")
    def listed(name, text, files, *findings):
        ok(name, text if isinstance(text, str) else json.dumps(text), "in-toto", files, findings=[*findings])
    listed("statement.intoto.json", statement(both), [nameless, named], note)
    payload = lambda what: base64.b64encode(json.dumps(what).encode()).decode()
    envelope = lambda what, **more: {"payloadType": "application/vnd.in-toto+json", "payload": payload(what),
                                     "signatures": [{"sig": "MEUCIQ=="}], **more}
    listed("envelope.intoto.json", envelope(statement(both[:1])), [named], note)
    bundle = lambda content: {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
                              "verificationMaterial": {"publicKey": {"hint": "00"}, "tlogEntries": []}, **content}
    slsa = {"buildDefinition": {"buildType": "https://example.org/make",
                                "resolvedDependencies": [{"uri": "hf:org/base", "digest": {"sha256": d}}]},
            "runDetails": {"builder": {"id": "https://example.org/builder"}}}
    built = [("built-by", "https://example.org/builder"), ("built-from", "hf:org/base"),
             ("statement-type", "slsa.dev/provenance/v1")]
    listed("slsa.sigstore.json", bundle({"dsseEnvelope": envelope(statement(
        both[:1], predicate=slsa, type="https://slsa.dev/provenance/v1"))}), [named], *built)
    old = {"builder": {"id": "https://example.org/builder"}, "buildType": "https://example.org/make",
           "materials": [{"uri": "hf:org/base", "digest": {"sha256": d}}]}
    listed("slsa-0.2.json", statement(both[:1], "https://in-toto.io/Statement/v0.1", old,
                                      "https://slsa.dev/provenance/v0.2"),
           [named], *built[:2], ("statement-type", "slsa.dev/provenance/v0.2"))
    b = lambda name, what, error, verdict="malformed": bad(name, json.dumps(what), verdict, error)
    b("intoto-no-subject.json", statement([]), "a list of any subject")
    b("intoto-short-digest.json", statement([subject("a", sha256="ab")]), "no digest known here", "unsupported")
    b("intoto-unknown-digest.json", statement([subject("a", gitCommit="ab")]), "no digest known here", "unsupported")
    b("intoto-version.json", statement(both, "https://in-toto.io/Statement/v9"), "Statement/v9", "unsupported")
    b("intoto-no-builder.json", statement(both, predicate={**slsa, "runDetails": {}},
                                          type="https://slsa.dev/provenance/v1"), "builder")
    b("envelope-of-else.json", envelope({}, payloadType="text/plain"), "an envelope of text/plain", "unsupported")
    message = lambda **more: bundle({"messageSignature": {"signature": "MEUCIQ==", **more}})
    ok("a.bin.sigstore.json", json.dumps(message(messageDigest={
        "algorithm": "SHA2_256", "digest": base64.b64encode(bytes.fromhex(a)).decode()})), "sigstore",
       [{"path": "", "digests": ["sha256:" + a]}])
    b("no-digest.sigstore.json", message(), "names no digest", "unsupported")
    identity = "hm1:f002385abf1bde44ed161deb1aa760168242ff88844c4a9c9e9a6781181f17ee"
    signed = lambda weights: ("hallmark-statement/v1\nkind manifest\nsha256 " + a + f"\nweights {weights}\norigin my-org/x\n"
                              "version 1\nissued -\nexpires -\n\n\u2014 somebody " +
                              base64.b64encode(bytes(68)).decode() + "\n")
    ok("x.json.sig", signed(identity), "statement", [])
    bad("no-weights.sig", signed("-"), "unsupported", "names no weights")
    bad("no-such-identity.sig", signed("hm1:00"), "malformed", "weights")
    receipt = json.loads((HERE / "../receipts/rounded.receipt.json").read_text())
    ok("rounded.receipt.json", json.dumps(receipt), "receipt",
       [{"path": f["path"], "size": f["size"], "digests": ["tree:" + f["tree"].removeprefix("tree:")]}
        for f in receipt["output"]["files"]])
    bad("empty.receipt.json", '{"schema":"hallmark.receipt/1"}', "malformed", "")


def hubs():
    files = [{"name": "model.safetensors", "sizeKB": 5 / 1024, "hashes": {
        "AutoV1": "0" * 8, "AutoV2": digest("sha256", b"hello")[:10].upper(), "AutoV3": "0" * 12,
        "SHA256": digest("sha256", b"hello").upper(), "CRC32": digest("crc32", b"hello").upper(),
        "BLAKE3": digest("blake3", b"hello").upper()}}]
    ok("civitai.json", json.dumps({"id": 1, "modelId": 2, "files": files}), "civitai",
       [{"path": "model.safetensors",
         "digests": [f"{a}:{digest(a, b'hello')}" for a in ["sha256", "crc32", "blake3"]]}],
       findings=[("shortened-hashes", "AutoV2")])
    bad("civitai-short.json", json.dumps({"files": [{"name": "a", "hashes": {"SHA256": "ab"}}]}),
        "malformed", "file 1: SHA256 is of the wrong length")
    scope = lambda **more: json.dumps({"Code": 200, "Data": {"Files": [
        {"Name": "sub", "Path": "sub", "Type": "tree", "Size": 0, "Sha256": ""},
        {"Name": "d.bin", "Path": "sub/d.bin", "Type": "blob", "Size": 5,
         "Sha256": digest("sha256", FILES["sub/d.bin"]), **more}]}})
    ok("modelscope.json", scope(), "modelscope", [said("sub/d.bin", "sha256", size=5)])
    bad("modelscope-short.json", scope(Sha256="ab"), "malformed", "entry 2: Sha256 is not 64 hex digits")
    bad("modelscope-parent.json", scope(Path="../x"), "malformed", "entry 2: the path ../x leaves")


def metalinks():
    data = TORRENT_FILES["m/a.bin"]
    piece = 16384
    pieces = "".join(f"<hash>{hashlib.sha1(data[i:i + piece]).hexdigest()}</hash>"
                     for i in range(0, len(data), piece))

    def meta4(extra="", size=len(data), pieces=pieces, before="", name="a.bin"):
        return (f'<?xml version="1.0" encoding="UTF-8"?>\n{before}<metalink '
                'xmlns="urn:ietf:params:xml:ns:metalink">\n <generator>made by hand</generator>\n'
                f' <file name="{name}">\n  <size>{size}</size>\n'
                f'  <hash type="sha-256">{digest("sha256", data)}</hash>\n{extra}'
                f'  <pieces length="{piece}" type="sha-1">{pieces}</pieces>\n'
                '  <url location="de">https://example.org/a.bin</url>\n </file>\n</metalink>\n')

    listed = {"path": "a.bin", "size": len(data), "digests": ["sha256:" + digest("sha256", data)]}
    ok("a.meta4", meta4(), "metalink", [listed])
    ok("a-tiger.meta4", meta4('<hash type="tiger">00</hash>'), "metalink", [listed],
       findings=[("hashes-left-out", "tiger")])
    ok("a.metalink", '<?xml version="1.0" encoding="utf-8"?>\n'
       '<metalink version="3.0" xmlns="http://www.metalinker.org/"><files><file name="a.bin">'
       f'<size>{len(data)}</size><verification><hash type="md5">{digest("md5", data)}</hash>'
       f'<pieces type="sha1" length="{piece}">{pieces}</pieces></verification></file></files></metalink>',
       "metalink", [{**listed, "digests": ["md5:" + digest("md5", data)]}], findings=[WEAK])
    m = lambda name, text, error: bad(name + ".meta4", text, "malformed", error)
    m("meta4-doctype", meta4(before='<!DOCTYPE x [<!ENTITY a "b">]>'), "document type declaration")
    m("meta4-pieces", meta4(pieces=pieces[:53]), "another number of pieces than a.bin needs: 3")
    m("meta4-size", meta4(size="many"), "no number of bytes")
    m("meta4-parent", meta4(name="../a.bin"), "leaves its directory")
    m("meta4-entity", meta4("&a;"), "undefined entity")
    m("meta4-two-hashes", meta4(f'<hash type="sha-256">{"0" * 64}</hash>'), "two sha256 of one file")
    m("meta4-cut", meta4()[:-20], "a metalink: ")
    m("meta4-other", '<metalink xmlns="urn:x"><file name="a"/></metalink>', "another outermost element")


def main():
    for name, data in FILES.items():
        path = Path(WORK.name) / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    tool_outputs()
    habits()
    hostile()
    json_dialects()
    torrents()
    hashdeep()
    gguf_hash()
    oci()
    oms()
    statements()
    hubs()
    metalinks()
    kept = made | {name + ".expect" for name in made} | {Path(__file__).name}
    for path in HERE.iterdir():
        if path.name not in kept:
            path.unlink()


main()
