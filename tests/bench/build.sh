#!/usr/bin/env bash
# tests/bench/build.sh: the load generator (target/quick/examples/load) and the benchmark that CI counts, from one build.
# Prints where the benchmark is.
#
# The quick profile, for the link of a released build takes minutes; but this crate as one piece, for where the compiler
# cuts it would move instructions from one count to the next.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# Whether a build is incremental changes what the compiler inlines, so the variable for that is the profile's alone.
env -u CARGO_INCREMENTAL cargo build --locked --profile quick \
    --config 'profile.quick.package.jwtrail.codegen-units=1' --example load --bench hot --message-format json-render-diagnostics |
    sed -nE 's/.*"kind":\["bench"\].*"executable":"([^"]+)".*/\1/p'
