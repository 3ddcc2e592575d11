# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as data, in the shape of C(schema.json). The same inputs make the same document. Pure. Private to the
collection.
"""

from __future__ import annotations

import datetime
import typing as t
from fractions import Fraction

from ...kube import quantity
from ...output import printable
from . import rollouts
from .cluster import changed_by, entries
from .collect import Known
from .judge import SEVERITIES, Context, Finding, finding, findings, health, rank
from .words import spelled

#: Of the shape of the document.
SCHEMA = 1
KIND = "FleetReport"
HEALTHS = ("critical", "warning", "ok")
#: The longest text that is kept of what a cluster says.
_LONGEST = 1000
_SUMMED = ("cpu", "memory", "pods")
Object = t.Mapping[str, t.Any]


def document(known: Known, at: datetime.datetime, title: str) -> dict[str, t.Any]:
    """The whole report.

    :param at: the moment that it speaks of: ages and ends are counted from it.
    """
    clusters = entries(known)
    hub = next((item for item in clusters if item["role"] == "global"), None)
    found = findings(clusters, Context(at, hub["version"] if hub else None))
    found = sorted([*found, *_of_fleet(known, hub)], key=rank)
    for entry in clusters:
        own = [item for item in found if item["cluster"] == entry["name"]]
        entry["health"] = health(own)
        entry["findings"] = {key: sum(item["severity"] == key for item in own) for key in SEVERITIES}
    made = {
        "schema": SCHEMA,
        "kind": KIND,
        "at": at.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "title": title,
        "hub": hub["name"] if hub else None,
        "live": known.asked,
        "summary": _summary(clusters, found),
        "findings": found,
        "clusters": clusters,
        "sets": _sets(clusters),
        "tenants": _tenants(clusters, known.fleet),
        "placements": known.placements,
        "rollouts": known.rollouts,
        "runs": [_run(item) for item in known.runs],
        "drift_at": known.drift["at"] if known.drift is not None else None,
        "omitted": [{"what": what, "why": why} for what, why in _omitted(known).items()],
    }
    return t.cast("dict[str, t.Any]", tidy(made))


def tidy(value: t.Any) -> t.Any:
    """Plain data whose texts are short and hold no character that is not printed: clusters may say anything."""
    if isinstance(value, t.Mapping):
        return {tidy(str(key)): tidy(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [tidy(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = str(value)
    text = printable(text if len(text) <= _LONGEST else text[:_LONGEST] + "...")
    return text.replace("\n", " ")


def _of_fleet(known: Known, hub: Object | None) -> list[Finding]:
    """What needs attention of the fleet as a whole, and of what is no cluster of it any more."""
    found = []
    if hub is None and known.views:
        found.append(finding("warning", "availability", "no cluster is recorded as the global one"))
    names = {item["name"] for item in known.views}
    for name, stone in known.leaving:
        if name not in names:
            why = f": {stone.why}" if stone.why else ""
            text = f"it is being detached, which is not finished{why}"
            remedy = "Run lodestar.platform.site"
            found.append(
                {**finding("warning", "availability", text, since=stone.since, remedy=remedy), "cluster": name}
            )
    for item in known.placements:
        if item["satisfied"] == "False":
            text = f"placement {item['namespace']}/{item['name']}: {item['message'] or item['reason']}"
            found.append(finding("warning", "placements", text, since=item["since"]))
    for told in known.explained:
        if told["misconfigured"] or told["difference"]:
            text = f"placement {told['namespace']}/{told['name']}: {told['misconfigured'] or told['difference']}"
            found.append(finding("warning", "placements", text, remedy="See it with lodestar.platform.placement"))
    return found + rollouts.findings(known.rollouts)


def _summary(clusters: t.Sequence[Object], found: t.Sequence[Finding]) -> dict[str, t.Any]:
    counts = [item["node_counts"] for item in clusters if item["node_counts"]]
    return {
        "clusters": len(clusters),
        "health": {key: sum(item["health"] == key for item in clusters) for key in HEALTHS},
        "findings": {key: sum(item["severity"] == key for item in found) for key in SEVERITIES},
        "modes": {key: sum(item["mode"] == key for item in clusters) for key in ("create", "attach")},
        "nodes": {key: sum(item[key] for item in counts) for key in ("ready", "total")} if counts else None,
        "allocatable": _sum(clusters, "allocatable"),
        "requested": _sum([item for item in clusters if item["requested"]], "requested"),
        "requested_known": sum(item["requested"] is not None for item in clusters),
    }


def _sum(clusters: t.Iterable[Object], key: str) -> dict[str, str]:
    sums = dict.fromkeys(_SUMMED, Fraction(0))
    for item in clusters:
        for resource in _SUMMED:
            sums[resource] += quantity.parse(item[key].get(resource)) or 0
    return {resource: spelled(resource, amount) or "0" for resource, amount in sums.items()}


def _sets(clusters: t.Iterable[Object]) -> list[dict[str, t.Any]]:
    """The ManagedClusterSets with their clusters, the global one aside; those of no set come last."""
    found: dict[str, list[str]] = {}
    for item in clusters:
        if item["role"] != "global":
            found.setdefault(str(item["set"] or ""), []).append(item["name"])
    return [{"name": name or None, "clusters": found[name]} for name in sorted(found, key=lambda one: (not one, one))]


def _tenants(clusters: t.Sequence[Object], fleet: Object | None) -> list[dict[str, t.Any]]:
    """Every tenant over all clusters: where it is, its budget, what its quotas allow and what is used of them."""
    declared = {str(item["name"]): item for item in (fleet or {}).get("tenants") or ()}
    places: dict[str, list[tuple[str, Object]]] = {name: [] for name in declared}
    for cluster in clusters:
        for item in cluster["tenants"]:
            places.setdefault(item["name"], []).append((cluster["name"], item))
    found = []
    for name in sorted(places):
        budget = (declared.get(name) or {}).get("budget") or {}
        found.append(
            {
                "name": name,
                "clusters": [cluster for cluster, _item in places[name]],
                "namespaces": sum(len(item["namespaces"]) for _cluster, item in places[name]),
                "budget": {str(key): str(value) for key, value in sorted((budget.get("total") or {}).items())} or None,
                "resources": _used([item["resources"] for _cluster, item in places[name]]),
            }
        )
    return found


def _used(parts: t.Iterable[t.Mapping[str, Object]]) -> dict[str, dict[str, str]]:
    sums: dict[str, dict[str, Fraction]] = {}
    for part in parts:
        for resource, amounts in part.items():
            entry = sums.setdefault(resource, {"used": Fraction(0), "hard": Fraction(0)})
            for key in entry:
                entry[key] += quantity.parse(amounts[key]) or 0
    return {
        resource: {key: spelled(resource, amount) or "0" for key, amount in sums[resource].items()}
        for resource in sorted(sums)
    }


def _run(run: Object) -> dict[str, t.Any]:
    by_cluster = {str(item["cluster"]): changed_by(item.get("changed")) for item in run["clusters"]}
    return {
        "at": run["at"],
        "planned": bool(run.get("planned")),
        "changes": sum(sum(counts.values()) for counts in by_cluster.values()),
        "clusters": sorted(name for name, counts in by_cluster.items() if counts),
        "problems": [str(line) for line in run.get("problems") or ()],
    }


def _omitted(known: Known) -> dict[str, str]:
    """What is not in the report, and why."""
    found = dict(known.omitted)
    if not known.asked:
        found["nodes, requests, certificates, use of quotas"] = "the clusters were not asked (live is false)"
    if known.fleet is None:
        found["what is declared"] = "the declaration was not given (fleet)"
    if known.drift is None:
        found["drift"] = "no report of lodestar.platform.drift was given (drift_report)"
    if not known.runs:
        found["what runs have changed"] = "the hub does not record it, and no report of a run was given (run_reports)"
    if all(item["policies"] is None for item in entries(known)):
        found["policy results"] = "neither the hub nor a cluster has any (lodestar.platform.compliance_scan makes them)"
    return dict(sorted(found.items()))
