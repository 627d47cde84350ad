"""Java with the OpenTelemetry agent: com.sun.net.httpserver, java.net.http, Nimbus, jjwt, and RabbitMQ's client before a real broker."""
import json
import os
import shutil
import subprocess
import time

from lab import HERE, WITNESSED, WORK, Issuer, Lab, free_port, get, need, wait_port

LIBRARIES, CLASSES = WORK / "javalib", WORK / "javaclasses"
AGENT = ("io.opentelemetry.javaagent", "opentelemetry-javaagent", "2.33.1")


def build():
    WORK.mkdir(parents=True, exist_ok=True)
    maven = [need("mvn"), "-q", "-B", "-f", HERE / "java/pom.xml", f"-Dmaven.repo.local={WORK / 'm2'}"]
    if not LIBRARIES.exists():
        subprocess.run([*maven, "dependency:copy-dependencies", f"-DoutputDirectory={LIBRARIES}"], check=True)
        subprocess.run([*maven, "dependency:copy", f"-Dartifact={':'.join(AGENT)}", f"-DoutputDirectory={WORK}"], check=True)
    sources = sorted((HERE / "java/src/main/java/lab").glob("*.java"))
    subprocess.run([need("javac"), "--release", "17", "-d", CLASSES, "-cp", f"{LIBRARIES}/*", *sources], check=True)


def service(lab, name, port, captured=True, **config):
    env = lab.recorder.env() | {
        "CONFIG": json.dumps(config | {"port": port}), "OTEL_SERVICE_NAME": name, "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=shop", "OTEL_INSTRUMENTATION_LOGBACK_APPENDER_EXPERIMENTAL_LOG_ATTRIBUTES": "false"}
    if captured:
        env |= {"OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS": WITNESSED,
                "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS": WITNESSED,
                "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS": "www-authenticate",
                **{f"OTEL_INSTRUMENTATION_GRPC_{name}": "authorization,traceparent,user-agent" for name in (
                    "CAPTURE_METADATA_CLIENT_REQUEST", "CAPTURE_METADATA_SERVER_REQUEST", "CLIENT_REQUEST_METADATA_INCLUDED", "SERVER_REQUEST_METADATA_INCLUDED")},
                "OTEL_INSTRUMENTATION_MESSAGING_EXPERIMENTAL_CAPTURE_HEADERS": "authorization,traceparent"}
    agent = WORK / f"{AGENT[1]}-{AGENT[2]}.jar"
    return lab.start(name, [need("java"), "-Xmx256m", "-XX:TieredStopAtLevel=1", f"-javaagent:{agent}", "-cp", f"{CLASSES}:{LIBRARIES}/*", "lab.Service"],
                     env, port, 60)


def jwks_file(issuer):
    path = WORK / f"{issuer.kid}-{os.urandom(3).hex()}.json"
    path.write_text(json.dumps(issuer.jwks()))
    return str(path)


def here(port, path="/"):
    return f"http://127.0.0.1:{port}{path}"


def intact(issuer, jwks):
    with Lab("java-intact", "Java's agent captures the header on both sides; a synchronous call keeps the security context: nothing is accused.") as lab:
        gateway, orders, payment = (free_port() for _ in range(3))
        service(lab, "payment", payment, jwks=jwks)
        service(lab, "orders", orders, calls={"/": [{"url": here(payment), "relay": True}]})
        service(lab, "gateway", gateway, jwks=jwks, jjwt=True, calls={"/": [{"url": here(orders), "relay": True}]})
        for user in ("alice", "bob"):
            get(here(gateway), issuer.token(user))
        lab.hop(None, "gateway", "originated", "entry", 2)
        lab.hop("gateway", "orders", "intact", None, 2)
        lab.hop("orders", "payment", "intact", None, 2)


def async_dropped(issuer, jwks):
    with Lab("java-async-dropped", "orders calls on from a pool: the agent carries the trace over, the thread's security context stays behind; payment answers 401.") as lab:
        gateway, orders, payment, prices = (free_port() for _ in range(4))
        service(lab, "prices", prices, jwks=jwks)
        service(lab, "payment", payment, jwks=jwks)
        service(lab, "orders", orders, calls={"/": [{"url": here(prices)}, {"url": here(payment), "how": "async"}]})
        service(lab, "gateway", gateway, calls={"/": [{"url": here(orders)}]})
        for user in ("alice", "bob"):
            get(here(gateway), issuer.token(user))
        lab.hop(None, "gateway", "originated", "entry", 2)
        lab.hop("gateway", "orders", "intact", None, 2)
        lab.hop("orders", "prices", "intact", None, 2)
        lab.hop("orders", "payment", "dropped", "not_sent", 2, "high")


def late(issuer, jwks):
    with Lab("java-header-added-late", "The agent reads headers when its span starts; an Apache interceptor adds the token after that: it looks absent, and arrives.") as lab:
        gateway, orders, payment = (free_port() for _ in range(3))
        service(lab, "payment", payment, jwks=jwks)
        service(lab, "orders", orders, calls={"/": [{"url": here(payment), "how": "apache"}, {"url": here(payment), "how": "late"}],
                                              "/drop": [{"url": here(payment), "how": "late", "drop": True}]})
        service(lab, "gateway", gateway, calls={p: [{"url": here(orders, p)}] for p in ("/", "/drop")})
        for path in ("/", "/drop"):
            get(here(gateway, path), issuer.token())
        lab.hop(None, "gateway", "originated", "entry", 2)
        lab.hop("gateway", "orders", "intact", None, 2)
        lab.hop("orders", "payment", "intact", None, 2)
        lab.hop("orders", "payment", "dropped", "not_sent", 1, "high")


def record_late():
    build()
    issuer = Issuer("java-late-2026")
    late(issuer, jwks_file(issuer))
    grpc(issuer, jwks_file(issuer))
    issuer.publish()


def grpc(issuer, jwks):
    with Lab("java-grpc", "The agent captures gRPC metadata on both sides: forwarded, left out, and refused with code 16 for its age.") as lab:
        gateway, stock, target = (free_port() for _ in range(3))
        service(lab, "stock", stock, jwks=jwks, grpc=target)
        calls = {"/": [{"how": "grpc", "target": f"127.0.0.1:{target}", "relay": True}], "/drop": [{"how": "grpc", "target": f"127.0.0.1:{target}", "drop": True}]}
        service(lab, "gateway", gateway, calls=calls)
        get(here(gateway), issuer.token())
        get(here(gateway, "/drop"), issuer.token())
        get(here(gateway), issuer.token(ttl=-600, age=4200))
        lab.hop(None, "gateway", "originated", "entry", 3)
        lab.hop("gateway", "stock", "intact", None, 1)
        lab.hop("gateway", "stock", "dropped", "not_sent", 1, "high")
        lab.hop("gateway", "stock", "failed", "expired", 1, "high")


def refusals(issuer, jwks):
    refused = {"expired": issuer.token(ttl=-600, age=4200), "not_yet_valid": issuer.token(nbf=int(time.time()) + 900), "audience": issuer.token(aud="billing"),
               "signature": Issuer(issuer.kid).token()}
    for library, jjwt in (("nimbus", False), ("jjwt", True)):
        for how, says in (("log", "logged (java.util.logging, joined by trace and span id)"), ("record", "recorded on the SERVER span"),
                          ("throw", "thrown through the handler, so that the connection just ends")):
            if (library, how) == ("jjwt", "throw"):
                continue
            with Lab(f"java-{library}-{how}", f"{library}'s own exceptions, {says}; each wording gives its reason.") as lab:
                gateway, payment = free_port(), free_port()
                service(lab, "payment", payment, jwks=jwks, jjwt=jjwt, refusal=how)
                service(lab, "gateway", gateway, calls={"/": [{"url": here(payment), "relay": True}]})
                for token in [issuer.token(), *refused.values()]:
                    get(here(gateway), token)
                lab.hop(None, "gateway", "originated", "entry", 5)
                lab.hop("gateway", "payment", "intact", None, 1)
                for why in refused:
                    # The JDK's client sends a GET again when the connection ends without an answer: one CLIENT, two SERVER.
                    lab.hop("gateway", "payment", "failed", why, 2 if how == "throw" else 1, "high")


def broker(lab):
    """RabbitMQ on loopback, its own node and folders; epmd runs in the foreground so that it can be stopped too."""
    port, epmd, dist = free_port(), free_port(), free_port()
    home = WORK / "rabbit"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    (home / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{port}\n")
    (home / "plugins").write_text("[].\n")
    env = {"ERL_EPMD_PORT": str(epmd), "ERL_EPMD_ADDRESS": "127.0.0.1", "HOME": str(home), "RABBITMQ_NODENAME": "lab@localhost",
           "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"), "RABBITMQ_MNESIA_BASE": str(home), "RABBITMQ_LOG_BASE": str(home),
           "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"), "RABBITMQ_DIST_PORT": str(dist), "RABBITMQ_PID_FILE": str(home / "pid"),
           "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}"}
    lab.start("epmd", ["epmd", "-port", epmd, "-address", "127.0.0.1"], port=epmd)
    lab.start("rabbitmq", ["/usr/lib/rabbitmq/bin/rabbitmq-server"], env, port, 60)
    wait_port(port, 30)
    return f"amqp://guest:guest@127.0.0.1:{port}"


def queue_forwarded(issuer, jwks):
    with Lab("queue-token-forwarded", "RabbitMQ under the Java agent, message headers captured: the consumer takes the token from the message and calls on with it.") as lab:
        amqp = broker(lab)
        shop, worker, store = (free_port() for _ in range(3))
        service(lab, "store", store, jwks=jwks)
        service(lab, "worker", worker, amqp=amqp, consume="/parcel", calls={"/parcel": [{"url": here(store)}]})
        service(lab, "shop", shop, amqp=amqp, calls={"/": [{"how": "publish"}]})
        for user in ("alice", "bob"):
            get(here(shop), issuer.token(user))
        lab.recorder.quiet(2)
        lab.hop(None, "shop", "originated", "entry", 2)
        lab.hop("shop", "worker", "intact", None, 2)
        lab.hop("worker", "store", "intact", None, 2)


def queue_dropped(issuer, jwks):
    with Lab("queue-dropped-at-consumer", "The token comes through RabbitMQ; the consumer calls store without it, and is refused.") as lab:
        amqp = broker(lab)
        shop, worker, store = (free_port() for _ in range(3))
        service(lab, "store", store, jwks=jwks)
        service(lab, "worker", worker, amqp=amqp, consume="/parcel", calls={"/parcel": [{"url": here(store), "drop": True}]})
        service(lab, "shop", shop, amqp=amqp, calls={"/": [{"how": "publish"}]})
        for user in ("alice", "bob"):
            get(here(shop), issuer.token(user))
        lab.recorder.quiet(2)
        lab.hop(None, "shop", "originated", "entry", 2)
        lab.hop("shop", "worker", "intact", None, 2)
        lab.hop("worker", "store", "dropped", "not_sent", 2, "high")


def queue_expired(issuer, jwks):
    with Lab("queue-expired-in-queue", "The message waits in RabbitMQ longer than its token lives: valid where the trace began, expired at the worker, refused by store.") as lab:
        amqp = broker(lab)
        shop, worker, store = (free_port() for _ in range(3))
        service(lab, "store", store, jwks=jwks, jjwt=True, refusal="log")
        service(lab, "shop", shop, amqp=amqp, calls={"/": [{"how": "publish"}]})
        get(here(shop), issuer.token(ttl=3))
        time.sleep(75)
        service(lab, "worker", worker, amqp=amqp, consume="/parcel", calls={"/parcel": [{"url": here(store)}]})
        lab.recorder.quiet(2)
        time.sleep(3)
        lab.hop(None, "shop", "originated", "entry", 1)
        lab.hop("shop", "worker", "intact", None, 1)
        lab.finding("shop", "worker", "expired_in_flight", 1)
        lab.hop("worker", "store", "failed", "expired", 1, "high")


def record():
    build()
    issuer = Issuer("java-2026")
    jwks = jwks_file(issuer)
    issuer.publish()
    intact(issuer, jwks)
    async_dropped(issuer, jwks)
    refusals(issuer, jwks)
    queue_forwarded(issuer, jwks)
    queue_dropped(issuer, jwks)
    queue_expired(issuer, jwks)
