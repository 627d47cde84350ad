"""Refusals: who refused, for which reason, and who only passed the answer on."""

import base64
import hashlib

from runs import scenario
from stacks import DOTNET, EXPRESS, FASTAPI, GO, JAVA, NODE, PYTHON
from vocabulary import INTERNAL, NOTHING, bearer, opaque, token

LATE = {"exp": -300, "iat": -3900}


@scenario
def relayed_401_three_deep(run):
    """The ledger refuses, three services hand the answer up: one accusation, at the ledger."""
    gateway, orders, payment, ledger = (run.service(name, PYTHON) for name in ("gateway", "orders", "payment", "ledger"))
    for n, status in enumerate((401, 401, 403)):
        jwt = bearer(token(f"user-{n}", **(LATE if status == 401 else {})))
        t = run.trace()
        last = t.server(gateway, headers=jwt, path="/buy", status=status)
        for to in (orders, payment, ledger):
            last = t.hop(last, to, jwt, path=f"/{to.name}", status=status)
        if status == 401:
            last.exception("jwt.exceptions.ExpiredSignatureError", "Signature has expired")
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, orders, "intact", n=3)
    run.expect(orders, payment, "intact", n=3)
    run.expect(payment, ledger, "failed", "expired", 2, "high")
    run.expect(payment, ledger, "failed", "forbidden", 1, "medium")


@scenario
def words_of_paths(run):
    """Payments are authorized and streams are live: no word of a path excuses a drop or hides whose refusal was relayed."""
    gateway, orders, payment, streams = (run.service(n, PYTHON) for n in ("gateway", "orders", "payment", "streams"))
    jwt = bearer(token("user-0"))
    t = run.trace()
    above = t.hop(t.server(gateway, headers=jwt, path="/buy", status=401), orders, jwt, path="/orders", status=401)
    t.hop(above, payment, jwt, path="/payments/authorize", status=401)
    t = run.trace()
    t.hop(t.server(gateway, headers=jwt, path="/watch", status=401), streams, {}, path="/streams/live", status=401)
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, orders, "intact")
    run.expect(orders, payment, "failed", "rejected", 1, "high")
    run.expect(gateway, streams, "dropped", "not_sent", 1, "high")
    run.finds(orders, payment, "disagreement", 1)


@scenario
def jwks_rotated(run):
    """The issuer signs with a new key; payment still holds the old key set and knows no such kid."""
    gateway, payment = run.service("gateway", PYTHON), run.service("payment", PYTHON)
    for n, kid in enumerate(("test-2026", "test-2027", "test-2027")):
        jwt, status = bearer(token(f"user-{n}", kid=kid)), 200 if kid == "test-2026" else 401
        t = run.trace()
        inner = t.hop(t.server(gateway, headers=jwt, path="/buy", status=status), payment, jwt, path="/pay", status=status)
        if status == 401:
            inner.exception("jwt.exceptions.PyJWKClientError", 'Unable to find a signing key that matches: "test-2027"')
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, payment, "intact", n=1)
    run.expect(gateway, payment, "failed", "unknown_key", 2, "high")
    run.finds(gateway, payment, "disagreement", 2)


@scenario
def key_differs_in_one_instance(run):
    """Two instances of payment, one with another key: the same token is taken by one and refused by the other."""
    gateway = run.service("gateway", NODE)
    right, wrong = run.service("payment", NODE, instance=1), run.service("payment", NODE, instance=2)
    jwt = bearer(token("user-1"))
    for payment in (right, wrong, right, wrong):
        status = 200 if payment is right else 401
        t = run.trace()
        inner = t.hop(t.server(gateway, headers=jwt, path="/buy", status=status), payment, jwt, path="/pay", status=status)
        if status == 401:
            t.span(payment, INTERNAL, "middleware - verify", EXPRESS, inner, {"http.route": "/pay", "express.type": "middleware"}).exception("JsonWebTokenError", "invalid signature")
    run.expect(None, gateway, "originated", "entry", 4)
    run.expect(gateway, "payment", "intact", n=2)
    run.expect(gateway, "payment", "failed", "signature", 2, "high")
    run.finds(gateway, "payment", "disagreement", 2)


@scenario
def refusal_reasons(run):
    """Every reason in the words of a library that gives it: exceptions, log records, challenges, an uncaught 500."""
    gateway = run.service("gateway", NODE)

    def refuse(name, stack, reason, status=401, jwt=None, severity="high", **claims):
        to = run.service(name, stack)
        headers = bearer(jwt or token(f"user-{name}", **claims))
        t = run.trace()
        entry = t.server(gateway, headers=headers, path=f"/{name}", status=401 if status == 401 else status)
        run.expect(gateway, to, "failed", reason, 1, severity)
        run.expect(None, gateway, "originated", "entry", 1)
        # What jwtrail finds valid and the service does not: a disagreement, but a 403 is none.
        if reason not in ("expired", "not_yet_valid", "malformed", "multiple", "forbidden"):
            run.finds(gateway, to, "disagreement", 1)
        return t.hop(entry, to, headers, path=f"/{name}", status=status)

    def express(span, kind, message):
        handler = span.trace.span(span.service, INTERNAL, "middleware - verify", EXPRESS, span, {"express.type": "middleware"})
        handler.exception(kind, message)

    refuse("go-signature", GO, "signature").log("request refused", "WARN", "auth", error="token signature is invalid: crypto/rsa: verification error")
    refuse("spring-unknown-key", JAVA, "unknown_key").log(
        "Failed to process authentication request", "DEBUG", "org.springframework.security.oauth2.server.resource.web.authentication.BearerTokenAuthenticationFilter",
        **{"exception.type": "org.springframework.security.oauth2.server.resource.InvalidBearerTokenException",
           "exception.message": "An error occurred while attempting to decode the Jwt: Signed JWT rejected: Another algorithm expected, or no matching key(s) found"})
    express(refuse("jose-algorithm", NODE, "algorithm"), "ERR_JOSE_ALG_NOT_ALLOWED", '"alg" (Algorithm) Header Parameter value not allowed')
    uncaught = refuse("fastapi-expired", PYTHON, "expired", 500, **LATE)
    uncaught.scope = FASTAPI
    uncaught.exception("ExceptionGroup", "unhandled errors in a TaskGroup (1 sub-exception)",
                       "  + Exception Group Traceback (most recent call last):\n  |   File \"/srv/app/verify.py\", line 41, in verify\n  | jwt.exceptions.ExpiredSignatureError: Signature has expired\n")
    express(refuse("node-not-yet", NODE, "not_yet_valid", iat=600), "NotBeforeError", "jwt not active")
    refuse("aspnet-audience", DOTNET, "audience").set({"http.response.header.www-authenticate": "Bearer error=\"invalid_token\", error_description=\"The audience 'shop' is invalid\""})
    refuse("python-audience", PYTHON, "audience").exception("jwt.exceptions.InvalidAudienceError", "Audience doesn't match")
    refuse("dotnet-issuer", DOTNET, "issuer").log("Failed to validate the token.", "INFO", "Microsoft.AspNetCore.Authentication.JwtBearer.JwtBearerHandler",
        **{"exception.type": "Microsoft.IdentityModel.Tokens.SecurityTokenInvalidIssuerException", "exception.message": "IDX10205: Issuer validation failed. Issuer: '[PII of type hidden]'."})
    refuse("jjwt-claim", JAVA, "claim", 500).exception("io.jsonwebtoken.MissingClaimException", "Missing expected 'tenant' value in JWT claims.")
    refuse("go-malformed", GO, "malformed", jwt=opaque("malformed")).log("token is malformed: token contains an invalid number of segments", "ERROR", "auth")
    refuse("python-jwks", PYTHON, "jwks_unavailable").exception("jwt.exceptions.PyJWKClientConnectionError", 'Fail to fetch data from the url, err: "<urlopen error timed out>"')
    refuse("spring-multiple", JAVA, "multiple", 400).exception("org.springframework.security.oauth2.core.OAuth2AuthenticationException", "Found multiple bearer tokens in the request")
    refuse("scope-forbidden", JAVA, "forbidden", 403, severity="medium").set({"http.response.header.www-authenticate": ['Bearer error="insufficient_scope", scope="orders:write"']})
    refuse("bare-401", PYTHON, "rejected")
    # The token came in a header in which this library does not look.
    express_jwt = run.service("express-jwt", NODE, inn=("authorization", "x-access-token", "traceparent", "user-agent"), out=True)
    jwt = token("user-missing")
    t = run.trace()
    entry = t.server(gateway, headers=bearer(jwt), path="/missing", status=401)
    call = t.client(gateway, entry, express_jwt, {"x-access-token": jwt}, "/missing", 401, seen=("x-access-token", "traceparent", "user-agent"))
    express(t.server(express_jwt, call, {"x-access-token": jwt}, "/missing", 401), "credentials_required", "No authorization token was found")
    run.expect(None, gateway, "originated", "entry", 1)
    run.expect(gateway, express_jwt, "failed", "missing", 1, "high")
    run.finds(gateway, express_jwt, "moved", 1)


@scenario
def refused_by_own_tags(run):
    """Go services that tag themselves: what they say of their own check is the best source there is."""
    gateway = run.service("gateway", NODE)
    payment, ledger = run.service("payment", GO), run.service("ledger", GO)
    fingerprint = lambda jwt: "s256:" + base64.urlsafe_b64encode(hashlib.sha256(jwt.encode()).digest()).rstrip(b"=").decode()
    for n, (to, result, reason) in enumerate(((payment, "ok", None), (payment, "failed", "claim"), (ledger, "failed", "issuer"))):
        jwt, status = token(f"user-{n}"), 200 if result == "ok" else 401
        t = run.trace()
        entry = t.server(gateway, headers=bearer(jwt), path="/buy", status=status)
        t.hop(entry, to, bearer(jwt), path=f"/{to.name}", status=status).set({"jwtrail.token.presence": "present", "jwtrail.token.fp": fingerprint(jwt),
            "jwtrail.token.location": "header:authorization", "jwtrail.verify.result": result, "jwtrail.verify.reason": reason})
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, payment, "intact", n=1)
    run.expect(gateway, payment, "failed", "claim", 1, "high")
    run.expect(gateway, ledger, "failed", "issuer", 1, "high")
    # The gateway shows the same tokens raw, and jwtrail finds them valid.
    run.finds(gateway, payment, "disagreement", 1)
    run.finds(gateway, ledger, "disagreement", 1)


@scenario
def own_check_explains(run):
    """Bare 401s: jwtrail's own check finds the signature bad or the token expired, and says so; it accuses nobody alone."""
    gateway, store = run.service("gateway", NODE), run.service("store", NODE)
    cases = (("signature", {"signer": "rogue"}), ("expired", LATE), ("rejected", {"kid": "partner-1", "iss": "https://login.partner.test"}))
    for n, (reason, claims) in enumerate(cases):
        jwt = bearer(token(f"user-{n}", **claims))
        t = run.trace()
        t.hop(t.server(gateway, headers=jwt, path="/buy", status=401), store, jwt, path="/store", status=401)
        run.expect(gateway, store, "failed", reason, 1, "high")
    run.expect(None, gateway, "originated", "entry", 3)


@scenario
def tried_one_key_of_several(run):
    """A JWT library's exception under a 200 is one key of several tried or an optional check: nobody refused anything."""
    gateway, store = run.service("gateway", PYTHON), run.service("store", PYTHON)
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        inner = t.hop(t.server(gateway, headers=jwt, path="/buy"), store, jwt, path="/store")
        t.internal(store, inner, "verify", "app").exception("jwt.exceptions.InvalidSignatureError", "Signature verification failed")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, store, "intact", n=2)


@scenario
def introspection_says_no(run):
    """The API gateway asks the issuer, is told 401 for its own credentials there, and still answers by itself: not relayed."""
    gateway, keycloak = run.service("gateway", NODE), run.service("keycloak", JAVA)
    for n in range(2):
        t = run.trace()
        entry = t.server(gateway, headers=bearer(opaque(f"revoked-{n}")), path="/orders", status=401)
        call = t.client(gateway, entry, keycloak, {"authorization": "Basic Z2F0ZXdheTpub3QtYS1zZWNyZXQ="}, "/realms/shop/protocol/openid-connect/token/introspect", 401, method="POST")
        t.server(keycloak, call, {"authorization": "Basic Z2F0ZXdheTpub3QtYS1zZWNyZXQ="}, "/realms/shop/protocol/openid-connect/token/introspect", 401, method="POST")
    run.expect(None, gateway, "failed", "rejected", 2, "high")
    run.expect(gateway, keycloak, "absent", "exempt", 2)


@scenario
def refused_without_a_token(run):
    """Nobody shows a token and the callee answers a bare 401, or asks for one: no accusation without knowing."""
    gateway, store, vault = run.service("gateway", GO), run.service("store", GO), run.service("vault", GO)
    for _ in range(2):
        t = run.trace()
        entry = t.server(gateway, headers=NOTHING, path="/buy", status=200)
        t.hop(entry, store, NOTHING, path="/store", status=401)
        t.hop(entry, vault, NOTHING, path="/vault", status=401).set({"http.response.header.www-authenticate": ['Bearer realm="vault"']})
    run.expect(None, gateway, "unknown", "not_captured", 2)
    run.expect(gateway, store, "unknown", "not_captured", 2)
    run.expect(gateway, vault, "unknown", n=2)


@scenario
def reason_under_a_gap(run):
    """The caller is unseen and captured nothing, but the callee says why it refused: failed, where a bare 401 stays unknown."""
    store, bare = run.service("store", GO), run.service("bare", GO)
    for to in (store, bare):
        t = run.trace()
        entry = t.server(to, run.hex(16), bearer(token()), "/store", 401)
        if to is store:
            entry.log("token is expired", "WARN", "auth")
    run.expect(None, store, "failed", "expired", 1, "high")
    run.expect(None, bare, "unknown", "caller_unseen", 1)
