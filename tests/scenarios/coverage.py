#!/usr/bin/env python3
"""coverage.py JWTRAIL FOLDER…: which verdicts, causes and findings of the specification occur in the reports of all runs.

A run is NAME.jsonl beside NAME.truth.json; jwks.json and NAME.policy.toml are given where they stand. Prints a table and
what never occurs; ends with 1 where something is missing that a saved file could show."""

import collections
import glob
import json
import os
import subprocess
import sys

REASONS = "signature unknown_key algorithm expired not_yet_valid audience issuer claim malformed multiple jwks_unavailable missing forbidden rejected"
VERDICTS = {
    "intact": "- inherited",
    "originated": "entry minted injected",
    "exchanged": "policy evidence opaque_to_jws",
    "dropped": "not_sent stripped lost",
    "changed": "placeholder prefix reencoded truncated signature_stripped tampered resigned subject_switched reminted replaced",
    "failed": REASONS,
    "absent": "anonymous inherited exempt",
    "unknown": "not_captured redacted capture_cut callee_untraced caller_unseen keys_differ",  # `pending` is never in a file
}
FINDINGS = "leaked exposed accepted_unverified disagreement scope_widened bound_token_forwarded multiple_tokens expired_in_flight unwanted moved long_lived"


def report(exe, base):
    folder = os.path.dirname(base)
    cmd = [exe, "check", f"{base}.jsonl", "--format", "json"]
    cmd += ["--jwks", f"{folder}/jwks.json"] if os.path.exists(f"{folder}/jwks.json") else []
    cmd += ["--policy", f"{base}.policy.toml"] if os.path.exists(f"{base}.policy.toml") else []
    return json.loads(subprocess.run(cmd, capture_output=True, text=True, timeout=60).stdout)


def main():
    exe, folders = sys.argv[1], sys.argv[2:]
    pairs, severities, findings = (collections.defaultdict(collections.Counter) for _ in range(3))
    for folder in folders:
        for truth in sorted(glob.glob(f"{folder}/*.truth.json")):
            name = os.path.basename(truth)[: -len(".truth.json")]
            for hop in report(exe, f"{folder}/{name}")["hops"]:
                pair = (hop["verdict"], hop["cause"] or "-")
                pairs[pair][name] += 1
                severities[pair][hop["severity"]] += 1
                for finding in hop["findings"]:
                    findings[finding][name] += 1
    missing = []

    def row(what, runs, more=""):
        shown = ", ".join(runs)
        print(f"| {what} | {sum(runs.values())} | {more} | {len(runs)} | {shown[:90] + '…' if len(shown) > 90 else shown} |")
        if not runs:
            missing.append(what)

    print("| verdict/cause or finding | hops | severities | runs | which |\n|---|---|---|---|---|")
    for verdict, causes in VERDICTS.items():
        for cause in causes.split():
            row(f"{verdict}/{cause}", pairs[verdict, cause], ", ".join(f"{s} {n}" for s, n in severities[verdict, cause].items()))
    for finding in FINDINGS.split():
        row(finding, findings[finding])
    known = {(v, c) for v, causes in VERDICTS.items() for c in causes.split()}
    for pair in sorted(p for p, runs in pairs.items() if runs and p not in known):
        row("/".join(pair) + " (not in the specification's table)", pairs[pair])
    print(f"\nmissing: {', '.join(missing) or 'nothing'}")
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
