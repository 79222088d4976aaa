"""sigstore-conformance, the test suite of Sigstore's verifiers, offline: every bundle that it keeps, by
file and by digest. $HALLMARK_SIGSTORE_CONFORMANCE names a checkout of it; nothing of it is kept here. That
a bundle is refused for the right reason is held by tests/vectors/sign/sigstore, which has the same cases."""
import hashlib
import os
import pathlib
import subprocess
import sys

from program import Check

SUITE = os.environ.get("HALLMARK_SIGSTORE_CONFORMANCE")
CLIENT = os.environ.get("HALLMARK_SIGSTORE_CLIENT")
if not SUITE or not CLIENT:
    print("skipped: no checkout of sigstore-conformance")
    sys.exit(77)
IDENTITY = ("https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/"
            "extremely-dangerous-oidc-beacon.yml@refs/heads/main")
ISSUER = "https://token.actions.githubusercontent.com"


def arguments(folder):
    """As the suite's README says that a folder becomes a call."""
    def text(name, otherwise):
        return (folder / name).read_text().strip() if (folder / name).exists() else otherwise
    yield from ("verify-bundle", "--bundle", folder / "bundle.sigstore.json")
    if (folder / "key.pub").exists():
        yield from ("--key", folder / "key.pub")
    else:
        yield from ("--certificate-identity", text("identity", IDENTITY))
        yield from ("--certificate-oidc-issuer", text("issuer", ISSUER))
    if (folder / "trusted_root.json").exists():
        yield from ("--trusted-root", folder / "trusted_root.json")


def main():
    check = Check()
    assets = pathlib.Path(SUITE, "test", "assets", "bundle-verify")
    for folder in sorted(path for path in assets.iterdir() if path.is_dir()):
        artifact = folder / "artifact" if (folder / "artifact").exists() else assets / "a.txt"
        digest = "sha256:" + hashlib.sha256(artifact.read_bytes()).hexdigest()
        for subject in (artifact, digest):
            done = subprocess.run([CLIENT, *map(str, arguments(folder)), str(subject)], capture_output=True, text=True)
            wanted = 1 if folder.name.endswith("_fail") else 0
            check.that(done.returncode == wanted, f"{folder.name}: exit {done.returncode}: {done.stderr.strip()}")
    check.finish()


main()
