"""lane.py JWTRAIL NODE_FOLDER: real exporters against `jwtrail serve`, one lane for each stack and protocol.

In each lane three stock-instrumented services stand in a row (front, middle, back). Each checks the token; middle forgets it
on its way to back. The JSON report has to say exactly that. Ends with 'N passed, N failed'.
"""

import base64
import datetime
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from reports import ACCUSED, last_report, service

JWTRAIL, NODE_FOLDER = sys.argv[1], sys.argv[2]
HERE = os.path.dirname(os.path.abspath(__file__))
REQUESTS, SERVE_SECONDS = 5, 60
CAPTURE = "authorization,traceparent,user-agent"
TROUBLE = re.compile(r"error|exception|traceback|fail|refused|unavailable|retry", re.I)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, ready, seconds):
    """Waits until ready() is true; a process that ends too early or a clock that runs out is an error."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} was not ready within {seconds} s")
        time.sleep(0.05)


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def fetch(url, headers=None):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        return opener.open(urllib.request.Request(url, headers=headers or {}), timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def token(algorithm):
    """A fresh token, and the key that verifies it."""
    now = datetime.datetime.now(datetime.timezone.utc)
    claims = {"iss": "https://issuer.interop.test", "sub": "visitor-20318", "aud": "interop", "iat": now,
              "exp": now + datetime.timedelta(minutes=30), "scope": "read"}
    if algorithm == "HS256":
        secret = base64.urlsafe_b64encode(os.urandom(48)).decode()
        return jwt.encode(claims, secret, "HS256"), secret
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return jwt.encode(claims, key, "RS256", headers={"kid": "interop-1"}), public.decode()


class Lane:
    def __init__(self, stack, protocol, algorithm):
        self.name = f"{stack} {protocol}"
        self.stack, self.protocol, self.algorithm = stack, protocol, algorithm
        self.processes = []
        self.folder = tempfile.TemporaryDirectory(prefix="jwtrail-interop-")

    def start(self, name, command, env=None, cwd=None):
        out, err = (open(f"{self.folder.name}/{name}.{end}", "w") for end in ("out", "err"))
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, cwd=cwd)
        self.processes.append((name, process))
        return process

    def text(self, name, end):
        with open(f"{self.folder.name}/{name}.{end}", errors="replace") as f:
            return f.read()

    def run(self):
        grpc, http = free_port(), free_port()
        command = [JWTRAIL, "serve", "--for", f"{SERVE_SECONDS}s", "--grpc", f"127.0.0.1:{grpc}", "--http", f"127.0.0.1:{http}",
                   "--format", "json"]
        serve = self.start("jwtrail", command)
        wait_for("jwtrail", lambda: serve.poll() is not None or (connects(grpc) and connects(http)), 10)
        raw, key = token(self.algorithm)
        services = self.start_services(grpc if self.protocol == "grpc" else http, key)
        for _ in range(REQUESTS):
            status = fetch(self.entry, {"authorization": f"Bearer {raw}", "user-agent": "interop-visitor"})
            if status != 200:
                raise RuntimeError(f"front answered {status}: {self.text('front', 'err')[-800:]}")
        time.sleep(2.5)  # two metric intervals, so that all three signals were sent while the services ran
        for process in services:
            process.send_signal(signal.SIGTERM)
        for process in services:
            process.wait(timeout=15)
        # SIGTERM is a clean end too; `--for` is the bound where this script dies first.
        serve.send_signal(signal.SIGTERM)
        status = serve.wait(timeout=SERVE_SECONDS + 20)
        return self.judge(status, raw)

    def start_services(self, port, key):
        ports = {name: free_port() for name in ("front", "middle", "back")}
        following = {"front": "middle", "middle": "back", "back": None}
        processes = []
        for name, after in following.items():
            env = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_") and not k.lower().endswith("_proxy")}
            env |= {
                "OTEL_SERVICE_NAME": name, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
                "OTEL_EXPORTER_OTLP_PROTOCOL": self.protocol, "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_METRICS_EXPORTER": "otlp", "OTEL_LOGS_EXPORTER": "otlp", "OTEL_BSP_SCHEDULE_DELAY": "500",
                "OTEL_METRIC_EXPORT_INTERVAL": "1000", "OTEL_METRIC_EXPORT_TIMEOUT": "900",
                "OTEL_PYTHON_EXCLUDED_URLS": "health", "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "true",
                "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": CAPTURE,
                "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST": CAPTURE,
                "JWT_KEY": key, "JWT_ALGORITHM": self.algorithm, "PORT": str(ports[name]),
            }
            if after:
                env["NEXT_URL"] = f"http://127.0.0.1:{ports[after]}"
            if name == "middle":
                env["DROPS_TOKEN"] = "1"
            if self.stack == "python":
                wrapper = os.path.join(os.path.dirname(sys.executable), "opentelemetry-instrument")
                command, cwd = [wrapper, sys.executable, f"{HERE}/python_service.py"], None
            else:
                command, cwd = ["node", f"{NODE_FOLDER}/node_service.mjs"], NODE_FOLDER
            processes.append(self.start(name, command, env, cwd))
        for name, process in zip(following, processes):
            health = f"http://127.0.0.1:{ports[name]}/health"
            wait_for(f"{name}", lambda p=process, h=health: p.poll() is not None or fetch(h) == 200, 30)
        self.entry = f"http://127.0.0.1:{ports['front']}/work"
        return processes

    def judge(self, status, raw):
        """What is wrong, as sentences."""
        wrong = [] if status == 0 else [f"jwtrail ended with {status}: {self.text('jwtrail', 'err')[-500:]}"]
        out, err = self.text("jwtrail", "out"), self.text("jwtrail", "err")
        for name in ("front", "middle", "back"):
            wrong += [f"{name} printed: {line[:200]}" for line in self.complaints(name)]
        wrong += [f"a piece of the {part} is in jwtrail's output" for part in pieces(raw, out + err)]
        report = last_report(out)
        if report is None:
            return wrong + ["no report in: " + out[-300:]]
        return wrong + judged(report)

    def complaints(self, name):
        lines = (self.text(name, "err") + self.text(name, "out")).splitlines()
        # A middle's and back's own words about the missing token are part of the play.
        return [line for line in lines if TROUBLE.search(line) and "request without a token" not in line][:3]

    def close(self):
        for _, process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.folder.cleanup()


def pieces(raw, text):
    """The parts of the token of which nine characters or more in a row are in the text. The header says nothing secret."""
    for name, part in zip(("payload", "signature"), raw.split(".")[1:]):
        if any(part[i:i + 9] in text for i in range(len(part) - 8)):
            yield name


def judged(report):
    got = {}
    for hop in report["hops"]:
        edge = (service(hop["caller"]), service(hop["callee"]))
        got.setdefault(edge, []).append((hop["verdict"], hop["cause"]))
    want = {
        (None, "front"): ("originated", "entry"),
        ("front", "middle"): ("intact", None),
        ("middle", "back"): ("dropped", "not_sent"),
    }
    wrong = []
    for edge, verdict in want.items():
        if got.get(edge, []) != [verdict] * REQUESTS:
            wrong.append(f"{edge[0]} → {edge[1]}: {REQUESTS} × {verdict} wanted, {got.get(edge)} found")
    wrong += [f"false alarm {edge}: {v}" for edge, all_ in got.items() for v in all_ if v[0] in ACCUSED and edge not in want]
    accused = [(i["caller"], i["callee"], i["verdict"], i["cause"], i["finding"]) for i in report["issues"]]
    if accused != [("middle", "back", "dropped", "not_sent", None)]:
        wrong.append(f"one issue wanted, found {accused}")
    if not report["input"]["logs"]:
        wrong.append("no log record arrived")
    return wrong


def main():
    passed = failed = 0
    for stack, protocol, algorithm in (("python", "grpc", "RS256"), ("python", "http/protobuf", "HS256"),
                                       ("node", "http/json", "RS256"), ("node", "http/protobuf", "HS256")):
        lane = Lane(stack, protocol, algorithm)
        try:
            wrong = lane.run()
        except Exception as error:  # noqa: BLE001
            wrong = [f"{type(error).__name__}: {error}"]
        finally:
            lane.close()
        passed, failed = (passed, failed + 1) if wrong else (passed + 1, failed)
        print(f"{'FAIL' if wrong else 'ok  '} {lane.name}", *wrong, sep="\n     ", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
