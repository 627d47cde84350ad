#!/usr/bin/env python3
"""Writes every labelled run of this folder: NAME.jsonl, NAME.truth.json, NAME.policy.toml, jwks.json.

Needs `cryptography`. Two runs write the same bytes. `make.py NAME…` writes only those named."""

import importlib
import json
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from vocabulary import HERE, Run, jwks  # noqa: E402

MODULES = ("edges", "shapes", "calls", "queues", "changes", "refusals", "findings", "details", "traps", "healthy")


def scenarios():
    """Every function with a docstring in the scenario modules; its name is the run's, the docstring what it shows."""
    for module in MODULES:
        for name, make in vars(importlib.import_module(f"runs.{module}")).items():
            if callable(make) and getattr(make, "scenario", False):
                yield name.replace("_", "-"), make


def write(name, make):
    run = Run(name, " ".join(make.__doc__.split()))
    make(run)
    with open(f"{HERE}/{name}.jsonl", "w") as out:
        out.writelines(f"{line}\n" for line in run.lines())
    with open(f"{HERE}/{name}.truth.json", "w") as out:
        json.dump(run.truth(), out, indent=1)
        out.write("\n")
    if run.policy:
        with open(f"{HERE}/{name}.policy.toml", "w") as out:
            out.write(run.policy.strip() + "\n")


def main():
    with open(f"{HERE}/jwks.json", "w") as out:
        json.dump(jwks(), out, indent=1)
        out.write("\n")
    wanted = set(sys.argv[1:])
    for name, make in scenarios():
        if not wanted or name in wanted:
            write(name, make)


if __name__ == "__main__":
    main()
