#!/usr/bin/env python3
"""seeds.py FOLDER: first inputs for each fuzz target, out of the samples that the tests use."""
import json
import pathlib
import sys

here = pathlib.Path(__file__).resolve().parent
tests = here.parent
out = pathlib.Path(sys.argv[1])


def seed(target, name, content):
    folder = out / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def small(paths, limit):
    return [path for path in sorted(paths) if path.stat().st_size <= limit]


runs = [*tests.glob("data/runs/*.jsonl"), *tests.glob("scenarios/*.jsonl")]
for path in small(runs, 20_000)[:60]:
    lines = path.read_bytes().splitlines(keepends=True)
    seed("files", path.name, b"".join(lines[:3])[:8_000])
    for number, line in enumerate(lines[:2]):
        if len(line) < 8_000:
            seed("json", f"{path.stem}-{number}", line)
for path in small(tests.glob("data/runs/*.pb"), 20_000)[:20]:
    content = path.read_bytes()
    seed("files", path.name, content[:8_000])
    at = 0
    for number in range(8):
        if at + 4 > len(content):
            break
        length = int.from_bytes(content[at : at + 4], "big")
        record = content[at + 4 : at + 4 + length]
        at += 4 + length
        if len(record) < 8_000:
            for target in ("protobuf", "logs", "judge"):
                seed(target, f"{path.stem}-{number}", record)
for path in small([*tests.glob("data/formats/*"), *tests.glob("data/public/*")], 20_000):
    content = path.read_bytes()
    seed("files", path.name, content)
    text = content.lstrip()
    if "jaeger" in path.name and text.startswith(b"{"):
        document = json.loads(content)
        for number, trace in enumerate(document.get("data", [document])):
            seed("jaeger", f"{path.stem}-{number}", json.dumps(trace))
    elif "zipkin" in path.name:
        seed("zipkin", path.stem, content)
    elif text.startswith(b"{"):
        seed("json", path.stem, content)
for path in [*tests.glob("data/runs/*.toml"), *tests.glob("scenarios/*.toml"), *tests.glob("../examples/*.toml")]:
    seed("policy", path.parent.name + path.name, path.read_bytes())
for path in [*tests.glob("data/runs/*jwks*.json"), *tests.glob("scenarios/*jwks*.json")]:
    seed("jwks", path.parent.name + path.name, path.read_bytes())
seed("dependencies", "bare", '[{"parent":"gateway","child":"orders","callCount":3}]')
seed("dependencies", "answer", '{"data":[{"parent":"a","child":"b","callCount":"7"}],"errors":null}')
vectors = json.loads((tests / "data/vectors.json").read_text())


def texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


for number, text in enumerate(text for text in texts(vectors) if len(text) < 2_000):
    seed("jwt", f"vector-{number}", text)
for path in (tests / "data").glob("*refusals.json"):
    for number, text in enumerate(texts(json.loads(path.read_text()))):
        if number % 20 == 0 and len(text) < 2_000:
            seed("jwt", f"{path.stem}-{number}", text)
for number, text in enumerate((
    "service:orders verdict:dropped,failed status>=400 -route:/health token:k3va since:5m (caller:gw* or callee:pay*)",
    "status:4xx severity>=high not (is:entry)",
    'route:"GET /a b" or trace:4eca9a',
    "-a -b (c or d) e",
)):
    seed("filter", f"filter-{number}", text)
