# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a tenant is: typed, read from plain data, every problem named. Pure. Private to the collection.

The shapes are explained for operators in docs/tenants.md.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..declaration import DNS_LABEL, DNS_LABEL_RULE, Reader
from . import allow as allowed
from . import budget as budgets
from . import extras, nodes
from . import network as networks
from . import states as life
from .allow import Allow
from .budget import Budget
from .members import Member, Role, read_members, read_roles
from .network import Network
from .quotas import Limits, Quantities, limits, quota
from .settings import RESERVED, Settings

KEYS = (
    "name", "description", "clusters", "namespaces", "members", "roles", "budget", "quota", "limits", "isolation",
    "network", "pod_security", "allow", "nodes", "state", "objects", "labels", "annotations",
)  # fmt: skip
NAMESPACE_KEYS = ("name", "clusters", "state", "quota", "limits", "pod_security", "labels", "annotations")
POD_SECURITY_KEYS = ("enforce", "warn", "audit")

ISOLATIONS = ("tenant", "namespace", "none")
#: Pod Security levels, from lax to strict; warnings and audit look one level further than what is enforced.
LEVELS = ("privileged", "baseline", "restricted")

#: Label and annotation prefixes that decide about rights and isolation, hence are not a tenant's to choose.
RESERVED_METADATA = (
    "lodestar.platform/",
    "allow.lodestar.platform/",
    "pod-security.kubernetes.io/",
    "kubernetes.io/",
    "applyset.kubernetes.io/",
)
#: The API server takes 256 KiB of annotations an object, of which the platform's own leave this.
_LONGEST_ANNOTATIONS = 192 * 1024


@dataclass(frozen=True)
class PodSecurity:
    """Pod Security Admission levels."""

    enforce: str
    warn: str
    audit: str


@dataclass(frozen=True)
class Namespace:
    """One namespace, with the tenant's settings already merged in.

    :param clusters: in which of the tenant's clusters it is, as declared; None for all of them.
    :param states: its own, by cluster.
    :param state: what that and the tenant's come to in the cluster that the tenant was narrowed to.
    """

    name: str
    quota: Quantities
    limits: Limits
    pod_security: PodSecurity
    labels: dict[str, str]
    annotations: dict[str, str]
    clusters: dict[str, t.Any] | None = None
    states: life.ByCluster = field(default_factory=dict)
    state: str = life.STATES[0]


@dataclass(frozen=True)
class Tenant:
    """A team and what it gets in each of its clusters."""

    name: str
    description: str
    namespaces: tuple[Namespace, ...]
    members: tuple[Member, ...]
    isolation: str
    network: Network
    roles: tuple[Role, ...] = ()
    budget: Budget | None = None
    allow: Allow = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)
    states: life.ByCluster = field(default_factory=dict)
    objects: tuple[extras.Object, ...] = ()


def read(item: t.Any, reader: Reader, key: str) -> Tenant:
    """An item of C(tenants) as a :class:`Tenant`. Problems are left with the reader, under ``key``.

    What is usable only after the reader turned out to have no problems.
    """
    item = reader.mapping(item, key, KEYS)
    name = reader.text(item.get("name"), f"{key}.name", DNS_LABEL, DNS_LABEL_RULE, 63)
    description = item.get("description", "")
    if not isinstance(description, str):
        reader.problem(f"{key}.description", description, "is not text", "quote it")
    roles = read_roles(item.get("roles"), reader, f"{key}.roles")
    namespaces = _namespaces(item, reader, key)
    return Tenant(
        name=name,
        description=str(description),
        namespaces=namespaces,
        members=read_members(item.get("members"), roles, reader, f"{key}.members"),
        isolation=reader.choice(item.get("isolation", ISOLATIONS[0]), f"{key}.isolation", ISOLATIONS),
        network=networks.read(item.get("network"), reader, f"{key}.network"),
        roles=roles,
        budget=budgets.read(item.get("budget"), reader, f"{key}.budget"),
        allow=allowed.read(item.get("allow"), reader, f"{key}.allow"),
        nodes=nodes.read(item.get("nodes"), reader, f"{key}.nodes"),
        states=life.read(item.get("state"), reader, f"{key}.state"),
        objects=extras.read(item.get("objects"), {one.name for one in namespaces}, reader, f"{key}.objects"),
    )


def _namespaces(item: dict[str, t.Any], reader: Reader, key: str) -> tuple[Namespace, ...]:
    common = _settings(item, reader, key)
    declared = reader.sequence(item.get("namespaces"), f"{key}.namespaces")
    if not declared:
        reader.problem(f"{key}.namespaces", item.get("namespaces"), "a tenant has at least one namespace", "name one")
    read_ones = []
    for place, entry in enumerate(declared):
        where = f"{key}.namespaces[{place}]"
        entry = {"name": entry} if isinstance(entry, str) else reader.mapping(entry, where, NAMESPACE_KEYS)
        read_ones.append(_namespace(entry, common, reader, where))
    return tuple(read_ones)


def _namespace(entry: dict[str, t.Any], common: dict[str, t.Any], reader: Reader, key: str) -> Namespace:
    name = reader.text(entry.get("name"), f"{key}.name", DNS_LABEL, DNS_LABEL_RULE, 63)
    if Settings().reserves(name):
        reason = f"is reserved: {', '.join(RESERVED)} belong to the system"
        reader.problem(f"{key}.name", name, reason, "choose another name")
    own = _settings(entry, reader, key)
    annotations = {**common["annotations"], **own["annotations"]}
    if sum(len(part.encode()) for pair in annotations.items() for part in pair) > _LONGEST_ANNOTATIONS:
        reason = f"are more than the {_LONGEST_ANNOTATIONS} bytes that a namespace takes besides the platform's own"
        reader.problem(f"{key}.annotations", sorted(annotations), reason, "keep it somewhere else")
    return Namespace(
        name=name,
        quota=own["quota"] if "quota" in entry else common["quota"],
        limits=own["limits"] if "limits" in entry else common["limits"],
        pod_security=own["pod_security"] if "pod_security" in entry else common["pod_security"],
        labels={**common["labels"], **own["labels"]},
        annotations=annotations,
        clusters=entry.get("clusters"),
        states=life.read(entry.get("state"), reader, f"{key}.state"),
    )


def _settings(item: dict[str, t.Any], reader: Reader, key: str) -> dict[str, t.Any]:
    """What a tenant declares for all of its namespaces, and each namespace may declare instead."""
    return {
        "quota": quota(item.get("quota"), reader, f"{key}.quota"),
        "limits": limits(item.get("limits"), reader, f"{key}.limits"),
        "pod_security": _pod_security(item.get("pod_security"), reader, f"{key}.pod_security"),
        "labels": reader.labels(item.get("labels"), f"{key}.labels", RESERVED_METADATA),
        "annotations": reader.annotations(item.get("annotations"), f"{key}.annotations", RESERVED_METADATA),
    }


def _pod_security(value: t.Any, reader: Reader, key: str) -> PodSecurity:
    if value is None or isinstance(value, str):
        value = {"enforce": "baseline" if value is None else value}
    declared = reader.mapping(value, key, POD_SECURITY_KEYS)
    enforce = reader.choice(declared.get("enforce", "baseline"), f"{key}.enforce", LEVELS)
    stricter = LEVELS[min(LEVELS.index(enforce) + 1, len(LEVELS) - 1)]
    return PodSecurity(
        enforce=enforce,
        warn=reader.choice(declared.get("warn", stricter), f"{key}.warn", LEVELS),
        audit=reader.choice(declared.get("audit", stricter), f"{key}.audit", LEVELS),
    )
