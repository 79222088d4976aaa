"""The bundles of tests/vectors/sign/sigstore against sigstore's own verifier (sigstore 4.5.1): what the
vectors accept it accepts, and what they refuse it refuses, but for the differences named here."""
import hashlib
import json
import pathlib
import sys

from program import FIXTURES, Check

try:
    from sigstore.models import Bundle, TrustedRoot
    from sigstore.verify import Verifier, policy
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

VECTORS = pathlib.Path(FIXTURES).parent / "sign" / "sigstore"
# Accepted here and refused there.
NARROWER = {
    "v0.1": "asks for an inclusion proof in version 0.1 too",
    "intoto": "does not know entries of that kind",
    "tsa-period-end-inclusive": "takes the end of a timestamp authority's period for exclusive",
    "key-p384": "knows SHA-256 only", "key-p521": "knows SHA-256 only", "digest-sha512": "knows SHA-256 only",
    "key-rsa": "knows ECDSA only", "key-ed25519-dsse": "knows ECDSA only",
    "two-entries": "wants exactly one log entry",
    "root-with-strange-log": "refuses a root with a kind of key that it does not know",
}
# Refused here and accepted there.
WIDER = {
    "member-twice": "takes the last of two members",
    "root-in-chain": "warns",
    "checkpoint-of-other-size": "compares root hashes only",
    "rekor2-checkpoint-of-other-name": "looks at a key's hint, not at its name",
    "promise-of-the-future": "asks no clock", "timestamp-of-the-future": "asks no clock",
    "log-period-over": "asks for no log's period", "rekor2-log-period-over": "asks for no log's period",
    "ct-log-period-over": "asks for no log's period",
    "ca-period-over": "asks for no certificate authority's period",
    "statement-of-other-type": "leaves a statement's type to its caller",
}


def verify(case):
    root = TrustedRoot.from_file(str(VECTORS / "roots" / (case["root"] + ".json")))
    bundle = Bundle.from_json((VECTORS / "bundles" / (case["bundle"] + ".json")).read_text())
    issuer = policy.OIDCIssuer if "old-issuer" in case["name"] else policy.OIDCIssuerV2
    rules = policy.AllOf([policy.Identity(identity=case["identity"]), issuer(case["issuer"])])
    artifact = case["artifact"].encode()
    if bundle._dsse_envelope is None:
        return Verifier(trusted_root=root).verify_artifact(artifact, bundle, rules)
    kind, payload = Verifier(trusted_root=root).verify_dsse(bundle, rules)
    subjects = [s["digest"].get("sha256") for s in json.loads(payload)["subject"]]
    if kind != "application/vnd.in-toto+json" or hashlib.sha256(artifact).hexdigest() not in subjects:
        raise ValueError("of another file")


def main():
    check = Check()
    document = json.loads((VECTORS / "cases.json").read_text())
    for row in document["cases"]:
        case = {**document["defaults"], **row}
        name, wanted = case["name"], case["outcome"] == "verified"
        if case["key"]:
            continue  # it knows no keys without certificates
        try:
            verify(case)
            verified = True
        except Exception as refusal:  # it has no one kind of its own
            verified, reason = False, refusal
        if name in NARROWER or name in WIDER:
            check.that(verified != wanted and wanted == (name in NARROWER), f"{name}: no difference any more")
        else:
            check.that(verified == wanted, f"{name}: the peer says {'verified' if verified else reason}")
    check.finish()


main()
