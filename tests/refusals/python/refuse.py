"""Makes Python's JWT libraries refuse, and prints what the stock OpenTelemetry SDK records of each refusal.

    python -m venv /tmp/refusals && /tmp/refusals/bin/pip install -r requirements.txt
    /tmp/refusals/bin/python refuse.py > /tmp/refusals/python.jsonl

One JSON object a line, with the token in it for `collect.py` to scrub by. Ends by itself in seconds.
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version

import jwt
from authlib.jose import JsonWebToken
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives import serialization
from jose import jwt as python_jose
from joserfc import jwt as joserfc
from joserfc.jwk import OctKey
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

SECRET = "a secret of this script alone, long enough for HS256"
OTHER = "another secret of this script, long enough for HS256"
NOW = int(time.time())
GOOD = {"iss": "https://issuer.test", "aud": "orders", "sub": "alice", "iat": NOW - 60, "exp": NOW + 600}
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
tracer = provider.get_tracer("refusals")


def token(key=SECRET, algorithm="HS256", headers=None, **claims):
    """A token of GOOD with these claims changed; None takes one away."""
    payload = {name: value for name, value in {**GOOD, **claims}.items() if value is not None}
    return jwt.encode(payload, key, algorithm=algorithm, headers=headers)


def out(library, reason, used, exception=None, challenge=None, status=None, by="opentelemetry-sdk"):
    print(json.dumps({
        "library": library, "version": version(library), "language": "python", "asked_reason": reason,
        "recorded_by": f"{by} {version(by)}", "exception": exception, "challenge": challenge, "status": status,
        "token": used,
    }))


def recorded(spans):
    """The exception event of the first span that has one."""
    for span in spans:
        for event in span.events:
            if event.name == "exception":
                return {key: event.attributes[f"exception.{key}"] for key in ("type", "message", "stacktrace")}
    return None


def refused(library, reason, used, check):
    """Runs a check that must refuse, inside a span, and prints the event that the SDK made of it."""
    exporter.clear()
    try:
        with tracer.start_as_current_span("GET /orders"):
            check(used)
    except Exception:
        out(library, reason, used, recorded(exporter.get_finished_spans()))
    else:
        raise SystemExit(f"{library} accepted a token that was to be refused for {reason}")


def tokens():
    """One token for each reason that every library knows."""
    good = token()
    head, payload, signature = good.split(".")
    return [
        ("signature", token(key=OTHER)),
        ("algorithm", token(algorithm="HS512")),
        ("algorithm", token(key="", algorithm="none")),
        ("expired", token(exp=NOW - 3600)),
        ("not_yet_valid", token(nbf=NOW + 3600)),
        ("audience", token(aud="billing")),
        ("issuer", token(iss="https://other.test")),
        ("claim", token(sub=None)),
        ("malformed", f"{head}.{payload}"),
        ("malformed", f"{head}.{payload[:-3]}~~.{signature}"),
        ("malformed", f"x{head[3:]}.{payload}.{signature}"),
        ("malformed", "undefined"),
    ]


def pyjwt(used):
    return jwt.decode(used, SECRET, algorithms=["HS256"], audience="orders", issuer="https://issuer.test",
                      options={"require": ["sub", "exp"]})


def jose(used):
    return python_jose.decode(used, SECRET, algorithms=["HS256"], audience="orders", issuer="https://issuer.test",
                              options={"require_sub": True})


def authlib(used):
    options = {"iss": {"essential": True, "value": "https://issuer.test"}, "aud": {"value": "orders"},
               "sub": {"essential": True}}
    JsonWebToken(["HS256"]).decode(used, SECRET, claims_options=options).validate()


def joserfc_check(used):
    decoded = joserfc.decode(used, OctKey.import_key(SECRET), algorithms=["HS256"])
    registry = joserfc.JWTClaimsRegistry(iss={"essential": True, "value": "https://issuer.test"},
                                         aud={"value": "orders"}, sub={"essential": True}, exp={"essential": True})
    registry.validate(decoded.claims)


class Keys(BaseHTTPRequestHandler):
    """A key set whose one key nobody signs with."""

    def do_GET(self):  # noqa: N802
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA.public_key()))
        body = json.dumps({"keys": [{**public, "kid": "current", "use": "sig"}]}).encode()
        self.send_response(200 if self.path == "/jwks" else 503)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def pyjwt_more():
    """What only PyJWT distinguishes: iat, a missing claim of validation, key sets."""
    refused("PyJWT", "not_yet_valid", token(iat=NOW + 3600), pyjwt)
    refused("PyJWT", "claim", token(aud=None), pyjwt)
    refused("PyJWT", "claim", token(exp=None), pyjwt)
    refused("PyJWT", "malformed", "", pyjwt)
    pem = RSA.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                            serialization.NoEncryption())
    rotated = token(key=pem, algorithm="RS256", headers={"kid": "rotated-away"})
    server = HTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    client = jwt.PyJWKClient(f"{base}/jwks")
    refused("PyJWT", "unknown_key", rotated, client.get_signing_key_from_jwt)
    refused("PyJWT", "jwks_unavailable", rotated, jwt.PyJWKClient(f"{base}/gone").get_signing_key_from_jwt)
    server.shutdown()
    closed = jwt.PyJWKClient(f"{base}/jwks", timeout=2)
    server.server_close()
    refused("PyJWT", "jwks_unavailable", rotated, closed.get_signing_key_from_jwt)


def flask_service():
    """Flask under its stock instrumentation: PyJWT uncaught (500), and flask-jwt-extended's own answers."""
    from flask import Flask, jsonify, request
    from flask_jwt_extended import JWTManager, jwt_required
    from opentelemetry.instrumentation.flask import FlaskInstrumentor

    plain, app = Flask("plain"), Flask("orders")
    FlaskInstrumentor().instrument_app(plain, tracer_provider=provider)
    app.config.update(JWT_SECRET_KEY=SECRET, JWT_DECODE_AUDIENCE="orders", JWT_DECODE_ISSUER="https://issuer.test")
    JWTManager(app)
    FlaskInstrumentor().instrument_app(app, tracer_provider=provider)

    @plain.get("/uncaught")
    def uncaught():
        return pyjwt(request.headers["authorization"].split()[1])

    @app.get("/extended")
    @jwt_required()
    def extended():
        return jsonify(ok=True)

    for reason, used in tokens():
        exporter.clear()
        answer = plain.test_client().get("/uncaught", headers={"authorization": f"Bearer {used}"})
        found = recorded(exporter.get_finished_spans())
        out("PyJWT", reason, used, found, answer.headers.get("www-authenticate"), answer.status_code,
            "opentelemetry-instrumentation-flask")
    browser = app.test_client()
    for reason, used in [*tokens(), ("missing", "")]:
        exporter.clear()
        headers = {"authorization": f"Bearer {used}"} if used else {}
        answer = browser.get("/extended", headers=headers)
        found = recorded(exporter.get_finished_spans())
        assert answer.status_code in (401, 422), answer.text
        if found or answer.headers.get("www-authenticate"):
            out("Flask-JWT-Extended", reason, used, found, answer.headers.get("www-authenticate"),
                answer.status_code, "opentelemetry-instrumentation-flask")
    from flask_jwt_extended import verify_jwt_in_request
    for reason, used in [*tokens(), ("missing", "")]:
        headers = {"authorization": f"Bearer {used}"} if used else {}
        with app.test_request_context(headers=headers):
            try:
                verify_jwt_in_request()
            except Exception:
                pass
            else:
                continue
            refused("Flask-JWT-Extended", reason, used, lambda _: verify_jwt_in_request())
    with app.test_request_context(headers={"authorization": f"Basic {'x' * 4}"}):
        refused("Flask-JWT-Extended", "missing", "", lambda _: verify_jwt_in_request())


def django_service():
    """Django REST framework with SimpleJWT: its challenge is the same for no token and for a bad one."""
    import django
    from django.conf import settings
    from django.urls import path

    settings.configure(SECRET_KEY=SECRET, ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], DATABASES={}, INSTALLED_APPS=[
        "django.contrib.contenttypes", "django.contrib.auth"], REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"]})
    django.setup()
    from rest_framework.permissions import IsAuthenticated
    from rest_framework.response import Response
    from rest_framework.test import APIClient
    from rest_framework.views import APIView
    from rest_framework_simplejwt.authentication import JWTAuthentication

    class Orders(APIView):
        permission_classes = [IsAuthenticated]

        def get(self, _):
            return Response({})

    globals()["urlpatterns"] = [path("orders", Orders.as_view())]
    access = {"token_type": "access", "jti": "1", "user_id": 1}
    library = "djangorestframework_simplejwt"
    # "Token is invalid" is all that it says of whatever is not an expiry.
    for reason, used in [("expired", token(exp=NOW - 3600, **access)), ("rejected", token(key=OTHER, **access)),
                         ("missing", "")]:
        answer = APIClient().get("/orders", **({"HTTP_AUTHORIZATION": f"Bearer {used}"} if used else {}))
        challenge = answer.headers.get("www-authenticate")
        out(library, "rejected" if used else reason, used, None, challenge, answer.status_code)
        if used:
            refused(library, reason, used, lambda one: JWTAuthentication().get_validated_token(one))


def fastapi_service():
    """FastAPI under its stock instrumentation: python-jose uncaught, HTTPBearer's and OAuth2's own 401s."""
    from fastapi import Depends, FastAPI, HTTPException
    from fastapi.security import HTTPBearer, OAuth2PasswordBearer
    from fastapi.testclient import TestClient
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    app = FastAPI()

    @app.get("/uncaught")
    def uncaught(found=Depends(HTTPBearer())):
        return jose(found.credentials)

    @app.get("/oauth2")
    def oauth2(found=Depends(OAuth2PasswordBearer(tokenUrl="token"))):
        return pyjwt(found)

    @app.get("/tutorial")
    def tutorial(found=Depends(OAuth2PasswordBearer(tokenUrl="token"))):
        # As FastAPI's own tutorial answers a token that does not verify.
        try:
            return pyjwt(found)
        except jwt.InvalidTokenError:
            raise HTTPException(401, "Could not validate credentials", {"WWW-Authenticate": "Bearer"})

    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
    browser = TestClient(app, raise_server_exceptions=False)
    for path, library in (("/uncaught", "python-jose"), ("/oauth2", "PyJWT")):
        for reason, used in [("signature", token(key=OTHER)), ("expired", token(exp=NOW - 3600)), ("missing", "")]:
            exporter.clear()
            answer = browser.get(path, headers={"authorization": f"Bearer {used}"} if used else {})
            out(library if used else "fastapi", reason, used, recorded(exporter.get_finished_spans()),
                answer.headers.get("www-authenticate"), answer.status_code, "opentelemetry-instrumentation-fastapi")
    used = token(exp=NOW - 3600)
    answer = browser.get("/tutorial", headers={"authorization": f"Bearer {used}"})
    out("fastapi", "rejected", used, None, answer.headers["www-authenticate"], answer.status_code,
        "opentelemetry-instrumentation-fastapi")


def main():
    checks = (("PyJWT", pyjwt), ("python-jose", jose), ("Authlib", authlib), ("joserfc", joserfc_check))
    for library, check in checks:
        check(token())
        for reason, used in tokens():
            # python-jose verifies the signature before it reads the payload: a payload that cannot be read has none.
            late = library == "python-jose" and "~~" in used
            refused(library, "signature" if late else reason, used, check)
    pyjwt_more()
    flask_service()
    fastapi_service()
    django_service()


main()
