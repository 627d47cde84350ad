"""The finer print: links, tags, policy, other credentials, files in disorder."""

from runs import scenario
from runs.findings import s256, tagged
from stacks import DOTNET, GO, INTERNAL, ISTIO, JAVA, NODE, PYTHON
from vocabulary import CLIENT, CONSUMER, NOTHING, PRODUCER, bearer, jwe, token, workload


def through(run, first, second, sent, got=..., status=200, inbound=None, path="/x"):
    """One trace: `first` received a token, sent `sent`, and `second` got `got`."""
    t = run.trace()
    entry = t.server(first, headers=inbound or sent, path="/in", status=status)
    return t.hop(entry, second, sent, got=got, path=path, status=status)


@scenario
def public_endpoint_link(run):
    """Go's public endpoint begins a trace of its own and links to its caller: a hop all the same."""
    gateway, api = run.service("gateway", PYTHON), run.service("api", GO)
    for n, presence in enumerate(("present", "absent")):
        jwt = token(f"user-{n}")
        t = run.trace()
        call = t.client(gateway, t.server(gateway, headers=bearer(jwt), path="/in"), api, bearer(jwt), "/api")
        t = run.trace()
        t.server(api, None, bearer(jwt), "/api").set(tagged(presence, s256(jwt) if presence == "present" else None)).link(call)
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, api, "intact", n=1)
    run.expect(gateway, api, "dropped", "stripped", 1, "high")


@scenario
def spring_gateway_without_client(run):
    """Spring Cloud Gateway's CLIENT span is missing: the callee hangs under the WebFlux span, what was sent is unknown."""
    gateway, orders = run.service("gateway", JAVA), run.service("orders", JAVA)
    for n in range(3):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        entry = t.server(gateway, headers=jwt, path="/orders")
        flux = t.span(gateway, INTERNAL, "FilteringWebHandler.handle", "io.opentelemetry.spring-webflux-5.3", entry)
        t.server(orders, flux, NOTHING if n == 2 else jwt, "/orders")
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, orders, "intact", n=2)
    run.expect(gateway, orders, "dropped", "lost", 1, "high")


@scenario
def challenge_tells(run):
    """A Go callee shows no header; its challenge does: without `error=` there was no token, with it there was one."""
    gateway, dark, store = run.service("gateway", PYTHON), run.service("dark", GO), run.service("store", GO)
    jwt = bearer(token("user-1"))
    t = run.trace()
    call = t.client(gateway, t.server(gateway, headers=jwt, path="/in", status=401), store, jwt, "/store", 401)
    call.set({"http.response.header.www_authenticate": ['Bearer realm="store"']})
    t.server(store, call, NOTHING, "/store", 401)
    t = run.trace()
    got = t.hop(t.server(dark, headers=jwt, path="/in", status=401), store, jwt, path="/other", status=401)
    got.set({"http.response.header.www-authenticate": ['Bearer error="invalid_token", error_description="Token expired"']})
    run.expect(None, gateway, "originated", "entry", 1)
    run.expect(gateway, store, "dropped", "stripped", 1, "high")
    run.expect(None, dark, "unknown", "not_captured", 1)
    run.expect(dark, store, "failed", "expired", 1, "high")


@scenario
def tags_beside_captured_headers(run):
    """One team captures headers, another tags fingerprints: they compare, and what a tag calls an exchange is one."""
    gateway, orders, payment = run.service("gateway", PYTHON), run.service("orders", GO), run.service("payment", PYTHON)
    for n, intent in enumerate((None, "exchange", "none")):
        jwt, other = token(f"user-{n}"), token(f"user-{n}", iat=-5)
        out = other if intent else jwt
        t = run.trace()
        got = t.hop(t.server(gateway, headers=bearer(jwt), path="/in"), orders, bearer(jwt), path="/orders").set(tagged("present", s256(jwt)))
        call = t.client(orders, got, payment, bearer(out), "/pay").set(tagged("present", s256(out), exchange__intent=intent, exchange__from_fp=s256(jwt) if intent == "exchange" else None))
        t.server(payment, call, bearer(out), "/pay")
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, orders, "intact", n=3)
    run.expect(orders, payment, "intact", n=1)
    run.expect(orders, payment, "exchanged", "evidence", 1)
    run.expect(orders, payment, "changed", "reminted|replaced", 1, "high")


@scenario
def jwe_tokens(run):
    """An encrypted token goes through as it is, and is opened into a signed one at the gateway."""
    gateway, orders = run.service("gateway", NODE), run.service("orders", NODE)
    for n in range(2):
        sealed = bearer(jwe(f"user-{n}"))
        through(run, gateway, orders, sealed if n == 0 else bearer(token(f"user-{n}")), inbound=sealed)
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "intact", n=1)
    run.expect(gateway, orders, "exchanged", "opaque_to_jws", 1)


@scenario
def another_credential(run):
    """A legacy service is called with Basic instead of the user's token, AWS with its own signature."""
    gateway, legacy, fn = run.service("gateway", NODE), run.service("legacy", NODE), run.service("report-fn", PYTHON)
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        entry = t.server(gateway, headers=jwt, path="/in")
        t.hop(entry, legacy, {"authorization": "Basic bGVnYWN5Om5vdC1hLXNlY3JldA=="}, path="/legacy")
        aws = t.span(gateway, CLIENT, "Lambda.Invoke", "@opentelemetry/instrumentation-aws-sdk", entry, {"rpc.system": "aws-api", "rpc.service": "Lambda", "rpc.method": "Invoke", "http.status_code": 200})
        signed = {"authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261120/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=0f1e2d"}
        t.server(fn, t.client(gateway, aws, fn, signed, "/2015-03-31/functions/report-fn/invocations", method="POST"), signed, "/2015-03-31/functions/report-fn/invocations", method="POST")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, legacy, "dropped", "not_sent", 2, "low")
    run.expect(gateway, fn, "absent", "exempt", 2)


@scenario
def policy_reads(run):
    """What the policy adds: a witness, an assumed capture, a team's own refusal text, an accepted drop, another severity."""
    gateway, traced, legacy = run.service("gateway", PYTHON), run.service("traced", PYTHON, inn=("authorization", "x-request-id")), run.service("legacy", GO)
    tenants, catalog, old = run.service("tenants", PYTHON), run.service("catalog", NODE), run.service("old-js", NODE)
    run.policy = """
[capture]
witnesses = ["x-request-id"]
assume = ["legacy"]

[[rejection]]
reason = "claim"
field = "message"
text = "tenant not allowed"

[[ignore]]
from = "gateway"
to = "catalog"
verdict = "dropped"
reason = "the catalogue is public"

[severity]
placeholder = "low"
"""
    jwt = bearer(token("user-1"))
    through(run, gateway, traced, jwt, got={"x-request-id": "r-1"})
    through(run, gateway, legacy, jwt, got=NOTHING)
    through(run, gateway, tenants, jwt, status=401).exception("TenantError", "tenant not allowed")
    through(run, gateway, catalog, NOTHING, inbound=jwt)
    through(run, gateway, old, {"authorization": "Bearer undefined"}, inbound=jwt)
    run.expect(None, gateway, "originated", "entry", 5)
    run.expect(gateway, traced, "dropped", "stripped", 1)
    run.expect(gateway, legacy, "dropped", "stripped", 1)
    run.expect(gateway, tenants, "failed", "claim", 1, "high")
    run.finds(gateway, tenants, "disagreement", 1)
    run.expect(gateway, catalog, "dropped", "not_sent", 1, "info")
    run.expect(gateway, old, "changed", "placeholder", 1, "low")


@scenario
def own_identity_accepted(run):
    """Orders calls with its own workload token, and payment's own check takes it: low, and the policy could call it `own`."""
    orders, payment = run.service("orders", PYTHON), run.service("payment", PYTHON)
    for n in range(2):
        inner = through(run, orders, payment, bearer(workload("orders", jti=f"own-{n}")), inbound=bearer(token(f"user-{n}")))
        inner.set({"jwtrail.verify.result": "ok"})
    run.expect(None, orders, "originated", "entry", 2)
    run.expect(orders, payment, "changed", "subject_switched", 2, "low")


@scenario
def context_broken(run):
    """Trace context is not propagated: every trace holds one service, nothing can be paired and nobody is accused."""
    gateway, orders = run.service("gateway", PYTHON), run.service("orders", PYTHON)
    for n, sends in enumerate((True, True, False, False)):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        t.client(gateway, t.server(gateway, headers=jwt, path="/in"), orders, jwt if sends else NOTHING, "/orders")
        run.trace().server(orders, headers=(jwt if sends else {}) | {"user-agent": PYTHON.agent}, path="/orders")
    run.expect(None, gateway, "originated", "entry", 4)
    run.expect(gateway, "orders", "intact", n=2)
    run.expect(gateway, "orders", "unknown", "callee_untraced", 2)
    run.expect(None, orders, "originated", "entry", 2)
    run.expect(None, orders, "absent", "anonymous", 2)


@scenario
def background_after_the_answer(run):
    """The answer went out, then the work goes on in the same context: a call without the token is a drop like any other."""
    gateway, audit = run.service("gateway", NODE), run.service("audit", PYTHON)
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        entry = t.server(gateway, headers=jwt, path="/in", status=202)
        later = t.span(gateway, INTERNAL, "after-response", "app", entry, at=400)
        t.hop(later, audit, NOTHING if n else jwt, path="/audit", method="POST")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, audit, "intact", n=1)
    run.expect(gateway, audit, "dropped", "not_sent", 1, "high")


@scenario
def mesh_retries(run):
    """Envoy tries three times behind one call: three hops, all with the token."""
    gateway, store = run.service("gateway", PYTHON), run.service("store", PYTHON)
    out, into = run.service("gateway.default", ISTIO), run.service("store.default", ISTIO)
    jwt = bearer(token("user-1"))
    t = run.trace()
    call = t.client(gateway, t.server(gateway, headers=jwt, path="/in"), store, jwt, "/store")
    egress = t.client(out, call, store, jwt, "/store")
    for status in (503, 503, 200):
        t.server(store, t.server(into, egress, jwt, "/store", status), jwt, "/store", status)
    run.waypoints = ["gateway.default", "store.default"]
    run.expect(None, gateway, "originated", "entry", 1)
    run.expect(gateway, store, "intact", n=3)


@scenario
def refused_then_something_else(run):
    """A refused call is not made good by another operation that is accepted."""
    gateway, orders = run.service("gateway", NODE), run.service("orders", NODE)
    late, good = bearer(token("user-1", exp=-300, iat=-3900)), bearer(token("user-1"))
    t = run.trace()
    entry = t.server(gateway, headers=good, path="/in", status=502)
    t.hop(entry, orders, late, path="/orders", status=401)
    t.hop(entry, orders, good, path="/news")
    run.expect(None, gateway, "originated", "entry", 1)
    run.expect(gateway, orders, "changed", "reminted", 1, "high")
    run.expect(gateway, orders, "intact", n=1)


@scenario
def two_namespaces_one_name(run):
    """Two services are called api, in two namespaces: two services, and the hop between them counts."""
    front, back = run.service("api", PYTHON, namespace="shop", instance=1), run.service("api", PYTHON, namespace="billing", instance=2, host="api.billing")
    for n, sends in enumerate((True, False)):
        jwt = bearer(token(f"user-{n}"))
        through(run, front, back, jwt if sends else NOTHING, inbound=jwt)
    run.expect(None, "shop/api", "originated", "entry", 2)
    run.expect("shop/api", "billing/api", "intact", n=1)
    run.expect("shop/api", "billing/api", "dropped", "not_sent", 1, "high")


@scenario
def celery_and_polling(run):
    """Workers whose calls hang under a poll, in a trace of their own, or behind a task of a task: never an origin, never accused."""
    gateway, worker, poller, payment = run.service("gateway", PYTHON), run.service("worker", PYTHON), run.service("poller", NODE), run.service("payment", PYTHON)
    celery = {"celery.state": "SUCCESS", "messaging.system": "celery", "messaging.destination": "default"}
    kafka = {"messaging.system": "kafka", "messaging.destination.name": "orders"}
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        entry = t.server(gateway, headers=jwt, path="/in", status=202)
        first = t.span(worker, CONSUMER, "run/charge", "opentelemetry.instrumentation.celery", t.span(gateway, PRODUCER, "apply_async/charge", "opentelemetry.instrumentation.celery", entry, celery), celery)
        second = t.span(worker, CONSUMER, "run/settle", "opentelemetry.instrumentation.celery", t.span(worker, PRODUCER, "apply_async/settle", "opentelemetry.instrumentation.celery", first, celery), celery, flags=0x300)
        t.hop(second, payment, bearer(workload("worker")), path="/settle", method="POST")
        sent = t.span(gateway, PRODUCER, "orders send", "opentelemetry.instrumentation.confluent_kafka", entry, kafka)
        # kafkajs: the handler's calls hang under the root poll, not under the message.
        t = run.trace()
        poll = t.span(poller, CLIENT, "poll orders", "@opentelemetry/instrumentation-kafkajs", None, kafka | {"messaging.operation.type": "receive"})
        t.span(poller, CONSUMER, "process orders", "@opentelemetry/instrumentation-kafkajs", poll, kafka | {"messaging.operation.type": "process"}, flags=0x101).link(sent)
        t.hop(poll, payment, bearer(workload("poller")) if n else NOTHING, path="/poll", method="POST")
    # aiokafka: the handler's call begins a trace of its own.
    t = run.trace()
    t.hop(None, payment, bearer(workload("worker")), by=worker, path="/own", method="POST")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, worker, "absent", "exempt", 2)
    run.expect(worker, worker, "absent", "exempt", 2)
    run.expect(worker, payment, "intact", n=3)
    run.expect(gateway, "poller", "absent", "exempt", 2)
    run.expect("poller", payment, "intact", n=1)
    run.expect("poller", payment, "unknown", n=1)


@scenario
def disorder_and_circles(run):
    """Lines last first and twice over, a parent that is its own grandchild: the rest of the file is judged as ever."""
    gateway, orders, payment, loops = (run.service(name, PYTHON) for name in ("gateway", "orders", "payment", "loops"))
    run.disorder = True
    for n in range(3):
        jwt = bearer(token(f"user-{n}"))
        inner = through(run, gateway, orders, jwt)
        inner.trace.hop(inner, payment, NOTHING if n == 2 else jwt, path="/pay")
    t = run.trace()
    one = t.span(loops, INTERNAL, "one", "app", None)
    two = t.span(loops, INTERNAL, "two", "app", one)
    t.server(loops, two, bearer(token("user-9")), "/loop", flags=0x101)
    one.attrs["app.note"] = "its parent is its child"
    one.circle = two
    run.expect(None, loops, "originated|unknown", n=1)
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, orders, "intact", n=3)
    run.expect(orders, payment, "intact", n=2)
    run.expect(orders, payment, "dropped", "not_sent", 1, "high")


@scenario
def dotnet_and_plain_strings(run):
    """.NET writes a single header as a plain string: compared with the arrays of the others."""
    gateway, orders, payment = run.service("gateway", DOTNET), run.service("orders", JAVA), run.service("payment", DOTNET)
    for n, sends in enumerate((True, False)):
        jwt = bearer(token(f"user-{n}"))
        inner = through(run, gateway, orders, jwt)
        inner.trace.hop(inner, payment, jwt if sends else NOTHING, path="/pay")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "intact", n=2)
    run.expect(orders, payment, "intact", n=1)
    run.expect(orders, payment, "dropped", "not_sent", 1, "high")


@scenario
def bound_by_certificate(run):
    """A certificate-bound token and one behind a load balancer's assertion: same token throughout, nothing to say."""
    inn = ("authorization", "x-amzn-oidc-data", "traceparent", "user-agent")
    gateway, orders = run.service("gateway", NODE, inn=inn, out=inn), run.service("orders", NODE, inn=inn)
    for n in range(2):
        jwt = bearer(token(f"user-{n}", cnf={"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}))
        through(run, gateway, orders, jwt, inbound=jwt | {"x-amzn-oidc-data": token(f"user-{n}", iss="https://alb.test", kid="partner-1")})
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "intact", n=2)
    run.finds(gateway, orders, "bound_token_forwarded", 0)
    run.finds(None, gateway, "multiple_tokens", 0)
