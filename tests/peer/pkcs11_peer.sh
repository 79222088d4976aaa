#!/usr/bin/env bash
# Keys on a token (SoftHSM) sign for hallmark through PKCS #11, and openssl finds the signatures good.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"
hallmark=${HALLMARK:?the path of the program}
module=/usr/lib/softhsm/libsofthsm2.so
for tool in softhsm2-util pkcs11-tool openssl; do
  command -v "$tool" >/dev/null || { echo "skipped: $tool is not here; scripts/setup installs it" >&2; exit 77; }
done
[[ -e $module ]] || { echo "skipped: SoftHSM's module is not at $module" >&2; exit 77; }
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
export HOME=$place/home XDG_CACHE_HOME=$place/cache XDG_STATE_HOME=$place/state XDG_DATA_HOME=$place/data
export SOFTHSM2_CONF=$place/softhsm.conf
cd "$place"
umask 077

mkdir tokens m
echo "directories.tokendir = $place/tokens" >"$SOFTHSM2_CONF"
head -c 70000 /dev/urandom >m/weights.bin
echo 1234 >pin
echo 9999 >wrong-pin
for label in 'release token' another; do
  softhsm2-util --init-token --free --label "$label" --pin 1234 --so-pin 5678 >/dev/null
done
on_token() { pkcs11-tool --module "$module" --token-label 'release token' --login --pin 1234 "$@" >/dev/null 2>&1; }
id=1
for size in 256 384 521; do
  openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:P-$size" -out key.pem 2>/dev/null
  openssl pkey -in key.pem -pubout -out "p$size.pub"
  softhsm2-util --import key.pem --token 'release token' --label "p$size" --id "0$id" --pin 1234 >/dev/null
  id=$((id + 1))
done
on_token --keypairgen --key-type EC:secp256r1 --label always --id 04 --always-auth  # the PIN for each signature
on_token --read-object --type pubkey --label always -o always.der
openssl pkey -pubin -inform DER -in always.der -out always.pub
on_token --keypairgen --key-type rsa:2048 --label rsa --id 05

sign() {  # sign URI OUTPUT [OPTION…]
  "$hallmark" sign m --format oms --key "$1" --pkcs11-module "$module" -o "$2" "${@:3}"
}
# What is signed (DSSE), and the signature, taken out of the bundle.
take_apart='
import base64, json, sys
envelope = json.load(open(sys.argv[1]))["dsseEnvelope"]
kind, payload = envelope["payloadType"].encode(), base64.b64decode(envelope["payload"])
open("signed", "wb").write(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))
open("signature", "wb").write(base64.b64decode(envelope["signatures"][0]["sig"]))
'
for key in p256:sha256 p384:sha384 p521:sha512 always:sha256; do
  label=${key%:*}
  expect 0 "a signature by $label" -- sign "pkcs11:token=release%20token;object=$label;type=private" "$label.sig" --password-file pin
  expect 0 "hallmark's check of it" -- "$hallmark" verify m --against "$label.sig" --key "$label.pub"
  [[ $(head -1 output) == authentic:* ]] || { wrong=$((wrong + 1)); echo "WRONG: $label: $(head -1 output)"; }
  /usr/bin/python3 -c "$take_apart" "$label.sig"
  expect 0 "openssl's check of it" -- openssl dgst "-${key#*:}" -verify "$label.pub" -signature signature signed
done
expect 0 'a key by its id' -- sign 'pkcs11:token=release%20token;id=%02' by-id.sig --password-file pin
expect 0 'whose key it is' -- "$hallmark" verify m --against by-id.sig --key p384.pub

expect 2 'a wrong PIN' -- sign 'pkcs11:token=release%20token;object=p256' none --password-file wrong-pin
expect 2 'a PIN in the URI' -- sign 'pkcs11:token=release%20token;object=p256?pin-value=1234' none --password-file pin
expect 2 'several keys' -- sign 'pkcs11:token=release%20token' none --password-file pin
expect 2 'several tokens' -- sign 'pkcs11:object=p256' none --password-file pin
expect 3 'no such token' -- sign 'pkcs11:token=none;object=p256' none --password-file pin
expect 3 'no such key' -- sign 'pkcs11:token=release%20token;object=none' none --password-file pin
expect 5 'a key of RSA' -- sign 'pkcs11:token=release%20token;object=rsa' none --password-file pin
expect 3 'no such module' -- "$hallmark" sign m --format oms --key pkcs11:object=p256 --pkcs11-module ./none.so -o none --password-file pin

echo "$compared comparisons, $wrong wrong"
((wrong == 0))
