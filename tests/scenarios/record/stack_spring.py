"""Spring Boot with Spring Security's resource server, under the Java agent."""
import subprocess
import time

import stack_java as java
from lab import HERE, WITNESSED, WORK, Issuer, Lab, free_port, get, need

LIBRARIES, CLASSES = WORK / "springlib", WORK / "springclasses"


def build():
    java.build()
    if not LIBRARIES.exists():
        subprocess.run([need("mvn"), "-q", "-B", "-f", HERE / "spring/pom.xml", f"-Dmaven.repo.local={WORK / 'm2'}",
                        "dependency:copy-dependencies", f"-DoutputDirectory={LIBRARIES}"], check=True)
    subprocess.run([need("javac"), "--release", "17", "-parameters", "-d", CLASSES, "-cp", f"{LIBRARIES}/*", HERE / "spring/src/shop/Application.java"], check=True)


def service(lab, name, port, pem, next_url=""):
    env = lab.recorder.env() | {
        "OTEL_SERVICE_NAME": name, "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=shop", "OTEL_LOGS_EXPORTER": "otlp", "NEXT": next_url,
        "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS": WITNESSED, "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS": WITNESSED,
        "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_RESPONSE_HEADERS": "www-authenticate",
        "SERVER_PORT": str(port), "SERVER_ADDRESS": "127.0.0.1", "SPRING_MAIN_BANNER_MODE": "off", "LOGGING_LEVEL_ROOT": "warn",
        "SPRING_SECURITY_OAUTH2_RESOURCESERVER_JWT_PUBLIC_KEY_LOCATION": f"file:{pem}",
        "SPRING_SECURITY_OAUTH2_RESOURCESERVER_JWT_AUDIENCES": "shop"}
    agent = WORK / f"{java.AGENT[1]}-{java.AGENT[2]}.jar"
    command = [need("java"), "-Xmx256m", "-XX:TieredStopAtLevel=1", f"-javaagent:{agent}", "-cp", f"{CLASSES}:{LIBRARIES}/*", "shop.Application"]
    return lab.start(name, command, env, port, 90)


def async_dropped(issuer, pem):
    with Lab("spring-async-dropped", "@Async runs without the security context: payment answers 401; with a delegating executor, or in line, the token goes on.") as lab:
        gateway, orders, payment = (free_port() for _ in range(3))
        service(lab, "payment", payment, pem)
        service(lab, "orders", orders, pem, java.here(payment))
        paths = ("/sync", "/async", "/delegating")
        java.service(lab, "gateway", gateway, calls={p: [{"url": java.here(orders, p)}] for p in paths})
        for path in paths:
            get(java.here(gateway, path), issuer.token())
        lab.hop(None, "gateway", "originated", "entry", 3)
        lab.hop("gateway", "orders", "intact", None, 3)
        lab.hop("orders", "payment", "intact", None, 2)
        lab.hop("orders", "payment", "dropped", "not_sent", 1, "high")


def rejects(issuer, pem):
    with Lab("spring-resource-server-rejects", "Spring Security says why only in its challenge's error_description: expired, used before, audience, signature, malformed.") as lab:
        gateway, payment = free_port(), free_port()
        service(lab, "payment", payment, pem)
        java.service(lab, "gateway", gateway, calls={"/": [{"url": java.here(payment), "relay": True}]})
        refused = {"expired": issuer.token(ttl=-600, age=4200), "not_yet_valid": issuer.token(nbf=int(time.time()) + 900),
                   "audience": issuer.token(aud="billing"), "signature": Issuer(issuer.kid).token(), "malformed": "a token, of sorts, with spaces"}
        for token in [issuer.token(), *refused.values()]:
            get(java.here(gateway), token)
        lab.hop(None, "gateway", "originated", "entry", 6)
        lab.hop("gateway", "payment", "intact", None, 1)
        for why in refused:
            lab.hop("gateway", "payment", "failed", why, 1, "high")


def record():
    build()
    issuer = Issuer("spring-2026")
    pem = issuer.pem()
    issuer.publish()
    async_dropped(issuer, pem)
    rejects(issuer, pem)
