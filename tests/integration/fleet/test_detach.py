# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Detaching a cluster: nothing of ours is left on it, what others had is as before, and whatever interrupts it."""

from __future__ import annotations

import base64
import copy
import json
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_info import OPERATION as INFO
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.attach import OPERATION as ATTACH
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.detach import OPERATION as DETACH
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.detach import plan as plan_detachment
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.fleet_info import OPERATION as FLEET
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.records_plan import OPERATION as RECORD
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context
from ansible_collections.lodestar.platform.plugins.module_utils.policy.operate import OPERATION as POLICY
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.operate import OPERATION as TENANCY

from ..harness import listing
from ..harness.apiserver import ApiServer
from ..harness.people import steps
from .conftest import LODESTAR, await_account, run

Object = dict[str, t.Any]


def everything(api: ApiServer) -> dict[str, Object]:
    """Every object of a cluster."""
    return listing.everything(api.admin)


def settled(api: ApiServer, before: dict[str, Object]) -> list[str]:
    """What still differs on a cluster once the collector of garbage had its time."""
    return listing.settled(api.admin, before)


def tenant(prefix: str) -> Object:
    return {
        "name": prefix,
        "namespaces": [{"name": f"{prefix}-app"}, {"name": f"{prefix}-theirs"}],
        "members": [{"kind": "Group", "name": f"{prefix}-devs", "role": "developer"}],
    }


def policy(prefix: str) -> Object:
    return {
        "name": f"{prefix}-team-label",
        "rule": "required_labels",
        "mode": "audit",
        "parameters": {"labels": ["team"]},
    }


def changing(prefix: str) -> Object:
    """A policy that changes objects, of which the test's own are none."""
    parameters = {"labels": {"made-under": prefix}}
    scope = {"namespaces": [f"{prefix}-app"]}
    return {
        "name": f"{prefix}-mark",
        "rule": "default_labels",
        "mode": "mutate",
        "parameters": parameters,
        "scope": scope,
    }


def take_in(hosted: ApiServer, hub_access: Object, prefix: str, tier: str = "tenant") -> Object:
    """Attaches the cluster and records it; the access that the hub keeps then."""
    done = run(ATTACH, cluster=prefix, kubeconfig=hosted.kubeconfig(), hub_access=hub_access, tier=tier)
    assert not done.get("failed"), done["msg"]
    known = run(INFO, cluster=prefix, hub_access=hub_access)
    assert known["state"] == "usable", known
    done = run(RECORD, cluster=prefix, mode="attach", tier=tier, access=known["access"], hub_access=hub_access)
    assert not done.get("failed"), done
    return t.cast(Object, known["access"])


def govern(prefix: str, access: Object, **more: t.Any) -> None:
    """A tenant and a policy, one of whose namespaces somebody else had made."""
    given: Object = {"cluster": prefix, "access": access, "adopt": ["all"], **more}
    done = run(TENANCY, tenants=[tenant(prefix)], **given)
    assert not done.get("failed"), done
    done = run(POLICY, policies=[policy(prefix), changing(prefix)], **given)
    assert not done.get("failed"), done


def own_namespace(api: ApiServer, prefix: str) -> None:
    """What stood there before us: a namespace with a workload's settings and a label that we declare otherwise."""
    labels = {"pod-security.kubernetes.io/enforce": "privileged", "theirs": "kept"}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{prefix}-theirs", "labels": labels}}
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": f"{prefix}-theirs"},
        "data": {"a": "b"},
    }
    with Client(api.admin) as client:
        client.request("POST", "/api/v1/namespaces", query={"fieldManager": "hand"}, body=space)
        client.request("POST", f"/api/v1/namespaces/{prefix}-theirs/configmaps", body=config)
    await_account(api, f"{prefix}-theirs")


def leave(prefix: str, hub_access: Object, **more: t.Any) -> Object:
    return run(DETACH, cluster=prefix, hub_access=hub_access, **{"timeout": 60, **more})


@pytest.mark.parametrize("tier", ["observe", "tenant", "lifecycle"])
def test_attached_and_detached_five_times_leaves_every_object_as_it_was(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, prefix: str, tier: str
) -> None:
    own_namespace(hosted, prefix)
    member_before, hub_before = everything(hosted), everything(hub)
    for _round in range(5):
        access = take_in(hosted, hub_access, prefix, tier)
        if tier != "observe":
            govern(prefix, access)
        planned = run(DETACH, check=True, cluster=prefix, hub_access=hub_access, namespaces="delete")
        done = leave(prefix, hub_access, namespaces="delete")
        assert (done.get("failed"), done.get("state")) == (None, "detached"), done
        assert planned["plan"] == done["plan"]
        assert settled(hosted, member_before) == []
    assert settled(hub, hub_before) == []
    assert leave(prefix, hub_access)["state"] == "absent"


def test_namespaces_are_kept_with_their_workloads_and_without_our_marks(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, prefix: str
) -> None:
    own_namespace(hosted, prefix)
    before = everything(hosted)
    govern(prefix, take_in(hosted, hub_access, prefix))
    workload = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "app", "namespace": f"{prefix}-app"},
        "data": {"a": "b"},
    }
    with Client(hosted.admin) as client:
        client.create(workload)
    done = leave(prefix, hub_access)
    assert done["state"] == "detached", done
    assert settled(hosted, {**before, **_inside(hosted, prefix)}) == []
    with Client(hosted.admin) as client:
        space = client.get("v1", "Namespace", f"{prefix}-app")
        assert space is not None
        assert space["metadata"]["labels"] == {"kubernetes.io/metadata.name": f"{prefix}-app"}
        assert not space["metadata"].get("annotations")
        assert client.get("v1", "ConfigMap", "app", f"{prefix}-app") is not None
        for version, kind in (
            ("v1", "ResourceQuota"),
            ("v1", "LimitRange"),
            ("networking.k8s.io/v1", "NetworkPolicy"),
            ("rbac.authorization.k8s.io/v1", "RoleBinding"),
        ):
            assert client.list(version, kind, namespace=f"{prefix}-app") == []


def _inside(api: ApiServer, prefix: str) -> dict[str, Object]:
    return {key: value for key, value in everything(api).items() if f"{prefix}-app" in key}


def test_a_detachment_that_was_killed_at_any_step_goes_on(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, prefix: str
) -> None:
    own_namespace(hosted, prefix)
    before = everything(hosted)
    hub_before = everything(hub)
    killed_after, total = 0, 1
    while killed_after < total:
        govern(prefix, take_in(hosted, hub_access, prefix))
        params = {name: spec.get("default") for name, spec in DETACH.arguments.items()}
        params.update(cluster=prefix, hub_access=hub_access, namespaces="delete", timeout=60)
        context = Context(environ={})
        with context.resources:
            made = plan_detachment(params, context)
            total = len(made.steps)
            for step in made.ordered()[:killed_after]:
                step.perform()
        done = leave(prefix, hub_access, namespaces="delete")
        assert (done.get("failed"), done["state"]) == (None, "detached"), (killed_after, done)
        assert settled(hosted, before) == [], killed_after
        assert settled(hub, hub_before) == [], killed_after
        killed_after += 4


def test_a_cluster_that_does_not_answer_is_remembered_and_left_as_soon_as_it_does(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, prefix: str
) -> None:
    own_namespace(hosted, prefix)
    before, hub_before = everything(hosted), everything(hub)
    access = take_in(hosted, hub_access, prefix)
    govern(prefix, access)
    with hosted.frozen():
        planned = run(DETACH, check=True, cluster=prefix, hub_access=hub_access)
        refused = leave(prefix, hub_access, unreachable="fail")
        assert "cannot be detached" in refused["msg"]
        done = leave(prefix, hub_access, namespaces="delete")
        assert (done["state"], done["changed"]) == ("pending", True)
        assert [item["id"] for item in planned["plan"]] == [item["id"] for item in done["plan"]]
        assert "waits until" in done["warnings"][0]
        again = leave(prefix, hub_access)
        assert (again["state"], again["changed"]) == ("pending", False)
        settings = {"server": hub_access["server"], "ca_data": hub_access["ca_data"], "token": hub_access["token"]}
        listed = run(FLEET, access=settings, label_selector="lodestar.platform/detaching")["clusters"]
        assert [(item["name"], item["detaching"]) for item in listed] == [(prefix, True)]
        told = run(FLEET, access=settings)
        (waits,) = told["detachments"]
        assert (waits["name"], waits["cause"], waits["namespaces"]) == (prefix, "unreachable", "delete")
        assert waits["since"] == done["since"] == again["since"]
        assert [line for line in told["problems"] if waits["since"] in line and waits["why"] in line]
    assert run(INFO, cluster=prefix, hub_access=hub_access)["state"] == "detaching"
    refused = run(ATTACH, cluster=prefix, kubeconfig=hosted.kubeconfig(), hub_access=hub_access)
    assert refused["reason"] == "detaching"
    assert f"rekey: {prefix}" in refused["msg"]
    done = leave(prefix, hub_access)
    assert (done["state"], done["namespaces"]) == ("detached", "delete")
    assert settled(hosted, before) == []
    assert settled(hub, hub_before) == []


def test_what_is_asked_for_last_is_what_a_later_run_does(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, prefix: str
) -> None:
    take_in(hosted, hub_access, prefix)
    with hosted.frozen():
        assert leave(prefix, hub_access)["namespaces"] == "keep"
        again = leave(prefix, hub_access, namespaces="delete")
        assert (again["state"], again["changed"]) == ("pending", True)
        assert leave(prefix, hub_access)["changed"] is False
    done = leave(prefix, hub_access)
    assert (done["state"], done["namespaces"]) == ("detached", "delete")


def test_a_detachment_is_taken_back_by_rekey(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, prefix: str
) -> None:
    take_in(hosted, hub_access, prefix)
    with hosted.frozen():
        assert leave(prefix, hub_access)["state"] == "pending"
    done = run(ATTACH, cluster=prefix, kubeconfig=hosted.kubeconfig(), hub_access=hub_access, rekey=True)
    assert not done.get("failed"), done
    known = run(INFO, cluster=prefix, hub_access=hub_access)
    assert known["state"] == "usable"
    run(RECORD, cluster=prefix, mode="attach", access=known["access"], hub_access=hub_access)
    with Client(hub.admin) as client:
        record = client.get("cluster.open-cluster-management.io/v1", "ManagedCluster", prefix)
    assert record is not None
    assert record["spec"]["hubAcceptsClient"] is True
    assert "lodestar.platform/detaching" not in json.dumps(record["metadata"].get("labels"))
    assert leave(prefix, hub_access)["state"] == "detached"


def test_what_holds_an_object_is_named_and_the_access_stays(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, prefix: str
) -> None:
    before = everything(hosted)
    govern(prefix, take_in(hosted, hub_access, prefix))
    held = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "held", "namespace": f"{prefix}-app", "finalizers": ["example.com/held"]},
    }
    with Client(hosted.admin) as client:
        client.create(held)
        refused = leave(prefix, hub_access, namespaces="delete", timeout=20)
        assert refused["failed"]
        assert f"v1/Namespace/{prefix}-app waits for kubernetes" in refused["msg"]
        assert "example.com/held" in refused["msg"]
        assert run(INFO, cluster=prefix, hub_access=hub_access)["state"] == "usable"
        client.merge("v1", "ConfigMap", "held", {"metadata": {"finalizers": None}}, f"{prefix}-app")
    assert leave(prefix, hub_access, namespaces="delete")["state"] == "detached"
    assert settled(hosted, before) == []


def test_an_access_that_has_ended_needs_a_credential_once(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, prefix: str
) -> None:
    before, hub_before = everything(hosted), everything(hub)
    govern(prefix, take_in(hosted, hub_access, prefix))
    with Client(hub.admin) as client:
        ended = {"metadata": {"annotations": {"lodestar.platform/expires": "2020-01-01T00:00:00Z"}}}
        client.merge("v1", "Secret", f"{prefix}-kubeconfig", ended, prefix)
    waits = leave(prefix, hub_access, namespaces="delete")
    assert waits["state"] == "pending"
    assert "give a kubeconfig of an administrator" in waits["reason"]
    mark = hosted.audit.mark()
    done = leave(prefix, hub_access, kubeconfig=hosted.kubeconfig())
    assert done["state"] == "detached", done
    assert hosted.audit.since(mark, LODESTAR) == []
    assert settled(hosted, before) == []
    assert settled(hub, hub_before) == []


def test_what_must_not_be_detached_is_refused_and_nothing_is_written(
    hub: ApiServer, hosted: ApiServer, other_api: ApiServer, hub_access: Object, prefix: str
) -> None:
    access = take_in(hosted, hub_access, prefix)
    marks = hub.audit.mark(), hosted.audit.mark()
    itself = run(DETACH, cluster="hub", hub="hub", hub_access=hub_access)
    assert itself["reason"] == "is_hub"
    swapped = leave(prefix, hub_access, kubeconfig=other_api.kubeconfig())
    assert swapped["reason"] == "other_cluster"
    assert not [item for item in hub.audit.since(marks[0], LODESTAR) if item.writes]
    assert not [item for item in hosted.audit.since(marks[1], LODESTAR) if item.writes]
    run(RECORD, cluster=prefix, mode="create", access=access, hub_access=hub_access)
    created = leave(prefix, hub_access)
    assert created["reason"] == "created"
    assert "lodestar.platform.destroy" in created["msg"]
    run(RECORD, cluster=prefix, mode="attach", access=access, hub_access=hub_access)
    assert leave(prefix, hub_access)["state"] == "detached"


def test_a_cluster_that_is_gone_for_good_is_forgotten_without_asking_it(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, prefix: str
) -> None:
    hub_before = everything(hub)
    take_in(hosted, hub_access, prefix)
    mark = hosted.audit.mark()
    done = leave(prefix, hub_access, unreachable="forget")
    assert done["state"] == "detached"
    assert "without looking" in done["warnings"][0]
    assert hosted.audit.since(mark, LODESTAR) == []
    assert settled(hub, hub_before) == []
    # What was left behind does not hinder a later attachment.
    take_in(hosted, hub_access, prefix)
    assert leave(prefix, hub_access)["state"] == "detached"


def test_the_plan_shows_no_secret(hosted: ApiServer, hub_access: Object, prefix: str) -> None:
    access = take_in(hosted, hub_access, prefix)
    planned = run(DETACH, check=True, cluster=prefix, hub_access=hub_access)
    text = json.dumps(planned)
    assert access["token"] not in text
    assert base64.b64encode(access["token"].encode()).decode() not in text
    assert f"delete v1/Secret/{prefix}/{prefix}-kubeconfig" in steps(copy.deepcopy(planned))
    assert leave(prefix, hub_access)["state"] == "detached"
