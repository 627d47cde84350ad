"""Java with Apache's client, whose interceptors run after the agent has read the headers: see stack_java.py."""
from stack_java import record_late as record  # noqa: F401
