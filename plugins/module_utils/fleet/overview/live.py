# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the report reads of a cluster besides whether it answers, part by part: one that may not be read is named, and
keeps no other from being read. Private to the collection.
"""

from __future__ import annotations

import typing as t
from fractions import Fraction

from ...declaration import TENANT_LABEL
from ...errors import PlatformError
from ...kube import quantity
from ...kube.client import Client
from ...kube.errors import NONSENSE
from .. import look, records
from . import requested
from .words import spelled

Object = t.Mapping[str, t.Any]
REPORTS = "wgpolicyk8s.io/v1alpha2"
#: Pods that have not ended; the server does not send the others.
ALIVE = "status.phase!=Succeeded,status.phase!=Failed"


def read(
    client: Client,
    nodes: t.Sequence[Object],
) -> dict[str, t.Any]:
    """C(seen): C(nodes), C(certificate), C(quotas), C(reports), C(requested), and C(unreadable), part to reason. Costs
    four requests.
    """
    unreadable: dict[str, str] = {}

    def part(name: str, reader: t.Callable[[], t.Any]) -> t.Any:
        try:
            return reader()
        except PlatformError as exc:
            unreadable[name] = str(exc).splitlines()[0]
        except NONSENSE as exc:
            # A cluster may answer anything.
            unreadable[name] = f"the answer is no object of Kubernetes ({type(exc).__name__})"
        return None

    seen = {
        "certificate": client.certificate_end,
        "quotas": part("quotas", lambda: quotas(client.list("v1", "ResourceQuota", label_selector=TENANT_LABEL))),
        "reports": part("policies", lambda: reports(_reports(client))),
        "pods": part("requested", lambda: requested.by_node(client.list("v1", "Pod", field_selector=ALIVE))),
    }
    pods = seen.pop("pods")
    seen["nodes"] = part("nodes", lambda: [node(item, pods) for item in sorted(nodes, key=_name)])
    seen["capacity"] = part("capacity", lambda: records.total(nodes, "capacity"))
    seen["allocatable"] = part("allocatable", lambda: records.total(nodes, "allocatable"))
    seen["requested"] = None if pods is None else total(pods.values())
    return {"seen": {**seen, "unreadable": unreadable}}


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def _reports(client: Client) -> list[Object]:
    return [item for kind in ("ClusterPolicyReport", "PolicyReport") for item in client.list(REPORTS, kind)]


def node(found: Object, pods: t.Mapping[str, requested.Amounts] | None) -> dict[str, t.Any]:
    """A Node as the report shows it: what is not normal of its conditions, with reason and since when. Pure."""
    status, metadata = found.get("status") or {}, found["metadata"]
    short = look.node(found)
    there = status.get("allocatable") or {}
    sums = None if pods is None else total([pods.get(short["name"]) or {}])
    return {
        **{key: short[key] for key in ("name", "ready", "schedulable", "roles")},
        "version": str(short["version"] or ""),
        "created": str(metadata.get("creationTimestamp") or ""),
        "conditions": [_condition(item) for item in status.get("conditions") or () if _is_wrong(item)],
        "allocatable": {key: spelled(key, quantity.parse(there.get(key))) for key in ("cpu", "memory", "pods")},
        "requested": sums,
    }


def _is_wrong(condition: Object) -> bool:
    """Ready should be true; whatever else a Node says of itself is a complaint."""
    normal = "True" if condition.get("type") == "Ready" else "False"
    return condition.get("status") != normal


def _condition(found: Object) -> dict[str, str | None]:
    texts = {key: found.get(key) for key in ("type", "status", "reason", "message")}
    since = found.get("lastTransitionTime")
    return {key: None if value is None else str(value) for key, value in {**texts, "since": since}.items()}


def total(parts: t.Iterable[requested.Amounts]) -> dict[str, str]:
    """The sum of amounts, as quantities. Pure."""
    sums = dict.fromkeys(("cpu", "memory", "pods"), Fraction(0))
    for part in parts:
        for key in sums:
            sums[key] += part.get(key, Fraction(0))
    return {key: spelled(key, amount) or "0" for key, amount in sums.items()}


def quotas(found: t.Iterable[Object]) -> list[dict[str, t.Any]]:
    """By tenant what its quotas allow and what is used of them: C(tenant), C(namespaces), C(resources). Pure."""
    tenants: dict[str, dict[str, t.Any]] = {}
    for item in found:
        name = str(item["metadata"]["labels"][TENANT_LABEL])
        entry = tenants.setdefault(name, {"tenant": name, "namespaces": set(), "resources": {}})
        entry["namespaces"].add(str(item["metadata"].get("namespace")))
        status = item.get("status") or {}
        used, hard = status.get("used") or {}, (item.get("spec") or {}).get("hard") or {}
        for resource in hard:
            sums = entry["resources"].setdefault(str(resource), {"used": Fraction(0), "hard": Fraction(0)})
            sums["used"] += quantity.parse(used.get(resource)) or 0
            sums["hard"] += quantity.parse(hard[resource]) or 0
    return [_quota(tenants[name]) for name in sorted(tenants)]


def _quota(entry: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    resources = {
        resource: {key: spelled(resource, amount) for key, amount in sums.items()}
        for resource, sums in sorted(entry["resources"].items())
    }
    return {"tenant": entry["tenant"], "namespaces": sorted(entry["namespaces"]), "resources": resources}


def reports(found: t.Iterable[Object]) -> list[dict[str, t.Any]]:
    """What policy reports say, by source and policy: how many results C(fail), C(warn), C(error) and C(skip). Pure."""
    sums: dict[tuple[str, str], dict[str, t.Any]] = {}
    for item in found:
        for result in item.get("results") or ():
            key = (str(result.get("source") or "?"), str(result.get("policy") or "?"))
            empty = {"source": key[0], "policy": key[1], **dict.fromkeys(("fail", "warn", "error", "skip"), 0)}
            entry = sums.setdefault(key, empty)
            if result.get("result") in entry:
                entry[str(result["result"])] += 1
    return [sums[key] for key in sorted(sums)]
