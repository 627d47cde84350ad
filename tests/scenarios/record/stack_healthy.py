"""Nothing is broken: Envoy, Node, Java, Go, Flask and RabbitMQ in one cluster, with all that looks like a break and is none."""
import os

import stack_envoy as envoy
import stack_go as go
import stack_java as java
import stack_node as node
from lab import Issuer, Lab, free_port, get

POLICY = """# The catalogue is public inside the cluster.
[[edge]]
from = "orders"
to = "catalog"
token = "optional"
"""


def cluster(issuer, pem, jwks):
    shows = ("Sidecars, captured and hand-tagged services, a queue, a token exchange, cron with client credentials, third parties, "
             "a token-free inner hop that the policy allows, health checks: no accusation at all.")
    with Lab("healthy-cluster", shows) as lab:
        lab.policy(POLICY)
        amqp, idp, partner = java.broker(lab), lab.outside(), lab.outside()
        edge, gateway, orders, worker, store, ledger, egress, ingress = (free_port() for _ in range(8))
        c = go.Cluster(lab, "payment", "catalog", "cron")
        c.resolve = {f"{host}:80": f"127.0.0.1:{port}" for host, port in (("api.bank.test", partner), ("maps.geo.test", partner), ("idp.lab.test", idp))}
        fetch = {"url": f"http://127.0.0.1:{idp}/oauth/token", "verb": "POST", "token": "drop"}
        exchanged = issuer.token("alice", act={"sub": "store", "client_id": "store"}, aud=["shop", "ledger"])
        robot = issuer.token("service-account-cron", azp="cron", scope="ledger:close")
        envoy.flask(lab, "ledger", ledger, verify=pem)
        envoy.flask(lab, "store", store, verify=pem, calls={"/": [fetch, {"url": node.here(ledger), "token": exchanged}]})
        java.service(lab, "worker", worker, amqp=amqp, consume="/parcel", calls={"/parcel": [{"url": node.here(store)}]})
        c.start("catalog")
        c.start("payment", verify=pem, calls={"/": [{"url": "http://api.bank.test/v1/charges", "token": "sk-test-" + os.urandom(20).hex()},
                                                    {"url": "http://maps.geo.test/tiles", "token": "drop"}]})
        java.service(lab, "orders", orders, amqp=amqp, jwks=jwks, calls={
            "/": [{"url": c.url("payment")}, {"url": c.url("catalog"), "drop": True}, {"how": "publish"}]})
        envoy.envoy(lab, "orders.shop", [(ingress, "ingress_orders", "orders", orders, [])])
        envoy.envoy(lab, "gateway.shop", [(egress, "egress_orders", "orders", ingress, [])])
        node.service(lab, "gateway", gateway, verify=pem, calls={"/": [{"how": "http", "url": node.here(egress)}]})
        envoy.envoy(lab, "edge", [(edge, "ingress_edge", "gateway", gateway, [])], [envoy.jwt_authn(issuer, True)])
        for _ in range(2):
            get(node.here(edge), issuer.token("alice"))
        c.start("cron", cron="nightly", calls={"nightly": [{"url": "http://idp.lab.test/oauth/token", "verb": "POST", "token": "drop"}, {"url": c.url("payment"), "token": robot}]})
        for port in (gateway, orders, store, c.http["payment"]):
            get(node.here(port, "/healthz"), headers={"user-agent": "kube-probe/1.31"})
        lab.recorder.quiet(2)
        lab.waypoints("gateway.shop", "orders.shop")
        lab.hop(None, "edge", "originated", "entry", 2)
        for caller, callee in (("edge", "gateway"), ("gateway", "orders"), ("orders", "payment"), ("orders", "worker"), ("worker", "store")):
            lab.hop(caller, callee, "intact", None, 2)
        lab.hop("orders", "catalog", "absent", "exempt", 2)
        lab.hop("store", "127.0.0.1", "absent", "exempt", 2)
        lab.hop("store", "ledger", "exchanged", "evidence", 2)
        lab.hop("cron", "payment", "originated", "minted", 1)
        lab.hop("payment", "api.bank.test", "originated", "minted", 3)
        lab.hop("payment", "maps.geo.test", "absent", "exempt", 3)
        lab.hop("cron", "idp.lab.test", "absent", "exempt", 1)
        lab.finding("payment", "api.bank.test", "leaked", 0)
        for probed in ("gateway", "orders", "store", "payment"):
            lab.hop(None, probed, "absent", "*", 1)


def record():
    go.build()
    java.build()
    issuer = Issuer("healthy-2026")
    cluster(issuer, issuer.pem(), java.jwks_file(issuer))
    issuer.publish()
