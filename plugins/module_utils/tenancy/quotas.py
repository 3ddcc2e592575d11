# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quotas and limits of a namespace, read from plain data. Pure. Private to the collection."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ..declaration import Reader
from ..kube.quantity import parse

#: Resource name -> quantity, as text.
Quantities: t.TypeAlias = dict[str, str]

LIMIT_KEYS = ("default", "default_request", "max", "min")

_QUOTA_KEY = re.compile(
    r"cpu|memory|ephemeral-storage|pods|services(\.loadbalancers|\.nodeports)?|persistentvolumeclaims|secrets|configmaps"
    r"|replicationcontrollers|resourcequotas|(requests|limits)\.(cpu|memory|ephemeral-storage)|requests\.storage"
    r"|(requests\.)?hugepages-[0-9]+[KMGT]i|requests\.[a-z0-9.-]+/[A-Za-z0-9._-]+|count/[a-z0-9.-]+"
    r"|[a-z0-9.-]+\.storageclass\.storage\.k8s\.io/(requests\.storage|persistentvolumeclaims)"
)
_LIMIT_RESOURCE = re.compile(r"cpu|memory|ephemeral-storage")


@dataclass(frozen=True)
class Limits:
    """What a container gets that says nothing, and what it may ask for at most and at least."""

    default: Quantities = field(default_factory=dict)
    default_request: Quantities = field(default_factory=dict)
    max: Quantities = field(default_factory=dict)
    min: Quantities = field(default_factory=dict)


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
