"""siege.py JWTRAIL [CASE…]: what strangers may send, and what it costs.

Each case has a process of its own. It says what happened to the stranger and how far memory rose; while or after it, an
honest exporter has to get through over both protocols, and the report has to hold exactly the spans that were
acknowledged. Ends with 'N passed, N failed'.
"""

import os
import resource
import sys
import tempfile
import time
import traceback

import attacks
import wire
from serving import Serving

# 96 MiB of requests may be in flight. The allocator gives back late what each left behind as it grew.
MAX_RISE_MIB = 4 * 96
HONEST_SECONDS = 20


def honest(serving, number):
    """A trace of two spans over each protocol, sent again while there is no room, as exporters do; how long both took."""
    begun = time.monotonic()
    for protocol in ("grpc", "http"):
        trace = bytes([number, protocol == "grpc"]) * 8
        request = {"resourceSpans": [
            wire.spans_of("front", wire.span(trace, b"\1" * 8, kind=2), wire.span(trace, b"\2" * 8, b"\1" * 8, kind=3)),
        ]}
        body = wire.protobuf(request)
        while not (answer := (over_grpc if protocol == "grpc" else over_http)(serving, body))[0]:
            if time.monotonic() - begun > HONEST_SECONDS:
                raise AssertionError(f"an honest exporter was answered {answer[1]!r} over {protocol}")
            time.sleep(0.5)
    return time.monotonic() - begun


def over_grpc(serving, body):
    connection = wire.Grpc(serving.grpc, HONEST_SECONDS)
    answer = connection.call(body)
    connection.close()
    # An empty ExportTraceServiceResponse: what no refusal holds.
    return answer is not None and b"\0\0\0\0\0" in answer, answer


def over_http(serving, body):
    with wire.connect(serving.http, HONEST_SECONDS) as connection:
        connection.sendall(wire.post_head("/v1/traces", len(body)) + body)
        answer = wire.answer(connection)
        return answer[0] == 200, answer


def run(binary, name, case):
    with tempfile.TemporaryDirectory(prefix="jwtrail-siege-") as folder:
        serving = Serving(binary, folder)
        try:
            honest(serving, 1)
            serving.forget_peak()
            before, cpu = serving.status("VmHWM"), serving.cpu()
            took = []
            happened, acknowledged = case(serving, lambda: took.append(honest(serving, 2)))
            if not took:
                took.append(honest(serving, 2))
            rise, cpu = (serving.status("VmHWM") - before) / 1024, serving.cpu() - cpu
            report = serving.end()
        finally:
            if serving.alive():
                serving.kill()
        wrong = []
        if rise > MAX_RISE_MIB:
            wrong.append(f"memory rose by {rise:.0f} MiB, expected at most {MAX_RISE_MIB}")
        if report["input"]["spans"] != acknowledged + 8:
            wrong.append(f"{acknowledged + 8} spans were acknowledged, the report knows of {report['input']['spans']}")
        said = [line for line in serving.errors().splitlines() if "requests" in line or "warning" in line]
        return f"{happened}; honest {took[0] * 1000:.0f} ms", rise, cpu, wrong, said


def main():
    binary = os.path.abspath(sys.argv[1])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    wanted = sys.argv[2:]
    passed = failed = 0
    print("| | input | what happened | rise of memory, MiB | CPU, s |\n|---|---|---|---|---|")
    for name, case in attacks.CASES.items():
        if wanted and name not in wanted:
            continue
        try:
            happened, rise, cpu, wrong, _ = run(binary, name, case)
        except Exception as error:  # noqa: BLE001
            happened, rise, cpu, wrong = "", 0, 0, [f"{type(error).__name__}: {error}"]
            if "-v" in os.environ.get("SIEGE", ""):
                traceback.print_exc()
        passed, failed = (passed, failed + 1) if wrong else (passed + 1, failed)
        print(f"| {'FAIL' if wrong else 'ok'} | {name} | {'; '.join([happened, *wrong])} | {rise:.0f} | {cpu:.1f} |", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
