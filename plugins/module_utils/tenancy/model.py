# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a tenant is: typed, read from plain data, every problem named. Pure. Private to the collection.

The shapes are explained for operators in docs/tenants.md.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ..declaration import DNS_LABEL, DNS_LABEL_RULE, DNS_SUBDOMAIN, Reader
from ..kube.quantity import parse

#: Resource name -> quantity, as text.
Quantities: t.TypeAlias = dict[str, str]

KEYS = (
    "name", "description", "clusters", "namespaces", "members", "quota", "limits", "isolation", "network",
    "pod_security", "labels", "annotations",
)  # fmt: skip
NAMESPACE_KEYS = ("name", "quota", "limits", "pod_security", "labels", "annotations")
MEMBER_KEYS = ("kind", "name", "namespace", "role")
LIMIT_KEYS = ("default", "default_request", "max", "min")
NETWORK_KEYS = ("allow_dns", "ingress", "egress")
POD_SECURITY_KEYS = ("enforce", "warn", "audit")

MEMBER_KINDS = ("Group", "User", "ServiceAccount")
#: The ClusterRole that each role of a member is bound to, in the tenant's namespaces only.
ROLES = {"owner": "admin", "admin": "admin", "developer": "edit", "viewer": "view"}
ISOLATIONS = ("tenant", "namespace", "none")
#: Pod Security levels, from lax to strict; warnings and audit look one level further than what is enforced.
LEVELS = ("privileged", "baseline", "restricted")

RESERVED_NAMESPACES = ("default", "openshift")
RESERVED_PREFIXES = ("kube-", "openshift-", "lodestar-")
#: Label and annotation prefixes that decide about rights and isolation, hence are not a tenant's to choose.
RESERVED_METADATA = ("lodestar.platform/", "pod-security.kubernetes.io/", "kubernetes.io/", "applyset.kubernetes.io/")

#: Names of users and groups: printable, without blanks at the ends and control characters.
_SUBJECT = re.compile(r"[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?")
_QUOTA_KEY = re.compile(
    r"cpu|memory|ephemeral-storage|pods|services(\.loadbalancers|\.nodeports)?|persistentvolumeclaims|secrets|configmaps"
    r"|replicationcontrollers|resourcequotas|(requests|limits)\.(cpu|memory|ephemeral-storage)|requests\.storage"
    r"|(requests\.)?hugepages-[0-9]+[KMGT]i|requests\.[a-z0-9.-]+/[A-Za-z0-9._-]+|count/[a-z0-9.-]+"
    r"|[a-z0-9.-]+\.storageclass\.storage\.k8s\.io/(requests\.storage|persistentvolumeclaims)"
)
_LIMIT_RESOURCE = re.compile(r"cpu|memory|ephemeral-storage")


@dataclass(frozen=True)
class Member:
    """Who belongs to a tenant, and as what. ``namespace`` is where a ServiceAccount lives, else empty."""

    kind: str
    name: str
    role: str
    namespace: str = ""


@dataclass(frozen=True)
class Limits:
    """What a container gets that says nothing, and what it may ask for at most and at least."""

    default: Quantities = field(default_factory=dict)
    default_request: Quantities = field(default_factory=dict)
    max: Quantities = field(default_factory=dict)
    min: Quantities = field(default_factory=dict)


@dataclass(frozen=True)
class PodSecurity:
    """Pod Security Admission levels."""

    enforce: str
    warn: str
    audit: str


@dataclass(frozen=True)
class Namespace:
    """One namespace, with the tenant's settings already merged in."""

    name: str
    quota: Quantities
    limits: Limits
    pod_security: PodSecurity
    labels: dict[str, str]
    annotations: dict[str, str]


@dataclass(frozen=True)
class Network:
    """What the isolation lets through besides the tenant's own pods; rules in the shape of NetworkPolicy rules."""

    allow_dns: bool = True
    ingress: tuple[dict[str, t.Any], ...] = ()
    egress: tuple[dict[str, t.Any], ...] = ()


@dataclass(frozen=True)
class Tenant:
    """A team and what it gets in each of its clusters."""

    name: str
    description: str
    namespaces: tuple[Namespace, ...]
    members: tuple[Member, ...]
    isolation: str
    network: Network


def read(item: t.Any, reader: Reader, key: str) -> Tenant:
    """An item of C(tenants) as a :class:`Tenant`. Problems are left with the reader, under ``key``.

    What is usable only after the reader turned out to have no problems.
    """
    item = reader.mapping(item, key, KEYS)
    name = reader.text(item.get("name"), f"{key}.name", DNS_LABEL, DNS_LABEL_RULE, 63)
    description = item.get("description", "")
    if not isinstance(description, str):
        reader.problem(f"{key}.description", description, "is not text", "quote it")
    return Tenant(
        name=name,
        description=str(description),
        namespaces=_namespaces(item, reader, key),
        members=_members(item, reader, key),
        isolation=reader.choice(item.get("isolation", ISOLATIONS[0]), f"{key}.isolation", ISOLATIONS),
        network=_network(item.get("network"), reader, f"{key}.network"),
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
    if name in RESERVED_NAMESPACES or name.startswith(RESERVED_PREFIXES):
        allowed = f"{', '.join(RESERVED_NAMESPACES)} and {', '.join(f'{prefix}*' for prefix in RESERVED_PREFIXES)}"
        reader.problem(f"{key}.name", name, f"is reserved: {allowed} belong to the system", "choose another name")
    own = _settings(entry, reader, key)
    return Namespace(
        name=name,
        quota=own["quota"] if "quota" in entry else common["quota"],
        limits=own["limits"] if "limits" in entry else common["limits"],
        pod_security=own["pod_security"] if "pod_security" in entry else common["pod_security"],
        labels={**common["labels"], **own["labels"]},
        annotations={**common["annotations"], **own["annotations"]},
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


def _members(item: dict[str, t.Any], reader: Reader, key: str) -> tuple[Member, ...]:
    members: list[Member] = []
    for place, entry in enumerate(reader.sequence(item.get("members"), f"{key}.members")):
        where = f"{key}.members[{place}]"
        member = _member(reader.mapping(entry, where, MEMBER_KEYS), reader, where)
        if member in members:
            reader.problem(where, member.name, f"is a {member.role} twice", "list it once")
        members.append(member)
    return tuple(members)


def _member(entry: dict[str, t.Any], reader: Reader, key: str) -> Member:
    kind = reader.choice(entry.get("kind"), f"{key}.kind", MEMBER_KINDS)
    role = reader.choice(entry.get("role"), f"{key}.role", tuple(ROLES))
    if kind == "ServiceAccount":
        rule = "the name of a ServiceAccount is a DNS subdomain"
        name = reader.text(entry.get("name"), f"{key}.name", DNS_SUBDOMAIN, rule)
        home = reader.text(
            entry.get("namespace"), f"{key}.namespace", DNS_LABEL, f"where it lives; {DNS_LABEL_RULE}", 63
        )
        return Member(kind, name, role, home)
    name = reader.text(
        entry.get("name"), f"{key}.name", _SUBJECT, "names are printable text without blanks at their ends"
    )
    if name.startswith("system:"):
        reason = "is a name of Kubernetes itself, and would give rights to more than a team"
        reader.problem(
            f"{key}.name", name, reason, "name a group or user of your identity provider, or use kind ServiceAccount"
        )
    if "namespace" in entry:
        reader.problem(f"{key}.namespace", entry["namespace"], f"a {kind} lives in no namespace", "remove it")
    return Member(kind, name, role)


def _network(value: t.Any, reader: Reader, key: str) -> Network:
    declared = reader.mapping(value, key, NETWORK_KEYS)
    return Network(
        allow_dns=reader.boolean(declared.get("allow_dns", True), f"{key}.allow_dns"),
        ingress=_rules(declared.get("ingress"), reader, f"{key}.ingress", ("from", "ports")),
        egress=_rules(declared.get("egress"), reader, f"{key}.egress", ("to", "ports")),
    )


def _rules(value: t.Any, reader: Reader, key: str, allowed: tuple[str, ...]) -> tuple[dict[str, t.Any], ...]:
    rules = []
    for place, entry in enumerate(reader.sequence(value, key)):
        rule = reader.mapping(entry, f"{key}[{place}]", allowed)
        if not any(rule.get(name) for name in allowed):
            # An empty NetworkPolicy rule allows everything; that must be said by `isolation: none`.
            reader.problem(
                f"{key}[{place}]",
                entry,
                "an empty rule would allow everything",
                "say from, to or ports, or isolation: none",
            )
        for name in allowed:
            reader.sequence(rule.get(name), f"{key}[{place}].{name}")
        rules.append(rule)
    return tuple(rules)


def quantities(value: t.Any, reader: Reader, key: str, pattern: re.Pattern[str], rule: str) -> Quantities:
    """A mapping of resource names to quantities; numbers become text."""
    read_ones: Quantities = {}
    for name, amount in reader.mapping(value, key).items():
        where = f"{key}.{name}"
        if not isinstance(name, str) or pattern.fullmatch(name) is None:
            reader.problem(where, amount, f"is not a known resource: {rule}", "correct the name")
            continue
        text = str(amount) if isinstance(amount, (int, float)) and not isinstance(amount, bool) else amount
        if not isinstance(text, str) or not _is_amount(text):
            rule = "a number of 0 or more with at most one of n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei"
            reader.problem(where, amount, f"is not a quantity: {rule}", "write for example 500m, 2 or 4Gi")
            continue
        read_ones[name] = text
    return read_ones


def quota(value: t.Any, reader: Reader, key: str) -> Quantities:
    """Hard limits of a ResourceQuota, a namespace; what is requested is at most what is limited."""
    rule = "cpu, memory, pods, requests.<resource>, limits.<resource>, count/<resource>.<group>, ..."
    hard = quantities(value, reader, key, _QUOTA_KEY, rule)
    for resource in ("cpu", "memory", "ephemeral-storage"):
        requested = hard.get(f"requests.{resource}", hard.get(resource))
        limited = hard.get(f"limits.{resource}")
        if requested is not None and limited is not None and _more(requested, limited):
            reason = f"is more than limits.{resource} = {limited!r}, and could never be used"
            reader.problem(f"{key}.requests.{resource}", requested, reason, "raise the limit or lower the request")
    return hard


def limits(value: t.Any, reader: Reader, key: str) -> Limits:
    """A LimitRange for containers, where min <= default_request <= default <= max holds for each resource."""
    declared = reader.mapping(value, key, LIMIT_KEYS)
    rule = "cpu, memory, ephemeral-storage"
    part = {name: quantities(declared.get(name), reader, f"{key}.{name}", _LIMIT_RESOURCE, rule) for name in LIMIT_KEYS}
    ladder = ("min", "default_request", "default", "max")
    for at, lower in enumerate(ladder):
        for upper in ladder[at + 1 :]:
            for resource in sorted(set(part[lower]) & set(part[upper])):
                if _more(part[lower][resource], part[upper][resource]):
                    reason = f"is more than {upper}.{resource} = {part[upper][resource]!r}"
                    remedy = "keep to min <= default_request <= default <= max"
                    reader.problem(f"{key}.{lower}.{resource}", part[lower][resource], reason, remedy)
    return Limits(**part)


def _more(left: str, right: str) -> bool:
    one, other = parse(left), parse(right)
    return one is not None and other is not None and one > other


def _is_amount(text: str) -> bool:
    number = parse(text) if len(text) <= 40 and text.isascii() else None
    return number is not None and number >= 0
