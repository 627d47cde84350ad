"""OTLP and HTTP/2 by hand, on the standard library: what an honest client library would not send can be sent too.

Spans are written once, as OTLP JSON; `protobuf` gives the same request in binary.
"""

import socket
import struct

# ---- OTLP ----


def text(key, value):
    return {"key": key, "value": {"stringValue": value}}


def texts(key, *values):
    return {"key": key, "value": {"arrayValue": {"values": [{"stringValue": value} for value in values]}}}


def spans_of(service, *spans, resource=()):
    """One entry of `resourceSpans`."""
    attributes = [text("service.name", service), *resource]
    return {"resource": {"attributes": attributes}, "scopeSpans": [{"scope": {"name": "siege"}, "spans": list(spans)}]}


def span(trace, span_id, parent=b"", kind=2, name="GET /", start=1_790_000_000_000_000_000, attributes=(), **more):
    """A span of ten milliseconds; ids are bytes."""
    return {"traceId": trace.hex(), "spanId": span_id.hex(), "parentSpanId": parent.hex(), "name": name, "kind": kind,
            "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 10_000_000),
            "attributes": list(attributes), **more}


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def part(field, payload):
    """A length-delimited field: text, bytes or a message."""
    payload = payload.encode() if isinstance(payload, str) else payload
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def number(field, value):
    return varint(field << 3) + varint(value)


def fixed(field, value):
    return varint(field << 3 | 1) + struct.pack("<Q", int(value))


def _value(value):
    if "stringValue" in value:
        return part(1, value["stringValue"])
    return part(5, b"".join(part(1, _value(each)) for each in value["arrayValue"]["values"]))


def _attributes(field, attributes):
    return b"".join(part(field, part(1, each["key"]) + part(2, _value(each["value"]))) for each in attributes)


def _span(it):
    out = part(1, bytes.fromhex(it["traceId"])) + part(2, bytes.fromhex(it["spanId"]))
    out += part(3, it.get("traceState", "")) + part(4, bytes.fromhex(it["parentSpanId"])) + part(5, it["name"])
    out += number(6, it["kind"]) + fixed(7, it["startTimeUnixNano"]) + fixed(8, it["endTimeUnixNano"])
    out += _attributes(9, it["attributes"])
    for event in it.get("events", ()):
        out += part(11, part(2, event["name"]) + _attributes(3, event["attributes"]))
    if "status" in it:
        out += part(15, part(2, it["status"]["message"]) + number(3, it["status"]["code"]))
    return out


def protobuf(request):
    """An ExportTraceServiceRequest or ExportLogsServiceRequest in binary."""
    out = b""
    for entry in request.get("resourceSpans", ()):
        scopes = b""
        for scope in entry["scopeSpans"]:
            named = part(1, part(1, scope["scope"]["name"]) + part(2, scope["scope"].get("version", "")))
            scopes += part(2, named + b"".join(part(2, _span(each)) for each in scope["spans"]))
        out += part(1, part(1, _attributes(1, entry["resource"]["attributes"])) + scopes)
    for entry in request.get("resourceLogs", ()):
        records = b""
        for record in entry["scopeLogs"][0]["logRecords"]:
            written = part(3, record["severityText"]) + part(5, _value(record["body"]))
            written += _attributes(6, record["attributes"])
            written += part(9, bytes.fromhex(record["traceId"])) + part(10, bytes.fromhex(record["spanId"]))
            records += part(2, written)
        out += part(1, part(1, _attributes(1, entry["resource"]["attributes"])) + part(2, records))
    return out


# ---- HTTP/1.1 ----


def connect(port, timeout=20):
    return socket.create_connection(("127.0.0.1", port), timeout=timeout)


def post_head(path, length, kind="application/x-protobuf", headers=()):
    """Headers of a request that is told to keep its connection."""
    lines = [f"POST {path} HTTP/1.1", "host: siege", f"content-type: {kind}", *headers]
    lines += [] if length is None else [f"content-length: {length}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer(stream):
    """Status and body of an answer with a length; the status is None where the server closed instead."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = stream.recv(65536)
        if not more:
            return None, got
        got += more
    head, body = got.split(b"\r\n\r\n", 1)
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        more = stream.recv(65536)
        if not more:
            break
        body += more
    return int(head.split(b" ", 2)[1]), body


# ---- HTTP/2 (RFC 9113) and gRPC ----

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
EXPORT = "/opentelemetry.proto.collector.{0}.v1.{1}Service/Export"
METHODS = {"traces": EXPORT.format("trace", "Trace"), "logs": EXPORT.format("logs", "Logs")}


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def header(name, value):
    """HPACK: a literal without indexing, neither name nor value packed."""
    name, value = name.encode(), value.encode()
    return b"\0" + _length(len(name)) + name + _length(len(value)) + value


def _length(length):
    return bytes([length]) if length < 127 else b"\x7f" + varint(length - 127)


def grpc_headers(method, coding="identity", more=()):
    fields = [(":method", "POST"), (":scheme", "http"), (":path", method), (":authority", "siege"),
              ("content-type", "application/grpc"), ("te", "trailers"), ("grpc-encoding", coding), *more]
    return b"".join(header(name, value) for name, value in fields)


class Grpc:
    """One HTTP/2 connection that makes one call after another."""

    def __init__(self, port, timeout=20):
        self.stream, self.next, self.read_ahead = connect(port, timeout), 1, b""
        self.window = 65_535
        self.stream.sendall(PREFACE + frame(SETTINGS, 0, 0))

    def call(self, message, method=METHODS["traces"], coding="identity", more=()):
        """Makes a call; its answer's bytes (headers, data and trailers as they came), or None where the server hung up."""
        number, self.next = self.next, self.next + 2
        packed = bytes([coding != "identity"]) + struct.pack(">I", len(message)) + message
        self.stream.sendall(frame(HEADERS, END_HEADERS, number, grpc_headers(method, coding, more)))
        for at in range(0, len(packed), 16_384):
            piece = packed[at:at + 16_384]
            while self.window < len(piece):
                if not self._step(None):
                    return None
            self.window -= len(piece)
            self.stream.sendall(frame(DATA, END_STREAM if at + 16_384 >= len(packed) else 0, number, piece))
        got = []
        while not (got and got[-1] is None):
            if not self._step((number, got)):
                return None
        return b"".join(got[:-1])

    def _step(self, want):
        """Reads one frame; False where the server hung up or refused the connection."""
        kind, flags, number, payload = self.frame()
        if kind is None or kind == GOAWAY:
            return False
        if kind == WINDOW and number == 0:
            self.window += struct.unpack(">I", payload)[0]
        elif kind in (SETTINGS, PING) and not flags & ACK:
            self.stream.sendall(frame(kind, ACK, 0, payload if kind == PING else b""))
        elif want and number == want[0]:
            want[1].append(payload)
            if kind == RESET or flags & END_STREAM and kind in (DATA, HEADERS):
                want[1].append(None)
        return True

    def frame(self):
        while len(self.read_ahead) < 9 or len(self.read_ahead) < 9 + int.from_bytes(self.read_ahead[:3], "big"):
            more = self.stream.recv(65536)
            if not more:
                return None, 0, 0, b""
            self.read_ahead += more
        length, kind, flags = int.from_bytes(self.read_ahead[:3], "big"), self.read_ahead[3], self.read_ahead[4]
        number = int.from_bytes(self.read_ahead[5:9], "big") & 0x7FFF_FFFF
        payload, self.read_ahead = self.read_ahead[9:9 + length], self.read_ahead[9 + length:]
        return kind, flags, number, payload

    def close(self):
        self.stream.close()
