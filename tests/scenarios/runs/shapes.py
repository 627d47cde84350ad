"""How stacks shape a hop: nesting, instances, what is captured and what is not."""

from runs import scenario
from stacks import EXPRESS, FASTAPI, GO, INTERNAL, JAVA, NODE, PYTHON, UNDICI, URLLIB3
from vocabulary import NOTHING, bearer, token

AIOHTTP = "opentelemetry.instrumentation.aiohttp_client"


@scenario
def server_under_server(run):
    """ASGI's server span over FastAPI's own is one entry; a service right under another one's span has no call to show."""
    gateway, store, audit = run.service("gateway", PYTHON), run.service("store", PYTHON), run.service("audit", PYTHON)
    asgi = "opentelemetry.instrumentation.asgi"
    for n, stripped in enumerate((False, True)):
        jwt = bearer(token(f"user-{n}"))
        got = NOTHING if stripped else jwt
        t = run.trace()
        entry = t.server(gateway, headers=jwt, path="/buy")
        call = t.client(gateway, entry, store, jwt, "/store")
        outer = t.server(store, call, {}, "/store", scope=asgi)
        outer.attrs = {k: v for k, v in outer.attrs.items() if ".header." not in k}
        inner = t.server(store, outer, dict(got or {}) | {"traceparent": call.traceparent()}, "/store", scope=FASTAPI, flags=0x101)
        # The audit service's caller made its call without a span of its own.
        t.server(audit, inner, got, "/audit")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, store, "intact", n=1)
    run.expect(gateway, store, "dropped", "stripped", 1, "high")
    run.expect(store, audit, "intact", n=1)
    run.expect(store, audit, "absent", "inherited", 1)


@scenario
def nested_client(run):
    """urllib3's span under requests' is one call, and an SDK's over both; what was sent is what the innermost shows."""
    orders, stock = run.service("orders", PYTHON), run.service("stock", PYTHON)
    for case in ("both", "sdk", "removed"):
        jwt = bearer(token(f"user-{case}"))
        sent = NOTHING if case == "removed" else jwt
        t = run.trace()
        entry = t.server(orders, headers=jwt, path="/orders")
        if case == "sdk":
            outer = t.span(orders, 3, "stock.get_item", "stock-sdk", entry, {"rpc.system": "stock-sdk", "rpc.method": "get_item"})
        else:
            outer = t.client(orders, entry, stock, jwt, "/stock/7")
        # An adapter between the two removed the header in the last case; urllib3 shows the witness of the first try.
        inner = t.client(orders, outer, stock, sent, "/stock/7", scope=URLLIB3)
        if case == "removed":
            inner.set({"http.request.header.traceparent": [outer.traceparent()]})
        t.server(stock, inner, sent, "/stock/7")
    run.expect(None, orders, "originated", "entry", 3)
    run.expect(orders, stock, "intact", n=2)
    run.expect(orders, stock, "dropped", "not_sent", 1, "high")


@scenario
def two_instances_two_settings(run):
    """One deployment of orders captures headers and drops the token, the other captures nothing: silence is no absence."""
    gateway, payment = run.service("gateway", PYTHON), run.service("payment", PYTHON)
    told, dark = run.service("orders", PYTHON, instance=1), run.service("orders", PYTHON, instance=2, inn=None, out=None)
    for orders, sends in ((told, True), (told, False), (dark, True), (dark, False)):
        jwt = bearer(token(f"user-{orders is told}-{sends}"))
        t = run.trace()
        inner = t.hop(t.server(gateway, headers=jwt, path="/buy"), orders, jwt, path="/orders")
        t.hop(inner, payment, jwt if sends else NOTHING, path="/pay", method="POST")
    run.expect(None, gateway, "originated", "entry", 4)
    run.expect(gateway, "orders", "intact", n=4)
    run.expect("orders", payment, "intact", n=2)
    run.expect("orders", payment, "dropped", "not_sent", 1, "high")
    run.expect("orders", payment, "dropped", "lost", 1, "low")


@scenario
def restart_with_capture_on(run):
    """Capture is switched on by a restart: the process before it captured nothing, and what it sent stays unknown."""
    gateway, stock, payment = run.service("gateway", PYTHON), run.service("stock", PYTHON), run.service("payment", GO)
    before, after = run.service("orders", PYTHON, instance=1, inn=None, out=None), run.service("orders", PYTHON, instance=2)
    for orders in (before, before, after, after):
        jwt = bearer(token("user-1"))
        t = run.trace()
        inner = t.hop(t.server(gateway, headers=jwt, path="/buy"), orders, jwt, path="/orders")
        t.hop(inner, stock, jwt, path="/stock")
        t.hop(inner, payment, NOTHING, path="/pay", method="POST")
    run.expect(None, gateway, "originated", "entry", 4)
    run.expect(gateway, "orders", "intact", n=4)
    run.expect("orders", stock, "intact", n=4)
    run.expect("orders", payment, "unknown", "not_captured", 2)
    run.expect("orders", payment, "dropped", "not_sent", 2, "low")


@scenario
def node_http_captured_fetch_not(run):
    """Node's http client is captured and fetch is not: axios calls are judged, fetch calls only from the other side."""
    gateway, orders = run.service("gateway", NODE), run.service("orders", NODE)
    payment, shipping, stock = run.service("payment", PYTHON), run.service("shipping", NODE), run.service("stock", GO)
    for n, (fetched, status) in enumerate(((True, 200), (False, 401))):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        inner = t.hop(t.server(gateway, headers=jwt, path="/buy"), orders, jwt, path="/orders")
        handler = t.span(orders, INTERNAL, "request handler - /orders", EXPRESS, inner, {"http.route": "/orders", "express.type": "request_handler"})
        t.hop(handler, payment, jwt, path="/pay", method="POST")
        for to, sent, code in ((shipping, jwt if fetched else NOTHING, status), (stock, NOTHING, 200)):
            call = t.client(orders, handler, to, sent, "/next", code, scope=UNDICI, agent="node", seen=())
            t.server(to, call, sent, "/next", code)
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "intact", n=2)
    run.expect(orders, payment, "intact", n=2)
    run.expect(orders, shipping, "intact", n=1)
    run.expect(orders, shipping, "dropped", "lost", 1, "high")
    run.expect(orders, stock, "unknown", "not_captured", 2)


@scenario
def sampled_out_parent(run):
    """The caller's trace was not sampled: an entry whose parent never comes is no origin, unless it refused its token."""
    store, ledger = run.service("store", PYTHON), run.service("ledger", PYTHON)
    for n in range(3):
        expired = n == 2
        jwt = bearer(token(f"user-{n}", **({"exp": -300, "iat": -3900} if expired else {})))
        t = run.trace(sampled="02")
        entry = t.server(store, run.hex(16), jwt, "/store", 401 if expired else 200, flags=0x300)
        t.sampled = "01"
        if expired:
            entry.exception("jwt.exceptions.ExpiredSignatureError", "Signature has expired")
        else:
            t.hop(entry, ledger, jwt, path="/book")
    run.expect(None, store, "unknown", "caller_unseen", 2)
    run.expect(None, store, "failed", "expired", 1, "high")
    run.expect(store, ledger, "intact", n=2)


@scenario
def tail_sampled_middle(run):
    """A collector kept both ends of the chain and lost the middle service's spans: a gap, not a break."""
    gateway, orders, payment = run.service("gateway", PYTHON), run.service("orders", PYTHON), run.service("payment", PYTHON)
    for n in range(3):
        expired = n == 2
        jwt = bearer(token(f"user-{n}", **({"exp": -300, "iat": -3900} if expired else {})))
        status = 401 if expired else 200
        t = run.trace()
        inner = t.hop(t.server(gateway, headers=jwt, path="/buy", status=status), orders, jwt, path="/orders", status=status).lost()
        call = t.client(orders, inner, payment, NOTHING if n == 1 else jwt, "/pay", status).lost()
        paid = t.server(payment, call, NOTHING if n == 1 else jwt, "/pay", status)
        if expired:
            paid.exception("jwt.exceptions.ExpiredSignatureError", "Signature has expired")
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, orders, "intact", n=2)
    # The 401 came back through the middle: what the caller's span saw is relayed or, to an eye that saw no callee, refused.
    run.expect(gateway, orders, "failed|intact", n=1)
    run.expect(None, payment, "unknown", "caller_unseen", 2)
    run.expect(None, payment, "failed", "expired", 1, "high")


@scenario
def clock_skew_minutes(run):
    """The callee's clock is five minutes behind: the hop is judged all the same, and a fresh token is refused there."""
    gateway, orders = run.service("gateway", PYTHON), run.service("orders", PYTHON, skew=-300_000)
    for n in range(3):
        fresh = n == 2
        jwt = bearer(token(f"user-{n}", iat=-1 if fresh else -3000))
        t = run.trace()
        inner = t.hop(t.server(gateway, headers=jwt, path="/buy", status=401 if fresh else 200), orders, jwt, path="/orders", status=401 if fresh else 200)
        if fresh:
            inner.exception("jwt.exceptions.ImmatureSignatureError", "The token is not yet valid (nbf)")
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, orders, "intact", n=2)
    run.expect(gateway, orders, "failed", "not_yet_valid", 1, "high")


@scenario
def unknown_service(run):
    """Nobody set a service name: two processes of one host are told apart, and the hop between them is judged."""
    node = {"host.name": "worker-3"}
    front = run.service(None, NODE, instance=1, host="front", **node, **{"process.pid": 4711})
    back = run.service(None, NODE, instance=2, host="back", **node, **{"process.pid": 4712})
    third = run.service("unknown_service", PYTHON, host="third")
    for n, sends in enumerate((True, True, False)):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        inner = t.hop(t.server(front, headers=jwt, path="/a"), back, jwt if sends else NOTHING, path="/b")
        t.hop(inner, third, jwt if sends else NOTHING, path="/c")
    run.expect("*", "*", "dropped", "not_sent", 1, "high")
    run.expect("*", "*", "absent", "inherited", 1)
    run.expect("*", "*", "intact", n=4)
    run.expect(None, "*", "originated", "entry", 3)


@scenario
def self_call(run):
    """A service that calls itself: a hop like any other, kept once and dropped once."""
    loop = run.service("loop", PYTHON)
    for n, sends in enumerate((True, False)):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        entry = t.server(loop, headers=jwt, path="/outer")
        call = t.client(loop, entry, loop, jwt if sends else NOTHING, "/inner")
        t.server(loop, call, jwt if sends else NOTHING, "/inner", flags=0x301)
    run.expect(None, loop, "originated", "entry", 2)
    run.expect(loop, loop, "intact", n=1)
    run.expect(loop, loop, "dropped", "not_sent", 1, "high")


@scenario
def length_limit_cut(run):
    """The gateway's exporter cuts every value at 128 characters: its tokens are not comparable, and nobody changed them."""
    gateway, orders, payment = run.service("gateway", PYTHON, limit=128), run.service("orders", PYTHON), run.service("payment", PYTHON)
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        inner = t.hop(t.server(gateway, headers=jwt, path="/buy"), orders, jwt, path="/orders")
        t.hop(inner, payment, jwt, path="/pay")
    run.expect(None, gateway, "originated|unknown", n=2)
    run.expect(gateway, orders, "unknown", "capture_cut", 2)
    run.expect(orders, payment, "intact", n=2)


@scenario
def java_header_added_late(run):
    """A Java interceptor adds the header after the agent read the request: absent on the call, there on arrival."""
    gateway, orders = run.service("gateway", JAVA), run.service("orders", JAVA)
    for n in range(3):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        entry = t.server(gateway, headers=jwt, path="/buy")
        t.hop(entry, orders, NOTHING, got=jwt, path="/orders")
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, orders, "intact", n=3)
