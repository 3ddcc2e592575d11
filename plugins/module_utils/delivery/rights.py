# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether our identity may write a delivery on a cluster, told before anything is written. Pure.

Private to the collection.
"""

from __future__ import annotations

import typing as t

from ..errors import Problem
from ..fleet.access import MANAGE, rules_of
from ..fleet.inventory_grants import FORBIDDEN_GROUPS, FORBIDDEN_RESOURCES
from ..kube.client import Client
from ..kube.errors import UnknownKind

Object = t.Mapping[str, t.Any]


def kinds_of(client: Client, objects: t.Iterable[Object]) -> set[tuple[str, str]]:
    """The (group, plural) of objects; what the cluster does not serve is left to others to say."""
    found = set()
    for api_version, kind in {(obj["apiVersion"], obj["kind"]) for obj in objects}:
        try:
            resource = client.resource(api_version, kind)
        except UnknownKind:
            continue
        found.add((resource.group, resource.plural))
    return found


#: The (group, plural) of the kinds that an identity may manage wherever they are.
Held = frozenset[tuple[str, str]]


def held(role: str, grants: t.Mapping[str, t.Sequence[str]]) -> Held:
    """What an identity may manage.

    :param role: the tier, or C(hub).
    """
    verbs: dict[tuple[str, str], set[str]] = {}
    for rule in rules_of(role, grants):
        if rule.get("resourceNames"):
            continue
        for group in rule["apiGroups"]:
            for plural in rule["resources"]:
                verbs.setdefault((group, plural), set()).update(rule["verbs"])
    return frozenset(kind for kind, some in verbs.items() if set(MANAGE) <= some)


def lacking(kinds: t.Iterable[tuple[str, str]], there: Held) -> list[str]:
    """The kinds, C(plural) or C(plural.group), that an identity may not manage."""
    return sorted(_spelt(*kind) for kind in kinds if kind not in there)


def never(kinds: t.Iterable[tuple[str, str]]) -> list[str]:
    """The kinds, C(plural.group), that decide about rights, admission or APIs: no delivery of an operator brings them,
    whatever our identity holds of them for the platform's own sets.
    """
    return sorted(_spelt(group, plural) for group, plural in kinds if group in FORBIDDEN_GROUPS)


def problem(name: str, cluster: str, kinds: t.Sequence[str], declared: bool) -> Problem:
    """What to do about kinds that may not be managed.

    :param name: of the delivery.
    :param declared: the rights are declared, and were not given yet.
    """
    key, shown = f"deliveries[{name}] on {cluster}", ", ".join(kinds)
    if declared:
        reason = "the rights to manage these kinds are declared, and our identity does not have them there yet"
        return Problem(key, shown, reason, "Run lodestar.platform.attach, or site for a created cluster, first")
    reason = "our identity may not manage these kinds there"
    never = [kind for kind in kinds if not _grantable(kind)]
    if never:
        remedy = f"No grant can give {', '.join(never)}, which decide about more than namespaces: leave them out"
        return Problem(key, shown, reason, remedy)
    remedy = f"Add to {cluster}: cluster_access: {{grants: {{resources: [{shown}]}}}}, and run attach or site"
    return Problem(key, shown, reason, remedy)


def _grantable(kind: str) -> bool:
    plural, _dot, group = kind.partition(".")
    return group not in FORBIDDEN_GROUPS and (bool(group) or plural not in FORBIDDEN_RESOURCES)


def _spelt(group: str, plural: str) -> str:
    return f"{plural}.{group}" if group else plural
