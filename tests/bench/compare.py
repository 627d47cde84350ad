#!/usr/bin/env python3
"""What jwtrail costs beside other receivers, in one run: prints Markdown. `compare.sh` builds what this needs.

Servers take turns, load by load and round by round, so that a busy machine is as busy for each of them. Times are
processor time, user and system, of all threads of the server (or of the command that reads a file), never of the client.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time

import servers

# Name, goal in µs a span, options of the load, requests.
LOADS = [
    ("gRPC, fingerprint tags, 512 spans", 0.45, [], 1200),
    ("gRPC, 64 JWTs of 900 bytes, 512 spans", 0.9, ["--mode", "jwt"], 800),
    ("gRPC, gzip, tags, 512 spans", 0.9, ["--compression", "gzip"], 400),
    ("gRPC, tags, 32 spans", 0.9, ["--spans", "32"], 12000),
    ("HTTP/protobuf, tags, 512 spans", None, ["--protocol", "http/protobuf"], 1200),
    ("HTTP/JSON, tags, 512 spans", None, ["--protocol", "http/json"], 500),
]

# What the raw server does not do: it unpacks gRPC alone, and reads nothing.
WITHOUT_RAW = {"HTTP/JSON, tags, 512 spans"}


def note(text):
    print(text, file=sys.stderr, flush=True)


def load(options, server, arguments, requests):
    port = server.http if any("http" in word for word in arguments) else server.grpc
    command = [options.load, "--json", "--target", f"127.0.0.1:{port}", "--pid", str(server.process.pid)]
    command += ["--requests", str(max(8, int(requests * options.scale)))] + arguments
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            server.drain()
            time.sleep(0.02)
        if process.returncode:
            raise servers.Missing(process.stderr.readline().strip())
        answer = json.loads(process.stdout.read())
    if answer["accepted"] != answer["sent"]:
        raise servers.Missing(f"took {answer['accepted']} of {answer['sent']} spans")
    return answer["cpu_us_per_span"]


def receive(options, missing):
    """Figures by load and server, and startup times by server."""
    figures, started = {}, {}
    for round_ in range(options.rounds):
        for name, start in servers.ALL.items():
            if name in missing:
                continue
            try:
                server = start(options, f"{options.folder}/{name}.log".replace(" ", "-"))
            except (servers.Missing, OSError) as reason:
                missing[name] = reason
                continue
            started.setdefault(name, []).append(server.started)
            try:
                for title, _, arguments, requests in LOADS:
                    if (name == "raw bytes" and title in WITHOUT_RAW) or f"{name}, {title}" in missing:
                        continue
                    try:
                        # Connections, caches and allocators as they are in the long run.
                        load(options, server, arguments, requests / 10)
                        figure = load(options, server, arguments, requests)
                    except servers.Missing as reason:
                        missing[f"{name}, {title}"] = reason
                        note(f"{name}: {title}: {reason}")
                        continue
                    figures.setdefault((title, name), []).append(figure)
                    note(f"round {round_ + 1}: {name}: {title}: {figure:.3f} µs")
            finally:
                server.end()
    return figures, started


def write(options, name, requests, arguments):
    path = f"{options.folder}/{name}"
    command = [options.load, "--write", path, "--seed", "1", "--requests", str(requests), *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path


def check(options, path, spans):
    """Processor time in s, and how many cores that kept busy."""
    began = time.monotonic()
    command = [options.jwtrail, "check", path]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.stdout, process.stderr
    counted = re.search(rb"^(\d+) spans, ", out.read(), re.MULTILINE)
    problem = err.read().decode()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall, cpu = time.monotonic() - began, used.ru_utime + used.ru_stime
    if process.returncode not in (0, 1) or not counted or int(counted[1]) != spans:
        sys.exit(f"expected check to read {spans} spans of {path}, found {counted and counted[1]}: {problem}")
    return cpu, cpu / wall


# Name, goal, file, spans, spans in a request, options of the load.
FILES = [
    ("file, protobuf, 10⁵ spans", 0.25, "tags5.otlp", 102_400, 512, []),
    ("file, OTLP JSON, 10⁵ spans", 1.0, "tags5.jsonl", 102_400, 512, ["--protocol", "http/json"]),
    ("file, protobuf, 10⁴ spans", None, "tags4.otlp", 10_240, 512, []),
    ("one parent of 10⁴ spans", None, "parent4.otlp", 10_000, 1_000, ["--shape", "children"]),
    ("one parent of 10⁵ spans", None, "parent5.otlp", 100_000, 1_000, ["--shape", "children"]),
    ("one trace of 10⁵ spans", None, "trace5.otlp", 100_000, 1_000, ["--shape", "trace"]),
    ("one trace of 10⁶ spans", None, "trace6.otlp", 1_000_000, 1_000, ["--shape", "trace"]),
    ("file, protobuf, 10⁶ spans", 0.25, "tags6.otlp", 1_024_000, 512, []),
    ("file, OTLP JSON, 10⁶ spans", 1.0, "tags6.jsonl", 1_024_000, 512, ["--protocol", "http/json"]),
    ("file, protobuf, 10⁷ spans", 0.25, "tags7.otlp", 10_240_000, 512, []),
]


def read(options):
    """Figures by file: processor time a span, less what a file of one trace takes, and cores; and what that one takes.

    Files take turns, and each is deleted at the end.
    """
    files = [file for file in FILES if file[3] <= options.most]
    figures, starts = {}, []
    paths = {"start": write(options, "start.otlp", 1, ["--spans", "8"])}
    try:
        for title, _, name, spans, size, arguments in files:
            paths[title] = write(options, name, spans // size, ["--spans", str(size), *arguments])
        for round_ in range(options.rounds):
            start = statistics.fmean(check(options, paths["start"], 8)[0] for _ in range(5))
            starts.append(start * 1e3)
            for title, _, _, spans, _, _ in files:
                # One short run says little: several together are one figure.
                runs = [check(options, paths[title], spans) for _ in range(5 if spans < 50_000 else 1)]
                cpu, cores = (statistics.fmean(column) for column in zip(*runs))
                figure = (cpu - start) * 1e6 / spans
                figures.setdefault(title, []).append((figure, cores))
                note(f"round {round_ + 1}: {title}: {figure:.3f} µs, {cores:.2f} cores")
    finally:
        for path in paths.values():
            os.remove(path)
    return files, figures, starts


def middle(values):
    return statistics.median(values)


def spread(values, digits=2):
    return " / ".join(f"{value:.{digits}f}" for value in (min(values), middle(values), max(values)))


def ratio(mine, other):
    """Of each round by itself, for a machine is as busy for both only within one."""
    if not mine or not other:
        return ""
    return f"{middle([a / b for a, b in zip(mine, other)]):.2f}"


def tables(rounds, received, read_, missing):
    (figures, started), (files, read_, starts) = received, read_
    print(f"{os.cpu_count()} cores, {rounds} rounds.\n")
    print("| µs of processor time a span | goal | min / median / max | to raw bytes | to the Collector |")
    print("|---|---|---|---|---|")
    for title, goal, _, _ in LOADS:
        mine = figures.get((title, "jwtrail"), [])
        if mine:
            ratios = [ratio(mine, figures.get((title, other))) for other in ("raw bytes", "Collector")]
            print(f"| {title} | {goal or ''} | {spread(mine)} | {ratios[0]} | {ratios[1]} |")
    for title, goal, *_ in files:
        print(f"| {title} | {goal or ''} | {spread([cpu for cpu, _ in read_[title]])} | | |")
    first, http = LOADS[0][0], LOADS[4][0]
    mine = figures.get((http, "jwtrail")), figures.get((first, "jwtrail"))
    print()
    print("| | goal | min / median / max |")
    print("|---|---|---|")
    if all(mine):
        print(f"| HTTP/protobuf to gRPC | 1.2 | {spread([a / b for a, b in zip(*mine)])} |")
    for title, goal, *_ in files:
        if not goal:
            continue
        print(f"| cores kept busy: {title} | 2 of {os.cpu_count()} | {spread([cores for _, cores in read_[title]])} |")
    if starts:
        print(f"| ms of processor time that `check` takes for one trace | | {spread(starts, 1)} |")
    for name, times in started.items():
        goal = "50" if name == "jwtrail" else ""
        print(f"| {name}: ms from start to listening | {goal} | {spread(times, 0)} |")
    for name in ("raw bytes", "Collector", "otel-tui"):
        for title, *_ in LOADS:
            if values := figures.get((title, name)):
                print(f"| {name}: {title} | | {spread(values)} |")
    for name, reason in missing.items():
        print(f"\n{name} is left out: {reason}.")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("jwtrail", "load", "folder"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--collector", default="", help="a Collector of tests/bench/collector")
    parser.add_argument("--otel-tui", default="", help="otel-tui; it gets a terminal of its own")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the requests: 0.1 is a quick look")
    parser.add_argument("--most", type=int, default=2_000_000, help="spans of the largest file: 20000000 takes 6 GB")
    parser.add_argument("--only", choices=["receive", "read"], help="leave the other half out")
    options = parser.parse_args()
    # So that servers are ended then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    missing = {}
    received = ({}, {}) if options.only == "read" else receive(options, missing)
    tables(options.rounds, received, ([], {}, []) if options.only == "receive" else read(options), missing)
    if "jwtrail" in missing:
        sys.exit("jwtrail itself could not be measured")


if __name__ == "__main__":
    main()
