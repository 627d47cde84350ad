"""Messages: by parent, by link, late."""

from runs import scenario
from stacks import JAVA, NODE, PYTHON
from vocabulary import CONSUMER, NOTHING, PRODUCER, bearer, token, workload

KAFKA = "io.opentelemetry.kafka-clients-0.11"
KAFKAJS = "@opentelemetry/instrumentation-kafkajs"


def message(service, headers, seen=("authorization",), **more):
    """Attributes of a Kafka span of the Java agent, with `capture-headers` for those named."""
    attrs = {"messaging.system": "kafka", "messaging.destination.name": "orders", "messaging.client_id": f"{service.name}-1"}
    for name in seen:
        if headers and headers.get(name):
            attrs[f"messaging.header.{name.replace('-', '_')}"] = [headers[name]]
    return attrs | {k.replace("__", "."): v for k, v in more.items()}


def publish(t, service, parent, jwt):
    return t.span(service, PRODUCER, "orders publish", KAFKA, parent, message(service, jwt, messaging__operation="publish"))


@scenario
def batch_consumer_links(run):
    """A batch of three messages from three traces: three hops by link, one of which lost its token on the way."""
    gateway, worker, payment = run.service("gateway", JAVA), run.service("worker", JAVA), run.service("payment", PYTHON)
    mailer = run.service("mailer", NODE)
    sent = []
    for n in range(3):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        entry = t.server(gateway, headers=jwt, path="/orders", method="POST")
        sent.append((publish(t, gateway, entry, NOTHING if n == 2 else jwt), NOTHING if n == 2 else jwt))
    t = run.trace(at=20_000)
    receive = t.span(worker, CONSUMER, "orders receive", KAFKA, None, {"messaging.system": "kafka", "messaging.destination.name": "orders", "messaging.operation": "receive", "messaging.batch.message_count": 3})
    for call, jwt in sent:
        receive.link(call)
        headers = dict(jwt or {}) | {"traceparent": call.traceparent()}
        process = t.span(worker, CONSUMER, "orders process", KAFKA, receive, message(worker, headers, ("authorization", "traceparent"), messaging__operation="process")).link(call)
        t.hop(process, payment, jwt, path="/pay", method="POST")
    # Another consumer group shows links alone: what was sent is what there is to know.
    t = run.trace(at=21_000)
    batch = t.span(mailer, CONSUMER, "orders receive", KAFKAJS, None, {"messaging.system": "kafka", "messaging.destination.name": "orders", "messaging.operation.type": "receive", "messaging.batch.message_count": 3})
    for call, _ in sent:
        batch.link(call)
    run.expect(None, gateway, "originated", "entry", 3)
    run.expect(gateway, worker, "intact", n=2)
    run.expect(gateway, worker, "dropped", "lost", 1, "high")
    run.expect(worker, payment, "intact", n=2)
    run.expect(worker, payment, "absent", "inherited", 1)
    run.expect(gateway, mailer, "intact", n=2)
    run.expect(gateway, mailer, "unknown", "not_captured", 1)


@scenario
def expired_in_queue(run):
    """Two hours in the queue: the token that the worker takes out has expired, and the service behind it says so."""
    gateway, worker, payment = run.service("gateway", JAVA), run.service("worker", JAVA), run.service("payment", NODE)
    for n in range(2):
        jwt = bearer(token(f"user-{n}"))
        t = run.trace()
        call = publish(t, gateway, t.server(gateway, headers=jwt, path="/orders", method="POST", status=202), jwt)
        headers = jwt | {"traceparent": call.traceparent()}
        process = t.span(worker, CONSUMER, "orders process", KAFKA, call, message(worker, headers, ("authorization", "traceparent"), messaging__operation="process"), at=7_200_000)
        refused = t.hop(process, payment, jwt, path="/pay", method="POST", status=401)
        t.internal(payment, refused, "middleware - verify", "@opentelemetry/instrumentation-express").exception("TokenExpiredError", "jwt expired")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, worker, "intact", n=2)
    run.expect(worker, payment, "failed", "expired", 2, "high")
    run.finds(gateway, worker, "expired_in_flight", 2)
    run.finds(worker, payment, "expired_in_flight", 2)


@scenario
def queue_without_tokens(run):
    """Messages carry no token here: the worker's hop is exempt, and its own identity behind the queue is no break."""
    gateway, worker, payment = run.service("gateway", NODE), run.service("worker", NODE), run.service("payment", PYTHON)
    for n in range(2):
        t = run.trace()
        entry = t.server(gateway, headers=bearer(token(f"user-{n}")), path="/orders", method="POST", status=202)
        rabbit = {"messaging.system": "rabbitmq", "messaging.destination": "", "messaging.rabbitmq.routing_key": "orders", "server.address": "rabbit", "server.port": 5672}
        call = t.span(gateway, PRODUCER, "publish <default>", "@opentelemetry/instrumentation-amqplib", entry, rabbit)
        process = t.span(worker, CONSUMER, "orders process", "@opentelemetry/instrumentation-amqplib", call, rabbit | {"messaging.operation": "process"})
        t.hop(process, payment, bearer(workload("worker")), path="/pay", method="POST")
    run.expect(None, gateway, "originated", "entry", 2)
    run.expect(gateway, worker, "absent", "exempt", 2)
    run.expect(worker, payment, "intact|unknown|originated", n=2)
