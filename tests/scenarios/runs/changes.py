"""What happens to a token between two services: every cause of a change, and every change that is meant."""

from runs import scenario
from stacks import GO, INTERNAL, JAVA, NODE, PYTHON
from vocabulary import NOTHING, bearer, opaque, token, unsigned, with_payload, workload

TENANT = "9f0c1d5a-7b1e-4c3b-8a55-0d4f5f3c2b11"


def pair(run, first=PYTHON, second=PYTHON):
    return run.service("gateway", first), run.service("orders", second)


def relay(run, gateway, orders, before, after, status=200, got=...):
    """One trace in which the gateway received `before` and sent `after`."""
    t = run.trace()
    entry = t.server(gateway, headers=before, path="/buy", status=status)
    return t.hop(entry, orders, after, got=got, path="/orders", status=status)


@scenario
def cookie_then_header(run):
    """A JWT in a cookie, forwarded in the Authorization header: the same token in another carrier."""
    bff, orders = run.service("bff", NODE, inn=("authorization", "cookie", "traceparent", "user-agent")), run.service("orders", NODE)
    for n in range(2):
        jwt = token(f"user-{n}")
        relay(run, bff, orders, {"cookie": f"theme=dark; access_token={jwt}"}, bearer(jwt))
    run.expect(None, bff, "originated", "entry", 2)
    run.expect(bff, orders, "intact", n=2)
    run.finds(bff, orders, "moved", 2)


@scenario
def two_authorization_values(run):
    """Two Authorization headers with different tokens: served once, refused once by a library that will not choose."""
    gateway, orders = pair(run, NODE, JAVA)
    for n in range(2):
        first, second = token(f"user-{n}"), token(f"user-{n}", aud="legacy", jti="legacy")
        inner = relay(run, gateway, orders, bearer(first), bearer(first), 200 if n == 0 else 400, got={"authorization": [f"Bearer {first}", f"Bearer {second}"]})
        if n == 1:
            inner.exception("org.springframework.security.oauth2.core.OAuth2AuthenticationException", "Found multiple bearer tokens in the request")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "intact", n=1)
    run.expect(gateway, orders, "failed", "multiple", 1, "high")
    run.finds(gateway, orders, "multiple_tokens", 2)


@scenario
def entra_obo(run):
    """Entra's pairwise subjects: on-behalf-of keeps tenant and object id, an app-only token and another user do not."""
    gateway, orders = pair(run, PYTHON, PYTHON)
    payment = run.service("payment", PYTHON)

    def entra(oid, aud, v2=True, **more):
        iss = f"https://login.microsoftonline.com/{TENANT}/v2.0" if v2 else f"https://sts.windows.net/{TENANT}/"
        return bearer(token(sub=f"pairwise-{oid}-{aud}", aud=aud, iss=iss, tid=TENANT, oid=oid, ver="2.0" if v2 else "1.0", drop=("scope",), **({"scp": "access_as_user"} | more)))

    cases = (("fetched", "oid-1", {}), ("cached", "oid-2", {"v2": False}), ("app", "app-9", {"idtyp": "app", "azp": "app-9", "scp": None}), ("other", "oid-8", {}))
    for n, (case, oid, more) in enumerate(cases):
        jwt = entra(f"oid-{n + 1}", "api://orders")
        t = run.trace()
        inner = t.hop(t.server(gateway, headers=jwt, path="/buy"), orders, jwt, path="/orders")
        if case == "fetched":
            t.client(orders, inner, "https://login.microsoftonline.com", {}, f"/{TENANT}/oauth2/v2.0/token", method="POST")
        t.hop(inner, payment, entra(oid, "api://payment", **more), path="/pay", method="POST")
    run.expect(None, gateway, "originated", "entry", 4)
    run.expect(gateway, orders, "intact", n=4)
    run.expect(orders, "login.microsoftonline.com", "absent", "exempt", 1)
    run.expect(orders, payment, "exchanged", "evidence", 2)
    run.expect(orders, payment, "changed", "subject_switched", 1, "critical")
    run.expect(orders, payment, "changed", "subject_switched", 1)


@scenario
def dpop_to_bearer(run):
    """A DPoP-bound token goes on with the Bearer scheme: the same token, which the next service cannot verify as bound."""
    gateway, orders = pair(run, NODE, NODE)
    for n, scheme in enumerate(("Bearer", "Bearer", "DPoP")):
        jwt = token(f"user-{n}", cnf={"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})
        relay(run, gateway, orders, {"authorization": f"DPoP {jwt}", "dpop": "proof"}, {"authorization": f"{scheme} {jwt}"})
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, orders, "intact", n=3)
    run.finds(gateway, orders, "bound_token_forwarded", 2)


@scenario
def txn_token(run):
    """The gateway exchanges the user's token for a transaction token, which then goes through unchanged in its own header."""
    inn = ("authorization", "txn-token", "traceparent", "user-agent")
    gateway, orders, payment = (run.service(name, NODE, inn=inn, out=inn) for name in ("gateway", "orders", "payment"))
    for n in range(2):
        user = bearer(token(f"user-{n}", txn=f"txn-{n}"))
        txn = {"txn-token": token(f"user-{n}", typ="txntoken+jwt", aud="shop.internal", txn=f"txn-{n}", exp=300, iat=0, scope="orders:read", kid="ed-1")}
        inner = relay(run, gateway, orders, user, txn)
        inner.trace.hop(inner, payment, txn, path="/pay")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "exchanged", "evidence", 2)
    run.expect(orders, payment, "intact", n=2)


@scenario
def spiffe_own_identity(run):
    """Orders presents its own JWT-SVID: where the policy expects that, and where it does not."""
    gateway, orders = pair(run, PYTHON, PYTHON)
    payment, ledger, job = run.service("payment", PYTHON), run.service("ledger", PYTHON), run.service("settle-job", PYTHON)
    run.policy = '[[edge]]\nfrom = "*"\nto = "payment"\ntoken = "own"'
    svid = lambda who, aud: bearer(token(f"spiffe://shop.test/ns/shop/sa/{who}", aud=[aud], iss="https://spire.shop.test", kid="ed-1", iat=-60, exp=240, drop=("scope", "nbf")))
    for n in range(2):
        inner = relay(run, gateway, orders, *[bearer(token(f"user-{n}"))] * 2)
        inner.trace.hop(inner, payment, svid("orders", "payment"), path="/pay")
        inner.trace.hop(inner, ledger, svid("orders", "ledger"), path="/book")
    t = run.trace()
    t.hop(t.span(job, INTERNAL, "settle", "settle", None), payment, svid("settle-job", "payment"), path="/settle")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "intact", n=2)
    run.expect(orders, payment, "exchanged", "policy", 2)
    run.expect(orders, ledger, "changed", "reminted", 2, "high")
    run.expect(job, payment, "originated", "minted", 1)


@scenario
def placeholder_chain(run):
    """`Bearer undefined` is the break where it first appears; those behind it only pass it on, and a visitor had nothing."""
    gateway, orders = pair(run, NODE, NODE)
    payment, ledger = run.service("payment", NODE), run.service("ledger", PYTHON)
    hollow = {"authorization": "Bearer undefined"}
    for before in (bearer(token("user-1")), NOTHING):
        inner = relay(run, gateway, orders, before, hollow)
        paid = inner.trace.hop(inner, payment, hollow, path="/pay")
        inner.trace.hop(paid, ledger, hollow, path="/book")
    t = run.trace()
    t.server(gateway, headers={"authorization": "Bearer null"}, path="/news")
    run.expect(None, gateway, "originated", "entry", 1)
    run.expect(gateway, orders, "changed", "placeholder", 1, "high")
    run.expect(orders, payment, "absent", "inherited", 1)
    run.expect(payment, ledger, "absent", "inherited", 1)
    run.expect(orders, payment, "absent", "anonymous|inherited", 1)
    run.expect(payment, ledger, "absent", "anonymous|inherited", 1)
    run.expect(None, gateway, "absent", "anonymous", 1, "medium")
    run.expect(None, gateway, "absent", "anonymous", 1)
    run.expect(gateway, orders, "absent", "anonymous", 1, "medium")


@scenario
def tampered_refused_later(run):
    """The gateway edits the payload; orders passes it on unread, payment refuses it: the gateway's hop is the break."""
    gateway, orders = pair(run, NODE, PYTHON)
    payment = run.service("payment", PYTHON)
    for n in range(2):
        jwt = token(f"user-{n}")
        edited = bearer(with_payload(jwt, scope="orders:read admin"))
        inner = relay(run, gateway, orders, bearer(jwt), edited, 401)
        inner.trace.hop(inner, payment, edited, path="/pay", status=401).exception("jwt.exceptions.InvalidSignatureError", "Signature verification failed")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "changed", "tampered", 2, "critical")
    run.expect(orders, payment, "intact", "inherited", 2)
    run.finds(gateway, orders, "scope_widened", 2)


@scenario
def broken_scheme(run):
    """`Bearer Bearer`, no blank, no scheme at all: the same token behind a broken prefix."""
    gateway, orders = pair(run)
    for n, shape in enumerate(("Bearer Bearer {}", "Bearer{}", "{}")):
        jwt = token(f"user-{n}")
        relay(run, gateway, orders, bearer(jwt), {"authorization": shape.format(jwt)}, 401)
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, orders, "changed", "prefix", 3, "high")


@scenario
def reencoded(run):
    """Quoted by a template, percent-encoded by a client: the same token only after undoing it."""
    gateway, orders = pair(run)
    for n, spoil in enumerate((lambda s: f'"{s}"', lambda s: s.replace(".", "%2E"))):
        jwt = token(f"user-{n}")
        relay(run, gateway, orders, bearer(jwt), {"authorization": f"Bearer {spoil(jwt)}"}, 401)
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "changed", "reencoded", 2, "high")


@scenario
def truncated_in_transit(run):
    """A header limit on the way cuts the token: within the payload, and within the signature."""
    gateway, orders = pair(run)
    for n, keep in enumerate((0.6, 0.9)):
        jwt = token(f"user-{n}")
        relay(run, gateway, orders, bearer(jwt), bearer(jwt), 401, got=bearer(jwt[: int(len(jwt) * keep)]))
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "changed", "truncated", 2, "high")


@scenario
def signature_stripped(run):
    """`alg` none, an empty signature, and a proxy that writes its sentinel in the signature's place."""
    gateway, orders = pair(run)
    spoils = (unsigned, lambda s: s.rsplit(".", 1)[0] + ".", lambda s: s.rsplit(".", 1)[0] + ".SIGNATURE_REMOVED_BY_GOOGLE")
    for n, spoil in enumerate(spoils):
        jwt = token(f"user-{n}")
        relay(run, gateway, orders, bearer(jwt), bearer(spoil(jwt)))
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, orders, "changed", "signature_stripped", 3, "critical")
    run.finds(gateway, orders, "accepted_unverified", 3)


@scenario
def resigned(run):
    """The same header and claims under another signature: somebody else holds a key here."""
    gateway, orders = pair(run)
    for n in range(2):
        relay(run, gateway, orders, bearer(token(f"user-{n}")), bearer(token(f"user-{n}", signer="rogue")))
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "changed", "resigned", 2, "high")
    run.finds(gateway, orders, "accepted_unverified", 2)


@scenario
def subject_switched_user(run):
    """A shared client sends one user's request with another user's token."""
    gateway, orders = pair(run, JAVA, JAVA)
    relay(run, gateway, orders, bearer(token("user-1")), bearer(token("user-1")))
    relay(run, gateway, orders, bearer(token("user-2")), bearer(token("user-1")))
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "intact", n=1)
    run.expect(gateway, orders, "changed", "subject_switched", 1, "critical")


@scenario
def reminted_and_replaced(run):
    """Another token for the same subject without a reason, another issuer's, and an opaque one where a JWT came in."""
    gateway, orders = pair(run)
    relay(run, gateway, orders, bearer(token("user-1")), bearer(token("user-1", iat=-30)))
    relay(run, gateway, orders, bearer(token("user-2")), bearer(token("user-2", iss="https://login.partner.test", kid="partner-1")))
    relay(run, gateway, orders, bearer(token("user-3")), bearer(opaque("replaced")))
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, orders, "changed", "reminted", 2, "high")
    run.expect(gateway, orders, "changed", "replaced", 1, "high")


@scenario
def injected_on_the_way(run):
    """Nothing was received and nothing was sent, and yet a token arrives: something between the two put it there."""
    gateway, orders = pair(run, NODE, PYTHON)
    for n in range(2):
        relay(run, gateway, orders, NOTHING, NOTHING, got=bearer(workload("mesh", jti=f"mesh-{n}")))
    # What shows that the gateway would have captured a token.
    relay(run, gateway, orders, *[bearer(token("user-1"))] * 2)
    run.expect(None, gateway, "absent", "anonymous", 2)
    run.expect(None, gateway, "originated", "entry", 1)
    run.expect(gateway, orders, "intact", n=1)
    run.expect(gateway, orders, "originated", "injected", 2)


@scenario
def exchanges(run):
    """Meant changes: by policy, by an `act` claim that names the caller, and one whose scopes grew on the way."""
    gateway, orders = pair(run, PYTHON, PYTHON)
    payment, ledger, reports = (run.service(name, PYTHON) for name in ("payment", "ledger", "reports"))
    run.policy = '[[edge]]\nfrom = "orders"\nto = "payment"\ntoken = "exchange"\n\n[[edge]]\nfrom = "orders"\nto = "reports"\ntoken = "exchange"'
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        inner = relay(run, gateway, orders, jwt, jwt)
        t = inner.trace
        t.hop(inner, payment, bearer(token(f"user-{n}", aud="payment", scope="orders:read", iat=-20)), path="/pay")
        t.hop(inner, ledger, bearer(token(f"user-{n}", aud="ledger", scope="orders:read", iat=-20, act={"sub": "orders"})), path="/book")
        t.hop(inner, reports, bearer(token(f"user-{n}", scope="orders:read reports:admin", iat=-20)), path="/reports")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "intact", n=2)
    run.expect(orders, payment, "exchanged", "policy", 2)
    run.expect(orders, ledger, "exchanged", "evidence", 2)
    run.expect(orders, reports, "exchanged", "policy", 2)
    run.finds(orders, payment, "scope_widened", 0)
    run.finds(orders, ledger, "scope_widened", 0)
    run.finds(orders, reports, "scope_widened", 2)


@scenario
def drops_and_what_follows(run):
    """Where a drop ends decides how bad it is: answered, redirected to a login, refused further down, required by policy."""
    gateway, orders = pair(run)
    shop, account, payment, audit = (run.service(name, NODE) for name in ("shop", "account", "payment", "audit"))
    run.policy = '[[edge]]\nfrom = "gateway"\nto = "audit"\ntoken = "required"'
    jwt = bearer(token("user-1"))
    t = run.trace()
    entry = t.server(gateway, headers=jwt, path="/buy", status=401)
    t.hop(entry, shop, NOTHING, path="/banner")
    t.hop(entry, audit, NOTHING, path="/audit", method="POST")
    lost = t.hop(entry, orders, NOTHING, path="/orders", status=401)
    t.hop(lost, payment, NOTHING, path="/pay", status=401)
    t = run.trace()
    entry = t.server(gateway, headers=jwt, path="/account", status=302)
    t.hop(entry, account, NOTHING, path="/account", status=302).set({"http.response.header.location": ["https://id.shop.test/oauth2/authorize?client_id=account"]})
    # Nobody had a token here, and an inner service asked for one.
    t = run.trace()
    t.hop(t.server(gateway, headers=NOTHING, path="/me", status=401), account, NOTHING, path="/me", status=401)
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, shop, "dropped", "not_sent", 1, "low")
    run.expect(gateway, account, "dropped", "not_sent", 1, "high")
    run.expect(gateway, audit, "dropped", "not_sent", 1, "high")
    run.expect(gateway, orders, "dropped", "not_sent", 1, "high")
    run.expect(orders, payment, "absent", "inherited", 1)
    run.expect(None, gateway, "absent", "anonymous", 1)
    run.expect(gateway, account, "absent", "anonymous", 1, "medium")


@scenario
def go_in_the_middle(run):
    """A Go service shows nothing; the token that leaves it is another one: the bridge accuses, as low as can be."""
    gateway, middle, store = run.service("gateway", PYTHON), run.service("middle", GO), run.service("store", PYTHON)
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        inner = relay(run, gateway, middle, jwt, jwt)
        inner.trace.hop(inner, store, jwt, got=NOTHING if n else bearer(token(f"user-{n}", iat=-9)), path="/store")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, middle, "intact", n=2)
    run.expect(middle, store, "changed", "reminted", 1, "low")
    run.expect(middle, store, "dropped", "lost", 1, "low")
