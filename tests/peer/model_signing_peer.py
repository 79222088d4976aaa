"""OpenSSF model signatures: hallmark's are verified by model_signing 1.1.1 and fit the specification's schemas,
and hallmark verifies model_signing's; keys on three curves, certificates, files and shards, every hash. Of 1.1.1 is
known: its command line verifies whole files with sha256 only, its API needs to be told BLAKE2, and of BLAKE3 it has
no shards."""
import base64
import datetime
import itertools
import json
import logging
import pathlib
import shutil
import subprocess
import sys
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from jsonschema import Draft202012Validator
from model_signing import hashing, signing, verifying
from program import FIXTURES, Check, hallmark
from referencing import Registry, Resource

CURVES = {"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1}
SCHEMAS = pathlib.Path(FIXTURES, "../sign/oms/spec/schemas")
IDENTITY = "models@example.org"
FILES = {"a/z.bin": b"x" * 100, "a-b/z.bin": b"y" * 64, "config.json": b"{}", "ü 日本.bin": b"z" * 33,
         "empty.bin": b"", "-dash": b"1"}
SHARD = 16


def write_certificate(name, public, issuer, issuer_key, ca):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    day = datetime.timedelta(days=1)
    usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign",
                           "encipher_only", "decipher_only"), False)
    builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer.subject if issuer else subject)
               .public_key(public).serial_number(x509.random_serial_number())
               .not_valid_before(datetime.datetime.now() - 10 * day).not_valid_after(datetime.datetime.now() + 10 * day)
               .add_extension(x509.BasicConstraints(ca, None), critical=True)
               .add_extension(x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, **usage), critical=True))
    if not ca:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(IDENTITY)]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def make_keys(folder):
    """NAME.key, NAME.pub, NAME.leaf and NAME.chain for each curve; root.pem and between.pem."""
    root_key, between_key = (ec.generate_private_key(ec.SECP384R1()) for _ in range(2))
    root = write_certificate("root", root_key.public_key(), None, root_key, True)
    between = write_certificate("between", between_key.public_key(), root, root_key, True)
    (folder / "root.pem").write_bytes(pem(root))
    (folder / "between.pem").write_bytes(pem(between))
    for name, curve in CURVES.items():
        key = ec.generate_private_key(curve())
        path = folder / f"{name}.key"
        path.touch(mode=0o600)
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))
        (folder / f"{name}.pub").write_bytes(key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
        leaf = write_certificate("leaf", key.public_key(), between, between_key, False)
        (folder / f"{name}.leaf").write_bytes(pem(leaf))
        (folder / f"{name}.chain").write_bytes(pem(leaf) + pem(between))


class Schemas:
    def __init__(self):
        documents = {path.name.split(".")[0]: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}
        registry = Registry().with_resources([(d["$id"], Resource.from_contents(d)) for d in documents.values()])
        self.of = {name: Draft202012Validator(d, registry=registry) for name, d in documents.items()}

    def complaints(self, path):
        bundle = json.loads(path.read_text())
        statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        return [e.message for name, value in (("bundle", bundle), ("statement", statement))
                for e in self.of[name].iter_errors(value)]


class Case:
    def __init__(self, keys, curve, algorithm, sharded, method):
        self.keys, self.curve, self.algorithm, self.sharded, self.method = keys, curve, algorithm, sharded, method
        self.name = f"{curve}, {algorithm}, {'shards' if sharded else 'files'}, {method}"

    def key(self, suffix):
        return str(self.keys / f"{self.curve}.{suffix}")

    def hashing(self):
        name = "blake2" if self.algorithm == "blake2b" else self.algorithm
        if self.sharded:
            return hashing.Config().use_shard_serialization(hashing_algorithm=name, shard_size=SHARD)
        return hashing.Config().use_file_serialization(hashing_algorithm=name)

    def sign(self, model, signature, *options):
        """By hallmark."""
        if self.method == "certificate":
            options += ("--certificate", self.key("chain"))
        if self.sharded:
            options += ("--shard-size", SHARD)
        return hallmark("sign", model, "--key", self.key("key"), "--format", "oms", "-o", signature, "--force",
                        "--oms-hash", self.algorithm, *options)

    def verify(self, model, signature):
        """By hallmark: the verdict."""
        who = ("--key", self.key("pub"))
        if self.method == "certificate":
            who = ("--certificate-root", self.keys / "root.pem", "--certificate-identity", IDENTITY)
        status, out, err = hallmark("verify", model, "--against", signature, "--json", *who)
        return json.loads(out)["verdict"] if out else f"exit {status}: {err}"

    def sign_there(self, model, signature):
        config = signing.Config().set_hashing_config(self.hashing())
        if self.method == "key":
            config.use_elliptic_key_signer(private_key=self.key("key"))
        else:
            config.use_certificate_signer(private_key=self.key("key"), signing_certificate=self.key("leaf"),
                                          certificate_chain=[self.keys / "between.pem"])
        config.sign(model, signature)

    def verify_there(self, model, signature):
        """What its API says; told how files were hashed only where it cannot find that out."""
        config = verifying.Config()
        if self.method == "key":
            config.use_elliptic_key_verifier(public_key=self.key("pub"))
        else:
            config.use_certificate_verifier(certificate_chain=[self.keys / "root.pem"])
        if self.algorithm == "blake2b":
            config.set_hashing_config(self.hashing())
        try:
            config.verify(model, signature)
        except Exception as error:  # it has no class of its own for a refusal
            return f"refused: {error}"
        return "verified"

    def verify_by_program(self, model, signature):
        whom = ["--public_key", self.key("pub")] if self.method == "key" else ["--certificate_chain", str(self.keys / "root.pem")]
        done = subprocess.run([sys.executable, "-m", "model_signing", "verify", self.method, "--signature", str(signature),
                               *whom, str(model)], capture_output=True, text=True)
        return "verified" if done.returncode == 0 else done.stdout + done.stderr


def compare(case, model, folder, schemas, check):
    ours, theirs = folder / "ours.sig", folder / "theirs.sig"
    # Shards and single files are named differently by 1.1.1 than the specification has it.
    needs_compatible = case.sharded or model.is_file()
    status, _, err = case.sign(model, ours)
    check.equal(status, 0, f"{case.name}: signing: {err}")
    check.equal(schemas.complaints(ours), [], f"{case.name}: the schemas")
    check.equal(case.verify(model, ours), "authentic", f"{case.name}: its own")
    if needs_compatible:
        status, _, err = case.sign(model, ours, "--oms-compat")
        check.equal(status, 0, f"{case.name}: signing: {err}")
        check.equal(case.verify(model, ours), "authentic", f"{case.name}: its own, compatible")
    if case.algorithm == "blake3" and case.sharded:
        return
    check.equal("verified", case.verify_there(model, ours), f"{case.name}: hallmark's, by model_signing")
    if case.algorithm == "sha256" and not case.sharded:
        check.equal("verified", case.verify_by_program(model, ours), f"{case.name}: hallmark's, by its program")
    case.sign_there(model, theirs)
    check.equal(case.verify(model, theirs), "authentic", f"{case.name}: model_signing's")
    changed = model if model.is_file() else model / "config.json"
    before = changed.read_bytes()
    changed.write_bytes(b"[]")
    for signature in (ours, theirs):
        check.equal(case.verify(model, signature), "mismatch", f"{case.name}: a changed file")
        check.that(case.verify_there(model, signature) != "verified", f"{case.name}: a changed file, by model_signing")
    changed.write_bytes(before)


def main():
    logging.disable(logging.WARNING)
    check, schemas = Check(), Schemas()
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        make_keys(folder)
        model = folder / "model"
        for name, data in FILES.items():
            (model / name).parent.mkdir(parents=True, exist_ok=True)
            (model / name).write_bytes(data)
        shutil.copyfile(model / "config.json", folder / "one.json")
        for curve, algorithm, sharded, method in itertools.product(
                CURVES, ("sha256", "blake2b", "blake3"), (False, True), ("key", "certificate")):
            case = Case(folder, curve, algorithm, sharded, method)
            for operand in (model, folder / "one.json"):
                compare(case, operand, folder, schemas, check)
    check.finish()


main()
