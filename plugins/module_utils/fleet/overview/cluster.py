# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One cluster in the report: what is recorded, seen and declared of it. Pure. Private to the collection."""

from __future__ import annotations

import typing as t

from .collect import Known
from .words import when

Object = t.Mapping[str, t.Any]
Entry = dict[str, t.Any]
#: Of a name that is declared and not recorded.
_UNRECORDED: Entry = {
    **dict.fromkeys(("uid", "cluster_set", "version", "distribution", "server", "available", "access_expires")),
    **{key: {} for key in ("labels", "capacity", "allocatable", "conditions", "lacking")},
    "taints": [],
    "detaching": False,
    "destroying": False,
    "destroying_since": None,
}
_KEPT = ("name", "uid", "mode", "role", "labels", "distribution", "server", "taints", "available", "lacking")


def entries(known: Known) -> list[Entry]:
    """Every cluster that is recorded or declared, the global one first, then by name."""
    views = {str(item["name"]): item for item in known.views}
    declared = dict((known.fleet or {}).get("clusters") or {})
    made = [_entry(views[name], declared.get(name), known, True) for name in views]
    for name in [name for name in declared if name not in views]:
        fields = {"name": name, "mode": declared[name]["mode"], "role": declared[name]["role"]}
        made.append(_entry({**_UNRECORDED, **fields}, declared[name], known, False))
    return sorted(made, key=lambda item: (item["role"] != "global", item["name"]))


def _entry(view: Object, declared: Object | None, known: Known, recorded: bool) -> Entry:
    name, live = str(view["name"]), view.get("live") or {}
    seen = live.get("seen") or {}
    stone = dict(known.leaving).get(name)
    return {
        **{key: view.get(key) for key in _KEPT},
        "recorded": recorded,
        "declared": declared is not None,
        "set": view["cluster_set"],
        "version": live.get("version") or view["version"],
        "declared_version": (declared or {}).get("version"),
        "live": {key: live.get(key) for key in ("state", "reason", "seconds", "tier")} if live else None,
        "access_expires": live.get("expires") or view["access_expires"],
        "certificates": _certificates(name, seen, known.runs),
        "conditions": [{"type": kind, **view["conditions"][kind]} for kind in sorted(view["conditions"])],
        "node_counts": live.get("nodes"),
        "nodes": seen.get("nodes"),
        "machines": _machines(name, known.fleet),
        **{key: dict(seen.get(key) or view[key]) for key in ("capacity", "allocatable")},
        "requested": seen.get("requested"),
        "tenants": _tenants(declared, seen.get("quotas")),
        "policies": _policies(known.policies.get(name), seen.get("reports")),
        "policies_since": (known.policies.get(name) or {}).get("since"),
        "drift": _drift(name, known.drift),
        "runs": _runs(name, known.runs),
        "placements": [f"{item['namespace']}/{item['name']}" for item in known.placements if name in item["clusters"]],
        "explained": _explained(name, known.explained),
        "ending": _ending(view, stone),
        "unreadable": dict(sorted((seen.get("unreadable") or {}).items())),
    }


def _explained(name: str, placements: t.Sequence[Object]) -> list[Entry]:
    """What each placement that was explained says of the cluster: chosen or not, and why."""
    return [
        {
            "placement": f"{placement['namespace']}/{placement['name']}",
            "decided": name in placement["decisions"],
            "foretold": bool(item["chosen"]),
            "stage": str(item["stage"] or ""),
            "reasons": [str(line) for line in item["reasons"]],
            "rank": item["rank"],
            "score": item["score"],
            "measured": [_measured(score) for score in item.get("scores") or () if score.get("since")],
        }
        for placement in placements
        for item in placement["clusters"]
        if item["name"] == name
    ]


def _measured(score: Object) -> str:
    """What an add-on's score says, and how old that is."""
    lost = f", not measured since {score['not_measured_since']}" if score.get("not_measured_since") else ""
    return f"{score['prioritizer']} {score['score']}: {score['measured']}, since {score['since']}{lost}"


def _ending(view: Object, stone: t.Any) -> Entry | None:
    if view["destroying"]:
        return {"kind": "destroying", "since": view["destroying_since"], "why": ""}
    if stone is None:
        return None
    return {"kind": "detaching", "since": stone.since, "why": stone.why}


def _certificates(name: str, seen: Object, runs: t.Sequence[Object]) -> list[Entry]:
    """What is known of ends of certificates, from the cluster's API server and the last run that told one."""
    found = []
    if seen.get("certificate"):
        found.append({"what": "serving certificate of the API server", "expires": seen["certificate"], "seen": None})
    for run in runs:
        told = [item.get("certificate_expiry") for item in run["clusters"] if item["cluster"] == name]
        if told and when(told[0]) is not None:
            found.append({"what": "first certificate on its machines", "expires": told[0], "seen": run["at"]})
            break
    return found


def _machines(name: str, fleet: Object | None) -> list[str] | None:
    """Node names that the inventory declares; None of a cluster whose machines are not in it."""
    cluster = ((fleet or {}).get("clusters") or {}).get(name)
    if cluster is None or cluster["mode"] == "attach":
        return None
    machines = ((fleet or {}).get("machines") or {}).values()
    return sorted(str(item["node_name"]) for item in machines if item["cluster"] == name)


def _tenants(declared: Object | None, quotas: t.Sequence[Object] | None) -> list[Entry]:
    """Tenants that are declared for the cluster or seen on it, with what their quotas allow and is used of them."""
    seen = {str(item["tenant"]): item for item in quotas or ()}
    names = {str(name) for name in (declared or {}).get("tenants") or ()}
    return [
        {
            "name": name,
            "declared": None if declared is None else name in names,
            "seen": None if quotas is None else name in seen,
            "namespaces": list((seen.get(name) or {}).get("namespaces") or ()),
            "resources": dict((seen.get(name) or {}).get("resources") or {}),
        }
        for name in sorted(names | set(seen))
    ]


def _policies(scan: Object | None, reports: t.Sequence[Object] | None) -> list[Entry] | None:
    """Results by policy: those of our scan as the hub keeps them, and what else reports on the cluster."""
    if scan is None and not reports:
        return None
    kept = [dict(item) for item in (scan or {}).get("results") or ()]
    known = {(item["source"], item["policy"]) for item in kept}
    sources = {item["source"] for item in kept}
    for item in reports or ():
        if (item["source"], item["policy"]) in known or item["source"] in sources:
            continue
        counts = {key: item[key] for key in ("fail", "warn", "error", "skip") if item[key]}
        result = next((key for key in ("fail", "error", "warn", "skip") if key in counts), "pass")
        message = ", ".join(f"{count} {key}" for key, count in counts.items())
        fields = {"mode": None, "result": result, "message": message}
        kept.append({"source": item["source"], "policy": item["policy"], **fields})
    return kept


def _drift(name: str, drift: Object | None) -> list[Entry] | None:
    """Differences from the declaration; None where nobody has compared."""
    if drift is None or name not in [item.get("cluster") for item in drift.get("compared") or ()]:
        return None
    texts, lists = ("set", "object", "difference", "since", "state", "reason"), ("fields", "managers")
    return [
        {
            **{key: str(item.get(key) or "") for key in texts},
            **{key: [str(part) for part in item.get(key) or ()] for key in lists},
        }
        for item in drift["drift"]
        if item.get("cluster") == name
    ]


def _runs(name: str, runs: t.Sequence[Object]) -> list[Entry]:
    """What runs have told of the cluster, the last one first."""
    found = []
    for run in runs:
        for item in run["clusters"]:
            if item["cluster"] == name:
                changed = item.get("changed") or []
                problem = item.get("problem")
                fields = {"changed": changed_by(changed), "problem": str(problem) if problem else None}
                found.append({"at": run["at"], "planned": bool(run.get("planned")), **fields})
    return found


def changed_by(changed: t.Any) -> dict[str, int]:
    """Counts of steps by phase, from counts or a list of ids."""
    if isinstance(changed, dict):
        return {str(key): count for key, count in sorted(changed.items()) if isinstance(count, int) and count}
    return {"steps": len(changed)} if isinstance(changed, list) and changed else {}
