"""Gateways, sidecars and what stands before the services."""

from runs import scenario
from stacks import ERROR, GO, INTERNAL, ISTIO, JAVA, KONG, NGINX, NODE, PYTHON, TRAEFIK
from vocabulary import NOTHING, bearer, opaque, token


@scenario
def phantom_token(run):
    """A gateway takes opaque tokens, introspects them and sends a JWT inwards; behind it the JWT stays the same."""
    gateway = run.service("gateway", NODE)
    orders, stock = run.service("orders", JAVA), run.service("stock", PYTHON)
    for n in range(3):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        entry = t.server(gateway, headers=bearer(opaque(f"phantom-{n}")), path="/orders")
        t.client(gateway, entry, "https://id.shop.test", {"authorization": "Basic Z2F0ZXdheTpub3QtYS1zZWNyZXQ="}, "/oauth2/introspect", method="POST")
        inner = t.hop(entry, orders, jwt, path="/orders")
        t.hop(inner, stock, jwt, path="/stock/7")
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, "id.shop.test", "absent", "exempt", 3)
    run.expect(gateway, orders, "exchanged", "opaque_to_jws", 3)
    run.expect(orders, stock, "intact", n=3)


@scenario
def session_cookie_bff(run):
    """A browser's session cookie becomes a JWT at the backend for frontends; a visitor without a session has neither."""
    bff, orders = run.service("bff", NODE, inn=("authorization", "cookie", "traceparent", "user-agent")), run.service("orders", NODE)
    run.policy = '[capture]\ncookies = ["sid"]'
    for n in range(2):
        t = run.trace()
        entry = t.server(bff, headers={"cookie": f"theme=dark; sid={opaque(f'session-{n}')}"}, path="/api/orders")
        t.hop(entry, orders, bearer(token(f"user-{n}")), path="/orders")
    t = run.trace()
    entry = t.server(bff, headers={"cookie": "theme=dark"}, path="/api/news")
    t.hop(entry, orders, NOTHING, path="/news")
    run.expect(None, bff, "originated", "entry", 2)
    run.expect(bff, orders, "exchanged", "opaque_to_jws", 2)
    run.expect(None, bff, "absent", "anonymous", 1)
    run.expect(bff, orders, "absent", "anonymous", 1)


@scenario
def sidecars_both_sides(run):
    """Istio sidecars on both sides of a hop: through, stripped inside the callee's sidecar, refused by it."""
    gateway, store = run.service("gateway", PYTHON), run.service("store", PYTHON)
    out, into = run.service("gateway.default", ISTIO), run.service("store.default", ISTIO)

    def sidecars(t, jwt, after, status=200):
        """The call through both proxies; `after` is what leaves the callee's sidecar."""
        entry = t.server(gateway, headers=jwt, path="/buy", status=status)
        call = t.client(gateway, entry, store, jwt, "/store", status)
        egress = t.client(out, call, store, jwt, "/store", status)
        return t.server(into, egress, after, "/store", status)

    good, other, late = bearer(token("user-1")), bearer(token("user-2")), bearer(token("user-3", exp=-600, iat=-4200))
    t = run.trace()
    t.server(store, sidecars(t, good, good), good, "/store")
    t = run.trace()
    t.server(store, sidecars(t, other, NOTHING), NOTHING, "/store")
    t = run.trace()
    sidecars(t, late, late, 401)
    run.waypoints = ["gateway.default"]
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, store, "intact", n=1)
    run.expect(gateway, store, "dropped", "stripped", 1, "high")
    run.expect(gateway, "store|store.default", "failed", "expired", 1, "high")


@scenario
def nginx_waypoint(run):
    """nginx with its own spans between two services: through, stripped behind it, never sent to it."""
    gateway, store, nginx = run.service("gateway", PYTHON), run.service("store", PYTHON), run.service("unknown_service:nginx", NGINX, host="nginx")
    untold = run.service("search", GO)
    for case, status in (("through", 200), ("stripped", 401), ("not sent", 401)):
        jwt = bearer(token(f"user-{case}"))
        sent = NOTHING if case == "not sent" else jwt
        t = run.trace()
        entry = t.server(gateway, headers=jwt, path="/buy", status=status)
        call = t.client(gateway, entry, nginx, sent, "/store", status)
        way = t.server(nginx, call, sent, "/store", status)
        t.server(store, way, sent if case == "through" else NOTHING, "/store", status)
    # A Go caller shows nothing; what reached nginx was nothing already.
    jwt = bearer(token("user-go"))
    t = run.trace()
    entry = t.server(gateway, headers=jwt, path="/find")
    found = t.hop(entry, untold, jwt, path="/find")
    call = t.client(untold, found, nginx, NOTHING, "/store")
    t.server(store, t.server(nginx, call, NOTHING, "/store"), NOTHING, "/store")
    run.waypoints = ["unknown_service:nginx"]
    run.expect(None, gateway, "originated", "entry", 4)
    run.expect(gateway, store, "intact", n=1)
    run.expect(gateway, store, "dropped", "stripped", 1, "high")
    run.expect(gateway, store, "dropped", "not_sent", 1, "high")
    run.expect(gateway, untold, "intact", n=1)
    run.expect(untold, store, "dropped", "not_sent|lost", 1, "low")


@scenario
def traefik_edge(run):
    """Traefik as the edge: passes on, asks an auth service first, and one router's middleware clears the header."""
    traefik, shop, auth = run.service("traefik", TRAEFIK), run.service("shop", NODE), run.service("auth", NODE)

    def router(t, jwt, status):
        entry = t.server(traefik, headers=jwt, path="/shop", status=status, name="GET")
        return t.internal(traefik, t.internal(traefik, entry, "Router", traefik__router__name="shop@docker"), "Middleware", traefik__middleware__name="auth@docker")

    for n, (asked, passed, status) in enumerate(((False, True, 200), (True, True, 200), (False, False, 401))):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        inner = router(t, jwt, status)
        if asked:
            check = t.client(traefik, inner, auth, jwt, "/verify", name="AuthRequest")
            t.server(auth, check, jwt, "/verify")
        call = t.client(traefik, inner, shop, jwt if passed else NOTHING, "/shop", status)
        t.server(shop, call, jwt if passed else NOTHING, "/shop", status)
    run.expect(None, traefik, "originated", "entry", 3)
    run.expect(traefik, auth, "intact", n=1)
    run.expect(traefik, shop, "intact", n=2)
    run.expect(traefik, shop, "dropped", "not_sent", 1, "high")


@scenario
def kong_edge(run):
    """Kong at the edge shows no headers: what the services behind it received enters there, nobody is accused."""
    kong, shop, stock = run.service("kong", KONG), run.service("shop", PYTHON), run.service("stock", PYTHON)
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        entry = t.server(kong, headers=jwt, path="/shop")
        t.span(kong, 3, "kong.dns", "kong-internal", entry, {"dns.record.domain": "shop", "dns.record.port": 80})
        inner = t.server(shop, t.client(kong, entry, shop, jwt, "/shop"), jwt, "/shop")
        t.hop(inner, stock, jwt, path="/stock")
    run.expect(None, kong, "unknown", "not_captured", 2)
    run.expect(kong, shop, "unknown", n=2)
    run.expect(shop, stock, "intact", n=2)


@scenario
def sidecar_refuses(run):
    """Envoy's jwt_authn answers 401 before the service sees the request; its challenge is captured at the caller."""
    gateway, into = run.service("gateway", NODE), run.service("store.default", ISTIO)
    for n in range(2):
        jwt = bearer(token(f"user-{n}", exp=-900, iat=-4500))
        t = run.trace()
        entry = t.server(gateway, headers=jwt, path="/buy", status=401)
        call = t.client(gateway, entry, "http://store:8080", jwt, "/store", 401)
        call.set({"http.response.header.www-authenticate": ['Bearer realm="http://store:8080/store", error="invalid_token"']})
        t.server(into, call, jwt, "/store", 401).set({"error": "true"}).status = ERROR
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, "store|store.default", "failed", "rejected|expired", 2, "high")


@scenario
def dark_proxy_inside(run):
    """A service in the middle is traced but captures nothing: the token is seen unchanged on both sides of it."""
    gateway, middle, store = run.service("gateway", PYTHON), run.service("middle", GO), run.service("store", PYTHON)
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        entry = t.server(gateway, headers=jwt, path="/buy")
        inner = t.hop(entry, middle, jwt, path="/middle")
        t.span(middle, INTERNAL, "render", "app", inner)
        t.hop(inner, store, jwt, path="/store")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, middle, "intact", n=2)
    run.expect(middle, store, "intact", n=2)
