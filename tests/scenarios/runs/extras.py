"""Edges of the rules: clocks, nonces, codes, messages that must carry a token."""

from runs import scenario
from runs.calls import grpc
from runs.queues import KAFKA, message
from stacks import ISTIO, JAVA, NODE, PYTHON, Stack
from vocabulary import CONSUMER, NOTHING, PRODUCER, SERVER, bearer, token

FOREIGN = {"kid": "partner-1", "iss": "https://login.partner.test"}


class Ruby(Stack):
    """Rack: a plain string on the server side, older attribute names, nothing captured by clients."""

    name, language, sdk_version, agent, plain = "ruby", "ruby", "1.10.0", "Ruby", True
    inner = "OpenTelemetry::Instrumentation::Rack"
    scopes = {"OpenTelemetry": "0.28.0"}

    def client_scope(self):
        return "OpenTelemetry::Instrumentation::Net::HTTP"

    def server(self, *args, **more):
        span = super().server(*args, **more)
        old = {"http.request.method": "http.method", "url.scheme": "http.scheme", "server.address": "http.host", "url.path": "http.target", "http.response.status_code": "http.status_code", "user_agent.original": "http.user_agent"}
        span.attrs = {old.get(k, k): v for k, v in span.attrs.items() if k not in ("server.port", "client.address", "network.protocol.version")}
        return span

    def client(self, *args, **more):
        span = super().client(*args, **more | {"seen": ()})
        old = {"http.request.method": "http.method", "server.address": "net.peer.name", "server.port": "net.peer.port", "url.full": "http.url", "http.response.status_code": "http.status_code"}
        span.attrs = {old.get(k, k): v for k, v in span.attrs.items() if not k.startswith("network.")}
        return span


RUBY = Ruby()


@scenario
def dpop_nonce(run):
    """The resource server asks for a nonce first: the same token is refused and then taken, which is no break."""
    gateway, orders = run.service("gateway", NODE), run.service("orders", NODE)
    for n in range(2):
        bound = {"authorization": f"DPoP {token(f'user-{n}', cnf={'jkt': '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'}, **FOREIGN)}"}
        t = run.trace()
        entry = t.server(gateway, headers=bound, path="/in")
        t.hop(entry, orders, bound, path="/orders", status=401).set({"http.response.header.www-authenticate": ['DPoP error="use_dpop_nonce", error_description="Resource server requires nonce in DPoP proof"']})
        t.hop(entry, orders, bound, path="/orders")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "failed", "rejected", 2, "info")
    run.expect(gateway, orders, "intact", n=2)


@scenario
def within_the_skew(run):
    """A token that ended half a minute ago: within the policy's skew jwtrail finds it valid, one service does not."""
    gateway, lenient, strict = run.service("gateway", NODE), run.service("lenient", NODE), run.service("strict", PYTHON)
    for n in range(2):
        jwt = bearer(token(f"user-{n}", exp=-30, iat=-3630))
        t = run.trace()
        entry = t.server(gateway, headers=jwt, path="/in", status=502)
        t.hop(entry, lenient, jwt, path="/lenient")
        t.hop(entry, strict, jwt, path="/strict", status=401).exception("jwt.exceptions.ExpiredSignatureError", "Signature has expired")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, lenient, "intact", n=2)
    run.expect(gateway, strict, "failed", "expired", 2, "high")
    run.finds(gateway, strict, "disagreement", 2)


@scenario
def grpc_permission_denied(run):
    """gRPC says 7: authorization, not verification; and 16 where nobody saw a token says nothing."""
    gateway, orders, stock, dark = run.service("gateway", NODE), run.service("orders", NODE), run.service("stock", PYTHON), run.service("edge", PYTHON, inn=None, out=None)
    jwt = {"authorization": f"Bearer {token('user-1')}"}
    t = run.trace()
    call = grpc(t, gateway, 3, t.server(gateway, headers=jwt, path="/in", status=403), "Delete", 7, jwt, ("authorization",))
    grpc(t, orders, SERVER, call, "Delete", 7, jwt | {"traceparent": call.traceparent()}, ("authorization", "traceparent"))
    t = run.trace()
    call = grpc(t, dark, 3, t.server(dark, headers=jwt, path="/in", status=401), "Get", 16, jwt, ())
    grpc(t, stock, SERVER, call, "Get", 16, jwt, ())
    run.expect(None, gateway, "originated", "entry", 1)
    run.expect(gateway, orders, "failed", "forbidden", 1, "medium")
    run.expect(None, dark, "unknown", "not_captured", 1)
    run.expect(dark, stock, "unknown", "not_captured", 1)


@scenario
def queue_must_carry(run):
    """The policy wants a token on this queue; the consumer's captured headers show that there is none."""
    gateway, worker = run.service("gateway", JAVA), run.service("worker", JAVA)
    run.policy = '[[edge]]\nfrom = "gateway"\nto = "worker"\ntoken = "required"'
    for n in range(2):
        t = run.trace()
        entry = t.server(gateway, headers=bearer(token(f"user-{n}")), path="/orders", method="POST", status=202)
        call = t.span(gateway, PRODUCER, "orders publish", KAFKA, entry, message(gateway, NOTHING, messaging__operation="publish"))
        t.span(worker, CONSUMER, "orders process", KAFKA, call, message(worker, {"traceparent": call.traceparent()}, ("authorization", "traceparent"), messaging__operation="process"))
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, worker, "dropped", "lost", 2, "high")


@scenario
def ruby_and_old_names(run):
    """Rack with the older attribute names: the server side is captured, the client side never."""
    gateway, orders, stock = run.service("gateway", RUBY), run.service("orders", RUBY), run.service("stock", NODE)
    for n, keeps in enumerate((True, True, False)):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        inner = t.hop(t.server(gateway, headers=jwt, path="/in"), orders, jwt, path="/orders")
        t.hop(inner, stock, jwt if keeps else NOTHING, path="/stock")
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, orders, "intact", n=3)
    run.expect(orders, stock, "intact", n=2)
    run.expect(orders, stock, "dropped", "lost", 1, "high")


@scenario
def refused_at_the_entry(run):
    """The gateway refuses by itself: an expired token, a bare 403, and a visitor without any, who is only asked to sign in."""
    gateway = run.service("gateway", PYTHON)
    late = bearer(token("user-1", exp=-300, iat=-3900))
    run.trace().server(gateway, headers=late, path="/me", status=401).exception("jwt.exceptions.ExpiredSignatureError", "Signature has expired")
    run.trace().server(gateway, headers=bearer(token("user-2")), path="/admin", status=403)
    run.trace().server(gateway, headers={}, path="/me", status=401)
    run.expect(None, gateway, "failed", "expired", 1, "high")
    run.expect(None, gateway, "failed", "forbidden", 1, "medium")
    run.expect(None, gateway, "absent", "anonymous", 1, "info")


@scenario
def policy_hosts_and_proxies(run):
    """A proxy, an internal host, a partner that may have the token and a longer life, each only by the policy's word."""
    gateway, proxy, store = run.service("gateway", PYTHON), run.service("edge-proxy", PYTHON), run.service("store", PYTHON)
    run.policy = """
[proxies]
services = ["edge-proxy"]

[hosts]
internal = ["*.corp.example"]
allowed = ["api.partner.test"]

[limits]
max_lifetime = 5184000
"""
    for n, keeps in enumerate((True, False)):
        jwt = bearer(token(f"user-{n}", exp=30 * 86_400))
        out = jwt if keeps else NOTHING
        t = run.trace()
        entry = t.server(gateway, headers=jwt, path="/in")
        way = t.hop(entry, proxy, jwt, path="/store")
        t.server(store, t.client(proxy, way, store, out, "/store"), out, "/store")
        t.client(gateway, entry, "https://api.partner.test", jwt, "/v1/me")
        t.client(gateway, entry, "https://ledger.corp.example", {}, "/book")
    run.waypoints = ["edge-proxy"]
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, store, "intact", n=1)
    run.expect(gateway, store, "dropped", "stripped", 1, "high")
    run.expect(gateway, "api.partner.test", "intact", n=2)
    run.expect(gateway, "ledger.corp.example", "unknown", "callee_untraced", 2)


@scenario
def sidecar_contradicted(run):
    """A sidecar's tag says that nothing was forwarded, and the token arrived all the same: what the service saw counts."""
    gateway, store, into = run.service("gateway", PYTHON), run.service("store", PYTHON), run.service("store.default", ISTIO)
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        call = t.client(gateway, t.server(gateway, headers=jwt, path="/in"), store, jwt, "/store")
        t.server(store, t.server(into, call, NOTHING, "/store"), jwt, "/store")
    run.waypoints = ["store.default"]
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, store, "intact", n=2)


@scenario
def other_token_to_a_partner(run):
    """Orders talks to partners and to an untraced internal service with JWTs of its own: minted, neither changed nor leaked."""
    orders = run.service("orders", NODE)
    own = bearer(token("orders", iss="https://login.partner.test", kid="partner-1", aud="https://api.partner.test"))
    for n in range(2):
        t = run.trace()
        entry = t.server(orders, headers=bearer(token(f"user-{n}")), path="/orders")
        for host in ("https://api.partner.test", "http://legacy-billing:8080"):
            t.client(orders, entry, host, own, "/v1/quote")
    run.expect(None, orders, "originated", "entry", 2)
    run.expect(orders, "api.partner.test", "originated", "minted", 2)
    run.expect(orders, "legacy-billing", "originated", "minted", 2)
