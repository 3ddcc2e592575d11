# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ClusterProperties: a member says which cluster of which set it is, as the hub does, and nothing of others is lost."""

from __future__ import annotations

import copy
import time
import typing as t

import pytest
import yaml
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access, properties
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_info import OPERATION as INFO
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.attach import OPERATION as ATTACH
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.records_plan import OPERATION as RECORD
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import ApiServer
from ..harness.people import steps
from ..harness.programs import bundle
from .conftest import LODESTAR, minted, run
from .test_detach import everything, leave, settled, take_in

Object = dict[str, t.Any]
API, KIND = "about.k8s.io/v1alpha1", "ClusterProperty"
CRD = ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "clusterproperties.about.k8s.io")
ID, SET = "cluster.clusterset.k8s.io", "clusterset.k8s.io"


def told(api: ApiServer) -> dict[str, str]:
    """What a cluster says of itself."""
    with Client(api.admin) as client:
        client.learn([properties.RESOURCE])
        return {item["metadata"]["name"]: item["spec"]["value"] for item in client.list(API, KIND)}


def definition(api: ApiServer) -> Object | None:
    with Client(api.admin) as client:
        return client.get(*CRD)


def theirs(api: ApiServer, *versions: str) -> None:
    """Somebody else brings the definition."""
    crd = copy.deepcopy(properties.DEFINITION)
    (first,) = crd["spec"]["versions"]
    crd["spec"]["versions"] = [{**first, "name": name, "storage": name == versions[0]} for name in versions]
    with Client(api.admin) as client:
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        client.request("POST", path, query={"fieldManager": "theirs"}, body=crd)


def put(api: ApiServer, name: str, value: str) -> None:
    """Somebody else sets a property, once its definition is served."""
    obj = {"apiVersion": API, "kind": KIND, "metadata": {"name": name}, "spec": {"value": value}}
    with Client(api.admin) as client:
        client.learn([properties.RESOURCE])
        path = properties.RESOURCE.path()
        until = time.monotonic() + 30
        while properties.RESOURCE.kind not in (client.served(API) or {}) and time.monotonic() < until:
            time.sleep(0.1)
        client.request("POST", path, query={"fieldManager": "theirs"}, body=obj)


def plain(value: t.Any) -> t.Any:
    """A schema without its prose."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key != "description" or isinstance(item, dict)}
    return [plain(item) for item in value] if isinstance(value, list) else value


def test_the_definition_is_the_one_of_the_bundle() -> None:
    of_bundle = yaml.safe_load((bundle() / "crds" / "crds-clusterproperty.yaml").read_text())
    assert plain(of_bundle) == plain(properties.DEFINITION)


def test_a_created_cluster_says_what_the_hub_says_and_is_told_once(
    hub: ApiServer, member: ApiServer, east: Object, hub_access: Object, prefix: str
) -> None:
    wanted = {"cluster": prefix, "cluster_set": "north", "access": east, "hub_access": hub_access}
    done = run(RECORD, **wanted)
    with Client(hub.admin) as client:
        profile = client.get("multicluster.x-k8s.io/v1alpha1", "ClusterProfile", prefix, "lodestar-system") or {}
    recorded = {item["name"]: item["value"] for item in profile["status"]["properties"]}
    assert told(member) == done["properties"] == {ID: prefix, SET: "north"}
    assert {name: recorded[name] for name in (ID, SET)} == told(member)
    mark = member.audit.mark()
    assert steps(run(RECORD, **wanted)) == []
    assert [item for item in member.audit.since(mark, LODESTAR) if item.writes] == []
    moved = run(RECORD, **{**wanted, "cluster_set": "south"})
    assert f"update {API}/{KIND}/{SET}" in steps(moved)
    assert told(member) == {ID: prefix, SET: "south"}


def test_an_observed_cluster_is_told_nothing(member: ApiServer, hub_access: Object, prefix: str) -> None:
    given = {"cluster": prefix, "hub_access": hub_access, "tier": "observe"}
    run(ATTACH, kubeconfig=member.kubeconfig(), **given)
    made = run(INFO, cluster=prefix, hub_access=hub_access)["access"]
    mark = member.audit.mark()
    done = run(RECORD, mode="attach", access=made, **given)
    assert not done.get("failed"), done
    assert (done["properties"], done.get("warnings")) == (None, None)
    assert definition(member) is None
    assert [item for item in member.audit.since(mark, LODESTAR) if item.writes or item.code == 403] == []


def test_rights_of_an_earlier_collection_leave_it_out_and_say_so(
    member: ApiServer, hub_access: Object, prefix: str
) -> None:
    objects = access.access_objects("tenant")
    for obj in objects:
        if obj["kind"] == "ClusterRole":
            obj["rules"] = [item for item in obj["rules"] if item["apiGroups"][0] not in ("about.k8s.io", CRD[0][:-3])]
    made = minted(member, objects)
    done = run(RECORD, cluster=prefix, tier="tenant", access=made, hub_access=hub_access)
    assert not done.get("failed"), done
    assert done["properties"] is None
    assert f"{prefix}: its access has the rights of an earlier collection" in done["warnings"][0]


def test_our_definition_follows_the_collection_until_somebody_else_writes_to_it(
    member: ApiServer, east: Object, hub_access: Object, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {"cluster": prefix, "access": east, "hub_access": hub_access}
    run(RECORD, **wanted)
    newer = copy.deepcopy(properties.DEFINITION)
    newer["spec"]["names"]["shortNames"] = ["cprop"]
    monkeypatch.setattr(properties, "DEFINITION", newer)
    assert steps(run(RECORD, **wanted)) == [f"update {'/'.join(CRD)}"]
    assert steps(run(RECORD, **wanted)) == []
    with Client(member.admin) as client:
        spec = (client.get(*CRD) or {})["spec"]
        assert spec["names"]["shortNames"] == ["cprop"]
        (first,) = spec["versions"]
        more = {"spec": {"versions": [first, {**first, "name": "v1beta1", "storage": False}]}}
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{CRD[2]}"
        kind = "application/merge-patch+json"
        client.request("PATCH", path, query={"fieldManager": "theirs"}, body=more, content_type=kind)
        newer["spec"]["names"]["shortNames"] = ["cp"]
        assert steps(run(RECORD, **wanted)) == []
        assert len((client.get(*CRD) or {})["spec"]["versions"]) == 2


def test_a_tier_that_writes_again_is_foreseen(member: ApiServer, hub_access: Object, prefix: str) -> None:
    given = {"cluster": prefix, "hub_access": hub_access}
    run(ATTACH, kubeconfig=member.kubeconfig(), tier="observe", **given)
    old = run(INFO, **given)["access"]
    run(RECORD, mode="attach", tier="observe", access=old, **given)
    raised = {"mode": "attach", "tier": "tenant", "access_renewed": True, **given}
    predicted = run(RECORD, check=True, access=old, expected=True, **raised)
    run(ATTACH, kubeconfig=member.kubeconfig(), tier="tenant", **given)
    done = run(RECORD, access=run(INFO, **given)["access"], **raised)
    assert f"create {API}/{KIND}/{ID}" in steps(done)
    assert predicted["plan"] == done["plan"]


def test_a_definition_of_others_is_used_and_stays_as_it_is(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, prefix: str
) -> None:
    theirs(hosted, "v1alpha1", "v1beta1")
    put(hosted, "fingerprint.example.com", "f00")
    before = everything(hosted)
    take_in(hosted, hub_access, prefix)
    assert told(hosted) == {ID: prefix, SET: "default", "fingerprint.example.com": "f00"}
    assert leave(prefix, hub_access)["state"] == "detached"
    assert settled(hosted, before) == []


def test_a_definition_that_serves_another_version_only_leaves_it_out_and_says_so(
    member: ApiServer, east: Object, hub_access: Object, prefix: str
) -> None:
    theirs(member, "v1beta1")
    done = run(RECORD, cluster=prefix, access=east, hub_access=hub_access)
    assert not done.get("failed"), done
    assert done["properties"] is None
    assert "is not ours and does not serve about.k8s.io/v1alpha1" in done["warnings"][0]
    assert [step["id"] for step in done["plan"] if step["target"] == prefix] == []


def test_a_property_of_others_is_refused_by_name_and_given_back_when_it_was_taken_over(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, prefix: str
) -> None:
    theirs(hosted, "v1alpha1")
    put(hosted, ID, "their-name")
    before = everything(hosted)
    run(ATTACH, cluster=prefix, kubeconfig=hosted.kubeconfig(), hub_access=hub_access)
    made = run(INFO, cluster=prefix, hub_access=hub_access)["access"]
    wanted = {"cluster": prefix, "mode": "attach", "tier": "tenant", "access": made, "hub_access": hub_access}
    marks = hub.audit.mark(), hosted.audit.mark()
    refused = run(RECORD, **wanted)
    assert refused["failed"]
    assert f"ClusterProperty {ID} exists and is not of this set (it was made by theirs)" in refused["msg"]
    assert "adopt: [ClusterProperty]" in refused["msg"]
    assert [item for item in hub.audit.since(marks[0], LODESTAR) if item.writes] == []
    assert [item for item in hosted.audit.since(marks[1], LODESTAR) if item.writes] == []
    assert f"update {API}/{KIND}/{ID}" in steps(run(RECORD, **wanted, adopt=["ClusterProperty"]))
    assert told(hosted) == {ID: prefix, SET: "default"}
    assert steps(run(RECORD, **wanted)) == []
    assert leave(prefix, hub_access)["state"] == "detached"
    assert settled(hosted, before) == []


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_our_definition_stays_with_whoever_uses_it_when_we_leave(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, prefix: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(hosted, hub_access, prefix)
    if when == "before":
        put(hosted, "fingerprint.example.com", "f00")
    else:
        # Between the plan and its last step: what is looked at then counts.
        delete = properties._delete

        def late(member: Client, step: t.Any) -> None:
            put(hosted, "fingerprint.example.com", "f00")
            delete(member, step)

        monkeypatch.setattr(properties, "_delete", late)
    assert leave(prefix, hub_access)["state"] == "detached"
    assert told(hosted) == {"fingerprint.example.com": "f00"}
    crd = definition(hosted) or {}
    assert "lodestar" not in str(crd["metadata"].get("labels")) + str(crd["metadata"].get("annotations"))
    assert "applyset.kubernetes.io/part-of" not in str(crd["metadata"])
    # It is theirs when the cluster comes back.
    take_in(hosted, hub_access, prefix)
    assert leave(prefix, hub_access)["state"] == "detached"
    assert told(hosted) == {"fingerprint.example.com": "f00"}


def test_a_tier_that_writes_nothing_takes_back_what_an_earlier_one_wrote(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, prefix: str
) -> None:
    before = everything(hosted)
    take_in(hosted, hub_access, prefix)
    given = {"cluster": prefix, "kubeconfig": hosted.kubeconfig(), "hub_access": hub_access, "tier": "observe"}
    planned = run(ATTACH, check=True, **given)
    done = run(ATTACH, **given)
    assert planned["plan"] == done["plan"]
    assert f"delete {'/'.join(CRD)}" in steps(done)
    assert definition(hosted) is None
    assert leave(prefix, hub_access)["state"] == "detached"
    assert settled(hosted, before) == []
