# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What needs attention, by severity: rules over the entries of :mod:`cluster`. Pure. Private to the collection.

A finding has C(severity), C(cluster) (None of the fleet), C(area), C(text), C(since) (RFC 3339 or None) and C(remedy).
"""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass

from ..checks import NEWEST, OLDEST, minor_of
from ..status import GOOD
from .words import first, listed, share, shown, until, when

Entry = t.Mapping[str, t.Any]
Finding = dict[str, t.Any]
#: From worst to mildest.
SEVERITIES = ("critical", "warning", "notice")
#: How many minors a kubelet may be older than its API server, by Kubernetes' version skew policy.
KUBELET_SKEW = 3
#: Days before the end of a certificate from which on it is told.
CERTIFICATE_DAYS = 30
#: The part that is used from which on it is told.
FULL = 0.9
_SITE, _STATUS = "Run lodestar.platform.site", "See it with lodestar.platform.fleet_status"


@dataclass(frozen=True)
class Context:
    """What a rule knows besides its cluster.

    :param at: the moment of the report.
    :param hub_version: what the global cluster runs, None where that is not known.
    """

    at: datetime.datetime
    hub_version: str | None = None


def finding(severity: str, area: str, text: str, *, since: t.Any = None, remedy: str = "") -> Finding:
    """One thing to look at."""
    told = str(since) if when(since) is not None else None
    return {"severity": severity, "cluster": None, "area": area, "text": text, "since": told, "remedy": remedy}


def findings(entries: t.Sequence[Entry], context: Context) -> list[Finding]:
    """All that needs attention, the worst first, then by cluster."""
    found = [{**item, "cluster": entry["name"]} for entry in entries for rule in RULES for item in rule(entry, context)]
    return sorted(found, key=rank)


def rank(item: Finding) -> tuple[t.Any, ...]:
    """The order of findings."""
    return SEVERITIES.index(item["severity"]), item["cluster"] or "", item["area"], item["text"]


def health(found: t.Iterable[Finding]) -> str:
    """C(critical), C(warning) or C(ok), from the findings of one cluster."""
    worst = min((SEVERITIES.index(item["severity"]) for item in found), default=len(SEVERITIES))
    return SEVERITIES[worst] if worst < SEVERITIES.index("notice") else "ok"


# -- the rules


def availability(entry: Entry, context: Context) -> t.Iterator[Finding]:
    """Whether it is part of the fleet, and answers."""
    if not entry["recorded"]:
        text = "it is declared, and the hub has no record of it"
        yield finding("warning", "availability", text, remedy=f"{_SITE}, or lodestar.platform.attach")
        return
    ending, live = entry["ending"], entry["live"]
    if ending is not None:
        verb = "destroyed" if ending["kind"] == "destroying" else "detached"
        why = f": {ending['why']}" if ending["why"] else ""
        remedy = "Run lodestar.platform.destroy again" if verb == "destroyed" else _SITE
        yield finding(
            "warning",
            "availability",
            f"it is being {verb}, which is not finished{why}",
            since=ending["since"],
            remedy=remedy,
        )
        if ending["kind"] == "destroying":
            return
    recorded = next((item for item in entry["conditions"] if item["type"] == "ManagedClusterConditionAvailable"), None)
    since = recorded["since"] if recorded is not None and recorded["status"] != "True" else None
    if live is not None and live["state"] not in GOOD:
        yield finding(
            "critical",
            "availability",
            f"{live['state']}: {live['reason']}",
            since=since,
            remedy=_remedy(live["state"], entry["name"]),
        )
    elif live is None and entry["available"] != "True":
        text = str((recorded or {}).get("message") or "no run has told whether it answers")
        yield finding("critical", "availability", text, since=since, remedy=_STATUS)
    elif live is not None and entry["available"] != "True":
        text = "it answers now, and the hub still records that it does not"
        yield finding("notice", "availability", text, since=since, remedy=_SITE)


def _remedy(state: str, name: str) -> str:
    if state == "unreachable":
        return "Look at its API server, and at the way to it"
    way = f"lodestar.platform.rekey -e rekey={name} for an attached one"
    return f"Make the access anew: a site run for a created cluster, {way}"


def access(entry: Entry, context: Context) -> t.Iterator[Finding]:
    """Whether our access to it is good for longer."""
    if entry["live"] is not None:
        if entry["live"]["state"] == "ageing":
            text = f"of the access to it {until(entry['access_expires'], context.at)} are left, no more than half"
            yield finding("notice", "access", text, remedy=f"{_SITE}, which renews it")
        return
    told: Entry = next((item for item in entry["conditions"] if item["type"] == "AccessValid"), {})
    end = when(entry["access_expires"])
    if told.get("status") == "False":
        yield finding(
            "critical", "access", str(told.get("message")), since=told.get("since"), remedy=_remedy("", entry["name"])
        )
    elif end is not None and end <= context.at:
        text = "the access to it has ended"
        yield finding("critical", "access", text, since=entry["access_expires"], remedy=_remedy("", entry["name"]))


def certificates(entry: Entry, context: Context) -> t.Iterator[Finding]:
    """Certificates that end soon."""
    for item in entry["certificates"]:
        end = when(item["expires"])
        left = (end - context.at).total_seconds() / 86400 if end is not None else CERTIFICATE_DAYS
        if left >= CERTIFICATE_DAYS:
            continue
        text = f"the {item['what']} " + ("has ended" if left <= 0 else f"ends in {until(item['expires'], context.at)}")
        remedy = (
            f"{_SITE}, which renews it" if entry["mode"] == "create" else "Renew it with the tools of its distribution"
        )
        yield finding(
            "critical" if left <= 0 else "warning",
            "certificates",
            text,
            since=item["expires"] if left <= 0 else None,
            remedy=remedy,
        )


def nodes(entry: Entry, context: Context) -> t.Iterator[Finding]:
    """Nodes that are not ready, complain, or are not those of the inventory."""
    seen, counts = entry["nodes"], entry["node_counts"]
    if seen is None:
        if counts and counts["ready"] < counts["total"]:
            yield finding(
                "warning", "nodes", f"{counts['total'] - counts['ready']} of {counts['total']} nodes are not ready"
            )
        return
    unready = [item for item in seen if not item["ready"]]
    if not seen:
        yield finding("warning", "nodes", "it has no nodes")
    if unready:
        control = [item for item in seen if "control-plane" in item["roles"]]
        dead = len(unready) == len(seen) or (bool(control) and not any(item["ready"] for item in control))
        names = listed([_complaint(item, ("Ready",)) for item in unready])
        yield finding(
            "critical" if dead else "warning",
            "nodes",
            f"{len(unready)} of {len(seen)} nodes are not ready: {names}",
            since=_earliest(unready, ("Ready",)),
            remedy="Look at the kubelet there, and at the way from it to the API server",
        )
    others = tuple({one["type"] for item in seen if item["ready"] for one in item["conditions"]} - {"Ready"})
    troubled = [item for item in seen if item["ready"] and item["conditions"]]
    if troubled:
        text = f"nodes complain: {listed([_complaint(item, others) for item in troubled])}"
        yield finding("warning", "nodes", text, since=_earliest(troubled, others))
    cordoned = [item["name"] for item in seen if not item["schedulable"]]
    if cordoned:
        yield finding(
            "notice",
            "nodes",
            f"no new pods on {listed(cordoned)}",
            remedy="kubectl uncordon, when the work there is done",
        )
    yield from _membership(entry)


def _membership(entry: Entry) -> t.Iterator[Finding]:
    if entry["machines"] is None:
        return
    there, wanted = {item["name"] for item in entry["nodes"]}, set(entry["machines"])
    missing, surplus = sorted(wanted - there), sorted(there - wanted)
    if missing:
        yield finding("warning", "nodes", f"declared, and no node of it: {listed(missing)}", remedy=_SITE)
    if surplus:
        remedy = "Add the machine to the inventory, or remove the node with lodestar.platform.remove_node"
        yield finding("notice", "nodes", f"a node, and not in the inventory: {listed(surplus)}", remedy=remedy)


def _complaint(node: Entry, types: t.Collection[str]) -> str:
    told = [item for item in node["conditions"] if item["type"] in types]
    return f"{node['name']} ({told[0]['reason'] or told[0]['type']})" if told else str(node["name"])


def _earliest(found: t.Iterable[Entry], types: t.Collection[str]) -> str | None:
    return first(one["since"] for item in found for one in item["conditions"] if one["type"] in types)


def versions(entry: Entry, context: Context) -> t.Iterator[Finding]:
    """What it runs against the supported range, its declaration, its hub and its kubelets."""
    minor, area = minor_of(entry["version"] or ""), "versions"
    if minor is None:
        return
    if not OLDEST <= minor <= NEWEST:
        span = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
        remedy = "Upgrade the cluster" if minor < OLDEST else "Use a newer release of this collection"
        yield finding("warning", area, f"{entry['version']} is outside of what is supported, {span}", remedy=remedy)
    declared = entry["declared_version"]
    if declared and declared != str(entry["version"]).removeprefix("v").partition("+")[0]:
        remedy = "Run lodestar.platform.upgrade, or declare what runs"
        yield finding("warning", area, f"{declared} is declared, and {entry['version']} runs", remedy=remedy)
    hub = minor_of(context.hub_version or "")
    if hub is not None and entry["role"] != "global" and minor > hub:
        text = f"{entry['version']} is a newer minor than its hub runs, {context.hub_version}"
        yield finding("warning", area, text, remedy="Upgrade the global cluster")
    yield from _kubelets(entry, minor)


def _kubelets(entry: Entry, minor: tuple[int, int]) -> t.Iterator[Finding]:
    by_name = {str(item["name"]): minor_of(item["version"] or "") for item in entry["nodes"] or ()}
    known = {name: version for name, version in by_name.items() if version is not None}
    newer = [name for name, version in known.items() if version > minor]
    older = [name for name, version in known.items() if version[0] < minor[0] or minor[1] - version[1] > KUBELET_SKEW]
    behind = [name for name, version in known.items() if version < minor and name not in older]
    if newer:
        text = f"kubelets newer than the API server, which Kubernetes does not support: {listed(newer)}"
        yield finding("critical", "versions", text, remedy="Upgrade the control plane")
    if older:
        text = f"kubelets more than {KUBELET_SKEW} minors older than the API server: {listed(older)}"
        yield finding("critical", "versions", text, remedy="Upgrade these nodes")
    if behind:
        yield finding(
            "notice", "versions", f"kubelets of an older minor: {listed(behind)}", remedy="Finish the upgrade"
        )


def capacity(entry: Entry, context: Context) -> t.Iterator[Finding]:
    """Whether there is room for more pods."""
    for resource in ("cpu", "memory", "pods"):
        asked, there = (entry["requested"] or {}).get(resource), entry["allocatable"].get(resource)
        part = share(asked, there)
        if part is not None and part >= FULL:
            text = f"{part:.0%} of its {resource} is requested: {shown(resource, asked)} of {shown(resource, there)}"
            yield finding("warning", "capacity", text, remedy="Add nodes, or move workloads")


def tenants(entry: Entry, context: Context) -> t.Iterator[Finding]:
    """Budgets that are used up, or nearly."""
    for tenant in entry["tenants"]:
        parts = {key: share(item["used"], item["hard"]) for key, item in tenant["resources"].items()}
        spent = [key for key, part in parts.items() if part is not None and part >= 1]
        near = [f"{key} {part:.0%}" for key, part in parts.items() if part is not None and FULL <= part < 1]
        remedy = "Raise its budget, or ask the tenant to use less"
        if spent:
            yield finding("warning", "tenants", f"tenant {tenant['name']} has used up {listed(spent)}", remedy=remedy)
        if near:
            yield finding(
                "notice", "tenants", f"tenant {tenant['name']} is near its limits: {listed(near)}", remedy=remedy
            )


def policies(entry: Entry, context: Context) -> t.Iterator[Finding]:
    """Policies that what runs breaks."""
    for result, severity, text in (
        ("fail", "warning", "what runs breaks policies that deny"),
        ("error", "warning", "policies could not be judged"),
        ("warn", "notice", "what runs breaks policies that warn"),
    ):
        names = [item["policy"] for item in entry["policies"] or () if item["result"] == result]
        if names:
            remedy = "See the objects with lodestar.platform.compliance_scan"
            yield finding(severity, "policies", f"{text}: {listed(names)}", remedy=remedy)


def drift(entry: Entry, context: Context) -> t.Iterator[Finding]:
    """What differs from the declaration."""
    left = [item for item in entry["drift"] or () if item["state"] != "repaired"]
    if left:
        sets = sorted({str(item["set"]) for item in left})
        since = first(item["since"] for item in left)
        many = "objects differ" if len(left) > 1 else "object differs"
        text = f"{len(left)} {many} from the declaration, in {listed(sets)}"
        remedy = "Repair them with lodestar.platform.drift -e drift_enforce=<set>, or a site run"
        yield finding("warning", "drift", text, since=since, remedy=remedy)


def runs(entry: Entry, context: Context) -> t.Iterator[Finding]:
    """What the last run could not do."""
    last = entry["runs"][0] if entry["runs"] else None
    silent = entry["live"] is not None and entry["live"]["state"] not in GOOD  # which says it already
    if last is not None and last["problem"] and not silent:
        yield finding("warning", "runs", f"the last run: {last['problem']}", since=last["at"], remedy=_SITE)


RULES: tuple[t.Callable[[Entry, Context], t.Iterator[Finding]], ...] = (
    *(availability, access, certificates, nodes, versions),
    *(capacity, tenants, policies, drift, runs),
)
