#!/usr/bin/env bash
# Signatures and keys of minisign, signify and ssh-keygen are read by hallmark, and hallmark's by them;
# keys of openssl too.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"
hallmark=${HALLMARK:?the path of the program}
for tool in minisign signify-openbsd ssh-keygen openssl; do
  command -v "$tool" >/dev/null || { echo "skipped: $tool is not here; scripts/setup installs it" >&2; exit 77; }
done
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
export HOME=$place/home XDG_CACHE_HOME=$place/cache XDG_STATE_HOME=$place/state XDG_DATA_HOME=$place/data
cd "$place"
umask 077
namespace=model-manifest@hallmark

mkdir m
head -c 70000 /dev/urandom >m/weights.bin
echo '{}' >m/config.json
(cd m && sha256sum --tag -- * >../SHA256)
cp SHA256 other && sed -i 's/= ../= 00/' other
printf 'correct horse\n' >password
printf 'wrong horse\n' >wrong-password

# good WHAT SIGNATURE KEY: hallmark finds the copy authentic by it. bad: and with a changed list, it does not.
good() {
  expect 0 "$1" -- "$hallmark" verify m --against SHA256 --signature "$2" --key "$3"
  [[ $(head -1 "$place/output") == authentic:* ]] || { wrong=$((wrong + 1)); echo "WRONG: $1: $(head -1 "$place/output")"; }
  mkdir -p forged && cp other forged/SHA256
  expect 6 "$1, of a changed list" -- "$hallmark" verify m --against forged/SHA256 --signature "$2" --key "$3"
}
ours() {  # ours WHAT FORMAT KEY OUTPUT [OPTION…]
  expect 0 "$1" -- "$hallmark" sign SHA256 --format "$2" --key "$3" -o "$4" "${@:5}"
}

# minisign: keys without and with a password, both forms of signature.
minisign -G -W -p plain.pub -s plain.key >/dev/null
printf 'correct horse\ncorrect horse\n' | minisign -G -p locked.pub -s locked.key >/dev/null 2>&1
minisign -S -s plain.key -m SHA256 -x theirs >/dev/null
good 'a signature of minisign' theirs plain.pub
minisign -S -l -s plain.key -m SHA256 -x legacy >/dev/null
good "a signature of minisign's legacy form" legacy plain.pub
minisign -S -s plain.key -m SHA256 -x worded -c 'who knows' -t 'the first release' >/dev/null
good 'a signature of minisign with comments' worded plain.pub
minisign -S -s locked.key -m SHA256 -x locked <password >/dev/null 2>&1
good 'a signature of minisign by a key with a password' locked locked.pub
expect 6 "another key's signature" -- "$hallmark" verify m --against SHA256 --signature locked --key plain.pub
ours "a signature by minisign's key" minisign plain.key ours
expect 0 'minisign -V of it' -- minisign -V -p plain.pub -m SHA256 -x ours
ours "a signature by minisign's key with a password" minisign locked.key ours-locked --password-file password
expect 0 'minisign -V of it' -- minisign -V -p locked.pub -m SHA256 -x ours-locked
expect 1 'minisign -V of it and a changed list' -- minisign -V -p locked.pub -m other -x ours-locked
expect 2 'a wrong password' -- "$hallmark" sign SHA256 --format minisign --key locked.key -o none --password-file wrong-password
ours 'a signature with time and revision' minisign plain.key timed --time 2026-01-02 --revision 3
expect 0 'minisign -V of it' -- minisign -V -p plain.pub -m SHA256 -x timed

# Keys that hallmark makes are minisign's.
expect 0 'keygen' -- "$hallmark" keygen -o new --no-password
expect 0 'keygen with a password' -- "$hallmark" keygen -o new-locked --password-file password
minisign -S -s new.key -m SHA256 -x by-new >/dev/null
good "minisign's signature by hallmark's key" by-new new.pub
expect 0 'minisign -V of it' -- minisign -V -p new.pub -m SHA256 -x by-new
minisign -S -s new-locked.key -m SHA256 -x by-new-locked <password >/dev/null 2>&1
good "minisign's signature by hallmark's key with a password" by-new-locked new-locked.pub
minisign -R -s new.key -p again.pub >/dev/null
expect 0 'the public key that minisign recreates' -- cmp new.pub again.pub

# signify: detached, embedded, lists; and across the two.
signify-openbsd -G -n -p s.pub -s s.sec
signify-openbsd -S -s s.sec -m SHA256 -x theirs.sig
good 'a signature of signify' theirs.sig s.pub
ours "a signature by signify's key" signify s.sec ours.sig
expect 0 'signify -V of it' -- signify-openbsd -V -p s.pub -m SHA256 -x ours.sig
expect 1 'signify -V of it and a changed list' -- signify-openbsd -V -p s.pub -m other -x ours.sig
expect 0 'the same signature twice' -- cmp <(tail -n 1 theirs.sig) <(tail -n 1 ours.sig)
signify-openbsd -S -e -s s.sec -m SHA256 -x SHA256.sig
mv SHA256.sig embedded.sig
expect 0 'a list inside its signature' -- "$hallmark" verify m --against embedded.sig --key s.pub
sed 's/= ../= 00/' embedded.sig >forged.sig
expect 6 'a changed list inside its signature' -- "$hallmark" verify m --against forged.sig --key s.pub
expect 0 'a manifest' -- "$hallmark" hash m --format manifest -o manifest.json
expect 0 'a list inside its signature, of hallmark' -- "$hallmark" sign manifest.json --format sha256sig --key s.sec -o m/SHA256.sig
cd m
expect 0 'signify -C of it' -- signify-openbsd -C -p ../s.pub -x SHA256.sig
echo x >>config.json
expect 1 'signify -C of it and a changed file' -- signify-openbsd -C -p ../s.pub -x SHA256.sig
cd ..
rm m/SHA256.sig && echo '{}' >m/config.json
ours "a signify signature by minisign's key" signify plain.key across.sig
expect 0 'signify -V of it' -- signify-openbsd -V -p plain.pub -m SHA256 -x across.sig
ours "a minisign signature by signify's key" minisign s.sec across
expect 0 'minisign -V of it' -- minisign -V -p s.pub -m SHA256 -x across

# ssh-keygen: every type of key signs for hallmark; hallmark signs by Ed25519.
for type in ed25519 'ecdsa -b 256' 'ecdsa -b 384' 'ecdsa -b 521' 'rsa -b 3072'; do
  key=ssh-${type// -b /-}
  # shellcheck disable=SC2086  # a type and its size
  ssh-keygen -q -t $type -N '' -C me@example.org -f "$key"
  printf 'me@example.org namespaces="%s" %s\n' "$namespace" "$(cut -d' ' -f1,2 "$key.pub")" >"$key.allowed"
  for hash in sha512 sha256; do
    ssh-keygen -q -Y sign -O "hashalg=$hash" -n "$namespace" -f "$key" SHA256 2>/dev/null
    mv SHA256.sig "$key.$hash"
    good "a signature of ssh-keygen by $key over $hash" "$key.$hash" "$key.pub"
    good "the same by allowed signers" "$key.$hash" "$key.allowed"
  done
  ssh-keygen -q -Y sign -n git -f "$key" SHA256 2>/dev/null
  mv SHA256.sig "$key.git"
  expect 6 "a signature for git by $key" -- "$hallmark" verify m --against SHA256 --signature "$key.git" --key "$key.pub"
done
verified() {  # verified ALLOWED_SIGNERS
  ssh-keygen -q -Y verify -f "$1" -I me@example.org -n "$namespace" -s ours.ssh <SHA256
}
ours "a signature by OpenSSH's key" ssh ssh-ed25519 ours.ssh
expect 0 'ssh-keygen -Y verify of it' -- verified ssh-ed25519.allowed
expect 0 "ssh-keygen's own signature" -- cmp ssh-ed25519.sha512 ours.ssh
ours "an SSH signature by hallmark's key" ssh new.key new.ssh
expect 0 'ssh-keygen -Y check-novalidate of it' -- \
  bash -c "ssh-keygen -q -Y check-novalidate -n $namespace -s new.ssh <SHA256"

# Options of allowed signers mean the same to both.
key=$(cut -d' ' -f1,2 ssh-ed25519.pub)
while read -r status options; do
  echo "me@example.org $options $key" >allowed
  # ssh-keygen has one failure, hallmark another.
  expect $((status == 0 ? 0 : 255)) "ssh-keygen -Y verify with $options" -- verified allowed
  expect "$status" "allowed signers with $options" -- "$hallmark" verify m --against SHA256 --signature ours.ssh --key allowed
done <<END
0 namespaces="$namespace"
0 namespaces="git,model-*"
6 namespaces="git"
6 namespaces="*,!$namespace"
0 namespaces="model-????????@hallmark"
0 valid-after="20200101"
6 valid-after="20990101"
0 valid-before="209901011200"
6 valid-before="20200101120059"
6 valid-before="20200101Z"
0 valid-after="20200101Z",valid-before="20990101Z",namespaces="*"
END

# openssl: its keys sign for hallmark, and it reads the keys of hallmark.
for size in 256 384 521; do
  openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:P-$size" -out "p$size.pem" 2>/dev/null
  openssl pkcs8 -topk8 -scrypt -in "p$size.pem" -passout file:password -out "p$size-locked.pem"
  openssl pkey -in "p$size.pem" -pubout -out "p$size.pub"
  for key in "p$size.pem" "p$size-locked.pem"; do
    expect 0 "a model signature by $key" -- "$hallmark" sign m --format oms --key "$key" --password-file password -o "$key.sig"
    expect 0 'a check of it' -- "$hallmark" verify m --against "$key.sig" --key "p$size.pub"
  done
  expect 0 "keygen of p$size" -- "$hallmark" keygen -o "k$size" --type "p$size" --password-file password
  expect 0 'openssl reading it' -- openssl pkey -in "k$size.key" -passin file:password -pubout -out "k$size.openssl"
  expect 0 'its public key' -- cmp "k$size.openssl" "k$size.pub"
  expect 1 'openssl reading it with a wrong password' -- openssl pkey -in "k$size.key" -passin file:wrong-password -noout
done

echo "$compared comparisons, $wrong wrong"
((wrong == 0))
