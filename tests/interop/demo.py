#!/usr/bin/env python3
"""demo.py REPORT: hold the report of `jwtrail demo --headless SECONDS --format json` against demo.json.

Every fault of the demo's shop has to be flagged on its own edge, and nothing else may be accused. A finding beside an accused
verdict may be missing; beside `intact` it is the fault itself. Ends with 'N passed, N failed'.
"""

import json
import os
import sys

from reports import ACCUSED, last_report, service

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo.json")) as f:
    EXPECTED = json.load(f)
with open(sys.argv[1]) as f:
    report = last_report(f.read())
if report is None:
    sys.exit(f"expected a JSON report in {sys.argv[1]}, found none")


def edge(row):
    return row["caller"], row["callee"]


def found(want):
    """Whether one of the report's issues is this fault."""
    of = [issue for issue in report["issues"] if edge(issue) == edge(want)]
    if want["verdict"] not in ACCUSED:
        return all(any(issue["finding"] == finding for issue in of) for finding in want["findings"])
    return any((i["verdict"], i["cause"], i["severity"]) == (want["verdict"], want["cause"], want["severity"]) for i in of)


def expected(issue):
    """Whether an issue belongs to one of the faults."""
    of = [want for want in EXPECTED if edge(want) == edge(issue)]
    if issue["finding"]:
        return any(issue["finding"] in want["findings"] for want in of)
    return any((want["verdict"], want["cause"]) == (issue["verdict"], issue["cause"]) for want in of)


wrong = []
for want in EXPECTED:
    ok = found(want)
    print(f"{'ok  ' if ok else 'FAIL'} {want['caller']} → {want['callee']}: {want['verdict']}/{want['cause']} {want['findings']}")
    if not ok:
        here = [h for h in report["hops"] if (service(h["caller"]), service(h["callee"])) == edge(want)]
        wrong.append(f"it says {sorted({(h['verdict'], str(h['cause']), h['severity'], *h['findings']) for h in here})}")
        print("    ", wrong[-1])
for issue in report["issues"]:
    if not expected(issue):
        wrong.append("false alarm")
        print(f"FAIL false alarm {issue['caller']} → {issue['callee']}: {issue['verdict'] or issue['finding']}/{issue['cause']} × {issue['count']}")
services = {service(h[side]) for h in report["hops"] for side in ("caller", "callee")} - {None}
if len(services) < 5:
    wrong.append("services")
    print(f"FAIL at least five services wanted, found {sorted(services)}")
print(f"{len(EXPECTED) - sum(w.startswith('it says') for w in wrong)} passed, {len(wrong)} failed")
sys.exit(bool(wrong))
