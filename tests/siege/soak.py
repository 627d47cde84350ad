"""soak.py JWTRAIL [--minutes 20] [--memory 64MiB] [--rate 20000] [--faults 0.02] [--seed 1]: exporters that come, go, stall and
die, while tokens are lost on their way.

At the end memory must not have grown in the second half, every span that was acknowledged must be accounted for, and the
verdicts must be those of `check` over what was recorded last. Prints what it saw; ends with 'N passed, N failed'.
"""

import argparse
import base64
import glob
import json
import multiprocessing
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import time

import wire
from serving import Serving, environment

TRACES, SPANS_PER_TRACE, TOKENS = 64, 4, 64
# Of the recording, those that verdicts are compared with; about 300,000 spans each.
LAST_FILES = 4
# Stands for a trace id until a request is sent; no token and no name holds it.
BLANK = bytes(range(240, 256))


def token(number):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    rest = base64.urlsafe_b64encode(random.Random(number).randbytes(256)).rstrip(b"=").decode()
    return f"{part({'alg': 'RS256', 'kid': 'soak'})}.{part({'iss': 'https://idp.test', 'sub': f'user-{number}', 'exp': 1 << 33})}.{rest}"


def trace(number, faulty, now):
    """front → back, which gets the token or does not, as protobuf with a blank for the trace's id."""
    bearer = f"Bearer {token(number)}"

    def one(span_id, parent, kind, header):
        attributes = [wire.texts("http.request.header.authorization", header)] if header else []
        attributes.append(wire.texts("http.request.header.host", "soak.test"))
        attributes.append(wire.text("http.route", f"/things/{number % 8}"))
        return wire.span(BLANK, span_id * 8, parent * 8, kind, "GET /things", now, attributes)
    front = [one(b"\1", b"", 2, bearer), one(b"\2", b"\1", 3, None if faulty else bearer)]
    back = [one(b"\3", b"\2", 2, None if faulty else bearer), one(b"\4", b"\3", 1, None)]
    return wire.protobuf({"resourceSpans": [wire.spans_of("front", *front), wire.spans_of("back", *back)]})


class Exporter:
    """One life after another, until the time is over; each ends in another way."""

    def __init__(self, port, number, options):
        self.port, self.options, self.random = port, options, random.Random(options.seed * 1000 + number)
        now = time.time_ns()
        self.good = [trace(each, False, now) for each in range(TOKENS)]
        self.bad = [trace(each, True, now) for each in range(TOKENS)]
        self.prefix, self.next = struct.pack(">I", options.seed << 8 | number), 1
        self.acknowledged = self.refused = 0
        self.lives = {"went": 0, "stalled": 0, "died": 0}

    def request(self):
        out = []
        for at in range(TRACES):
            kind = self.bad if self.random.random() < self.options.faults else self.good
            out.append(kind[(at + self.next) % TOKENS].replace(BLANK, self.prefix + struct.pack(">QI", self.next, at)))
        self.next += 1
        return b"".join(out)

    def live(self, until):
        every = TRACES * SPANS_PER_TRACE * self.options.exporters / self.options.rate
        while time.monotonic() < until:
            try:
                self.life(min(until, time.monotonic() + self.random.uniform(2, 12)), every)
            except OSError:
                time.sleep(0.2)

    def life(self, until, every):
        connection, due = wire.Grpc(self.port), time.monotonic()
        while time.monotonic() < until:
            body = self.request()
            while True:
                try:
                    answer = connection.call(body)
                except OSError:
                    answer = None
                if answer is not None and b"\0\0\0\0\0" in answer:
                    break
                # Refused, or the connection rested for so long that it was closed.
                self.refused += answer is not None
                time.sleep(0.05 if answer is None else 1)
                connection.close()
                connection = wire.Grpc(self.port)
            self.acknowledged += TRACES * SPANS_PER_TRACE
            due += every
            time.sleep(max(0, due - time.monotonic()))
        end = self.random.choice(list(self.lives))
        self.lives[end] += 1
        if end != "went":
            body = self.request()
            connection.stream.sendall(wire.frame(wire.HEADERS, wire.END_HEADERS, connection.next, wire.grpc_headers(wire.METHODS["traces"])))
            connection.stream.sendall(wire.frame(wire.DATA, 0, connection.next, b"\0" + struct.pack(">I", len(body)) + body[:1000]))
            if end == "stalled":
                time.sleep(self.random.uniform(0.5, 3))
        connection.close()


def work(port, number, options, until, results):
    exporter = Exporter(port, number, options)
    exporter.live(until)
    results.put((exporter.acknowledged, exporter.refused, exporter.lives))


def watch(serving, until):
    """(seconds, RSS in KiB), every other second."""
    begun, seen = time.monotonic(), []
    while time.monotonic() < until and serving.alive():
        seen.append((time.monotonic() - begun, serving.status("VmRSS")))
        time.sleep(2)
    return seen


def slope(seen):
    """KiB a minute, by least squares over the second half."""
    half = seen[len(seen) // 2:]
    middle = sum(at for at, _ in half) / len(half)
    mean = sum(rss for _, rss in half) / len(half)
    spread = sum((at - middle) ** 2 for at, _ in half)
    return 60 * sum((at - middle) * (rss - mean) for at, rss in half) / spread if spread else 0.0


def verdicts(report):
    """(trace, callee's span) → verdict and cause."""
    return {(hop["trace_id"], (hop["callee"] or hop["caller"])["span_id"]): (hop["verdict"], hop["cause"]) for hop in report["hops"]}


def checked(binary, folder):
    """The report over the last files of the recording: over all of a long one it would be larger than memory."""
    files = sorted(glob.glob(f"{folder}/kept*"), key=os.path.getmtime)[-LAST_FILES:]
    command = [binary, "check", *files, "--format", "json", "--fail-on", "critical", "-o", f"{folder}/check.json"]
    subprocess.run(command, cwd=folder, env=environment(folder, JWTRAIL_FP_KEY="k" * 32), check=True, stdin=subprocess.DEVNULL)
    with open(f"{folder}/check.json") as f:
        return json.load(f)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--memory", default="64MiB")
    parser.add_argument("--rate", type=int, default=20_000, help="spans a second, of all exporters together")
    parser.add_argument("--faults", type=float, default=0.02)
    parser.add_argument("--exporters", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    binary = os.path.abspath(options.binary)
    with tempfile.TemporaryDirectory(prefix="jwtrail-soak-") as folder:
        serving = Serving(binary, folder, "--memory", options.memory, "--record", f"{folder}/kept.jsonl.zst", "--record-files", "1000", "--record-size", "16MiB",
                          seconds=int(options.minutes * 60) + 600, JWTRAIL_FP_KEY="k" * 32)
        try:
            results, until = multiprocessing.Queue(), time.monotonic() + options.minutes * 60
            workers = [multiprocessing.Process(target=work, args=(serving.grpc, number, options, until, results))
                       for number in range(options.exporters)]
            for worker in workers:
                worker.start()
            seen = watch(serving, until)
            sent = [results.get(timeout=120) for _ in workers]
            for worker in workers:
                worker.join()
            cpu = serving.cpu()
            report = serving.end(300)
            recorded = checked(binary, folder)
        finally:
            if serving.alive():
                serving.kill()
        return judge(options, seen, sent, cpu, report, recorded, serving.errors())


def judge(options, seen, sent, cpu, report, recorded, errors):
    acknowledged = sum(each[0] for each in sent)
    lives = {end: sum(each[2][end] for each in sent) for end in sent[0][2]}
    grows, here, there = slope(seen), verdicts(report), verdicts(recorded)
    # A trace that lies in two files may be cut by the first of those looked at: its other half is elsewhere.
    both = here.keys() & there.keys()
    differ = [hop for hop in both if there[hop] != here[hop]]
    recorded_spans = sum(int(count) for count in re.findall(r"recorded (\d+) spans", errors))
    kept = report["input"]["spans"] - report["input"]["lost"]
    print(f"{acknowledged} spans acknowledged, {acknowledged / seen[-1][0]:.0f} a second, {sum(each[1] for each in sent)} requests refused and sent again")
    print(f"exporters: {lives}; processor {cpu / acknowledged * 1e6:.2f} µs a span")
    print(f"report: {report['input']}, {len(here)} hops; {kept} spans kept")
    print(f"recording: {recorded_spans} spans; in its last files {recorded['input']['spans']}, with {len(both)} hops that are kept too")
    # Means over the third and the last quarter, and 16 MiB more: what is on its way comes and goes by so much.
    quarter = max(1, len(seen) // 4)
    later, earlier = (sum(rss for _, rss in part) / len(part) for part in (seen[-quarter:], seen[-2 * quarter:-quarter] or seen))
    print(f"RSS: {seen[len(seen) // 2][1] // 1024} MiB at half time, {seen[-1][1] // 1024} MiB at the end, {grows:+.0f} KiB a minute, "
          f"most {max(rss for _, rss in seen) // 1024} MiB")
    tests = {
        "every acknowledged span was received": report["input"]["spans"] == acknowledged,
        "every received span was recorded": recorded_spans == acknowledged,
        "kept and lost are received": kept >= len({trace for trace, _ in here}) * SPANS_PER_TRACE and report["input"]["lost"] >= 0,
        "tokens were lost, and that was seen": any(verdict == ("dropped", "not_sent") for verdict in here.values()),
        "verdicts are those of the recording": len(both) >= len(here) // 4 and not differ,
        "memory is flat": grows < 1024 or later < earlier * 1.05 + 16384,
    }
    for name, holds in tests.items():
        print(f"{'ok  ' if holds else 'FAIL'} {name}")
    for hop in differ[:5]:
        print(f"     {hop}: {here[hop]} live, {there[hop]} in the recording")
    failed = sum(not holds for holds in tests.values())
    print(f"{len(tests) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
