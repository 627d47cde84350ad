"""Envoy asking an authorization service (ext_authz over HTTP) before it lets a request through: see stack_envoy.py."""
import stack_envoy as envoy
from lab import Issuer, Lab, free_port, get


def asks(authz_port):
    service = {"server_uri": {"uri": f"http://127.0.0.1:{authz_port}", "cluster": "authz", "timeout": "2s"}}
    config = envoy.typed("envoy.extensions.filters.http.ext_authz.v3.ExtAuthz", transport_api_version="V3", http_service=service)
    return {"name": "envoy.filters.http.ext_authz", "typed_config": config}


def record():
    issuer = Issuer("authz-2026")
    pem = issuer.pem()
    with Lab("envoy-ext-authz", "Envoy asks an authorization service about each call: a hop of its own, which refuses the expired token before store sees it.") as lab:
        gateway, proxy, store, authz = (free_port() for _ in range(4))
        envoy.flask(lab, "authz", authz, verify=pem)
        envoy.flask(lab, "store", store)
        envoy.envoy(lab, "front-proxy", [(proxy, "ingress_http", "store", store, [])], [asks(authz)], more=[envoy.cluster("authz", authz)])
        envoy.flask(lab, "gateway", gateway, calls={"/": [{"url": f"http://127.0.0.1:{proxy}/", "relay": True}],
                                                    "/drop": [{"url": f"http://127.0.0.1:{proxy}/", "token": "drop", "relay": True}]})
        get(f"http://127.0.0.1:{gateway}/", issuer.token())
        get(f"http://127.0.0.1:{gateway}/", issuer.token(ttl=-600, age=4200))
        get(f"http://127.0.0.1:{gateway}/drop", issuer.token())
        lab.waypoints("front-proxy")
        lab.hop(None, "gateway", "originated", "entry", 3)
        lab.hop("gateway", "store", "intact", None, 1)
        lab.hop("gateway", "authz", "intact", None, 1)
        lab.hop("gateway", "authz", "failed", "expired", 1, "high")
        lab.hop("gateway", "authz", "dropped", "not_sent", 1, "high")
    issuer.publish()
