# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a hub's placements come to, as plain data and as lines for people. Pure. Private to the collection."""

from __future__ import annotations

import typing as t

from ..fleet.hub_view import AVAILABLE
from ..kube.wait import condition
from ..output import aligned, printable
from . import score_object
from .evaluate import Evaluation, Verdict
from .inputs import Inputs, is_own, name_of
from .selection import Object
from .taints import spell_time

Data = dict[str, t.Any]
_COLUMNS = ("  CLUSTER", "CHOSEN", "RANK", "SCORE", "WHY")


def on_hub(known: Inputs) -> dict[str, list[str]]:
    """The Placement's decisions as they stand: clusters by the name of the PlacementDecision."""
    return {
        name_of(decision): [
            item.get("clusterName", "") for item in (decision.get("status") or {}).get("decisions") or ()
        ]
        for decision in known.decisions
        if is_own(decision, known.placement)
    }


def difference(known: Inputs, found: Evaluation) -> str:
    """Why the decisions on the hub are not those that OCM will make of what the hub holds now; empty when they are.

    OCM's decisions say not for what they were made. They are settled when deciding again changes nothing.
    """
    if found.idle:
        return ""
    there = on_hub(known)
    if not there:
        return "OCM has decided nothing yet: does its placement controller run on the hub?"
    wanted = found.pages()
    if there != wanted:
        now, then = (sorted(name for names in pages.values() for name in names) for pages in (there, wanted))
        if now == then:
            return "the same clusters are decided in other groups than OCM will make of what the hub holds now"
        return f"OCM has decided {_names(now)}, and of what the hub holds now it will decide {_names(then)}"
    seen = _condition(known.placement)
    if seen != found.reason:
        return f"OCM tells of the Placement {seen or 'nothing yet'}, and of what the hub holds now {found.reason}"
    return ""


def _condition(placement: Object) -> str:
    conditions = (placement.get("status") or {}).get("conditions") or ()
    found: list[str] = [str(item.get("reason")) for item in conditions if item.get("type") == "PlacementSatisfied"]
    return found[0] if found else ""


def _names(names: t.Sequence[str]) -> str:
    return ", ".join(names) or "no cluster"


def as_data(known: Inputs, found: Evaluation, declared: bool) -> Data:
    """One Placement with its decisions and what became of every cluster.

    :param declared: it is one that somebody asks about, and not on the hub.
    """
    metadata = known.placement.get("metadata") or {}
    why = "" if declared else difference(known, found)
    return {
        "name": name_of(known.placement),
        "namespace": str(metadata.get("namespace") or ""),
        "idle": found.idle,
        "misconfigured": found.misconfigured,
        "settled": not why and not declared,
        "difference": why,
        "satisfied": found.satisfied,
        "reason": found.reason,
        "unscheduled": found.unscheduled,
        "decisions": sorted(name for names in on_hub(known).values() for name in names),
        "foretold": sorted(found.chosen),
        "groups": [{"index": one.index, "name": one.name, "clusters": list(one.clusters)} for one in found.groups],
        "clusters": [_cluster(one, found, known) for one in _ordered(found)],
        "looks_again": spell_time(found.look_again) if found.look_again is not None else None,
    }


def _ordered(found: Evaluation) -> list[Verdict]:
    return sorted(found.verdicts.values(), key=lambda one: (one.rank or len(found.verdicts) + 1, one.name))


def _cluster(one: Verdict, found: Evaluation, known: Inputs) -> Data:
    scores = [
        {
            "prioritizer": item.name,
            "weight": item.weight,
            "score": item.scores.get(one.name),
            **_origin(item.name, one.name, known),
        }
        for item in found.prioritizers
        if one.rank is not None
    ]
    return {
        "name": one.name,
        "chosen": one.chosen,
        "stage": one.stage,
        "reasons": list(one.reasons),
        "rank": one.rank,
        "score": one.score,
        "scores": scores,
        "tolerated_until": spell_time(one.until) if one.until is not None else None,
    }


def _origin(prioritizer: str, cluster: str, known: Inputs) -> Data:
    """Of an add-on's score what was measured and since when it is so, and since when nobody measures it any more."""
    kind, _slash, rest = prioritizer.partition("/")
    if kind != "AddOn":
        return {}
    resource, _slash, score = rest.partition("/")
    measured, since = score_object.told(known.scores, resource, cluster, score)
    if not since:
        return {}
    record: Object = next((item for item in known.clusters if name_of(item) == cluster), {})
    seen = condition(record, AVAILABLE)
    lost = None if seen.get("status", "True") == "True" else seen.get("lastTransitionTime")
    return {"measured": measured, "since": since, "not_measured_since": lost}


def problems(items: t.Sequence[Data]) -> list[str]:
    """What an operator should look at, a line each."""
    found = []
    for item in items:
        name = item["name"]
        if item["idle"]:
            found.append(f"{name}: OCM leaves it alone: {item['idle']}")
        elif item["misconfigured"]:
            found.append(f"{name}: OCM refuses it, and decides for no cluster: {item['misconfigured']}")
        elif not item["satisfied"]:
            lacking = f", {item['unscheduled']} clusters are missing" if item["unscheduled"] > 0 else ""
            found.append(f"{name}: is not satisfied: {item['reason']}{lacking}")
        if item["difference"]:
            found.append(f"{name}: is not settled: {item['difference']}")
    return found


def table(items: t.Sequence[Data]) -> list[str]:
    """The lines for people: what is decided, and of every cluster why."""
    lines = [] if items else ["The hub holds no such placement."]
    for item in items:
        state = "left alone" if item["idle"] else "refused" if item["misconfigured"] else item["reason"]
        lines.append(printable(f"{item['name']}: {_names(item['decisions'] or item['foretold'])} ({state})"))
        if item["clusters"]:
            lines += aligned([_COLUMNS, *map(_row, item["clusters"])])
        lines.append("")
    return lines + [f"- {printable(line)}" for line in problems(items)]


def _row(item: Data) -> tuple[str, ...]:
    weighed = ", ".join(_weighed(one) for one in item["scores"] if one["score"] is not None)
    until = [f"tolerated until {item['tolerated_until']}"] if item["tolerated_until"] else []
    why = "; ".join([*item["reasons"], *until, *filter(None, [weighed])])
    stage = f"{item['stage']}: " if item["stage"] else ""
    return (
        f"  {item['name']}",
        "yes" if item["chosen"] else "no",
        "" if item["rank"] is None else str(item["rank"]),
        "" if item["score"] is None else str(item["score"]),
        stage + why,
    )


def _weighed(score: Data) -> str:
    text = f"{score['prioritizer']} {score['score']} x {score['weight']}"
    if not score.get("since"):
        return text
    lost = f", not measured since {score['not_measured_since']}" if score["not_measured_since"] else ""
    return f"{text} ({score['measured']}, since {score['since']}{lost})"
