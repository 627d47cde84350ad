"""canary.py JWTRAIL: tokens through every door, then a look at the whole memory of the process.

Each door gets a token of its own, so that what is found tells where it came in. A second after the last of them was
answered, with all connections still open, no nine neighbouring characters of any token may be in memory, in a file, in
the log, in what is printed, recorded or copied. Prints a table, ends with 'N passed, N failed'.
"""

import argparse
import base64
import gzip
import hashlib
import hmac
import json
import os
import sys
import tempfile
import time
import zlib

import wire
from memory import Pieces
from screen import COPIED, Screen
from serving import Serving

try:
    import zstandard
except ImportError:
    sys.exit("expected the Python package zstandard: run this by tests/siege/run.sh")

TRACE, START = 0, 1_790_000_000_000_000_000


def token(door, size=900):
    """A token that holds the door's name only as a digest; nothing of it is like any other token."""
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    noise = os.urandom(24).hex()
    header = part({"kid": noise, "alg": "HS256", "typ": "JWT"})
    payload = part({"jti": os.urandom(16).hex(), "sub": subject(door), "iss": "https://idp.test", "exp": 1_900_000_000,
                    "fill": base64.b64encode(os.urandom(max(0, size - 300) * 9 // 16)).decode()})
    signature = hmac.new(os.urandom(32), f"{header}.{payload}".encode(), hashlib.sha256).digest()
    return f"{header}.{payload}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def subject(door):
    return "subject-" + hashlib.sha256(door.encode()).hexdigest()[:24]


def planted(service, number, parent, kind, raw, header):
    """A span with the token in every place where one was ever seen."""
    attributes = [
        wire.texts("http.request.header.authorization", header),
        wire.texts("http.request.header.cookie", f"sid={raw}; theme=dark"),
        wire.texts("http.request.header.user_agent", f"curl {raw}"),
        wire.texts("http.request.header.baggage", f"token={raw}"),
        wire.texts("http.response.header.www-authenticate", f'Bearer error="{raw}"'),
        wire.text("http.response.status_code", "401"),
        wire.text("http.route", f"/verify/{raw}"),
        wire.text("url.full", f"http://orders.test/a?access_token={raw}"),
        wire.text("url.query", f"access_token={raw}&id_token={raw}"),
        wire.text("server.address", f"{raw}.test"),
        wire.text("error.type", raw),
        wire.text("db.query.text", f"select * from sessions where token = '{raw}'"),
        wire.text("jwtrail.token.kid", raw),
    ]
    event = {"name": "exception", "attributes": [
        wire.text("exception.type", "jwt.exceptions.InvalidSignatureError"),
        wire.text("exception.message", f"signature of {raw} is wrong"),
        wire.text("exception.stacktrace", f"File \"auth.py\"\n  decode('{raw}')"),
    ]}
    return wire.span(TRACE.to_bytes(16, "big"), number.to_bytes(8, "big"), parent and parent.to_bytes(8, "big") or b"", kind,
                     f"GET /verify/{raw}", START + number * 1_000_000, attributes, traceState=f"a={raw}", events=[event],
                     status={"code": 2, "message": f"cannot verify {raw}"})


def request(raw):
    """gateway → orders, which loses the token, → payment, which gets it as it is."""
    global TRACE
    TRACE += 1
    bearer = f"Bearer {raw}"
    made = [("gateway", 1, 0, 2, bearer), ("gateway", 2, 1, 3, ""), ("orders", 3, 2, 2, ""),
            ("gateway", 4, 1, 3, bearer), ("payment", 5, 4, 2, bearer)]
    entries = []
    for service, number, parent, kind, header in made:
        resource = [wire.text("service.instance.id", f"{service}-{raw}"), wire.texts("process.command_args", "--token", raw)]
        entry = wire.spans_of(service, planted(service, number, parent, kind, raw, header), resource=resource)
        entry["scopeSpans"][0]["scope"] = {"name": f"http {raw}", "version": raw}
        entries.append(entry)
    return {"resourceSpans": entries}


def log_record(raw):
    return {"resourceLogs": [{"resource": {"attributes": [wire.text("service.name", "orders")]}, "scopeLogs": [{"logRecords": [{
        "traceId": TRACE.to_bytes(16, "big").hex(), "spanId": "00" * 7 + "03", "severityText": "WARN",
        "body": {"stringValue": f"InvalidSignatureError: {raw}"},
        "attributes": [wire.text("exception.message", f"bad {raw}"), wire.text("authorization", f"Bearer {raw}")]}]}]}]}


CODINGS = {
    "identity": lambda body: body,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.ZstdCompressor(level=3).compress,
    # Without the size in its header, as streams are: the receiver cannot know it ahead.
    "zstd stream": lambda body: (lambda packer: packer.compress(body) + packer.flush())(zstandard.ZstdCompressor(level=3).compressobj()),
}


class Doors:
    """Every way in, each with its own token; the connections stay open until `close`."""

    def __init__(self):
        self.pieces, self.open, self.tokens = Pieces(), [], {}

    def token(self, door, **more):
        made = self.tokens[door] = token(door, **more)
        return made

    def known(self):
        for door, made in self.tokens.items():
            self.pieces.add(door, made)
            self.pieces.add_text(door, subject(door))

    def grpc(self, port):
        for coding, pack in CODINGS.items():
            for signal_, make in (("traces", request), ("logs", log_record)):
                door = f"gRPC {signal_} {coding}"
                connection = wire.Grpc(port)
                more = [("authorization", f"Bearer {self.token(door)}")]
                body = pack(wire.protobuf(make(self.tokens[door])))
                answer = connection.call(body, wire.METHODS[signal_], coding.split()[0], more)
                assert answer is not None and b"grpc-status" in answer or answer, f"{door}: {answer!r}"
                self.open.append(connection)

    def http(self, port):
        for kind, write in (("protobuf", wire.protobuf), ("json", lambda it: json.dumps(it).encode())):
            for coding, pack in CODINGS.items():
                for signal_, make in (("traces", request), ("logs", log_record)):
                    door = f"HTTP {kind} {signal_} {coding}"
                    raw = self.token(door)
                    self.post(port, f"/v1/{signal_}", kind, coding, pack(write(make(raw))), raw, door)

    def post(self, port, path, kind, coding, body, raw, door, want=200):
        media = "application/json" if kind == "json" else "application/x-protobuf"
        headers = [f"authorization: Bearer {raw}", f"cookie: sid={raw}"]
        headers += [] if coding == "identity" else [f"content-encoding: {coding.split()[0]}"]
        connection = wire.connect(port)
        connection.sendall(wire.post_head(path, len(body), media, headers) + body)
        status, text = wire.answer(connection)
        assert status == want, f"{door}: expected {want}, found {status} {text!r}"
        self.open.append(connection)

    def awkward(self, grpc, http):
        """What is refused, what comes in pieces, what is large."""
        raw = self.token("HTTP broken JSON")
        self.post(http, "/v1/traces", "json", "identity", f'{{"resourceSpans": [{{"{raw}": 1, {raw}'.encode(), raw, "broken", 400)
        raw = self.token("HTTP damaged gzip")
        body = gzip.compress(wire.protobuf(request(raw)))
        self.post(http, "/v1/traces", "protobuf", "gzip", body[:-9] + b"123456789", raw, "damaged gzip", 400)
        raw = self.token("HTTP path")
        self.post(http, f"/v1/{raw}?access_token={raw}", "json", "identity", b"{}", raw, "path", 404)
        raw = self.token("HTTP chunks")
        self.open.append(connection := wire.connect(http))
        body = wire.protobuf(request(raw))
        connection.sendall(wire.post_head("/v1/traces", None, headers=["transfer-encoding: chunked"]))
        for at in range(0, len(body), 1000):
            piece = body[at:at + 1000]
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            time.sleep(0.001)
        connection.sendall(b"0\r\n\r\n")
        assert wire.answer(connection)[0] == 200
        for door, size in (("HTTP large", 100_000), ("gRPC large", 100_000)):
            raw = self.token(door, size=size)
            body = wire.protobuf(request(raw))
            if door.startswith("HTTP"):
                self.post(http, "/v1/traces", "protobuf", "identity", body, "-", door)
            else:
                self.open.append(connection := wire.Grpc(grpc))
                assert connection.call(body)
        raw = self.token("HTTP cut off")
        self.open.append(connection := wire.connect(http))
        body = wire.protobuf(request(raw))
        connection.sendall(wire.post_head("/v1/traces", len(body)) + body[:len(body) // 2])
        connection.close()

    def close(self):
        for connection in self.open:
            connection.close()


def files(folder):
    for place, _, names in os.walk(folder):
        yield from (os.path.join(place, name) for name in names)


def look(pieces, pid, folder):
    """door → what was found where, in memory and in files."""
    found = {}
    for door, address, name, what in pieces.in_process(pid) if pid else ():
        found.setdefault(door, []).append((f"{name} {address:x}", what))
    for path in files(folder):
        with open(path, "rb") as f:
            for door, _, what in pieces.within(f.read()):
                found.setdefault(door, []).append((path, what))
    return found


class Table:
    def __init__(self):
        self.passed = self.failed = 0

    def show(self, title, doors, found, known=lambda door: False):
        """`known` are doors of which the threat model says that they leave something: shown, and held to nothing."""
        print(f"-- {title}")
        for door in doors:
            at = found.get(door, [])
            if not known(door):
                self.passed, self.failed = (self.passed, self.failed + 1) if at else (self.passed + 1, self.failed)
            line = f"{('left' if known(door) else 'FAIL') if at else 'ok  '} {door:36}"
            if at:
                longest = max(at, key=lambda each: len(each[1]))
                line += f" {len(at)} stretches, the longest of {len(longest[1])}; in " + ", ".join(sorted({each[0].rsplit(' ', 1)[0] for each in at}))
            print(line, flush=True)
            if VERBOSE:
                for where, what in at:
                    print(f"       {where} {len(what)} {what[:60].decode(errors='replace')}")


def served(binary, table):
    with tempfile.TemporaryDirectory(prefix="jwtrail-canary-") as folder:
        serving = Serving(binary, folder, "--record", f"{folder}/kept.jsonl", seconds=300, JWTRAIL_LOG="trace", RUST_BACKTRACE="full")
        try:
            doors = Doors()
            doors.grpc(serving.grpc)
            doors.http(serving.http)
            doors.awkward(serving.grpc, serving.http)
            doors.known()
            time.sleep(1)
            table.show("serve, connections open", doors.tokens, look(doors.pieces, serving.pid, folder))
            doors.close()
            time.sleep(1)
            table.show("serve, connections closed", doors.tokens, look(doors.pieces, serving.pid, folder))
            report = serving.end()
            assert report["input"]["spans"] > 50, report["input"]
            table.show("serve, what it leaves", doors.tokens, look(doors.pieces, None, folder))
        finally:
            if serving.alive():
                serving.kill()


def written(doors, folder):
    """The doors that files are: one for each way in which they are packed."""
    os.makedirs(folder)
    paths = []
    for coding, pack in CODINGS.items():
        for kind, write in (("protobuf", wire.protobuf), ("json", lambda it: json.dumps(it).encode())):
            door = f"file {kind} {coding}"
            raw = doors.token(door)
            body = write(request(raw)) + (b"\n" + write(log_record(raw)) if kind == "json" else b"")
            if coding == "deflate":
                continue
            paths.append(f"{folder}/{kind}-{coding.replace(' ', '-')}")
            with open(paths[-1], "wb") as f:
                f.write(pack(body))
    for door in [door for door in doors.tokens if door.endswith("deflate")]:
        del doors.tokens[door]
    return paths


def shown(binary, table):
    """The screens over live spans: what they draw, copy, save and keep, and their memory."""
    with tempfile.TemporaryDirectory(prefix="jwtrail-canary-") as folder:
        screen = Screen(binary, folder, "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", JWTRAIL_LOG="trace")
        try:
            screen.wait_for("127.0.0.1:")
            grpc, http = listening(screen.pid)
            doors = Doors()
            doors.grpc(grpc)
            doors.http(http)
            doors.awkward(grpc, http)
            doors.known()
            screen.read(1)
            table.show("screens, all answered", doors.tokens, look(doors.pieces, screen.pid, folder))
            for keys in ("1", "y", "m", "\x1b", "2", "\r", "s", "\x1b", "3", "\r", "y", "\x1b", "4", "j", "5", "j", "?", "\x1b", "L", "\x1b"):
                screen.press(keys)
            found = {door: [("screen", what)] for door, _, what in doors.pieces.within(COPIED.sub(b"", screen.written) + b"\n" + screen.copied())}
            table.show("screens, what they draw and copy", doors.tokens, found)
            doors.close()
            screen.read(1)
            table.show("screens, used", doors.tokens, look(doors.pieces, screen.pid, folder))
        finally:
            screen.end()


def listening(pid):
    """The ports that the process listens on, gRPC's first: in the order in which they were bound."""
    inodes = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    with open(f"/proc/{pid}/net/tcp") as f:
        rows = [line.split() for line in f.readlines()[1:]]
    mine = [row for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes]
    return [int(row[1].split(":")[1], 16) for row in sorted(mine, key=lambda row: int(row[9]))]


def replayed(binary, table):
    """Files on the screen, and files that are followed; what they hold stays in them, and nowhere else."""
    for args in (["replay", "--speed", "max"], ["check", "--follow", "--for", "60s"]):
        with tempfile.TemporaryDirectory(prefix="jwtrail-canary-") as folder, \
                tempfile.TemporaryDirectory(prefix="jwtrail-canary-in-") as inputs:
            doors = Doors()
            paths = written(doors, f"{inputs}/in")
            if "--follow" in args:
                paths = [path for path in paths if path.endswith("identity")]
                doors.tokens = {door: made for door, made in doors.tokens.items() if door.endswith("identity")}
            doors.known()
            screen = Screen(binary, folder, *args, *paths, JWTRAIL_LOG="trace")
            try:
                screen.wait_for("orders", 30)
                screen.read(2)
                table.show(" ".join(args[:2]), doors.tokens, look(doors.pieces, screen.pid, folder),
                           known=lambda door: "--follow" in args or "json zstd" in door)
                found = {door: [("screen", what)] for door, _, what in doors.pieces.within(screen.written)}
                table.show(f"{args[0]}, what it prints", doors.tokens, found)
            finally:
                screen.end()


def main():
    global VERBOSE
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--verbose", action="store_true", help="every place of every piece")
    parser.add_argument("--only", action="append", choices=["served", "shown", "replayed"])
    options = parser.parse_args()
    VERBOSE = options.verbose
    table = Table()
    for part in (served, shown, replayed):
        if not options.only or part.__name__ in options.only:
            part(os.path.abspath(options.binary), table)
    print(f"{table.passed} passed, {table.failed} failed")
    return 1 if table.failed else 0


if __name__ == "__main__":
    sys.exit(main())
