"""Go: net/http with otelhttp, gRPC with otelgrpc, NATS by hand; golang-jwt checks. No captured headers: jwtrail.* tags by hand."""
import json
import subprocess
import time

from lab import HERE, WORK, Issuer, Lab, free_port, get, need, wait_port

BINARY = WORK / "gosvc"


def build():
    WORK.mkdir(parents=True, exist_ok=True)
    subprocess.run([need("go"), "build", "-o", BINARY, "."], cwd=HERE / "go", check=True)


class Cluster:
    """Go services by name; addresses are known before they start, so that routes can name each other."""

    def __init__(self, lab, *names):
        self.lab = lab
        self.resolve = {}
        self.http = {n: free_port() for n in names}
        self.grpc = {n: free_port() for n in names}

    def url(self, name, path="/"):
        return f"http://127.0.0.1:{self.http[name]}{path}"

    def target(self, name):
        return f"127.0.0.1:{self.grpc[name]}"

    def start(self, name, tag=True, service=None, grpc=False, http=True, **config):
        config |= {"tag": tag, "http": f"127.0.0.1:{self.http[name]}" if http else "", "grpc": self.target(name) if grpc else "", "aud": "shop", "resolve": self.resolve}
        env = self.lab.recorder.env() | {"CONFIG": json.dumps(config), "OTEL_SERVICE_NAME": service or name, "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=shop"}
        port = self.http[name] if http else self.grpc[name] if grpc else None
        return self.lab.start(name, [BINARY], env, port)


def http_intact(issuer, pem):
    with Lab("go-http-intact", "Three Go services forward the token; the last verifies it with golang-jwt: nothing is accused.") as lab:
        c = Cluster(lab, "gateway", "orders", "payment")
        c.start("payment", verify=pem)
        c.start("orders", calls={"/": [{"url": c.url("payment"), "relay": True}]})
        c.start("gateway", verify=pem, calls={"/": [{"url": c.url("orders"), "relay": True}]})
        for user in ("alice", "bob", "carol"):
            get(c.url("gateway"), issuer.token(user))
        get(c.url("gateway"))
        lab.hop(None, "gateway", "originated", "entry", 3)
        lab.hop(None, "gateway", "absent", "anonymous")
        lab.hop("gateway", "orders", "intact", None, 3)
        lab.hop("orders", "payment", "intact", None, 3)


def http_dropped(issuer, pem):
    with Lab("go-http-dropped", "orders builds its calls without the header: payment refuses (401, relayed up), audit takes it anonymously.") as lab:
        c = Cluster(lab, "gateway", "orders", "payment", "audit", "ledger")
        c.start("ledger")
        c.start("audit", calls={"/": [{"url": c.url("ledger")}]})
        c.start("payment", verify=pem)
        c.start("orders", calls={"/pay": [{"url": c.url("payment"), "token": "drop", "relay": True}],
                                 "/log": [{"url": c.url("audit"), "token": "drop"}]})
        c.start("gateway", verify=pem, calls={p: [{"url": c.url("orders", p), "relay": True}] for p in ("/pay", "/log")})
        for path in ("/pay", "/pay", "/log"):
            get(c.url("gateway", path), issuer.token())
        lab.hop(None, "gateway", "originated", "entry", 3)
        lab.hop("gateway", "orders", "intact", None, 3)
        lab.hop("orders", "payment", "dropped", "not_sent", 2, "high")
        lab.hop("orders", "audit", "dropped", "not_sent", 1, "low")
        lab.hop("audit", "ledger", "absent", "inherited")


def http_wrong_key(issuer, pem, other):
    with Lab("go-http-wrong-key", "payment holds another public key than orders: the token arrives whole, and golang-jwt refuses its signature.") as lab:
        c = Cluster(lab, "gateway", "orders", "payment")
        c.start("payment", verify=other)
        c.start("orders", verify=pem, calls={"/": [{"url": c.url("payment"), "relay": True}]})
        c.start("gateway", calls={"/": [{"url": c.url("orders"), "relay": True}]})
        for user in ("alice", "bob"):
            get(c.url("gateway"), issuer.token(user))
        lab.hop(None, "gateway", "originated", "entry", 2)
        lab.hop("gateway", "orders", "intact", None, 2)
        lab.hop("orders", "payment", "failed", "signature", 2, "high")
        lab.finding("orders", "payment", "disagreement", 2)


def http_untagged(issuer, pem):
    with Lab("go-http-untagged", "Stock otelhttp alone says nothing of tokens: every hop is unknown, the bare 401 of a dropped token included.") as lab:
        c = Cluster(lab, "gateway", "orders", "payment")
        c.start("payment", tag=False, verify=pem)
        c.start("orders", tag=False, calls={"/": [{"url": c.url("payment"), "relay": True}],
                                            "/drop": [{"url": c.url("payment"), "token": "drop", "relay": True}]})
        c.start("gateway", tag=False, calls={p: [{"url": c.url("orders", p), "relay": True}] for p in ("/", "/drop")})
        for path in ("/", "/", "/drop"):
            get(c.url("gateway", path), issuer.token())
        lab.hop(None, "gateway", "unknown", None, 3)
        lab.hop("gateway", "orders", "unknown", "not_captured", 3)
        lab.hop("orders", "payment", "unknown", "not_captured", 3)


def jwt_reasons(issuer, pem, stranger):
    with Lab("go-jwt-errors-recorded", "No tags: the only witness is golang-jwt's error, recorded on payment's SERVER span; each wording gives its reason.") as lab:
        c = Cluster(lab, "gateway", "payment")
        c.start("payment", tag=False, record=True, verify=pem)
        c.start("gateway", tag=False, calls={"/": [{"url": c.url("payment"), "relay": True}]})
        get(c.url("gateway"), issuer.token())
        refused = {
            "expired": issuer.token(ttl=-600, age=4200), "not_yet_valid": issuer.token(nbf=int(time.time()) + 900), "audience": issuer.token(aud="billing"),
            "signature": stranger.token(headers={"kid": issuer.kid}), "malformed": "abc.def", "claim": issuer.token(exp=None),
            "algorithm": Issuer(issuer.kid, "ES256").token(),
        }
        for token in refused.values():
            get(c.url("gateway"), token)
        lab.hop(None, "gateway", "unknown", None, 8)
        lab.hop("gateway", "payment", "unknown", "not_captured", 1)
        for why in refused:
            lab.hop("gateway", "payment", "failed", why, 1, "high")


def http_minted(issuer, pem):
    with Lab("go-http-own-token", "orders calls payment with its own service token (accepted), and shipping with a placeholder from an unset variable (refused).") as lab:
        c = Cluster(lab, "gateway", "orders", "payment", "shipping")
        service = issuer.token("service-account-orders", client_id="orders", azp="orders")
        c.start("payment", verify=pem)
        c.start("shipping", verify=pem)
        c.start("orders", calls={"/": [{"url": c.url("payment"), "token": service}, {"url": c.url("shipping"), "token": "null"}]})
        c.start("gateway", verify=pem, calls={"/": [{"url": c.url("orders")}]})
        for user in ("alice", "bob"):
            get(c.url("gateway"), issuer.token(user))
        lab.hop(None, "gateway", "originated", "entry", 2)
        lab.hop("gateway", "orders", "intact", None, 2)
        # Tagged in s256 only: no subject hash, so the subjects cannot be compared.
        lab.hop("orders", "payment", "changed", "reminted", 2)
        lab.hop("orders", "shipping", "changed", "placeholder", 2, "high")


def grpc_intact(issuer, pem):
    with Lab("go-grpc-intact", "HTTP in, gRPC behind, unary and streaming: metadata forwarded by hand, verified by the last.") as lab:
        c = Cluster(lab, "gateway", "stock", "warehouse")
        c.start("warehouse", grpc=True, http=False, verify=pem)
        c.start("stock", grpc=True, http=False, calls={m: [{"target": c.target("warehouse"), "method": m, "relay": True}] for m in ("Get", "Watch")})
        c.start("gateway", calls={f"/{m}": [{"target": c.target("stock"), "method": m, "relay": True}] for m in ("Get", "Watch")})
        for path in ("/Get", "/Watch"):
            get(c.url("gateway", path), issuer.token())
        lab.hop(None, "gateway", "originated", "entry", 2)
        lab.hop("gateway", "stock", "intact", None, 2)
        lab.hop("stock", "warehouse", "intact", None, 2)


def grpc_dropped(issuer, pem):
    with Lab("go-grpc-dropped", "stock calls on with its incoming context: incoming metadata is not outgoing metadata; warehouse answers 16, unary and streaming.") as lab:
        c = Cluster(lab, "gateway", "stock", "warehouse")
        c.start("warehouse", grpc=True, http=False, verify=pem)
        c.start("stock", grpc=True, http=False, calls={m: [{"target": c.target("warehouse"), "method": m, "token": "drop", "relay": True}] for m in ("Get", "Watch")})
        c.start("gateway", calls={f"/{m}": [{"target": c.target("stock"), "method": m, "relay": True}] for m in ("Get", "Watch")})
        for path in ("/Get", "/Watch"):
            get(c.url("gateway", path), issuer.token())
        lab.hop(None, "gateway", "originated", "entry", 2)
        lab.hop("gateway", "stock", "intact", None, 2)
        lab.hop("stock", "warehouse", "dropped", "not_sent", 2, "high")


def grpc_refused(issuer, pem):
    with Lab("go-grpc-refused", "The token arrives whole and expired: warehouse refuses with code 16, stock and gateway only relay it.") as lab:
        c = Cluster(lab, "gateway", "stock", "warehouse")
        c.start("warehouse", grpc=True, http=False, verify=pem)
        c.start("stock", grpc=True, http=False, calls={m: [{"target": c.target("warehouse"), "method": m, "relay": True}] for m in ("Get", "Watch")})
        c.start("gateway", calls={f"/{m}": [{"target": c.target("stock"), "method": m, "relay": True}] for m in ("Get", "Watch")})
        for path in ("/Get", "/Watch"):
            get(c.url("gateway", path), issuer.token(ttl=-600, age=4200))
        lab.hop(None, "gateway", "originated", "entry", 2)
        lab.hop("gateway", "stock", "intact", None, 2)
        lab.hop("stock", "warehouse", "failed", "expired", 2, "high")


def grpc_untagged(issuer, pem):
    with Lab("go-grpc-untagged", "Stock otelgrpc captures no metadata: a bare code 16 on an unseen token accuses nobody.") as lab:
        c = Cluster(lab, "gateway", "stock", "warehouse")
        c.start("warehouse", tag=False, grpc=True, http=False, verify=pem)
        c.start("stock", tag=False, grpc=True, http=False, calls={m: [{"target": c.target("warehouse"), "method": m, "token": "drop", "relay": True}] for m in ("Get", "Watch")})
        c.start("gateway", tag=False, calls={f"/{m}": [{"target": c.target("stock"), "method": m, "relay": True}] for m in ("Get", "Watch")})
        for path in ("/Get", "/Watch"):
            get(c.url("gateway", path), issuer.token())
        lab.hop(None, "gateway", "unknown", None, 2)
        lab.hop("gateway", "stock", "unknown", None, 2)
        lab.hop("stock", "warehouse", "unknown", None, 2)


def public_endpoint(issuer, pem):
    with Lab("go-http-public-endpoint", "otelhttp's public endpoints start traces of their own, with a link to the caller: the links make the hops, intact and dropped.") as lab:
        c = Cluster(lab, "gateway", "partner", "payment")
        c.start("payment", verify=pem)
        c.start("partner", public=True, verify=pem, calls={"/": [{"url": c.url("payment")}]})
        c.start("gateway", calls={"/": [{"url": c.url("partner")}], "/drop": [{"url": c.url("partner"), "token": "drop"}]})
        for path in ("/", "/drop"):
            get(c.url("gateway", path), issuer.token())
        lab.hop(None, "gateway", "originated", "entry", 2)
        lab.hop("gateway", "partner", "intact", None, 1)
        lab.hop("partner", "payment", "intact", None, 1)
        lab.hop("gateway", "partner", "dropped", "not_sent", 1, "high")


def one_instance(issuer, pem, other):
    with Lab("go-key-differs-in-one-instance", "Two processes of payment, one with another key: the same token is accepted by one and refused by the other.") as lab:
        c = Cluster(lab, "gateway", "payment", "payment-2")
        c.start("payment", verify=pem)
        c.start("payment-2", verify=other, service="payment")
        c.start("gateway", verify=pem, calls={"/": [{"url": c.url("payment")}, {"url": c.url("payment-2")}]})
        for user in ("alice", "bob"):
            get(c.url("gateway"), issuer.token(user))
        lab.hop(None, "gateway", "originated", "entry", 2)
        lab.hop("gateway", "payment", "intact", None, 2)
        lab.hop("gateway", "payment", "failed", "signature", 2, "high")
        lab.finding("gateway", "payment", "disagreement", 2)


def traced_client(issuer, pem):
    with Lab("go-httptrace-redacted", "otelhttptrace adds a CLIENT span for each step of a call and writes authorization as ****: one call, present, not to be compared.") as lab:
        c = Cluster(lab, "gateway", "orders", "payment")
        c.start("payment", verify=pem)
        c.start("orders", trace=True, calls={"/": [{"url": c.url("payment"), "relay": True}]})
        c.start("gateway", calls={"/": [{"url": c.url("orders"), "relay": True}]})
        get(c.url("gateway"), issuer.token())
        get(c.url("gateway"), issuer.token(ttl=-600, age=4200))
        lab.hop(None, "gateway", "originated", "entry", 2)
        lab.hop("gateway", "orders", "intact", None, 2)
        lab.hop("orders", "payment", "intact", None, 1)
        lab.hop("orders", "payment", "failed", "expired", 1, "high")


def record_traced():
    build()
    issuer = Issuer("go-traced-2026", "ES256")
    traced_client(issuer, issuer.pem())
    issuer.publish()


def nats(lab, c):
    """The broker is NATS itself, with JetStream, in a process of its own that makes no spans."""
    port = free_port()
    c.start("broker", http=False, serve=f"127.0.0.1:{port}")
    wait_port(port, 10)
    return f"nats://127.0.0.1:{port}"


def nats_forwarded(issuer, pem):
    with Lab("nats-token-forwarded", "The token travels in a NATS message's headers; the worker verifies it and calls on with it, or without it.") as lab:
        c = Cluster(lab, "shop", "worker", "store", "broker")
        at = nats(lab, c)
        c.start("store", verify=pem)
        c.start("worker", http=False, nats=at, verify=pem, consume={"shop.parcels": "parcel", "shop.letters": "letter"},
                calls={"parcel": [{"url": c.url("store")}], "letter": [{"url": c.url("store"), "token": "drop"}]})
        c.start("shop", nats=at, calls={"/parcel": [{"queue": "shop.parcels"}], "/letter": [{"queue": "shop.letters"}]})
        for path in ("/parcel", "/parcel", "/letter"):
            get(c.url("shop", path), issuer.token())
        lab.recorder.quiet(2)
        lab.hop(None, "shop", "originated", "entry", 3)
        lab.hop("shop", "worker", "intact", None, 3)
        lab.hop("worker", "store", "intact", None, 2)
        lab.hop("worker", "store", "dropped", "not_sent", 1, "high")


def nats_expired(issuer, pem):
    with Lab("nats-expired-in-queue", "The message waits longer than its token lives; the worker, started late, verifies and refuses it.") as lab:
        c = Cluster(lab, "shop", "worker", "broker")
        at = nats(lab, c)
        c.start("shop", nats=at, calls={"/": [{"queue": "shop.parcels"}]})
        get(c.url("shop"), issuer.token(ttl=3))
        time.sleep(75)
        c.start("worker", http=False, nats=at, verify=pem, consume={"shop.parcels": "parcel"})
        time.sleep(3)
        lab.hop(None, "shop", "originated", "entry", 1)
        lab.hop("shop", "worker", "failed", "expired", 1, "high")
        lab.finding("shop", "worker", "expired_in_flight", 1)


def nats_lost(issuer, pem):
    with Lab("nats-dropped-at-publish", "shop publishes one kind of message without the token that another kind carries; the worker has none to send on.") as lab:
        c = Cluster(lab, "shop", "worker", "store", "broker")
        at = nats(lab, c)
        c.start("store")
        c.start("worker", http=False, nats=at, consume={"shop.parcels": "parcel"}, calls={"parcel": [{"url": c.url("store")}]})
        c.start("shop", nats=at, calls={"/with": [{"queue": "shop.parcels"}], "/without": [{"queue": "shop.parcels", "token": "drop"}]})
        for path in ("/with", "/without"):
            get(c.url("shop", path), issuer.token())
        lab.recorder.quiet(2)
        lab.hop(None, "shop", "originated", "entry", 2)
        lab.hop("shop", "worker", "intact", None, 1)
        lab.hop("worker", "store", "intact", None, 1)
        # Other messages to that destination are received with a token: high.
        lab.hop("shop", "worker", "dropped", "not_sent", 1, "high")
        lab.hop("worker", "store", "absent", "inherited", 1)


def record_nats():
    build()
    issuer = Issuer("nats-2026", "ES256")
    pem = issuer.pem()
    nats_forwarded(issuer, pem)
    nats_lost(issuer, pem)
    nats_expired(issuer, pem)
    issuer.publish()


def record():
    build()
    issuer, stranger = Issuer("go-2026", "ES256"), Issuer("go-stranger", "ES256")
    pem, other = issuer.pem(), stranger.pem()
    http_intact(issuer, pem)
    http_dropped(issuer, pem)
    http_wrong_key(issuer, pem, other)
    http_untagged(issuer, pem)
    rsa_issuer = Issuer("go-rsa-2026")
    jwt_reasons(rsa_issuer, rsa_issuer.pem(), Issuer("go-rsa-2026"))
    http_minted(issuer, pem)
    public_endpoint(issuer, pem)
    one_instance(issuer, pem, other)
    grpc_intact(issuer, pem)
    grpc_dropped(issuer, pem)
    grpc_refused(issuer, pem)
    grpc_untagged(issuer, pem)
    issuer.publish()
    rsa_issuer.publish()
