# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""May this cluster join the fleet? Checks over what was observed of it. Pure. Private to the collection.

Each check has an id, what was seen, what is needed and what to do. :mod:`checks_probe` observes.
"""

from __future__ import annotations

import datetime
import re
import typing as t
from dataclasses import asdict

from ..errors import Refused
from ..kube.token import moment
from . import checks_inside
from .checks_distribution import Distribution, recognise
from .checks_model import Check, Expected, Observation, finding, one_line
from .identity import guard_mark, guard_uid, guard_unique

#: Minor versions of Kubernetes that the collection supports: from ValidatingAdmissionPolicy's GA on.
OLDEST, NEWEST = (1, 30), (1, 37)
#: feature -> (first minor in which it is on by default, what lacks without it).
FEATURES: dict[str, tuple[tuple[int, int], str]] = {
    "validating_admission_policy": ((1, 30), "policies"),
    "structured_authentication": ((1, 30), "single sign-on by configuration file"),
    "mutating_admission_policy": ((1, 36), "policies that change objects"),
}
#: namespace -> whose mark it is.
MANAGERS = {
    "open-cluster-management-agent": "an OCM klusterlet",
    "cattle-system": "Rancher",
    "karmada-cluster": "Karmada",
    "karmada-system": "Karmada",
    "kubesphere-system": "KubeSphere",
    "argocd": "Argo CD",
}
_SLOW, _SKEWED, _WRONG_CLOCK, _SOON = 0.5, 10.0, 300.0, 30


def evaluate(seen: Observation, expected: Expected, now: datetime.datetime) -> list[Check]:
    """All checks, in the order of the table."""
    checks = [_reachable(seen), _tls(seen)]
    if seen.unreachable or seen.tls_problem:
        return checks
    checks += [_latency(seen), _certificate(seen, now), _clock(seen), _credential(seen, now)]
    checks += [_distribution(seen), *_versions(seen), _rights(seen, expected)]
    checks += [_nodes(seen), _managers(seen), _identity(seen, expected), _metrics(seen), _storage(seen)]
    return checks + checks_inside.evaluate(seen, expected)


def _reachable(seen: Observation) -> Check:
    return finding(
        "reachable",
        not seen.unreachable,
        seen.unreachable or seen.server,
        "the API server answers within the deadline",
        "Check the address in the kubeconfig, and routes and firewalls between the controller and the cluster",
        severity="error",
    )


def _tls(seen: Observation) -> Check:
    return finding(
        "tls",
        not seen.tls_problem and not seen.unreachable,
        seen.tls_problem or ("not tried" if seen.unreachable else f"names: {', '.join(seen.certificate_names[:6])}"),
        "a certificate that the kubeconfig's CA signed, for the name in its address",
        "Give certificate-authority-data of the cluster, and tls-server-name where the names differ",
        severity="error",
    )


def _latency(seen: Observation) -> Check:
    return finding(
        "latency",
        seen.latency <= _SLOW,
        f"{seen.latency * 1000:.0f} ms",
        f"at most {_SLOW * 1000:.0f} ms a request",
        "Run Ansible nearer to the cluster, for example on an execution node",
    )


def _certificate(seen: Observation, now: datetime.datetime) -> Check:
    if seen.certificate_end is None:
        return finding(
            "certificate_expiry", False, seen.why("certificate_end"), "more than 30 days", "Look at it by hand"
        )
    days = (moment(seen.certificate_end) - now).total_seconds() / 86400
    return finding(
        "certificate_expiry",
        days > _SOON,
        f"{days:.0f} days, until {seen.certificate_end}",
        f"more than {_SOON} days",
        "Renew the API server's certificate with the tools of its distribution",
    )


def _clock(seen: Observation) -> Check:
    if seen.skew is None:
        return finding("clock_skew", False, seen.why("skew"), f"at most {_SKEWED:.0f} s", "Compare the clocks by hand")
    return finding(
        "clock_skew",
        abs(seen.skew) <= _SKEWED,
        f"{seen.skew:+.0f} s",
        f"at most {_SKEWED:.0f} s between the controller and the cluster",
        "Let both follow one time source: tokens and certificates depend on it",
        severity="error" if abs(seen.skew) > _WRONG_CLOCK else "warning",
    )


def _credential(seen: Observation, now: datetime.datetime) -> Check:
    needed = "a credential that is still good; it is used once and not kept"
    if not seen.credential_end:
        return finding("credential_expiry", True, "no end is known", needed, severity="info")
    left = (moment(seen.credential_end) - now).total_seconds()
    return finding(
        "credential_expiry",
        left > 0,
        f"ends at {seen.credential_end}",
        needed,
        "Give a fresh credential",
        severity="error",
    )


def distribution(seen: Observation) -> Distribution:
    """What the cluster is."""
    return recognise(seen.git_version or "", seen.groups, seen.nodes or ())


def _distribution(seen: Observation) -> Check:
    found = distribution(seen)
    remedy = "None is needed: what works only with a known distribution is left out"
    text = f"{found.name} ({found.evidence})"
    return finding("distribution", found.name != "unknown", text, "a known distribution", remedy, severity="info")


def minor_of(git_version: str) -> tuple[int, int] | None:
    """C((1, 36)) of C(v1.36.3+k3s1); None for what is no version."""
    match = re.match(r"v?(\d+)\.(\d+)(?:\D|$)", git_version)
    return (int(match[1]), int(match[2])) if match else None


def _versions(seen: Observation) -> list[Check]:
    minor = minor_of(seen.git_version or "")
    needed = f"{_dotted(OLDEST)} to {_dotted(NEWEST)}"
    shown = seen.git_version or seen.why("version")
    good = minor is not None and OLDEST <= minor <= NEWEST
    remedy = (
        f"Upgrade the cluster to at least {_dotted(OLDEST)}"
        if (minor or OLDEST) <= OLDEST
        else ("Use a newer release of this collection")
    )
    checks = [finding("version", good, shown, needed, remedy, severity="error")]
    for name, (since, lacking) in FEATURES.items():
        there = minor is not None and minor >= since
        checks.append(
            finding(
                f"feature_{name}",
                there,
                shown,
                f"{_dotted(since)} or newer",
                f"Without it the cluster goes without {lacking}",
                severity="info",
            )
        )
    return checks


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _rights(seen: Observation, expected: Expected) -> Check:
    needed = f"the supplied credential may set up tier {expected.tier}"
    if seen.missing_rights is None:
        return finding(
            "rights", False, seen.why("rights"), needed, "Give a credential of an administrator", severity="error"
        )
    shown = "; ".join(seen.missing_rights[:12]) + (" ..." if len(seen.missing_rights) > 12 else "")
    return finding(
        "rights",
        not seen.missing_rights,
        f"missing: {shown}" if seen.missing_rights else "all rights are there",
        needed,
        "Give a credential of an administrator of the cluster, or declare a lower tier",
        severity="error",
    )


def _nodes(seen: Observation) -> Check:
    if seen.nodes is None:
        return finding("nodes", False, seen.why("nodes"), "nodes that are ready", "Look at them by hand")
    unready = [str(node["metadata"]["name"]) for node in seen.nodes if not _is_ready(node)]
    if not seen.nodes:
        text = "there are none"
    elif unready:
        text = f"{len(unready)} of {len(seen.nodes)} are not ready: {', '.join(sorted(unready)[:8])}"
    else:
        text = f"{len(seen.nodes)} are ready"
    passed = bool(seen.nodes) and not unready
    return finding("nodes", passed, text, "nodes that are ready", "Repair these nodes, or remove them from the cluster")


def _is_ready(node: t.Mapping[str, t.Any]) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)


def _managers(seen: Observation) -> Check:
    needed = "no other manager"
    if seen.namespaces is None:
        return finding("other_managers", False, seen.why("namespaces"), needed, "Look for other managers by hand")
    found = sorted(f"{who} (namespace {name})" for name, who in MANAGERS.items() if name in seen.namespaces)
    return finding(
        "other_managers",
        not found,
        ", ".join(found) or "none",
        needed,
        "Make sure that no two managers hold the same objects to different states",
    )


def _identity(seen: Observation, expected: Expected) -> Check:
    needed = "a cluster that no other name and no other hub has"
    if seen.uid is None:
        remedy = "The credential must be allowed to get the namespace kube-system"
        return finding("identity", False, seen.why("uid"), needed, remedy, severity="error")
    try:
        guard_uid(expected.cluster, expected.recorded_uid, seen.uid)
        guard_mark(expected.cluster, expected.hub_uid, seen.mark)
        guard_unique({expected.cluster: seen.uid}, expected.records)
    except Refused as exc:
        remedy = "Correct the inventory or the kubeconfig, or detach the cluster where it is known"
        return finding("identity", False, str(exc), needed, remedy, severity="error")
    return finding("identity", True, f"kube-system UID {seen.uid}", needed, severity="error")


def _metrics(seen: Observation) -> Check:
    text = {True: "served", False: "not served", None: seen.why("metrics_api")}[seen.metrics_api]
    remedy = "Install metrics-server for autoscaling and for decisions by free capacity"
    return finding("metrics_api", bool(seen.metrics_api), text, "metrics.k8s.io is served", remedy, severity="info")


def _storage(seen: Observation) -> Check:
    classes = seen.default_classes
    text = seen.why("storage") if classes is None else ", ".join(classes) or "none"
    remedy = "Mark one StorageClass as the default, if tenants are to claim volumes"
    good = classes is not None and len(classes) == 1
    return finding("default_storage_class", good, text, "one default StorageClass", remedy, severity="info")


def failures(checks: t.Iterable[Check]) -> list[Check]:
    """The checks that keep a cluster out of the fleet."""
    return [check for check in checks if not check.passed and check.severity == "error"]


def table(cluster: str, checks: t.Sequence[Check]) -> str:
    """The checks as a table for people."""
    rows = [("check", "result", "seen", "needed")]
    rows += [(check.id, "ok" if check.passed else check.severity, _cut(check.seen), check.needed) for check in checks]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    ]
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join([f"Checks of {cluster}", *lines])


def _cut(text: str, width: int = 70) -> str:
    line = one_line(text)
    return line if len(line) <= width else line[: width - 3] + "..."


def refuse(cluster: str, checks: t.Sequence[Check]) -> None:
    """Refuses the cluster when a check of severity C(error) failed.

    :raises Refused: naming every such check, with what was seen and what to do.
    """
    failed = failures(checks)
    if not failed:
        return
    lines = "\n".join(f"- {item.id}: {item.seen.rstrip('.')}. Needed: {item.needed}. {item.remedy}." for item in failed)
    raise Refused(
        f"{cluster} cannot join the fleet, {len(failed)} check(s) failed and nothing was changed:\n{lines}",
        checks=[asdict(check) for check in checks],
        cluster=cluster,
    )
