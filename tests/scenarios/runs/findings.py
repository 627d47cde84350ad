"""Findings beside the verdict, and evidence that cannot be compared."""

import base64
import hashlib

from runs import scenario
from stacks import GO, NODE, PYTHON
from vocabulary import NOTHING, bearer, opaque, token, unsigned

LATE = {"exp": -300, "iat": -3900}


def s256(jwt):
    return "s256:" + base64.urlsafe_b64encode(hashlib.sha256(jwt.encode()).digest()).rstrip(b"=").decode()


def h256(key, jwt):
    """A keyed fingerprint under another run's key: no vector, only its shape."""
    return f"h256.{key}:" + base64.urlsafe_b64encode(hashlib.sha256((key + jwt).encode()).digest()[:16]).rstrip(b"=").decode()


def tagged(presence, fp=None, **more):
    return {"jwtrail.token.presence": presence, "jwtrail.token.fp": fp, "jwtrail.token.location": "header:authorization"} | {f"jwtrail.{k.replace('__', '.')}": v for k, v in more.items()}


@scenario
def keys_differ(run):
    """Two teams tag with keyed fingerprints under keys of their own: what cannot be compared was not changed by anybody."""
    gateway, orders, payment = run.service("gateway", GO), run.service("orders", GO), run.service("payment", GO)
    for n in range(2):
        jwt = token(f"user-{n}")
        t = run.trace()
        entry = t.server(gateway, headers=bearer(jwt), path="/buy").set(tagged("present", h256("aaaa1111", jwt)))
        # Once the call says what was sent, once it says nothing.
        call = t.client(gateway, entry, orders, bearer(jwt), "/orders").set(tagged("present", h256("aaaa1111", jwt)) if n else {})
        inner = t.server(orders, call, bearer(jwt), "/orders").set(tagged("present", h256("bbbb2222", jwt)))
        call = t.client(orders, inner, payment, bearer(jwt), "/pay").set(tagged("present", h256("bbbb2222", jwt)))
        t.server(payment, call, bearer(jwt), "/pay").set(tagged("present", h256("bbbb2222", jwt)))
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "unknown", "keys_differ", 1)
    run.expect(gateway, orders, "intact|unknown", n=1)
    run.expect(orders, payment, "intact", n=2)


@scenario
def redacted_headers(run):
    """A Collector redacts the header's value: present, never comparable, and its absence still counts."""
    gateway, orders, payment = run.service("gateway", PYTHON), run.service("orders", NODE), run.service("payment", NODE)
    for n, (hidden, drops) in enumerate((("[REDACTED]", False), ("****", False), ("[REDACTED]", True))):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        entry = t.server(gateway, headers=jwt, path="/buy")
        inner = t.hop(entry, orders, {"authorization": hidden}, path="/orders")
        t.hop(inner, payment, NOTHING if drops else {"authorization": hidden}, path="/pay")
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, orders, "unknown", "redacted", 3)
    run.expect(orders, payment, "unknown", "redacted", 2)
    run.expect(orders, payment, "dropped", "not_sent", 1, "high")


@scenario
def callee_untraced(run):
    """A call without a token to an internal host that never reports: not known, and not accused."""
    orders = run.service("orders", PYTHON)
    for n in range(2):
        t = run.trace()
        entry = t.server(orders, headers=bearer(token(f"user-{n}")), path="/orders")
        t.client(orders, entry, "http://legacy-billing:8080", {}, "/bill")
        t.client(orders, entry, "http://reports.shop.svc.cluster.local", bearer(token(f"user-{n}")), "/report")
    run.expect(None, orders, "originated", "entry", 2)
    run.expect(orders, "legacy-billing", "unknown", "callee_untraced", 2)
    run.expect(orders, "reports.shop.svc.cluster.local", "intact", n=2)
    run.finds(orders, "reports.shop.svc.cluster.local", "leaked", 0)


@scenario
def internal_host_wants_one(run):
    """An internal host that never reports answers 401 to the call without a token, 200 to the one with it."""
    orders = run.service("orders", PYTHON)
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        entry = t.server(orders, headers=jwt, path="/orders", status=200 if n == 0 else 502)
        t.client(orders, entry, "http://legacy-billing:8080", jwt if n == 0 else {}, "/bill", 200 if n == 0 else 401)
    run.expect(None, orders, "originated", "entry", 2)
    run.expect(orders, "legacy-billing", "intact", n=1)
    run.expect(orders, "legacy-billing", "dropped", "not_sent", 1, "high")


@scenario
def accepted_unverified(run):
    """Served without a check: one says that it skipped it, others answer 200 to a bad signature, to `alg` none, to a dead token."""
    gateway, skips = run.service("gateway", NODE), run.service("skips", GO)
    store, open_, late = run.service("store", NODE), run.service("open", NODE), run.service("late", NODE)
    jwt = token("user-1")
    t = run.trace()
    t.hop(t.server(gateway, headers=bearer(jwt), path="/a"), skips, bearer(jwt), path="/skips").set(tagged("present", s256(jwt), verify__result="skipped"))
    for to, spoiled in ((store, token("user-2", signer="rogue")), (open_, unsigned(token("user-3"))), (late, token("user-4", **LATE))):
        t = run.trace()
        t.server(to, headers=bearer(spoiled), path=f"/{to.name}")
        run.expect(None, to, "originated", "entry", 1)
        run.finds(None, to, "accepted_unverified", 1)
    run.expect(None, gateway, "originated", "entry", 1)
    run.expect(gateway, skips, "intact", n=1)
    run.finds(gateway, skips, "accepted_unverified", 1)


@scenario
def two_services_disagree(run):
    """One token, two services: orders takes it, payment says its audience is wrong; jwtrail's own check knows no such issuer."""
    gateway, orders, payment = (run.service(name, PYTHON) for name in ("gateway", "orders", "payment"))
    foreign = {"kid": "partner-1", "iss": "https://login.partner.test"}
    for n in range(2):
        jwt = bearer(token(f"user-{n}", **foreign))
        t = run.trace()
        entry = t.server(gateway, headers=jwt, path="/buy", status=502)
        t.hop(entry, orders, jwt, path="/orders").set({"jwtrail.verify.result": "ok"})
        t.hop(entry, payment, jwt, path="/pay", status=401).exception("jwt.exceptions.InvalidAudienceError", "Audience doesn't match")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "intact", n=2)
    run.expect(gateway, payment, "failed", "audience", 2, "high")
    run.finds(gateway, payment, "disagreement", 2)


@scenario
def exposed_everywhere(run):
    """A token in a query, in a database statement, in a log line and in copied baggage: exposed, each on its own hop."""
    gateway, orders, logs, cart = run.service("gateway", NODE), run.service("orders", PYTHON), run.service("audit", NODE), run.service("cart", NODE)
    jwt = token("user-1")
    t = run.trace()
    entry = t.server(gateway, headers=bearer(jwt), path="/buy", query=f"next=/&access_token={jwt}")
    t.hop(entry, orders, bearer(jwt), path="/orders")
    t = run.trace()
    t.hop(t.server(gateway, headers=bearer(jwt), path="/buy"), logs, bearer(jwt), path="/audit").log(f"calling with Bearer {jwt}", "DEBUG", "http")
    t = run.trace()
    inner = t.hop(t.server(gateway, headers=bearer(jwt), path="/buy"), orders, bearer(jwt), path="/sessions")
    t.span(orders, 3, "INSERT sessions", "opentelemetry.instrumentation.psycopg2", inner, {"db.system": "postgresql", "db.name": "orders", "net.peer.name": "postgres",
           "db.statement": f"INSERT INTO sessions VALUES ('user-1', '{jwt}')"})
    # The baggage span processor copies entries onto spans, here one that a front end filled with the session's token.
    t = run.trace()
    t.hop(t.server(gateway, headers=bearer(jwt), path="/buy"), cart, bearer(jwt), path="/cart").set({"app.session": jwt})
    run.expect(None, gateway, "originated", "entry", 4)
    run.expect(gateway, orders, "intact", n=2)
    run.expect(gateway, logs, "intact", n=1)
    run.expect(gateway, cart, "intact", n=1)
    run.expect(orders, "postgres", "absent", "exempt", 1)
    run.finds(None, gateway, "exposed", 1)
    run.finds(gateway, cart, "exposed", 1)
    run.finds(gateway, logs, "exposed", 1)
    run.finds(orders, "postgres", "exposed", 1)


@scenario
def one_meaning_two_carriers(run):
    """Authorization and x-access-token with different tokens is one too many; a proxy's assertion beside it is not."""
    inn = ("authorization", "x-access-token", "x-goog-iap-jwt-assertion", "traceparent", "user-agent")
    gateway, orders = run.service("gateway", NODE, inn=inn, out=inn), run.service("orders", NODE, inn=inn, out=inn)
    for n, other in enumerate(("x-access-token", "x-goog-iap-jwt-assertion")):
        headers = bearer(token(f"user-{n}")) | {other: token(f"user-{n}", aud="other", jti="other")}
        t = run.trace()
        t.hop(t.server(gateway, headers=headers, path=f"/{n}"), orders, headers, path=f"/orders/{n}")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "intact", n=2)
    run.finds(None, gateway, "multiple_tokens", 1)
    run.finds(gateway, orders, "multiple_tokens", 1)


@scenario
def policy_edges(run):
    """An edge that forbids tokens gets one, another gets none; one that may go without goes without."""
    gateway, public, quiet, metrics = (run.service(name, NODE) for name in ("gateway", "public-cdn", "quiet", "recorder"))
    run.policy = "\n\n".join(f'[[edge]]\nfrom = "gateway"\nto = "{to}"\ntoken = "{rule}"' for to, rule in (("public-cdn", "forbidden"), ("quiet", "forbidden"), ("recorder", "optional")))
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        entry = t.server(gateway, headers=jwt, path="/buy")
        t.hop(entry, public, jwt, path="/img")
        t.hop(entry, quiet, NOTHING, path="/quiet")
        t.hop(entry, metrics, NOTHING, path="/record", method="POST")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, public, "intact", n=2)
    run.expect(gateway, quiet, "absent", "exempt", 2)
    run.expect(gateway, metrics, "absent", "exempt", 2)
    run.finds(gateway, public, "unwanted", 2)
    run.finds(gateway, quiet, "unwanted", 0)


@scenario
def long_lived(run):
    """A token for thirty days, one for a day and one without an end."""
    gateway = run.service("gateway", NODE)
    for n, claims in enumerate(({"exp": 30 * 86_400}, {"iat": -3600, "exp": 86_400 - 3600}, {"drop": ("exp",)})):
        run.trace().server(gateway, headers=bearer(token(f"user-{n}", **claims)), path="/me")
    run.expect(None, gateway, "originated", "entry", 3)
    run.finds(None, gateway, "long_lived", 2)


@scenario
def opaque_in_two_hands(run):
    """An opaque token goes through unchanged, and a split token's opaque half becomes the whole JWT at the gateway."""
    gateway, orders = run.service("gateway", NODE), run.service("orders", NODE)
    for n in range(2):
        jwt = token(f"user-{n}")
        t = run.trace()
        first = bearer(opaque("through") if n == 0 else jwt.rsplit(".", 1)[1])
        t.hop(t.server(gateway, headers=first, path="/buy"), orders, first if n == 0 else bearer(jwt), path="/orders")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "intact", n=1)
    run.expect(gateway, orders, "exchanged", "opaque_to_jws", 1)
