# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A detachment that is under way, as the hub remembers it: a label and an annotation of the cluster's namespace. Pure.

Private to the collection.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

#: Label and annotation of hub objects of a cluster that is being detached.
DETACHING = "lodestar.platform/detaching"

Object = dict[str, t.Any]


@dataclass(frozen=True)
class Tombstone:
    """What is known of a detachment.

    :param since: when it was asked for, RFC 3339.
    :param namespaces: what becomes of tenants' namespaces, C(keep) or C(delete).
    :param clean: nothing of ours was left on the cluster but the access.
    """

    since: str
    namespaces: str
    clean: bool = False

    def metadata(self) -> Object:
        """As labels and annotations."""
        said = {"clean": self.clean, "namespaces": self.namespaces, "since": self.since}
        return {"labels": {DETACHING: "true"}, "annotations": {DETACHING: json.dumps(said, sort_keys=True)}}


def read(obj: t.Mapping[str, t.Any] | None) -> Tombstone | None:
    """The tombstone on an object of the hub, None where there is none."""
    text = (((obj or {}).get("metadata") or {}).get("annotations") or {}).get(DETACHING)
    if not text:
        return None
    try:
        said = json.loads(text)
        return Tombstone(str(said["since"]), str(said["namespaces"]), bool(said["clean"]))
    except (ValueError, KeyError, TypeError):
        return Tombstone("an unknown time", "keep")


def erased() -> Object:
    """The merge patch of metadata that takes a tombstone away."""
    return {"labels": {DETACHING: None}, "annotations": {DETACHING: None}}


def detaching(cluster: str, stone: Tombstone) -> str:
    """Why a cluster is not managed, for people."""
    return (
        f"{cluster}: it is being detached since {stone.since}, and the next run that reaches it finishes that. "
        f"Remove it from the inventory; to keep it instead, run once with rekey: {cluster} and a kubeconfig."
    )
