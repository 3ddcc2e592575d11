# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which cluster of which set a member is, on the member itself: ClusterProperties of the About API (KEP-2149).

Their definition is brought where none is. It is no member of a set, whose members are listed: so our identity needs no
right over any other definition than this one. Private to the collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..kube import ledger
from ..kube.absent import AbsentCluster
from ..kube.apply import ApplySet, plan_objects
from ..kube.applyset import DIGEST, PART_OF, recorded, set_of
from ..kube.client import MANAGER, Client
from ..kube.errors import Forbidden
from ..kube.ownership import given_up, managers
from ..kube.resources import from_crd, object_id
from ..kube.steps import CLOSING_WAVE, create_step, delete_step, end_step, update_step
from ..kube.wait import wait_for
from ..plan import Step
from .records import Declared
from .records import cluster_properties as values

Object = dict[str, t.Any]

SET = ApplySet("properties")
#: The definition, as the bundle has it for the hub (a test compares them).
DEFINITION: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {
        "name": "clusterproperties.about.k8s.io",
        "annotations": {"api-approved.kubernetes.io": "https://github.com/kubernetes/enhancements/pull/3084"},
    },
    "spec": {
        "group": "about.k8s.io",
        "names": {
            "kind": "ClusterProperty",
            "listKind": "ClusterPropertyList",
            "plural": "clusterproperties",
            "singular": "clusterproperty",
        },
        "scope": "Cluster",
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "additionalPrinterColumns": [
                    {"name": "value", "type": "string", "jsonPath": ".spec.value"},
                    {"name": "age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
                ],
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "description": "ClusterProperty is the Schema for the clusterproperties API",
                        "properties": {
                            "apiVersion": {"type": "string"},
                            "kind": {"type": "string"},
                            "metadata": {"type": "object"},
                            "spec": {
                                "type": "object",
                                "description": "ClusterPropertySpec defines the desired state of ClusterProperty",
                                "required": ["value"],
                                "properties": {
                                    "value": {
                                        "type": "string",
                                        "description": "ClusterProperty value",
                                        "minLength": 1,
                                    }
                                },
                            },
                            "status": {
                                "type": "object",
                                "description": "ClusterPropertyStatus defines the observed state of ClusterProperty",
                            },
                        },
                    }
                },
            }
        ],
    },
}
(RESOURCE,) = from_crd(DEFINITION)
#: Seconds for a definition that is deleted to be gone: the API server itself ends its objects first.
_GONE, _INTERVAL = 60.0, 0.2


def plan(
    member: Client, declared: Declared, *, is_hub: bool, adopt: t.Collection[str] = (), coming: bool = False
) -> tuple[list[Step], str | None]:
    """The steps that make the member say which cluster it is, and why it cannot, in words.

    Costs three requests while nothing changes.

    :param is_hub: the hub's definitions are brought by the set C(hub), so that none is brought here.
    :param coming: in check mode, our access is made anew by this run: where it has no right to look yet, the plan is
        that of a cluster that was told nothing.
    :raises Refused: somebody else has set a property, and its kind is not among C(adopt).
    """
    if declared.tier == "observe":
        return [], f"{declared.name}: the tier of our access to it is observe, which writes nothing"
    try:
        there = _definition(member)
        steps = []
        if there is None and not is_hub:
            steps = [create_step(member, SET.member(DEFINITION), declared.name)]
        elif there is not None and _is_ours(there):
            steps = _update_steps(member, there, declared.name)
        elif there is not None and not _serves(there):
            return [], (
                f"{declared.name}: its CustomResourceDefinition {RESOURCE.plural}.{RESOURCE.group} is not ours and "
                f"does not serve {RESOURCE.api_version}, so the cluster does not say which one it is"
            )
        member.learn([RESOURCE])
        steps += plan_objects(member, objects(declared), applyset=SET, target=declared.name, adopt=adopt)
        return steps, None
    except Forbidden:
        if coming:
            return plan(AbsentCluster(declared.name), declared, is_hub=is_hub)
        return [], (
            f"{declared.name}: its access has the rights of an earlier collection, which may not write "
            "ClusterProperties, so the cluster does not say which one it is until the access is made anew"
        )


def objects(declared: Declared) -> list[Object]:
    """The ClusterProperties of a cluster. Pure."""
    kind = {"apiVersion": RESOURCE.api_version, "kind": RESOURCE.kind}
    return [{**kind, "metadata": {"name": name}, "spec": {"value": value}} for name, value in values(declared).items()]


# -- the definition


def _definition(member: Client) -> Object | None:
    return member.get(DEFINITION["apiVersion"], DEFINITION["kind"], DEFINITION["metadata"]["name"])


def _is_ours(there: t.Mapping[str, t.Any]) -> bool:
    return set_of(there) == SET.id and not there["metadata"].get("deletionTimestamp")


def _serves(there: t.Mapping[str, t.Any]) -> bool:
    served = [item.get("name") for item in there["spec"].get("versions") or () if item.get("served")]
    ending = there["metadata"].get("deletionTimestamp")
    return RESOURCE.api_version.rpartition("/")[2] in served and not ending


def _others(there: t.Mapping[str, t.Any]) -> list[str]:
    """Who else has written to the definition, but for the API server, which tells in its status that it is served."""
    entries = [item for item in there["metadata"].get("managedFields") or () if not item.get("subresource")]
    return [name for name in managers({"metadata": {"managedFields": entries}}) if name != MANAGER]


def _update_steps(member: Client, there: Object, target: str) -> list[Step]:
    """Brings a definition of ours up to date; one that somebody else has written since may serve more, and stays."""
    wanted = SET.member(DEFINITION)
    if _others(there) or recorded(there) == recorded(wanted):
        return []
    return [update_step(member, wanted, there, target, True)]


# -- leaving


def removal_steps(member: Client, target: str) -> list[Step]:
    """Takes away what an earlier tier wrote, for one that writes nothing: by a credential that was supplied."""
    parent = member.get("v1", "ConfigMap", SET.parent_name, SET.namespace)
    if parent is None:
        return []
    member.learn([RESOURCE])
    taken = ledger.entries(parent)
    members = member.list(RESOURCE.api_version, RESOURCE.kind, label_selector=SET.selector)
    steps = [end_step(member, obj, ledger.held(taken, obj), target) for obj in members]
    doomed = [step.id for step in steps if step.action == "delete"]
    steps += definition_steps(member, target, doomed)
    return [*steps, replace(delete_step(member, parent, target), wave=CLOSING_WAVE)]


def definition_steps(member: Client, target: str, doomed: t.Collection[str]) -> list[Step]:
    """Deletes the definition if we brought it and nobody else uses it; if somebody does, it is theirs from then on.

    :param doomed: ids of the ClusterProperties that are deleted before.
    """
    try:
        there = _definition(member)
    except Forbidden:
        return []  # rights of an earlier collection, which has brought none
    if there is None or not _is_ours(there):
        return []
    step = delete_step(member, there, target)
    given = replace(
        step,
        action="update",
        description=f"leave CustomResourceDefinition {there['metadata']['name']} to others, who use it",
        before={"metadata": {"labels": {PART_OF: SET.id}}},
        after={"metadata": {"labels": {}}},
        perform=lambda: _give_up(member),
    )
    member.learn([RESOURCE])
    if _others(there) or any(object_id(item) not in doomed for item in _properties(member)):
        return [given]
    return [replace(step, perform=lambda: _delete(member, step))]


def _properties(member: Client) -> list[Object]:
    return member.list(RESOURCE.api_version, RESOURCE.kind)


def _delete(member: Client, step: Step) -> None:
    """Deletes it, unless a property has come since: that would go with it."""
    if [item for item in _properties(member) if not item["metadata"].get("deletionTimestamp")]:
        _give_up(member)
        return
    step.perform()
    # The same cluster may be attached again at once.
    wait_for(_ending, lambda: _definition(member), _GONE, _INTERVAL)


def _ending(there: Object | None) -> str:
    return "" if there is None else f"CustomResourceDefinition {there['metadata']['name']} is being deleted"


def _give_up(member: Client) -> None:
    there = _definition(member)
    if there is None:
        return
    changes = {"labels": {PART_OF: None}, "annotations": {DIGEST: None}, **given_up(there, MANAGER)}
    member.merge(there["apiVersion"], there["kind"], there["metadata"]["name"], {"metadata": changes})
