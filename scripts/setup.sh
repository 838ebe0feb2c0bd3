#!/usr/bin/env bash
# Everything that `make demo` and `make test` need, from a machine that has python3, make and git.
# Each step leaves a stamp under build/setup and is done again only when its inputs change.
set -euo pipefail
cd "$(dirname "$0")/.."
stamps=build/setup
mkdir -p "$stamps"
total=5

say() { printf '\033[1m[%s/%s]\033[0m %s\n' "$1" "$total" "$2"; }
fail() { printf 'setup: %s\n' "$1" >&2; exit 1; }

# changed NAME FILE…: true when the step has not been done for these inputs
changed() {
  local name=$1; shift
  digest=$(cat "$@" | sha256sum | cut -d' ' -f1)
  [ "$(cat "$stamps/$name" 2>/dev/null)" != "$digest" ]
}
done_with() { printf '%s' "$digest" > "$stamps/$1"; }

# quietly LABEL COMMAND…: run with a moving line, show the output only when it fails
quietly() {
  local label=$1; shift
  local log="$stamps/$label.log" started=$SECONDS status=0
  "$@" > "$log" 2>&1 &
  local pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    if [ -t 1 ]; then printf '\r      %s … %ss ' "$label" $((SECONDS - started)); fi
    sleep 0.5
  done
  wait "$pid" || status=$?
  if [ -t 1 ]; then printf '\r\033[K'; fi
  if [ "$status" -ne 0 ]; then tail -n 40 "$log" >&2; fail "$label failed; the whole output is in $log"; fi
  printf '      %s: %ss\n' "$label" $((SECONDS - started))
}

find_python() {
  local candidate
  for candidate in python3.11 python3.12 python3; do
    if command -v "$candidate" > /dev/null &&
      "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))'; then
      command -v "$candidate"
      return
    fi
  done
  fail "no Python 3.11 or 3.12 found; install python3.11 (blspy has no wheels for newer ones)"
}

system_packages() {
  local missing=() package
  for package in build-essential libgmp-dev python3-dev python3-venv ca-certificates; do
    dpkg -s "$package" > /dev/null 2>&1 || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" -ne 0 ]; then
    fail "please install: ${missing[*]} (as root: apt-get install ${missing[*]}), then run this again"
  fi
  quietly apt-update apt-get update -q
  quietly apt-install env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

say 1 "system packages"
if command -v dpkg > /dev/null; then
  system_packages
else
  echo "      not a Debian-like system: make sure a C compiler, libgmp and the Python headers are installed"
fi

say 2 "Python packages (requirements.lock)"
python=$(find_python)
if [ ! -x .venv/bin/python ]; then quietly venv "$python" -m venv .venv; fi
if changed python requirements.lock; then
  quietly pip-install .venv/bin/python -m pip install --disable-pip-version-check --require-hashes -r requirements.lock
  done_with python
fi

say 3 "this project's packages"
projects=(libs/protocol libs/gossipsub libs/discv5 libs/ethereum libs/api libs/runtime
  services/signer services/p2p-gateway services/consensus services/duty-scheduler services/eth1-listener cli operator devnet)
if changed own "${projects[@]/%//pyproject.toml}"; then
  editable=()
  for project in "${projects[@]}"; do editable+=(-e "$project"); done
  quietly own-packages .venv/bin/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation "${editable[@]}"
  done_with own
fi

say 4 "npm packages (beacon node, EVM, peers of the interoperation tests)"
for folder in devnet/beacon devnet/evm tests/interop/js-peer tests/interop/js-libp2p; do
  name="npm-$(basename "$folder")"
  if changed "$name" "$folder/package-lock.json" || [ ! -d "$folder/node_modules" ]; then
    quietly "$name" env PATH="$PWD/.venv/bin:$PATH" npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund
    done_with "$name"
  fi
done

say 5 "contract"
if changed contract devnet/evm/contracts/*.sol devnet/evm/compile.mjs || [ ! -d build/evm ]; then
  quietly solc .venv/bin/node devnet/evm/compile.mjs build/evm
  done_with contract
fi
