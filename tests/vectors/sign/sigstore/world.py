"""A small Sigstore of our own for tests: certificate authority, certificate log, timestamp authority and
logs of both generations. Its keys come from fixed numbers and sign nothing else."""
import base64
import copy
import datetime
import hashlib
import json

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

UTC = datetime.timezone.utc
DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
OLD_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
HASHES = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}


def moment(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=UTC)


def seconds(time):
    return int(time.timestamp())


def b64(data):
    return base64.b64encode(data).decode()


def sha256(data):
    return hashlib.sha256(data).digest()


def ec_key(number, curve=ec.SECP256R1):
    return ec.derive_private_key(int.from_bytes(sha256(b"hallmark test %d" % number), "big"), curve())


def ed_key(number):
    return ed25519.Ed25519PrivateKey.from_private_bytes(sha256(b"hallmark test %d" % number))


def spki(key):
    return key.public_key().public_bytes(DER, SPKI)


def key_pem(key):
    return key.public_key().public_bytes(PEM, SPKI)


def default_hash(key):
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return {256: "SHA2_256", 384: "SHA2_384", 521: "SHA2_512"}[key.curve.key_size]
    return "SHA2_256"


def sign(key, data, algorithm=None):
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    method = {"SHA2_256": hashes.SHA256, "SHA2_384": hashes.SHA384, "SHA2_512": hashes.SHA512}[
        algorithm or default_hash(key)]()
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), method)
    return key.sign(data, ec.ECDSA(method, deterministic_signing=True))


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(key, subject, issuer_key, issuer_subject, start, end, extensions, serial):
    builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer_subject)
               .public_key(key.public_key()).serial_number(serial)
               .not_valid_before(start).not_valid_after(end))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    deterministic = {"ecdsa_deterministic": True} if isinstance(issuer_key, ec.EllipticCurvePrivateKey) else {}
    return builder.sign(issuer_key, hashes.SHA256(), **deterministic)


def usage(**wanted):
    names = ("digital_signature content_commitment key_encipherment data_encipherment key_agreement "
             "key_cert_sign crl_sign encipher_only decipher_only").split()
    return x509.KeyUsage(**{n: n in wanted for n in names})


CA_EXTENSIONS = [(x509.BasicConstraints(True, None), True), (usage(key_cert_sign=1, crl_sign=1), True)]
LONG_AGO, FAR_OFF = moment("2020-01-01"), moment("2040-01-01")


class CertificateLog:
    def __init__(self, number):
        self.key = ec_key(number)
        self.id = sha256(spki(self.key))

    def promise(self, tbs, issuer_key, time, extensions=b""):
        signed = (b"\0\0" + int(time.timestamp() * 1000).to_bytes(8, "big") + b"\0\1" + sha256(spki(issuer_key))
                  + len(tbs).to_bytes(3, "big") + tbs + len(extensions).to_bytes(2, "big") + extensions)
        signature = sign(self.key, signed)
        return (b"\0" + self.id + int(time.timestamp() * 1000).to_bytes(8, "big")
                + len(extensions).to_bytes(2, "big") + extensions + b"\4\3"
                + len(signature).to_bytes(2, "big") + signature)


class Authority:
    """Root and intermediate; leaves name an identity and hold the promise of a certificate log."""

    def __init__(self, number, title, log, intermediate_extensions=None):
        self.root_key, self.key, self.log = ec_key(number, ec.SECP384R1), ec_key(number + 1), log
        self.subject = name(title + " intermediate")
        root = name(title + " root")
        self.root = certificate(self.root_key, root, self.root_key, root, LONG_AGO, FAR_OFF, CA_EXTENSIONS, 1)
        self.intermediate = certificate(self.key, self.subject, self.root_key, root, LONG_AGO, FAR_OFF,
                                        intermediate_extensions or CA_EXTENSIONS, 2)
        self.serial = 100

    def leaf(self, key, start, identity=None, issuer="https://accounts.example", old_issuer=False, minutes=10,
             promises=1, promise_time=None, sct_extensions=b"", sct_log=None, sct_of=None, signing=True,
             authority=False):
        self.serial += 1
        san = identity or x509.UniformResourceIdentifier("https://builds.example/release@main")
        extensions = [(usage(digital_signature=1) if not authority else usage(digital_signature=1, key_cert_sign=1),
                       True),
                      (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING if signing
                                              else ExtendedKeyUsageOID.CLIENT_AUTH]), False),
                      (x509.SubjectAlternativeName([san]), True),
                      (x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False)]
        if authority:
            extensions.append((x509.BasicConstraints(True, 0), True))
        if old_issuer:
            extensions.append((x509.UnrecognizedExtension(OLD_ISSUER, issuer.encode()), False))
        else:
            extensions.append((x509.UnrecognizedExtension(ISSUER, core.UTF8String(issuer).dump()), False))
        arguments = (key, x509.Name([]), self.key, self.subject, start, start + datetime.timedelta(minutes=minutes))
        draft = certificate(*arguments, extensions, self.serial)
        promise = (sct_log or self.log).promise((sct_of or draft).tbs_certificate_bytes, self.key, promise_time or start,
                                                sct_extensions)
        if promises:
            one = len(promise).to_bytes(2, "big") + promise
            extensions.append((x509.UnrecognizedExtension(SCT_LIST, core.OctetString(
                (len(one) * promises).to_bytes(2, "big") + one * promises).dump()), False))
        return certificate(*arguments, extensions, self.serial)


class TimestampAuthority:
    def __init__(self, number, title, start=LONG_AGO, end=FAR_OFF, purpose=ExtendedKeyUsageOID.TIME_STAMPING):
        self.root_key, self.key, self.other_key = (ec_key(number + i) for i in range(3))
        root, subject = name(title + " root"), name(title)
        self.root = certificate(self.root_key, root, self.root_key, root, start, end, CA_EXTENSIONS, 1)
        extensions = [(usage(digital_signature=1), True), (x509.ExtendedKeyUsage([purpose]), True)]
        self.leaf = certificate(self.key, subject, self.root_key, root, start, end, extensions, 2)
        self.other = certificate(self.other_key, name(title + " other"), self.root_key, root, start, end, extensions, 3)

    def stamp(self, message, time, embed=False, other=False, serial=7):
        """A TimeStampResp (RFC 3161) over `message` at `time`."""
        leaf, key = (self.other, self.other_key) if other else (self.leaf, self.key)
        info = tsp.TSTInfo({
            "version": "v1", "policy": "1.2.3.4.1", "serial_number": serial, "gen_time": time,
            "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": sha256(message)}})
        signer = asn1_x509.Certificate.load(leaf.public_bytes(DER))
        attributes = cms.CMSAttributes([
            {"type": "content_type", "values": ["tst_info"]},
            {"type": "signing_time", "values": [cms.Time({"utc_time": time})]},
            {"type": "message_digest", "values": [sha256(info.dump())]},
            {"type": "signing_certificate_v2", "values": [{"certs": [
                {"hash_algorithm": {"algorithm": "sha256"}, "cert_hash": sha256(leaf.public_bytes(DER))}]}]}])
        signed = cms.SignedData({
            "version": "v3", "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {"content_type": "tst_info", "content": cms.ParsableOctetString(info.dump())},
            "signer_infos": [{
                "version": "v1",
                "sid": {"issuer_and_serial_number": {"issuer": signer.issuer, "serial_number": signer.serial_number}},
                "digest_algorithm": {"algorithm": "sha256"}, "signed_attrs": attributes,
                "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
                "signature": sign(key, attributes.dump())}]})
        if embed:
            signed["certificates"] = [signer, asn1_x509.Certificate.load(self.root.public_bytes(DER))]
        return tsp.TimeStampResp({"status": {"status": "granted"},
                                  "time_stamp_token": {"content_type": "signed_data", "content": signed}}).dump()


class Tree:
    """RFC 6962 over some fillers and one entry at `index`."""

    def __init__(self, entry, index=5, size=7):
        self.index, self.size = index, size
        self.leaves = [sha256(b"\0" + (entry if i == index else b"filler %d" % i)) for i in range(size)]

    def root(self, begin=0, end=None):
        end = self.size if end is None else end
        if end - begin == 1:
            return self.leaves[begin]
        middle = self.split(begin, end)
        return sha256(b"\1" + self.root(begin, middle) + self.root(middle, end))

    @staticmethod
    def split(begin, end):
        width = 1
        while width * 2 < end - begin:
            width *= 2
        return begin + width

    def path(self, begin=0, end=None):
        end = self.size if end is None else end
        if end - begin == 1:
            return []
        middle = self.split(begin, end)
        if self.index < middle:
            return self.path(begin, middle) + [self.root(middle, end)]
        return self.path(middle, end) + [self.root(begin, middle)]


class Log:
    """A Rekor. Generation 1 signs with P-256 and has a time; 2 with Ed25519."""

    def __init__(self, generation, number, host):
        self.generation, self.host = generation, host
        self.key = ec_key(number) if generation == 1 else ed_key(number)
        public = self.key.public_key()
        self.origin = host + " - 4711" if generation == 1 else host
        self.id = sha256(spki(self.key)) if generation == 1 else sha256(
            host.encode() + b"\n\x01" + public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))

    def line(self, text, signer=None, label=None, hint=None):
        signature = (hint or self.id[:4]) + sign(signer or self.key, text)
        return f"— {label or self.host} {b64(signature)}\n"

    def checkpoint_text(self, tree, extra=""):
        return f"{self.origin}\n{tree.size}\n{b64(tree.root())}\n{extra}"

    def checkpoint(self, tree, extra=""):
        text = self.checkpoint_text(tree, extra)
        return text + "\n" + self.line(text.encode())

    def promise(self, body, time, index):
        text = json.dumps({"body": b64(body), "integratedTime": time, "logID": self.id.hex(), "logIndex": index},
                          sort_keys=True, separators=(",", ":"))
        return sign(self.key, text.encode())

    def entry(self, kind, version, body, time=None, index=1000, proof=True):
        tree = Tree(body)
        entry = {"logIndex": str(index), "logId": {"keyId": b64(self.id)},
                 "kindVersion": {"kind": kind, "version": version}, "canonicalizedBody": b64(body)}
        if time is not None:
            entry["integratedTime"] = str(seconds(time))
            entry["inclusionPromise"] = {"signedEntryTimestamp": b64(self.promise(body, seconds(time), index))}
        if proof:
            entry["inclusionProof"] = {
                "logIndex": str(tree.index), "treeSize": str(tree.size), "rootHash": b64(tree.root()),
                "hashes": [b64(h) for h in tree.path()], "checkpoint": {"envelope": self.checkpoint(tree)}}
        return entry


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def pae(payload_type, payload):
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload), payload)


def signer_pem(signer):
    return signer.public_bytes(PEM) if isinstance(signer, x509.Certificate) else key_pem(signer)


def hashedrekord1(data, signature, signer, algorithm="SHA2_256"):
    digest = hashlib.new(HASHES[algorithm], data).hexdigest()
    return canonical({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
        "data": {"hash": {"algorithm": HASHES[algorithm], "value": digest}},
        "signature": {"content": b64(signature), "publicKey": {"content": b64(signer_pem(signer))}}}})


def hashedrekord2(data, signature, signer, algorithm="SHA2_256"):
    if isinstance(signer, x509.Certificate):
        verifier = {"x509Certificate": {"rawBytes": b64(signer.public_bytes(DER))}}
    else:
        verifier = {"publicKey": {"rawBytes": b64(spki(signer))}}
    verifier["keyDetails"] = "PKIX_ECDSA_P256_SHA_256"
    return canonical({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": {
        "data": {"algorithm": algorithm, "digest": b64(hashlib.new(HASHES[algorithm], data).digest())},
        "signature": {"content": b64(signature), "verifier": verifier}}}})


def dsse1(payload, signature, signer):
    return canonical({"apiVersion": "0.0.1", "kind": "dsse", "spec": {
        "envelopeHash": {"algorithm": "sha256", "value": sha256(b"some serialisation").hex()},
        "payloadHash": {"algorithm": "sha256", "value": sha256(payload).hex()},
        "signatures": [{"signature": b64(signature), "verifier": b64(signer_pem(signer))}]}})


def intoto2(payload, payload_type, signature, signer):
    return canonical({"apiVersion": "0.0.2", "kind": "intoto", "spec": {"content": {
        "envelope": {"payloadType": payload_type, "signatures": [
            {"sig": b64(b64(signature).encode()), "publicKey": b64(signer_pem(signer))}]},
        "hash": {"algorithm": "sha256", "value": sha256(b"some serialisation").hex()},
        "payloadHash": {"algorithm": "sha256", "value": sha256(payload).hex()}}}})


def period(start, end=None):
    return {"start": start} if end is None else {"start": start, "end": end}


def root_log(log, start="2021-01-01T00:00:00Z", end=None, details="PKIX_ECDSA_P256_SHA_256"):
    if getattr(log, "generation", 1) == 2:
        details = "PKIX_ED25519"
    return {"baseUrl": "https://" + getattr(log, "host", "certificates.example"), "hashAlgorithm": "SHA2_256",
            "publicKey": {"rawBytes": b64(spki(log.key)), "keyDetails": details, "validFor": period(start, end)},
            "logId": {"keyId": b64(log.id)}}


def root_authority(certificates, uri, start="2021-01-01T00:00:00Z", end=None):
    return {"subject": {"organization": "example", "commonName": "test"}, "uri": uri,
            "certChain": {"certificates": [{"rawBytes": b64(c.public_bytes(DER))} for c in certificates]},
            "validFor": period(start, end)}


def deep(value):
    return copy.deepcopy(value)
