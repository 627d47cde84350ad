"""One Flask service of the interop lane: checks its caller's token, and calls the next service with it or without.

Started by `opentelemetry-instrument`; nothing in here knows that it is traced.
"""

import logging
import os
import signal
import sys

import flask
import jwt
import requests

app = flask.Flask(__name__)
KEY, ALGORITHM = os.environ["JWT_KEY"], os.environ["JWT_ALGORITHM"]
NEXT, DROPS = os.environ.get("NEXT_URL"), os.environ.get("DROPS_TOKEN") == "1"


@app.get("/health")
def health():
    return "ok"


@app.get("/work")
def work():
    authorization = flask.request.headers.get("authorization", "")
    if not authorization:
        logging.warning("request without a token")
        return "no token", 401, {"www-authenticate": "Bearer"}
    jwt.decode(authorization.removeprefix("Bearer "), KEY, algorithms=[ALGORITHM], audience="interop")
    if NEXT:
        headers = {} if DROPS else {"authorization": authorization}
        requests.get(f"{NEXT}/work", headers=headers, timeout=5)
    return "done"


# Without this, a terminated process would not export what it still holds.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
app.run(host="127.0.0.1", port=int(os.environ["PORT"]))
