"""The lab that every stack is recorded in: an OTLP receiver, an issuer of worthless tokens, and bounded child processes.

Everything listens on loopback. What is written is what the Collector's file exporter would write (OTLP JSON lines, hex ids,
nanoseconds as strings), with this machine's names and paths replaced."""
import base64
import gzip
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from concurrent import futures

import grpc
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs_pb
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as logs_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_grpc

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "recorded"
WORK = pathlib.Path(os.environ.get("RECORD_WORK") or tempfile.gettempdir()) / "jwtrail-record"
LARGEST = 150_000
WITNESSED = "authorization,traceparent,user-agent"
# Resource attributes that only say which machine recorded the run.
MACHINE = {"process.command", "process.command_line", "process.command_args", "process.executable.path", "host.id", "host.ip", "host.mac",
           "process.owner", "os.description", "os.build_id", "os.version"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_port(port, seconds, alive=lambda: True):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and alive():
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


class Recorder:
    """OTLP over gRPC and over HTTP, both on free ports; keeps each request of spans and of log records."""

    def __init__(self):
        self.requests, self.lock, self.last = [], threading.Lock(), time.monotonic()
        self.server = grpc.server(futures.ThreadPoolExecutor(8))
        outer = self

        def servicer(base, signal_name, response):
            class Service(base):
                def Export(self, request, _context):
                    outer.keep(signal_name, request)
                    return response()
            return Service()

        trace_grpc.add_TraceServiceServicer_to_server(
            servicer(trace_grpc.TraceServiceServicer, "traces", trace_pb.ExportTraceServiceResponse), self.server)
        logs_grpc.add_LogsServiceServicer_to_server(
            servicer(logs_grpc.LogsServiceServicer, "logs", logs_pb.ExportLogsServiceResponse), self.server)
        metrics_grpc.add_MetricsServiceServicer_to_server(
            servicer(metrics_grpc.MetricsServiceServicer, "metrics", metrics_pb.ExportMetricsServiceResponse), self.server)
        self.grpc_port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = b""
                if self.headers.get("transfer-encoding") == "chunked":  # Node's exporter
                    while size := int(self.rfile.readline().split(b";")[0], 16):
                        body += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                else:
                    body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                signal_name = self.path.rsplit("/", 1)[-1]
                kind = {"traces": trace_pb.ExportTraceServiceRequest, "logs": logs_pb.ExportLogsServiceRequest}.get(signal_name)
                if kind:
                    outer.keep(signal_name, kind.FromString(body))
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_args):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http_port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def keep(self, signal_name, request):
        if signal_name == "metrics":
            return
        with self.lock:
            self.requests.append((signal_name, request))
            self.last = time.monotonic()

    def quiet(self, seconds=1.5, at_most=20):
        """Waits until something came and nothing has come for a while."""
        deadline = time.monotonic() + at_most
        start = time.monotonic()
        while time.monotonic() < deadline:
            if self.requests and time.monotonic() - max(self.last, start) > seconds:
                return
            time.sleep(0.05)

    def env(self, protocol="http/protobuf"):
        port = self.grpc_port if protocol == "grpc" else self.http_port
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
                "OTEL_METRICS_EXPORTER": "none", "OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_BLRP_SCHEDULE_DELAY": "200"}

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.server.stop(0)

    def lines(self):
        for signal_name, request in self.requests:
            line = json_format.MessageToDict(request, use_integers_for_enums=True)
            yield json.dumps(neutral(line), ensure_ascii=False, separators=(",", ":"))


def neutral(value, key=None):
    """Hex ids instead of base64, and neither this machine's name nor its paths."""
    if isinstance(value, dict):
        if isinstance(value.get("attributes"), list):
            value["attributes"] = [a for a in value["attributes"] if a["key"] not in MACHINE]
        if value.get("key") == "host.name":
            return {"key": "host.name", "value": {"stringValue": "lab-host"}}
        return {k: neutral(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [neutral(v) for v in value]
    if key in ("traceId", "spanId", "parentSpanId"):
        return base64.b64decode(value).hex()
    if isinstance(value, str):
        for machine_path in (str(WORK), str(HERE), sys.prefix):
            value = value.replace(machine_path, "/srv/app")
        # Whole words only: a short host name also occurs inside tokens.
        return re.sub(rf"(?<![\w.-]){re.escape(socket.gethostname())}(?![\w-])", "lab-host", value)
    return value


class Issuer:
    """Signs tokens with a key made for this stack's recording; the private half is never written."""

    def __init__(self, kid, alg="RS256", iss="https://idp.lab.test"):
        self.kid, self.alg, self.iss = kid, alg, iss
        self.key = rsa.generate_private_key(65537, 2048) if alg.startswith(("RS", "PS")) else ec.generate_private_key(ec.SECP256R1())

    def token(self, sub="alice", ttl=3600, age=60, headers=None, **claims):
        now = int(time.time())
        body = {"iss": self.iss, "aud": "shop", "sub": sub, "iat": now - age, "exp": now + ttl, "jti": os.urandom(8).hex(),
                "scope": "orders:read orders:write"} | claims
        return jwt.encode({k: v for k, v in body.items() if v is not None}, self.key, self.alg, headers={"kid": self.kid} | (headers or {}))

    def pem(self):
        WORK.mkdir(parents=True, exist_ok=True)
        path = WORK / f"{self.kid}-{os.urandom(3).hex()}.pem"
        path.write_bytes(self.key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
        return str(path)

    def jwk(self):
        algorithm = jwt.algorithms.RSAAlgorithm if self.alg.startswith(("RS", "PS")) else jwt.algorithms.ECAlgorithm
        return algorithm.to_jwk(self.key.public_key(), as_dict=True) | {"kid": self.kid, "alg": self.alg, "use": "sig"}

    def jwks(self):
        jwk = {k: v for k, v in self.jwk().items() if k != "key_ops"}
        return {"keys": [jwk]}

    def publish(self):
        """Puts the public key into the runs' jwks.json, in place of the one of an earlier recording."""
        path = OUT / "jwks.json"
        keys = json.loads(path.read_text())["keys"] if path.exists() else []
        keys = [k for k in keys if k["kid"] != self.kid] + self.jwks()["keys"]
        path.write_text(json.dumps({"keys": sorted(keys, key=lambda k: k["kid"])}, indent=1) + "\n")


class Lab:
    """One recording: starts processes, sends requests, stops what it started, writes NAME.jsonl and NAME.truth.json."""

    def __init__(self, name, shows):
        self.name, self.shows, self.children, self.recorder = name, shows, [], Recorder()
        WORK.mkdir(parents=True, exist_ok=True)
        self.truth = {"name": name, "shows": shows, "hops": [], "findings": [], "waypoints": []}

    def __enter__(self):
        print(f"== {self.name}", flush=True)
        return self

    def __exit__(self, kind, *_rest):
        if kind is None:
            self.recorder.quiet()
        self.stop()
        if kind is None:
            self.recorder.quiet(0.5, 5)
            self.write()
        self.recorder.close()

    def start(self, name, command, env=None, port=None, seconds=30, clean=False):
        log = open(WORK / f"{self.name}.{name}.log", "wb")
        base = {"PATH": os.environ["PATH"], "HOME": str(WORK)} if clean else dict(os.environ)
        child = subprocess.Popen([str(c) for c in command], env=base | (env or {}), stdout=log, stderr=subprocess.STDOUT,
                                 start_new_session=True, cwd=WORK)
        self.children.append(child)
        if port:
            wait_port(port, seconds, lambda: child.poll() is None)
        return child

    def stop(self):
        for child in reversed(self.children):
            self.end(child)
        self.children = []

    @staticmethod
    def end(child):
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(8)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait(5)

    def hop(self, caller, callee, verdict, cause=None, n=1, severity=None):
        hop = {"caller": caller, "callee": callee, "verdict": verdict, "cause": cause, "n": n}
        self.truth["hops"].append(hop | ({"severity": severity} if severity else {}))

    def finding(self, caller, callee, finding, n=1):
        self.truth["findings"].append([caller, callee, finding, n])

    def waypoints(self, *names):
        self.truth["waypoints"] += names

    def outside(self):
        """A server that nobody traces (an identity provider, a third party); its port."""
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.rfile.read(int(self.headers.get("content-length") or 0))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            do_POST = do_GET

            def log_message(self, *_args):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_address[1]

    def policy(self, text):
        (OUT / f"{self.name}.policy.toml").write_text(text)

    def write(self):
        OUT.mkdir(exist_ok=True)
        text = "".join(line + "\n" for line in self.recorder.lines())
        if len(text) > LARGEST:
            print(f"   {self.name} has {len(text)} bytes: fewer traces, please")
        (OUT / f"{self.name}.jsonl").write_text(text)
        (OUT / f"{self.name}.truth.json").write_text(json.dumps(self.truth, indent=1) + "\n")
        spans = sum(len(s.spans) for name, r in self.recorder.requests if name == "traces" for rs in r.resource_spans for s in rs.scope_spans)
        print(f"   {spans} spans, {len(text)} bytes", flush=True)


def get(url, token=None, method="GET", body=None, headers=None):
    """One request of a client outside the cluster, without trace context; the status that it got."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    try:
        sent = {"user-agent": "shop-app/3"} | ({"authorization": f"Bearer {token}"} if token else {}) | (headers or {})
        connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, sent)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def need(program):
    path = shutil.which(program)
    if not path:
        sys.exit(f"{program} is not installed: see README.md")
    return path
