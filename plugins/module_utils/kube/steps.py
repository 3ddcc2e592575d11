# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a set: an object is created, updated, deleted or handed back. Private to the collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..plan import Step
from . import ledger
from .applyset import DIGEST, recorded
from .client import MANAGER, Client
from .desired import wave_of
from .diff import covers, project, surplus
from .established import wait_established
from .ownership import deviations, given_up, released, replaced, told
from .redact import redact, redact_pair
from .resources import describe, object_id

Object = dict[str, t.Any]
#: The wave of a set's parent before its members, and after the last of them.
PARENT_WAVE, CLOSING_WAVE = 1, 2000
# Changing these means another object: the API refuses an update.
_IMMUTABLE = {"RoleBinding": "roleRef", "ClusterRoleBinding": "roleRef"}


@dataclass(frozen=True)
class ObjectStep(Step):
    """A step for one object of a set.

    :param obj: the object as declared, or as it stands when it is to go.
    :param force: whether fields are taken over from their managers.
    :param anew: whether it is deleted and made again.
    :param strips: sets from which what others have added is taken away first, as they are declared.
    :param leaves: whether the object leaves the set, by being deleted or handed back.
    :param cause: why an object that is there is written: C(redeclared), and C(fields) with who holds them since when.
    """

    obj: Object = field(default_factory=dict, repr=False, compare=False)
    force: bool = False
    anew: bool = False
    strips: t.Mapping[str, t.Any] = field(default_factory=dict)
    leaves: bool = False
    cause: t.Mapping[str, t.Any] = field(default_factory=dict)

    @property
    def changes(self) -> bool:
        """Whether it changes a member that stays one."""
        return self.action == "update" and not self.leaves

    def as_dict(self, values: bool = True) -> dict[str, t.Any]:
        """The step as check mode and the result show it."""
        return {**super().as_dict(values), **({"cause": dict(self.cause)} if self.cause else {})}


def changes_immutable(obj: t.Mapping[str, t.Any], there: t.Mapping[str, t.Any]) -> str | None:
    """The declared field that can only change with the whole object, if it differs."""
    fixed = _IMMUTABLE.get(str(obj["kind"]))
    return fixed if fixed is not None and not covers(obj.get(fixed), there.get(fixed)) else None


def create_step(client: Client, obj: Object, target: str) -> Step:
    """Makes an object."""
    return ObjectStep(
        id=object_id(obj),
        action="create",
        target=target,
        description=f"create {describe(obj)}",
        after=redact(_shown(obj)),
        perform=lambda: _apply(client, obj, False),
        wave=wave_of(obj),
        obj=obj,
    )


def update_step(client: Client, obj: Object, there: Object, target: str, force: bool) -> Step:
    """Makes an object as declared, anew where the API allows no update.

    :param force: take fields over from their managers.
    """
    anew = changes_immutable(obj, there) is not None
    before = _merge(_merge(project(there, obj), released(obj, there, MANAGER)), replaced(obj, there, MANAGER))
    left, right = redact_pair(_shown(before), _shown(obj))
    strips = surplus(obj, there)

    def perform() -> None:
        kind, metadata = (there["apiVersion"], there["kind"]), there["metadata"]
        if anew:
            client.delete(*kind, metadata["name"], metadata.get("namespace"), metadata["uid"])
        elif strips:
            client.merge(*kind, metadata["name"], strips, metadata.get("namespace"))
        _apply(client, obj, force)

    return ObjectStep(
        id=object_id(obj),
        action="update",
        target=target,
        description=f"{'replace' if anew else 'update'} {describe(obj)}",
        before=left,
        after=right,
        perform=perform,
        wave=wave_of(obj),
        obj=obj,
        force=force,
        anew=anew,
        strips=strips,
        cause=_cause(obj, there),
    )


def _cause(obj: Object, there: Object) -> dict[str, t.Any]:
    """Whether the declaration has changed since it was applied, and which fields others have changed."""
    redeclared = recorded(there) not in (None, recorded(obj))
    return {"redeclared": redeclared, "fields": told(deviations(obj, there, MANAGER))}


def delete_step(client: Client, there: Object, target: str) -> Step:
    """Deletes this very object."""
    metadata = there["metadata"]
    return ObjectStep(
        id=object_id(there),
        action="delete",
        target=target,
        description=f"delete {describe(there)}",
        before=redact(_shown({**there, "metadata": _identity(metadata), "status": None})),
        perform=lambda: client.delete(
            there["apiVersion"], there["kind"], metadata["name"], metadata.get("namespace"), metadata["uid"]
        ),
        wave=wave_of(there, delete=True),
        obj=there,
        leaves=True,
    )


def end_step(client: Client, there: Object, item: Object | None, target: str) -> Step:
    """The step for a member that is no longer one: what was adopted is handed back, what we made is deleted.

    :param item: its entry in the ledger, None for one that we made.
    """
    return delete_step(client, there, target) if item is None else hand_back_step(client, there, item, target)


def hand_back_step(client: Client, there: Object, item: Object | None, target: str) -> Step:
    """Gives an object up to whom it belonged: without our label, our values and our field ownership.

    :param item: its entry in the ledger; None for one that we made and that stays.
    """
    wanted = ledger.handed_back(there, item)
    ours = released({}, there, MANAGER)
    left, right = redact_pair(_shown({**_named(there), **ours}), _shown(wanted))
    return ObjectStep(
        id=object_id(there),
        action="update",
        target=target,
        description=f"hand back {describe(there)}",
        before=left,
        after=right,
        perform=lambda: _hand_back(client, wanted),
        wave=wave_of(there, delete=True),
        obj=there,
        leaves=True,
    )


def _hand_back(client: Client, wanted: Object) -> None:
    answer = client.apply(wanted, force=True)
    metadata = answer["metadata"]
    if any(item.get("manager") == MANAGER for item in metadata.get("managedFields") or ()):
        changes = {"metadata": given_up(answer, MANAGER)}
        client.merge(wanted["apiVersion"], wanted["kind"], metadata["name"], changes, metadata.get("namespace"))


def _named(obj: t.Mapping[str, t.Any]) -> Object:
    return {"apiVersion": obj["apiVersion"], "kind": obj["kind"]}


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


def plain_step(client: Client, obj: Object, there: Object | None, target: str, wave: int) -> Step:
    """Brings an object that is no member, such as a parent."""
    action = "create" if there is None else "update"
    return Step(
        id=object_id(obj) + ("#closing" if wave == CLOSING_WAVE else ""),
        action=action,
        target=target,
        description=f"{action} {describe(obj)}",
        before=None if there is None else project(there, obj),
        after=obj,
        perform=lambda: client.apply(obj, force=True),
        wave=wave,
    )
