"""Exceptions that are no refusal of a token, although their words come close, as the stock SDK records them.

    /tmp/refusals/bin/pip install -r requirements.txt
    /tmp/refusals/bin/python ordinary.py > ../../data/not_refusals.json

The counterpart of `refuse.py`: none of these may be read as a reason to refuse a JWT. Ends by itself in seconds.
"""

import json
import re
import ssl
import threading
import xml.etree.ElementTree
from http.server import BaseHTTPRequestHandler, HTTPServer

import itsdangerous
import jwt
import psycopg
import requests
import stripe
from cryptography.exceptions import InvalidSignature
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, hmac
from django.core import signing
from google.protobuf.struct_pb2 import Struct
from linebot.v3 import WebhookParser
from oauthlib.oauth2 import WebApplicationClient
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
tracer = provider.get_tracer("ordinary")


class Closed(BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802
        self.send_response(401)
        self.end_headers()

    def log_message(self, *_):
        pass


def unauthorized_downstream():
    server = HTTPServer(("127.0.0.1", 0), Closed)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    requests.get(f"http://127.0.0.1:{server.server_port}/stock", timeout=5).raise_for_status()


def session_after_a_token():
    """A token that is none, then the session instead: what fails is the session."""
    try:
        jwt.decode("none", "secret", algorithms=["HS256"])
    except jwt.InvalidTokenError:
        return {}["session"]


def web_hook():
    mac = hmac.HMAC(b"secret", hashes.SHA256())
    mac.update(b"payload")
    mac.verify(b"0" * 32)


def django_settings():
    from django.conf import settings
    settings.configure(SECRET_KEY="a key of this script alone")


def password_reset():
    signing.TimestampSigner().unsign(signing.TimestampSigner().sign("alice"), max_age=-1)


def expired_client():
    WebApplicationClient("orders", token={"access_token": "x", "token_type": "Bearer", "expires_at": 1}).add_token("https://a/")


ORDINARY = [
    ("a claim read that is not there", lambda: {}["sub"]),
    ("a call that was answered with 401", unauthorized_downstream),
    ("a password of the database", lambda: psycopg.connect("host=127.0.0.1 port=9 user=orders", connect_timeout=2)),
    ("a cookie under another key", lambda: Fernet(Fernet.generate_key()).decrypt(b"cookie")),
    ("a web hook signed by somebody else", web_hook),
    ("another web hook", lambda: stripe.Webhook.construct_event("{}", "t=1,v1=0", "secret")),
    ("one more web hook", lambda: WebhookParser("secret").parse("{}", "0")),
    ("a body that is no XML", lambda: xml.etree.ElementTree.fromstring("<a>\x01</a>")),
    ("a body that is no JSON", lambda: json.loads("{token}")),
    ("a body that is no message", lambda: Struct.FromString(b"\xff\xff")),
    ("a session cookie", lambda: itsdangerous.URLSafeTimedSerializer("secret").loads("a.b.c")),
    ("a link out of a mail, too old", password_reset),
    ("a token that this service holds itself, too old", expired_client),
    ("a session after a token", session_after_a_token),
    ("a certificate that is none", lambda: ssl.create_default_context(cadata="none")),
]


def main():
    django_settings()
    found = []
    for what, run in ORDINARY:
        exporter.clear()
        try:
            with tracer.start_as_current_span("POST /orders"):
                run()
        except (Exception, InvalidSignature):
            attributes = exporter.get_finished_spans()[0].events[0].attributes
            keys = ("type", "message", "stacktrace")
            exception = {key: attributes[f"exception.{key}"] for key in keys}
            for key, text in exception.items():
                text = re.sub(r"(/tmp|/work|/root|/home|/usr)(/[\w.@+-]+)*/", "/srv/app/", text)
                exception[key] = re.sub(r"127\.0\.0\.1:\d{4,}", "127.0.0.1:8080", text)
            found.append({"what": what, "exception": exception})
        else:
            raise SystemExit(f"{what}: nothing was raised")
    print("[\n" + ",\n".join(json.dumps(one) for one in found) + "\n]")


main()
