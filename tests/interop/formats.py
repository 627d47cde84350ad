#!/usr/bin/env python3
"""formats.py JWTRAIL SCHEMA: the reports of `jwtrail check` over saved runs, read by what other people read them with.

SARIF has to be valid by the schema of its standard and consistent in itself, JUnit has to be read by a JUnit parser and its sums
have to be true, and all forms have to agree with the JSON report and with the exit status. Ends with 'N passed, N failed'.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import jsonschema
import junitparser

PROGRAM, SCHEMA = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
ROOT = Path(__file__).resolve().parents[2]
LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
STATES = {"error": "error", "warning": "warning", "note": "notice"}
# Everything that a name must not do to a reader: end an element, an attribute or a command, drive a terminal, be no XML.
EVIL = "or<&>\"']]>\u0000\u0001\u001b[31m\u007f\u009b\u202ed\uffffers|`@ops`::error::x\r\n::warning::y" + "z" * 10_000

validator = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)
passed, failures = 0, []


def hold(what, truth, seen=""):
    """Counts one check."""
    global passed
    if truth:
        passed += 1
    else:
        failures.append(f"{what}: {seen}")


def check(folder, files, form, *more):
    """Output and exit status of one run."""
    command = [PROGRAM, "check", *files, "--format", form, *more]
    key = "a fingerprint key of thirty-two bytes and more"
    run = subprocess.run(command, cwd=folder, env={**os.environ, "JWTRAIL_FP_KEY": key}, capture_output=True, timeout=60)
    if run.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)} ended with {run.returncode}: {run.stderr.decode()}")
    return run.stdout.decode(), run.returncode


def matters(report):
    """Issues of the JSON report, and the kinds of hops beside them that are above info: both can fail a build."""
    rows = [(i["caller"], i["callee"], i["finding"] or i["verdict"], i["cause"]) for i in report["issues"]]
    accused = {"dropped", "changed", "failed"}
    rows += {
        (h["caller"] and h["caller"]["service"], h["callee"]["service"], h["verdict"], h["cause"])
        for h in report["hops"]
        if h["verdict"] not in accused and h["severity"] != "info"
    }
    return len(rows)


def sarif(name, text, report, status, baseline=None):
    """Validity, and that it says what the JSON report says."""
    log = json.loads(text)
    errors = [f"{'/'.join(map(str, e.path))}: {e.message[:200]}" for e in validator.iter_errors(log)]
    hold(f"{name}: valid SARIF", not errors, errors[:3])
    run = log["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    results = run["results"]
    hold(f"{name}: one result for each issue", len(results) == matters(report), len(results))
    hold(f"{name}: rules are there", all(rules[r["ruleIndex"]] == r["ruleId"] for r in results), results)
    hold(f"{name}: levels", all(r["level"] == LEVELS[r["properties"]["severity"]] for r in results))
    for kind in ("jwtrailIssue/v1", "primaryLocationLineHash"):
        prints = [r["partialFingerprints"][kind] for r in results]
        hold(f"{name}: {kind} tells issues apart", len(set(prints)) == len(prints), prints)
    hold(f"{name}: exit code", run["invocations"][0]["exitCode"] == status, run["invocations"])
    places = {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in results}
    hold(f"{name}: a place in the folder", not any(p.startswith(("/", "file:")) for p in places), places)
    states = {r.get("baselineState") for r in results}
    hold(f"{name}: baseline states", states <= ({None} if baseline is None else set(baseline)), states)


def junit(name, text, status):
    """That a parser reads it, and that its sums are true."""
    with tempfile.NamedTemporaryFile("w", suffix=".xml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        tree = junitparser.JUnitXml.fromfile(file.name)
    sums = Counter()
    for suite in tree:
        kinds = Counter(type(result).__name__ for case in suite for result in (case.result or [None]))
        seen = (len(list(suite)), kinds["Failure"], kinds["Skipped"], kinds["Error"])
        said = (suite.tests, suite.failures, suite.skipped, suite.errors)
        hold(f"{name}: sums of suite {suite.name[:40]}", seen == said, (seen, said))
        sums.update(dict(zip(("tests", "failures", "skipped", "errors"), said)))
    said = {"tests": tree.tests, "failures": tree.failures, "skipped": tree.skipped, "errors": tree.errors}
    hold(f"{name}: sums of all", dict(sums) == said, (sums, said))
    hold(f"{name}: fails as the program does", (tree.failures > 0) == (status == 1), (tree.failures, status))


def github(name, text, report):
    """That annotations fit, and that nothing after the group's beginning can be a command."""
    lines = text.split("\n")
    group = lines.index("::group::jwtrail report")
    word = lines[group + 1].removeprefix("::stop-commands::")
    hold(f"{name}: the pause ends where it should", lines[-3:] == [f"::{word}::", "::endgroup::", ""], lines[-3:])
    hold(f"{name}: nothing else ends it", text.count(word) == 2, text.count(word))
    commands = [re.match(r"::(error|warning|notice) title=[^:,]+::[^\r\n]+$", line) for line in lines[:group]]
    hold(f"{name}: commands only", all(commands), lines[:group])
    levels = Counter(command[1] for command in commands if command)
    hold(f"{name}: as many as are shown", all(count <= 10 for count in levels.values()), levels)
    want = Counter(STATES[LEVELS[issue["severity"]]] for issue in report["issues"])
    hold(f"{name}: errors of the report", levels["error"] >= min(want["error"], 10), (levels, want))


def hostile():
    """gateway → (a hostile name), which drops the token on its way to another one."""
    attribute = lambda key, value: {"key": key, "value": {"stringValue": value}}
    jws = ".".join(["eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0", "eyJzdWIiOiJhbGljZSJ9", "c2lnbmF0dXJl" * 28 + "c2lnbmF0dXI"])

    def spans(service, *rows):
        out = []
        for number, parent, kind, carries in rows:
            out.append({
                "traceId": "0a" * 16, "spanId": f"{number:02x}" * 8, "parentSpanId": f"{parent:02x}" * 8 if parent else "",
                "name": f"GET {EVIL}", "kind": kind, "startTimeUnixNano": str(1_790_000_000_000_000_000 + number * 1_000_000),
                "endTimeUnixNano": str(1_790_000_001_000_000_000 - number * 1_000_000),
                "attributes": [
                    attribute("http.request.method", "GET"),
                    {"key": "http.response.status_code", "value": {"intValue": "401"}},
                    {"key": "http.request.header.authorization",
                     "value": {"arrayValue": {"values": [{"stringValue": f"Bearer {jws}" if carries else ""}]}}},
                ],
            })
        return {"resource": {"attributes": [attribute("service.name", service)]},
                "scopeSpans": [{"scope": {"name": EVIL}, "spans": out}]}

    return json.dumps({"resourceSpans": [
        spans("gateway", (1, 0, 2, True), (2, 1, 3, True)),
        spans(EVIL, (3, 2, 2, True), (4, 3, 3, False)),
        spans("::error::" + EVIL, (5, 4, 2, False)),
    ]}) + "\n"


def one(folder, files, *more, baseline=True):
    """All forms of one input."""
    name = files[0]
    text, status = check(folder, files, "json", *more)
    report = json.loads(text)
    sarif(name, check(folder, files, "sarif", *more)[0], report, status)
    for threshold in ("info", "high") if baseline else ("high",):
        junit(f"{name} {threshold}", *check(folder, files, "junit", *more, "--fail-on", threshold))
    github(name, check(folder, files, "github", *more)[0], report)
    comment = check(folder, files, "markdown", *more)[0]
    hold(f"{name}: a comment fits", 0 < len(comment) <= 65_536, len(comment))
    if not baseline:
        return
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(text)
        file.flush()
        known = [*more, "--baseline", file.name, "--fail-on", "info"]
        again, status = check(folder, files, "sarif", *known)
        hold(f"{name}: what is known fails no build", status == 0, status)
        sarif(f"{name} again", again, report, status, baseline=["unchanged"])
        summary = json.loads(check(folder, files, "json", *known)[0])["summary"]["baseline"]
        hold(f"{name}: all known", summary == {"new": 0, "known": len(report["issues"]), "gone": 0}, summary)
        junit(f"{name} again", *check(folder, files, "junit", *known))


with tempfile.TemporaryDirectory() as folder:
    Path(folder, "hostile names.jsonl").write_text(hostile())
    one(folder, ["hostile names.jsonl"])
for folder, baseline in ((ROOT / "tests/data/runs", True), (ROOT / "tests/scenarios", False)):
    for file in sorted(folder.glob("*.jsonl")):
        policy = file.with_suffix(".policy.toml")
        one(folder, [file.name], *(["--policy", policy.name] if policy.exists() else []), baseline=baseline)
print("\n".join(failures[:20]))
print(f"{passed} passed, {len(failures)} failed")
sys.exit(bool(failures) or passed == 0)
