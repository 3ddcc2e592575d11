# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No two checkouts and no two fleets share a name, an address or a directory."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from testbed import definition, fleet, names, rules, subnets
from testbed.errors import TestbedError
from testbed.ssh import Ssh, control_directory


def test_two_checkouts_have_other_names(tmp_path: Path) -> None:
    first, second = (names.fleet_name("quickstart", tmp_path / folder) for folder in ("a", "b"))
    assert first.id != second.id
    assert first.network != second.network
    assert first.container("g1") != second.container("g1")
    assert first == names.fleet_name("quickstart", tmp_path / "b" / ".." / "a")
    assert first.container("g1") != names.fleet_name("e2e", tmp_path / "a").container("g1")


@pytest.mark.parametrize("name", ["", "Quick", "a" * 21, "a/b", "-a", "a b"])
def test_hostile_fleet_names_are_refused(name: str) -> None:
    with pytest.raises(TestbedError, match="fleet"):
        names.fleet_name(name, Path("/"))


@pytest.mark.parametrize(
    ("fleet_of", "given", "environ", "expected"),
    [
        ("quickstart", None, {}, "/c/.quickstart"),
        ("e2e", None, {}, "/c/.cache/testbed/e2e"),
        ("e2e", None, {names.STATE_VARIABLE: "/s"}, "/s"),
        ("e2e", "/g", {names.STATE_VARIABLE: "/s"}, "/g"),
        ("quickstart", None, {names.STATE_VARIABLE: ""}, "/c/.quickstart"),
    ],
)
def test_state_directory(fleet_of: str, given: str | None, environ: dict[str, str], expected: str) -> None:
    assert names.state_directory(fleet_of, Path("/c"), given, environ) == Path(expected)


def test_control_sockets_fit_a_socket_path() -> None:
    """ssh adds 17 characters while it makes a socket, and a socket's path has room for 107."""
    longest = control_directory(names.fleet_name("a" * 20, Path("/")).id) / "255.255.255.255-root"
    assert len(str(longest)) + 17 <= 107


def test_a_subnet_is_free_of_everything() -> None:
    taken = ["10.89.0.0/24", "10.89.1.128/25", "10.89.2.7/32", "0.0.0.0/32", "172.17.0.0/16"]
    assert str(subnets.choose("10.89.0.0/16", map(IPv4Network, taken))) == "10.89.3.0/24"


def test_a_pool_that_is_used_up_says_so() -> None:
    with pytest.raises(TestbedError, match="no free /24 is left"):
        subnets.choose("10.89.0.0/24", [IPv4Network("10.88.0.0/15")])


@pytest.mark.parametrize("pool", ["10.89.0.1/16", "fd00::/48", "10.89.0.0/25", "x"])
def test_a_pool_that_is_none(pool: str) -> None:
    with pytest.raises(TestbedError, match="pool"):
        subnets.choose(pool, [])


def test_routes_of_the_host() -> None:
    text = '[{"dst":"default","gateway":"192.0.2.1"},{"dst":"10.89.0.0/24"},{"type":"local","dst":"10.89.0.1"},{}]'
    assert list(map(str, subnets.parse_routes(text))) == ["10.89.0.0/24", "10.89.0.1/32"]
    assert subnets.parse_routes("") == []


def test_description_of_a_fleet() -> None:
    parsed = definition.parse({"machines": {"m1": 11}, "addresses": {"vip": 101}})
    name = names.fleet_name("t", Path("/c"))
    described = fleet.describe(name, parsed, IPv4Network("10.89.3.0/24"), Ssh(Path("/s"), Path("/run/x")))
    assert described["machines"] == {"m1": {"address": "10.89.3.11", "container": name.container("m1")}}
    assert described["addresses"] == {"vip": "10.89.3.101"}
    assert described["network"]["gateway"] == "10.89.3.1"
    assert described["ssh"]["private_key"] == "/s/id_ed25519"


def test_only_rules_of_ours_are_ours() -> None:
    text = """[{"priority":0,"src":"all","table":"local"},
        {"priority":20089,"src":"all","iif":"br-0123456789ab","action":"unreachable"},
        {"priority":20090,"src":"all","iif":"br-ffffffffffff","action":"unreachable"}]"""
    assert rules.parse(text) == {rules.bridge("0123456789abcdef")}
    assert rules.parse("") == set()
