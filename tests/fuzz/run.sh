#!/usr/bin/env bash
# run.sh [SECONDS [TARGET…]]: every fuzz target, or those named, for so long each (20 unless told), one after the other.
# Needs cargo-fuzz and a nightly toolchain (cargo install --locked cargo-fuzz); without them it says so and ends with 77.
# What was found before stands in tests/fuzz/corpus; what is found now in target/fuzz/corpus.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
seconds=${1:-20}
shift || true

if ! cargo +nightly fuzz --version >/dev/null 2>&1; then
    echo "cargo-fuzz or a nightly toolchain is not installed: rustup toolchain install nightly; cargo install --locked cargo-fuzz"
    exit 77
fi

export CARGO_TARGET_DIR=$root/target/fuzz
corpus=$CARGO_TARGET_DIR/corpus
mkdir -p "$corpus"
python3 "$here/seeds.py" "$corpus"
for kept in "$here"/corpus/*.tar.zst; do
    [[ ! -e $kept ]] || zstd -dc "$kept" | tar -C "$corpus" -xf -
done

mapfile -t all < <(cd "$here/targets" && ls -- *.rs | sed 's/\.rs$//')
(($# > 0)) || set -- "${all[@]}"
cargo +nightly fuzz build --fuzz-dir "$here" --release
failed=0
for target in "$@"; do
    mkdir -p "$corpus/$target"
    log=$CARGO_TARGET_DIR/$target.log
    status=0
    cargo +nightly fuzz run --fuzz-dir "$here" --release "$target" "$corpus/$target" -- \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 \
        -artifact_prefix="$CARGO_TARGET_DIR/$target-" >"$log" 2>&1 || status=$?
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    inputs=$(find "$corpus/$target" -type f | wc -l)
    if ((status == 0)); then
        echo "ok      $target: ${executions:-?} executions, $inputs inputs"
    else
        echo "FAILED  $target: ${executions:-?} executions; see $log"
        tail -n 30 "$log"
        failed=1
    fi
done
exit "$failed"
