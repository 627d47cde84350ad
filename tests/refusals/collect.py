"""Gathers what the scripts printed into `tests/data/refusals.json`, scrubbed.

    python collect.py /tmp/refusals/{python,node,go,java,rust}.jsonl

No piece of a token over 8 characters stays, no path of a machine, no port and no key; of a stack trace the first and
last lines. Texts of `sources.json` were read in the sources of their libraries and are marked so.
"""

import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
PIECE, STACK, MESSAGE = 8, 1000, 700
# One text for two reasons: the library does not tell them apart.
ONE_TEXT = {
    "Another algorithm expected, or no matching key(s) found": "unknown_key",
    '"type": "UnauthorizedError", "message": "Unauthorized"': "rejected",
    # go-jose hands on what Go's decoder says of any text.
    "encoding/base64.CorruptInputError": "rejected",
}


def scrub(text, token):
    """The text without any part of the token that is longer than PIECE."""
    if not text:
        return text
    text = re.sub(r"(?<![A-Za-z])ey[A-Za-z0-9_-]{7,}(\.[A-Za-z0-9_~-]*)*", "[token]", text)
    text = re.sub(r'"(n|x5c|x5t)": *\[?"[A-Za-z0-9_=+/-]{9,}"?', r'"\1":"[key]"', text)
    if token.count(".") >= 1:
        pieces = {token[i:i + PIECE + 1] for i in range(len(token) - PIECE)}
        for piece in sorted(pieces):
            while piece in text:
                at = text.index(piece)
                end = at + len(piece)
                while end < len(text) and text[end - PIECE:end + 1] in pieces:
                    end += 1
                text = text[:at] + "[token]" + text[end:]
    return neutral(text)


def neutral(text):
    """No path of a machine, no port that another run would not have."""
    text = re.sub(r"(/tmp|/work|/root|/home|/usr/local|/opt)(/[\w.@+-]+)*?/(site-packages|node_modules|mod|src)/",
                  r"/srv/app/\3/", text)
    text = re.sub(r"(/tmp|/work|/root|/home)(/[\w.@+-]+)*/", "/srv/app/", text)
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8080", text)


def ends(text, most):
    """First and last lines, `most` characters at most."""
    if len(text) <= most:
        return text
    lines, head, tail = text.splitlines(), [], []
    while lines and sum(map(len, head)) < most * 2 // 5:
        head.append(lines.pop(0)[:most * 2 // 5])
    while lines and sum(map(len, tail)) + len(lines[-1]) < most // 2:
        tail.insert(0, lines.pop())
    return "\n".join([*head, "…", *tail])


def entry(line):
    token = line.pop("token")
    exception = line["exception"]
    if exception:
        stack = ends(scrub(exception.get("stacktrace") or "", token), STACK)
        message = scrub(exception.get("message") or "", token)[:MESSAGE]
        line["exception"] = {"type": exception.get("type") or "", "message": message, "stacktrace": stack}
    line["challenge"] = scrub(line["challenge"], token)
    said = json.dumps(line)
    for text, reason in ONE_TEXT.items():
        if text in said and line["asked_reason"] != reason:
            line["said_reason"] = reason
    return {key: value for key, value in line.items() if value is not None}


def from_sources():
    for one in json.loads((HERE / "sources.json").read_text()):
        common = {"library": one["library"], "version": "", "language": one["language"], "read_in_sources": True,
                  "recorded_by": one["source"]}
        for reason, text in one.get("challenges", {}).items():
            challenge = f'Bearer error="invalid_token", error_description="{text}"'
            yield {**common, "asked_reason": reason, "challenge": challenge, "status": 401}
        for reason, kind, message in one.get("exceptions", []):
            kind = one["module"] + kind
            yield {**common, "asked_reason": reason,
                   "exception": {"type": kind, "message": message, "stacktrace": f"{kind}: {message}"}}


def main():
    entries, seen = [], set()
    for path in sys.argv[1:]:
        for line in Path(path).read_text().splitlines():
            entries.append(entry(json.loads(line)))
    entries.extend(from_sources())
    kept = []
    for one in entries:
        exception = one.get("exception") or {}
        if not exception and "challenge" not in one:
            continue
        key = (one["library"], one["asked_reason"], one.get("recorded_by"), exception.get("type"),
               re.sub(r"\d+", "0", exception.get("message", "")), one.get("challenge"), one.get("status"))
        if key not in seen:
            seen.add(key)
            kept.append(one)
    text = "[\n" + ",\n".join(json.dumps(one, ensure_ascii=False) for one in kept) + "\n]\n"
    (HERE.parent / "data" / "refusals.json").write_text(text)
    print(len(kept), "refusals", len(text), "bytes", file=sys.stderr)


main()
