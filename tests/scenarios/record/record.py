#!/usr/bin/env python3
"""record.py STACK…: records the labelled runs of the named stacks (go, envoy, java, …) anew. See README.md."""
import importlib
import sys

if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for stack in sys.argv[1:]:
        importlib.import_module(f"stack_{stack}").record()
