# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From declared objects to the steps that make a cluster hold them, and nothing else of their set.

Unchanged objects cost one LIST a kind and no write. Private to the collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..errors import InvalidInput, Problem, Refused
from ..plan import Step
from . import ledger
from .adopt import ALL
from .applyset import ApplySet, kind_of, kinds_of, namespaces_of, recorded, set_of
from .client import MANAGER, Client
from .desired import declared_resources, key_of, normalise, scope_problem
from .diff import covers
from .errors import UnknownKind
from .ignore import Rule, without_ignored
from .legacy import Legacy
from .observed import Key, Observed, observe
from .ownership import deviations, fields_of, managers, told
from .resources import describe, object_id
from .steps import (
    CLOSING_WAVE,
    PARENT_WAVE,
    changes_immutable,
    create_step,
    end_step,
    plain_step,
    update_step,
)

__all__ = ["ApplySet", "plan_objects"]

Object = dict[str, t.Any]
#: So many deletions are never too much for ``prune_limit``, less one.
FEW = 5


def plan_objects(
    client: Client,
    desired: t.Iterable[Object],
    *,
    applyset: ApplySet,
    target: str,
    adopt: t.Collection[str] = (),
    prune: bool = True,
    prune_all: bool = False,
    prune_limit: int = 100,
    ignore: t.Sequence[Rule] = (),
    claim: t.Callable[[Object], bool] = lambda obj: False,
    keep: t.Callable[[Object], bool] = lambda obj: False,
    heir_of: t.Sequence[ApplySet] = (),
) -> list[Step]:
    """The steps that make the cluster hold ``desired`` as the members of ``applyset``. Reads only, as much as
    :func:`observed.observe` does. Callers carry the steps out with C(Plan(parallel=client.at_once)).

    :param desired: whole objects. ``target`` is the cluster's name, for the steps.
    :param adopt: kinds of which objects that exist and are not of this set are taken over, or C(all). What that
        replaces is kept in the parent, and put back instead of deleting the object when it is no longer declared.
    :param prune: delete members that are no longer declared, all of them only with ``prune_all``.
    :param prune_limit: refuse to delete a larger part of the members, in percent, when it is more than a few.
    :param ignore: fields that are left to others once somebody else holds them.
    :param claim: says of a declared object that it is ours by its place, whoever made it or declares its fields.
    :param keep: says of a member that is no longer declared that it stays, until its heir takes it.
    :param heir_of: our sets whose members are taken over where they are declared, as they stand.
    :raises InvalidInput: an object is malformed, or its kind is unknown to a group that the cluster serves.
    :raises Refused: it would take what is of others, or prune too much; with the ``conflicts`` and ``withheld`` steps.
    """
    objects = _members(client, applyset, desired)
    observed = observe(client, objects, applyset)
    legacies = {one.id: Legacy(client, one) for one in heir_of}
    decision = _Decision(client, observed, applyset, target, adopt, ledger.entries(observed.parent), ignore, legacies)
    found = [decision.step(obj, claim(obj)) for obj in objects]
    kept, doomed = _undeclared(objects, observed, keep if prune else lambda obj: True)
    if objects or not prune_all:
        decision.refusals += _too_few_left(doomed, observed, applyset, prune_limit if objects else None)
    steps = _accepted(decision, [*filter(None, found), *map(decision.end, doomed)])
    return _parent_steps(decision, objects + kept) + steps + decision.closing()


def _too_few_left(doomed: t.Sequence[Object], observed: Observed, applyset: ApplySet, limit: int | None) -> list[str]:
    """The refusal to delete all members, or too many of them.

    :param limit: percent of the members; None when nothing is declared.
    """
    named = ", ".join(describe(obj) for obj in doomed[:5])
    if doomed and limit is None:
        return [
            f"nothing is declared, and all {len(doomed)} object(s) of the set {applyset.name} would be deleted "
            f"({named}): allow this with prune_all"
        ]
    if limit is None or len(doomed) < FEW or len(doomed) * 100 <= len(observed.members) * limit:
        return []
    return [
        f"{len(doomed)} of the {len(observed.members)} objects of the set {applyset.name} are no longer declared and "
        f"would be deleted ({named}, ...), which is more than {limit} %: declare them again, or allow it with a larger "
        "prune_limit"
    ]


def _members(client: Client, applyset: ApplySet, desired: t.Iterable[Object]) -> list[Object]:
    """The declared objects as members, of kinds that the cluster serves or will serve."""
    objects = normalise(desired).members(applyset)
    client.learn(declared_resources(objects))
    _check_kinds(client, objects)
    return objects


def _accepted(decision: _Decision, steps: list[Step]) -> list[Step]:
    """The steps, if nothing refuses them.

    :raises Refused: something does.
    """
    refusals = decision.refusals
    if refusals:
        listed = "\n".join(f"- {line}" for line in refusals)
        raise Refused(
            f"{len(refusals)} refusal(s) on {decision.target}, nothing was changed:\n{listed}",
            refusals=refusals,
            conflicts=decision.conflicts,
            withheld=[step.as_dict() for step in steps],
        )
    return steps


def _check_kinds(client: Client, objects: t.Sequence[Object]) -> None:
    """Refuses misspelt kinds. A group that is not served at all may come with a CRD before the objects are applied."""
    problems: dict[str, Problem] = {}
    for obj in objects:
        api_version, kind = obj["apiVersion"], obj["kind"]
        try:
            problem = scope_problem(obj, client.resource(api_version, kind))
        except UnknownKind:
            served = client.served(api_version)
            problem = None
            if served is not None:
                known = ", ".join(sorted(served))
                problem = Problem(
                    f"{object_id(obj)}: kind", kind, f"{api_version} does not serve it", f"Known: {known}"
                )
        if problem is not None:
            problems[problem.key] = problem
    if problems:
        raise InvalidInput(list(problems.values()))


# -- deciding


@dataclass
class _Decision:
    """What is done about each object of a set.

    :param taken: entries of the ledger, those of this run included.
    """

    client: Client
    observed: Observed
    applyset: ApplySet
    target: str
    adopt: t.Collection[str]
    taken: dict[Key, Object]
    ignore: t.Sequence[Rule] = ()
    legacies: t.Mapping[str, Legacy] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    conflicts: list[dict[str, t.Any]] = field(default_factory=list)

    def step(self, obj: Object, ours: bool) -> Step | None:
        """The step that makes the cluster hold a declared object, if there is any; a refusal is noted.

        :param ours: it is ours by its place, whoever made it.
        """
        key = key_of(obj)
        there = self.observed.find(key)
        if there is None:
            space = self.observed.spaces.get(key[1]) or {}
            if (space.get("metadata") or {}).get("deletionTimestamp"):
                self.refusals.append(f"{describe(obj)} cannot be made: {_terminating(space)}")
                return None
            return create_step(self.client, obj, self.target)
        if key not in self.observed.members and not _was_ours(there) and not self._take(obj, there, ours):
            return None
        if there["metadata"].get("deletionTimestamp"):
            self.refusals.append(_terminating(there))
            return None
        obj = without_ignored(obj, there, self.ignore)
        if not _differs(obj, there):
            return None
        return self._update(obj, there, self.applyset.force or ours)

    def end(self, there: Object) -> Step:
        """The step for a member that is no longer declared: what was adopted is handed back."""
        return end_step(self.client, there, self.kept().get(key_of(there)), self.target)

    def closing(self) -> list[Step]:
        """What sets forget that have handed members on."""
        return [step for legacy in self.legacies.values() for step in legacy.closing(self.target)]

    def kept(self) -> dict[Key, Object]:
        """The entries of objects that are still the ones that were taken over."""
        pairs = [(key, item, self.observed.find(key)) for key, item in self.taken.items()]
        return {key: item for key, item, there in pairs if there is not None and ledger.is_of(item, there)}

    def _take(self, obj: Object, there: Object, ours: bool) -> bool:
        legacy = self.legacies.get(set_of(there) or "")
        if legacy is not None:
            entry = legacy.take(there)
            self.taken.update({} if entry is None else {key_of(obj): entry})
            return True
        if not ours and not {ALL, str(obj["kind"])} & set(self.adopt):
            self.refusals.append(_not_ours(there))
            return False
        if ours or fields_of(there, MANAGER):
            return True
        fixed = changes_immutable(obj, there)
        if fixed is not None:
            self.refusals.append(
                f"{describe(there)} exists with another {fixed}, which only a new object can have, and what somebody "
                "else made is not deleted: remove or rename it"
            )
            return False
        self.taken[key_of(obj)] = ledger.entry(obj, there)
        return True

    def _update(self, obj: Object, there: Object, force: bool) -> Step | None:
        contested = deviations(obj, there, MANAGER, literal=True)
        declared = [item for item in contested if any(holder.declares for holder in item.holders)]
        if declared and not force:
            others = sorted({holder.manager for item in declared for holder in item.holders if holder.declares})
            line = (
                f"{describe(obj)}: {', '.join(item.path for item in declared)} is declared by {', '.join(others)} as "
                "well, with another value: leave the field to one of the two, or use force"
            )
            self.refusals.append(line)
            self.conflicts.append({"id": object_id(obj), "fields": told(declared, declaring=True), "reason": line})
            return None
        return update_step(self.client, obj, there, self.target, bool(contested) or force)


def _differs(obj: Object, there: Object) -> bool:
    # Of another set the label is ours as well, with another value.
    if set_of(there) != set_of(obj) or recorded(there) != recorded(obj) or deviations(obj, there, MANAGER):
        return True
    # The digest of a Secret does not cover its values.
    return obj["kind"] == "Secret" and not covers(obj, there)


def _was_ours(there: Object) -> bool:
    """True for a former member whose label somebody removed."""
    return set_of(there) is None and bool(fields_of(there, MANAGER)) and recorded(there) is not None


def _not_ours(there: Object) -> str:
    owner = set_of(there)
    if owner is not None:
        parent = f"it belongs to the ApplySet {owner}"
    else:
        parent = f"it was made by {', '.join(managers(there)) or 'somebody else'}"
    remedy = f"remove or rename it, or take it over with adopt: [{there['kind']}]"
    return f"{describe(there)} exists and is not of this set ({parent}): {remedy}"


def _terminating(there: Object) -> str:
    waiting = there["metadata"].get("finalizers") or (there.get("spec") or {}).get("finalizers") or ()
    return (
        f"{describe(there)} is being deleted and waits for {', '.join(waiting) or 'its end'}: run again when it is gone"
    )


def _undeclared(
    objects: t.Sequence[Object], observed: Observed, keep: t.Callable[[Object], bool]
) -> tuple[list[Object], list[Object]]:
    """The members that are not declared: those that are kept, and those that are to go and do not go yet."""
    wanted = {key_of(obj) for obj in objects}
    left = [obj for key, obj in observed.members.items() if key not in wanted]
    kept = [obj for obj in left if keep(obj)]
    return kept, [obj for obj in left if not keep(obj) and not obj["metadata"].get("deletionTimestamp")]


def _parent_steps(decision: _Decision, members: t.Sequence[Object]) -> list[Step]:
    """Records the kinds before the first member is written, the old ones included, and forgets old ones at the end."""
    client, applyset, target = decision.client, decision.applyset, decision.target
    there = decision.observed.parent
    if there is None and not members:
        return []
    kinds = {kind_of(obj) for obj in members}
    spaces = {obj["metadata"]["namespace"] for obj in members if obj["metadata"].get("namespace")}
    keys = {key_of(obj) for obj in members}
    taken = decision.kept()
    final = applyset.parent(kinds, spaces, ledger.data({key: taken[key] for key in taken if key in keys}))
    opening = applyset.parent(kinds | kinds_of(there), spaces | namespaces_of(there), ledger.data(taken))
    steps = []
    if there is None:
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": applyset.namespace}}
        declared = any(key_of(obj) == key_of(space) for obj in members)
        known = decision.observed.spaces.get(applyset.namespace)
        if not declared and not (known or client.get("v1", "Namespace", applyset.namespace)):
            steps.append(plain_step(client, space, None, target, 0))
        # The set's own namespace may be one of its members, and then it comes first.
        steps.append(plain_step(client, opening, None, target, 11 if declared else PARENT_WAVE))
    elif not covers(opening, there):
        steps.append(plain_step(client, opening, there, target, PARENT_WAVE))
    if there is not None and final != opening:
        steps.append(plain_step(client, final, opening, target, CLOSING_WAVE))
    return steps
