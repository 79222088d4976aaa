#!/usr/bin/env python3
"""Makes cases/ and cases.json: model signatures (OMS) that are right, odd or hostile, each with what a verifier has to
say of it. Needs cryptography and model-signing 1.1.1 with pyOpenSSL. All keys come from their names and ECDSA is
deterministic, so a second run writes the same bytes; only what model_signing and openssl made themselves (made/) is
kept as it is. Beside each expectation stands what model_signing 1.1.1 says of the same bundle, as it was run here.

A case: `policy` (a key, or roots with a rule, `legacy`, `time`), `expect` ("ok" or the kind of error), `reason` (a
part of the message)."""
import base64
import copy
import datetime
import hashlib
import json
import logging
import pathlib
import shutil
import subprocess
import sys
import tempfile
import warnings

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from model_signing._signing import sign_certificate, sign_ec_key, sign_sigstore_pb

HERE = pathlib.Path(__file__).resolve().parent
TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE, LEGACY = "https://model_signing/signature/v1.0", "https://model_signing/Digests/v0.1"
MEDIA = "application/vnd.dev.sigstore.bundle.v0.3+json"
CURVES = {"p256": (ec.SECP256R1, hashes.SHA256), "p384": (ec.SECP384R1, hashes.SHA384),
          "p521": (ec.SECP521R1, hashes.SHA512)}
NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.timezone.utc)
cases, certificates = [], {}


def seed(name):
    return int.from_bytes(hashlib.sha512(name.encode()).digest()[:31], "big")


def key(curve, name="signer"):
    return ec.derive_private_key(seed(f"{curve} {name}"), CURVES[curve][0]())


def pem(public):
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


KEYS = {curve: key(curve) for curve in CURVES}
SIGNER, OTHER = KEYS["p256"], key("p256", "somebody else")


# What is signed.

def sha256(data):
    return hashlib.sha256(data).hexdigest()


def resource(name, data=None, algorithm="sha256", digest=None):
    return {"name": name, "algorithm": algorithm, "digest": digest or sha256(data if data is not None else name.encode())}


FILES = [resource("config.json"), resource("sub/weights.bin")]
SERIALIZATION = {"method": "files", "hash_type": "sha256", "allow_symlinks": False,
                 "ignore_paths": [".git", ".gitattributes", ".github", ".gitignore"]}


def root(resources):
    return hashlib.sha256(b"".join(bytes.fromhex(r["digest"]) for r in resources)).hexdigest()


def statement(resources=None, serialization=None, subject=None, **more):
    resources = FILES if resources is None else resources
    return {"_type": STATEMENT,
            "subject": subject if subject is not None else [{"name": "model", "digest": {"sha256": root(resources)}}],
            "predicateType": PREDICATE,
            "predicate": {"serialization": {**SERIALIZATION, **(serialization or {})}, "resources": resources}, **more}


def without(value, *path):
    value = copy.deepcopy(value)
    inner = value
    for part in path[:-1]:
        inner = inner[part]
    del inner[path[-1]]
    return value


def replaced(value, new, *path):
    value = copy.deepcopy(value)
    inner = value
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = new
    return value


# How it is signed.

def b64(data):
    return base64.b64encode(data).decode()


def sign(private, payload, pae=sign_sigstore_pb.pae, algorithm=None):
    algorithm = algorithm or sign_ec_key.get_ec_key_hash(private.public_key())
    return private.sign(pae(payload), ec.ECDSA(algorithm, deterministic_signing=True))


def key_material(private):
    return {"publicKey": {"hint": sha256(pem(private.public_key()))}, "tlogEntries": []}


def bundle(content=None, private=SIGNER, material=None, signature=None, **how):
    """A bundle as a value; `content`: the statement, or its bytes."""
    content = statement() if content is None else content
    payload = content if isinstance(content, bytes) else json.dumps(content, indent=2).encode()
    signature = sign(private, payload, **how) if signature is None else signature
    return {"mediaType": MEDIA, "verificationMaterial": key_material(private) if material is None else material,
            "dsseEnvelope": {"payload": b64(payload), "payloadType": TYPE,
                             "signatures": [{"sig": b64(signature), "keyid": ""}]}}


def text(value):
    return json.dumps(value, separators=(",", ":"))


# Certificates.

def certificate(name, public, issuer=None, issuer_key=None, days=(-150, 3650), ca=False, usage="default", extended=None,
                alternative=None, path_length=None):
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "hallmark tests"),
                         x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (x509.CertificateBuilder().subject_name(subject).public_key(public)
               .issuer_name(issuer.subject if issuer else subject)
               .serial_number(seed(f"{name} {days}") >> 100)
               .not_valid_before(NOW + datetime.timedelta(days[0])).not_valid_after(NOW + datetime.timedelta(days[1]))
               .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True))
    if usage == "default":
        usage = ["key_cert_sign"] if ca else ["digital_signature"]
    if usage is not None:
        names = ("digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign "
                 "crl_sign encipher_only decipher_only").split()
        builder = builder.add_extension(x509.KeyUsage(**{n: n in usage for n in names}), critical=True)
    if extended:
        builder = builder.add_extension(x509.ExtendedKeyUsage(extended), critical=False)
    if alternative:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternative), critical=False)
    return builder.sign(issuer_key, hashes.SHA256(), ecdsa_deterministic=True)


class Authority:
    """A root, one between, and what they sign."""

    def __init__(self, name, root_days=(-150, 3650), days=(-150, 3650), **more):
        self.root_key, self.key = key("p256", f"{name} root"), key("p256", f"{name} between")
        self.root = certificate(f"{name} root", self.root_key.public_key(), None, self.root_key, root_days, ca=True)
        self.between = certificate(f"{name} between", self.key.public_key(), self.root, self.root_key, days,
                                   **{"ca": True, **more})

    def leaf(self, public=SIGNER.public_key(), name="signer", **more):
        if "extended" not in more:
            more["extended"] = [ExtendedKeyUsageOID.CODE_SIGNING]
        if "alternative" not in more:
            more["alternative"] = [x509.RFC822Name("models@example.org"),
                                   x509.UniformResourceIdentifier("https://example.org/release")]
        return certificate(name, public, self.between, self.key, **more)


def der(value):
    return value if isinstance(value, bytes) else value.public_bytes(serialization.Encoding.DER)


def chain_material(*chain):
    return {"x509CertificateChain": {"certificates": [{"rawBytes": b64(der(c))} for c in chain]}, "tlogEntries": []}


def signed_with(*chain, private=SIGNER, content=None, **how):
    return bundle(content, private, chain_material(*chain), **how)


# Cases.

def peer_says(value, policy):
    """What model_signing 1.1.1 says of signature and statement; it has no part in `legacy` and `time`."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "model.sig")
        path.write_bytes(value)
        try:
            if "key" in policy:
                verifier = sign_ec_key.Verifier(HERE / "keys" / policy["key"])
            else:
                verifier = sign_certificate.Verifier([HERE / "keys" / policy["roots"]])
            verifier.verify(sign_sigstore_pb.Signature.read(path))
        except Exception:  # whatever it trips over is a refusal
            return "refuses"
    return "accepts"


def add(name, value, expect="ok", reason="", **policy):
    value = value if isinstance(value, bytes) else (value if isinstance(value, str) else text(value)).encode()
    if "roots" not in policy:
        policy.setdefault("key", "p256.pem")
    if "time" not in policy and "roots" in policy:
        policy["time"] = int(NOW.timestamp())
    if any(case["name"] == name for case in cases):
        sys.exit(f"two cases are called {name}")
    (HERE / "cases" / f"{name}.sig").write_bytes(value)
    cases.append({"name": name, "policy": policy, "expect": expect, **({"reason": reason} if reason else {}),
                  "model_signing": peer_says(value, policy)})


def bad(name, value, reason, expect="malformed", **policy):
    add(name, value, expect, reason, **policy)


def of_statement(name, content, reason, expect="malformed"):
    bad("statement-" + name, bundle(content), reason, expect)


def keys():
    folder = HERE / "keys"
    for name, private in KEYS.items():
        (folder / f"{name}.pem").write_bytes(pem(private.public_key()))
    (folder / "other.pem").write_bytes(pem(OTHER.public_key()))
    (folder / "p256-crlf.pem").write_bytes(pem(SIGNER.public_key()).replace(b"\n", b"\r\n"))
    point = SIGNER.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    spki = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + point
    (folder / "p256-compressed.pem").write_text(
        f"-----BEGIN PUBLIC KEY-----\n{b64(spki)[:64]}\n{b64(spki)[64:]}\n-----END PUBLIC KEY-----\n")
    ed = ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"ed25519 signer").digest())
    (folder / "ed25519.pem").write_bytes(pem(ed.public_key()))
    (folder / "rsa.pem").write_bytes(pem(rsa_public()))


def rsa_public():
    return x509.load_pem_x509_certificate((HERE / "historical/keys/ca-cert.pem").read_bytes()).public_key()


def good_keys():
    for curve, private in KEYS.items():
        add(f"key-{curve}", bundle(private=private), key=f"{curve}.pem")
    add("key-compressed-point", bundle(), key="p256-compressed.pem")
    add("key-crlf", bundle(), key="p256-crlf.pem")
    add("key-no-hint", bundle(material={"publicKey": {}, "tlogEntries": []}))
    add("key-empty-hint", bundle(material={"publicKey": {"hint": ""}, "tlogEntries": []}))
    add("key-no-log-entries", without(bundle(), "verificationMaterial", "tlogEntries"))
    add("key-keyid-null", replaced(bundle(), None, "dsseEnvelope", "signatures", 0, "keyid"))
    add("key-keyid-absent", without(bundle(), "dsseEnvelope", "signatures", 0, "keyid"))
    add("key-media-type-parameter", replaced(bundle(), "application/vnd.dev.sigstore.bundle+json;version=0.3", "mediaType"))
    add("key-white-space", json.dumps(bundle(), indent="\t") + "\r\n")
    add("key-escapes", text(bundle()).replace('"dsseEnvelope"', '"\\u0064sseEnvelope"').replace("/", "\\/"))
    add("key-compact-payload", bundle(json.dumps(statement(), separators=(",", ":")).encode()))


def good_statements():
    def of(name, content):
        add("statement-" + name, bundle(content))
    of("no-ignored-paths", without(statement(), "predicate", "serialization", "ignore_paths"))
    of("symlinks", statement(serialization={"allow_symlinks": True}))
    of("blake2b", statement([resource("a", digest=hashlib.blake2b(b"a").hexdigest(), algorithm="blake2b")],
                            {"hash_type": "blake2b"}))
    # Of "abc", as the BLAKE3 repository's README and b3sum give it.
    of("blake3", statement([resource("a", algorithm="blake3", digest=
        "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85")], {"hash_type": "blake3"}))
    of("one-file", statement([resource("weights.bin")]))
    of("one-file-dot", statement([resource(".", b"w")]))
    of("order-of-components", statement([resource("a/z"), resource("a-b/z")]))
    of("order-of-code-points", statement([resource("a-b/z"), resource("a/z")]))
    of("any-order", statement([resource("z"), resource("a"), resource("m")]))
    of("names", statement([resource("ü/日本.bin"), resource("with blank"), resource("-dash"), resource("..x/...")]))
    of("unknown-predicate-field", replaced(statement(), {"card": 1}, "predicate", "model_card"))
    of("unknown-serialization-field", statement(serialization={"note": "x"}))
    of("unknown-resource-field", statement([{**resource("a"), "annotations": {"x": 1}, "uri": "https://example.org"}]))
    shard = lambda begin, end, name="w", algorithm="sha256": resource(f"{name}:{begin}:{end}", algorithm=algorithm)
    shards = lambda size, *resources: statement(list(resources), {"method": "shards", "shard_size": size})
    of("shards", shards(4, shard(0, 4), shard(4, 8), shard(8, 9)))
    of("shards-double", shards(4.0, shard(0, 4, algorithm="sha256-sharded-4"), shard(4, 6, algorithm="sha256-sharded-4")))
    of("shards-colons", shards(4, shard(0, 4, "ww:1:2"), shard(4, 5, "ww:1:2"), shard(0, 4, "ww")))
    of("shards-any-order", shards(4, shard(4, 8), shard(0, 4)))
    of("shards-one-file-dot", shards(4, shard(0, 4, "."), shard(4, 5, ".")))
    return shard, shards


def bad_statements(shard, shards):
    of = of_statement
    of("not-json", b"no json", "not valid JSON")
    of("empty-payload", b"", "no value")
    of("array", b"[]", "no statement")
    of("not-utf8", json.dumps(statement(), ensure_ascii=False).encode().replace(b"config", b"conf\xff\xfe"), "UTF-8")
    of("duplicate-key", json.dumps(statement()).replace('"method"', '"hash_type": "sha256", "method"').encode(), "hash_type")
    of("duplicate-resources", json.dumps(statement()).replace('"resources"', '"resources": [], "resources"').encode(),
       "resources")
    of("deep", json.dumps(statement()).replace('"files"', "[" * 500 + "]" * 500).encode(), "deep")
    of("trailing-bytes", json.dumps(statement()).encode() + b"{}", "not valid JSON")
    of("type", replaced(statement(), STATEMENT + ".1", "_type"), "a payload of type", "unsupported")
    of("no-type", without(statement(), "_type"), '"_type"')
    of("slsa", replaced(statement(), "https://slsa.dev/provenance/v1", "predicateType"), "lists no model's files",
       "unsupported")
    of("predicate-v2", replaced(statement(), PREDICATE.replace("1.0", "2.0"), "predicateType"), "lists no model's files",
       "unsupported")
    of("no-predicate", without(statement(), "predicate"), '"predicate"')
    of("no-subject", statement(subject=[]), "got 0 subjects")
    of("two-subjects", statement(subject=2 * statement()["subject"]), "got 2 subjects")
    of("subject-unnamed", statement(subject=[{"digest": {"sha256": root(FILES)}}]), '"name"')
    of("subject-empty-name", statement(subject=[{"name": "", "digest": {"sha256": root(FILES)}}]), "name is empty")
    of("subject-sha512", statement(subject=[{"name": "m", "digest": {"sha512": "00" * 64}}]), '"sha256"')
    of("root", statement(subject=[{"name": "m", "digest": {"sha256": "0" * 64}}]), "subject's digest")
    of("root-upper-case", statement(subject=[{"name": "m", "digest": {"sha256": root(FILES).upper()}}]),
       "subject's digest")
    of("root-of-another-order", statement(subject=[{"name": "m", "digest": {"sha256": root(FILES[::-1])}}]),
       "subject's digest")
    of("no-resources", statement([]), "lists no file")
    of("resources-null", replaced(statement(), None, "predicate", "resources"), '"resources"')
    of("ignores-everything", statement([], {"ignore_paths": ["."]}), "ignores the whole model")
    of("same-name-twice", statement([resource("a", b"1"), resource("a", b"2")]), "listed twice")
    of("same-resource-twice", statement([resource("a"), resource("a")]), "listed twice")
    for name, path, reason in (("parent", "../outside.txt", "leaves its directory"),
                               ("inner-parent", "a/../../b", "leaves its directory"),
                               ("absolute", "/etc/passwd", "is absolute"), ("empty-name", "", "is empty"),
                               ("dot-in-front", "./a", "shortest form"), ("inner-dot", "a/./b", "shortest form"),
                               ("dot-slash", "./", "is empty"), ("two-slashes", "a//b", "empty component"),
                               ("slash-behind", "a/", "empty component"), ("backslash", "a\\b", "backslash"),
                               ("nul", "a\0b", "NUL"), ("newline", "a\nb", "control"), ("escape", "a\x1b[2J", "control"),
                               ("drive", "c:/a", "drive"), ("url", "https://example.org/a", "is a URL"),
                               ("long-name", "a/" * 3000 + "a", "limit 4096")):
        of("path-" + name, statement([resource("ok"), resource(path)]), reason)
    of("dot-beside-others", statement([resource("."), resource("a")]), "one file, and other files")
    of("resource-text", statement([], subject=[]) | {"predicate": {"serialization": SERIALIZATION, "resources": ["a"]}},
       '"name"')
    digest = sha256(b"a")
    of("digest-upper-case", statement([resource("a", digest=digest.upper())]), "lower-case hex")
    of("digest-short", statement([resource("a", digest=digest[:-2])]), "no usable sha256")
    of("digest-odd", replaced(statement(), digest[:-1], "predicate", "resources", 0, "digest"), "no usable sha256")
    of("digest-no-hex", replaced(statement(), "g" * 64, "predicate", "resources", 0, "digest"), "no usable sha256")
    of("digest-of-another-algorithm", statement([resource("a", digest=hashlib.blake2b(b"a").hexdigest())]),
       "no usable sha256")
    of("algorithm-differs", statement([resource("a", algorithm="blake3")]), "a digest of blake3")
    of("algorithm-sharded-file", statement([resource("a", algorithm="sha256-sharded-4")]), "sha256-sharded-4")
    for hash_type in ("md5", "sha1", "SHA256", "sha-256", "blake2", "blake2b-512", "sha512", ""):
        of("hash-type-" + (hash_type or "empty"), statement(serialization={"hash_type": hash_type}), "digests",
           "unsupported")
    of("no-serialization", without(statement(), "predicate", "serialization"), '"serialization"')
    of("no-method", without(statement(), "predicate", "serialization", "method"), '"method"')
    of("no-hash-type", without(statement(), "predicate", "serialization", "hash_type"), '"hash_type"')
    of("no-symlink-policy", without(statement(), "predicate", "serialization", "allow_symlinks"), '"allow_symlinks"')
    of("symlink-policy-text", statement(serialization={"allow_symlinks": "false"}), '"allow_symlinks"')
    of("method", statement(serialization={"method": "dirs"}), "over dirs", "unsupported")
    for name, paths, reason in (("dot", ["."], "whole model"), ("parent", ["../x"], "leaves"), ("up", [".."], "leaves"),
                                ("absolute", ["/tmp"], "absolute"), ("star", ["*.bin"], "wildcard"),
                                ("question", ["a?"], "wildcard"), ("bracket", ["[a-z]"], "wildcard"),
                                ("backslash", ["a\\b"], "backslash"), ("empty", [""], "is empty"),
                                ("dot-in-front", ["./a"], "shortest form"), ("slash-behind", ["sub/"], "empty component"),
                                ("number", [1], '"ignore_paths"'), ("text", ".git", '"ignore_paths"'),
                                ("listed", ["config.json"], "listed and ignored"),
                                ("folder-of-listed", ["sub"], "listed and ignored")):
        of("ignores-" + name, statement(serialization={"ignore_paths": paths}), reason)
    good = [shard(0, 4), shard(4, 8), shard(8, 9)]
    of("shard-size-missing", statement(good, {"method": "shards"}), '"shard_size"')
    of("shard-size-of-files", statement(serialization={"shard_size": 4}), '"shard_size"')
    for name, size in (("zero", 0), ("negative", -4), ("fraction", 4.5), ("text", "4"), ("huge", 1e300), ("null", None)):
        of("shard-size-" + name, shards(size, *good), '"shard_size"')
    of("shard-algorithm-size", shards(4, shard(0, 4, algorithm="sha256-sharded-5")), "sha256-sharded-5")
    of("shard-algorithm-double", shards(4.0, shard(0, 4, algorithm="sha256-sharded-4.0")), "sha256-sharded-4.0")
    for name, resources in (("gap", [shard(0, 4), shard(5, 9)]), ("overlap", [shard(0, 4), shard(3, 7)]),
                            ("begin", [shard(4, 8)]), ("twice", [shard(0, 4), shard(0, 4)]),
                            ("long", [shard(0, 5)]), ("short", [shard(0, 3), shard(3, 6)]),
                            ("two-ends", [shard(0, 4), shard(4, 6), shard(4, 7)])):
        of("shards-" + name, shards(4, *resources), "do not make one file")
    for name, resources in (("empty", [shard(0, 0)]), ("backwards", [shard(4, 0)]), ("no-range", [resource("w")]),
                            ("one-number", [resource("w:4")]), ("leading-zero", [resource("w:0:04")]),
                            ("plus", [resource("w:0:+4")]), ("negative", [resource("w:-4:0")]),
                            ("huge", [resource("w:0:99999999999999999999")]), ("blank", [resource("w:0: 4")])):
        of("shard-name-" + name, shards(4, *resources), "no shard's name")
    of("shard-of-nothing", shards(4, resource(":0:4")), "is empty")
    of("shard-path-parent", shards(4, resource("../w:0:4")), "leaves its directory")


def bad_envelopes():
    good, payload = bundle(), json.dumps(statement(), indent=2).encode()
    untrusted = lambda name, value, reason, **policy: bad(name, value, reason, "untrusted", **policy)
    unsupported = lambda name, value, reason, **policy: bad(name, value, reason, "unsupported", **policy)
    at = ("dsseEnvelope", "signatures", 0, "sig")

    untrusted("key-other", good, "another key", key="other.pem")
    untrusted("key-other-no-hint", bundle(material={"publicKey": {}}), "does not hold", key="other.pem")
    untrusted("key-hint-of-another", bundle(material=key_material(OTHER)), "another key")
    untrusted("key-hint-of-der", bundle(material={"publicKey": {"hint": sha256(SIGNER.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))}}), "another key")
    untrusted("key-hint-upper-case", bundle(material={"publicKey": {"hint": key_material(SIGNER)["publicKey"]["hint"].upper()}}),
              "another key")
    unsupported("key-ed25519", bundle(material={"publicKey": {}}), "type ed25519", key="ed25519.pem")
    unsupported("key-rsa", bundle(material={"publicKey": {}}), "type rsa", key="rsa.pem")
    for curve in ("p384", "p521"):
        untrusted(f"key-{curve}-sha256", bundle(private=KEYS[curve], algorithm=hashes.SHA256()), "does not hold",
                  key=f"{curve}.pem")
    untrusted("signature-of-another-statement", bundle(signature=sign(SIGNER, payload + b" ")), "does not hold")
    untrusted("signature-of-payload-alone", bundle(pae=lambda p: p), "does not hold")
    untrusted("signature-of-another-type", bundle(pae=lambda p: b"DSSEv1 10 text/plain" + sign_sigstore_pb.pae(p)[38:]),
              "does not hold")
    untrusted("signature-cut", bundle(signature=sign(SIGNER, payload)[:-1]), "does not hold")
    untrusted("signature-longer", bundle(signature=sign(SIGNER, payload) + b"\0"), "does not hold")
    untrusted("signature-zeros", bundle(signature=bytes.fromhex("3006020100020100")), "does not hold")
    untrusted("signature-empty", replaced(good, "", *at), "does not hold")
    bad("signature-not-base64", replaced(good, "!" + good["dsseEnvelope"]["signatures"][0]["sig"][1:], *at), "sig is not base64")
    bad("signature-missing", without(good, *at), "sig is not a text")
    bad("signatures-none", replaced(good, [], "dsseEnvelope", "signatures"), "signatures is not a list")
    bad("signatures-two", replaced(good, 2 * good["dsseEnvelope"]["signatures"], "dsseEnvelope", "signatures"),
        "got 2 signatures")
    bad("signatures-another-first", replaced(good, [{"sig": b64(sign(OTHER, payload)), "keyid": ""}] +
                                             good["dsseEnvelope"]["signatures"], "dsseEnvelope", "signatures"),
        "got 2 signatures")
    encoded = good["dsseEnvelope"]["payload"]
    # ">>>???" gives "Pj4+Pz8/", of which both alphabets and the padding can be told.
    special = bundle(json.dumps(statement([resource(">>>???>>>???")])).encode())
    its_payload = special["dsseEnvelope"]["payload"]
    assert "+" in its_payload and "/" in its_payload
    bad("payload-urlsafe", replaced(special, its_payload.replace("+", "-").replace("/", "_"), "dsseEnvelope", "payload"), "payload is not base64")
    padded = bundle(payload + b" " * (1 + -len(payload) % 3))
    bad("payload-unpadded", replaced(padded, padded["dsseEnvelope"]["payload"].rstrip("="), "dsseEnvelope", "payload"), "payload is not base64")
    bad("payload-spare-bits", replaced(padded, padded["dsseEnvelope"]["payload"].replace("A==", "B=="), "dsseEnvelope",
                                       "payload"), "payload is not base64")
    bad("payload-with-lines", replaced(good, encoded[:76] + "\n" + encoded[76:], "dsseEnvelope", "payload"), "payload is not base64")
    bad("payload-missing", without(good, "dsseEnvelope", "payload"), "payload is not a text")
    unsupported("payload-type", replaced(good, "application/json", "dsseEnvelope", "payloadType"), "application/json")
    bad("payload-type-missing", without(good, "dsseEnvelope", "payloadType"), "payloadType is not a text")

    bad("bundle-empty", b"", "no value")
    bad("bundle-null", b"null", "not an object")
    bad("bundle-array", "[" + text(good) + "]", "not an object")
    bad("bundle-cut", text(good)[:-1], "not valid JSON")
    bad("bundle-trailing", text(good) + text(good), "not valid JSON")
    bad("bundle-not-utf8", text(good).encode().replace(b"keyid", b"key\xffd"), "UTF-8")
    bad("bundle-duplicate-key", text(good).replace('"payloadType"', '"payload":"","payloadType"'), "payload")
    bad("bundle-duplicate-material", text(good).replace('"dsseEnvelope"', '"verificationMaterial":{},"dsseEnvelope"'),
        "verificationMaterial")
    bad("bundle-deep", text(good).replace('"tlogEntries":[]', '"tlogEntries":' + "[" * 2000 + "]" * 2000), "deep")
    add("bundle-unknown-member", {**good, "extra": 1}, "unsupported", "extra")
    add("bundle-unknown-material-member", replaced(good, 1, "verificationMaterial", "extra"), "unsupported", "extra")
    bad("bundle-no-envelope", without(good, "dsseEnvelope"), "not exactly one of messageSignature and dsseEnvelope")
    bad("bundle-no-material", without(good, "verificationMaterial"), "verificationMaterial is not an object")
    bad("bundle-empty-material", replaced(good, {}, "verificationMaterial"), "not exactly one of publicKey")
    bad("bundle-two-materials", replaced(good, {**key_material(SIGNER), **chain_material(b"x")}, "verificationMaterial"), "not exactly one of publicKey")
    digest = {"messageDigest": {"algorithm": "SHA2_256", "digest": b64(bytes(32))}, "signature": b64(b"s")}
    unsupported("bundle-message-signature", {**without(good, "dsseEnvelope"), "messageSignature": digest}, "bare signature")
    bad("bundle-two-contents", {**good, "messageSignature": digest}, "not exactly one of messageSignature")
    for name, media in (("v0.4", MEDIA.replace("0.3", "0.4")), ("v0.30", MEDIA.replace("0.3", "0.30")),
                        ("text", "text/plain"), ("empty", ""), ("upper-case", MEDIA.upper())):
        unsupported("media-type-" + name, replaced(good, media, "mediaType"), "a bundle of type")
    for name, media in (("v0.1", "0.1"), ("v0.2", "0.2")):
        unsupported("media-type-" + name, replaced(good, "application/vnd.dev.sigstore.bundle+json;version=" + media,
                                                   "mediaType"), "model signatures have 0.3")
    bad("media-type-missing", without(good, "mediaType"), "mediaType is not a text")


def legacy():
    raw = lambda private: {"publicKey": {"rawBytes": b64(pem(private.public_key())), "keyDetails": "PKIX_ECDSA_P256_SHA_256"}}
    old = {"_type": STATEMENT, "predicateType": LEGACY, "predicate": {"unused": "Unused"},
           "subject": [{"name": name, "digest": {"sha256": sha256(name.encode())},
                        "annotations": {"actual_hash_algorithm": "file-sha256"}} for name in ("a", "it's \"b\" ü")]}
    for name, value in (("raw-key", bundle(material=raw(SIGNER))), ("digests", bundle(old))):
        bad(f"legacy-{name}-not-asked", value, "before 1.1" if name == "raw-key" else "version 0.2", "unsupported")
    add("legacy-raw-key", bundle(material=raw(SIGNER)), legacy=True)
    bad("legacy-raw-key-other", bundle(material=raw(OTHER)), "another key", "untrusted", legacy=True)
    bad("legacy-raw-key-broken", bundle(material={"publicKey": {"rawBytes": b64(b"no key")}}), "another key", "untrusted", legacy=True)
    compat = sign_sigstore_pb.pae_compat
    add("legacy-digests", bundle(old), legacy=True)
    add("legacy-encoding", bundle(old, pae=compat), legacy=True)
    bad("legacy-encoding-not-asked", bundle(old, pae=compat), "wrong encoding", "untrusted")
    add("legacy-encoding-of-1.0", bundle(pae=compat), legacy=True)
    raw_bytes = json.dumps(statement([resource("ü'")]), ensure_ascii=False, indent=1).encode()
    add("legacy-encoding-bytes", bundle(raw_bytes, pae=compat), legacy=True)
    add("legacy-encoding-p384-sha256", bundle(old, KEYS["p384"], pae=compat, algorithm=hashes.SHA256()), key="p384.pem",
        legacy=True)
    bad("legacy-encoding-other-key", bundle(old, OTHER, material={"publicKey": {}}, pae=compat), "does not hold",
        "untrusted", legacy=True)
    bad("legacy-mixed", bundle(replaced(statement(), LEGACY, "predicateType")), "one version and the members of another",
        legacy=True)
    bad("legacy-mixed-subjects", bundle(statement(subject=old["subject"])), "got 2 subjects", legacy=True)
    bad("legacy-no-files", bundle({**old, "subject": []}), "lists no file", legacy=True)
    bad("legacy-twice", bundle({**old, "subject": 2 * old["subject"]}), "listed twice", legacy=True)
    bad("legacy-parent", bundle(replaced(old, "../a", "subject", 0, "name")), "leaves its directory", legacy=True)
    bad("legacy-no-digest", bundle(replaced(old, {}, "subject", 0, "digest")), '"sha256"', legacy=True)


def write_roots(name, *chain):
    (HERE / "keys" / name).write_bytes(b"".join(c.public_bytes(serialization.Encoding.PEM) for c in chain))


def with_certificates():
    ours = Authority("authority")
    write_roots("roots.pem", ours.root)
    leaf = ours.leaf()
    accepted = {"roots": "roots.pem", "identity": "models@example.org"}
    spki = hashlib.sha256(SIGNER.public_key().public_bytes(serialization.Encoding.DER,
                                                           serialization.PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    good = signed_with(leaf, ours.between)
    ok = lambda name, value=good, **policy: add("certificate-" + name, value, **(policy or accepted))
    no = lambda name, value, reason, expect="untrusted", **policy: bad("certificate-" + name, value, reason, expect,
                                                                       **(policy or accepted))
    ok("email")
    ok("uri", roots="roots.pem", identity="https://example.org/release")
    ok("subject", roots="roots.pem", subject=leaf.subject.rfc4514_string())
    ok("pinned-key", roots="roots.pem", spki=spki)
    ok("all-rules", roots="roots.pem", identity="models@example.org", subject=leaf.subject.rfc4514_string(), spki=spki)
    ok("with-root", signed_with(leaf, ours.between, ours.root))
    ok("shuffled-chain", signed_with(leaf, ours.root, ours.between))
    ok("usage-and-no-extended", signed_with(ours.leaf(extended=None), ours.between))
    ok("extended-and-no-usage", signed_with(ours.leaf(usage=None), ours.between))
    ok("root-between", signed_with(leaf), roots="between.pem", identity="models@example.org")
    write_roots("between.pem", ours.between)
    for curve in ("p384", "p521"):
        ok(curve, signed_with(ours.leaf(KEYS[curve].public_key()), ours.between, private=KEYS[curve]))

    no("no-rule", good, "whose certificate", "usage", roots="roots.pem")
    no("other-identity", good, "identity is models@example.org", roots="roots.pem", identity="models@example.com")
    no("part-of-identity", good, "identity is", roots="roots.pem", identity="models@example")
    no("no-identity", signed_with(ours.leaf(alternative=None), ours.between), "identity is none")
    no("identity-of-a-host", signed_with(ours.leaf(alternative=[x509.DNSName("models@example.org")]), ours.between),
       "identity is none")
    no("identity-as-common-name", signed_with(ours.leaf(name="models@example.org", alternative=None), ours.between),
       "identity is none")
    no("other-subject", good, "subject is", roots="roots.pem", subject="CN=signer")
    no("other-pinned-key", good, "key is", roots="roots.pem", spki="00" * 32)
    no("one-rule-of-two", good, "subject is", roots="roots.pem", identity="models@example.org", subject="CN=x")
    past, future = (-140, -10), (10, 300)
    no("leaf-expired", signed_with(ours.leaf(days=past), ours.between), "expired")
    no("leaf-not-yet-valid", signed_with(ours.leaf(days=future), ours.between), "not yet valid")
    old = Authority("authority", days=past)
    no("between-expired", signed_with(ours.leaf(), old.between), "expired")
    stale = Authority("stale", root_days=past)
    write_roots("stale.pem", stale.root)
    no("root-expired", signed_with(stale.leaf(), stale.between), "expired", roots="stale.pem", identity="models@example.org")
    gone = Authority("gone", root_days=past, days=past)
    write_roots("gone.pem", gone.root)
    no("all-expired", signed_with(gone.leaf(days=past), gone.between), "expired", roots="gone.pem",
       identity="models@example.org")
    no("before-it-was-valid", good, "not yet valid", **accepted, time=int(NOW.timestamp()) - 200 * 86400)
    no("after-it-was-valid", good, "expired", **accepted, time=int(NOW.timestamp()) + 4000 * 86400)
    theirs = Authority("attacker")
    no("own-root", signed_with(theirs.leaf(), theirs.between, theirs.root), "self-signed")
    namesake = Authority("authority")
    namesake.key = theirs.key
    no("namesake", signed_with(namesake.leaf(), certificate("authority between", theirs.key.public_key(), ours.root,
                                                            theirs.root_key, ca=True), ours.root), "signature failure")
    no("missing-between", signed_with(leaf), "issuer")
    no("root-alone", signed_with(leaf, ours.root), "issuer")
    not_ca = Authority("authority", ca=False)
    no("between-no-authority", signed_with(leaf, not_ca.between), "invalid CA")
    no("between-may-not-certify", signed_with(leaf, Authority("authority", usage=["digital_signature"]).between), "invalid CA")
    short = Authority("authority", path_length=0)
    lower = certificate("lower", OTHER.public_key(), short.between, short.key, ca=True)
    under = certificate("signer", SIGNER.public_key(), lower, OTHER, extended=[ExtendedKeyUsageOID.CODE_SIGNING],
                        alternative=[x509.RFC822Name("models@example.org")])
    no("path-too-long", signed_with(under, lower, short.between), "path length")
    server = [ExtendedKeyUsageOID.SERVER_AUTH]
    no("for-servers", signed_with(ours.leaf(extended=server), ours.between), "not for signing")
    no("for-keys", signed_with(ours.leaf(usage=["key_encipherment"], extended=None), ours.between), "not for signing")
    no("for-keys-and-code", signed_with(ours.leaf(usage=["key_encipherment"]), ours.between), "not for signing")
    no("for-nothing-in-particular", signed_with(ours.leaf(usage=None, extended=None), ours.between), "not for signing")
    no("rsa", signed_with(ours.leaf(rsa_public()), ours.between), "type rsa", "unsupported")
    ed = ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"ed25519 signer").digest())
    no("ed25519", signed_with(ours.leaf(ed.public_key()), ours.between), "type ed25519", "unsupported")
    no("other-key", signed_with(leaf, ours.between, private=OTHER), "does not hold")
    no("leaf-second", signed_with(ours.between, leaf), "not for signing")
    no("p384-sha256", signed_with(ours.leaf(KEYS["p384"].public_key()), ours.between, private=KEYS["p384"],
                                  algorithm=hashes.SHA256()), "does not hold")
    no("trailing-bytes", signed_with(der(leaf) + b"\0", ours.between), "cannot be read", "malformed")
    no("cut", signed_with(der(leaf)[:-1], ours.between), "cannot be read", "malformed")
    no("between-broken", signed_with(leaf, b"no certificate"), "cannot be read", "malformed")
    no("none", signed_with(), "not a list of 1", "malformed")
    no("single", bundle(material={"certificate": {"rawBytes": b64(der(leaf))}, "tlogEntries": []}), "method sigstore")
    no("of-a-key-bundle", bundle(), "method key")
    bad("key-of-a-certificate-bundle", good, "method certificate", "untrusted")
    no("statement-root", signed_with(leaf, ours.between, content=statement(
        subject=[{"name": "m", "digest": {"sha256": "0" * 64}}])), "subject's digest", "malformed")
    compat = sign_sigstore_pb.pae_compat
    no("legacy-not-asked", signed_with(leaf, ours.between, pae=compat), "wrong encoding")
    ok("legacy", signed_with(leaf, ours.between, pae=compat), **accepted, legacy=True)
    timestamps(ours, no, ok)


def stamp(signature, name, tsa_key, tsa):
    """A timestamp of openssl's; it says when it was made, so that made/NAME is kept once it is there."""
    path = HERE / "made" / name
    if not path.exists():
        with tempfile.TemporaryDirectory() as place:
            place = pathlib.Path(place)
            (place / "data").write_bytes(signature)
            (place / "key").write_bytes(tsa_key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
            (place / "tsa.pem").write_bytes(tsa.public_bytes(serialization.Encoding.PEM))
            (place / "serial").write_text("01")
            (place / "conf").write_text(
                f"[tsa]\ndefault_tsa=t\n[t]\nserial={place}/serial\ndefault_policy=1.2.3.4\ndigests=sha256\n"
                "signer_digest=sha256\ness_cert_id_alg=sha256\n")
            subprocess.run(["openssl", "ts", "-query", "-data", place / "data", "-sha256", "-no_nonce", "-cert", "-out",
                            place / "query"], check=True, capture_output=True)
            path.parent.mkdir(exist_ok=True)
            subprocess.run(["openssl", "ts", "-reply", "-queryfile", place / "query", "-signer", place / "tsa.pem", "-inkey",
                            place / "key", "-config", place / "conf", "-section", "t", "-out", path], check=True,
                           capture_output=True)
    return path.read_bytes()


def timestamps(ours, no, ok):
    """Of a certificate that was valid in November 2026, when the timestamp was made."""
    root_key, tsa_key = key("p256", "timestamps root"), key("p256", "timestamps")
    root_of_times = certificate("timestamps root", root_key.public_key(), None, root_key, ca=True)
    tsa = (x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "timestamps")]))
           .issuer_name(root_of_times.subject).public_key(tsa_key.public_key()).serial_number(seed("timestamps") >> 100)
           .not_valid_before(NOW).not_valid_after(NOW + datetime.timedelta(3650))
           .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
           .sign(root_key, hashes.SHA256(), ecdsa_deterministic=True))
    write_roots("timestamps.pem", tsa, root_of_times)
    leaf = ours.leaf(days=(150, 200))
    plain = signed_with(leaf, ours.between)
    signature = base64.b64decode(plain["dsseEnvelope"]["signatures"][0]["sig"])
    stamped = lambda *stamps: replaced(plain, {"rfc3161Timestamps": [{"signedTimestamp": b64(s)} for s in stamps]},
                                       "verificationMaterial", "timestampVerificationData")
    good, other = stamp(signature, "stamp.tsr", tsa_key, tsa), stamp(b"other", "stamp-of-other.tsr", tsa_key, tsa)
    later = {"roots": "roots.pem", "identity": "models@example.org", "timestamps": "timestamps.pem",
             "time": int(NOW.timestamp()) + 300 * 86400}
    ok("expired-and-stamped", stamped(good), **later)
    ok("expired-and-stamped-twice", stamped(other, good), **later)
    no("expired", plain, "expired", **later)
    no("expired-and-nobody-to-ask", stamped(good), "expired", **{**later, "timestamps": ""})
    no("expired-and-stamped-by-another", stamped(good), "expired", **{**later, "timestamps": "roots.pem"})
    no("expired-and-another-stamped", stamped(other), "expired", **later)
    no("stamp-broken", stamped(good[:-1]), "timestamp", "malformed", **later)
    no("stamp-of-the-future", stamped(good), "not yet valid", **{**later, "time": int(NOW.timestamp()) + 100 * 86400})
    no("stamped-before-it-was-valid", replaced(signed_with(ours.leaf(days=(250, 400)), ours.between), {
        "rfc3161Timestamps": [{"signedTimestamp": b64(good)}]}, "verificationMaterial", "timestampVerificationData"),
       "not yet valid", **later)
    add("key-stamped", replaced(bundle(), {"rfc3161Timestamps": [{"signedTimestamp": b64(good)}]},
                                "verificationMaterial", "timestampVerificationData"))


def main():
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    for folder in ("cases", "keys"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
        (HERE / folder).mkdir()
    keys()
    good_keys()
    bad_statements(*good_statements())
    bad_envelopes()
    legacy()
    with_certificates()
    (HERE / "cases.json").write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
    wrong = [c["name"] for c in cases if (c["expect"] == "ok") != (c["model_signing"] == "accepts")]
    print(f"{len(cases)} cases; model_signing says otherwise of {len(wrong)}: {', '.join(wrong)}")


main()
