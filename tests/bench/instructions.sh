#!/usr/bin/env bash
# tests/bench/instructions.sh [--write]: instructions an item of each hot path, held to tests/bench/instructions.tsv.
#
# A path that takes over 5 % more than is written there fails. --write writes what is counted now. Counts are the
# compiler's and the processor's too (some crates look for AVX2): with another rustc or another kind of processor than
# those written there they are printed and held to nothing.
# Needs valgrind; ends with 77 where it is not there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly kept=tests/bench/instructions.tsv
readonly most=5

if ! command -v valgrind >/dev/null; then
    echo "valgrind is not installed: nothing is counted"
    exit 77
fi
hot=$(tests/bench/build.sh)
[[ -x $hot ]] || { echo "expected the benchmark that was built, found '$hot'" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

machine="$(rustc --version), $(uname -m)"
! grep -qsw avx2 /proc/cpuinfo || machine+=" with AVX2"
printf '# %s: instructions a span, a token, a layout, a frame\n' "$machine" >"$folder/now"
for path in $("$hot" --paths); do
    items=$(valgrind --quiet --tool=callgrind --collect-atstart=no --toggle-collect='*watched_rounds*' \
        --callgrind-out-file="$folder/out" "$hot" --count "$path")
    total=$(sed -nE 's/^(totals|summary): ([0-9]+).*/\2/p' "$folder/out" | head -n 1)
    if [[ ! $total =~ ^[1-9] ]]; then
        echo "$path: nothing was counted: is watched_rounds still a function of its own?" >&2
        exit 1
    fi
    printf '%s\t%s\n' "$path" "$((total / items))" | tee -a "$folder/now"
done

if [[ ${1:-} == --write ]]; then
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
