# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fleets of any size for tests of the fleet report: as the hub records them and as clusters answer, all made here."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.lodestar.platform.plugins.module_utils.fleet import hub_view
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.overview import collect, document, live
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.tombstone import Tombstone

AT = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
PLACES = ("eu-north", "eu-west", "us-east", "ap-south")
Object = dict[str, t.Any]


def stamp(**ago: float) -> str:
    """A moment before the report."""
    return (AT - datetime.timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def record(name: str, role: str = "workload", mode: str = "create", **more: t.Any) -> Object:
    """A ManagedCluster as a site run writes it."""
    labels = {
        "lodestar.platform/role": role,
        "lodestar.platform/mode": mode,
        "cluster.open-cluster-management.io/clusterset": more.get("set", "default"),
        **more.get("labels", {}),
    }
    condition = {"type": "ManagedClusterConditionAvailable", "status": "True", "reason": "ManagedClusterAvailable"}
    told = {**condition, "message": "The cluster's API answers", "lastTransitionTime": stamp(days=41)}
    expires = more.get("expires", stamp(hours=-19))
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"managedClusterClientConfigs": [{"url": f"https://{name}.example.invalid:6443"}]},
        "status": {
            "version": {"kubernetes": more.get("version", "v1.36.3")},
            "capacity": {"cpu": "24", "memory": "100663296Ki", "pods": "330"},
            "allocatable": {"cpu": "23400m", "memory": "94371840Ki", "pods": "330"},
            "clusterClaims": [
                {"name": "id.k8s.io", "value": f"6f1d0c1e-0000-4000-8000-{abs(hash_of(name)):012d}"},
                {"name": "access-expires.lodestar.platform", "value": expires},
            ],
            "conditions": [
                {**told, **more.get("available", {})},
                {
                    "type": "AccessValid",
                    "status": "True",
                    "reason": "AccessGranted",
                    "message": f"The access ends at {expires}",
                    "lastTransitionTime": stamp(days=41),
                },
            ],
        },
    }


def hash_of(text: str) -> int:
    """A number that is the same in every process."""
    return int.from_bytes(text.encode()[-5:], "big") % 10**12


def node(name: str, ready: bool = True, version: str = "v1.36.3", control: bool = False, **more: t.Any) -> Object:
    """A Node as an API server returns it."""
    conditions = [
        {"type": "MemoryPressure", "status": "False", "reason": "KubeletHasSufficientMemory", "message": "fine"},
        {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "posting ready status"},
    ]
    if not ready:
        text = "Kubelet stopped posting node status."
        conditions[1] = {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown", "message": text}
    conditions = [{**item, "lastTransitionTime": stamp(hours=3)} for item in [*conditions, *more.get("conditions", ())]]
    return {
        "metadata": {
            "name": name,
            "creationTimestamp": stamp(days=90),
            "labels": {"node-role.kubernetes.io/control-plane": ""} if control else {},
        },
        "spec": {"unschedulable": True} if more.get("cordoned") else {},
        "status": {
            "nodeInfo": {"kubeletVersion": version, "architecture": "amd64"},
            "capacity": {"cpu": "8", "memory": "33554432Ki", "pods": "110"},
            "allocatable": {"cpu": "7800m", "memory": "31457280Ki", "pods": "110"},
            "conditions": conditions,
        },
    }


def pod(node_name: str, cpu: str, memory: str) -> Object:
    """A running pod with one container."""
    asked = {"requests": {"cpu": cpu, "memory": memory}}
    return {
        "metadata": {"name": "p"},
        "spec": {"nodeName": node_name, "containers": [{"resources": asked}]},
        "status": {"phase": "Running"},
    }


def quota(tenant: str, used: str, hard: str) -> Object:
    """A ResourceQuota of a tenant."""
    return {
        "metadata": {"name": "lodestar", "namespace": f"{tenant}-prod", "labels": {"lodestar.platform/tenant": tenant}},
        "spec": {"hard": {"requests.cpu": hard, "requests.memory": "64Gi"}},
        "status": {"used": {"requests.cpu": used, "requests.memory": "20Gi"}},
    }


class Answers:
    """A client that answers lists from memory, as far as the report asks."""

    def __init__(self, certificate: str | None = None, **kinds: t.Any) -> None:
        self.kinds = kinds
        self.certificate_end = certificate

    def list(self, _api_version: str, kind: str, **_selectors: t.Any) -> list[Object]:
        found = self.kinds.get(kind, [])
        if isinstance(found, Exception):
            raise found
        return found


def answering(name: str, nodes: t.Sequence[Object], **more: t.Any) -> Object:
    """A live answer of a cluster that is well."""
    pods = more.pop("pods", [pod(str(item["metadata"]["name"]), "3900m", "12Gi") for item in nodes])
    end = more.pop("certificate", stamp(days=-290))
    ready = sum(any(c["type"] == "Ready" and c["status"] == "True" for c in n["status"]["conditions"]) for n in nodes)
    base = {"state": "usable", "reason": "", "expires": stamp(hours=-19), "tier": "lifecycle", "seconds": 0.0123}
    told = {**base, "version": more.pop("version", "v1.36.3"), "nodes": {"ready": ready, "total": len(nodes)}}
    kinds = {"Pod": pods, "ResourceQuota": more.pop("quotas", [quota("payments", "6", "12")]), **more}
    return {**told, **live.read(t.cast(t.Any, Answers(end, **kinds)), nodes)}


SILENT = {
    **dict.fromkeys(("expires", "tier", "seconds", "version", "nodes")),
    "state": "unreachable",
    "reason": "get Namespace kube-system: https://192.0.2.17:6443: no answer before the deadline",
}


def machines(name: str, count: int = 5) -> list[Object]:
    """Nodes of a created cluster: three control planes and workers."""
    return [node(f"{name}-{number}", control=number <= 3) for number in range(1, count + 1)]


def scan(cluster: str, **results: tuple[str, str, str]) -> Object:
    """What the hub keeps of a scan: policy to mode, result, message."""
    return {
        "metadata": {"namespace": cluster, "managedFields": [{"time": stamp(days=2)}]},
        "scope": {"kind": "ManagedCluster", "name": cluster},
        "results": [
            {"source": "lodestar", "policy": name, "result": result, "message": text, "properties": {"mode": mode}}
            for name, (mode, result, text) in results.items()
        ],
    }


def fleet_of(count: int) -> collect.Known:
    """A global cluster and so many in all, of several sets; every tenth has a node that is not ready, every
    twenty-fifth is attached and does not answer."""
    views = [
        {
            **hub_view.view(record("global", role="global", set="hub")),
            "live": answering("global", machines("global", 3)),
        }
    ]
    for number in range(1, count):
        name, place = f"{PLACES[number % 4]}-{number:03d}", PLACES[number % 4]
        mode = "attach" if number % 5 == 0 else "create"
        nodes = machines(name)
        if number % 10 == 3:
            nodes[4] = node(f"{name}-5", ready=False)
        told = SILENT if number % 25 == 0 else answering(name, nodes)
        view = hub_view.view(record(name, mode=mode, set=place, labels={"region": place, "environment": "production"}))
        views.append({**view, "live": told})
    known = collect.Known(views, asked=True)
    rules = {f"rule-{number:02d}": ("deny", "pass", "0 of 40 object(s) break it") for number in range(12)}
    known.policies = {str(view["name"]): collect.scan_of(scan(str(view["name"]), **rules)) for view in views}
    return known


def sample() -> collect.Known:
    """Five clusters with one of everything that the report tells."""
    east = machines("east")
    east[3] = node(
        "east-4", conditions=[{"type": "DiskPressure", "status": "True", "reason": "KubeletHasDiskPressure"}]
    )
    east[4] = node("east-5", ready=False, version="v1.35.4")
    silent = {
        "available": {
            "status": "Unknown",
            "reason": "ManagedClusterLeaseUpdateStopped",
            "message": f"Not reached since {stamp(days=2)}: no answer before the deadline",
            "lastTransitionTime": stamp(days=2),
        }
    }
    rows = (
        (record("global", role="global", set="hub"), answering("global", machines("global", 3))),
        (
            record("east", set="eu", labels={"region": "north", "environment": "production"}),
            answering("east", east, quotas=[quota("payments", "12", "12"), quota("search", "4", "8")]),
        ),
        (
            record("west", set="eu", labels={"region": "west"}),
            answering("west", machines("west"), certificate=stamp(days=-12)),
        ),
        (record("legacy", mode="attach", set="partners", version="v1.31.9"), SILENT | {}),
        (
            record("edge-7", mode="attach", set="partners", version="v1.33.2"),
            answering("edge-7", [node("edge-7a", version="v1.33.2", cordoned=True)], version="v1.33.2"),
        ),
    )
    views = [{**hub_view.view(made), "live": told} for made, told in rows]
    views[3] = {
        **hub_view.view(record("legacy", mode="attach", set="partners", version="v1.31.9", **silent)),
        "live": SILENT,
    }
    known = collect.Known(views, asked=True)
    known.leaving = [("old-lab", Tombstone(stamp(days=5), "keep", cause="unreachable", why="no answer"))]
    known.fleet = declared()
    known.policies = {
        "east": collect.scan_of(
            scan(
                "east",
                digest_only=("deny", "fail", "3 of 41 object(s) break it"),
                limits=("warn", "warn", "7 of 41 object(s) break it"),
                registries=("deny", "pass", "0 of 41 object(s) break it"),
            )
        ),
    }
    known.drift = {
        "at": stamp(hours=2),
        "compared": [{"cluster": name, "set": "tenancy"} for name in ("east", "west")],
        "drift": [
            {
                "cluster": "east",
                "set": "tenancy",
                "object": "v1/ResourceQuota/payments-prod/lodestar",
                "difference": "edited",
                "fields": ["spec.hard.requests.cpu"],
                "managers": ["kubectl-edit"],
                "since": stamp(hours=30),
                "state": "found",
                "reason": "",
            }
        ],
    }
    known.runs = [
        {
            "at": stamp(hours=1),
            "planned": False,
            "problems": ["legacy: the cluster does not answer"],
            "clusters": [
                {"cluster": "east", "changed": {"tenancy": 4}, "problem": None, "certificate_expiry": stamp(days=-200)},
                {"cluster": "legacy", "changed": [], "problem": "the cluster does not answer"},
            ],
        }
    ]
    known.placements = [
        {
            "namespace": "shop",
            "name": "front",
            "clusters": ["east", "west"],
            "satisfied": "True",
            "reason": "AllDecisionsScheduled",
            "message": None,
            "since": stamp(days=1),
        }
    ]
    known.explained = [explained()]
    return known


def explained() -> Object:
    """A placement as lodestar.platform.placement_info tells it."""
    cost = {
        "prioritizer": "AddOn/lodestar/cost",
        "weight": 1,
        "score": 80,
        "measured": "costs 1",
        "since": stamp(days=3),
    }
    scores = [{"prioritizer": "Steady", "weight": 1, "score": 100}, {**cost, "not_measured_since": None}]
    chosen = {"chosen": True, "stage": "", "reasons": [], "rank": 1, "score": 180, "scores": scores}
    missing = {"chosen": False, "stage": "Predicate", "reasons": ["label region is not north"]}
    return {
        "namespace": "shop",
        "name": "front",
        "misconfigured": "",
        "difference": "",
        "decisions": ["east", "west"],
        "clusters": [
            {"name": "east", **chosen},
            {"name": "west", **missing, "rank": None, "score": None},
        ],
    }


def declared() -> Object:
    """The declaration of these clusters, as lodestar.platform.fleet returns it."""
    modes = {"global": "create", "east": "create", "west": "create", "legacy": "attach", "edge-7": "attach"}
    clusters = {
        name: {
            "name": name,
            "mode": mode,
            "role": "global" if name == "global" else "workload",
            "version": "1.36.3" if mode == "create" else None,
            "tenants": ["payments"] if name in ("east", "west") else [],
        }
        for name, mode in modes.items()
    }
    counts = {"global": 3, "east": 5, "west": 5}
    hosts = [(name, f"{name}-{number}") for name, count in counts.items() for number in range(1, count + 1)]
    budget = {"total": {"requests.cpu": "24"}}
    return {
        "hub": "global",
        "clusters": clusters,
        "machines": {host: {"node_name": host, "cluster": name} for name, host in hosts},
        "tenants": [{"name": "payments", "budget": budget}, {"name": "search"}],
    }


def report_of(known: collect.Known, title: str = "Fleet report") -> Object:
    """The document of a fleet."""
    return document.document(known, AT, title)
