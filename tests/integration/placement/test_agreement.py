# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our evaluation of a Placement says in every case what OCM's own controller decides, ranks, filters and reports."""

from __future__ import annotations

import datetime
import typing as t
from collections import Counter
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.placement import taints
from ansible_collections.lodestar.platform.plugins.module_utils.placement.evaluate import (
    OUTSIDE,
    PREDICATE,
    Evaluation,
    evaluate,
)
from ansible_collections.lodestar.platform.plugins.module_utils.placement.inputs import Inputs

from ...conftest import Bar
from . import cases
from .oracle import answers, program, program_path

Object = dict[str, t.Any]
PARTS = ("placement", "clusters", "sets", "bindings", "scores", "decisions")


def evaluated(case: Object) -> Evaluation:
    """Our word on a case."""
    now = taints.nanoseconds(datetime.datetime.fromisoformat(case["now"]))
    return evaluate(Inputs(**{part: case[part] for part in PARTS}, now=now))


def pages(found: t.Sequence[Object] | None) -> dict[str, list[str]]:
    """Clusters by the name of the PlacementDecision."""
    return {
        item["metadata"]["name"]: [one["clusterName"] for one in item["status"].get("decisions") or ()]
        for item in found or ()
    }


def own(case: Object) -> list[Object]:
    """The decisions of the case's Placement as they stood."""
    metadata = case["placement"]["metadata"]
    return [
        item
        for item in case["decisions"]
        if item["metadata"]["namespace"] == metadata["namespace"]
        and item["metadata"]["labels"][cases.PLACEMENT_LABEL] == metadata["name"]
    ]


def theirs_and_ours(case: Object, theirs: Object, ours: Evaluation) -> dict[str, tuple[t.Any, t.Any]]:
    """All that is compared, by name."""
    status = theirs["status"]
    if ours.idle:
        return {
            "decisions": (pages(theirs["decisions"]), pages(own(case))),
            "status": (status.get("conditions") or [], []),
        }
    conditions = {item["type"]: item for item in status["conditions"]}
    satisfied = conditions["PlacementSatisfied"]
    found = {
        "decisions": (pages(theirs["decisions"]), ours.pages()),
        "groups": (
            [(g["decisionGroupIndex"], g["decisionGroupName"], g["decisions"], g["clusterCount"])
             for g in status["decisionGroups"]],
            [(g.index, g.name, list(g.pages), len(g.clusters)) for g in ours.groups],
        ),
        "satisfied": ((satisfied["reason"], satisfied["status"]), (ours.reason, str(ours.satisfied))),
        "misconfigured": (conditions["PlacementMisconfigured"]["status"], str(bool(ours.misconfigured))),
    }  # fmt: skip
    if ours.prioritizers or ours.ranked:
        found |= ranking(theirs, ours)
    return found


def ranking(theirs: Object, ours: Evaluation) -> dict[str, tuple[t.Any, t.Any]]:
    """How the decisions came about."""
    verdicts = ours.verdicts.values()
    kept = {one.name for one in verdicts if one.stage != OUTSIDE}
    stages = {item["name"]: set(item["filteredClusters"]) for item in theirs["filters"]}
    chosen = len(theirs["ranked"] or ())
    return {
        "predicates": (stages["Predicate"], kept - {one.name for one in verdicts if one.stage == PREDICATE}),
        "taints": (stages["Predicate,TaintToleration"], {one.name for one in verdicts if one.rank}),
        "chosen": (theirs["ranked"] or [], list(ours.ranked[:chosen])),
        "chosen by cluster": (set(theirs["ranked"] or ()), {one.name for one in verdicts if one.chosen}),
        "totals": (theirs["scores"], {one.name: one.score for one in verdicts if one.rank}),
        "scores": (
            sorted((item["name"], item["weight"], sorted(item["scores"].items())) for item in theirs["prioritizers"]),
            sorted((item.name, item.weight, sorted(item.scores.items())) for item in ours.prioritizers),
        ),
        "look again": (theirs.get("lookAgain") or None, ours.look_again and taints.spell_time(ours.look_again)),
    }


def disagreements(seeds: t.Iterable[int], oracle: Path) -> tuple[list[str], Counter[str]]:
    """What differs, by case, and what kinds of cases there were."""
    made = {seed: cases.Maker(seed, wild=seed % 2 == 0).case() for seed in seeds}
    found, kinds = [], Counter[str]()
    for (seed, case), theirs in zip(made.items(), answers(made.values(), oracle), strict=True):
        ours = evaluated(case)
        kinds["idle" if ours.idle else "misconfigured" if ours.misconfigured else ours.reason] += 1
        kinds["more than one page"] += any(len(group.pages) > 1 for group in ours.groups)
        kinds.update({one.stage for one in ours.verdicts.values() if one.stage})
        found += [
            f"case {seed}: {name}: OCM {left!r}, we {right!r}"
            for name, (left, right) in theirs_and_ours(case, theirs, ours).items()
            if left != right
        ]
    return found, kinds


#: Each of these must have come up, or the cases prove little.
KINDS = {"idle", "misconfigured", "AllDecisionsScheduled", "NotAllDecisionsScheduled", "NoManagedClusterMatched",
         "NoManagedClusterSetBindings", "NoIntersection", "ClusterSet", "Predicate", "TaintToleration",
         "NumberOfClusters"}  # fmt: skip


@pytest.mark.timeout(1800)
@pytest.mark.full
def test_we_agree_with_ocm_in_every_random_case(bar: Bar) -> None:
    found, kinds = disagreements(range(5000), program())
    assert not found, "\n".join(found[:20])
    assert set(kinds) >= KINDS, kinds
    assert kinds["more than one page"]
    bar("placement: decisions foretold as OCM's scheduler makes them, of 5,000 random cases", "5,000")


def test_we_agree_with_ocm_in_some_cases() -> None:
    if not program_path().exists():
        pytest.skip("OCM's controller is not built yet, which takes minutes: make test-full does")
    found, _kinds = disagreements(range(5000, 5200), program_path())
    assert not found, "\n".join(found[:20])
