# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds the labels and taints of Nodes to the inventory: those that it declares, and those that it declared before.

What others have set stays. What we have declared is written down in an annotation of the Node, so that it can be taken
back when it is declared no more. Nothing is restarted by it. Private to the collection.
"""

from __future__ import annotations

import functools
import json
import typing as t

from ..errors import PlatformError
from ..kube import errors
from ..kube.client import Client
from ..plan import Step

Object = t.Mapping[str, t.Any]
Taint = tuple[str, str]

#: What we declared last: C(labels), a list of keys, and C(taints), a list of C(key:effect).
RECORD = "lodestar.platform/declared"
_CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
_MERGE = "application/merge-patch+json"
_ATTEMPTS = 5


def declared_taints(mark: Object) -> list[dict[str, str]]:
    """The taints that a Node should have: the declared, and kubeadm's own of a dedicated control plane. Pure.

    :param mark: C(labels), C(taints) and C(dedicated) of a machine.
    """
    own = [dict(_CONTROL_PLANE)] if mark["dedicated"] else []
    return own + [{name: value for name, value in item.items() if value} for item in mark["taints"]]


def changed(mark: Object, node: Object) -> dict[str, t.Any]:
    """The merge patch that makes a Node what is declared; empty when it is. Pure."""
    metadata, spec = node["metadata"], node.get("spec") or {}
    labels: dict[str, str] = metadata.get("labels") or {}
    record = _record(metadata.get("annotations") or {})
    wanted_labels: dict[str, str] = dict(mark["labels"])
    label_patch: dict[str, str | None] = {
        key: value for key, value in wanted_labels.items() if labels.get(key) != value
    }
    label_patch.update({key: None for key in record["labels"] if key not in wanted_labels and key in labels})
    taints, wanted = spec.get("taints") or [], declared_taints(mark)
    ours = (
        {_identity(item) for item in wanted} | {_split(text) for text in record["taints"]} | {_identity(_CONTROL_PLANE)}
    )
    others = [item for item in taints if _identity(item) not in ours]
    told = [item for item in taints if _identity(item) in ours]
    same = sorted(map(_plain, told)) == sorted(map(_plain, wanted))
    keep = {
        "labels": sorted(wanted_labels),
        "taints": sorted(f"{item['key']}:{item['effect']}" for item in mark["taints"]),
    }
    patch: dict[str, t.Any] = {}
    if label_patch:
        patch.setdefault("metadata", {})["labels"] = label_patch
    if keep != record:
        text = json.dumps(keep, sort_keys=True) if any(keep.values()) else None
        patch.setdefault("metadata", {})["annotations"] = {RECORD: text}
    if not same:
        patch["spec"] = {"taints": [*others, *wanted]}
    return patch


def _record(annotations: t.Mapping[str, str]) -> dict[str, list[str]]:
    try:
        found = json.loads(annotations.get(RECORD) or "{}")
        return {name: sorted(str(item) for item in found.get(name) or []) for name in ("labels", "taints")}
    except (ValueError, AttributeError, TypeError):
        return {"labels": [], "taints": []}


def _identity(taint: Object) -> Taint:
    return str(taint["key"]), str(taint["effect"])


def _split(text: str) -> Taint:
    key, _colon, effect = text.rpartition(":")
    return key, effect


def _plain(taint: Object) -> tuple[str, str, str]:
    return (*_identity(taint), str(taint.get("value") or ""))


def plan(client: Client, cluster: str, marks: t.Mapping[str, Object], joining: t.Collection[str]) -> list[Step]:
    """A step for each Node that is not as declared.

    :param marks: by node name, C(labels), C(taints) and C(dedicated) of the machines that the inventory has.
    :param joining: nodes that join in this run. In a run that only predicts, they are not there yet.
    """
    nodes = {str(item["metadata"]["name"]): item for item in client.list("v1", "Node")} if marks else {}
    steps = []
    for name, mark in marks.items():
        node = nodes.get(name)
        if node is None and name not in joining:
            continue
        new = name in joining and (node is None or RECORD not in (node["metadata"].get("annotations") or {}))
        if new and not (mark["labels"] or mark["taints"]):
            # kubeadm has just made it as it is declared, and there is nothing to write down.
            continue
        if new or (node is not None and changed(mark, node)):
            steps.append(
                Step(
                    f"v1/Node/{name}",
                    "update",
                    cluster,
                    f"write down the labels and taints of {name}" if new else f"set the labels and taints of {name}",
                    before=None if new or node is None else _shown(mark, node),
                    after={"labels": dict(mark["labels"]), "taints": declared_taints(mark)},
                    perform=functools.partial(_write, client, name, mark),
                )
            )
    return steps


def _shown(mark: Object, node: Object) -> dict[str, t.Any]:
    """What is there of what is, or was, declared."""
    record, labels = _record(node["metadata"].get("annotations") or {}), node["metadata"].get("labels") or {}
    ours = {*mark["labels"], *record["labels"]}
    return {
        "labels": {key: labels[key] for key in sorted(ours) if key in labels},
        "taints": (node.get("spec") or {}).get("taints") or [],
    }


def _write(client: Client, name: str, mark: Object) -> None:
    path = client.resource("v1", "Node").path(None, name)
    for _attempt in range(_ATTEMPTS):
        node = client.get("v1", "Node", name)
        if node is None:
            raise PlatformError(f"the Node {name} is not there any more")
        patch = changed(mark, node)
        if not patch:
            return
        patch.setdefault("metadata", {})["resourceVersion"] = node["metadata"]["resourceVersion"]
        try:
            client.request("PATCH", path, query={"fieldManager": "lodestar"}, body=patch, content_type=_MERGE)
            return
        except errors.Conflict:
            # Somebody else wrote to the Node meanwhile, and its taints are one list.
            continue
    raise PlatformError(f"the Node {name} is written to by others all the time; its labels and taints are not set")
