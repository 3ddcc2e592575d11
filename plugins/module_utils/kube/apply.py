# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From declared objects to the steps that make a cluster hold them, and nothing else of their set.

Unchanged objects cost one LIST a kind and no write. Private to the collection.
"""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ..errors import InvalidInput, Problem, Refused
from ..plan import Step
from .applyset import DIGEST, ApplySet, kind_of, kinds_of, namespaces_of, recorded, set_of
from .client import MANAGER, Client
from .desired import declared_resources, key_of, normalise, scope_problem, wave_of
from .diff import covers, project
from .errors import UnknownKind
from .established import wait_established
from .ownership import deviations, fields_of, managers, released
from .redact import redact, redact_pair
from .resources import STATIC, describe, group_kind, group_of, object_id

__all__ = ["ApplySet", "plan_objects"]

Object = dict[str, t.Any]
_Key = tuple[str, str, str]
_PARENT_WAVE = 1
_CLOSING_WAVE = 2000
#: Seconds of one request after the other from which more connections pay.
_WORTH_A_CONNECTION = 0.15
# As many namespaces cost less by one LIST than by a GET each, unless the cluster has a thousand.
_MANY = 8
# Changing these means another object: the API refuses an update.
_IMMUTABLE = {"RoleBinding": "roleRef", "ClusterRoleBinding": "roleRef"}


@dataclass
class _Observed:
    """What is in the cluster: the members, and what exists under a declared name without being one."""

    parent: Object | None
    members: dict[_Key, Object] = field(default_factory=dict)
    strangers: dict[_Key, Object] = field(default_factory=dict)


def plan_objects(
    client: Client,
    desired: t.Iterable[Object],
    *,
    applyset: ApplySet,
    target: str,
    adopt: bool = False,
    prune: bool = True,
    prune_all: bool = False,
    claim: t.Callable[[Object], bool] = lambda obj: False,
) -> list[Step]:
    """The steps that make the cluster hold ``desired`` as the members of ``applyset``. Reads only.

    Costs one GET of the set's parent and one LIST a kind; objects that are no members yet cost a GET each, many new
    namespaces one LIST. Callers carry the steps out with C(Plan(parallel=client.at_once)).

    :param desired: whole objects; each is checked before anything else happens.
    :param target: the cluster's name, for the steps.
    :param adopt: take over objects that exist and are not of this set.
    :param prune: delete members that are no longer declared.
    :param prune_all: allow an empty ``desired`` to delete every member.
    :param claim: says of a declared object that it is ours by its place, whoever made it or declares its fields.
    :raises InvalidInput: a declared object is malformed, or its kind is unknown to a group that the cluster serves.
    :raises Refused: it would take objects or fields of others, or prune everything.
    """
    objects = [applyset.member(obj) for obj in normalise(desired)]
    client.learn(declared_resources(objects))
    _check_kinds(client, objects)
    observed = _observe(client, objects, applyset)
    refusals: list[str] = []
    forced = replace(applyset, force=True)
    found = [
        _object_step(client, obj, observed, forced if ours else applyset, target, adopt or ours, refusals)
        for obj, ours in [(obj, claim(obj)) for obj in objects]
    ]
    doomed = _doomed(objects, observed) if prune else []
    _refuse(refusals + ([] if objects or prune_all else _nothing_left(doomed, applyset)), target)
    steps = [step for step in found if step is not None] + [_delete_step(client, obj, target) for obj in doomed]
    remaining = objects if prune else objects + list(observed.members.values())
    return _parent_steps(client, remaining, observed, applyset, target) + steps


def _nothing_left(doomed: t.Sequence[Object], applyset: ApplySet) -> list[str]:
    if not doomed:
        return []
    return [
        f"nothing is declared, and all {len(doomed)} object(s) of the set {applyset.name} would be deleted "
        f"({', '.join(describe(obj) for obj in doomed[:5])}): allow this with prune_all"
    ]


def _refuse(refusals: list[str], target: str) -> None:
    if refusals:
        listed = "\n".join(f"- {line}" for line in refusals)
        raise Refused(f"{len(refusals)} refusal(s) on {target}, nothing was changed:\n{listed}", refusals=refusals)


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


# -- reading


def _observe(client: Client, objects: t.Sequence[Object], applyset: ApplySet) -> _Observed:
    observed = _Observed(parent=client.get("v1", "ConfigMap", applyset.parent_name, applyset.namespace))
    kinds = {(obj["apiVersion"], obj["kind"]) for obj in objects}
    declared = {group_kind(*kind) for kind in kinds}
    for name in kinds_of(observed.parent) - declared:
        served = _serving(client, name)
        if served is not None:
            kinds.add(served)
    for items in _map(client, lambda kind: client.list(*kind, label_selector=applyset.selector), sorted(kinds)):
        observed.members.update({key_of(obj): obj for obj in items})
    unknown = [obj for obj in objects if key_of(obj) not in observed.members]
    for obj, found in zip(unknown, _look_up(client, unknown, observed), strict=True):
        if found is not None:
            observed.strangers[key_of(obj)] = found
    return observed


def _look_up(client: Client, objects: t.Sequence[Object], observed: _Observed) -> list[Object | None]:
    """What exists under the names of declared objects that are not members; spares what lives in no namespace."""
    names = {obj["metadata"]["namespace"] for obj in objects if obj["metadata"].get("namespace")}
    names |= {obj["metadata"]["name"] for obj in objects if key_of(obj)[0] == "Namespace"}
    unknown = sorted(name for name in names if ("Namespace", "", name) not in observed.members)
    spaces = _namespaces(client, unknown)

    def read(obj: Object) -> Object | None:
        metadata: dict[str, str] = obj["metadata"]
        if key_of(obj)[0] == "Namespace":
            return spaces[metadata["name"]]
        namespace = metadata.get("namespace")
        if namespace in spaces and spaces[namespace] is None:
            return None
        return client.get(obj["apiVersion"], obj["kind"], metadata["name"], namespace)

    return _map(client, read, objects)


def _namespaces(client: Client, names: t.Sequence[str]) -> dict[str, Object | None]:
    """The namespaces of these names, as far as they exist."""
    if len(names) > _MANY:
        there = {str(obj["metadata"]["name"]): obj for obj in client.list("v1", "Namespace")}
        return {name: there.get(name) for name in names}
    return dict(zip(names, _map(client, lambda name: client.get("v1", "Namespace", name), names), strict=True))


_In = t.TypeVar("_In")
_Out = t.TypeVar("_Out")


def _map(client: Client, function: t.Callable[[_In], _Out], items: t.Sequence[_In]) -> list[_Out]:
    # More connections cost more handshakes, which a server nearby answers many requests in.
    if len(items) < 3 or len(items) * client.latency < _WORTH_A_CONNECTION:
        return [function(item) for item in items]
    with ThreadPoolExecutor(max_workers=min(8, len(items))) as pool:
        return list(pool.map(function, items))


def _serving(client: Client, name: str) -> tuple[str, str] | None:
    """The version and kind under which a recorded group kind is served today."""
    kind, _dot, group = name.partition(".")
    for api_version, known in STATIC:
        if known == kind and group_of(api_version) == group:
            return api_version, kind
    if not group:
        return None
    document = client.group(group)
    versions = [item["groupVersion"] for item in (document or {}).get("versions") or ()]
    return next(((version, kind) for version in versions if kind in (client.served(version) or {})), None)


# -- deciding


def _object_step(
    client: Client,
    obj: Object,
    observed: _Observed,
    applyset: ApplySet,
    target: str,
    adopt: bool,
    refusals: list[str],
) -> Step | None:
    key = key_of(obj)
    there = observed.members.get(key)
    if there is None:
        there = observed.strangers.get(key)
        if there is None:
            return _create_step(client, obj, target)
        if not adopt and not _was_ours(there):
            refusals.append(_not_ours(there))
            return None
    if there["metadata"].get("deletionTimestamp"):
        refusals.append(_terminating(there))
        return None
    if not _differs(obj, there):
        return None
    contested = deviations(obj, there, MANAGER, literal=True)
    declared = [item for item in contested if any(holder.declares for holder in item.holders)]
    if declared and not applyset.force:
        others = sorted({holder.manager for item in declared for holder in item.holders if holder.declares})
        refusals.append(
            f"{describe(obj)}: {', '.join(item.path for item in declared)} is declared by {', '.join(others)} as well, "
            "with another value: leave the field to one of the two, or use force"
        )
        return None
    return _update_step(client, obj, there, target, bool(contested) or applyset.force)


def _differs(obj: Object, there: Object) -> bool:
    if recorded(there) != recorded(obj) or deviations(obj, there, MANAGER):
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
    return f"{describe(there)} exists and is not of this set ({parent}): remove or rename it, or take it with adopt"


def _terminating(there: Object) -> str:
    waiting = there["metadata"].get("finalizers") or (there.get("spec") or {}).get("finalizers") or ()
    return (
        f"{describe(there)} is being deleted and waits for {', '.join(waiting) or 'its end'}: run again when it is gone"
    )


def _doomed(objects: t.Sequence[Object], observed: _Observed) -> list[Object]:
    wanted = {key_of(obj) for obj in objects}
    return [
        obj
        for key, obj in observed.members.items()
        if key not in wanted and not obj["metadata"].get("deletionTimestamp")
    ]


# -- steps


def _create_step(client: Client, obj: Object, target: str) -> Step:
    return Step(
        id=object_id(obj),
        action="create",
        target=target,
        description=f"create {describe(obj)}",
        after=redact(_shown(obj)),
        perform=lambda: _apply(client, obj, False),
        wave=wave_of(obj),
    )


def _update_step(client: Client, obj: Object, there: Object, target: str, force: bool) -> Step:
    fixed = _IMMUTABLE.get(obj["kind"])
    anew = fixed is not None and not covers(obj.get(fixed), there.get(fixed))
    before = _merge(project(there, obj), released(obj, there, MANAGER))
    left, right = redact_pair(_shown(before), _shown(obj))

    def perform() -> None:
        if anew:
            metadata = there["metadata"]
            client.delete(
                there["apiVersion"], there["kind"], metadata["name"], metadata.get("namespace"), metadata["uid"]
            )
        _apply(client, obj, force)

    return Step(
        id=object_id(obj),
        action="update",
        target=target,
        description=f"{'replace' if anew else 'update'} {describe(obj)}",
        before=left,
        after=right,
        perform=perform,
        wave=wave_of(obj),
    )


def _delete_step(client: Client, there: Object, target: str) -> Step:
    metadata = there["metadata"]
    return Step(
        id=object_id(there),
        action="delete",
        target=target,
        description=f"delete {describe(there)}",
        before=redact(_shown({**there, "metadata": _identity(metadata), "status": None})),
        perform=lambda: client.delete(
            there["apiVersion"], there["kind"], metadata["name"], metadata.get("namespace"), metadata["uid"]
        ),
        wave=wave_of(there, delete=True),
    )


def _identity(metadata: t.Mapping[str, t.Any]) -> Object:
    return {key: metadata[key] for key in ("name", "namespace", "labels", "annotations") if key in metadata}


def _apply(client: Client, obj: Object, force: bool) -> None:
    client.apply(obj, force=force)
    if obj["kind"] == "CustomResourceDefinition":
        wait_established(client, obj)


def _shown(obj: Object) -> Object:
    """An object without the digest, which tells people nothing, and without empty status."""
    metadata = dict(obj.get("metadata") or {})
    annotations = {key: value for key, value in (metadata.pop("annotations", None) or {}).items() if key != DIGEST}
    if annotations:
        metadata["annotations"] = annotations
    kept = {key: value for key, value in obj.items() if key != "status" or value}
    return {**kept, "metadata": metadata} if metadata else kept


def _merge(base: t.Any, extra: t.Any) -> t.Any:
    if isinstance(base, dict) and isinstance(extra, dict):
        return {**base, **{key: _merge(base[key], value) if key in base else value for key, value in extra.items()}}
    if isinstance(base, list) and isinstance(extra, list):
        return base + extra
    return base


def _parent_steps(
    client: Client, members: t.Sequence[Object], observed: _Observed, applyset: ApplySet, target: str
) -> list[Step]:
    """Records the kinds before the first member is written, the old ones included, and forgets old ones at the end."""
    there = observed.parent
    if there is None and not members:
        return []
    kinds = {kind_of(obj) for obj in members}
    spaces = {obj["metadata"]["namespace"] for obj in members if obj["metadata"].get("namespace")}
    final = applyset.parent(kinds, spaces)
    opening = applyset.parent(kinds | kinds_of(there), spaces | namespaces_of(there))
    steps = []
    if there is None:
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": applyset.namespace}}
        declared = any(key_of(obj) == key_of(space) for obj in members)
        if not declared and client.get("v1", "Namespace", applyset.namespace) is None:
            steps.append(_plain_step(client, space, None, target, 0))
        # The set's own namespace may be one of its members, and then it comes first.
        steps.append(_plain_step(client, opening, None, target, 11 if declared else _PARENT_WAVE))
    elif not covers(opening, there):
        steps.append(_plain_step(client, opening, there, target, _PARENT_WAVE))
    if there is not None and (final != opening):
        steps.append(_plain_step(client, final, opening, target, _CLOSING_WAVE))
    return steps


def _plain_step(client: Client, obj: Object, there: Object | None, target: str, wave: int) -> Step:
    action = "create" if there is None else "update"
    return Step(
        id=object_id(obj) + ("#closing" if wave == _CLOSING_WAVE else ""),
        action=action,
        target=target,
        description=f"{action} {describe(obj)}",
        before=None if there is None else project(there, obj),
        after=obj,
        perform=lambda: client.apply(obj, force=True),
        wave=wave,
    )
