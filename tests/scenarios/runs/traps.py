"""What looks like a break and is none, and breaks that hide: traps for a judge in a hurry."""

from runs import scenario
from runs.queues import KAFKA, message, publish
from stacks import ERROR, GO, INTERNAL, ISTIO, JAVA, KONG, NGINX, NODE, PYTHON, TRAEFIK
from vocabulary import CONSUMER, NOTHING, SERVER, bearer, jwe, token


@scenario
def wrong_message_token(run):
    """A batch handler keeps the token of the first message in a variable: the second message goes on as somebody else."""
    gateway, worker, payment = run.service("gateway", JAVA), run.service("worker", JAVA), run.service("payment", PYTHON)
    sent = []
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        sent.append((publish(t, gateway, t.server(gateway, headers=jwt, path="/orders", method="POST"), jwt), jwt))
    t = run.trace(at=20_000)
    receive = t.span(worker, CONSUMER, "orders receive", KAFKA, None, {"messaging.system": "kafka", "messaging.destination.name": "orders", "messaging.operation": "receive", "messaging.batch.message_count": 2})
    for call, jwt in sent:
        receive.link(call)
        headers = jwt | {"traceparent": call.traceparent()}
        process = t.span(worker, CONSUMER, "orders process", KAFKA, receive, message(worker, headers, ("authorization", "traceparent"), messaging__operation="process")).link(call)
        t.hop(process, payment, sent[0][1], path="/pay", method="POST")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, worker, "intact", n=2)
    run.expect(worker, payment, "intact", n=1)
    run.expect(worker, payment, "changed", "subject_switched", 1, "critical")


@scenario
def batch_without_headers_forwards_one(run):
    """A batch span shows links alone; the handler forwards the second message's token: one of those that came in."""
    gateway, worker, payment = run.service("gateway", JAVA), run.service("worker", NODE), run.service("payment", PYTHON)
    calls, tokens = [], [bearer(token(f"user-{n}")) for n in range(3)]
    for jwt in tokens:
        t = run.trace()
        calls.append(publish(t, gateway, t.server(gateway, headers=jwt, path="/orders", method="POST"), jwt))
    t = run.trace(at=20_000)
    batch = t.span(worker, CONSUMER, "process orders", "@opentelemetry/instrumentation-kafkajs", None, {"messaging.system": "kafka", "messaging.destination.name": "orders", "messaging.operation.type": "process"})
    for call in calls:
        batch.link(call)
    t.hop(batch, payment, tokens[1], path="/pay", method="POST")
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, worker, "intact", n=3)
    run.expect(worker, payment, "intact", n=1)


@scenario
def proxies_between(run):
    """Traefik and Kong between two services: waypoints, through which the token passes or in which it stays."""
    gateway, store = run.service("gateway", PYTHON), run.service("store", PYTHON)
    traefik, kong = run.service("traefik", TRAEFIK), run.service("kong", KONG)
    for n, (proxy, keeps) in enumerate(((traefik, True), (traefik, False), (kong, True), (kong, False))):
        jwt = bearer(token(f"user-{n}"))
        out = jwt if keeps else NOTHING
        t = run.trace()
        call = t.client(gateway, t.server(gateway, headers=jwt, path="/in"), proxy, jwt, "/store")
        way = t.server(proxy, call, jwt, "/store")
        if proxy is traefik:
            way = t.internal(proxy, way, "Middleware", traefik__middleware__name="headers@docker")
        t.server(store, t.client(proxy, way, store, out, "/store"), out, "/store")
    run.waypoints = ["traefik", "kong"]
    run.expect(None, gateway, "originated", "entry", 4)
    run.expect(gateway, store, "intact", n=2)
    run.expect(gateway, store, "dropped", "stripped", 2, "high")


@scenario
def edge_then_sidecar(run):
    """An Istio ingress gateway, a sidecar, the service; the sidecar strips once. nginx as the edge right above the service."""
    ingress, sidecar = run.service("istio-ingressgateway.istio-system", ISTIO), run.service("store.default", ISTIO)
    store, nginx, shop = run.service("store", PYTHON), run.service("nginx-edge", NGINX), run.service("shop", PYTHON)
    for n, keeps in enumerate((True, True, False)):
        jwt = bearer(token(f"user-{n}"))
        after = jwt if keeps else NOTHING
        t = run.trace()
        entry = t.server(ingress, headers=jwt, path="/store", cluster="outbound|80||store.default.svc.cluster.local")
        way = t.server(sidecar, t.client(ingress, entry, store, jwt, "/store", own_id=False), after, "/store")
        t.server(store, way, after, "/store")
    for n in range(2):
        jwt = bearer(token(f"shopper-{n}"))
        t = run.trace()
        t.server(shop, t.server(nginx, None, jwt, "/shop"), jwt, "/shop")
    run.expect(None, ingress, "originated", "entry", 3)
    run.expect("*", "store|store.default", "dropped", "stripped|not_sent", 1)
    run.expect(None, nginx, "originated", "entry", 2)
    run.expect(nginx, shop, "intact", n=2)


@scenario
def spelling_of_the_scheme(run):
    """`bearer`, two blanks, the same header twice: the same token each time, and no word about it."""
    gateway, orders = run.service("gateway", NODE), run.service("orders", NODE)
    for n, shape in enumerate(("bearer {}", "Bearer  {}", "BEARER {} ")):
        jwt = token(f"user-{n}")
        t = run.trace()
        t.hop(t.server(gateway, headers=bearer(jwt), path="/in"), orders, {"authorization": shape.format(jwt)}, path="/orders")
    jwt = token("user-9")
    t = run.trace()
    t.hop(t.server(gateway, headers=bearer(jwt), path="/in"), orders, {"authorization": [f"Bearer {jwt}", f"Bearer {jwt}"]}, path="/orders")
    run.expect(None, gateway, "originated", "entry", 4)
    run.expect(gateway, orders, "intact", n=4)
    run.finds(gateway, orders, "multiple_tokens", 0)


@scenario
def access_proxy_in_front(run):
    """oauth2-proxy hands over an id token and an access token; the gateway forwards the latter as Authorization."""
    inn = ("authorization", "x-forwarded-access-token", "traceparent", "user-agent")
    gateway, orders = run.service("gateway", NODE, inn=inn), run.service("orders", NODE)
    for n in range(2):
        access = token(f"user-{n}")
        identity = token(f"user-{n}", aud="web", scope="openid", nonce="n")
        t = run.trace()
        t.hop(t.server(gateway, headers=bearer(identity) | {"x-forwarded-access-token": access}, path="/in"), orders, bearer(access), path="/orders")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "intact", n=2)
    run.finds(gateway, orders, "moved", 2)


@scenario
def cookie_beside_header(run):
    """A sealed session cookie beside the Authorization header: the header's token goes on."""
    bff, orders = run.service("bff", NODE, inn=("authorization", "cookie", "traceparent", "user-agent")), run.service("orders", NODE)
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        t.hop(t.server(bff, headers=jwt | {"cookie": f"next-auth.session-token={jwe(f'session-{n}')}"}, path="/in"), orders, jwt, path="/orders")
    run.expect(None, bff, "originated", "entry", 2)
    run.expect(bff, orders, "intact", n=2)


@scenario
def no_server_span(run):
    """Orders instruments its client only: its calls hang under the gateway's, and the token is seen to go through."""
    gateway, orders, payment = run.service("gateway", PYTHON), run.service("orders", PYTHON), run.service("payment", PYTHON)
    for n, sends in enumerate((True, True, False)):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        call = t.client(gateway, t.server(gateway, headers=jwt, path="/in"), orders, jwt, "/orders")
        t.hop(call, payment, jwt if sends else NOTHING, by=orders, path="/pay", method="POST")
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, orders, "intact", n=3)
    run.expect(orders, payment, "intact", n=2)
    run.expect(orders, payment, "dropped", "not_sent|lost", 1, "low")


@scenario
def hairpin_and_audience(run):
    """A public name of a traced service and a host that the token's `aud` names: the token may go there, seen or not."""
    orders, gateway = run.service("orders", PYTHON), run.service("gateway", NODE)
    for n in range(2):
        jwt = bearer(token(f"user-{n}", aud=["shop", "https://api.insurer.test/v2"]))
        t = run.trace()
        entry = t.server(orders, headers=jwt, path="/orders")
        call = t.client(orders, entry, "https://www.shop-front.test", jwt, "/api/me")
        # The second time the gateway's span is lost.
        answer = t.server(gateway, call, jwt, "/api/me")
        if n:
            answer.lost()
        t.client(orders, entry, "https://api.insurer.test", jwt, "/v2/quote")
    run.expect(None, orders, "originated", "entry", 2)
    run.expect(orders, gateway, "intact", n=1)
    run.expect(orders, "www.shop-front.test", "intact", n=1)
    run.expect(orders, "api.insurer.test", "intact", n=2)
    run.finds(orders, gateway, "leaked", 0)
    run.finds(orders, "www.shop-front.test", "leaked", 0)
    run.finds(orders, "api.insurer.test", "leaked", 0)


@scenario
def traced_token_service(run):
    """The token service is one of our own: it is given the user's token in the header and gives back one for payment."""
    orders, sts, payment = run.service("orders", PYTHON), run.service("sts", GO), run.service("payment", PYTHON)
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        entry = t.server(orders, headers=jwt, path="/orders")
        t.hop(entry, sts, jwt, path="/oauth2/token", method="POST")
        t.hop(entry, payment, bearer(token(f"user-{n}", aud="payment", iat=-3)), path="/pay")
    run.expect(None, orders, "originated", "entry", 2)
    run.expect(orders, sts, "intact|absent", n=2)
    run.expect(orders, payment, "exchanged", "evidence", 2)


@scenario
def deep_inner_spans(run):
    """A hundred inner spans between the request and the call: the walk finds its entry."""
    orders, payment = run.service("orders", JAVA), run.service("payment", PYTHON)
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        at = t.server(orders, headers=jwt, path="/orders")
        for depth in range(100):
            at = t.span(orders, INTERNAL, f"step {depth}", "app", at)
        t.hop(at, payment, NOTHING if n else jwt, path="/pay")
    run.expect(None, orders, "originated", "entry", 2)
    run.expect(orders, payment, "intact", n=1)
    run.expect(orders, payment, "dropped", "not_sent", 1, "high")


@scenario
def login_flow(run):
    """A visitor signs in: redirected to the issuer, back with a code, a token fetched and the user looked up with it."""
    web = run.service("web", NODE)
    for n in range(2):
        run.trace().server(web, headers={}, path="/login", status=302).set({"http.response.header.location": ["https://id.shop.test/oauth2/authorize?client_id=web"]})
        t = run.trace()
        entry = t.server(web, headers={}, path="/callback", query="state=af0ifjsldkj", status=302)
        t.client(web, entry, "https://id.shop.test", {"authorization": "Basic d2ViOm5vdC1hLXNlY3JldA=="}, "/oauth2/token", method="POST")
        t.client(web, entry, "https://id.shop.test", bearer(token(f"user-{n}")), "/oauth2/userinfo")
        t = run.trace()
        t.client(web, t.server(web, headers={}, path="/logout", status=302, method="POST"), "https://id.shop.test", {}, "/oauth2/revoke", method="POST")
    run.expect(None, web, "absent|unknown", n=6)
    run.expect(web, "id.shop.test", "absent", "exempt", 4)
    run.expect(web, "id.shop.test", "originated|absent", n=2)
    run.finds(web, "id.shop.test", "leaked", 0)


@scenario
def ext_authz_beside_the_call(run):
    """Envoy asks an authorizer over gRPC before it lets the call through: the authorizer gets the token in the message."""
    gateway, store = run.service("gateway", PYTHON), run.service("store", PYTHON)
    into, authz = run.service("store.default", ISTIO), run.service("authz", GO)
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        call = t.client(gateway, t.server(gateway, headers=jwt, path="/in"), store, jwt, "/store")
        way = t.server(into, call, jwt, "/store")
        check = t.span(into, 3, "async envoy.service.auth.v3.Authorization.Check egress", "envoy", way, {"component": "proxy", "upstream_cluster": "ext-authz", "upstream_cluster.name": "ext-authz", "http.status_code": "200", "grpc.status_code": "0"})
        rpc = {"rpc.system": "grpc", "rpc.service": "envoy.service.auth.v3.Authorization", "rpc.method": "Check", "rpc.grpc.status_code": 0}
        t.span(authz, SERVER, "envoy.service.auth.v3.Authorization/Check", "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc", check, rpc)
        t.server(store, way, jwt, "/store")
    run.waypoints = ["store.default"]
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, store, "intact", n=2)
    run.expect("gateway|store.default", authz, "intact|unknown|absent", n=2)


@scenario
def failed_before_headers(run):
    """Timeouts and refused connections: Node shows neither status nor header on such a call, and nobody dropped anything."""
    gateway, store = run.service("gateway", NODE), run.service("store", PYTHON)
    for n in range(3):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        entry = t.server(gateway, headers=jwt, path="/in", status=200 if n == 0 else 502)
        call = t.client(gateway, entry, store, jwt, "/store", 200 if n == 0 else None, seen=None if n == 0 else ())
        if n:
            call.status, call.message = ERROR, "timeout of 600ms exceeded"
            call.exception("ECONNABORTED", "timeout of 600ms exceeded")
        if n < 2:
            t.server(store, call, jwt, "/store", 200)
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, store, "intact", n=2)
    run.expect(gateway, store, "unknown", n=1)


@scenario
def two_calls_one_drops(run):
    """The same service is called twice in one request, once with the token: only the other call is accused."""
    gateway, store = run.service("gateway", NODE), run.service("store", PYTHON)
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        entry = t.server(gateway, headers=jwt, path="/in")
        t.hop(entry, store, jwt, path="/store")
        t.hop(entry, store, NOTHING, path="/store")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, store, "intact", n=2)
    run.expect(gateway, store, "dropped", "not_sent", 2, "high")


@scenario
def batch_with_a_dark_message(run):
    """One of the batch's senders shows nothing and one never arrives: the token that goes on may be theirs, so nobody switched it."""
    gateway, dark, worker, payment = run.service("gateway", JAVA), run.service("dark", GO), run.service("worker", NODE), run.service("payment", PYTHON)
    for case in ("dark", "lost"):
        first, second = bearer(token(f"user-{case}-1")), bearer(token(f"user-{case}-2"))
        calls = []
        for service, jwt in ((gateway, first), (dark, second)):
            t = run.trace()
            calls.append(publish(t, service, t.server(service, headers=jwt, path="/orders", method="POST"), jwt))
        if case == "lost":
            for span in calls[1].trace.spans:
                span.lost()
        else:
            calls[1].attrs = {k: v for k, v in calls[1].attrs.items() if ".header." not in k}
        t = run.trace()
        batch = t.span(worker, CONSUMER, "process orders", "@opentelemetry/instrumentation-kafkajs", None, {"messaging.system": "kafka", "messaging.destination.name": "orders", "messaging.operation.type": "process"})
        for call in calls:
            batch.link(call)
        t.hop(batch, payment, second, path="/pay", method="POST")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(None, dark, "unknown", "not_captured", 1)
    run.expect(gateway, worker, "intact", n=2)
    run.expect(dark, worker, "unknown", n=1)
    run.expect(worker, payment, "intact|unknown|originated", n=2)


@scenario
def batch_whose_process_span_is_lost(run):
    """Of two messages of a batch one has no span of its own any more: the other's token says nothing about it."""
    gateway, worker = run.service("gateway", JAVA), run.service("worker", JAVA)
    t_batch = None
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        call = publish(t, gateway, t.server(gateway, headers=jwt, path="/orders", method="POST"), jwt)
        t_batch = t_batch or run.trace(at=20_000)
        if not t_batch.spans:
            receive = t_batch.span(worker, CONSUMER, "orders receive", KAFKA, None, {"messaging.system": "kafka", "messaging.destination.name": "orders", "messaging.operation": "receive", "messaging.batch.message_count": 2})
        receive.link(call)
        headers = jwt | {"traceparent": call.traceparent()}
        process = t_batch.span(worker, CONSUMER, "orders process", KAFKA, receive, message(worker, headers, ("authorization", "traceparent"), messaging__operation="process")).link(call)
        if n:
            process.lost()
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, worker, "intact", n=2)
