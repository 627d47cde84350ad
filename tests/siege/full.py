"""full.py JWTRAIL GO_EXPORTER: real exporters that meet a full receiver, and then one that has room again.

Senders hold all bytes that may be in flight; meanwhile each exporter gets its spans and is refused. What they export
after that has to be all of it, each span once. Ends with 'N passed, N failed'.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time

import attacks
from serving import Serving, environment

SPANS = 3000
# How long there is no room. Both give up after ten seconds in all; Go's waits for 2.5 to 7.5 seconds before it tries again,
# and may wait too long after that. Python's needs a second to start.
FULL_SECONDS = {"Python": 5, "Go": 2}
NOT_FULL = "the receiver was not full"


class Full:
    """All room for requests, taken by senders that do not send their last byte."""

    def __init__(self, port):
        self.streams = attacks.hold(port)
        end = time.monotonic() + 10
        while attacks.post(port, attacks.small(0)) == 200:
            if time.monotonic() > end:
                raise RuntimeError("the receiver has room in spite of its senders")
            time.sleep(0.1)

    def end(self):
        for stream in self.streams:
            stream.close()


def python(protocol):
    """A program of its own: the SDK with its batch processor, and nothing set but the endpoint."""
    return [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "exporter.py"), protocol, str(SPANS)]


def run(binary, name, command, protocol):
    with tempfile.TemporaryDirectory(prefix="jwtrail-full-") as folder:
        serving = Serving(binary, folder)
        try:
            full = Full(serving.http)
            port = serving.grpc if protocol == "grpc" else serving.http
            exporter = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        env=environment(folder, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}",
                                                        OTEL_EXPORTER_OTLP_INSECURE="true", HOME=folder))
            release = threading.Timer(FULL_SECONDS[name], full.end)
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
        found = next((each["spans"] for each in report["services"] if each["service"] == name.lower()), 0)
        if found != SPANS:
            wrong.append(f"{SPANS} spans were exported, {found} came")
        if took < FULL_SECONDS[name]:
            wrong.append(f"done after {took:.1f} s: {NOT_FULL}")
        return f"{found} of {SPANS} spans, done {took - FULL_SECONDS[name]:.1f} s after there was room", wrong


def main():
    binary = os.path.abspath(sys.argv[1])
    programs = {"Python": python}
    if len(sys.argv) > 2:
        programs["Go"] = lambda protocol: [os.path.abspath(sys.argv[2]), protocol, str(SPANS)]
    passed = failed = 0
    for name, command in programs.items():
        for protocol in ("grpc", "http"):
            # A receiver that had room says nothing of one that had none: then it is filled again.
            for _ in range(4):
                try:
                    happened, wrong = run(binary, name, command(protocol), protocol)
                except Exception as error:  # noqa: BLE001
                    happened, wrong = "", [f"{type(error).__name__}: {error}"]
                if not any(NOT_FULL in each for each in wrong):
                    break
            passed, failed = (passed, failed + 1) if wrong else (passed + 1, failed)
            print(f"{'FAIL' if wrong else 'ok  '} {name} {protocol}: {happened}", *wrong, sep="\n     ", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
