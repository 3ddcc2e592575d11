# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The platform's add-ons as deliveries: where they go, in which version, and what is wrong with a declaration."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.lodestar.platform.plugins.module_utils.bundle.catalog import VERSIONS
from ansible_collections.lodestar.platform.plugins.module_utils.delivery import addons, model, rights
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.addon import DEFAULT_IMAGES

Object = dict[str, t.Any]
ROOT = Path(__file__).resolve().parents[3]


def created(name: str, machines: int = 2, **more: t.Any) -> Object:
    access = {"tier": "lifecycle"}
    nodes = {"control_plane": ["m"] * machines, "workers": []}
    return {"name": name, "mode": "create", "role": "workload", "labels": {}, "access": access, **nodes, **more}


CLUSTERS: dict[str, Object] = {
    "hub": created("hub", 3, role="global", colocated=False),
    "east": created("east", 1, labels={"env": "test"}),
    "west": created("west", kubelet_config={"serverTLSBootstrap": False}),
    "legacy": created("legacy", 0, mode="attach", access={"tier": "tenant"}),
    "old": created("old", 0, mode="attach"),
}


def read(*items: Object, names: t.Mapping[str, list[str]] | None = None) -> addons.Addon:
    (found,) = addons.read_all(list(items), CLUSTERS, names or {})
    return found


def places(addon: addons.Addon) -> list[str]:
    return list(addon.item["clusters"]["names"])


def deployment(addon: addons.Addon, cluster: str) -> Object:
    objects = addons.AddonContent(addon).of(CLUSTERS[cluster])
    return next(obj for obj in objects if obj["kind"] == "Deployment")


def container(addon: addons.Addon, cluster: str) -> Object:
    return dict(deployment(addon, cluster)["spec"]["template"]["spec"]["containers"][0])


def test_every_created_cluster_has_it_in_the_bundles_version_and_as_fits_it() -> None:
    found = read()
    assert (found.name, found.set_name) == ("addon-metrics-server", "delivery-addon-metrics-server")
    assert places(found) == ["hub", "east", "west"]
    image = f"lodestar.platform/bundle/metrics-server:{VERSIONS['metrics-server']}"
    assert {container(found, name)["image"] for name in places(found)} == {image}
    assert [deployment(found, name)["spec"]["replicas"] for name in places(found)] == [2, 1, 2]
    assert ["--kubelet-insecure-tls" in container(found, name)["args"] for name in places(found)] == [
        False,
        False,
        True,
    ]
    assert VERSIONS["kube-router"] == DEFAULT_IMAGES["kube-router"].rpartition(":")[2]


def test_a_bundle_with_another_version_makes_it_another_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VERSIONS, "metrics-server", "v0.10.0")
    assert container(read(), "east")["image"].endswith("/metrics-server:v0.10.0")


def test_what_is_declared_holds_for_all_and_patches_for_some() -> None:
    patch = {
        "clusters": {"selector": {"matchLabels": {"env": "test"}}},
        "target": {"kind": "Deployment"},
        "patch": {"spec": {"replicas": 5}},
    }
    more = {"repository": "registry.example.org/metrics-server", "version": "v1", "kubelet_insecure_tls": True}
    found = read({"name": "metrics-server", "replicas": 3, "patches": [patch], "wait_timeout": 7, **more})
    assert [deployment(found, name)["spec"]["replicas"] for name in ("hub", "east")] == [3, 5]
    assert container(found, "hub")["image"] == "registry.example.org/metrics-server:v1"
    assert "--kubelet-insecure-tls" in container(found, "hub")["args"]
    assert found.wait == 7


def test_clusters_leave_it_by_declaration() -> None:
    assert places(read(names={"east": ["kube-router"], "west": ["metrics-server"]})) == ["hub", "west"]
    assert places(read({"name": "metrics-server", "clusters": {"selector": {"matchLabels": {"env": "test"}}}})) == [
        "east"
    ]
    gone = read({"name": "metrics-server", "state": "absent"})
    assert (places(gone), gone.absent) == ([], True)


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"name": "metric-server"}, r"platform_addons\[metric-server\].name"),
        ({"name": "metrics-server", "replicas": "2"}, "is not a number from 1 to 10"),
        ({"name": "metrics-server", "replicas": 2.0}, "is not a number from 1 to 10"),
        ({"name": "metrics-server", "version": "v0.1.0"}, "is not the version that the bundle holds"),
        ({"name": "metrics-server", "version": 0.9}, "a version is the tag of an image"),
        ({"name": "metrics-server", "repository": "Registry/X"}, "a repository is the name of an image"),
        ({"name": "metrics-server", "src": ["a"]}, "src"),
        ({"name": "metrics-server", "state": "gone"}, "state"),
        ({"name": "metrics-server", "clusters": {"names": ["eats"]}}, "is not a cluster of the inventory"),
        ({"name": "metrics-server", "clusters": {"names": ["legacy"]}}, r"declare cluster_access: \{tier: lifecycle\}"),
        ({"name": "metrics-server", "clusters": {"names": ["old"]}}, "its nodes have no images of the bundle"),
        ({"name": "metrics-server", "kubelet_insecure_tls": "maybe"}, "kubelet_insecure_tls"),
        (
            {"name": "metrics-server", "patches": [{"target": {"kind": "Job"}, "patch": {"spec": {}}}]},
            "fits no object of it",
        ),
        ("metrics-server", "is not a mapping"),
    ],
)
def test_what_is_wrong_is_named(item: t.Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        addons.read_all([item], CLUSTERS, {})
    assert addons.validate([item], CLUSTERS)


def test_an_attached_cluster_has_it_where_that_can_work() -> None:
    found = read(
        {
            "name": "metrics-server",
            "clusters": {"names": ["old"]},
            "repository": "registry.example.org/metrics-server",
        }
    )
    assert places(found) == ["old"]
    assert deployment(found, "old")["spec"]["replicas"] == 2


def test_it_is_declared_once_and_its_name_is_taken() -> None:
    item = {"name": "metrics-server"}
    assert "is declared twice" in str(addons.validate([item, item], CLUSTERS))
    problems = model.validate([{"name": "addon-metrics-server", "objects": [{}]}])
    assert "are those of the platform's add-ons" in str(problems)


def test_no_operator_delivers_what_decides_about_rights() -> None:
    kinds = [
        ("rbac.authorization.k8s.io", "clusterroles"),
        ("", "configmaps"),
        ("apiregistration.k8s.io", "apiservices"),
    ]
    assert rights.never(kinds) == ["apiservices.apiregistration.k8s.io", "clusterroles.rbac.authorization.k8s.io"]
    assert rights.lacking(kinds[::2], rights.held("lifecycle", {})) == []


def test_upgrades_hold_all_of_them() -> None:
    known = yaml.safe_load((ROOT / "roles/delivery/vars/main.yml").read_text())["__delivery_addons"]
    assert known == [f"{model.ADDON_PREFIX}{name}" for name in addons.KINDS]
