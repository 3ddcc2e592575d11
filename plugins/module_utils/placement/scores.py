# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ranks clusters: OCM's prioritizers, bit by bit as Go computes them. Pure. Private to the collection.

Scores are whole numbers from -100 to 100 and are multiplied by weights, so the order of adding them cannot matter.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .inputs import Inputs, decided, is_own, name_of
from .selection import Misconfigured, Object
from .taints import read_time

STEADY, BALANCE = "Steady", "Balance"
RESOURCES = {"ResourceAllocatableCPU": "cpu", "ResourceAllocatableMemory": "memory"}
BUILT_IN = (STEADY, BALANCE, *RESOURCES)
MODES = ("Additive", "Exact")
HIGHEST = 100


@dataclass(frozen=True)
class Prioritizer:
    """What ranks clusters, and how much it counts.

    :param name: as OCM records it: C(Steady), C(AddOn/<resource>/<score>).
    :param scores: by cluster; a cluster without one is not ranked by it.
    :param notes: by cluster, why a score is not what one expects.
    """

    name: str
    weight: int
    scores: t.Mapping[str, int]
    notes: t.Mapping[str, str]


def prioritizers(clusters: t.Sequence[Object], known: Inputs) -> list[Prioritizer]:
    """The Placement's prioritizers that have a weight, with the scores of these clusters.

    :raises Misconfigured: a prioritizer that OCM does not have.
    """
    policy = (known.placement.get("spec") or {}).get("prioritizerPolicy") or {}
    weights = _weights(policy)
    chosen = [(coordinate, weight) for coordinate, weight in weights if weight]
    for coordinate, _weight in chosen:
        _check(coordinate)
    return [_scored(coordinate, weight, clusters, known) for coordinate, weight in chosen]


def _weights(policy: Object) -> list[tuple[Object, int]]:
    """The coordinates with their weights: of two for one built-in the later counts, those of add-ons add up."""
    mode = policy.get("mode") or MODES[0]
    if mode not in MODES:
        raise Misconfigured(f"{mode!r} is not a mode of prioritizers: {', '.join(MODES)}")
    found: dict[t.Any, tuple[Object, int]] = {}
    if mode == MODES[0]:
        for name in (BALANCE, STEADY):
            found["BuiltIn", name, None] = {"type": "BuiltIn", "builtIn": name}, 1
    for place, item in enumerate(policy.get("configurations") or ()):
        coordinate = item.get("scoreCoordinate")
        if coordinate is None:
            raise Misconfigured("a prioritizer has no scoreCoordinate")
        # OCM tells add-ons' scores apart by where they stand, so that one that is listed twice counts twice.
        apart = place if coordinate.get("addOn") is not None else None
        key = coordinate.get("type") or "", coordinate.get("builtIn") or "", apart
        found[key] = coordinate, int(item.get("weight") or 0)
    return list(found.values())


def _check(coordinate: Object) -> None:
    if coordinate.get("type") == "BuiltIn":
        if coordinate.get("builtIn") not in BUILT_IN:
            name = coordinate.get("builtIn")
            raise Misconfigured(f"{name!r} is not a built-in prioritizer: {', '.join(BUILT_IN)}")
    elif coordinate.get("addOn") is None:
        raise Misconfigured("a prioritizer of an add-on names no add-on")


def _scored(coordinate: Object, weight: int, clusters: t.Sequence[Object], known: Inputs) -> Prioritizer:
    notes: dict[str, str] = {}
    if coordinate.get("type") != "BuiltIn":
        addon = coordinate["addOn"]
        resource, score = addon.get("resourceName") or "", addon.get("scoreName") or ""
        scores = _addon(resource, score, clusters, known, notes)
        return Prioritizer(f"AddOn/{resource}/{score}", weight, scores, notes)
    name = coordinate["builtIn"]
    if name == STEADY:
        scores = _steady(clusters, known)
    elif name == BALANCE:
        scores = _balance(clusters, known)
    else:
        scores = _allocatable(RESOURCES[name], clusters, notes)
    return Prioritizer(name, weight, scores, notes)


def _steady(clusters: t.Sequence[Object], known: Inputs) -> dict[str, int]:
    there = decided(known)
    return {name: HIGHEST if name in there else 0 for name in map(name_of, clusters)}


def _balance(clusters: t.Sequence[Object], known: Inputs) -> dict[str, int]:
    """By how many decisions of other Placements, in all namespaces, name a cluster."""
    counts: dict[str, int] = {}
    for decision in known.decisions:
        if not is_own(decision, known.placement):
            for item in (decision.get("status") or {}).get("decisions") or ():
                name = item.get("clusterName", "")
                counts[name] = counts.get(name, 0) + 1
    most = max(counts.values(), default=0)
    return {
        name: 2 * int(float(HIGHEST) * (0.5 - counts[name] / most)) if name in counts else HIGHEST
        for name in map(name_of, clusters)
    }


def _allocatable(resource: str, clusters: t.Sequence[Object], notes: dict[str, str]) -> dict[str, int]:
    """The cluster with most has 100, the one with least -100; where all have the same, all have 100."""
    amounts: dict[str, float] = {}
    for cluster in clusters:
        name, status = name_of(cluster), cluster.get("status") or {}
        held = {part: (status.get(part) or {}) for part in ("allocatable", "capacity")}
        missing = [part for part in held if resource not in held[part]]
        if missing:
            notes[name] = f"its status tells no {' and no '.join(missing)} {resource}"
        else:
            amounts[name] = approximate(held["allocatable"][resource])
    least, most = min(amounts.values(), default=0.0), max(amounts.values(), default=0.0)
    if most - least == 0:
        return dict.fromkeys(amounts, HIGHEST)
    return {name: int(((amount - least) / (most - least) - 0.5) * 2.0 * 100.0) for name, amount in amounts.items()}


def _addon(
    resource: str, score: str, clusters: t.Sequence[Object], known: Inputs, notes: dict[str, str]
) -> dict[str, int]:
    found = {(item.get("metadata") or {}).get("namespace"): item for item in known.scores if name_of(item) == resource}
    scores = {}
    for name in map(name_of, clusters):
        scores[name] = 0
        if name not in found:
            notes[name] = f"there is no AddOnPlacementScore {resource} of it"
            continue
        status = found[name].get("status") or {}
        until = status.get("validUntil")
        if until is not None and known.now > read_time(until):
            notes[name] = f"the AddOnPlacementScore {resource} of it was valid until {until}"
            continue
        values = [item.get("value") or 0 for item in status.get("scores") or () if item.get("name") == score]
        if values:
            scores[name] = values[-1]
        else:
            notes[name] = f"the AddOnPlacementScore {resource} of it has no score {score}"
    return scores


# -- quantities, as apimachinery's AsApproximateFloat64 has them

_QUANTITY = re.compile(r"([+-]?)0*(\d*)(?:\.(\d*))?([a-zA-Z]*[+-]?\d*)")
_BINARY = {name: 10 * power for power, name in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)}
_DECIMAL = {"": 0, "n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
#: No more than 18 digits are computed with 64 bits, nothing is finer than a thousand-millionth, nothing binary larger.
_DIGITS, _NANO, _LARGEST = 18, -9, 2**63 - 1


def approximate(value: t.Any) -> float:
    """A quantity as the floating-point number that Kubernetes makes of it, to the last bit.

    :raises ValueError: for what is no quantity.
    """
    match = _QUANTITY.fullmatch(str(value).strip())
    if match is None:
        raise ValueError(f"{value!r} is not a quantity")
    sign, whole, fraction, suffix = match.group(1), match.group(2) or "0", match.group(3) or "", match.group(4)
    if suffix in _BINARY:
        number, scale = _binary(whole, fraction, _BINARY[suffix])
    elif suffix in _DECIMAL or suffix[:1] in ("e", "E"):
        exponent = _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])
        number, scale = int(whole + fraction), exponent - len(fraction)
        if len(whole) + len(fraction) > _DIGITS or scale < _NANO:
            number, scale = _rounded(number, scale)
    else:
        raise ValueError(f"{value!r} is not a quantity")
    amount = float(-number if sign == "-" else number)
    return amount * _power(scale) if scale else amount


def _binary(whole: str, fraction: str, exponent: int) -> tuple[int, int]:
    number = int(whole + fraction) << exponent
    fast = not fraction and 15 - len(whole) - exponent * 3 // 10 - 1 >= 0 and number < 2**63
    if fast or not number:
        return number, 0
    number, scale = _rounded(number, -len(fraction))
    return (_LARGEST, 0) if number > _LARGEST * 10**-scale else (number, scale)


def _rounded(number: int, scale: int) -> tuple[int, int]:
    """To the finest scale there is, away from zero."""
    if not number:
        return 0, scale
    if scale >= _NANO:
        return number * 10 ** (scale - _NANO), _NANO
    return -(-number // 10 ** (_NANO - scale)), _NANO


def _power(exponent: int) -> float:
    """Go's math.Pow10: two tables, joined by one multiplication or division."""
    if exponent >= 0:
        return float(f"1e{exponent // 32 * 32}") * float(f"1e{exponent % 32}")
    return float(f"1e-{-exponent // 32 * 32}") / float(f"1e{-exponent % 32}")
