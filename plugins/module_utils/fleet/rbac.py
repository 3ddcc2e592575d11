# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may do what on a cluster, told by its RBAC objects as its authorizer tells it. Pure. Private to the collection.

Aggregated ClusterRoles are as the server stored them. The Node authorizer and webhooks are no part of this.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .identity import NAMESPACE

Object = t.Mapping[str, t.Any]
Rule = t.Mapping[str, t.Any]

API = "rbac.authorization.k8s.io/v1"
#: The kinds that say it, each listed once.
KINDS = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
SUBJECT_KINDS = ("User", "Group", "ServiceAccount")
EVERYTHING: tuple[Rule, ...] = (
    {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
    {"nonResourceURLs": ["*"], "verbs": ["*"]},
)
#: Groups that Kubernetes puts identities into, whatever their provider says.
AUTHENTICATED = "system:authenticated"
_MASTERS = "system:masters"
_ACCOUNTS = "system:serviceaccounts"


@dataclass(frozen=True)
class Subject:
    """Whom a binding names. ``namespace`` is where a ServiceAccount lives, else empty."""

    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace + '/' if self.namespace else ''}{self.name}"


@dataclass(frozen=True)
class Identity:
    """Whoever sends a request: a user name and groups. Without a user it is anybody in the groups."""

    user: str
    groups: frozenset[str]


@dataclass(frozen=True)
class Grant:
    """What one binding gives one subject.

    :param namespace: where; empty means everywhere, and what is in no namespace.
    :param binding: kind and name of the binding.
    :param role: kind and name of its role.
    :param rules: the role's rules; none while the role does not exist.
    :param default: the binding is one that each cluster has from its first minute.
    """

    subject: Subject
    namespace: str
    binding: str
    role: str
    rules: tuple[Rule, ...]
    default: bool = False


@dataclass(frozen=True)
class Request:
    """What is asked for: a verb on a resource, or on a path that is none.

    :param namespace: empty means all of them, and what is in none.
    :param name: of a single object; empty means any.
    """

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


#: What the API server lets through before it looks at any binding.
BUILT_IN = Grant(Subject("Group", _MASTERS), "", "built into the API server", _MASTERS, EVERYTHING, default=True)


def grants(objects: t.Mapping[str, t.Iterable[Object]]) -> list[Grant]:
    """Every grant of a cluster, in the order of its bindings.

    :param objects: the objects of each of :data:`KINDS`.
    """
    roles = {
        (kind, str(item["metadata"].get("namespace") or ""), str(item["metadata"]["name"])): tuple(
            item.get("rules") or ()
        )
        for kind in ("Role", "ClusterRole")
        for item in objects[kind]
    }
    found = [BUILT_IN]
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        for item in objects[kind]:
            found += _granted(kind, item, roles)
    return found


def _granted(kind: str, item: Object, roles: t.Mapping[tuple[str, str, str], tuple[Rule, ...]]) -> t.Iterator[Grant]:
    metadata, ref = item["metadata"], item["roleRef"]
    space = str(metadata.get("namespace") or "") if kind == "RoleBinding" else ""
    home = space if ref["kind"] == "Role" else ""
    default = "kubernetes.io/bootstrapping" in (metadata.get("labels") or {})
    for entry in item.get("subjects") or ():
        account = entry["kind"] == "ServiceAccount"
        yield Grant(
            subject=Subject(entry["kind"], entry["name"], str(entry.get("namespace") or space) if account else ""),
            namespace=space,
            binding=f"{kind} {space + '/' if space else ''}{metadata['name']}",
            role=f"{ref['kind']} {home + '/' if home else ''}{ref['name']}",
            rules=roles.get((ref["kind"], home, ref["name"]), ()),
            default=default,
        )


def identity(subject: Subject, groups: t.Iterable[str] = ()) -> Identity:
    """What a request of a subject carries, with the groups that Kubernetes itself adds."""
    if subject.kind == "Group":
        return Identity("", frozenset({subject.name, AUTHENTICATED}))
    if subject.kind == "ServiceAccount":
        own = {_ACCOUNTS, f"{_ACCOUNTS}:{subject.namespace}", AUTHENTICATED}
        return Identity(f"system:serviceaccount:{subject.namespace}:{subject.name}", frozenset(own))
    return Identity(subject.name, frozenset({*groups, AUTHENTICATED}))


def concerns(grant: Grant, who: Identity) -> bool:
    """True when a grant is one of this identity's."""
    subject = grant.subject
    if subject.kind == "Group":
        return subject.name in who.groups
    if subject.kind == "ServiceAccount":
        named = bool(subject.namespace)
        return named and who.user == f"system:serviceaccount:{subject.namespace}:{subject.name}"
    return bool(who.user) and subject.name == who.user


def permits(rule: Rule, request: Request) -> bool:
    """True when a rule lets a request through."""
    if not _among(request.verb, rule.get("verbs")):
        return False
    if request.path:
        return any(_fits(url, request.path) for url in rule.get("nonResourceURLs") or ())
    if not _among(request.group, rule.get("apiGroups")) or not covers(rule, request.resource, request.subresource):
        return False
    names = rule.get("resourceNames") or ()
    return not names or request.name in names


def covers(rule: Rule, resource: str, subresource: str = "") -> bool:
    """True when a rule is about a resource, or its subresource."""
    whole = f"{resource}/{subresource}" if subresource else resource
    wanted = {"*", whole, *([f"*/{subresource}"] if subresource else [])}
    return any(item in wanted for item in rule.get("resources") or ())


def allowing(found: t.Iterable[Grant], who: Identity, request: Request) -> list[Grant]:
    """The grants by which an identity may do something; none means that RBAC does not allow it."""
    return [
        grant
        for grant in found
        if (not grant.namespace or (grant.namespace == request.namespace and not request.path))
        and concerns(grant, who)
        and any(permits(rule, request) for rule in grant.rules)
    ]


def is_systems(grant: Grant) -> bool:
    """True for what every cluster gives to its own components, and for our own identity.

    Whatever reaches people is told: also the groups that everybody is in, and a default binding that somebody widened.
    """
    subject = grant.subject
    if subject.kind == "ServiceAccount":
        return subject.namespace in ("kube-system", NAMESPACE)
    wide = {AUTHENTICATED, "system:unauthenticated", "system:anonymous"}
    everybody = subject.name in wide or subject.name.startswith(_ACCOUNTS)
    return grant.default and subject.name.startswith("system:") and not everybody


def _among(value: str, allowed: t.Iterable[str] | None) -> bool:
    return any(item in ("*", value) for item in allowed or ())


def _fits(url: str, path: str) -> bool:
    return url in ("*", path) or (url.endswith("*") and path.startswith(url.rstrip("*")))
