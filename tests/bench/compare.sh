#!/usr/bin/env bash
# tests/bench/compare.sh [JWTRAIL [OPTIONS…]]: what jwtrail costs beside other receivers, in one run, as a Markdown table.
#
# JWTRAIL is target/release/jwtrail where it is left out; OPTIONS are those of compare.py (--help lists them).
# Needs Linux (/proc) and Python; Go for the OpenTelemetry Collector, whose modules it fetches; otel-tui where OTEL_TUI
# names it. What is not there is left out, and the table says so. Everything it builds is in target/bench and
# target/quick, everything it starts listens on loopback and ends with it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly jwtrail=${1:-target/release/jwtrail}
(($# == 0)) || shift

if [[ ! -x $jwtrail ]]; then
    echo "expected the program at $jwtrail: cargo build --release" >&2
    exit 2
fi
mkdir -p target/bench
cargo build --locked --profile quick --example load >&2
collector=target/bench/collector
if ! command -v go >/dev/null; then
    echo "the Collector is left out: Go is not here to build it" >&2
    collector=
elif ! (cd tests/bench/collector && go build -trimpath -o ../../../target/bench/collector .) >&2; then
    echo "the Collector is left out: it could not be built" >&2
    collector=
fi
exec python3 tests/bench/compare.py --jwtrail "$jwtrail" --load target/quick/examples/load \
    --collector "$collector" --otel-tui "${OTEL_TUI:-}" --folder target/bench "$@"
