"""One Flask service of the recordings, run under opentelemetry-instrument; CONFIG (JSON) says what it serves, checks and calls."""
import json
import os

import jwt
import requests
from flask import Flask, request

config = json.loads(os.environ["CONFIG"])
key = open(config["verify"], "rb").read() if config.get("verify") else None
app = Flask(config["name"])


@app.route("/", defaults={"path": ""})
@app.route("/<path:path>")
def serve(path):
    authorization = request.headers.get("authorization")
    if path == "healthz":
        return "ok"
    if key:
        if not authorization:
            return "no token", 401, {"www-authenticate": "Bearer"}
        try:
            jwt.decode(authorization.removeprefix("Bearer "), key, ["RS256", "ES256"], audience="shop")
        except jwt.PyJWTError as refused:
            return "refused", 401, {"www-authenticate": f'Bearer error="invalid_token", error_description="{refused}"'}
    if config.pop("flaky", False):
        return "not yet", 503
    status = 200
    for call in config.get("calls", {}).get("/" + path, []):
        headers = {"authorization": authorization} if authorization and call.get("token") != "drop" else {}
        if call.get("token") not in (None, "drop"):
            headers["authorization"] = f"Bearer {call['token']}"
        answered = requests.request(call.get("verb", "GET"), call["url"], headers=headers, timeout=10)
        if call.get("relay") and answered.status_code >= 400:
            status = answered.status_code
    return "done", status


app.run("127.0.0.1", config["port"], threaded=True)
