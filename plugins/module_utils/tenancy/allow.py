# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a tenant's pods, claims and Ingresses may name: lists that stand on its namespaces.

Pure. Private to the collection.
"""

from __future__ import annotations

import re
import typing as t

from ..declaration import DNS_SUBDOMAIN, Reader
from ..kube.image_names import REGISTRY, canonical

#: An annotation of namespaces for each list; members cannot change it, since they may not write namespaces.
PREFIX = "allow.lodestar.platform/"
_REGISTRY_RULE = (
    "a registry is a host with a dot or a port, or localhost, and optionally a path: reg.example.org, reg:5000/team"
)
_CLASS_RULE = "the name of such a class is a DNS subdomain"
_HOST_RULE = "the end of host names, without a leading dot: apps.example.org"
#: What can be limited: pattern and rule of its items.
LISTS: dict[str, tuple[re.Pattern[str], str]] = {
    "registries": (REGISTRY, _REGISTRY_RULE),
    "storage_classes": (DNS_SUBDOMAIN, _CLASS_RULE),
    "priority_classes": (DNS_SUBDOMAIN, _CLASS_RULE),
    "ingress_classes": (DNS_SUBDOMAIN, _CLASS_RULE),
    "host_suffixes": (DNS_SUBDOMAIN, _HOST_RULE),
}
#: Without one of these nothing at all could run, or be reached.
_NEVER_EMPTY = ("registries", "host_suffixes")
_LONGEST = 100

#: List -> its items; one that is not there limits nothing.
Allow: t.TypeAlias = dict[str, tuple[str, ...]]


def read(value: t.Any, reader: Reader, key: str) -> Allow:
    """The key C(allow) of a tenant."""
    declared = reader.mapping(value, key, LISTS)
    found: Allow = {}
    for name, (pattern, rule) in LISTS.items():
        if name not in declared:
            continue
        where = f"{key}.{name}"
        items = reader.texts(declared[name], where, pattern, rule)
        if name in _NEVER_EMPTY and not items:
            reader.problem(where, declared[name], "an empty list would refuse everything", "list some, or remove it")
        if len(items) > _LONGEST:
            reason = f"has {len(items)} items, more than the {_LONGEST} that every request is compared with"
            reader.problem(where, len(items), reason, "shorten it")
        found[name] = tuple(sorted({canonical(item) if name == "registries" else item for item in items}))
    return found


def annotation(name: str) -> str:
    """The annotation of namespaces that holds a list: C(allow.lodestar.platform/storage-classes)."""
    return PREFIX + name.replace("_", "-")


def notes(allow: Allow) -> dict[str, str]:
    """What stands on each namespace of a tenant."""
    return {annotation(name): ",".join(items) for name, items in allow.items()}
