# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scores of a cluster as OCM reads them: an AddOnPlacementScore in the cluster's namespace. Pure.

There is no C(validUntil). It would have to be written anew in every run, and a score that has ended counts 0, which is
better than a bad one. That a cluster is not measured any more is told by its taints and by the conditions of its
record. For each score a condition says what was measured when it was written, and when that was. Private to the
collection.
"""

from __future__ import annotations

import typing as t

from ..fleet.identity import CLUSTER_LABEL
from .measure import Value, step_of
from .quantise import quantised
from .selection import Object

SCORE_API = "cluster.open-cluster-management.io/v1alpha1"
KIND = "AddOnPlacementScore"
#: C(resourceName) of a prioritizer that ranks by these scores.
NAME = "lodestar"
RECORD_LABEL, RECORD = "lodestar.platform/record", "scores"
_MEASURED, _LEFT_OUT = "Measured", "NotMeasured"


def is_ours(found: Object) -> bool:
    """True for an object that we have made."""
    return ((found.get("metadata") or {}).get("labels") or {}).get(RECORD_LABEL) == RECORD


def render(cluster: str) -> dict[str, t.Any]:
    """The object without its scores."""
    labels = {RECORD_LABEL: RECORD, CLUSTER_LABEL: cluster}
    metadata = {"name": NAME, "namespace": cluster, "labels": labels}
    return {"apiVersion": SCORE_API, "kind": KIND, "metadata": metadata}


def values_of(found: Object | None) -> dict[str, int]:
    """The scores that stand in an object, by name."""
    scores = ((found or {}).get("status") or {}).get("scores") or ()
    return {str(item.get("name")): int(item.get("value") or 0) for item in scores}


def condition_of(found: Object | None, score: str) -> Object:
    """What an object says of one of its scores: C(message) and C(lastTransitionTime); empty where it says nothing."""
    conditions = ((found or {}).get("status") or {}).get("conditions") or ()
    return next((item for item in conditions if item.get("type") == score), {})


def told(scores: t.Iterable[Object], resource: str, cluster: str, score: str) -> tuple[str, str]:
    """What was measured of a cluster when one of its scores was written, and when; empty where nobody says it.

    :param scores: AddOnPlacementScores, of whomever.
    :param resource: the name of the one that is meant.
    """
    for item in scores:
        metadata = item.get("metadata") or {}
        if (metadata.get("namespace"), metadata.get("name")) == (cluster, resource):
            found = condition_of(item, score)
            return str(found.get("message") or ""), str(found.get("lastTransitionTime") or "")
    return "", ""


def status(
    found: Object | None,
    measured: t.Mapping[str, Value],
    left_out: t.Mapping[str, str],
    kept: t.Collection[str],
    now: str,
) -> dict[str, t.Any] | None:
    """The status that the object is to have; None where it has it already.

    :param found: the object as it is.
    :param measured: the scores of this look; C(left_out), by score that cannot be had, why.
    :param kept: scores that could not be seen this time, and stay as they are.
    :param now: RFC 3339.
    """
    before = values_of(found)
    after = {name: quantised(before.get(name), value.score, step_of(name)) for name, value in measured.items()}
    after |= {name: before[name] for name in kept if name in before and name not in after}
    conditions = []
    for name in sorted({*after, *left_out}):
        old = condition_of(found, name)
        if name in after and old.get("status") == "True" and before.get(name) == after[name]:
            conditions.append(dict(old))
        elif name in measured:
            conditions.append(_condition(name, "True", _MEASURED, measured[name].text, now))
        elif name in after:
            conditions.append(dict(old) or _condition(name, "True", _MEASURED, "", now))
        else:
            conditions.append(dict(old) if old.get("status") == "Unknown" else _left_out(name, left_out[name], now))
    wanted = {"scores": [{"name": key, "value": after[key]} for key in sorted(after)], "conditions": conditions}
    return None if _same(wanted, (found or {}).get("status") or {}) else wanted


def _left_out(name: str, why: str, now: str) -> dict[str, t.Any]:
    return _condition(name, "Unknown", _LEFT_OUT, why, now)


def _condition(name: str, state: str, reason: str, message: str, now: str) -> dict[str, t.Any]:
    return {"type": name, "status": state, "reason": reason, "message": message, "lastTransitionTime": now}


def _same(wanted: Object, there: Object) -> bool:
    """True when nothing of this is to be written, in whatever order it stands."""
    pairs = (("scores", "name"), ("conditions", "type"))
    return all(
        {item[key]: item for item in wanted[part]} == {item.get(key): item for item in there.get(part) or ()}
        for part, key in pairs
    )
