"""full.py JWTRAIL GO_EXPORTER: real exporters that meet a full receiver, and then one that has room again.

Six senders hold all bytes that may be in flight; meanwhile each exporter gets its spans and is refused. What they export
after that has to be all of it, each span once. Ends with 'N passed, N failed'.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time

import attacks
import wire
from serving import Serving, environment

SPANS = 3000
# Python's exporter gives up after ten seconds in all.
FULL_SECONDS = 5


class Full:
    """All room for requests, taken by senders that do not send their last byte."""

    def __init__(self, port):
        self.streams = []
        for _ in range(6):
            stream = wire.connect(port)
            stream.sendall(wire.post_head("/v1/traces", 16 << 20) + bytes((16 << 20) - 1))
            self.streams.append(stream)
        end = time.monotonic() + 10
        while attacks.post(port, attacks.small(0)) == 200:
            if time.monotonic() > end:
                raise RuntimeError("the receiver has room in spite of six senders of 16 MiB")
            time.sleep(0.1)

    def end(self):
        for stream in self.streams:
            stream.close()


def python(protocol):
    """A program of its own: the SDK with its batch processor, and nothing set but the endpoint."""
    return [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "exporter.py"), protocol, str(SPANS)]


def run(binary, command, protocol):
    with tempfile.TemporaryDirectory(prefix="jwtrail-full-") as folder:
        serving = Serving(binary, folder)
        try:
            full = Full(serving.http)
            port = serving.grpc if protocol == "grpc" else serving.http
            exporter = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        env=environment(folder, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}",
                                                        OTEL_EXPORTER_OTLP_INSECURE="true", HOME=folder))
            release = threading.Timer(FULL_SECONDS, full.end)
            release.start()
            begun = time.monotonic()
            said = exporter.communicate(timeout=90)[0]
            took = time.monotonic() - begun
            release.join()
            report = serving.end()
        finally:
            if serving.alive():
                serving.kill()
        wrong = []
        if exporter.returncode != 0:
            wrong.append(f"it ended with {exporter.returncode}: {said[-300:]}")
        # `Full` itself may get one span in before the room is gone.
        lost = SPANS - (report["input"]["spans"] - report["input"].get("duplicates", 0))
        if lost > 0:
            wrong.append(f"{lost} of {SPANS} spans are lost")
        if took < FULL_SECONDS:
            wrong.append(f"done after {took:.1f} s: the receiver was not full")
        return f"{report['input']['spans']} spans, done {took - FULL_SECONDS:.1f} s after there was room", wrong


def main():
    binary = os.path.abspath(sys.argv[1])
    programs = {"Python": python}
    if len(sys.argv) > 2:
        programs["Go"] = lambda protocol: [os.path.abspath(sys.argv[2]), protocol, str(SPANS)]
    passed = failed = 0
    for name, command in programs.items():
        for protocol in ("grpc", "http"):
            try:
                happened, wrong = run(binary, command(protocol), protocol)
            except Exception as error:  # noqa: BLE001
                happened, wrong = "", [f"{type(error).__name__}: {error}"]
            passed, failed = (passed, failed + 1) if wrong else (passed + 1, failed)
            print(f"{'FAIL' if wrong else 'ok  '} {name} {protocol}: {happened}", *wrong, sep="\n     ", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
