#!/usr/bin/env python3
"""Writes every labelled run of this folder: NAME.jsonl, NAME.truth.json, NAME.policy.toml, jwks.json.

Needs `cryptography`. Two runs write the same bytes. `make.py NAME…` writes only those named."""

import collections
import importlib
import json
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from vocabulary import HERE, Run, jwks  # noqa: E402

MODULES = ("edges", "shapes", "calls", "queues", "changes", "refusals", "findings", "details", "traps", "extras", "healthy")


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
    return run


def table(runs):
    """RUNS.md: what each run shows and which verdicts it wants."""
    lines = ["# Labelled runs", "", "Written by `make.py` from the functions in `runs/`; `coverage.py` says which verdicts, causes and findings occur.", "",
             "| run | shows | verdicts wanted |", "|---|---|---|"]
    for run in sorted(runs, key=lambda run: run.name):
        wanted = collections.Counter()
        for hop in run.hops:
            wanted["/".join(part for part in (hop["verdict"], hop["cause"]) if part)] += hop["n"]
        for _, _, finding, n in run.findings:
            wanted[f"+ {finding}"] += n
        cells = [f"{what.replace('|', ' or ')} ×{n}" for what, n in wanted.items() if n]
        lines.append(f"| {run.name} | {run.shows} | {', '.join(cells)} |")
    with open(f"{HERE}/RUNS.md", "w") as out:
        out.write("\n".join(lines) + "\n")


def main():
    with open(f"{HERE}/jwks.json", "w") as out:
        json.dump(jwks(), out, indent=1)
        out.write("\n")
    wanted = set(sys.argv[1:])
    runs = [write(name, make) for name, make in scenarios() if not wanted or name in wanted]
    if not wanted:
        table(runs)


if __name__ == "__main__":
    main()
