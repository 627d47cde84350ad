"""FastAPI (Starlette, httpx) calling Flask, with stock header capture: work after the answer, and calls at once."""
import pathlib
import time

import stack_envoy as envoy
from lab import Issuer, Lab, free_port, get

SERVICE = pathlib.Path(__file__).with_name("py_fastapi.py")


def record():
    issuer = Issuer("fastapi-2026")
    pem = issuer.pem()
    with Lab("fastapi-background-work", "Tasks that run after the answer, or beside each other: judged by the tree and not by time; one background task and one gathered call lack the token.") as lab:
        orders, store = free_port(), free_port()
        envoy.flask(lab, "store", store, verify=pem)
        envoy.flask(lab, "orders", orders, program=SERVICE, next=f"http://127.0.0.1:{store}")
        for path in ("/background", "/background-kept", "/gather", "/detached"):
            get(f"http://127.0.0.1:{orders}{path}", issuer.token())
            time.sleep(0.5)
        lab.hop(None, "orders", "originated", "entry", 4)
        lab.hop("orders", "store", "intact", None, 4)
        lab.hop("orders", "store", "dropped", "not_sent", 2, "high")
    refreshed(issuer, pem)
    issuer.publish()


def refreshed(issuer, pem):
    with Lab("flask-retry-with-refreshed-token", "orders forwards an expired token, is refused, and tries again with a fresh one of the same user: the refusal is information.") as lab:
        orders, store = free_port(), free_port()
        to_store = {"url": f"http://127.0.0.1:{store}/"}
        envoy.flask(lab, "store", store, verify=pem)
        envoy.flask(lab, "orders", orders, calls={"/": [to_store, to_store | {"token": issuer.token("alice")}],
                                                  "/other": [to_store, to_store | {"token": issuer.token("bob")}]})
        for path in ("/", "/other"):
            get(f"http://127.0.0.1:{orders}{path}", issuer.token("alice", ttl=-600, age=4200))
        lab.hop(None, "orders", "originated", "entry", 2)
        lab.hop("orders", "store", "failed", "expired", 2, "info")
        lab.hop("orders", "store", "exchanged", "evidence", 1)
        # The same retry with another user's token is accepted as well, and is no refresh.
        lab.hop("orders", "store", "changed", "subject_switched", 1, "critical")
