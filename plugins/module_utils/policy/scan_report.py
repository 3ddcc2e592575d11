# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A scan as reports: PolicyReports of wgpolicyk8s.io, JSON, JUnit, and a summary for people. Pure. Private to the
collection.
"""

from __future__ import annotations

import typing as t
from xml.etree import ElementTree

from ..declaration import shown
from ..fleet.records import CLUSTER_API
from ..kube.resources import Resource
from ..output import aligned, printable
from .judge import MODES
from .scan import Finding, Scan

API_VERSION = "wgpolicyk8s.io/v1alpha2"
REPORT = Resource(API_VERSION, "PolicyReport", "policyreports", True)
CLUSTER_REPORT = Resource(API_VERSION, "ClusterPolicyReport", "clusterpolicyreports", False)
NAME = "lodestar-compliance"
SOURCE = "lodestar"
#: The most results that one report lists; what is left out is counted in its summary all the same.
MOST = 500
#: The case of a cluster that could not be asked.
SCANNED = "scanned"
THRESHOLDS = ("none", *reversed(MODES))

_SEVERITY = {"deny": "high", "warn": "medium", "audit": "low"}
Object = dict[str, t.Any]


def result_of(finding: Finding) -> str:
    """The result by the report format: what a policy would refuse fails, what it only notes is a warning."""
    if finding.result != "fail":
        return finding.result
    return "fail" if finding.mode == "deny" else "warn"


def policy_reports(found: Scan) -> list[Object]:
    """One report a namespace in which anything was judged, and one for the cluster. The same scan, the same reports:
    they hold no time, so that nothing is written while nothing changes.
    """
    places: dict[str, list[Finding]] = {place: [] for place in found.passed}
    for finding in found.findings:
        places.setdefault(finding.object.get("namespace") or "", []).append(finding)
    places.setdefault("", [])
    return [_report(place, places[place], found.passed[place]) for place in sorted(places)]


def _report(place: str, findings: t.Sequence[Finding], passed: int) -> Object:
    counts = dict.fromkeys(("pass", "fail", "warn", "error", "skip"), 0) | {"pass": passed}
    for finding in findings:
        counts[result_of(finding)] += 1
    kind = REPORT.kind if place else CLUSTER_REPORT.kind
    listed = sorted(findings, key=lambda item: (-MODES.index(item.mode), item.policy, str(sorted(item.object.items()))))
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": NAME, **({"namespace": place} if place else {})},
        "summary": counts,
        "results": [_result(finding) for finding in listed[:MOST]],
    }


def hub_summary(cluster: str, found: Scan) -> Object:
    """What the hub keeps of a cluster's scan, in the namespace of the cluster: one result a policy."""
    counts = dict.fromkeys(("pass", "fail", "warn", "error", "skip"), 0)
    results = []
    skipped = {item.policy: item for item in found.skipped()}
    for name, entry in sorted(found.policies.items()):
        broken = entry["fail"] + entry["error"]
        judged = entry["pass"] + broken
        # What is judged in part and broken there is broken.
        result = "skip" if name in skipped else "pass"
        if broken:
            result = "error" if not entry["fail"] else "fail" if entry["mode"] == "deny" else "warn"
        counts[result] += 1
        told = f"{broken} of {judged} object(s) break it"
        results.append(
            {
                "source": SOURCE,
                "policy": name,
                "category": "policy",
                "severity": _SEVERITY[entry["mode"]],
                "result": result,
                "scored": entry["mode"] == "deny",
                "message": printable(f"{told}; {skipped[name].message}" if name in skipped else told),
                "properties": {"mode": entry["mode"], "declared": str(entry["declared"]).lower()},
            }
        )
    return {
        "apiVersion": API_VERSION,
        "kind": REPORT.kind,
        "metadata": {"name": f"{NAME}-summary", "namespace": cluster},
        "scope": {"apiVersion": CLUSTER_API, "kind": "ManagedCluster", "name": cluster},
        "summary": counts,
        "results": results,
    }


def _result(finding: Finding) -> Object:
    made: Object = {
        "source": SOURCE,
        "policy": finding.policy,
        "category": "policy",
        "severity": _SEVERITY[finding.mode],
        "result": result_of(finding),
        "scored": finding.mode == "deny",
        "message": printable(finding.message),
        "properties": {"mode": finding.mode},
    }
    reference = {key: value for key, value in finding.object.items() if value}
    return {**made, "resources": [reference]} if reference else made


def document(cluster: str, found: Scan, fail_on: str, limit: int) -> Object:
    """The scan as data.

    :param fail_on: one of :data:`THRESHOLDS`; whether the cluster is C(compliant) is judged by it. One that
        could not be asked is not, whatever it says.
    :param limit: how many findings are listed.
    """
    violations = found.violations()
    counts = {mode: sum(item.mode == mode for item in violations) for mode in MODES}
    skipped = found.skipped()
    return {
        "cluster": cluster,
        "compliant": not found.unreachable and (fail_on == "none" or not found.violations(fail_on)),
        "unreachable": found.unreachable,
        "fail_on": fail_on,
        "violations": counts,
        "passed": sum(found.passed.values()),
        "policies": [{"name": name, **entry} for name, entry in sorted(found.policies.items())],
        "findings": [item.as_data() for item in violations[:limit]],
        "left_out": max(0, len(violations) - limit),
        "skipped": [{"policy": item.policy, "reason": item.message} for item in skipped],
    }


def table(found: Scan) -> list[str]:
    """A line a policy, the ones with violations first."""
    if found.unreachable:
        return [printable(f"not scanned: {found.unreachable}")]
    skipped: dict[str, str] = {}
    for item in found.skipped():
        skipped.setdefault(item.policy, item.message)
    rows = [("POLICY", "MODE", "DECLARED", "PASS", "FAIL", "ERROR", "NOT JUDGED")]
    entries = sorted(found.policies.items(), key=lambda pair: (-pair[1]["fail"] - pair[1]["error"], pair[0]))
    for name, entry in entries:
        figures = (str(entry[key]) for key in ("pass", "fail", "error"))
        why = str(shown(skipped.get(name, "")))
        rows.append((name, entry["mode"], "yes" if entry["declared"] else "no", *figures, why))
    return aligned(rows)


def named(finding: Finding) -> str:
    """An object in words."""
    reference = finding.object
    if not reference:
        return finding.policy
    place = f"{reference['namespace']}/" if reference.get("namespace") else ""
    return f"{reference['kind']} {place}{reference['name']}"


def junit(cluster: str, found: Scan, fail_on: str) -> str:
    """The scan as JUnit: a suite a policy, a case an object that does not keep it, or one for all that do.

    Violations of policies milder than C(fail_on) are no failures, and stand in the output of their case.
    """
    root = ElementTree.Element("testsuites", name=cluster)
    totals = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for name, entry in sorted(found.policies.items()):
        suite = ElementTree.SubElement(root, "testsuite", name=name)
        counts = dict.fromkeys(totals, 0)
        for finding in [item for item in found.findings if item.policy == name]:
            for key in ("tests", *_case(suite, cluster, finding, fail_on)):
                counts[key] += 1
        if not counts["tests"] or entry["pass"]:
            counts["tests"] += 1
            ElementTree.SubElement(suite, "testcase", classname=f"{cluster}.{name}", name=f"{entry['pass']} object(s)")
        for key, count in counts.items():
            suite.set(key, str(count))
            totals[key] += count
    if found.unreachable:
        totals.update(tests=1, errors=1)
        counted = {key: str(count) for key, count in totals.items()}
        suite = ElementTree.SubElement(root, "testsuite", counted, name=SCANNED)
        case = ElementTree.SubElement(suite, "testcase", classname=f"{cluster}.{SCANNED}", name=SCANNED)
        ElementTree.SubElement(case, "error", message=printable(found.unreachable), type="unreachable")
    for key, count in totals.items():
        root.set(key, str(count))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, cluster: str, finding: Finding, fail_on: str) -> tuple[str, ...]:
    """Adds a case, and says to which of a suite's counts it belongs besides the tests."""
    attributes = {"classname": f"{cluster}.{finding.policy}", "name": printable(named(finding))}
    case = ElementTree.SubElement(suite, "testcase", attributes)
    text = printable(finding.message)
    counted = fail_on != "none" and MODES.index(finding.mode) >= MODES.index(fail_on)
    if finding.result == "skip":
        ElementTree.SubElement(case, "skipped", message=text)
        return ("skipped",)
    if not counted:
        ElementTree.SubElement(case, "system-out").text = f"{finding.mode}: {text}"
        return ()
    tag, count = ("failure", "failures") if finding.result == "fail" else ("error", "errors")
    ElementTree.SubElement(case, tag, message=text, type=finding.mode)
    return (count,)
