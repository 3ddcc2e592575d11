# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A question about access, and what a cluster's RBAC objects answer. Pure. Private to the collection.

An answer is a list of *rows*, one a subject and binding: C(cluster), C(subject) (C(kind), C(name), C(namespace)),
C(namespace) (C(*) is everywhere), C(role), C(binding), and C(rules), each with C(verbs), C(resources) (such as
C(deployments.apps)), C(names) of single objects and C(urls).
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, replace

from ..declaration import DNS_LABEL, DNS_LABEL_RULE, SUBJECT, TENANT_LABEL, Reader
from ..errors import InvalidInput
from ..output import aligned
from . import rbac
from .rbac import Grant, Identity, Object, Subject

Row = dict[str, t.Any]

EVERYWHERE = "*"
_COLUMNS = ("CLUSTER", "SUBJECT", "NAMESPACE", "ROLE", "BINDING", "MAY")
_LISTS = ("verbs", "resources", "namespaces")
_VERB = re.compile(r"[a-z]+")
_RESOURCE = re.compile(r"(?P<resource>[a-z0-9]+)(/(?P<subresource>[a-z0-9]+))?(\.(?P<group>[a-z0-9.-]+))?")
#: Characters of a table's last column.
_WIDE = 110


@dataclass(frozen=True)
class Resource:
    """A resource that is asked for; without a group those of all groups."""

    name: str
    subresource: str = ""
    group: str | None = None


@dataclass(frozen=True)
class Query:
    """What is asked. Whatever is left out narrows nothing.

    :param subject: whose rights; a user may be in C(groups).
    :param tenant: whose members' rights, and what else is bound in its namespaces.
    :param system: also tell what clusters give to their own components.
    """

    subject: Subject | None = None
    groups: tuple[str, ...] = ()
    tenant: str = ""
    verbs: tuple[str, ...] = ()
    resources: tuple[Resource, ...] = ()
    namespaces: tuple[str, ...] = ()
    system: bool = False
    #: Filled for each cluster: which of its namespaces are the tenant's, and who its members are.
    homes: frozenset[str] = frozenset()
    members: frozenset[Identity] = frozenset()


def read(params: t.Mapping[str, t.Any]) -> Query:
    """The question of a module's arguments.

    :raises InvalidInput: with every problem; also when nothing narrows the question at all.
    """
    reader = Reader()
    params = {**params, **{key: _named(params[key]) for key in _LISTS}}
    subject, groups = _subject(params["subject"], reader)
    rule = "a verb of Kubernetes is written in lower-case letters, such as get, list, delete"
    query = Query(
        subject=subject,
        groups=groups,
        tenant=reader.text(params["tenant"], "tenant", DNS_LABEL, DNS_LABEL_RULE, 63) if params["tenant"] else "",
        verbs=tuple(reader.texts(params["verbs"], "verbs", _VERB, rule, 63)),
        resources=tuple(_resources(params["resources"], reader)),
        namespaces=tuple(reader.texts(params["namespaces"], "namespaces", DNS_LABEL, DNS_LABEL_RULE, 63)),
        system=params["system"],
    )
    if subject is not None and query.tenant:
        remedy = "name one of the two; namespaces narrows what a subject may do to places"
        reader.problem("tenant", query.tenant, "is asked together with a subject", remedy)
    if not reader.problems and query == Query(system=query.system):
        remedy = "name a subject, a tenant, or what is done: verbs, resources, namespaces"
        reader.problem("subject", None, "asks for every right of everybody", remedy)
    if reader.problems:
        raise InvalidInput(reader.problems)
    return query


def _named(items: t.Iterable[t.Any]) -> list[str]:
    """Of a text with commas, the blanks around them are no part of a name, and what is empty is none."""
    return [text for item in items if (text := str(item).strip())]


def _subject(value: t.Any, reader: Reader) -> tuple[Subject | None, tuple[str, ...]]:
    if not value:
        return None, ()
    rule = "names are printable text without blanks at their ends"
    kind = str(value["kind"])
    name = reader.text(value.get("name"), "subject.name", SUBJECT, rule)
    space, groups = value.get("namespace"), value.get("groups") or []
    if kind == "ServiceAccount":
        space = reader.text(space, "subject.namespace", DNS_LABEL, f"where it lives; {DNS_LABEL_RULE}", 63)
    elif space:
        reader.problem("subject.namespace", space, f"a {kind} lives in no namespace", "remove it")
    if groups and kind != "User":
        reader.problem("subject.groups", groups, f"a {kind} is in no groups of a provider", "remove them")
    found = reader.texts(_named(groups), "subject.groups", SUBJECT, rule)
    return Subject(kind, name, space if kind == "ServiceAccount" else ""), tuple(found)


def _resources(value: t.Any, reader: Reader) -> t.Iterator[Resource]:
    rule = "write secrets, pods/exec or deployments.apps: in the plural, with the API group after a dot"
    for text in reader.texts(value, "resources", _RESOURCE, rule):
        found = _RESOURCE.fullmatch(text)
        if found is not None:
            yield Resource(found["resource"], found["subresource"] or "", found["group"])


# -- answering


def answer(query: Query, cluster: str, objects: t.Mapping[str, t.Sequence[Object]]) -> list[Row]:
    """The rows of one cluster, in a stable order.

    :param objects: its objects of each of :data:`rbac.KINDS`.
    """
    found = rbac.grants(objects)
    if query.tenant:
        query = _of_tenant(query, objects["RoleBinding"])
    rows = [row for grant in found if _asked(query, grant) and (row := _row(query, cluster, grant)) is not None]
    key = ("kind", "namespace", "name")
    return sorted(
        rows, key=lambda row: (*(row["subject"][name] for name in key), row["namespace"], row["binding"], row["role"])
    )


def _of_tenant(query: Query, bindings: t.Sequence[Object]) -> Query:
    """Our own bindings of a tenant say who its members are, and where: nobody else's declaration is needed."""
    own = [item for item in bindings if (item["metadata"].get("labels") or {}).get(TENANT_LABEL) == query.tenant]
    members = {
        rbac.identity(Subject(entry["kind"], entry["name"], str(entry.get("namespace") or "")))
        for item in own
        for entry in item.get("subjects") or ()
    }
    homes = {str(item["metadata"]["namespace"]) for item in own}
    return replace(query, homes=frozenset(homes), members=frozenset(members))


def _asked(query: Query, grant: Grant) -> bool:
    if query.namespaces and grant.namespace and grant.namespace not in query.namespaces:
        return False
    if query.subject is not None:
        return rbac.concerns(grant, rbac.identity(query.subject, query.groups))
    if query.tenant:
        return grant.namespace in query.homes or any(rbac.concerns(grant, member) for member in query.members)
    return query.system or not rbac.is_systems(grant)


def _row(query: Query, cluster: str, grant: Grant) -> Row | None:
    rules = [rule for item in grant.rules if (rule := _narrowed(query, item)) is not None]
    if not rules:
        return None
    return {
        "cluster": cluster,
        "subject": dict(vars(grant.subject)),
        "namespace": grant.namespace or EVERYWHERE,
        "role": grant.role,
        "binding": grant.binding,
        "rules": rules,
    }


def _narrowed(query: Query, rule: rbac.Rule) -> Row | None:
    """What of a rule is asked for, None where nothing is."""
    held = [str(verb) for verb in rule.get("verbs") or ()]
    verbs = [verb for verb in query.verbs if verb in held or "*" in held] if query.verbs else held
    groups = [str(group) for group in rule.get("apiGroups") or ()]
    named = [str(item) for item in rule.get("resources") or ()]
    if query.resources:
        resources = [_told(item, group) for item in query.resources for group in _groups(item, groups, rule)]
        urls = []
    else:
        resources = [_shown(item, group) for item in named for group in groups]
        urls = [] if query.namespaces else [str(url) for url in rule.get("nonResourceURLs") or ()]
    if not verbs or not (resources or urls):
        return None
    names = [str(name) for name in rule.get("resourceNames") or ()]
    return {"verbs": verbs, "resources": resources, "names": names, "urls": urls}


def _groups(asked: Resource, groups: t.Sequence[str], rule: rbac.Rule) -> list[str]:
    """The API groups in which a rule gives a resource that is asked for."""
    if not rbac.covers(rule, asked.name, asked.subresource):
        return []
    if asked.group is None:
        return list(groups)
    return [asked.group] if asked.group in groups or "*" in groups else []


def _told(asked: Resource, group: str) -> str:
    return _shown(f"{asked.name}/{asked.subresource}" if asked.subresource else asked.name, group)


def _shown(resource: str, group: str) -> str:
    return f"{resource}.{group}" if group and (resource, group) != ("*", "*") else resource


# -- showing


def table(rows: t.Sequence[Row], unanswered: t.Mapping[str, str], asked: int) -> list[str]:
    """The lines for people.

    :param unanswered: by the name of a cluster, why it does not answer.
    :param asked: how many clusters were asked.
    """
    lines = [f"Nothing on {asked - len(unanswered)} cluster(s)."]
    if rows:
        lines = aligned([_COLUMNS, *(_cells(row) for row in rows)])
    failed = [f"- {name} did not answer, and may hold more: {reason}" for name, reason in unanswered.items()]
    return [*lines, "", *failed] if failed else lines


def _cells(row: Row) -> tuple[str, ...]:
    subject = str(Subject(**row["subject"]))
    return (row["cluster"], subject, row["namespace"], row["role"], row["binding"], _may(row["rules"]))


def _may(rules: t.Sequence[Row]) -> str:
    if any(item["verbs"] == ["*"] and item["resources"] == ["*"] and not item["names"] for item in rules):
        return "everything"
    merged: dict[tuple[str, ...], list[str]] = {}
    for item in rules:
        only = f" ({', '.join(item['names'])} only)" if item["names"] else ""
        merged.setdefault(tuple(item["verbs"]), []).extend(f"{what}{only}" for what in item["resources"] + item["urls"])
    text = "; ".join(f"{','.join(verbs)}: {', '.join(dict.fromkeys(what))}" for verbs, what in merged.items())
    return text if len(text) <= _WIDE else text[: _WIDE - 4].rstrip(" ,;") + " ..."
