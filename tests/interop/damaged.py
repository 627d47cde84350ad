#!/usr/bin/env python3
"""damaged.py JWTRAIL [--only TEXT]: what `jwtrail check --memory 64MiB` does with damaged and hostile files.

Makes every input out of the samples that the tests use, and prints a table: the input, what was said of it, the exit status, the
spans that were read, and the peak of memory. Fails where a run is killed, panics or takes more than a minute, where its status is
none of 0, 1 and 2, where it takes more than 400 MB, and where a piece of a token is in what it says. Needs only Python and 1 GB
of room for temporary files.
"""

import gzip
import json
import multiprocessing
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from pathlib import Path

PROGRAM = str(Path(sys.argv[1]).resolve())
ONLY = sys.argv[3] if sys.argv[2:3] == ["--only"] else ""
DATA = Path(__file__).resolve().parents[1] / "data"
SECONDS, MEGABYTES, PIECE = 60, 400, 9
LARGE, BOMB = 300 << 20, 10 << 30

RUN = (DATA / "runs/drop-then-chain.jsonl").read_bytes()
OTHER = (DATA / "runs/stripped-by-proxy.jsonl").read_bytes()
TOKEN = re.search(rb"eyJ[\w-]+\.[\w-]+\.[\w-]+", RUN).group().decode()
rows, failures = [], []


# Protobuf, as far as a span needs it.
def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def fixed(number, value):
    return varint(number << 3 | 1) + int(value).to_bytes(8, "little")


def any_value(value):
    [(kind, content)] = value.items()
    if kind == "stringValue":
        return field(1, content)
    if kind == "boolValue":
        return field(2, int(content))
    if kind == "intValue":
        return field(3, int(content) % 2**64)
    if kind == "arrayValue":
        return field(5, b"".join(field(1, any_value(item)) for item in content.get("values", [])))
    return b""


def attributes(number, message):
    return b"".join(
        field(number, field(1, item["key"]) + field(2, any_value(item["value"]))) for item in message.get("attributes", [])
    )


def span(message):
    out = field(1, bytes.fromhex(message["traceId"])) + field(2, bytes.fromhex(message["spanId"]))
    out += field(4, bytes.fromhex(message.get("parentSpanId", ""))) + field(5, message["name"]) + field(6, message["kind"])
    out += fixed(7, message["startTimeUnixNano"]) + fixed(8, message["endTimeUnixNano"])
    return out + attributes(9, message)


def request(message):
    out = b""
    for group in message["resourceSpans"]:
        scopes = b"".join(
            field(2, field(1, field(1, scope.get("scope", {}).get("name", ""))) + b"".join(field(2, span(s)) for s in scope["spans"]))
            for scope in group["scopeSpans"]
        )
        out += field(1, field(1, attributes(1, group["resource"])) + scopes)
    return out


def delimited(messages):
    return b"".join(len(message).to_bytes(4, "big") + message for message in messages)


# zstd frames by hand (RFC 8878), for what no packer writes.
def zstd(content, window=17):
    blocks = [content[at : at + 65_536] for at in range(0, len(content), 65_536)]
    out = b"\x28\xb5\x2f\xfd\x00" + bytes([(window - 10) << 3])
    for number, block in enumerate(blocks):
        out += (len(block) << 3 | (number + 1 == len(blocks))).to_bytes(3, "little") + block
    return out


def zstd_bomb(byte, size, window=17):
    block = 128 << 10
    repeated = (block << 3 | 1 << 1).to_bytes(3, "little") + byte
    last = (block << 3 | 1 << 1 | 1).to_bytes(3, "little") + byte
    return b"\x28\xb5\x2f\xfd\x00" + bytes([(window - 10) << 3]) + repeated * (size // block - 1) + last


def gz_bomb(content, size):
    return gzip.compress(content * ((64 << 20) // len(content)), 9, mtime=0) * (size // (64 << 20))


# Running.
def pieces_of(text):
    tokens = set(re.findall(rb"eyJ[\w-]+\.[\w-]+\.[\w-]+", text))
    return {token[at : at + PIECE] for token in tokens for at in range(len(token) - PIECE + 1)}


def launched(path):
    """Output, complaints, exit status, peak of memory in MB, and seconds. Runs in a process of its own that stays small: a child
    begins with the peak of its parent."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        command = [PROGRAM, "check", "--memory", "64MiB", "--format", "json", str(path)]
        child = subprocess.Popen(command, stdout=out, stderr=err, stdin=subprocess.DEVNULL, cwd=path.parent)
        late = threading.Timer(SECONDS, child.kill)
        late.start()
        _, status, usage = os.wait4(child.pid, 0)
        late.cancel()
        child.returncode = status = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        out.seek(0)
        err.seek(0)
        return out.read(8 << 20), err.read(1 << 20), status, usage.ru_maxrss / 1024, seconds


launcher = ProcessPoolExecutor(1, multiprocessing.get_context("fork"))
launcher.submit(os.getpid).result()
PIECES = pieces_of(b"\n".join(path.read_bytes() for path in [*DATA.glob("runs/*.jsonl"), *DATA.glob("formats/*")]))


def run(path):
    """Message, exit status, spans, megabytes, seconds, and what is wrong."""
    said, complained, status, peak, seconds = launcher.submit(launched, path).result()
    wrong = []
    if seconds >= SECONDS:
        wrong.append(f"took more than {SECONDS} s")
    if status not in (0, 1, 2):
        wrong.append(f"exit status {status}")
    if b"panicked" in complained:
        wrong.append("panicked")
    if peak > MEGABYTES:
        wrong.append(f"took {peak:.0f} MB")
    for text in (said, complained):
        if any(text[at : at + PIECE] in PIECES for at in range(len(text) - PIECE + 1)):
            wrong.append("a piece of a token is in its output")
    spans = 0
    if said.startswith(b"{"):
        spans = int(re.search(rb'"spans":(\d+)', said).group(1))
    elif status != 2:
        wrong.append("no report")
    if status == 2 and not complained.strip():
        wrong.append("no word of what is wrong")
    lines = complained.decode(errors="replace").replace(str(path.parent) + "/", "").strip().splitlines()
    ours = [line for line in lines if "memory is full" not in line]
    more = f" (and {len(ours) - 1} more lines)" if len(ours) > 1 else ""
    return (ours[0][:200] + more if ours else "—"), status, spans, peak, seconds, wrong


def span_of(values):
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)}–{max(values)}"


def row(name, paths):
    """One line of the table for inputs that differ in the place of the damage only."""
    if ONLY not in name:
        return
    results = [run(path) for path in paths]
    messages = Counter(re.sub(r"\d+", "N", result[0]) if len(paths) > 1 else result[0] for result in results)
    message, often = messages.most_common(1)[0]
    if len(messages) > 1:
        message += f" [{often} of {len(paths)}]"
    statuses = ", ".join(map(str, sorted({result[1] for result in results})))
    cells = [name, message.replace("|", "\\|"), statuses, span_of([result[2] for result in results])]
    cells += [f"{max(result[3] for result in results):.0f} MB", f"{max(result[4] for result in results):.1f} s"]
    print("| " + " | ".join(cells) + " |", flush=True)
    failures.extend(f"{name} ({path.name}): {why}" for path, result in zip(paths, results) for why in result[5])


def written(folder, name, contents):
    """Inputs in files that are gone when their line is printed."""
    if ONLY not in name:
        return
    paths = []
    for number, content in enumerate(contents):
        path = folder / f"input-{number}"
        with path.open("wb") as file:
            for chunk in [content] if isinstance(content, bytes) else content:
                file.write(chunk)
        paths.append(path)
    row(name, paths)
    for path in paths:
        path.unlink()


# Inputs.
def otlp(spans, resource=b"", behind=b""):
    """One request on one line, its spans from a generator."""
    resource = resource or b'"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},'
    yield b'{"resourceSpans":[{' + resource + b'"scopeSpans":[{"scope":{"name":"made"},"spans":['
    first = True
    for text in spans:
        yield text if first else b"," + text
        first = False
    yield b"]}]" + behind + b"}]}\n"


def made_span(number=1, name='"GET"', more=""):
    header = f'{{"key":"http.request.header.authorization","value":{{"stringValue":"Bearer {TOKEN}"}}}}'
    return (
        f'{{"traceId":"{number // 4 + 1:032x}","spanId":"{number + 1:016x}","name":{name},"kind":2,'
        f'"startTimeUnixNano":"1795448778393090671","endTimeUnixNano":"1795448778425937052","attributes":[{header}{more}]}}'
    ).encode()


def many(size):
    """Spans of so many bytes together."""
    length = len(made_span(1))
    return (made_span(number) for number in range(size // length))


def filled(byte):
    return (byte * (1 << 20) for _ in range(LARGE >> 20))


def pretty(chunks):
    """The same over many lines: one span, key and value a line at least."""
    for chunk in chunks:
        yield chunk.replace(b",", b",\n  ").replace(b"{", b"{\n    ")


def nested(before, inside, after, depth=100_000):
    return before * depth + inside + after * depth


def attribute(value):
    return b"".join(otlp([made_span(1, more=',{"key":"deep","value":' + value.decode() + "}")]))


def protobuf_nested(kind, depth=100_000):
    """AnyValue within ArrayValue (5) or within KeyValueList (6), so many times."""
    heads, length = [], 0
    for _ in range(depth):
        head = b"\x0a" + varint(length)
        if kind == 6:
            entry = b"\x0a\x01k\x12" + varint(length)
            head = b"\x0a" + varint(len(entry) + length) + entry
        head = varint(kind << 3 | 2) + varint(len(head) + length) + head
        heads.append(head)
        length += len(head)
    value = b"".join(reversed(heads))
    item = field(1, b"\x01" * 16) + field(2, b"\x02" * 8) + field(5, "GET") + field(9, field(1, "deep") + field(2, value))
    return field(1, field(1, b"") + field(2, field(2, item)))


def interleaved(one, two, chance):
    """Two writers on one file: each line of the first is torn by one of the second."""
    out = b""
    for first, second in zip(one.splitlines(), two.splitlines()):
        at = chance.randrange(len(first))
        out += first[:at] + second + b"\n" + first[at:] + b"\n"
    return out


def mistyped(text, chance):
    """Every fourth value or so is of another type."""

    def change(value):
        if chance.random() < 0.05:
            return chance.choice([None, True, -1, 1.5e300, "", "x", [], {}, [[1]], {"a": {}}, 2**70])
        if isinstance(value, dict):
            return {key: change(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [change(inner) for inner in value]
        return value

    return b"".join(json.dumps(change(json.loads(line))).encode() + b"\n" for line in text.splitlines())


def junk(folder):
    chance = random.Random(7)
    place = folder / "junk"
    (place / "inside").mkdir(parents=True)
    (place / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chance.randbytes(5_000))
    (place / "noise.json").write_bytes(chance.randbytes(5_000))
    (place / "noise.pb").write_bytes(b"\x0a" + chance.randbytes(5_000))
    (place / "noise.gz").write_bytes(b"\x1f\x8b\x08" + chance.randbytes(5_000))
    (place / "noise.zst").write_bytes(b"\x28\xb5\x2f\xfd" + chance.randbytes(5_000))
    (place / "empty.json").write_bytes(b"")
    (place / "words.txt").write_text("nothing to see\n" * 100)
    (place / "table.csv").write_text("trace,span\n1,2\n")
    (place / "page.html").write_text("<!doctype html>")
    (place / "list.json").write_text("[1, 2, 3]")
    (place / "\u001b[31mred.json").write_text("{}")
    (place / "inside/loop").symlink_to(place)
    (place / "gone.jsonl").symlink_to(place / "nothing")
    os.mkfifo(place / "pipe.jsonl")
    return place


def main():
    began = time.monotonic()
    messages = [json.loads(line) for line in RUN.splitlines()]
    requests = [request(message) for message in messages if "resourceSpans" in message]
    groups = [group for message in messages for group in message.get("resourceSpans", [])]
    bases = {
        "JSON lines": RUN,
        "JSON document": json.dumps({"resourceSpans": groups}, indent=2).encode(),
        "delimited protobuf": delimited(requests),
        "bare protobuf": b"".join(requests),
        "gzip": gzip.compress(RUN, mtime=0),
        "zstd": zstd(RUN),
        "Jaeger": (DATA / "formats/drop-in-fanout.jaeger.json").read_bytes(),
        "Zipkin": (DATA / "formats/drop-in-fanout.zipkin.json").read_bytes(),
    }
    print("| input | what was said | status | spans | peak | time |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        every(folder, bases)
        texts(folder)
        nesting(folder)
        lies(folder, requests)
        large(folder)
        bombs(folder)
        row("a folder of junk", [junk(folder)])
    print(f"\n{time.monotonic() - began:.0f} s")
    for failure in failures:
        print(f"FAILED {failure}")
    sys.exit(bool(failures))


def every(folder, bases):
    """Damage that comes to any format."""
    chance = random.Random(1)
    for name, base in bases.items():
        written(folder, f"{name}, sound", [base])
        cuts = [len(base) // 10, len(base) // 2, len(base) - 3]
        written(folder, f"{name}, cut off at 3 places", [base[:cut] for cut in cuts])
        flipped = []
        for _ in range(20):
            torn = bytearray(base)
            torn[chance.randrange(len(base))] ^= 1 << chance.randrange(8)
            flipped.append(bytes(torn))
        written(folder, f"{name}, one bit flipped at 20 places", flipped)
        written(folder, f"{name}, NUL bytes behind it", [base + bytes(1 << 20)])
        written(folder, f"{name}, 4 KiB of NUL bytes in the middle", [base[: len(base) // 2] + bytes(4096) + base[len(base) // 2 :]])


def texts(folder):
    """What editors, systems and crashed writers do to text."""
    chance = random.Random(2)
    written(folder, "two writers, lines torn", [interleaved(RUN, OTHER, chance) for _ in range(5)])
    written(folder, "UTF-8 with a byte order mark", [b"\xef\xbb\xbf" + RUN])
    written(folder, "a byte order mark on every line", [b"".join(b"\xef\xbb\xbf" + line + b"\n" for line in RUN.splitlines())])
    written(folder, "UTF-16 with a mark, either order", [RUN.decode().encode("utf-16"), b"\xfe\xff" + RUN.decode().encode("utf-16-be")])
    written(folder, "UTF-16 without a mark, either order", [RUN.decode().encode("utf-16-le"), RUN.decode().encode("utf-16-be")])
    written(folder, "CRLF", [RUN.replace(b"\n", b"\r\n")])
    written(folder, "lone CR", [RUN.replace(b"\n", b"\r")])
    written(folder, "blank lines", [b"\n\n \t\n" + RUN.replace(b"\n", b"\n\r\n \n\n")])
    written(folder, "empty", [b""])
    written(folder, "only blanks", [b" \n" * 5_000])
    written(folder, "only NUL bytes", [bytes(10_000)])
    written(folder, "noise", [random.Random(number).randbytes(20_000) for number in range(20)])
    doubled = RUN.replace(b'"spanId":', b'"spanId":"","spanId":').replace(b'"resource":', b'"resource":{},"resource":')
    written(folder, "keys twice", [doubled, RUN.replace(b'"name":', b'"name":"x","name":')])
    written(folder, "wrong types", [mistyped(RUN, chance) for _ in range(20)])


def nesting(folder):
    """100,000 deep."""
    deep = {
        "`[`": nested(b"[", b"", b"]"),
        "`[`, never closed": b"[" * 100_000,
        'objects `{"a":`': nested(b'{"a":', b"1", b"}"),
        'wrappings `{"traces":[`': nested(b'{"traces":[', b"", b"]}"),
        "lists in an attribute": attribute(nested(b"[", b"1", b"]")),
        "arrayValue in an attribute": attribute(nested(b'{"arrayValue":{"values":[', b'{"intValue":1}', b"]}}")),
        "kvlistValue in an attribute": attribute(
            nested(b'{"kvlistValue":{"values":[{"key":"k","value":', b'{"intValue":1}', b"}]}}")
        ),
        "protobuf ArrayValue": protobuf_nested(5),
        "protobuf KeyValueList": protobuf_nested(6),
        "protobuf groups": field(1, b"\x0a\x00" + b"\x0b" * 100_000),
    }
    for name, content in deep.items():
        written(folder, f"100,000 deep: {name}", [content])


def lies(folder, requests):
    """Lengths that are not true."""
    whole = delimited(requests)
    written(folder, "a length of 2^32 - 1 behind sound messages", [whole + b"\xff\xff\xff\xff" + requests[0]])
    written(folder, "a length of 500 MB behind sound messages", [whole + (500_000_000).to_bytes(4, "big") + requests[0]])
    written(folder, "a length one too long, one too short", [
        (len(requests[0]) + 1).to_bytes(4, "big") + whole[4:], (len(requests[0]) - 1).to_bytes(4, "big") + whole[4:]
    ])
    written(folder, "bare protobuf, a group of 2^63 bytes", [requests[0] + b"\x0a" + varint(2**63) + requests[0]])
    inner = requests[0][:3] + b"\x0a\xff\xff\xff\xff\x0f" + requests[0][3:]
    written(folder, "bare protobuf, a resource of 4 GB within a group", [field(1, inner)])
    written(folder, "a zstd record of 10 GB within a message", [delimited([zstd_bomb(b" ", BOMB)])])


def large(folder):
    """300 MB in one piece."""
    behind = b',"resource":{"attributes":[]}'
    written(folder, "300 MB on one line, one resource", [otlp(many(LARGE))])
    written(folder, "300 MB over many lines, one resource", [pretty(otlp(many(LARGE)))])
    written(folder, "300 MB on one line, the resource behind the spans", [otlp(many(LARGE), b'"x":1,', behind)])
    begin, end = b'{"resourceSpans":[{"resource":{},"scopeSpans":[{"spans":[{"name":"', b'"}]}]}]}\n'
    written(folder, "300 MB on one line, one name, sound lines behind it", [chain([begin], filled(b"n"), [end, RUN])])
    written(folder, "300 MB on one line, no JSON, sound lines behind it", [chain(filled(b"x"), [b"\n", RUN])])
    written(folder, "a name of 10 MB", [b"".join(otlp([made_span(1, name='"' + "n" * 10_000_000 + '"')]))])
    more = "".join(f',{{"key":"k{number}","value":{{"intValue":"{number}"}}}}' for number in range(1_000_000))
    written(folder, "1,000,000 attributes on one span", [b"".join(otlp([made_span(1, more=more)]))])


def bombs(folder):
    """10 GB out of little."""
    written(folder, "gzip, 10 GB of blanks", [gz_bomb(b" ", BOMB)])
    written(folder, "gzip, 10 GB of empty lines", [gz_bomb(b"\n", BOMB)])
    written(folder, "gzip, 10 GB of empty lines behind sound ones", [gzip.compress(RUN, mtime=0) + gz_bomb(b"\n", BOMB)])
    written(folder, "zstd, 10 GB of blanks", [zstd_bomb(b" ", BOMB)])
    written(folder, "zstd, 10 GB of empty lines", [zstd_bomb(b"\n", BOMB)])
    written(folder, "zstd, 10 GB of `[`", [zstd_bomb(b"[", BOMB)])
    written(folder, "zstd, 10 GB of NUL bytes behind sound lines", [zstd(RUN) + zstd_bomb(b"\0", BOMB)])
    written(folder, "zstd with a window of 128 MB", [zstd_bomb(b"\n", 1 << 30, 27)])
    written(folder, "zstd with a window of 2 GB", [zstd_bomb(b"\n", 1 << 30, 31)])
    written(folder, "zstd with a window of 2 GB behind sound lines", [zstd(RUN) + zstd_bomb(b"\n", 1 << 30, 31)])
    written(folder, "packed four times", [gzip.compress(gzip.compress(gzip.compress(gzip.compress(RUN))))])


if __name__ == "__main__":
    main()
