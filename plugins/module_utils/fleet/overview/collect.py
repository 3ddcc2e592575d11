# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the report knows: from the hub's records, with C(live) from every cluster, and from files that earlier runs have
left. Private to the collection.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import InvalidInput, Problem
from ...kube.client import Client
from ...kube.errors import ApiError
from ...kube.wait import condition
from .. import hub_view, look
from ..identity import NAMESPACE
from ..tombstone import Tombstone
from . import live, rollouts
from .words import when

Object = t.Mapping[str, t.Any]
PLACEMENT_API = "cluster.open-cluster-management.io/v1beta1"
_PLACEMENT_LABEL = "cluster.open-cluster-management.io/placement"
#: The largest file of an earlier run that is read, in bytes.
_LARGEST = 64 * 1024 * 1024


@dataclass
class Known:
    """All that the report is made of.

    :param views: of :mod:`hub_view`, by name, with C(live) where the cluster was asked.
    :param leaving: detachments that are not finished.
    :param policies: by cluster, the results that the hub keeps of its scan, and since when they are so.
    :param placements: of the hub, with the clusters that they have chosen.
    :param rollouts: of deliveries, as the hub records them.
    :param explained: why, as lodestar.platform.placement_info tells it.
    :param fleet: the declaration, None where it is not known.
    :param drift: the report of lodestar.platform.drift, C(runs) those of lodestar.platform.fleet_report.
    :param omitted: what could not be read, to the reason.
    """

    views: list[dict[str, t.Any]]
    leaving: t.Sequence[tuple[str, Tombstone]] = ()
    policies: dict[str, dict[str, t.Any]] = field(default_factory=dict)
    placements: list[dict[str, t.Any]] = field(default_factory=list)
    rollouts: list[dict[str, t.Any]] = field(default_factory=list)
    explained: t.Sequence[Object] = ()
    fleet: Object | None = None
    drift: Object | None = None
    runs: list[Object] = field(default_factory=list)
    omitted: dict[str, str] = field(default_factory=dict)
    asked: bool = False


def read(hub: Client, params: Object) -> Known:
    """Reads the hub, which costs seven requests, and with C(live) every cluster, side by side.

    :param params: C(names), C(label_selector), C(live), C(deadline), C(at_once).
    """
    views = hub_view.read(hub, params["names"], params["label_selector"])
    if params["live"]:
        names = [str(item["name"]) for item in views]
        answers = look.live_all(hub, names, float(params["deadline"]), params["at_once"], live.read)
        views = [{**item, "live": answers[item["name"]]} for item in views]
    known = Known(views, hub_view.detachments(hub, views, params["names"]), asked=bool(params["live"]))
    reports = _optional(hub, live.REPORTS, "PolicyReport", "policy results that the hub keeps", known.omitted)
    known.policies = {str(item["metadata"]["namespace"]): scan_of(item) for item in reports if _is_summary(item)}
    wanted = _optional(hub, PLACEMENT_API, "Placement", "placements", known.omitted)
    decided = _optional(hub, PLACEMENT_API, "PlacementDecision", "placements", known.omitted) if wanted else []
    known.placements = [_placement(item, decided) for item in sorted(wanted, key=_key)]
    where = {"namespace": NAMESPACE, "label_selector": rollouts.SELECTOR}
    records = _optional(hub, "v1", "ConfigMap", "rollouts of deliveries", known.omitted, **where)
    known.rollouts = rollouts.rollouts(records, known.omitted)
    return known


def _optional(
    hub: Client, api_version: str, kind: str, what: str, omitted: dict[str, str], **where: str
) -> list[dict[str, t.Any]]:
    try:
        return hub.list(api_version, kind, **where)
    except ApiError as exc:
        omitted[what] = str(exc).splitlines()[0]
        return []


def _key(obj: Object) -> tuple[str, str]:
    return str(obj["metadata"].get("namespace")), str(obj["metadata"]["name"])


def _is_summary(report: Object) -> bool:
    return (report.get("scope") or {}).get("kind") == "ManagedCluster"


def scan_of(report: Object) -> dict[str, t.Any]:
    """The results that the hub keeps of one cluster's scan: one a policy."""
    results = [
        {
            "source": str(item.get("source") or "?"),
            "policy": str(item.get("policy") or "?"),
            "mode": (item.get("properties") or {}).get("mode"),
            "result": str(item.get("result")),
            "message": str(item.get("message") or ""),
        }
        for item in report.get("results") or ()
    ]
    fields = report["metadata"].get("managedFields") or ()
    times = [str(item["time"]) for item in fields if item.get("time")]
    return {"since": max(times, default=None), "results": sorted(results, key=lambda item: item["policy"])}


def _placement(obj: Object, decisions: t.Iterable[Object]) -> dict[str, t.Any]:
    """A placement and what its controller has decided."""
    namespace, name = _key(obj)
    found = condition(obj, "PlacementSatisfied")
    chosen = {
        str(item.get("clusterName"))
        for decision in decisions
        if _key(decision)[0] == namespace and (decision["metadata"].get("labels") or {}).get(_PLACEMENT_LABEL) == name
        for item in (decision.get("status") or {}).get("decisions") or ()
    }
    return {
        "namespace": namespace,
        "name": name,
        "clusters": sorted(chosen),
        "satisfied": found.get("status"),
        "reason": found.get("reason"),
        "message": found.get("message"),
        "since": found.get("lastTransitionTime"),
    }


# -- what earlier runs have left


def drift_report(path: str) -> Object:
    """The JSON that lodestar.platform.drift has written.

    :raises InvalidInput: it cannot be read, or is something else.
    """
    found = _load(path, "drift_report")
    if not isinstance(found.get("drift"), list) or not all(isinstance(item, dict) for item in found["drift"]):
        _refuse("drift_report", path, "is no report of drift, which has a list drift", "drift_report_path")
    return found


def run_report(path: str) -> Object:
    """The JSON that a site run has written (C(report_path)).

    :raises InvalidInput: it cannot be read, or is something else.
    """
    found = _load(path, "run_reports")
    entries = found.get("clusters")
    if not isinstance(entries, list) or not all(isinstance(item, dict) and "cluster" in item for item in entries):
        _refuse("run_reports", path, "is no report of a run, which has a list clusters", "report_path")
    return found


def _load(path: str, key: str) -> dict[str, t.Any]:
    file = Path(path)
    written = "report_path" if key == "run_reports" else "drift_report_path"
    try:
        if file.stat().st_size > _LARGEST:
            _refuse(key, path, f"is larger than {_LARGEST // 1024 // 1024} MiB", written)
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as exc:
        _refuse(key, path, f"cannot be read: {exc.strerror}", written)
    except ValueError:
        _refuse(key, path, "is no JSON", written)
    if not isinstance(found, dict) or found.get("schema") != 1 or when(found.get("at")) is None:
        _refuse(key, path, "is no report of schema 1 with the time at which it was made", written)
    return t.cast("dict[str, t.Any]", found)


def _refuse(key: str, path: str, reason: str, written: str) -> t.NoReturn:
    raise InvalidInput([Problem(key, path, reason, f"Name a file that was written with {written}, or leave it away")])
