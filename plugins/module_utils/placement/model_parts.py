# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of a declared placement; see model.py. Pure. Private to the collection."""

from __future__ import annotations

import re
import typing as t

from ..declaration import Reader, is_label_key
from ..fleet import cluster_choice
from . import cel_selector
from .scores import BUILT_IN, MODES, STEADY
from .selection import Misconfigured, requirements

_EFFECTS = ("NoSelect", "PreferNoSelect", "NoSelectIfNew")
_OPERATORS = ("Equal", "Exists")
_TYPES = ("BuiltIn", "AddOn")
#: Go's durations end here.
_LONGEST = 9223372036
_GROUP = re.compile(r"[a-zA-Z0-9][-A-Za-z0-9_.]{0,61}[a-zA-Z0-9]")
_SHARE = re.compile(r"(100|[1-9][0-9]?)%")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_SCORE = re.compile(r"\S+")
_TEXT = re.compile(r"[^\x00-\x1f\x7f]*")


def whole(value: t.Any, reader: Reader, key: str, least: int, most: int, remedy: str) -> int:
    """A whole number within bounds."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    reader.problem(key, value, f"is not a whole number from {least} to {most}", remedy)
    return least


def predicates(value: t.Any, reader: Reader, key: str) -> list[dict[str, t.Any]]:
    """C(predicates): a cluster fits one of them. An empty selector fits every cluster."""
    found = []
    for place, entry in enumerate(reader.sequence(value, key)):
        where = f"{key}[{place}].requiredClusterSelector"
        item = reader.mapping(entry, f"{key}[{place}]", ("requiredClusterSelector",))
        wanted = reader.mapping(
            item.get("requiredClusterSelector"), where, ("labelSelector", "claimSelector", "celSelector")
        )
        _selectors(wanted, reader, where)
        cel = reader.mapping(wanted.get("celSelector"), f"{where}.celSelector", ("celExpressions",))
        _expressions(cel.get("celExpressions"), reader, f"{where}.celSelector.celExpressions")
        found.append({"requiredClusterSelector": wanted})
    return found


def _selectors(wanted: t.Mapping[str, t.Any], reader: Reader, key: str) -> None:
    _selector(wanted.get("labelSelector"), reader, f"{key}.labelSelector", ("matchLabels", "matchExpressions"))
    _selector(wanted.get("claimSelector"), reader, f"{key}.claimSelector", ("matchExpressions",))


def _selector(value: t.Any, reader: Reader, key: str, allowed: t.Sequence[str]) -> None:
    before = len(reader.problems)
    selector = reader.mapping(value, key, allowed)
    if len(reader.problems) == before:
        cluster_choice.check_selector(selector, reader, key)
    if len(reader.problems) > before or not isinstance(value, dict):
        return
    try:
        requirements(selector)
    except (Misconfigured, TypeError) as exc:
        remedy = "write keys and values as labels have them; other claims can be compared in CEL only"
        reader.problem(key, value, f"is refused by OCM: {exc}", remedy)


def _expressions(value: t.Any, reader: Reader, key: str) -> None:
    for place, text in enumerate(reader.sequence(value, key)):
        where = f"{key}[{place}]"
        if not isinstance(text, str) or not text.strip():
            reader.problem(where, text, "is no CEL expression", "write one about managedCluster, as text")
            continue
        try:
            cel_selector.compiled([text])
        except cel_selector.Unknown as exc:
            remedy = "correct it, or select by labels and claims; what cannot be judged here cannot be waited for"
            reader.problem(where, text, str(exc), remedy)


def prioritizer_policy(value: t.Any, reader: Reader, key: str) -> dict[str, t.Any]:
    """C(prioritizerPolicy), with types and weights written out."""
    policy = reader.mapping(value, key, ("mode", "configurations"))
    found: dict[str, t.Any] = {}
    if "mode" in policy:
        found["mode"] = reader.choice(policy["mode"], f"{key}.mode", MODES)
    configurations, seen = [], set()
    for place, entry in enumerate(reader.sequence(policy.get("configurations"), f"{key}.configurations")):
        where = f"{key}.configurations[{place}]"
        item = reader.mapping(entry, where, ("scoreCoordinate", "weight"))
        coordinate = _coordinate(item.get("scoreCoordinate"), reader, f"{where}.scoreCoordinate")
        name = str(coordinate.get("builtIn") or coordinate.get("addOn"))
        remedy = "write a whole number; one below 0 turns the order around"
        weight = whole(item.get("weight", 1), reader, f"{where}.weight", -10, 10, remedy)
        if name == STEADY and weight < 0:
            reason = "would move the decisions at every look, without end"
            reader.problem(f"{where}.weight", weight, reason, "write 0 or more")
        if name in seen:
            reader.problem(f"{where}.scoreCoordinate", coordinate, "is listed twice", "list it once, with its weight")
        seen.add(name)
        configurations.append({"scoreCoordinate": coordinate, "weight": weight})
    if configurations:
        found["configurations"] = configurations
    return found


def _coordinate(value: t.Any, reader: Reader, key: str) -> dict[str, t.Any]:
    if value is None:
        reader.problem(key, value, "is missing", "write builtIn, or type: AddOn and addOn")
        return {}
    item = reader.mapping(value, key, ("type", "builtIn", "addOn"))
    kind = reader.choice(item.get("type", _TYPES[0]), f"{key}.type", _TYPES)
    other = "addOn" if kind == _TYPES[0] else "builtIn"
    if other in item:
        reader.problem(f"{key}.{other}", item[other], f"means nothing for the type {kind}", "remove it, or the type")
    if kind == _TYPES[0]:
        return {"type": kind, "builtIn": reader.choice(item.get("builtIn"), f"{key}.builtIn", BUILT_IN)}
    where = f"{key}.addOn"
    addon = reader.mapping(item.get("addOn"), where, ("resourceName", "scoreName"))
    resource = reader.text(
        addon.get("resourceName"), f"{where}.resourceName", _NAME, "it is the name of AddOnPlacementScores"
    )
    score = reader.text(
        addon.get("scoreName"), f"{where}.scoreName", _SCORE, "it is the name of a score, without blanks"
    )
    return {"type": kind, "addOn": {"resourceName": resource, "scoreName": score}}


def tolerations(value: t.Any, reader: Reader, key: str) -> list[dict[str, t.Any]]:
    """C(tolerations), each of which OCM takes."""
    found = []
    for place, entry in enumerate(reader.sequence(value, key)):
        where = f"{key}[{place}]"
        item = reader.mapping(entry, where, ("key", "operator", "value", "effect", "tolerationSeconds"))
        operator = reader.choice(item.get("operator", _OPERATORS[0]), f"{where}.operator", _OPERATORS)
        name = item.get("key", "")
        if not isinstance(name, str) or (name and not is_label_key(name)):
            reader.problem(f"{where}.key", name, "is not the key of a taint", "write it as name or example.org/name")
        elif not name and operator != "Exists":
            reader.problem(where, item, "tolerates no taint: it has no key", "name the key, or write operator: Exists")
        content = reader.text(item.get("value", ""), f"{where}.value", _TEXT, "it is one line of text", 1024)
        if content and operator == "Exists":
            reader.problem(f"{where}.value", content, "means nothing for the operator Exists", "remove one of them")
        if "effect" in item:
            reader.choice(item["effect"], f"{where}.effect", _EFFECTS)
        if item.get("tolerationSeconds") is not None:
            remedy = "leave it away to tolerate the taint for good"
            whole(item["tolerationSeconds"], reader, f"{where}.tolerationSeconds", 0, _LONGEST, remedy)
        found.append({**item, "operator": operator})
    return found


def decision_strategy(value: t.Any, reader: Reader, key: str) -> dict[str, t.Any]:
    """C(decisionStrategy): how decided clusters are divided into groups."""
    strategy = reader.mapping(value, key, ("groupStrategy",))
    where = f"{key}.groupStrategy"
    groups = reader.mapping(strategy.get("groupStrategy"), where, ("decisionGroups", "clustersPerDecisionGroup"))
    length = groups.get("clustersPerDecisionGroup", "100%")
    number = isinstance(length, int) and not isinstance(length, bool) and length > 0
    if not number and not (isinstance(length, str) and _SHARE.fullmatch(length)):
        reason = "is neither a number of clusters from 1 nor a share from 1% to 100%"
        reader.problem(f"{where}.clustersPerDecisionGroup", length, reason, 'write such as 5, or "25%"')
    seen: set[str] = set()
    for place, entry in enumerate(reader.sequence(groups.get("decisionGroups"), f"{where}.decisionGroups")):
        at = f"{where}.decisionGroups[{place}]"
        item = reader.mapping(entry, at, ("groupName", "groupClusterSelector"))
        rule = (
            "a group's name has 2 to 63 letters, digits, '-', '_' and '.', and begins and ends with a letter or digit"
        )
        name = reader.text(item.get("groupName"), f"{at}.groupName", _GROUP, rule, 63)
        if name and name in seen:
            reader.problem(f"{at}.groupName", name, "is the name of two groups", "give each its own name")
        seen.add(name)
        selector = reader.mapping(
            item.get("groupClusterSelector"), f"{at}.groupClusterSelector", ("labelSelector", "claimSelector")
        )
        _selectors(selector, reader, f"{at}.groupClusterSelector")
    return {"groupStrategy": groups} if groups else {}
