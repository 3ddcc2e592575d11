# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who belongs to a tenant, and what its own roles may do. Pure. Private to the collection."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ..declaration import DNS_LABEL, DNS_LABEL_RULE, DNS_SUBDOMAIN, SUBJECT, Reader
from ..fleet.inventory_grants import FORBIDDEN_ROLES, is_bindable

MEMBER_KEYS = ("kind", "name", "namespace", "role", "cluster_role")
ROLE_KEYS = ("name", "rules")
RULE_KEYS = ("apiGroups", "resources", "verbs", "resourceNames")

MEMBER_KINDS = ("Group", "User", "ServiceAccount")
#: The ClusterRole that each role of a member is bound to, in the tenant's namespaces only.
ROLES = {"owner": "admin", "admin": "admin", "developer": "edit", "viewer": "view"}
#: Verbs by which somebody could get more than the rule says.
FORBIDDEN_VERBS = ("*", "bind", "escalate", "impersonate")

#: Names of users and groups: printable, without blanks at the ends and control characters.
_VERB = re.compile(r"[a-z]{1,63}")
_GROUP = re.compile(r"|[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_RESOURCE = re.compile(r"[a-z][a-z0-9-]{0,62}(/[a-z]{1,63})?")
_OBJECT = re.compile(r"[^\s/%\x00-\x1f\x7f]{1,253}")


@dataclass(frozen=True)
class Member:
    """Who belongs to a tenant, and as what.

    :param role: one of :data:`ROLES` or a role of the tenant's own, else empty.
    :param namespace: where a ServiceAccount lives, else empty.
    :param cluster_role: a ClusterRole of the cluster's own, in place of a role.
    """

    kind: str
    name: str
    role: str
    namespace: str = ""
    cluster_role: str = ""


@dataclass(frozen=True)
class Rule:
    """What a role may do, as in a Role."""

    groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, t.Any]:
        """In the shape of Kubernetes."""
        made = {"apiGroups": list(self.groups), "resources": list(self.resources), "verbs": list(self.verbs)}
        return {**made, "resourceNames": list(self.names)} if self.names else made


@dataclass(frozen=True)
class Role:
    """A role of the tenant's own, a Role in each of its namespaces."""

    name: str
    rules: tuple[Rule, ...]


def read_roles(value: t.Any, reader: Reader, key: str) -> tuple[Role, ...]:
    """The key C(roles) of a tenant."""
    roles: list[Role] = []
    for place, entry in enumerate(reader.sequence(value, key)):
        where = f"{key}[{place}]"
        declared = reader.mapping(entry, where, ROLE_KEYS)
        name = reader.text(declared.get("name"), f"{where}.name", DNS_LABEL, DNS_LABEL_RULE, 63)
        if name in ROLES:
            reason = f"is the name of a role that every tenant has: {', '.join(ROLES)}"
            reader.problem(f"{where}.name", name, reason, "choose another name")
        if name and name in {role.name for role in roles}:
            reader.problem(f"{where}.name", name, "is the name of two roles", "give each its own name")
        items = reader.sequence(declared.get("rules"), f"{where}.rules")
        if not items:
            reader.problem(f"{where}.rules", declared.get("rules"), "a role has at least one rule", "write one")
        rules = tuple(_rule(item, reader, f"{where}.rules[{at}]") for at, item in enumerate(items))
        roles.append(Role(name, rules))
    return tuple(roles)


def _rule(value: t.Any, reader: Reader, key: str) -> Rule:
    declared = reader.mapping(value, key, RULE_KEYS)
    for place, verb in enumerate(reader.sequence(declared.get("verbs"), f"{key}.verbs")):
        if verb in FORBIDDEN_VERBS:
            reason = "gives more than the rule says" if verb != "*" else "means every verb, those of later releases too"
            reader.problem(f"{key}.verbs[{place}]", verb, reason, "list the verbs: get, list, watch, create, ...")
            declared = {**declared, "verbs": [item for item in declared["verbs"] if item not in FORBIDDEN_VERBS]}

    def texts(name: str, pattern: re.Pattern[str], rule: str) -> tuple[str, ...]:
        return tuple(reader.texts(declared.get(name), f"{key}.{name}", pattern, rule))

    wild = "a * is never granted"
    rule = Rule(
        groups=texts("apiGroups", _GROUP, f"an API group, '' for the core group; {wild}"),
        resources=texts("resources", _RESOURCE, f"a plural, with a subresource if need be: pods, pods/exec; {wild}"),
        verbs=texts("verbs", _VERB, "a verb: get, list, watch, create, update, patch, delete, ..."),
        names=texts("resourceNames", _OBJECT, "the name of an object"),
    )
    for name, found in (("apiGroups", rule.groups), ("resources", rule.resources), ("verbs", rule.verbs)):
        if not found:
            reader.problem(f"{key}.{name}", declared.get(name), "must not be empty", "list at least one")
    return rule


def read_members(value: t.Any, roles: t.Sequence[Role], reader: Reader, key: str) -> tuple[Member, ...]:
    """The key C(members) of a tenant.

    :param roles: the tenant's own.
    """
    members: list[Member] = []
    known = (*ROLES, *(role.name for role in roles))
    for place, entry in enumerate(reader.sequence(value, key)):
        where = f"{key}[{place}]"
        member = _member(reader.mapping(entry, where, MEMBER_KEYS), known, reader, where)
        if member in members:
            reader.problem(where, member.name, f"is a {member.role or member.cluster_role} twice", "list it once")
        members.append(member)
    used = {member.role for member in members}
    for role in roles:
        if role.name and role.name not in used:
            remedy = f"give a member role: {role.name}, or remove the role"
            reader.problem(key, role.name, "is a role of the tenant's own that no member has", remedy)
    return tuple(members)


def _member(entry: dict[str, t.Any], known: t.Sequence[str], reader: Reader, key: str) -> Member:
    kind = reader.choice(entry.get("kind"), f"{key}.kind", MEMBER_KINDS)
    role, cluster_role = _role(entry, known, reader, key)
    if kind == "ServiceAccount":
        rule = "the name of a ServiceAccount is a DNS subdomain"
        name = reader.text(entry.get("name"), f"{key}.name", DNS_SUBDOMAIN, rule)
        home = reader.text(
            entry.get("namespace"), f"{key}.namespace", DNS_LABEL, f"where it lives; {DNS_LABEL_RULE}", 63
        )
        return Member(kind, name, role, home, cluster_role)
    name = reader.text(
        entry.get("name"), f"{key}.name", SUBJECT, "names are printable text without blanks at their ends"
    )
    if name.startswith("system:"):
        reason = "is a name of Kubernetes itself, and would give rights to more than a team"
        reader.problem(
            f"{key}.name", name, reason, "name a group or user of your identity provider, or use kind ServiceAccount"
        )
    if "namespace" in entry:
        reader.problem(f"{key}.namespace", entry["namespace"], f"a {kind} lives in no namespace", "remove it")
    return Member(kind, name, role, cluster_role=cluster_role)


def _role(entry: dict[str, t.Any], known: t.Sequence[str], reader: Reader, key: str) -> tuple[str, str]:
    """The role of a member, or the ClusterRole that stands in its place."""
    cluster_role = entry.get("cluster_role")
    if cluster_role is None:
        return reader.choice(entry.get("role"), f"{key}.role", known), ""
    if "role" in entry:
        reader.problem(key, entry.get("role"), "a member has a role or a cluster_role", "leave one of the two")
    if isinstance(cluster_role, str) and is_bindable(cluster_role):
        return "", cluster_role
    reason = f"is not the name of a ClusterRole that a tenant may get ({', '.join(FORBIDDEN_ROLES)}* never are)"
    reader.problem(f"{key}.cluster_role", cluster_role, reason, "name one that holds what a member needs, and no more")
    return "", ""
