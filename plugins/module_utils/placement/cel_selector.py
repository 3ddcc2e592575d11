# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CEL expressions of Placements. Pure. Private to the collection.

They are judged by the collection's own evaluator; what that does not know is never guessed.
"""

from __future__ import annotations

import functools
import typing as t

from ..policy.cel import evaluate as cel
from ..policy.cel.functions import EvaluationError
from ..policy.cel.parse import Unsupported
from .selection import Object


class Unknown(Exception):
    """An expression that cannot be judged here, though OCM may."""


def compiled(expressions: t.Iterable[str]) -> list[tuple[str, cel.Evaluate]]:
    """The expressions with what evaluates them.

    :raises Unknown: one of them uses what the collection's evaluator does not know.
    """
    return [(text, _compiled(text)) for text in expressions]


@functools.lru_cache(maxsize=512)
def _compiled(text: str) -> cel.Evaluate:
    try:
        return cel.compiled(text)
    except Unsupported as exc:
        raise Unknown(f"the CEL expression {text!r} cannot be judged here: {exc}") from exc


def first_unmet(expressions: t.Sequence[tuple[str, cel.Evaluate]], cluster: Object) -> str:
    """The expression that is not true for the cluster, and why; empty where all are. One that fails is not true."""
    for text, evaluate in expressions:
        try:
            value = evaluate({"managedCluster": _view(cluster)})
        except EvaluationError as exc:
            return f"the expression {text!r} fails: {exc}"
        if value is not True:
            return f"the expression {text!r} is {'false' if value is False else 'no boolean'}"
    return ""


def _view(cluster: Object) -> dict[str, t.Any]:
    """The cluster as OCM's typed object shows it: what is always there, is there, and amounts are text."""
    status = {"conditions": None, "version": {}, **(cluster.get("status") or {})}
    for part in ("allocatable", "capacity"):
        if part in status:
            status[part] = {name: str(amount) for name, amount in (status[part] or {}).items()}
    return {
        "metadata": dict(cluster.get("metadata") or {}),
        "spec": {"hubAcceptsClient": False, **(cluster.get("spec") or {})},
        "status": status,
    }
