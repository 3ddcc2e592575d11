# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attaching a cluster: what is left on it and on the hub, and what is refused."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access, access_secret
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_info import OPERATION as INFO
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.attach import OPERATION as ATTACH
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.identity import Mark
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.records_plan import OPERATION as RECORD
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.errors import Forbidden

from ..harness.apiserver import ApiServer
from ..harness.people import steps
from .conftest import LODESTAR, connection, minted, run, uid_of

RBAC = "rbac.authorization.k8s.io/v1/"
FIRST = [
    "create v1/Namespace/lodestar-system",
    "create v1/ConfigMap/lodestar-system/applyset-access",
    "create v1/ServiceAccount/lodestar-system/lodestar",
    f"create {RBAC}ClusterRole/lodestar:auditor",
    f"create {RBAC}ClusterRole/lodestar:tenant",
    f"create {RBAC}Role/lodestar-system/lodestar:self",
    f"create {RBAC}ClusterRoleBinding/lodestar:tenant",
    f"create {RBAC}RoleBinding/lodestar-system/lodestar:self",
    f"update {RBAC}ClusterRole/lodestar:auditor#owner",
    f"update {RBAC}ClusterRole/lodestar:tenant#owner",
    f"update {RBAC}ClusterRoleBinding/lodestar:tenant#owner",
]


def given(member: ApiServer, hub_access: dict[str, t.Any], cluster: str, **more: t.Any) -> dict[str, t.Any]:
    return {"cluster": cluster, "kubeconfig": member.kubeconfig(), "hub_access": hub_access, **more}


def secret(hub: ApiServer, cluster: str) -> dict[str, t.Any]:
    with Client(hub.admin) as client:
        found = client.get("v1", "Secret", f"{cluster}-kubeconfig", cluster)
    assert found is not None
    return found


def change_secret(hub: ApiServer, cluster: str, **annotations: str) -> None:
    found = secret(hub, cluster)
    found["metadata"]["annotations"].update({f"lodestar.platform/{key}": value for key, value in annotations.items()})
    with Client(hub.admin) as client:
        client.replace(found)


def test_attaching_leaves_an_access_that_works_and_the_second_run_writes_nothing(
    hub: ApiServer, member: ApiServer, hub_access: dict[str, t.Any], prefix: str
) -> None:
    wanted = given(member, hub_access, prefix)
    hub_mark, member_mark = hub.audit.mark(), member.audit.mark()
    planned = run(ATTACH, check=True, **wanted)
    assert not [item for item in hub.audit.since(hub_mark, LODESTAR) if item.writes]
    assert not [item for item in member.audit.since(member_mark) if item.writes]

    done = run(ATTACH, **wanted)
    hub_steps = [f"create v1/Namespace/{prefix}", f"create v1/Secret/{prefix}/{prefix}-kubeconfig"]
    assert sorted(steps(done)) == sorted(FIRST + hub_steps)
    assert planned["plan"] == done["plan"]
    kept = secret(hub, prefix)
    assert kept["type"] == "cluster.x-k8s.io/secret"
    assert kept["metadata"]["labels"]["cluster.x-k8s.io/cluster-name"] == prefix
    value = json.loads(base64.b64decode(kept["data"]["value"]))
    assert value["clusters"][0]["cluster"]["server"] == member.url
    assert member.runner.token not in json.dumps(kept) + base64.b64decode(kept["data"]["value"]).decode()
    assert value["users"][0]["user"]["token"] not in json.dumps(done)

    known = run(INFO, cluster=prefix, hub_access=hub_access)
    assert (known["state"], known["uid"]) == ("usable", uid_of(member))
    with Client(connection(known["access"])) as client:
        assert client.can("create", "", "namespaces")
        assert not client.can("get", "", "secrets", namespace="kube-system")

    hub_mark, member_mark = hub.audit.mark(), member.audit.mark()
    again = run(ATTACH, **{**wanted, "kubeconfig": "/nowhere/that/can/be/read"})
    assert steps(again) == []
    assert not [item for item in hub.audit.since(hub_mark, LODESTAR) if item.writes]
    assert member.audit.since(member_mark) == []
    assert len(member.audit.since(member_mark, LODESTAR)) == 1


def test_a_token_renews_itself_when_half_of_its_life_is_over(
    hub: ApiServer, member: ApiServer, hub_access: dict[str, t.Any], prefix: str
) -> None:
    run(ATTACH, **given(member, hub_access, prefix, tier="observe"))
    before = secret(hub, prefix)
    change_secret(hub, prefix, lifetime=str(10 * 86400))
    assert run(INFO, cluster=prefix, hub_access=hub_access)["state"] == "ageing"
    mark = member.audit.mark()
    done = run(ATTACH, **given(member, hub_access, prefix, tier="observe", kubeconfig=None))
    assert steps(done) == [f"update v1/Secret/{prefix}/{prefix}-kubeconfig"]
    assert member.audit.since(mark) == []
    assert secret(hub, prefix)["data"] != before["data"]
    assert run(INFO, cluster=prefix, hub_access=hub_access)["state"] == "usable"
    assert steps(run(ATTACH, **given(member, hub_access, prefix, tier="observe"))) == []


def test_an_access_that_has_ended_needs_rekey(
    hub: ApiServer, member: ApiServer, hub_access: dict[str, t.Any], prefix: str
) -> None:
    wanted = given(member, hub_access, prefix)
    run(ATTACH, **wanted)
    change_secret(hub, prefix, expires="2020-01-01T00:00:00Z")
    assert run(INFO, cluster=prefix, hub_access=hub_access)["state"] == "expired"
    refused = run(ATTACH, **wanted)
    assert refused["failed"]
    assert f"rekey: {prefix}" in refused["msg"]
    assert steps(run(ATTACH, **wanted, rekey=True)) == [f"update v1/Secret/{prefix}/{prefix}-kubeconfig"]
    assert run(INFO, cluster=prefix, hub_access=hub_access)["state"] == "usable"


def test_a_cluster_that_was_silent_in_this_run_is_not_asked_again(
    hub: ApiServer, member: ApiServer, hub_access: dict[str, t.Any], prefix: str
) -> None:
    wanted = given(member, hub_access, prefix, unreachable="get Namespace kube-system: no answer before the deadline")
    run(ATTACH, **{**wanted, "unreachable": None})
    mark = member.audit.mark()
    failed = run(ATTACH, **wanted)
    assert failed["failed"]
    assert failed["msg"] == f"{prefix}: {wanted['unreachable']}"
    assert member.audit.since(mark) + member.audit.since(mark, LODESTAR) == []
    # Its access may be of use no more, as after a move to another address.
    assert steps(run(ATTACH, **wanted, rekey=True)) == [f"update v1/Secret/{prefix}/{prefix}-kubeconfig"]


def test_a_change_of_tier_uses_the_credential_and_leaves_only_the_new_rights(
    hub: ApiServer, member: ApiServer, hub_access: dict[str, t.Any], prefix: str
) -> None:
    run(ATTACH, **given(member, hub_access, prefix, tier="tenant"))
    done = run(ATTACH, **given(member, hub_access, prefix, tier="observe"))
    assert f"delete {RBAC}ClusterRoleBinding/lodestar:tenant" in steps(done)
    with Client(member.admin) as admin:
        for kind in ("ClusterRole", "ClusterRoleBinding"):
            names = [item["metadata"]["name"] for item in admin.list(RBAC.rstrip("/"), kind)]
            assert [name for name in names if name.startswith("lodestar:")] == ["lodestar:observe"]
    known = run(INFO, cluster=prefix, hub_access=hub_access)
    assert known["tier"] == "observe"
    with Client(connection(known["access"])) as client:
        assert client.list("v1", "Namespace")
        assert not client.can("create", "", "namespaces")
        with pytest.raises(Forbidden):
            client.list("v1", "Secret")


def test_one_cluster_under_two_names_and_of_two_hubs_is_refused(
    hub: ApiServer, member: ApiServer, other_api: ApiServer, hub_access: dict[str, t.Any], prefix: str
) -> None:
    run(ATTACH, **given(member, hub_access, prefix))
    mark = member.audit.mark()
    twice = run(ATTACH, **given(member, hub_access, f"{prefix}-other"))
    assert twice["reason"] == "known_as_other"
    assert f"{prefix!r}" in twice["msg"]
    foreign = minted(other_api, access.access_objects("lifecycle", hub=True))
    elsewhere = run(ATTACH, **given(member, foreign, prefix))
    assert elsewhere["reason"] == "other_hub"
    assert hub_access["uid"] in elsewhere["msg"]
    assert not [item for item in member.audit.since(mark) if item.writes]


def test_another_cluster_behind_a_known_name_is_refused(
    hub: ApiServer, member: ApiServer, other_api: ApiServer, hub_access: dict[str, t.Any], prefix: str
) -> None:
    run(ATTACH, **given(member, hub_access, prefix))
    swapped = run(ATTACH, **given(other_api, hub_access, prefix, rekey=True))
    assert swapped["reason"] == "other_cluster"
    assert uid_of(member) in swapped["msg"]
    assert uid_of(other_api) in swapped["msg"]
    itself = run(ATTACH, **given(hub, hub_access, f"{prefix}-hub"))
    assert itself["reason"] == "is_hub"


def test_minted_access_to_a_created_cluster_is_kept_once(
    hub: ApiServer, member: ApiServer, hub_access: dict[str, t.Any], prefix: str
) -> None:
    mark = Mark(hub_uid=hub_access["uid"], cluster=prefix)
    made = minted(member, access.access_objects("lifecycle", mark=mark))
    wanted = {"cluster": prefix, "tier": "lifecycle", "hub_access": hub_access}
    planned = run(ATTACH, check=True, cluster_exists=False, **wanted)
    done = run(ATTACH, access=made, **wanted)
    assert planned["plan"] == done["plan"]
    assert done["joined"] == "created"
    stored = access_secret.from_secret(prefix, secret(hub, prefix))
    assert stored is not None
    assert (stored.token, stored.expires, stored.lifetime) == (made["token"], made["expires"], 3600)
    audit = hub.audit.mark()
    assert steps(run(ATTACH, access=made, **wanted)) == []
    assert not [item for item in hub.audit.since(audit, LODESTAR) if item.writes]


def test_a_cluster_that_was_founded_again_takes_its_name_back_when_that_is_said(
    hub: ApiServer, member: ApiServer, other_api: ApiServer, hub_access: dict[str, t.Any], prefix: str
) -> None:
    rights = access.access_objects("lifecycle")
    wanted = {"cluster": prefix, "hub_access": hub_access}
    old, new = minted(member, rights), minted(other_api, rights)
    run(ATTACH, access=old, tier="lifecycle", **wanted)
    run(RECORD, access=old, **wanted)
    for operation in (ATTACH, RECORD):
        assert run(operation, access=new, **wanted)["reason"] == "other_cluster"
    assert steps(run(ATTACH, access=new, tier="lifecycle", recreate=True, **wanted))
    assert steps(run(RECORD, access=new, recreate=True, **wanted))
    assert steps(run(ATTACH, access=new, tier="lifecycle", **wanted)) == []
    assert steps(run(RECORD, access=new, **wanted)) == []
    stored = access_secret.from_secret(prefix, secret(hub, prefix))
    assert stored is not None
    assert stored.uid == uid_of(other_api)


def test_without_a_hub_nothing_is_written_on_the_member(member: ApiServer, prefix: str) -> None:
    mark = member.audit.mark()
    failed = run(ATTACH, cluster=prefix, kubeconfig=member.kubeconfig(), hub="global")
    assert failed["failed"]
    assert "global: nothing can be done there" in failed["msg"]
    assert not [item for item in member.audit.since(mark) if item.writes]
    assert run(INFO, cluster=prefix, hub="global")["state"] == "absent"


def test_a_namespace_of_somebody_else_is_not_taken(
    hub: ApiServer, member: ApiServer, hub_access: dict[str, t.Any], prefix: str
) -> None:
    with Client(hub.admin) as client:
        client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": prefix}})
    refused = run(ATTACH, **given(member, hub_access, prefix))
    assert refused["reason"] == "namespace_taken"
