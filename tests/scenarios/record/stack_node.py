"""Node: Express, http and fetch (undici) with a capture setting each, ws by hand; jsonwebtoken checks."""
import json
import subprocess

from lab import HERE, Issuer, Lab, free_port, get, need


def service(lab, name, port, **config):
    env = lab.recorder.env() | {"CONFIG": json.dumps(config | {"port": port}), "OTEL_SERVICE_NAME": name, "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=shop",
                                "OTEL_LOGS_EXPORTER": "none", "OTEL_NODE_RESOURCE_DETECTORS": "env"}
    return lab.start(name, [need("node"), HERE / "node/service.mjs"], env, port)


def here(port, path="/", scheme="http"):
    return f"{scheme}://127.0.0.1:{port}{path}"


def fetch_not_captured(issuer, pem):
    with Lab("node-http-captured-fetch-not", "Header capture is on in instrumentation-http, not in undici: what fetch sent is unknown, what the callee received is not.") as lab:
        gateway, orders, payment, prices = (free_port() for _ in range(4))
        service(lab, "payment", payment, verify=pem)
        service(lab, "prices", prices)
        service(lab, "orders", orders, calls={"/": [{"how": "fetch", "url": here(prices)}, {"how": "http", "url": here(payment)}],
                                              "/drop": [{"how": "fetch", "url": here(payment), "token": "drop"}]})
        service(lab, "gateway", gateway, calls={p: [{"how": "http", "url": here(orders, p)}] for p in ("/", "/drop")})
        for path in ("/", "/", "/drop"):
            get(here(gateway, path), issuer.token())
        lab.hop(None, "gateway", "originated", "entry", 3)
        lab.hop("gateway", "orders", "intact", None, 3)
        lab.hop("orders", "payment", "intact", None, 2)
        # T, U, same T.
        lab.hop("orders", "prices", "intact", None, 2)
        # T, U, A: dropped, and nobody can say on which segment.
        lab.hop("orders", "payment", "dropped", "lost", 1, "high")


def fetch_placeholder(issuer, pem):
    with Lab("node-fetch-undefined", "fetch writes an unset variable as text: `Bearer undefined`, and `undefined` with no scheme; payment's jsonwebtoken refuses both.") as lab:
        gateway, orders, payment = (free_port() for _ in range(3))
        service(lab, "payment", payment, verify=pem)
        service(lab, "orders", orders, captureUndici=True, calls={
            "/text": [{"how": "fetch", "url": here(payment), "token": "undefined"}], "/unset": [{"how": "fetch", "url": here(payment), "token": "unset"}],
            "/": [{"how": "fetch", "url": here(payment)}]})
        service(lab, "gateway", gateway, captureUndici=True, calls={p: [{"how": "fetch", "url": here(orders, p)}] for p in ("/", "/text", "/unset")})
        for path in ("/", "/text", "/unset"):
            get(here(gateway, path), issuer.token())
        lab.hop(None, "gateway", "originated", "entry", 3)
        lab.hop("gateway", "orders", "intact", None, 3)
        lab.hop("orders", "payment", "intact", None, 1)
        lab.hop("orders", "payment", "changed", "placeholder", 2, "high")


def websocket(issuer, pem):
    with Lab("websocket-upgrade", "A websocket's upgrade carries the token once, kept or lost; its messages run outside the upgrade's context, "
             "so that calls out of them root traces of their own, and accuse nobody.") as lab:
        gateway, ticker, prices = (free_port() for _ in range(3))
        service(lab, "prices", prices, verify=pem)
        service(lab, "ticker", ticker, websocket=True, calls={"/ws": [{"how": "http", "url": here(prices)}]})
        service(lab, "gateway", gateway, calls={"/": [{"how": "ws", "url": here(ticker, "/ws", "ws"), "relay": True}],
                                                "/drop": [{"how": "ws", "url": here(ticker, "/ws", "ws"), "token": "drop", "relay": True}]})
        for path in ("/", "/drop"):
            get(here(gateway, path), issuer.token())
        lab.hop(None, "gateway", "originated", "entry", 2)
        lab.hop("gateway", "ticker", "intact", None, 1)
        # No entry span above: no inbound.
        lab.hop("ticker", "prices", "originated", "minted", 1)
        lab.hop("gateway", "ticker", "dropped", "not_sent", 1, "high")


def record():
    if not (HERE / "node/node_modules").exists():
        subprocess.run([need("npm"), "install", "--no-audit", "--no-fund", "--no-package-lock"], cwd=HERE / "node", check=True)
    issuer = Issuer("node-2026")
    pem = issuer.pem()
    fetch_not_captured(issuer, pem)
    fetch_placeholder(issuer, pem)
    websocket(issuer, pem)
    issuer.publish()
