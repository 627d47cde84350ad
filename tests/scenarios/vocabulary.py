"""Words to write labelled runs with: services, spans, tokens, and the truth about every hop.

Everything is drawn from the run's name and a counter, so that two runs of `make.py` write the same bytes. Attribute
shapes are those of stock instrumentations (`stacks.py`); a header appears on a span only where its process captures it.
"""

import base64
import hashlib
import json
import os

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

HERE = os.path.dirname(os.path.abspath(__file__))
#: 2026-11-20T10:00:00Z
EPOCH = 1_795_168_800
ISSUER = "https://id.shop.test"
INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5
FINDINGS = "leaked exposed accepted_unverified disagreement scope_widened bound_token_forwarded multiple_tokens expired_in_flight unwanted moved long_lived".split()
#: What a request carries where it carries nothing.
NOTHING = None


def _key(name):
    with open(f"{HERE}/keys/{name}.pem", "rb") as pem:
        return serialization.load_pem_private_key(pem.read(), None)


#: kid → (algorithm, private key); the rogue key signs under a known kid and stands in no key set.
KEYS = {
    "test-2026": ("RS256", _key("rsa-a")),
    "test-2027": ("RS256", _key("rsa-b")),
    "rogue": ("RS256", _key("rsa-rogue")),
    "partner-1": ("RS256", _key("rsa-rogue")),
    "ed-1": ("EdDSA", _key("ed-c")),
}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwks():
    """The public key set that jwtrail checks with: neither the rogue key nor the partner's."""
    keys = []
    for kid in ("test-2026", "test-2027"):
        n = KEYS[kid][1].public_key().public_numbers()
        number = lambda i: b64(i.to_bytes((i.bit_length() + 7) // 8, "big"))
        keys.append({"kid": kid, "alg": "RS256", "use": "sig", "kty": "RSA", "n": number(n.n), "e": number(n.e)})
    raw = KEYS["ed-1"][1].public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    keys.append({"kid": "ed-1", "alg": "EdDSA", "use": "sig", "kty": "OKP", "crv": "Ed25519", "x": b64(raw)})
    return {"keys": keys}


def token(sub="user-1", aud="shop", scope="orders:read", kid="test-2026", signer=None, typ="JWT", iat=-600, exp=3000, drop=(), **claims):
    """A signed JWT; `iat` and `exp` are seconds from the epoch of the runs, `signer` another key under the same kid."""
    algorithm, key = KEYS[signer or kid]
    header = {"alg": algorithm, "kid": kid, "typ": typ}
    payload = {"iss": ISSUER, "sub": sub, "aud": aud, "scope": scope, "iat": EPOCH + iat, "nbf": EPOCH + iat, "exp": EPOCH + exp}
    payload["jti"] = hashlib.sha256(f"{sub}{aud}{iat}{exp}{kid}{sorted(claims.items())}".encode()).hexdigest()[:16]
    payload |= claims
    for name in drop:
        del payload[name]
    text = ".".join(b64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, payload))
    sign = key.sign(text.encode()) if algorithm == "EdDSA" else key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{text}.{b64(sign)}"


def with_payload(jwt, **claims):
    """The same header and signature over another payload: tampering."""
    header, payload, signature = jwt.split(".")
    old = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return f"{header}.{b64(json.dumps(old | claims, separators=(',', ':')).encode())}.{signature}"


def unsigned(jwt):
    """`alg` none and an empty signature over the same claims."""
    header = b64(b'{"alg":"none","typ":"JWT"}')
    return f"{header}.{jwt.split('.')[1]}."


def workload(name, **more):
    """A token that a service got for itself with client credentials."""
    return token(sub=name, client_id=name, azp=name, gty="client-credentials", **more)


def jwe(seed):
    """An encrypted token: five parts, readable to nobody on the way."""
    header = b64(b'{"alg":"RSA-OAEP-256","enc":"A256GCM","cty":"JWT"}')
    return ".".join([header, opaque(f"{seed}-key", 86), opaque(f"{seed}-iv", 16), opaque(f"{seed}-text", 86), opaque(f"{seed}-tag", 22)])


def opaque(seed, length=43):
    """A reference token: random text to everyone but its issuer."""
    return b64(hashlib.sha512(seed.encode()).digest() * 2)[:length]


def bearer(jwt):
    return {"authorization": f"Bearer {jwt}"}


def value(v):
    """One OTLP AnyValue, as the Collector writes it."""
    if isinstance(v, bool):
        return {"boolValue": v}
    if isinstance(v, int):
        return {"intValue": str(v)}
    if isinstance(v, float):
        return {"doubleValue": v}
    if isinstance(v, (list, tuple)):
        return {"arrayValue": {"values": [value(x) for x in v]}}
    return {"stringValue": v}


def attributes(pairs):
    return [{"key": k, "value": value(v)} for k, v in pairs.items() if v is not None]


class Service:
    """One process: what it is called, what it is written in, what it captures of requests on either side."""

    def __init__(self, run, name, stack, inn=True, out=True, instance=0, namespace=None, skew=0, limit=None, host=None, **resource):
        self.run, self.name, self.stack, self.skew, self.limit = run, name, stack, skew, limit
        usual = ("authorization", "traceparent", "user-agent")
        self.inn = usual if inn is True else (inn or ())
        self.out = usual if out is True else (out or ())
        self.host = host or (name or "app").split("/")[-1]
        self.port = 8000 + run.number("port", self.host) % 1000
        self.resource = stack.resource(self, run.uuid(name or stack.name, instance)) | resource
        if namespace:
            self.resource["service.namespace"] = namespace

    @property
    def address(self):
        return f"http://{self.host}:{self.port}"


class Span:
    """One span; times are laid out when the run is written."""

    def __init__(self, trace, service, kind, name, scope, parent, attrs, flags, status=0, at=None, lasts=5):
        self.trace, self.service, self.kind, self.name, self.scope = trace, service, kind, name, scope
        self.parent, self.attrs, self.flags, self.status = parent, attrs, flags, status
        self.at, self.lasts, self.children, self.events, self.links = at, lasts, [], [], []
        self.message, self.start, self.end, self.drop, self.circle = "", None, None, False, None
        self.id = trace.run.hex(16)
        if isinstance(parent, Span) and parent.trace is trace:
            parent.children.append(self)
        trace.spans.append(self)

    def exception(self, kind, message, stack=None, escaped=None):
        """An exception event, as `recordException` writes it."""
        trace = stack or f"{kind}: {message}\n    at verify (/srv/app/verify:41)"
        self.events.append(("exception", {"exception.type": kind, "exception.message": message, "exception.stacktrace": trace, "exception.escaped": escaped}))
        return self

    def event(self, name, **attrs):
        self.events.append((name, {k.replace("__", "."): v for k, v in attrs.items()}))
        return self

    def set(self, pairs):
        self.attrs |= pairs
        return self

    def link(self, other):
        self.links.append(other)
        return self

    def log(self, body, severity="WARN", scope="app", **attrs):
        """A log record of the same process, joined by trace and span id."""
        self.trace.run.logs.append((self, body, severity, scope, attrs))
        return self

    def lost(self):
        """This span never reaches the file."""
        self.drop = True
        return self

    def layout(self, start):
        """Gives this span and those below it their times, in milliseconds from the epoch."""
        self.start = self.trace.at + self.at if self.at is not None else start
        next_start = self.start + 1
        for child in self.children:
            child.layout(next_start)
            if child.end < next_start + 3_600_000:
                next_start = max(next_start, child.end + 1)
        self.end = max(self.start + self.lasts, next_start)

    def traceparent(self):
        return f"00-{self.trace.id}-{self.id}-{self.trace.sampled}"


class Trace:
    """One trace of a run; `at` is its start in milliseconds from the epoch."""

    def __init__(self, run, at, sampled="01"):
        self.run, self.at, self.sampled, self.spans = run, at, sampled, []
        self.id = run.hex(32)

    def span(self, service, kind, name, scope, parent=None, attrs=None, flags=None, **more):
        remote = parent is not None and (isinstance(parent, str) or parent.service is not service)
        flags = flags if flags is not None else (0x300 if remote else 0x100) | 1
        return Span(self, service, kind, name, scope, parent, dict(attrs or {}), flags, **more)

    def server(self, service, parent=None, headers=None, path="/", status=200, method="GET", **more):
        """The span of a request that arrives; `headers` are those on the wire."""
        headers = dict(headers or {})
        if parent is not None and "traceparent" not in headers:
            headers["traceparent"] = parent.traceparent() if isinstance(parent, Span) else f"00-{self.id}-{parent}-{self.sampled}"
        return service.stack.server(self, service, parent, headers, path, status, method, **more)

    def client(self, service, parent, to, headers=None, path="/", status=200, method="GET", **more):
        """The span of a call; `to` is a service or a URL."""
        return service.stack.client(self, service, parent, to, dict(headers or {}), path, status, method, **more)

    def internal(self, service, parent, name, scope=None, **attrs):
        return self.span(service, INTERNAL, name, scope or service.stack.inner, parent, {k.replace("__", "."): v for k, v in attrs.items()})

    def hop(self, parent, to, sent=None, got=..., path="/", status=200, method="GET", by=None, **more):
        """A call and its arrival; what is received is what was sent unless `got` says otherwise."""
        call = self.client(by or parent.service, parent, to, sent, path, status, method, **more)
        return self.server(to, call, sent if got is ... else got, path, status, method)


class Run:
    """One labelled run: its traces, and what is true of each hop."""

    def __init__(self, name, shows):
        self.name, self.shows = name, shows
        self.traces, self.logs, self.hops, self.findings, self.waypoints, self.policy, self._count = [], [], [], [], [], None, 0
        #: Write the lines last first, and some of them twice, as exporters that retry do.
        self.disorder = False

    def _digest(self, *what):
        return hashlib.sha256("\0".join([self.name, *map(str, what)]).encode()).hexdigest()

    def hex(self, digits):
        self._count += 1
        return self._digest("id", self._count)[:digits]

    def number(self, *what):
        return int(self._digest(*what)[:8], 16)

    def uuid(self, *what):
        d = self._digest("uuid", *what)
        return f"{d[:8]}-{d[8:12]}-4{d[13:16]}-a{d[17:20]}-{d[20:32]}"

    def service(self, name, stack, **more):
        return Service(self, name, stack, **more)

    def trace(self, at=None, **more):
        """A new trace, a second after the one before unless `at` (milliseconds) says otherwise."""
        trace = Trace(self, len(self.traces) * 1000 if at is None else at, **more)
        self.traces.append(trace)
        return trace

    def expect(self, caller, callee, verdict, cause=None, n=1, severity=None):
        side = lambda s: s.name if isinstance(s, Service) else s
        hop = {"caller": side(caller), "callee": side(callee), "verdict": verdict, "cause": cause, "n": n}
        self.hops.append(hop | ({"severity": severity} if severity else {}))

    def finds(self, caller, callee, finding, n):
        side = lambda s: s.name if isinstance(s, Service) else s
        self.findings.append([side(caller), side(callee), finding, n])

    def every_finding(self):
        """The findings named, and how often each may occur in all: what is not named is a false alarm."""
        totals = [["*", "*", finding, sum(n for _, _, f, n in self.findings if f == finding)] for finding in FINDINGS]
        return self.findings + totals

    def truth(self):
        return {"name": self.name, "shows": self.shows, "hops": self.hops, "findings": self.every_finding(), "waypoints": self.waypoints}

    def lines(self):
        """The file's lines, in order or not."""
        lines = list(self.in_order())
        return lines[::-1] + lines[::3] if self.disorder else lines

    def in_order(self):
        """OTLP JSON, one line for each process and trace, as its batches would come."""
        for trace in self.traces:
            for span in trace.spans:
                if not isinstance(span.parent, Span) or span.parent.trace is not trace:
                    span.layout(trace.at)
            services = list(dict.fromkeys(s.service for s in trace.spans if not s.drop))
            for service in services:
                yield json.dumps({"resourceSpans": [resource_spans(trace, service)]}, separators=(",", ":"))
        for span, body, severity, scope, attrs in self.logs:
            yield json.dumps({"resourceLogs": [resource_logs(span, body, severity, scope, attrs)]}, separators=(",", ":"))


def nanos(span, milliseconds):
    return str((EPOCH * 1000 + milliseconds + span.service.skew) * 1_000_000)


def resource_spans(trace, service):
    scopes = {}
    for span in trace.spans:
        if span.service is service and not span.drop:
            scopes.setdefault(span.scope, []).append(otlp(span))
    version = service.stack.version
    scoped = [{"scope": {"name": name, "version": version(name)}, "spans": spans} for name, spans in scopes.items()]
    return {"resource": {"attributes": attributes(service.resource)}, "scopeSpans": scoped}


def cut(v, limit):
    return [x[:limit] for x in v] if isinstance(v, list) else v[:limit] if isinstance(v, str) else v


def otlp(span):
    above = span.circle or span.parent
    parent = above.id if isinstance(above, Span) else above or ""
    attrs = span.attrs if not span.service.limit else {k: cut(v, span.service.limit) for k, v in span.attrs.items()}
    out = {"traceId": span.trace.id, "spanId": span.id, "parentSpanId": parent, "flags": span.flags, "name": span.name, "kind": span.kind,
           "startTimeUnixNano": nanos(span, span.start), "endTimeUnixNano": nanos(span, span.end), "attributes": attributes(attrs)}
    if span.events:
        out["events"] = [{"timeUnixNano": nanos(span, span.end), "name": n, "attributes": attributes(a)} for n, a in span.events]
    if span.links:
        out["links"] = [{"traceId": s.trace.id, "spanId": s.id, "flags": 768} for s in span.links]
    out["status"] = {k: v for k, v in (("message", span.message), ("code", span.status)) if v}
    return out


def resource_logs(span, body, severity, scope, attrs):
    number = {"DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17}[severity]
    when = nanos(span, span.end)
    record = {"timeUnixNano": when, "observedTimeUnixNano": when, "severityNumber": number, "severityText": severity, "body": value(body),
              "attributes": attributes(attrs), "flags": 1, "traceId": span.trace.id, "spanId": span.id}
    return {"resource": {"attributes": attributes(span.service.resource)}, "scopeLogs": [{"scope": {"name": scope}, "logRecords": [record]}]}
