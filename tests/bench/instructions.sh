#!/usr/bin/env bash
# tests/bench/instructions.sh [JWTRAIL] [--write]: instructions a span of what `check` does (read, decode, fingerprint,
# judge), held to tests/bench/instructions.tsv.
#
# Each path is counted over two files of which one is twice as long, so that starting and ending fall out. A path that
# takes over 5 % more than is written there fails. --write writes what is counted now. Counts are the compiler's and the
# processor's too (some crates look for AVX2): with another rustc or another kind of processor than those written there
# they are printed and held to nothing.
# Needs valgrind; ends with 77 where it is not there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly kept=tests/bench/instructions.tsv
readonly most=5
# Requests of 512 spans in the shorter file.
readonly requests=15

jwtrail=target/release/jwtrail
write=
for argument in "$@"; do
    if [[ $argument == --write ]]; then write=1; else jwtrail=$argument; fi
done
if ! command -v valgrind >/dev/null; then
    echo "valgrind is not installed: nothing is counted"
    exit 77
fi
if [[ ! -x $jwtrail ]]; then
    echo "expected the program at $jwtrail: cargo build --release" >&2
    exit 2
fi
cargo build --locked --quiet --example load
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# counted FILE: instructions of one run over a file, by all threads.
counted() {
    valgrind --quiet --tool=callgrind --callgrind-out-file="$folder/out" \
        "$jwtrail" check --fail-on critical --memory 1GiB "$1" >/dev/null 2>"$folder/err" || {
        cat "$folder/err" >&2
        return 1
    }
    sed -nE 's/^(totals|summary): ([0-9]+).*/\2/p' "$folder/out" | head -n 1
}

machine="$(rustc --version), $(uname -m)"
! grep -qsw avx2 /proc/cpuinfo || machine+=" with AVX2"
printf '# %s: instructions a span\n' "$machine" >"$folder/now"
while read -r path mode protocol; do
    for times in 1 2; do
        target/debug/examples/load --write "$folder/$times" --requests $((times * requests)) --seed 7 \
            --mode "$mode" --protocol "$protocol" >/dev/null
    done
    one=$(counted "$folder/1")
    two=$(counted "$folder/2")
    printf '%s\t%s\n' "$path" "$(((two - one) / (requests * 512)))" | tee -a "$folder/now"
done <<'PATHS'
protobuf-tags tags grpc
protobuf-jwt jwt grpc
json-tags tags http/json
PATHS

if [[ -n $write ]]; then
    cp "$folder/now" "$kept"
    exit
fi
if [[ $(head -n 1 "$kept") != "# $machine:"* ]]; then
    echo "counted with $machine, and $kept was not: held to nothing; --write brings it here"
    exit
fi
awk -F '\t' -v most="$most" -v kept="$kept" '
    /^#/ { next }
    NR == FNR { before[$1] = $2; next }
    !($1 in before) { print $1 ": expected a line in " kept " (--write adds it)"; wrong = 1; next }
    {
        change = ($2 / before[$1] - 1) * 100
        printf "%-20s %9d, was %9d: %+.1f %%\n", $1, $2, before[$1], change
        if (change > most) { print "  expected " most " % more at most"; wrong = 1 }
        if (change < -most) print "  better: keep it with tests/bench/instructions.sh --write"
        delete before[$1]
    }
    END {
        for (path in before) { print path ": in " kept ", but not counted any more"; wrong = 1 }
        exit wrong
    }' "$kept" "$folder/now"
