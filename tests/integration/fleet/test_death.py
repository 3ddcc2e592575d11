# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters that die in the middle of being taken in, governed and let go: the others are served, and one more run
settles what was left.
"""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_info import OPERATION as INFO
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.attach import OPERATION as ATTACH
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.session import Session
from ansible_collections.lodestar.platform.plugins.module_utils.policy.operate import OPERATION as POLICY
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.operate import OPERATION as TENANCY

from ..harness.apiserver import ApiServer
from ..harness.faults import FaultProxy
from .conftest import run
from .plays import Fleet, changed, recap
from .test_detach import everything, policy, settled, tenant

Object = dict[str, t.Any]
NAMES = ("first", "second", "third")


@pytest.fixture
def proxies(three: list[ApiServer]) -> t.Iterator[list[FaultProxy]]:
    """The way to each of three clusters."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(FaultProxy(server)) for server in three]


@pytest.fixture
def fleet(
    three: list[ApiServer], proxies: list[FaultProxy], hub_access: Object, tmp_path: Path, prefix: str
) -> t.Iterator[Fleet]:
    """Three clusters to attach, with a tenant and a policy for all."""
    clusters = {
        name: {"kubeconfig": server.kubeconfig(proxy.connection)}
        for name, server, proxy in zip(NAMES, three, proxies, strict=True)
    }
    yield Fleet(tmp_path / "user", hub_access, clusters, tenants=[tenant(prefix)], policies=[policy(prefix)])
    for server in three:
        server.thaw()
        if not server.alive:
            server.revive()


def governed(api: ApiServer, prefix: str) -> bool:
    with Client(api.admin) as client:
        kind = "ValidatingAdmissionPolicyBinding"
        names = [item["metadata"]["name"] for item in client.list("admissionregistration.k8s.io/v1", kind)]
    return any(prefix in name for name in names)


def test_a_run_serves_the_living_and_names_the_dead(
    hub: ApiServer, three: list[ApiServer], proxies: list[FaultProxy], fleet: Fleet, prefix: str
) -> None:
    before = [everything(api) for api in three]
    # The second dies as a machine does while it is attached, the third freezes while it is governed.
    proxies[1].at_write(5, three[1].kill)
    proxies[2].at_write(14, three[2].freeze)
    done = fleet.play("attach")
    assert done.returncode != 0
    counts = recap(done.stdout)
    assert [counts[name].get("failed", 0) for name in NAMES] == [0, 1, 1], done.stdout
    assert governed(three[0], prefix)
    for place in (1, 2):
        assert f"{NAMES[place]}: the run did not get as far as this cluster" in done.stdout
        assert "could not" in done.stderr + done.stdout
        assert proxies[place].connection.server in done.stderr + done.stdout
    three[1].revive()
    three[2].thaw()
    settling = fleet.play("attach")
    assert settling.returncode == 0, settling.stdout + settling.stderr
    assert all(governed(api, prefix) for api in three)
    assert changed(fleet.play("attach").stdout) == 0
    leave_in_the_middle(three, proxies, fleet, before)


def leave_in_the_middle(three: list[ApiServer], proxies: list[FaultProxy], fleet: Fleet, before: list[Object]) -> None:
    """The first dies while it and the third are let go."""
    given = ("-e", "detach_clusters=first,third", "-e", "detach_namespaces=delete", "-e", "detach_timeout=30")
    proxies[0].at_write(4, three[0].freeze)
    done = fleet.play("detach", *given)
    three[0].thaw()
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "on first: " in said, said
    assert proxies[0].connection.server in said
    assert settled(three[2], before[2]) == []
    settling = fleet.play("detach", *given)
    assert settling.returncode == 0, settling.stdout + settling.stderr
    assert settled(three[0], before[0]) == []


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No call is waited for: what is looked at is what comes after."""
    monkeypatch.setattr(Session, "deadline", property(lambda _self: 0.5, lambda _self, _value: None), raising=False)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(("done", "number"), [(False, 1), (False, 7), (True, 10)])
def test_a_cluster_that_dies_at_any_write_is_settled_by_the_next_run(
    hosted: ApiServer, hub_access: Object, prefix: str, done: bool, number: int
) -> None:
    """:param done: the write is done, and its answer lost."""
    with FaultProxy(hosted) as proxy:
        config = hosted.kubeconfig(proxy.connection)

        def attach() -> Object:
            return run(ATTACH, cluster=prefix, kubeconfig=config, hub_access=hub_access)

        def govern() -> Object:
            given = {"cluster": prefix, "access": run(INFO, cluster=prefix, hub_access=hub_access)["access"]}
            made = run(TENANCY, tenants=[tenant(prefix)], **given)
            return made if made.get("failed") else run(POLICY, policies=[policy(prefix)], **given)

        for act in (attach, govern):
            proxy.at_write(number, lambda: setattr(proxy, "dead", True), done)
            failed = act()
            assert failed.get("failed"), (act.__name__, proxy.seen[-12:])
            assert proxy.connection.server in failed["msg"]
            proxy.dead = False
            settling = act()
            assert not settling.get("failed"), (act.__name__, settling["msg"])
            assert act()["changed"] is False, act.__name__
