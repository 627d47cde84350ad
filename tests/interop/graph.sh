#!/usr/bin/env bash
# graph.sh [JWTRAIL]: what `jwtrail graph` writes, read by the programs it is written for: Mermaid, Graphviz, an XML parser.
# Needs node with npm (Mermaid's own parser, installed into a temporary folder); dot and xmllint are used where they are
# there, and what is skipped is said. Ends with 'N passed, N failed, N skipped'.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
jwtrail=$(realpath "${1:-$root/target/release/jwtrail}")
if [[ ! -x $jwtrail ]]; then
    echo "no program at $jwtrail: build it first (cargo build --release)" >&2
    exit 2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

cat >"$work/package.json" <<'EOF'
{"name": "jwtrail-graph", "private": true, "type": "module", "dependencies": {"jsdom": "26.1.0", "mermaid": "12.3.0"}}
EOF
cat >"$work/parse.mjs" <<'EOF'
import { readFileSync } from 'node:fs';
import { JSDOM } from 'jsdom';
const { window } = new JSDOM('');
Object.assign(globalThis, { window, document: window.document });
const { default: mermaid } = await import('mermaid');
// Names as the diagram's own model holds them: what was written must come back, whatever it means to Mermaid.
mermaid.initialize({ maxEdges: 100000, maxTextSize: 10000000 });
const text = readFileSync(process.argv[2], 'utf8');
const { diagramType } = await mermaid.parse(text);
if (!diagramType.startsWith('flowchart')) throw new Error(`a ${diagramType}`);
const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
const decode = (label) => label.replace(/ﬂ°°(\d+)¶ß/g, (_, code) => String.fromCodePoint(Number(code)));
const nodes = db.getVertices();
const names = [...nodes.values()].map((node) => decode(node.text));
console.log(JSON.stringify({ names: names.sort(), edges: db.getEdges().length }));
EOF
cat >"$work/hostile.mjs" <<'EOF'
// A list whose names mean something in one of the formats. Answers what must come back.
import { writeFileSync } from 'node:fs';
const names = ['end', 'a"]; x["b', '<script>alert(1)</script>', '%%{init: {}}%%', '%% x', '1. list', '- dash', '# x',
  '`**bold**`', 'fa:fa-car', '$$x^2$$', '\\N \\', '&lt;#35;', '注文サービス', 'é', ']]>--><!--', 'style:x#y;',
  'classDef x:y #z;', 'subgraph x', 'http://www.example.com/a', '::: x', 'a|b{c}(d)[e]', "it's", '@{ shape: x }',
  'linkStyle 0', 'click n0', '🚀', 'a'.repeat(90), '-->', 'client', '__proto__', 'constructor'];
const list = names.map((name, at) => ({ parent: name, child: names[(at + 1) % names.length], callCount: at }));
writeFileSync(process.argv[2], JSON.stringify(list));
console.log(JSON.stringify({ names: names.sort(), edges: list.length }));
EOF

check() {
    local what=$1
    shift
    if timeout 30 "$@" >"$work/out" 2>"$work/err"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'failed: %s\n' "$what"
        head -c 2000 "$work/out" "$work/err"
    fi
}

same() { diff <(node "$work/parse.mjs" "$1") "$2"; }
export -f same
export work

if (cd "$work" && timeout 100 npm install --no-audit --no-fund --no-package-lock --loglevel=error >npm.log 2>&1); then
    mermaid=yes
else
    mermaid=
    echo "skipped: Mermaid, which npm could not install"
    tail -5 "$work/npm.log"
fi

node "$work/hostile.mjs" "$work/hostile.json" >"$work/hostile.expected"
node -e 'const n = 1200; console.log(JSON.stringify([...Array(4200).keys()].map((i) =>
    ({ parent: `s${i % n}`, child: `s${(i * 7 + 1) % n}`, callCount: i }))))' >"$work/large.json"
inputs=("$work/hostile.json" "$work/large.json" "$root"/tests/data/runs/*.jsonl
    "$root"/tests/scenarios/{healthy-cluster,disorder-and-circles,third-party-leak,self-call,queue-must-carry}.jsonl)

for input in "${inputs[@]}"; do
    name=$(basename "$input")
    for format in mermaid dot svg; do
        if ! timeout 20 "$jwtrail" graph "$input" --format "$format" >"$work/$name.$format" 2>"$work/err"; then
            failed=$((failed + 1))
            printf 'failed: jwtrail graph %s --format %s\n' "$name" "$format"
            cat "$work/err"
        fi
    done
    if [[ -n $mermaid ]]; then
        case $name in
        hostile.json) check "$name: names in Mermaid" bash -c 'same "$1" "$2"' - "$work/$name.mermaid" "$work/hostile.expected" ;;
        healthy-cluster.jsonl | large.json | drop-in-fanout.jsonl | third-parties.jsonl)
            check "$name: Mermaid" node "$work/parse.mjs" "$work/$name.mermaid"
            ;;
        esac
    else
        skipped=$((skipped + 1))
    fi
    # nop only reads: laying out the large one takes dot minutes.
    if command -v nop >/dev/null; then
        check "$name: Graphviz" nop "$work/$name.dot"
    else
        skipped=$((skipped + 1))
    fi
    if command -v xmllint >/dev/null; then
        check "$name: SVG" xmllint --noout --nonet "$work/$name.svg"
    else
        skipped=$((skipped + 1))
    fi
done
if command -v dot >/dev/null; then
    check "hostile names drawn by dot" dot -Tsvg "$work/hostile.json.dot"
else
    echo "skipped: Graphviz is not installed"
    skipped=$((skipped + 1))
fi
command -v xmllint >/dev/null || echo "skipped: xmllint is not installed"
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed == 0 ]]
