"""Java runs beside those of `java`: Apache interceptors that run after the agent has read the headers, and gRPC: see stack_java.py."""
from stack_java import record_late as record  # noqa: F401
