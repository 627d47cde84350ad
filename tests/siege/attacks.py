"""The strangers of siege.py. Each takes the process and a way to send honestly meanwhile; each says what happened, and how
many spans of its own were acknowledged."""

import json
import os
import socket
import struct
import threading
import time
import zlib

import wire
from serving import Serving

try:
    import zstandard
except ImportError:
    raise SystemExit("expected the Python package zstandard: run this by tests/siege/run.sh") from None

MIB = 1 << 20
CASES = {}


def case(name):
    def keep(function):
        CASES[name] = function
        return function
    return keep


def post(port, body, *headers, kind="application/x-protobuf"):
    """One request on a connection of its own: the status, or how it ended."""
    try:
        with wire.connect(port) as stream:
            stream.sendall(wire.post_head("/v1/traces", len(body), kind, headers) + body)
            return wire.answer(stream)[0]
    except OSError as error:
        return type(error).__name__


def together(function, times):
    """The same on so many threads; counts of what came out, as text."""
    out = []
    threads = [threading.Thread(target=lambda: out.append(function())) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ", ".join(f"{out.count(each)} × {each}" for each in sorted(set(out), key=str))


def zeros(mebibytes, packer):
    return b"".join([packer.compress(bytes(MIB)) for _ in range(mebibytes)]) + packer.flush()


@case("gzip bombs: 1 GiB in 1 MB, 16 at a time")
def gzip_bomb(serving, _):
    bomb = zeros(1024, zlib.compressobj(9, wbits=31))
    return together(lambda: post(serving.http, bomb, "content-encoding: gzip"), 16), 0


@case("zstd bombs: 1 GiB in 40 kB, 16 at a time")
def zstd_bomb(serving, _):
    bomb = zeros(1024, zstandard.ZstdCompressor(level=3).compressobj())
    return together(lambda: post(serving.http, bomb, "content-encoding: zstd"), 16), 0


@case("zstd with windows of 128 MiB and 2 GiB, 16 each")
def zstd_window(serving, _):
    happened = []
    for log in (27, 31):
        # Magic, a descriptor without size, the window's exponent, one last raw block of one byte.
        wide = b"\x28\xb5\x2f\xfd\x00" + bytes([(log - 10) << 3]) + b"\x09\x00\x00\x00"
        happened.append(together(lambda: post(serving.http, wide, "content-encoding: zstd"), 16))
    return ", ".join(happened), 0


@case("bodies of 17 MiB: told, in chunks, over gRPC")
def large(serving, _):
    body = bytes(17 * MIB)
    told = together(lambda: post(serving.http, body), 4)
    with wire.connect(serving.http) as stream:
        stream.sendall(wire.post_head("/v1/traces", None, headers=["transfer-encoding: chunked"]))
        try:
            for _ in range(17):
                stream.sendall(b"%x\r\n%s\r\n" % (MIB, body[:MIB]))
            stream.sendall(b"0\r\n\r\n")
            chunks = wire.answer(stream)[0]
        except OSError as error:
            chunks = type(error).__name__
    call = wire.Grpc(serving.grpc)
    call.stream.sendall(wire.frame(wire.HEADERS, wire.END_HEADERS, 1, wire.grpc_headers(wire.METHODS["traces"])))
    call.stream.sendall(wire.frame(wire.DATA, 0, 1, b"\0" + struct.pack(">I", len(body)) + bytes(10_000)))
    while True:
        kind, flags, number, _payload = call.frame()
        if kind is None or kind == wire.HEADERS and number == 1 and flags & wire.END_STREAM:
            break
    call.close()
    return f"{told}; chunks: {chunks}; gRPC: {'closed' if kind is None else 'refused'}", 0


def small(number):
    """A request of one span."""
    trace = struct.pack(">QQ", 7, number + 1)
    return wire.protobuf({"resourceSpans": [wire.spans_of("slow", wire.span(trace, b"\3" * 8))]})


@case("1,000 slow clients, a byte every half second")
def slow(serving, meanwhile):
    streams = []
    for number in range(1000):
        stream = socket.socket()
        stream.setblocking(False)
        stream.connect_ex(("127.0.0.1", serving.http if number % 2 else serving.grpc))
        streams.append((stream, wire.post_head("/v1/traces", 4000)))
    sent, closed = 0, set()
    for at in range(24):
        for number, (stream, head) in enumerate(streams):
            if number in closed:
                continue
            try:
                stream.send(head[at:at + 1])
                sent += 1
            except BlockingIOError:
                pass
            except OSError:
                closed.add(number)
        if at == 8:
            meanwhile()
        time.sleep(0.5)
    for stream, _ in streams:
        stream.close()
    return f"{sent} bytes sent, {len(closed)} were closed", 0


@case("10,000 idle connections")
def idle(serving, meanwhile):
    streams, failed = [], 0
    for number in range(10_000):
        stream = socket.socket()
        try:
            stream.setblocking(False)
            stream.connect_ex(("127.0.0.1", serving.http if number % 2 else serving.grpc))
            streams.append(stream)
        except OSError:
            failed += 1
    time.sleep(2)
    there = sum(1 for stream in streams if is_connected(stream))
    meanwhile()
    kept = sum(1 for stream in streams if is_connected(stream))
    for stream in streams:
        stream.close()
    return f"{there} were connected, {kept} after the exporter came", 0


def is_connected(stream):
    try:
        return stream.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        try:
            stream.getpeername()
            return True
        except OSError:
            return False
    except OSError:
        return False


@case("a request in writes of one byte, 20 at a time")
def bytewise(serving, _):
    numbers = iter(range(20))

    def one():
        body = small(next(numbers))
        with wire.connect(serving.http) as stream:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in wire.post_head("/v1/traces", len(body)) + body:
                stream.send(bytes([byte]))
            return wire.answer(stream)[0]
    return together(one, 20), 20


@case("half-closed: after the request, within its body, at once")
def half_closed(serving, _):
    body, happened = small(0), []
    whole = wire.post_head("/v1/traces", len(body)) + body
    for sent in (whole, whole[:-20], b""):
        with wire.connect(serving.http) as stream:
            stream.sendall(sent)
            stream.shutdown(socket.SHUT_WR)
            happened.append(str(wire.answer(stream)[0]))
    return ", ".join(happened), int(happened[0] == "200")


@case("200 connections cut off within a body")
def cut(serving, _):
    for number in range(200):
        with wire.connect(serving.http) as stream:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            stream.sendall(wire.post_head("/v1/traces", MIB) + bytes(100_000))
    return "reset by the client", 0


def until_closed(stream, chunk, most):
    """Sends until the other side closes: bytes sent, and what it said at last."""
    sent, said = 0, b""
    stream.settimeout(10)
    try:
        while sent < most:
            stream.sendall(chunk)
            sent += len(chunk)
    except OSError as error:
        said = type(error).__name__.encode()
    try:
        said = stream.recv(64) or said
    except OSError:
        pass
    return sent, said


@case("HTTP/1: headers without end")
def endless_headers(serving, _):
    with wire.connect(serving.http) as stream:
        stream.sendall(b"POST /v1/traces HTTP/1.1\r\nhost: siege\r\n")
        sent, said = until_closed(stream, b"x-more: " + b"a" * 1000 + b"\r\n", 64 * MIB)
    return f"{sent / MIB:.1f} MiB sent, then {said[:30].decode(errors='replace').splitlines()[:1]}", 0


def h2(port):
    stream = wire.connect(port)
    stream.sendall(wire.PREFACE + wire.frame(wire.SETTINGS, 0, 0))
    return stream


@case("HTTP/2: CONTINUATION without end")
def continuation(serving, _):
    with h2(serving.grpc) as stream:
        stream.sendall(wire.frame(wire.HEADERS, 0, 1, wire.grpc_headers(wire.METHODS["traces"])))
        more = wire.frame(wire.CONTINUATION, 0, 1, wire.header("x-more", "a" * 15_000))
        sent, _said = until_closed(stream, more, 256 * MIB)
    return f"{sent / MIB:.1f} MiB sent, then closed" if sent < 256 * MIB else "256 MiB taken", 0


@case("HTTP/2: a header list of 64 MB in 20 kB (HPACK)")
def hpack_bomb(serving, _):
    # Put one field of 4,000 bytes into the table, then name it again and again by one byte.
    field = b"\x40" + wire._length(1) + b"x" + wire._length(4000) + b"a" * 4000
    with h2(serving.grpc) as stream:
        block = wire.grpc_headers(wire.METHODS["traces"]) + field + b"\xbe" * 11_000
        stream.sendall(wire.frame(wire.HEADERS, wire.END_HEADERS, 1, block))
        for number in range(3, 40, 2):
            try:
                stream.sendall(wire.frame(wire.HEADERS, wire.END_HEADERS, number, wire.grpc_headers(wire.METHODS["traces"]) + b"\xbe" * 16_000))
            except OSError:
                break
        stream.settimeout(3)
        try:
            got = b""
            while more := stream.recv(65536):
                got += more
        except OSError:
            pass
    return f"{len(got)} bytes of answers", 0


@case("HTTP/2: 100,000 streams opened and reset")
def rapid_reset(serving, _):
    with h2(serving.grpc) as stream:
        headers = wire.grpc_headers(wire.METHODS["traces"])
        sent = 0
        try:
            for number in range(1, 200_001, 200):
                stream.sendall(b"".join(
                    wire.frame(wire.HEADERS, wire.END_HEADERS, each, headers) + wire.frame(wire.RESET, 0, each, b"\0\0\0\x08")
                    for each in range(number, number + 200, 2)))
                sent += 100
        except OSError:
            pass
    return f"{sent} streams sent, then {'closed' if sent < 100_000 else 'all taken'}", 0


@case("HTTP/2: 200,000 PINGs and SETTINGS that nobody reads the answers of")
def pings(serving, _):
    with h2(serving.grpc) as stream:
        sent, _said = until_closed(stream, (wire.frame(wire.PING, 0, 0, bytes(8)) + wire.frame(wire.SETTINGS, 0, 0)) * 100, 5 * MIB)
    return f"{sent / MIB:.1f} MiB sent", 0


@case("HTTP/2: 500 streams open on one connection, without bodies")
def streams(serving, meanwhile):
    with h2(serving.grpc) as stream:
        headers = wire.grpc_headers(wire.METHODS["traces"])
        for number in range(1, 1001, 2):
            stream.sendall(wire.frame(wire.HEADERS, wire.END_HEADERS, number, headers))
        meanwhile()
        stream.settimeout(1)
        got = b""
        try:
            while more := stream.recv(65536):
                got += more
        except OSError:
            pass
    refused = got.count(b"\0\0\4\3\0")
    return f"{refused} refused", 0


def nested_json(levels):
    return b'{"resourceSpans":' + b"[" * levels


def nested_value(levels):
    value = wire.part(1, "end")
    for _ in range(levels):
        value = wire.part(5, wire.part(1, value))
    return value


@case("JSON nested 1,000,000 deep, values 5,000 deep in both encodings")
def deep(serving, _):
    values = '{"arrayValue":{"values":[' * 5_000 + "{}" + "]}}" * 5_000
    body = wire.protobuf({"resourceSpans": [wire.spans_of("deep", wire.span(b"\5" * 16, b"\5" * 8))]})
    one = json.dumps({"resourceSpans": [wire.spans_of("deep", wire.span(b"\6" * 16, b"\5" * 8, attributes=[wire.text("a", "HERE")]))]})
    one = one.replace('{"stringValue": "HERE"}', values).encode()
    attribute = wire.part(9, wire.part(1, "a") + wire.part(2, nested_value(5_000)))
    span = wire.part(1, b"\7" * 16) + wire.part(2, b"\5" * 8) + attribute
    protobuf = wire.part(1, wire.part(2, wire.part(2, span)))
    found = [post(serving.http, nested_json(1_000_000), kind="application/json"), post(serving.http, one, kind="application/json"),
             post(serving.http, protobuf), post(serving.http, body)]
    return ", ".join(map(str, found)), sum(status == 200 for status in found)


@case("ids of 0, 15 and 100,000 bytes, all zero")
def ids(serving, _):
    found = []
    for trace in (b"", b"\1" * 15, b"\1" * 100_000, bytes(16)):
        found.append(post(serving.http, wire.protobuf({"resourceSpans": [wire.spans_of("ids", wire.span(trace, b"\1" * 8))]})))
    return ", ".join(map(str, found)), 0


@case("garbage, a TLS hello, SSH, on both ports")
def garbage(serving, _):
    hello = bytes.fromhex("16030100c4010000c00303") + os.urandom(32) + bytes(150)
    sendings = {"noise": os.urandom(100_000), "TLS": hello, "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
                "noise behind a preface": wire.PREFACE + os.urandom(50_000)}
    open_still = []
    for port in (serving.http, serving.grpc):
        for name, sent in sendings.items():
            with wire.connect(port, timeout=5) as stream:
                try:
                    stream.sendall(sent)
                    stream.shutdown(socket.SHUT_WR)
                    while stream.recv(65536):
                        pass
                except ConnectionError:
                    pass
                except OSError:
                    open_still.append(name)
    bodies = [post(serving.http, os.urandom(100_000)), post(serving.http, os.urandom(1000), "content-encoding: gzip")]
    return f"all closed but {open_still}, bodies {bodies}", 0


def hold(port):
    """Senders that keep back their last byte, so many and so large that there is no room for another request."""
    streams = []
    # What a request grows to is a power of two, and while it grows it takes half as much again.
    for size, times in ((8 * MIB, 12), (MIB, 12), (128 << 10, 12), (16 << 10, 16)):
        for _ in range(times):
            stream = wire.connect(port)
            try:
                stream.sendall(wire.post_head("/v1/traces", size) + bytes(size - 1))
                streams.append(stream)
            except OSError:
                stream.close()
    return streams


@case("senders that hold all bytes in flight and do not end")
def held(serving, meanwhile):
    streams, told = hold(serving.http), []
    end = time.monotonic() + 10
    while (status := post(serving.http, small(1))) == 200 and time.monotonic() < end:
        told.append(status)
        time.sleep(0.1)
    for stream in streams:
        stream.close()
    time.sleep(0.5)
    meanwhile()
    return f"others were told {status} meanwhile", len(told) + (status == 200)


@case("kill -9 and a start anew under load")
def killed(serving, _):
    return restart(serving)


def restart(serving):
    """Clients that send each request until it is acknowledged; the process is killed and started again meanwhile."""
    ports, stop = (serving.grpc, serving.http), threading.Event()
    acknowledged, lock, life = [0, 0], threading.Lock(), [0]

    def client(which):
        number, connection = which * 1_000_000, None
        while not stop.is_set():
            body = small(number)
            while True:
                try:
                    connection = connection or wire.connect(ports[1], 5)
                    born = life[0]
                    connection.sendall(wire.post_head("/v1/traces", len(body)) + body)
                    if wire.answer(connection)[0] == 200:
                        break
                except OSError:
                    pass
                connection = None
                time.sleep(0.02)
            with lock:
                acknowledged[born] += 1
            number += 1
            time.sleep(0.001)
    clients = [threading.Thread(target=client, args=(each,)) for each in range(8)]
    for each in clients:
        each.start()
    time.sleep(2)
    binary = os.readlink(f"/proc/{serving.pid}/exe")
    serving.kill()
    life[0] = 1
    again = Serving(binary, serving.folder, ports=ports)
    serving.process, serving.pid = again.process, again.pid
    time.sleep(2)
    stop.set()
    for each in clients:
        each.join()
    # The first life's honest four died with it.
    return f"{acknowledged[0]} acknowledged before, {acknowledged[1]} after it was back, none lost", acknowledged[1] - 4
