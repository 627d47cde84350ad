"""A cluster in good order: whatever is accused here is a false alarm."""

from runs import scenario
from stacks import ENVOY, HTTPX, INTERNAL, JAVA, NODE, PYTHON, TRAEFIK, UNDICI
from vocabulary import CONSUMER, NOTHING, PRODUCER, bearer, opaque, token, workload

POLICY = """
[[edge]]
from = "orders"
to = "stock"
token = "optional"

[[edge]]
from = "*"
to = "recommendations"
token = "optional"

[[edge]]
from = "worker"
to = "*"
token = "own"
"""
BASIC = {"authorization": "Basic b3JkZXJzOm5vdC1hLXNlY3JldA=="}
TOKEN_PATH = "/realms/shop/protocol/openid-connect/token"


class Shop:
    """The services, and the flows between them."""

    def __init__(self, run):
        self.run = run
        self.edge = run.service("traefik", TRAEFIK)
        self.gateway, self.worker, self.recommend = (run.service(name, NODE) for name in ("gateway", "worker", "recommendations"))
        self.orders, self.keycloak = run.service("orders", JAVA), run.service("keycloak", JAVA)
        self.payment, self.stock, self.cron, self.notify = (run.service(name, PYTHON) for name in ("payment", "stock", "billing-cron", "notify"))
        self.sidecars = [run.service(f"{name}.shop", ENVOY) for name in ("gateway", "orders")]

    def enter(self, path, headers, status=200, method="GET"):
        """A request through the edge to the gateway."""
        t = self.run.trace()
        entry = t.server(self.edge, headers=headers, path=path, status=status, method=method, name=method)
        call = t.client(self.edge, t.internal(self.edge, entry, "Router", traefik__router__name="gateway@k8s"), self.gateway, headers, path, status, method=method)
        return t.server(self.gateway, call, headers, path, status, method)

    def mesh(self, parent, to, headers, path, status=200, method="GET"):
        """A call through the sidecars of both sides."""
        t, (out, into) = parent.trace, self.sidecars
        call = t.client(self.gateway, parent, to, headers, path, status, method)
        egress = t.client(out, call, to, headers, path, status, method)
        ingress = t.server(into, egress, headers, path, status, method)
        return t.server(to, ingress, headers, path, status, method)

    def buy(self, n):
        """A user buys: exchange towards payment, token-free stock, a provider's own key, a message at the end."""
        user, jwt = f"user-{n}", bearer(token(f"user-{n}"))
        ordered = self.mesh(self.enter("/api/orders", jwt, 201, "POST"), self.orders, jwt, "/orders", 201, "POST")
        t = ordered.trace
        t.hop(ordered, self.stock, NOTHING, path="/reserve", method="POST")
        t.span(self.orders, 3, "INSERT shop.orders", "io.opentelemetry.jdbc", ordered, {"db.system": "postgresql", "db.name": "shop", "server.address": "postgres", "db.statement": "INSERT INTO orders VALUES (?, ?)"})
        t.hop(ordered, self.keycloak, BASIC, path=TOKEN_PATH, method="POST")
        paid = t.hop(ordered, self.payment, bearer(token(user, aud="payment", scope="orders:read", iat=n)), path="/pay", method="POST")
        t.client(self.payment, paid, "https://api.payments.test", bearer("sk_test_" + opaque("provider", 40)), "/v1/charges", method="POST", scope=HTTPX)
        kafka = {"messaging.system": "kafka", "messaging.destination.name": "orders.placed"}
        sent = t.span(self.orders, PRODUCER, "orders.placed publish", "io.opentelemetry.kafka-clients-0.11", ordered, kafka | {"messaging.operation": "publish"})
        self.consume(sent, kafka)

    def consume(self, sent, kafka):
        """The worker polls, in a trace of its own, and calls out with its own identity."""
        t = self.run.trace()
        poll = t.span(self.worker, 3, "poll orders.placed", "@opentelemetry/instrumentation-kafkajs", None, kafka | {"messaging.operation.type": "receive"})
        handled = t.span(self.worker, CONSUMER, "process orders.placed", "@opentelemetry/instrumentation-kafkajs", poll, kafka | {"messaging.operation.type": "process"}, flags=0x101).link(sent)
        t.client(self.worker, handled, "https://mail.partner.test", {"authorization": "Basic bWFpbDpub3QtYS1zZWNyZXQ="}, "/send", 202, method="POST", scope=UNDICI, seen=())
        call = t.client(self.worker, handled, self.notify, bearer(workload("worker")), "/notify", method="POST")
        t.server(self.notify, call, bearer(workload("worker")), "/notify", method="POST")
        t.span(self.worker, 3, "redis-SET", "@opentelemetry/instrumentation-redis", handled, {"db.system": "redis", "net.peer.name": "redis", "db.statement": "SET order:7 ?"})

    def browse(self, jwt, status=200):
        """Anybody looks around; recommendations need no token and get none."""
        entry = self.enter("/api/items", jwt, status)
        entry.trace.hop(entry, self.recommend, NOTHING, path="/similar")
        self.mesh(entry, self.orders, jwt, "/catalog", status)

    def background(self):
        """What runs without a user: probes, preflights, a cron job, keys, the cloud."""
        for service, path, agent in ((self.gateway, "/healthz", "kube-probe/1.33"), (self.orders, "/actuator/health", "kube-probe/1.33"), (self.payment, "/metrics", "Prometheus/3.5.0")):
            self.run.trace().server(service, headers={"user-agent": agent}, path=path)
        self.enter("/api/orders", {"origin": "https://shop.test"}, 204, "OPTIONS")
        t = self.run.trace()
        job = t.span(self.cron, INTERNAL, "billing", "billing", None)
        t.hop(job, self.keycloak, {"authorization": "Basic Y3Jvbjpub3QtYS1zZWNyZXQ="}, path=TOKEN_PATH, method="POST")
        t.hop(job, self.payment, bearer(workload("billing-cron", aud="payment")), path="/settle", method="POST")
        t = self.run.trace()
        t.hop(t.span(self.payment, INTERNAL, "startup", "payment", None), self.keycloak, NOTHING, path="/realms/shop/protocol/openid-connect/certs")
        t = self.run.trace()
        upload = t.span(self.cron, INTERNAL, "upload", "billing", None)
        t.span(self.cron, 3, "S3.PutObject", "opentelemetry.instrumentation.botocore", upload, {"rpc.system": "aws-api", "rpc.service": "S3", "rpc.method": "PutObject", "http.status_code": 200})


@scenario
def healthy_cluster(run):
    """Sidecars, an exchange, token-free inner hops, third parties, a queue, cron, probes, visitors: no accusation at all."""
    shop = Shop(run)
    run.policy = POLICY
    for n in range(4):
        shop.buy(n)
        shop.browse(NOTHING)
        shop.browse(bearer(token(f"user-{n}")), 404 if n == 3 else 200)
    shop.background()
    run.waypoints = ["gateway.shop", "orders.shop"]
    run.expect(None, "traefik", "originated", "entry", 8)
    run.expect(None, "traefik", "absent", "anonymous", 4)
    run.expect(None, "traefik", "absent", "exempt", 1)
    run.expect("traefik", "gateway", "intact", n=8)
    run.expect("gateway", "orders", "intact", n=8)
    run.expect("gateway", "recommendations", "absent", n=8)
    run.expect("orders", "stock", "absent", "exempt", 4)
    run.expect("orders", "keycloak", "absent", "exempt", 4)
    run.expect("orders", "payment", "exchanged", "evidence", 4)
    run.expect("payment", "api.payments.test", "originated", "minted", 4)
    run.expect("orders", "worker", "absent", "exempt", 4)
    run.expect("worker", "notify", "originated|intact|exchanged|unknown", n=4)
    run.expect("billing-cron", "payment", "originated", "minted", 1)
    run.expect("traefik", "gateway", "absent", "anonymous", 4)
    run.expect("traefik", "gateway", "absent", "exempt", 1)
    run.expect("gateway", "orders", "absent", "anonymous", 4)
    run.expect("orders", "postgres", "absent", "exempt", 4)
    run.expect("billing-cron", "S3", "absent", "exempt", 1)
    for probed in ("gateway", "orders", "payment"):
        run.expect(None, probed, "absent", "exempt", 1)
    run.expect("worker", "redis", "absent", "exempt", 4)
    run.expect("worker", "mail.partner.test", "absent|unknown", n=4)
    run.expect("billing-cron", "keycloak", "absent", "exempt", 1)
    run.expect("payment", "keycloak", "absent", "exempt", 1)
    for pair in (("payment", "api.payments.test"), ("worker", "mail.partner.test")):
        run.finds(*pair, "leaked", 0)
