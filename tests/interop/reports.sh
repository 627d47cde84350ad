#!/usr/bin/env bash
# reports.sh [JWTRAIL]: what `jwtrail check` writes for other programs, read by those that read it: SARIF against the
# schema of its standard, JUnit by a parser of its own. Needs python3 with venv, and npm; what is installed is kept in
# target/interop. Ends with 'N passed, N failed'.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
jwtrail=$(realpath "${1:-$root/target/release/jwtrail}")
cache=$root/target/interop/reports
# The schema ships with a package of those who edit the standard.
schema_package=@microsoft/jest-sarif@1.0.0-beta.0
mkdir -p "$cache"

if [[ ! -x $jwtrail ]]; then
    echo "no program at $jwtrail: build it first (cargo build --release)" >&2
    exit 2
fi

# Installs again only when the pinned versions changed, or when the folder was moved: a venv holds its own path.
printf '%s\n' "$cache" "$schema_package" | cat - "$here/reports.txt" >"$cache/wanted"
if ! cmp -s "$cache/wanted" "$cache/installed"; then
    rm -rf "$cache/installed" "$cache/venv" "$cache/package"
    timeout 120 python3 -m venv "$cache/venv"
    timeout 600 "$cache/venv/bin/pip" install --quiet --disable-pip-version-check --no-input -r "$here/reports.txt"
    package=$(cd "$cache" && timeout 300 npm pack --silent "$schema_package")
    tar -xzf "$cache/$package" -C "$cache" package/lib/schemas
    mv "$cache/wanted" "$cache/installed"
fi

export PYTHONDONTWRITEBYTECODE=1
exec timeout --kill-after=10 300 "$cache/venv/bin/python" "$here/formats.py" "$jwtrail" "$cache"/package/lib/schemas/sarif-2.1.0*.json
