"""Calls that are no ordinary hop: third parties, identity providers, probes, redirects, retries, streams."""

from runs import scenario
from stacks import BROWSER, GO, HTTPX, INTERNAL, JAVA, NODE, PYTHON
from vocabulary import NOTHING, SERVER, bearer, opaque, token, workload

IDP = "https://id.shop.test"
BASIC = {"authorization": "Basic YmlsbGluZzpub3QtYS1zZWNyZXQ="}
GRPC_PY, GRPC_NODE = "opentelemetry.instrumentation.grpc", "@opentelemetry/instrumentation-grpc"


@scenario
def cron_client_credentials(run):
    """A nightly job fetches a token of its own and calls with it: minted where nothing was received."""
    billing, payment = run.service("billing-cron", PYTHON), run.service("payment", NODE)
    for _ in range(2):
        t = run.trace()
        job = t.span(billing, INTERNAL, "nightly-billing", "billing", None)
        t.client(billing, job, IDP, BASIC, "/oauth2/token", method="POST")
        t.hop(job, payment, bearer(workload("billing-cron")), path="/settle", method="POST")
    run.expect("billing-cron", "id.shop.test", "absent", "exempt", 2)
    run.expect(billing, payment, "originated", "minted", 2)


@scenario
def startup_calls(run):
    """A service starts: discovery, keys, its database and its configuration, all without a token and without a request."""
    orders, config = run.service("orders", NODE), run.service("config", NODE)
    for _ in range(2):
        t = run.trace()
        t.client(orders, None, IDP, {}, "/.well-known/openid-configuration")
        t = run.trace()
        t.client(orders, None, IDP, {}, "/oauth2/jwks")
        t = run.trace()
        t.span(orders, 3, "pg.connect", "@opentelemetry/instrumentation-pg", None, {"db.system": "postgresql", "db.name": "orders", "net.peer.name": "postgres", "net.peer.port": 5432})
        t = run.trace()
        t.server(config, t.client(orders, None, config, {}, "/config/orders"), {}, "/config/orders")
    run.expect(orders, "id.shop.test", "absent", "exempt", 4)
    run.expect(orders, "postgres", "absent", "exempt", 2)
    run.expect(orders, config, "absent", "anonymous", 2)


@scenario
def public_route(run):
    """A public catalogue: visitors have no token, and what is not sent there for a signed-in user is low at most."""
    gateway, catalog = run.service("gateway", NODE), run.service("catalog", PYTHON)
    for n in range(3):
        jwt = bearer(token("user-1")) if n == 2 else NOTHING
        t = run.trace()
        t.hop(t.server(gateway, headers=jwt, path="/catalog"), catalog, NOTHING, path="/items")
    run.expect(None, gateway, "absent", "anonymous", 2)
    run.expect(gateway, catalog, "absent", "anonymous", 2)
    run.expect(None, gateway, "originated", "entry", 1)
    run.expect(gateway, catalog, "dropped", "not_sent", 1, "low")


@scenario
def third_party_own_key(run):
    """A payment provider is called with the shop's own key, maps with none, the mail API with Basic: nothing is wrong."""
    gateway, orders = run.service("gateway", PYTHON), run.service("orders", PYTHON)
    for n in range(3):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        inner = t.hop(t.server(gateway, headers=jwt, path="/buy"), orders, jwt, path="/orders")
        t.client(orders, inner, "https://api.payments.test", bearer("sk_test_" + opaque("payments", 40)), "/v1/charges", method="POST", scope=HTTPX)
        t.client(orders, inner, "https://maps.partner.test", {}, "/geo", scope=HTTPX)
        t.client(orders, inner, "https://mail.partner.test", {"authorization": "Basic bWFpbDpub3QtYS1zZWNyZXQ="}, "/send", method="POST", scope=HTTPX)
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, orders, "intact", n=3)
    run.expect(orders, "api.payments.test", "originated", "minted", 3)
    run.expect(orders, "maps.partner.test", "absent", "exempt", 3)
    run.expect(orders, "mail.partner.test", "absent", "exempt", 3)
    for host in ("api.payments.test", "maps.partner.test", "mail.partner.test"):
        run.finds(orders, host, "leaked", 0)


@scenario
def third_party_leak(run):
    """The user's token is forwarded to a partner: a leak there, none to the issuer's own domain or a cluster host."""
    gateway, orders = run.service("gateway", PYTHON), run.service("orders", PYTHON)
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        inner = t.hop(t.server(gateway, headers=jwt, path="/buy"), orders, jwt, path="/orders")
        for host in ("https://api.partner.test", "https://profile.shop.test", "http://vault.shop.svc.cluster.local:8200"):
            t.client(orders, inner, host, jwt, "/v1/me")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "intact", n=2)
    for host, leaks in (("api.partner.test", 2), ("profile.shop.test", 0), ("vault.shop.svc.cluster.local", 0)):
        run.expect(orders, host, "intact", n=2)
        run.finds(orders, host, "leaked", leaks)


@scenario
def third_party_refuses(run):
    """A partner answers 401 to the shop's own key: refused, as far as the caller's side can say."""
    orders = run.service("orders", PYTHON)
    for n in range(2):
        t = run.trace()
        entry = t.server(orders, headers=bearer(token(f"user-{n}")), path="/orders", status=502)
        t.client(orders, entry, "https://api.payments.test", bearer("sk_test_" + opaque("revoked", 40)), "/v1/charges", 401, method="POST")
    run.expect(None, orders, "originated", "entry", 2)
    run.expect(orders, "api.payments.test", "failed", "rejected", 2, "high")
    run.finds(orders, "api.payments.test", "leaked", 0)


@scenario
def token_endpoint_called(run):
    """Instead of forwarding the user's token, orders fetches one: its own, accepted and refused, and an exchanged one."""
    gateway, orders, payment, ledger = (run.service(n, PYTHON) for n in ("gateway", "orders", "payment", "ledger"))
    for n, status in enumerate((200, 401, 200)):
        jwt, own = bearer(token(f"user-{n}")), bearer(workload("orders", jti=f"own-{n}", **({"exp": -300, "iat": -3900} if status == 401 else {})))
        t = run.trace()
        inner = t.hop(t.server(gateway, headers=jwt, path="/buy", status=status), orders, jwt, path="/orders", status=status)
        t.client(orders, inner, IDP, BASIC, "/oauth2/token", method="POST")
        if n < 2:
            paid = t.hop(inner, payment, own, path="/pay", status=status, method="POST")
            if status == 401:
                paid.exception("jwt.exceptions.ExpiredSignatureError", "Signature has expired")
        else:
            t.hop(inner, ledger, bearer(token(f"user-{n}", aud="ledger", scope="ledger:write", jti="exchanged")), path="/book", method="POST")
    # The payment service is one that verifies: it has been seen to refuse.
    t = run.trace()
    late = bearer(token("user-9", exp=-900, iat=-4500))
    t.server(payment, headers=late, path="/pay", status=401).exception("jwt.exceptions.ExpiredSignatureError", "Signature has expired")
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(None, payment, "failed", "expired", 1, "high")
    run.expect(gateway, orders, "intact", n=3)
    run.expect(orders, "id.shop.test", "absent", "exempt", 3)
    run.expect(orders, payment, "changed", "subject_switched", 1, "low")
    run.expect(orders, payment, "changed", "subject_switched", 1, "high")
    run.expect(orders, ledger, "exchanged", "evidence", 1)
    run.finds(orders, ledger, "scope_widened", 1)


@scenario
def jwks_called(run):
    """While it verifies, payment fetches the issuer's keys, from outside and from a traced identity provider."""
    gateway, payment, keycloak = run.service("gateway", PYTHON), run.service("payment", PYTHON), run.service("keycloak", JAVA)
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        inner = t.hop(t.server(gateway, headers=jwt, path="/buy"), payment, jwt, path="/pay")
        t.client(payment, inner, IDP, {}, "/.well-known/jwks.json", scope="opentelemetry.instrumentation.urllib")
        t.hop(inner, keycloak, NOTHING, path="/realms/shop/protocol/openid-connect/certs")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, payment, "intact", n=2)
    run.expect(payment, "id.shop.test", "absent", "exempt", 2)
    run.expect(payment, keycloak, "absent", "exempt", 2)


@scenario
def preflight(run):
    """A browser asks before it calls: the OPTIONS request has no token and needs none; then the token comes from the browser."""
    web, gateway = run.service("web", BROWSER), run.service("gateway", NODE)
    for n in range(2):
        t = run.trace()
        t.server(gateway, headers={"origin": "https://shop.test", "user-agent": BROWSER.agent}, path="/api/orders", status=204, method="OPTIONS")
        t = run.trace()
        call = t.client(web, None, "https://api.shop.test", bearer(token(f"user-{n}")), "/api/orders", name="HTTP GET")
        t.span(web, INTERNAL, "CORS Preflight", BROWSER.inner, call)
        t.server(gateway, call, bearer(token(f"user-{n}")) | {"user-agent": BROWSER.agent}, "/api/orders")
    run.expect(None, gateway, "absent", "exempt", 2)
    run.expect(web, gateway, "originated", "minted", 2)


@scenario
def health_probe(run):
    """Kubelet, Prometheus, a load balancer and a gateway that asks its backends: no token, no word about it."""
    gateway, orders = run.service("gateway", NODE), run.service("orders", NODE)
    probes = (("/healthz", "kube-probe/1.33"), ("/", "kube-probe/1.33"), ("/metrics", "Prometheus/3.5.0"), ("/", "ELB-HealthChecker/2.0"), ("/actuator/health/readiness", "curl/8.5.0"))
    for path, agent in probes:
        run.trace().server(orders, headers={"user-agent": agent}, path=path)
    jwt = bearer(token())
    t = run.trace()
    entry = t.server(gateway, headers=jwt, path="/status")
    t.hop(entry, orders, NOTHING, path="/health")
    t.hop(entry, orders, jwt, path="/orders")
    run.expect(None, orders, "absent", "exempt", 5)
    run.expect(None, gateway, "originated", "entry", 1)
    run.expect(gateway, orders, "absent", "exempt", 1)
    run.expect(gateway, orders, "intact", n=1)


@scenario
def redirect_other_host(run):
    """A 302 to another host: clients drop Authorization there on purpose, under one call span or a span for each."""
    gateway, shop, cdn = run.service("gateway", PYTHON), run.service("shop", PYTHON), run.service("cdn", PYTHON)
    front = run.service("front", NODE)
    jwt = bearer(token("user-1"))
    t = run.trace()
    call = t.client(gateway, t.server(gateway, headers=jwt, path="/img"), shop, jwt, "/img/1")
    t.server(shop, call, jwt, "/img/1", 302)
    t.server(cdn, call, {"user-agent": PYTHON.agent}, "/1.png")
    t = run.trace()
    entry = t.server(front, headers=jwt, path="/img")
    t.hop(entry, shop, jwt, path="/img/1", status=302)
    t.hop(entry, cdn, NOTHING, path="/1.png")
    t = run.trace()
    entry = t.server(gateway, headers=jwt, path="/img")
    t.server(shop, t.client(gateway, entry, shop, jwt, "/img/2", 302, scope=HTTPX), jwt, "/img/2", 302)
    t.client(gateway, entry, "https://cdn.partner.test", {}, "/2.png", scope=HTTPX)
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(None, front, "originated", "entry", 1)
    run.expect(gateway, shop, "intact", n=2)
    run.expect(front, shop, "intact", n=1)
    run.expect(gateway, cdn, "dropped", "not_sent", 1, "low")
    run.expect(front, cdn, "dropped", "not_sent", 1, "low")
    run.expect(gateway, "cdn.partner.test", "absent", "exempt", 1)


@scenario
def retry_with_refreshed_token(run):
    """Refused, refreshed, accepted: the first hop keeps its verdict as a footnote, the new token is no break."""
    bff = run.service("bff", NODE, inn=("authorization", "cookie", "traceparent", "user-agent"))
    job, gateway, orders = run.service("export-job", PYTHON), run.service("gateway", PYTHON), run.service("orders", PYTHON)
    run.policy = '[capture]\ncookies = ["sid"]'

    def refresh(t, parent, old, new, caller):
        refused = t.hop(parent, orders, old, path="/orders", status=401)
        if caller is gateway:
            refused.set({"http.response.header.www_authenticate": ['Bearer error="invalid_token", error_description="The session was revoked"']})
        else:
            refused.exception("jwt.exceptions.ExpiredSignatureError", "Signature has expired")
        t.client(caller, parent, IDP, BASIC if caller is job else {}, "/oauth2/token", method="POST")
        t.hop(parent, orders, new, path="/orders")

    old, new = (lambda sub, **m: bearer(token(sub, exp=-120, iat=-3720, **m))), (lambda sub, **m: bearer(token(sub, iat=0, **m)))
    t = run.trace()
    refresh(t, t.server(bff, headers={"cookie": f"sid={opaque('sid-1')}"}, path="/api/orders"), old("user-1"), new("user-1"), bff)
    t = run.trace()
    refresh(t, t.span(job, INTERNAL, "export", "export", None), old("export-job"), new("export-job"), job)
    # The gateway's issuer is not configured here: only the service that refused its token can say why.
    t = run.trace()
    foreign = {"kid": "partner-1", "iss": "https://login.partner.test"}
    first = bearer(token("user-2", iat=-900, **foreign))
    refresh(t, t.server(gateway, headers=first, path="/buy"), first, new("user-2", **foreign), gateway)
    run.expect(None, bff, "originated", "entry", 1)
    run.expect(bff, orders, "failed", "expired", 1, "info")
    run.expect(bff, orders, "exchanged", "evidence|opaque_to_jws", 1)
    run.expect(job, orders, "failed", "expired", 1, "info")
    run.expect(job, orders, "originated|exchanged", "minted|evidence", 1)
    run.expect(None, gateway, "originated", "entry", 1)
    run.expect(bff, "id.shop.test", "absent", "exempt", 1)
    run.expect(job, "id.shop.test", "absent", "exempt", 1)
    run.expect(gateway, "id.shop.test", "absent", "exempt", 1)
    run.expect(gateway, orders, "failed", "rejected", 1, "info")
    run.expect(gateway, orders, "exchanged", "evidence", 1)


@scenario
def challenge_first(run):
    """A client sends its token only once it was asked for: the first try without it is a footnote."""
    gateway, store = run.service("gateway", PYTHON), run.service("store", PYTHON)
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        entry = t.server(gateway, headers=jwt, path="/buy")
        first = t.hop(entry, store, NOTHING, path="/store", status=401)
        first.set({"http.response.header.www_authenticate": ['Bearer realm="store"']})
        t.hop(entry, store, jwt, path="/store")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, store, "dropped", "not_sent", 2, "info")
    run.expect(gateway, store, "intact", n=2)


@scenario
def websocket(run):
    """The browser's socket carries its token in the query; the gateway moves it to the header, and messages call on."""
    gateway, chat, history = run.service("gateway", NODE), run.service("chat", NODE), run.service("history", NODE)
    for n in range(2):
        jwt = token(f"user-{n}")
        t = run.trace()
        entry = t.server(gateway, headers={"upgrade": "websocket"}, path="/ws", query=f"room=7&access_token={jwt}", status=101)
        socket = t.hop(entry, chat, bearer(jwt), path="/socket", status=101)
        for m in range(2):
            message = t.span(chat, INTERNAL, "ws.message", "chat", socket, {"messaging.message.id": f"m-{m}"})
            t.hop(message, history, bearer(jwt), path="/history", method="POST")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, chat, "intact", n=2)
    run.expect(chat, history, "intact", n=4)
    run.finds(None, gateway, "exposed", 2)
    run.finds(gateway, chat, "moved", 2)


def grpc(t, service, kind, parent, method, code, headers, seen, extra=None, flags=None):
    """One gRPC span; Node writes metadata where it captures it, Python never."""
    attrs = {"rpc.system": "grpc", "rpc.service": "shop.Orders", "rpc.method": method}
    attrs |= {"server.address": "orders", "server.port": 50051} if kind == 3 else {}
    for name in seen:
        if headers and name in headers:
            attrs[f"rpc.request.metadata.{name.replace('-', '_')}"] = [headers[name]]
    attrs |= {"rpc.grpc.status_code": code} | (extra or {})
    scope = {NODE: GRPC_NODE, PYTHON: GRPC_PY, GO: "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"}[service.stack]
    return t.span(service, kind, f"shop.Orders/{method}", scope, parent, attrs, flags=flags, status=2 if code and kind == 3 else 0)


@scenario
def grpc_stream(run):
    """gRPC, streaming both ways: through, not copied into the outgoing metadata, refused by code, refused by exception."""
    gateway, orders, go = run.service("gateway", NODE), run.service("orders", NODE), run.service("reports", GO)
    python = run.service("stock", PYTHON)
    wire = lambda call, jwt: dict(jwt or {}) | {"traceparent": call.traceparent(), "user-agent": "grpc-node-js/1.14.7"}
    seen = ("authorization", "traceparent", "user-agent")

    def call(method, to, sends=True, client=0, server=0, **claims):
        jwt = {"authorization": f"Bearer {token(f'user-{method}', **claims)}"}
        t = run.trace()
        entry = t.server(gateway, headers=jwt, path=f"/{method.lower()}", status={0: 200, 16: 401}.get(client, 500))
        out = grpc(t, gateway, 3, entry, method, client, jwt if sends else NOTHING, ("authorization",), {"server.address": to.host})
        got = grpc(t, to, SERVER, out, method, server, wire(out, jwt if sends else NOTHING), seen if to.stack is NODE else ())
        for n in range(3):
            got.event("message", message__type="SENT", message__id=n + 1)
        return got

    call("Watch", orders)
    call("Upload", orders)
    call("Chat", orders, sends=False)
    call("Deny", orders, client=16, server=16)
    call("Report", go)
    call("Stock", python, client=2, exp=-300, iat=-3900).exception("jwt.exceptions.ExpiredSignatureError", "Signature has expired")
    run.expect(None, gateway, "originated", "entry", 6)
    run.expect(gateway, orders, "intact", n=2)
    run.expect(gateway, orders, "dropped", "not_sent", 1)
    run.expect(gateway, orders, "failed", "rejected", 1, "high")
    run.expect(gateway, go, "intact", n=1)
    run.expect(gateway, python, "failed", "expired", 1, "high")
    run.finds(gateway, orders, "disagreement", 1)


@scenario
def graphql_401_in_200(run):
    """GraphQL answers 200 and says UNAUTHENTICATED inside: on the span by an attribute, or as the Java agent's error event."""
    gateway, graph, java = run.service("gateway", PYTHON), run.service("graph", NODE), run.service("reviews", JAVA)
    for n, refused in enumerate((False, True)):
        jwt = bearer(token(f"user-{n}", **({"exp": -300, "iat": -3900} if refused else {})))
        t = run.trace()
        entry = t.server(gateway, headers=jwt, path="/shop")
        inner = t.hop(entry, graph, jwt, path="/graphql", method="POST")
        operation = t.span(graph, INTERNAL, "query Basket", "@opentelemetry/instrumentation-graphql", inner, {"graphql.operation.type": "query", "graphql.operation.name": "Basket"})
        if refused:
            operation.set({"graphql.error.extensions.code": "UNAUTHENTICATED", "graphql.error.message": "Context creation failed"})
            inner.set({"graphql.error.extensions.code": "UNAUTHENTICATED"})
        inner = t.hop(entry, java, jwt, path="/graphql", method="POST")
        operation = t.span(java, INTERNAL, "query Reviews", "io.opentelemetry.graphql-java-20.0", inner, {"graphql.operation.type": "query", "graphql.operation.name": "Reviews"})
        if refused:
            operation.event("exception", exception__type="UNAUTHORIZED", exception__message="Unauthorized").status = 2
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, graph, "intact", n=1)
    run.expect(gateway, graph, "failed", "expired|rejected", 1, "high")
    run.expect(gateway, java, "intact", n=1)
    run.expect(gateway, java, "failed", "expired|rejected", 1, "high")
    # The gateway itself served a dead token; the two behind it did not.
    run.finds(None, gateway, "accepted_unverified", 1)
    run.finds(gateway, graph, "accepted_unverified", 0)
    run.finds(gateway, java, "accepted_unverified", 0)
