#!/usr/bin/env bash
# run.sh [JWTRAIL] [SOAK_MINUTES]: what strangers send, what memory holds, what exporters lose, what hours do. Linux only.
# Needs python3 with venv, and Go for the exporters of its SDK; what is installed is kept in target/siege.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
jwtrail=$(realpath "${1:-$root/target/release/jwtrail}")
minutes=${2:-2}
cache=$root/target/siege
mkdir -p "$cache"

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
exporter=()
if command -v go >/dev/null; then
    (cd "$here/go" && timeout 600 go build -o "$cache/exporter" .)
    exporter=("$cache/exporter")
fi

export PYTHONDONTWRITEBYTECODE=1
failed=0
run() {
    echo "-- $1"
    timeout --kill-after=10 "$2" "$cache/venv/bin/python" "$here/$1.py" "$jwtrail" "${@:3}" || failed=1
}
run canary 300
run siege 300
run full 300 "${exporter[@]}"
# Short ones with little memory, so that it is full long before the half.
memory=64MiB
((minutes >= 10)) || memory=8MiB
run soak $((minutes * 60 + 300)) --minutes "$minutes" --memory "$memory"
exit "$failed"
