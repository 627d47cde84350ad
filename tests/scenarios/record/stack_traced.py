"""Go with otelhttptrace: see stack_go.py."""
from stack_go import record_traced as record  # noqa: F401
