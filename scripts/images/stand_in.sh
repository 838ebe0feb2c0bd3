#!/usr/bin/env bash
# Stands in for the base image where no registry can be reached: Debian with Python and a compiler, made by debootstrap
# (as root) under the name that the Dockerfile asks for, with this machine's certificate authorities and package index.
#
#   scripts/images/stand_in.sh             # docker, or what CONTAINER_TOOL names: docker or podman
#
# The Python is Debian's, so images made from it are for trying them out, not for publishing.
set -euo pipefail
cd "$(dirname "$0")/../.."
tool=${CONTAINER_TOOL:-docker}
name=$(sed -n 's/^ARG BASE_IMAGE=//p' Dockerfile)
packages=python3,python3-venv,python3-dev,gcc,g++,libc6-dev,libgmp-dev,ca-certificates
suite=${name##*-}
authorities=/etc/ssl/certs/ca-certificates.crt

fail() { printf 'stand_in: %s\n' "$1" >&2; exit 1; }
command -v debootstrap > /dev/null || fail "debootstrap is missing; apt-get install debootstrap"
[ "$(id -u)" -eq 0 ] || fail "debootstrap needs root"
"$tool" info > /dev/null 2>&1 || fail "$tool does not answer; start it, or name podman in CONTAINER_TOOL"
if "$tool" image inspect "$name" > /dev/null 2>&1; then
  echo "$name is there already"
  exit
fi

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase --include="$packages" "$suite" "$root" > "$root.log" 2>&1 ||
  fail "debootstrap failed; see $root.log"
rm -f "$root.log"
cp -L "$authorities" "$root$authorities"
changes=(--change "ENV PIP_CERT=$authorities")
if index=$(python3 -m pip config get global.index-url 2> /dev/null); then changes+=(--change "ENV PIP_INDEX_URL=$index"); fi
tar -C "$root" --exclude=./proc/* --exclude=./sys/* --exclude=./dev/* -c . | "$tool" import "${changes[@]}" - "$name" > /dev/null
echo "$name stands in: Debian $suite, $(chroot "$root" python3 --version)"
