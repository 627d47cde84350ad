"""NATS with JetStream between Go services, spans by hand after the messaging conventions: see stack_go.py."""
from stack_go import record_nats as record  # noqa: F401
