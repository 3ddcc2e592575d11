# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A detachment or a destruction that is under way, as the hub remembers it: labels and annotations of its objects of
the cluster. Pure.

Private to the collection.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import asdict, dataclass, replace

#: Label and annotation of hub objects of a cluster that is being detached.
DETACHING = "lodestar.platform/detaching"
#: The same of a created cluster that is being destroyed.
DESTROYING = "lodestar.platform/destroying"

_UNKNOWN = "an unknown time"

Object = dict[str, t.Any]


@dataclass(frozen=True)
class Tombstone:
    """What is known of a detachment.

    :param since: when it was asked for, RFC 3339.
    :param namespaces: what becomes of tenants' namespaces, C(keep) or C(delete).
    :param clean: nothing of ours was left on the cluster but the access.
    :param cause: why it waits: C(unreachable), C(refused), C(expired) or C(absent), the access or the way to it.
    :param why: the same in words, as it was first seen: another wording of the same cause is written nowhere.
    """

    since: str
    namespaces: str
    clean: bool = False
    cause: str = ""
    why: str = ""

    def metadata(self) -> Object:
        """As labels and annotations."""
        said = asdict(self)
        return {"labels": {DETACHING: "true"}, "annotations": {DETACHING: json.dumps(said, sort_keys=True)}}


#: Of a mark that says nothing, or nothing that can be read.
UNTOLD = Tombstone(_UNKNOWN, "keep")


def read(obj: t.Mapping[str, t.Any] | None) -> Tombstone | None:
    """The tombstone on an object of the hub, None where there is none."""
    text = (((obj or {}).get("metadata") or {}).get("annotations") or {}).get(DETACHING)
    if not text:
        return None
    try:
        said = json.loads(text)
        stone = Tombstone(str(said["since"]), str(said["namespaces"]), bool(said["clean"]))
        return replace(stone, cause=str(said.get("cause") or ""), why=str(said.get("why") or ""))
    except (ValueError, KeyError, TypeError):
        return UNTOLD


def same_wait(one: Tombstone, other: Tombstone) -> bool:
    """True when two say the same of what is waited for and of what will be done then."""
    return (one.namespaces, one.clean, one.cause) == (other.namespaces, other.clean, other.cause)


def waiting(cluster: str, stone: Tombstone) -> str:
    """A detachment that is not finished, for people."""
    if stone.clean:
        return (
            f"{cluster}: is being detached since {stone.since}; nothing of ours is left on it, and the next site run "
            "lets the hub forget it"
        )
    why = f": {stone.why}" if stone.why else ""
    return f"{cluster}: is being detached since {stone.since}, which waits until a run reaches it{why}"


def erased() -> Object:
    """The merge patch of metadata that takes a tombstone away."""
    return {"labels": {DETACHING: None}, "annotations": {DETACHING: None}}


def detaching(cluster: str, stone: Tombstone) -> str:
    """Why a cluster is not managed, for people."""
    return (
        f"{cluster}: it is being detached since {stone.since}, and the next run that reaches it finishes that. "
        f"Remove it from the inventory; to keep it instead, run once with rekey: {cluster} and a kubeconfig."
    )


@dataclass(frozen=True)
class Ending:
    """What is known of a destruction.

    :param since: when it was asked for, RFC 3339.
    """

    since: str

    def metadata(self) -> Object:
        """As labels and annotations."""
        return {"labels": {DESTROYING: "true"}, "annotations": {DESTROYING: json.dumps({"since": self.since})}}


def read_ending(*objects: t.Mapping[str, t.Any] | None) -> Ending | None:
    """The mark of a destruction on any of these objects of the hub, None where there is none."""
    for obj in objects:
        metadata = (obj or {}).get("metadata") or {}
        text = (metadata.get("annotations") or {}).get(DESTROYING)
        if text or DESTROYING in (metadata.get("labels") or {}):
            return _ending(text)
    return None


def _ending(text: str | None) -> Ending:
    try:
        return Ending(str(json.loads(text or "")["since"]))
    except (ValueError, KeyError, TypeError):
        return Ending(_UNKNOWN)


def destroying(cluster: str, ending: Ending) -> str:
    """Why a cluster is not managed, for people."""
    return (
        f"{cluster}: it is being destroyed since {ending.since}, which is not finished. Finish it with the playbook"
        f" lodestar.platform.destroy and -e destroy={cluster} -e destroy_confirm={cluster}, then take the cluster out"
        " of the inventory."
    )
