# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a join and the access to a new cluster will take is known before there is a cluster; what is taken back."""

from __future__ import annotations

import base64
import json
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError
from ansible_collections.lodestar.platform.plugins.module_utils.machine import (
    access,
    claims,
    host,
    kubeapi,
    material,
    paths,
)
from ansible_collections.lodestar.platform.plugins.module_utils.machine.request import Standing
from ansible_collections.lodestar.platform.plugins.module_utils.plan import Plan, StepFailed, carry_out
from ansible_collections.lodestar.platform.tests.unit.machine.examples import IMAGES, cluster, machine

SECRETS = "/api/v1/namespaces/kube-system/secrets"
OWNER = {"run": "ours"}
PROXY = "Proxy for managing TTL for the kubeadm-certs secret"


class Cluster:
    """The Secrets of a cluster, behind the calls of kubeapi.Api."""

    def __init__(self, **descriptions: str) -> None:
        self.tokens = descriptions
        self.certificates = True

    def live(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is open."""

    def get(self, path: str) -> dict[str, t.Any] | None:
        assert path == f"{SECRETS}/kubeadm-certs"
        return {} if self.certificates else None

    def request(self, method: str, path: str) -> dict[str, t.Any]:
        assert (method, path.partition("?")[0]) == ("GET", SECRETS)
        encoded = {name: base64.b64encode(text.encode()).decode() for name, text in self.tokens.items()}
        return {"items": [{"metadata": {"name": name}, "data": {"description": encoded[name]}} for name in encoded]}

    def delete(self, path: str) -> bool:
        name = path.removeprefix(f"{SECRETS}/")
        if name == "kubeadm-certs":
            self.certificates = False
        else:
            del self.tokens[name]
        return True


@pytest.fixture(autouse=True)
def claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., None]:
    """Sets who joins which machine: ``name=(run, role)``."""
    path = tmp_path / "claims.json"
    monkeypatch.setattr(claims.load, "__defaults__", (str(path),))
    monkeypatch.setattr(claims.release, "__defaults__", (None, str(path)))

    def note(**joins: tuple[str, str]) -> None:
        now = {"at": time.time(), "since": "now"}
        noted = {name: {"owner": {"run": run}, "role": role, **now} for name, (run, role) in joins.items()}
        path.write_text(json.dumps(noted))

    return note


def seen(monkeypatch: pytest.MonkeyPatch, api: Cluster | None) -> None:
    monkeypatch.setattr(kubeapi, "local_admin", lambda address, port: api)


def steps(plan: Plan) -> list[str]:
    return [f"{step.action} {step.id}" for step in plan.ordered()]


def finished(plan: Plan) -> None:
    carry_out(plan)
    assert plan.finish is not None
    plan.finish()


@pytest.mark.parametrize(
    ("role", "made", "taken"),
    [
        ("worker", ["create join:e2:token"], ["delete join:e2:token"]),
        (
            "control_plane",
            ["create join:e2:token", "create join:e2:kubeadm-certs"],
            ["delete join:e2:token", "delete join:e2:kubeadm-certs"],
        ),
    ],
)
def test_what_is_made_and_taken_back_is_known_before_there_is_a_cluster(
    monkeypatch: pytest.MonkeyPatch, role: str, made: list[str], taken: list[str]
) -> None:
    seen(monkeypatch, None)
    joiner = machine("e2", role)
    assert steps(material.plan(cluster(), machine(), joiner, Standing(), IMAGES)) == made
    assert steps(material.removal(cluster(), machine(), joiner, OWNER)) == taken


def test_a_run_takes_back_what_it_made_and_its_plan_says_the_same(
    monkeypatch: pytest.MonkeyPatch, claimed: t.Callable[..., None]
) -> None:
    api = Cluster(mine="lodestar.platform: join of e2", proxy=PROXY, other="somebody's own")
    seen(monkeypatch, api)
    claimed(e2=("ours", "control_plane"))
    plan = material.removal(cluster(), machine(), machine("e2"), OWNER)
    assert steps(plan) == ["delete join:e2:token", "delete join:e2:kubeadm-certs"]
    finished(plan)
    assert (api.tokens, api.certificates) == ({"other": "somebody's own"}, False)
    assert claims.load() == {}


def test_workers_that_join_side_by_side_take_back_their_own(
    monkeypatch: pytest.MonkeyPatch, claimed: t.Callable[..., None]
) -> None:
    api = Cluster(one="lodestar.platform: join of w1", two="lodestar.platform: join of w2")
    api.certificates = False
    seen(monkeypatch, api)
    claimed(w1=("ours", "worker"), w2=("ours", "worker"))
    for name, left in (("w1", ["two"]), ("w2", [])):
        plan = material.removal(cluster(), machine(), machine(name, "worker"), OWNER)
        assert steps(plan) == [f"delete join:{name}:token"]
        finished(plan)
        assert list(api.tokens) == left


def test_leftovers_of_dead_joins_go_too_and_those_of_living_ones_stay(
    monkeypatch: pytest.MonkeyPatch, claimed: t.Callable[..., None]
) -> None:
    api = Cluster(a="lodestar.platform: join of w8", b="lodestar.platform: join of w9", c=PROXY)
    seen(monkeypatch, api)
    claimed(w1=("ours", "worker"), w9=("other", "worker"))
    plan = material.removal(cluster(), machine(), machine("w1", "worker"), OWNER)
    assert steps(plan) == [
        "delete join:w1:token",
        "delete v1/Secret/kube-system/bootstrap-token/0",
        "delete v1/Secret/kube-system/kubeadm-certs/1",
        "delete v1/Secret/kube-system/kubeadm-certs/2",
    ]
    finished(plan)
    assert list(api.tokens) == ["b"]
    assert list(claims.load()) == ["w9"]


def test_what_a_dead_run_has_left_goes_although_its_join_ended_by_itself(
    monkeypatch: pytest.MonkeyPatch, claimed: t.Callable[..., None]
) -> None:
    api = Cluster(a="lodestar.platform: join of w9")
    api.certificates = False
    seen(monkeypatch, api)
    claimed(w9=("other", "worker"))
    assert steps(material.removal(cluster(), machine(), None, OWNER)) == []
    plan = material.removal(cluster(), machine(), None, OWNER, supersedes="other")
    assert steps(plan) == ["delete v1/Secret/kube-system/bootstrap-token/0"]
    finished(plan)
    assert (list(api.tokens), claims.load()) == ([], {})


def test_access_to_a_cluster_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is planned where there is no cluster, all of it where one is to be founded; making it fails plainly."""
    seen(monkeypatch, None)
    assert access.plan(cluster(), machine(), [], 3600).steps == []
    plan = access.plan(cluster(), machine(), [], 3600, founded=True)
    assert steps(plan) == [
        "update v1/Namespace/lodestar-system",
        "update v1/ServiceAccount/lodestar-system/lodestar",
        "create token",
    ]
    assert access.plan(cluster(), machine(), [], 3600, founded=True, kept_only=True).outputs["lacking"]
    with pytest.raises(StepFailed) as caught:
        carry_out(plan)
    assert isinstance(caught.value.cause, PlatformError)
    assert "admin.conf is missing or damaged" in str(caught.value)


def test_no_token_is_made_for_an_endpoint_that_will_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    seen(monkeypatch, Cluster())
    monkeypatch.setattr(access.lasting, "seen", lambda: {"endpoint": "192.0.2.99:6443", "pod_cidr": "10.1.0.0/16"})
    plan = access.plan(cluster(), machine(), [], 3600)
    assert (steps(plan), plan.outputs) == ([], {"access": None, "lacking": False})


def test_every_control_plane_keeps_the_access_that_one_has_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Should that one be lost, check mode can still look, and nothing is made anew."""
    given = {"server": "https://192.0.2.10:6443", "ca_data": "x", "token": "t", "expires": "later", "uid": "uid-1"}
    monkeypatch.setattr(host, "STATE_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(paths, "ACCESS_RECORD", str(tmp_path / "access.json"))
    seen(monkeypatch, None)
    assert steps(access.keeping(cluster(), machine(), given)) == []
    # In check mode the machine will be a control plane, and the access is yet to be made.
    assert steps(access.keeping(cluster(), machine(), {}, founded=True)) == ["create access:kept"]
    joining = access.keeping(cluster(), machine(), given, founded=True)
    assert steps(joining) == ["create access:kept"]
    with pytest.raises(StepFailed, match="is no control plane of"):
        carry_out(joining)
    seen(monkeypatch, Cluster())
    plan = access.keeping(cluster(), machine(), given)
    assert steps(plan) == ["create access:kept"]
    assert "'t'" not in repr([step.as_dict() for step in plan.steps])
    carry_out(plan)
    assert (tmp_path / "access.json").stat().st_mode & 0o777 == 0o600
    assert steps(access.keeping(cluster(), machine(), given)) == []
    assert steps(access.keeping(cluster(), machine(), {**given, "token": "u"})) == ["update access:kept"]
