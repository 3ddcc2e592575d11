# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a definition may say, and how it is told that it is wrong."""

from __future__ import annotations

import typing as t
from ipaddress import IPv4Network
from pathlib import Path

import pytest
import yaml

from testbed import definition
from testbed.errors import TestbedError

ROOT = Path(__file__).resolve().parents[3]
LEGACY = {
    "name": "legacy",
    "control_plane": "l1",
    "workers": ["l2"],
    "kubernetes_version": "1.36.3",
    "pod_cidr": "10.250.0.0/16",
    "service_cidr": "10.251.0.0/16",
}


def test_addresses_follow_the_subnet() -> None:
    parsed = definition.parse({"machines": {"m1": 11}, "addresses": {"vip": 101}})
    subnet = IPv4Network("10.89.7.0/24")
    assert [parsed.address(name, subnet) for name in ("m1", "vip")] == ["10.89.7.11", "10.89.7.101"]
    with pytest.raises(TestbedError, match="'m2' is neither"):
        parsed.address("m2", subnet)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "'machines' must map"),
        ({"machines": {}}, "'machines' must map"),
        ({"machines": {"m1": 11}, "machine": {}}, "unknown key 'machine'"),
        ({"machines": {"m1": 1}}, "machines.m1 = 1: a number from 2 to 254"),
        ({"machines": {"m1": True}}, "machines.m1 = True"),
        ({"machines": {"m1": "11"}}, "machines.m1 = '11'"),
        ({"machines": {"M_1": 11}}, "'M_1' is no name"),
        ({"machines": {"m1": 11, "m2": 11}}, "machines.m2 = 11: machines.m1 has this number already"),
        ({"machines": {"m1": 11}, "addresses": {"vip": 11}}, "addresses.vip = 11: machines.m1 has"),
        ({"machines": {"m1": 11}, "operator": {"a": {"endpoint": "m1"}}}, "operator.a: 'control_planes'"),
        ({"machines": {"m1": 11}, "operator": {"a": {"control_planes": ["x"], "endpoint": "m1"}}}, "'x' is no machine"),
        ({"machines": {"m1": 11}, "operator": {"a": {"control_planes": ["m1"], "endpoint": "y"}}}, "endpoint 'y'"),
        ({"machines": {"m1": 11}, "legacy": LEGACY}, "'l1' is no machine"),
        ({"machines": {"m1": 11}, "legacy": {"name": "x"}}, "legacy: name, control_plane"),
    ],
)
def test_wrong_definitions_are_named(content: t.Any, said: str) -> None:
    with pytest.raises(TestbedError) as caught:
        definition.parse(content)
    assert said in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TestbedError, match=r"absent\.yml"):
        definition.load(tmp_path / "absent.yml")


def test_quickstart_inventory_and_definition_agree() -> None:
    """Every machine of the inventory exists; those that it does not name are the legacy cluster's."""
    parsed = definition.load(ROOT / "testbed" / "quickstart.yml")
    hosts = yaml.safe_load((ROOT / "inventories/quickstart/hosts.yml").read_text())
    groups = hosts["machines"]["children"]
    named = {host for group in groups.values() for child in group["children"].values() for host in child["hosts"]}
    assert parsed.legacy is not None
    assert named
    assert set(parsed.machines) - named == {parsed.legacy.control_plane, *parsed.legacy.workers}
    assert set(parsed.operator) == set(hosts["clusters"]["hosts"])
    for cluster, operator in parsed.operator.items():
        if cluster != parsed.legacy.name:
            children = groups[f"{cluster}_machines"]["children"]
            assert list(operator.control_planes) == list(children[f"{cluster}_control_plane"]["hosts"])
            assert operator.endpoint in parsed.addresses
    described = yaml.safe_load((ROOT / "inventories/quickstart/host_vars/legacy.yml").read_text())["cluster_network"]
    assert described == {"pod_cidr": parsed.legacy.pod_cidr, "service_cidr": parsed.legacy.service_cidr}
