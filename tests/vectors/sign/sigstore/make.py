#!/usr/bin/env python3
"""Writes the bundles, trusted roots and cases.json beside it. Needs cryptography and asn1crypto. Which case
fails for which reason is written here by hand; tests/peer/sigstore_peer.py holds the cases against
sigstore's own verifier. Keys and signatures are the same in every run, but for RSA."""
import base64
import datetime
import hashlib
import json
import pathlib
import shutil

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from world import (DER, HASHES, SPKI, Authority, CertificateLog, Log, TimestampAuthority, Tree, b64, certificate,
                   dsse1, ec_key, ed_key, deep, default_hash, hashedrekord1, hashedrekord2, intoto2, key_pem,
                   moment, name, pae, period, root_authority, root_log, seconds, sha256, sign, usage)

HERE = pathlib.Path(__file__).parent
T0 = moment("2025-06-01T12:00:00")  # certificates begin
T = T0 + datetime.timedelta(minutes=2)  # signatures are made
ARTIFACT = b"weights of a small model\n"
IDENTITY, ISSUER = "https://builds.example/release@main", "https://accounts.example"
V1, V2 = ("application/vnd.dev.sigstore.bundle+json;version=0." + n for n in "12")
V3_OLD, V3 = "application/vnd.dev.sigstore.bundle+json;version=0.3", "application/vnd.dev.sigstore.bundle.v0.3+json"
IN_TOTO = "application/vnd.in-toto+json"

CTLOG = CertificateLog(1)
CTLOG_OTHER = CertificateLog(2)
CA = Authority(10, "fulcio.example", CTLOG)
CA_OTHER = Authority(20, "other.example", CTLOG)
CA_WEAK = Authority(25, "weak.example", CTLOG, [(x509.BasicConstraints(False, None), True),
                                                (usage(digital_signature=1), True)])
TSA = TimestampAuthority(30, "tsa.example")
TSA_OTHER = TimestampAuthority(40, "stranger.example")
TSA_EXPIRED = TimestampAuthority(50, "short.example", T - datetime.timedelta(minutes=5),
                                 T + datetime.timedelta(minutes=1))
TSA_WRONG = TimestampAuthority(60, "server.example", purpose=ExtendedKeyUsageOID.SERVER_AUTH)
REKOR = Log(1, 70, "rekor.example")
REKOR_OTHER = Log(1, 71, "rekor.other.example")
REKOR2 = Log(2, 72, "log2.example")
KEY = ec_key(80)
OTHER_KEY = ec_key(81)
LEAF = CA.leaf(KEY, T0)

# ---- trusted roots

ROOT = {
    "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "tlogs": [root_log(REKOR), root_log(REKOR2)],
    "certificateAuthorities": [root_authority([CA.intermediate, CA.root], "https://fulcio.example")],
    "ctlogs": [root_log(CTLOG)],
    "timestampAuthorities": [root_authority([TSA.leaf, TSA.root], "https://tsa.example")],
}
roots = {"root": ROOT}


def changed_root(title, change):
    root = deep(ROOT)
    change(root)
    roots[title] = root
    return title


def set_period(place, start="2021-01-01T00:00:00Z", end=None):
    def change(root):
        target = root
        for step in place:
            target = target[step]
        target["validFor"] = period(start, end)
    return change


def text_of(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


BEFORE, AFTER = text_of(T - datetime.timedelta(seconds=1)), text_of(T + datetime.timedelta(seconds=1))

# ---- bundles


def bundle(content, entries, leaf=LEAF, stamps=(), media_type=V3, chain=()):
    if leaf is None:
        material = {"publicKey": {"hint": b64(sha256(b"any"))}}
    elif media_type in (V3, V3_OLD):
        material = {"certificate": {"rawBytes": b64(leaf.public_bytes(DER))}}
    else:
        material = {"x509CertificateChain": {"certificates": [
            {"rawBytes": b64(c.public_bytes(DER))} for c in (leaf, *chain)]}}
    material["tlogEntries"] = list(entries)
    if stamps:
        material["timestampVerificationData"] = {"rfc3161Timestamps": [{"signedTimestamp": b64(s)} for s in stamps]}
    return {"mediaType": media_type, "verificationMaterial": material, **content}


def message(signature, data=ARTIFACT, algorithm="SHA2_256", digest=None):
    return {"messageSignature": {"messageDigest": {"algorithm": algorithm, "digest": b64(
        digest or hashlib.new(HASHES[algorithm], data).digest())}, "signature": b64(signature)}}


def envelope(signature, payload, payload_type=IN_TOTO):
    return {"dsseEnvelope": {"payload": b64(payload), "payloadType": payload_type,
                             "signatures": [{"sig": b64(signature), "keyid": ""}]}}


def statement(data=ARTIFACT, kind="https://in-toto.io/Statement/v1"):
    return json.dumps({"_type": kind, "subject": [{"name": "other", "digest": {"sha512": "00"}},
                                                  {"name": "model", "digest": {"sha256": sha256(data).hex()}}],
                       "predicateType": "https://example.org/made/v1", "predicate": {}}).encode()


def rekor1(key=KEY, leaf=LEAF, time=T, media_type=V2, algorithm=None, log=REKOR, proof=True, stamps=(), chain=()):
    algorithm = algorithm or default_hash(key)
    signature = sign(key, ARTIFACT, algorithm)
    body = hashedrekord1(ARTIFACT, signature, leaf if leaf else key, algorithm)
    return bundle(message(signature, algorithm=algorithm), [log.entry("hashedrekord", "0.0.1", body, time, proof=proof)],
                  leaf, stamps, media_type, chain)


def rekor2(key=KEY, leaf=LEAF, stamp=None, stamped=True, **options):
    signature = sign(key, ARTIFACT)
    body = hashedrekord2(ARTIFACT, signature, leaf if leaf else key)
    stamps = ((stamp or TSA.stamp)(signature, options.pop("time", T), **options),) if stamped else ()
    return bundle(message(signature), [REKOR2.entry("hashedrekord", "0.0.2", body)], leaf, stamps)


def dsse(kind="dsse", key=KEY, leaf=LEAF, payload=None, payload_type=IN_TOTO, logged_payload=None,
         logged_signature=None, envelope_signature=None, media_type=V3):
    payload = statement() if payload is None else payload
    signature = envelope_signature or sign(key, pae(payload_type, payload))
    logged = logged_payload or payload
    in_log = logged_signature or signature
    signer = leaf if leaf else key
    if kind == "dsse":
        entry = REKOR.entry("dsse", "0.0.1", dsse1(logged, in_log, signer), T)
    elif kind == "intoto":
        entry = REKOR.entry("intoto", "0.0.2", intoto2(logged, payload_type, in_log, signer), T)
    else:
        entry = REKOR2.entry("hashedrekord", "0.0.2", hashedrekord2(pae(payload_type, logged), in_log, signer))
    stamps = (TSA.stamp(signature, T),) if kind == "rekor2" else ()
    return bundle(envelope(signature, payload, payload_type), [entry], leaf, stamps, media_type)


def edit(value, change):
    value = deep(value)
    change(value, value["verificationMaterial"]["tlogEntries"][0] if value["verificationMaterial"]["tlogEntries"] else None)
    return value


def with_checkpoint(value, text):
    return edit(value, lambda b, e: e["inclusionProof"].update(checkpoint={"envelope": text}))


def tree_of(value):
    return Tree(base64.b64decode(value["verificationMaterial"]["tlogEntries"][0]["canonicalizedBody"]))


cases, bundles, keys = [], {}, {}  # bundles: the name by the text, so that cases share them


DEFAULTS = {"root": "root", "artifact": ARTIFACT.decode(), "now": seconds(moment("2026-01-01")), "reason": "", "key": "",
            "identity": IDENTITY, "issuer": ISSUER}


def case(title, value, outcome="verified", reason="", root="root", artifact=ARTIFACT, identity=IDENTITY, issuer=ISSUER,
         key=None, now=moment("2026-01-01")):
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    row = {"root": root, "artifact": artifact.decode(), "now": seconds(now), "reason": reason}
    row.update({"key": key} if key else {"identity": identity, "issuer": issuer})
    row = {k: v for k, v in row.items() if v != DEFAULTS.get(k)}
    row.update(name=title, bundle=bundles.setdefault(text, title), outcome=outcome)
    cases.append(row)


def accepted():
    case("v0.1", rekor1(media_type=V1, proof=False))
    case("v0.1-with-intermediate", rekor1(media_type=V1, chain=(CA.intermediate,)))
    case("v0.2", rekor1())
    case("v0.3", rekor1(media_type=V3_OLD))
    case("v0.3-new-media-type", rekor1(media_type=V3))
    case("v0.3-promise-and-timestamp", rekor1(media_type=V3, stamps=(TSA.stamp(sign(KEY, ARTIFACT), T),)))
    case("dsse", dsse())
    case("intoto", dsse("intoto", media_type=V2))
    case("rekor2", rekor2())
    case("rekor2-dsse", dsse("rekor2"))
    value = rekor2()
    tree, witness = tree_of(value), ed_key(90)
    text = REKOR2.checkpoint_text(tree)
    own = REKOR2.line(text.encode())
    cosigned = REKOR2.line(text.encode(), witness, "witness.example/w1", b"\1\2\3\4")
    second = REKOR2.line(text.encode(), ec_key(91), hint=b"\5\6\7\x08")
    case("checkpoint-cosigned", with_checkpoint(value, text + "\n" + own + cosigned))
    case("checkpoint-cosigned-first", with_checkpoint(value, text + "\n" + cosigned + own))
    case("checkpoint-second-signature-of-origin", with_checkpoint(value, text + "\n" + second + own))
    case("checkpoint-with-extension-line", with_checkpoint(value, REKOR2.checkpoint(tree, "Timestamp: 1748779320\n")))
    case("timestamp-with-certificates", rekor2(embed=True))
    case("timestamp-of-expired-authority", rekor2(stamp=TSA_EXPIRED.stamp), root=changed_root(
        "tsa-expired", lambda r: r.update(timestampAuthorities=[
            root_authority([TSA_EXPIRED.leaf, TSA_EXPIRED.root], "https://short.example")])))
    case("timestamp-in-lines", edit(rekor2(), lambda b, e: b["verificationMaterial"]["timestampVerificationData"].update(
        rfc3161Timestamps=[{"signedTimestamp": "\n".join(s[i:i + 76] for i in range(0, len(s), 76))} for s in [
            b["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0]["signedTimestamp"]]])))
    case("timestamp-of-stranger-beside-promise",
         rekor1(media_type=V3, stamps=(TSA_OTHER.stamp(sign(KEY, ARTIFACT), T),)))
    case("log-period-end-inclusive", rekor1(), root=changed_root(
        "log-ends-at", set_period(("tlogs", 0, "publicKey"), end=text_of(T))))
    case("tsa-period-end-inclusive", rekor2(), root=changed_root(
        "tsa-ends-at", set_period(("timestampAuthorities", 0), end=text_of(T))))
    case("ca-period-start-inclusive", rekor1(), root=changed_root(
        "ca-starts-at", set_period(("certificateAuthorities", 0), start=text_of(T))))
    case("ct-extensions", rekor1(leaf=CA.leaf(KEY, T0, sct_extensions=b"\0\0\5\0\0\0\0\7")))
    for title, key in (("p384", ec_key(82, ec.SECP384R1)), ("p521", ec_key(83, ec.SECP521R1)),
                       ("rsa", rsa.generate_private_key(65537, 2048))):
        case("key-" + title, rekor1(key=key, leaf=CA.leaf(key, T0)))
    ed = ed_key(84)
    case("key-ed25519-dsse", dsse(key=ed, leaf=CA.leaf(ed, T0)))
    case("digest-sha512", rekor1(algorithm="SHA2_512"))
    case("digest-not-stated", edit(rekor1(), lambda b, e: b["messageSignature"].pop("messageDigest")))
    leaf = CA.leaf(KEY, T0, x509.RFC822Name("somebody@example.org"), old_issuer=True)
    case("email-and-old-issuer", rekor1(leaf=leaf), identity="somebody@example.org")
    case("two-entries", edit(rekor2(), lambda b, e: b["verificationMaterial"]["tlogEntries"].append(
        rekor1()["verificationMaterial"]["tlogEntries"][0])))
    case("second-authority", rekor1(leaf=CA_OTHER.leaf(KEY, T0)), root=changed_root(
        "two-authorities", lambda r: r["certificateAuthorities"].append(
            root_authority([CA_OTHER.intermediate, CA_OTHER.root], "https://other.example"))))
    strange = certificate_log_of_unknown_kind()
    case("root-with-strange-log", rekor1(), root=changed_root("strange-log", lambda r: (
        r["tlogs"].insert(0, strange), r.update(novelty={"a": 1}))))
    keys["signer"] = key_pem(KEY).decode()
    keys["other"] = key_pem(OTHER_KEY).decode()
    case("managed-key", rekor1(leaf=None, media_type=V3), key="signer")
    case("managed-key-rekor2", rekor2(leaf=None), key="signer")
    case("managed-key-dsse", dsse(leaf=None), key="signer")


def rekor2_with(stamps):
    value = rekor2()
    value["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"] = [
        {"signedTimestamp": b64(s)} for s in stamps]
    return value


def certificate_log_of_unknown_kind():
    row = deep(root_log(REKOR_OTHER))
    row["publicKey"].update(rawBytes=b64(ec_key(95, ec.SECP256K1).public_key().public_bytes(
        DER, SPKI)), keyDetails="SOMETHING_NEW")
    return row


def refused_as_malformed():
    def bad(title, change, reason, value=None, outcome="malformed"):
        case(title, edit(value or rekor1(), change), outcome, reason)
    text = json.dumps(rekor1())
    case("cut-short", text[:len(text) // 2], "malformed", "not valid JSON")
    case("member-twice", text.replace('"kindVersion"', '"kindVersion":{"kind":"dsse","version":"0.0.1"},"kindVersion"'),
         "malformed", "kindVersion")
    bad("unknown-version", lambda b, e: b.update(mediaType=V1[:-3] + "99.9"), "a bundle of type", outcome="unsupported")
    bad("unknown-member", lambda b, e: e.update(novelty=1), "tlogEntries[0].novelty, which is not known",
        outcome="unsupported")
    bad("negative-index", lambda b, e: e.update(logIndex="-1"), "tlogEntries[0].logIndex is not a whole number")
    bad("bad-base64", lambda b, e: b["messageSignature"].update(signature="MEUC*"), "messageSignature.signature is not base64")
    bad("empty-chain", lambda b, e: b["verificationMaterial"].update(x509CertificateChain={"certificates": []}),
        "certificates is not a list of 1 to 16")
    bad("broken-certificate", lambda b, e: b["verificationMaterial"].update(x509CertificateChain={
        "certificates": [{"rawBytes": "MAA="}]}), "a certificate that cannot be read")
    bad("no-log-entry", lambda b, e: b["verificationMaterial"].update(tlogEntries=[]), "it has no log entry")
    bad("same-entry-twice", lambda b, e: b["verificationMaterial"]["tlogEntries"].append(e), "the same log entry twice")
    bad("message-and-envelope", lambda b, e: b.update(envelope(b"x", b"y")), "exactly one of messageSignature")
    bad("short-root-hash", lambda b, e: e["inclusionProof"].update(rootHash="AAAA"), "rootHash is not of 32 bytes")
    case("root-in-chain", rekor1(media_type=V1, chain=(CA.intermediate, CA.root)), "malformed", "has a root in it")
    case("v0.3-with-chain", edit(rekor1(), lambda b, e: b.update(mediaType=V3)), "malformed", "version 0.3 with a certificate chain")
    case("v0.2-with-lone-certificate", edit(rekor1(media_type=V3), lambda b, e: b.update(mediaType=V2)), "malformed",
         "before version 0.3 with a lone certificate")
    bad("v0.1-no-promise", lambda b, e: e.pop("inclusionPromise"), "no promise of inclusion", rekor1(media_type=V1))
    bad("v0.2-no-proof", lambda b, e: e.pop("inclusionProof"), "no inclusion proof")
    bad("v0.2-no-checkpoint", lambda b, e: e["inclusionProof"].pop("checkpoint"), "no checkpoint")
    bad("promise-of-rekor2", lambda b, e: e.update(inclusionPromise={"signedEntryTimestamp": "AAAA"}, integratedTime="1"),
        "of a kind that has no promise", rekor2())
    bad("envelope-of-two-signatures", lambda b, e: b["dsseEnvelope"]["signatures"].append({"sig": "AAAA"}),
        "not one signature", dsse())
    bad("kind-differs-from-body", lambda b, e: e["kindVersion"].update(kind="dsse"), "not of the kind that the bundle says")
    body = hashedrekord1(ARTIFACT, sign(KEY, ARTIFACT), LEAF).replace(b'"0.0.1"', b'"0.0.3"')
    case("unknown-entry-kind", bundle(message(sign(KEY, ARTIFACT)), [REKOR2.entry("hashedrekord", "0.0.3", body)],
                                      stamps=(TSA.stamp(sign(KEY, ARTIFACT), T),)), "unsupported",
         "a log entry of the kind hashedrekord 0.0.3")
    stamp = TSA.stamp(sign(KEY, ARTIFACT), T)
    case("timestamp-twice", rekor2_with((stamp, stamp)), "malformed", "the same timestamp twice")
    case("timestamps-33", edit(rekor2(), lambda b, e: b["verificationMaterial"]["timestampVerificationData"].update(
        rfc3161Timestamps=[{"signedTimestamp": "AAAA"}] * 33)), "malformed", "got 33 timestamps, limit 32")
    case("timestamp-broken", rekor2_with((stamp[:-1],)), "malformed", "a timestamp that cannot be read")
    case("root-log-without-start", rekor1(), "malformed", "tlogs[0].publicKey.validFor.start", root=changed_root(
        "log-without-start", lambda r: r["tlogs"][0]["publicKey"].update(validFor={})))
    ed = ed_key(84)
    case("ed25519-message", rekor1(key=ed, leaf=CA.leaf(ed, T0)), "unsupported", "an Ed25519 signature of a file")


def refused_by_log():
    def bad(title, change, reason, value=None, outcome="untrusted"):
        case(title, edit(value or rekor1(), change), outcome, reason)
    unknown = "of a log that the trusted root does not have"
    case("other-instance", rekor1(log=REKOR_OTHER), "untrusted", unknown)
    bad("proof-bit-flipped", lambda b, e: e["inclusionProof"]["hashes"].__setitem__(1, b64(sha256(b"x"))),
        "inclusion proof does not lead")
    bad("proof-too-long", lambda b, e: e["inclusionProof"]["hashes"].append(b64(sha256(b"x"))), "inclusion proof does not lead")
    bad("proof-index-beyond-size", lambda b, e: e["inclusionProof"].update(logIndex="7"), "inclusion proof does not lead")
    for title, log, value in (("", REKOR, rekor1()), ("rekor2-", REKOR2, rekor2())):
        tree = tree_of(value)
        text = log.checkpoint_text(tree)
        lines = text.split("\n")
        own = log.line(text.encode())

        def without(line, outcome, reason, kind):
            rest = "\n".join(lines[:line] + lines[line + 1:])
            case(f"{title}checkpoint-without-{kind}", with_checkpoint(value, rest + "\n" + log.line(rest.encode())), outcome, reason)
        case(title + "checkpoint-bad-hint", with_checkpoint(value, text + "\n" + log.line(text.encode(), hint=b"\1\2\3\4")),
             "untrusted", "the checkpoint has no signature of the log " + log.host)
        case(title + "checkpoint-bad-signature", with_checkpoint(value, text + "\n" + log.line(b"other text")),
             "untrusted", f"the signature of the log {log.host} on its checkpoint does not hold")
        case(title + "checkpoint-of-other-tree", with_checkpoint(value, log.checkpoint(Tree(b"something else"))),
             "untrusted", "the checkpoint is of another tree")
        if log is REKOR2:
            without(0, "malformed", "no size", "origin")
            without(1, "malformed", "no size", "size")
            without(2, "malformed", "no root hash", "root-hash")
            case("rekor2-checkpoint-without-signature", with_checkpoint(value, text + "\n"), "malformed", "has no signature")
            other = Log(2, 72, "log2.stranger.example")
            renamed = other.checkpoint_text(tree)
            case("rekor2-checkpoint-of-other-name", with_checkpoint(
                value, renamed + "\n" + REKOR2.line(renamed.encode(), label=other.host)),
                 "untrusted", "the checkpoint has no signature of the log log2.example")
            case("rekor2-checkpoint-only-cosigned", with_checkpoint(
                value, text + "\n" + log.line(text.encode(), ed_key(90), "witness.example/w1", b"\1\2\3\4")),
                 "untrusted", "the checkpoint has no signature of the log")
        else:
            larger = text.replace("\n7\n", "\n8\n")
            case("checkpoint-of-other-size", with_checkpoint(value, larger + "\n" + log.line(larger.encode())),
                 "untrusted", "the checkpoint is of another tree")
    bad("promise-bad-signature", lambda b, e: e.update(inclusionPromise={"signedEntryTimestamp": b64(sign(OTHER_KEY, b"x"))}),
        "the promise of its log entry is not signed by the log", rekor1(media_type=V1, proof=False))
    bad("promise-time-changed", lambda b, e: e.update(integratedTime=str(seconds(T) + 1)),
        "the promise of its log entry is not signed by the log")
    case("promise-outside-certificate", rekor1(time=T + datetime.timedelta(minutes=9)), "untrusted",
         "its certificate is valid from 2025-06-01T12:00:00Z to 2025-06-01T12:10:00Z")
    case("promise-of-the-future", rekor1(), "untrusted", "it was logged in the future", now=T - datetime.timedelta(seconds=1))
    case("log-period-over", rekor1(), "untrusted", "does not trust the log rekor.example at 2025-06-01T12:02:00Z",
         root=changed_root("log-over", set_period(("tlogs", 0, "publicKey"), end=BEFORE)))
    case("rekor2-log-period-over", rekor2(), "untrusted", "does not trust the log log2.example at",
         root=changed_root("log2-over", set_period(("tlogs", 1, "publicKey"), end=BEFORE)))
    case("log-of-strange-kind", rekor1(log=REKOR_OTHER), "unsupported", "is of a kind that is not known here", root="strange-log")


def refused_by_time():
    case("no-time", rekor2(stamped=False), "untrusted", "nothing says when it was signed")
    case("promise-removed", edit(rekor1(), lambda b, e: e.pop("inclusionPromise")), "untrusted", "nothing says when it was signed")
    case("timestamp-of-other-signature", rekor2_with((TSA.stamp(b"other", T),)), "untrusted", "its timestamp is of another signature")
    case("timestamp-outside-certificate", rekor2(time=T + datetime.timedelta(minutes=9)), "untrusted",
         "it was signed at 2025-06-01T12:11:00Z, its certificate is valid")
    case("timestamp-of-the-future", rekor2(), "untrusted", "its timestamp is of the future", now=T - datetime.timedelta(seconds=1))
    case("timestamp-outside-tsa-period", rekor2(), "untrusted", "when the trusted root does not trust it",
         root=changed_root("tsa-over", set_period(("timestampAuthorities", 0), end=BEFORE)))
    case("timestamp-outside-tsa-certificate", rekor2(stamp=TSA_EXPIRED.stamp, time=T + datetime.timedelta(minutes=2)),
         "untrusted", "certificate has expired", root="tsa-expired")
    case("timestamp-of-stranger", rekor2(stamp=TSA_OTHER.stamp, embed=True), "untrusted", "self-signed certificate in certificate chain")
    case("timestamp-of-stranger-without-certificates", rekor2(stamp=TSA_OTHER.stamp), "untrusted",
         "signer certificate not found")
    case("timestamp-of-other-certificate", rekor2(other=True, embed=True), "untrusted", "signed by another certificate")
    case("timestamp-of-tls-server", rekor2(stamp=TSA_WRONG.stamp), "untrusted", "unsuitable certificate purpose",
         root=changed_root("tsa-server", lambda r: r.update(timestampAuthorities=[
             root_authority([TSA_WRONG.leaf, TSA_WRONG.root], "https://server.example")])))
    case("timestamp-and-no-authority", rekor2(), "untrusted", "no timestamp authority for its timestamp",
         root=changed_root("no-tsa", lambda r: r.pop("timestampAuthorities")))
    case("one-of-two-times-outside-certificate", rekor1(media_type=V3, stamps=(
        TSA.stamp(sign(KEY, ARTIFACT), T + datetime.timedelta(minutes=9)),)), "untrusted", "its certificate is valid")


def refused_by_certificate():
    def of(leaf, title, reason, outcome="untrusted", **options):
        case(title, rekor1(leaf=leaf), outcome, reason, **options)
    of(CA_OTHER.leaf(KEY, T0), "ca-unknown", "unable to get local issuer certificate")
    of(LEAF, "ca-period-over", "no certificate authority for 2025-06-01T12:02:00Z",
       root=changed_root("ca-over", set_period(("certificateAuthorities", 0), end=BEFORE)))
    of(CA_WEAK.leaf(KEY, T0), "intermediate-is-no-authority", "invalid CA certificate", root=changed_root(
        "weak-ca", lambda r: r.update(certificateAuthorities=[
            root_authority([CA_WEAK.intermediate, CA_WEAK.root], "https://weak.example")])))
    subject = name("alone")
    of(certificate(KEY, subject, KEY, subject, T0, T0 + datetime.timedelta(minutes=10), [], 9), "self-signed-leaf",
       "self-signed certificate")
    of(CA.leaf(KEY, T0, signing=False), "leaf-not-for-code", "not one for signing code")
    of(CA.leaf(KEY, T0, authority=True), "leaf-is-authority", "not one for signing code")
    of(CA.leaf(KEY, T0, promises=0), "ct-none", "no timestamp of a certificate log", "malformed")
    of(CA.leaf(KEY, T0, promises=2), "ct-two", "more than one log timestamp", "malformed")
    of(CA.leaf(KEY, T0, sct_log=CTLOG_OTHER), "ct-log-unknown", "of a log that the trusted root does not have")
    forged = CertificateLog(3)
    forged.id = CTLOG.id
    of(CA.leaf(KEY, T0, sct_log=forged), "ct-bad-signature", "is not signed by its log")
    of(CA.leaf(KEY, T0, sct_of=LEAF), "ct-of-other-certificate", "is not signed by its log")
    of(LEAF, "ct-log-period-over", "when the trusted root does not trust its log", root=changed_root(
        "ctlog-over", set_period(("ctlogs", 0, "publicKey"), end=text_of(T0 - datetime.timedelta(seconds=1)))))
    case("other-identity", rekor1(), "untrusted", "not by https://builds.example/release@other",
         identity="https://builds.example/release@other")
    case("identity-prefix", rekor1(), "untrusted", "not by https://builds.example/release", identity=IDENTITY[:-5])
    case("other-issuer", rekor1(), "untrusted", "vouched for by https://accounts.example, not by",
         issuer="https://accounts.stranger")
    case("no-issuer-wanted", rekor1(), "usage", "without an issuer", issuer="")
    case("no-identity-wanted", rekor1(), "usage", "without an identity", identity="")
    case("key-where-identity-wanted", rekor1(leaf=None, media_type=V3), "untrusted", "signed with a key")
    case("identity-where-key-wanted", rekor1(), "untrusted", "signed with a certificate", key="signer")
    case("wrong-key", rekor1(leaf=None, media_type=V3), "untrusted", "its signature of the file does not hold", key="other")


def refused_by_content():
    other = b"other weights\n"
    other_signature = sign(KEY, other)
    signature = sign(KEY, ARTIFACT)
    case("wrong-artifact", rekor1(), "untrusted", "it is of another file", artifact=other)
    case("digest-mismatch", bundle(message(signature, digest=sha256(other)), rekor1()["verificationMaterial"]["tlogEntries"],
                                   media_type=V2), "untrusted", "it is of another file")
    case("signature-mismatch", bundle(message(other_signature), rekor1()["verificationMaterial"]["tlogEntries"],
                                      media_type=V2), "untrusted", "its signature of the file does not hold")
    for generation, log, body, version in ((1, REKOR, hashedrekord1, "0.0.1"), (2, REKOR2, hashedrekord2, "0.0.2")):
        def logged(what, title, reason):
            entry = log.entry("hashedrekord", version, what, T if generation == 1 else None)
            stamps = () if generation == 1 else (TSA.stamp(signature, T),)
            case(f"rekor{generation}-{title}", bundle(message(signature), [entry], stamps=stamps), "untrusted", reason)
        logged(body(other, signature, LEAF), "entry-of-other-file", "the log entry is of another file")
        logged(body(ARTIFACT, other_signature, LEAF), "entry-of-other-signature", "the log entry is of another signature")
        logged(body(ARTIFACT, signature, CA.leaf(KEY, T0)), "entry-of-other-certificate", "the log entry is of another certificate")
        logged(body(ARTIFACT, signature, KEY), "entry-of-key", "the log entry is of another certificate")
    entry = dsse()["verificationMaterial"]["tlogEntries"]
    case("message-logged-as-dsse", bundle(message(signature), entry), "untrusted", "another kind of signature")
    payload = statement()
    again = OTHER_KEY  # a signature of another key, and one of another envelope
    for kind in ("dsse", "intoto", "rekor2"):
        media_type = V2 if kind == "intoto" else V3
        case(kind + "-bad-signature", dsse(kind, envelope_signature=sign(again, pae(IN_TOTO, payload)), media_type=media_type),
             "untrusted", "the signature of its envelope does not hold")
        case(kind + "-entry-of-other-payload", dsse(kind, logged_payload=statement(other), media_type=media_type), "untrusted",
             "the log entry is of another " + ("envelope" if kind == "rekor2" else "payload"))
        case(kind + "-entry-of-other-signature", dsse(kind, logged_signature=sign(again, pae(IN_TOTO, payload)),
                                                      media_type=media_type), "untrusted", "the log entry is of another signature")
    case("statement-of-other-file", dsse(), "untrusted", "its statement is of other files", artifact=other)
    case("payload-is-no-statement", dsse(payload_type="text/plain"), "untrusted", "not an in-toto statement")
    case("statement-of-other-type", dsse(payload=statement(kind="https://example.org/Other")), "unsupported", "a statement of type")


def write():
    accepted()
    refused_as_malformed()
    refused_by_log()
    refused_by_time()
    refused_by_certificate()
    refused_by_content()
    for folder, suffix, files in (("bundles", ".json", {title: text for text, title in bundles.items()}), ("keys", ".pem", keys),
                                  ("roots", ".json", {k: json.dumps(v, separators=(",", ":")) for k, v in roots.items()})):
        shutil.rmtree(HERE / folder, ignore_errors=True)
        (HERE / folder).mkdir()
        for title, text in files.items():
            (HERE / folder / (title + suffix)).write_text(text)
    rows = ",\n".join(json.dumps(row) for row in cases)
    (HERE / "cases.json").write_text(f'{{"defaults": {json.dumps(DEFAULTS)},\n"cases": [\n{rows}\n]}}\n')
    print(len(cases), "cases")


write()
