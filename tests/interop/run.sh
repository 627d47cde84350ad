#!/usr/bin/env bash
# run.sh [JWTRAIL]: real Python and Node.js services with stock OpenTelemetry instrumentation against `jwtrail serve`.
# Needs python3 with venv, and node with npm; what is installed is kept in target/interop. Ends with 'N passed, N failed'.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
jwtrail=$(realpath "${1:-$root/target/release/jwtrail}")
cache=$root/target/interop
mkdir -p "$cache/node"

if [[ ! -x $jwtrail ]]; then
    echo "no program at $jwtrail: build it first (cargo build --release)" >&2
    exit 2
fi

# Installs again only when the pinned versions changed, or when the folder was moved: a venv holds its own path.
printf '%s\n' "$cache" | cat - "$here/requirements.txt" >"$cache/requirements.wanted"
if ! cmp -s "$cache/requirements.wanted" "$cache/requirements.installed"; then
    rm -rf "$cache/requirements.installed" "$cache/venv"
    timeout 120 python3 -m venv "$cache/venv"
    timeout 600 "$cache/venv/bin/pip" install --quiet --disable-pip-version-check --no-input -r "$here/requirements.txt"
    mv "$cache/requirements.wanted" "$cache/requirements.installed"
fi
if ! cmp -s "$here/package.json" "$cache/node/package.installed.json"; then
    rm -f "$cache/node/package.installed.json"
    cp "$here/package.json" "$cache/node/package.json"
    (cd "$cache/node" && timeout 600 npm install --no-audit --no-fund --no-package-lock --loglevel=error)
    cp "$here/package.json" "$cache/node/package.installed.json"
fi
# Node resolves packages from where a file stands.
cp "$here/node_service.mjs" "$cache/node/node_service.mjs"

export PYTHONDONTWRITEBYTECODE=1
exec timeout --kill-after=10 300 "$cache/venv/bin/python" "$here/lane.py" "$jwtrail" "$cache/node"
