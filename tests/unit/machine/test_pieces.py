# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The smaller rules of a machine: quorum, images, access, lock, resolvers."""

from __future__ import annotations

import json
import multiprocessing
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError, Refused
from ansible_collections.lodestar.platform.plugins.module_utils.machine import (
    access,
    artifacts,
    claims,
    etcd,
    host,
    images,
    kubeapi,
    lock,
    material,
    objects,
    place,
    predecessors,
)
from ansible_collections.lodestar.platform.plugins.module_utils.plan import Plan, Step
from ansible_collections.lodestar.platform.tests.unit.machine.examples import machine


def member(name: str, healthy: bool = True, learner: bool = False, address: str = "192.0.2.1") -> etcd.Member:
    return etcd.Member(name or "id", name, (etcd.peer_url(address),), (), learner, healthy)


@pytest.mark.parametrize(
    ("health", "learners", "may"),
    [
        ("+", 0, True),
        ("++", 0, True),
        ("+-", 0, False),
        ("++-", 0, True),
        ("+--", 0, False),
        ("+++--", 0, True),
        ("+-", 1, False),
    ],
)
def test_quorum(health: str, learners: int, may: bool) -> None:
    members = [member(f"m{index}", sign == "+") for index, sign in enumerate(health)]
    members += [member("", learner=True) for _index in range(learners)]
    assert (etcd.quorum_problem(members) is None) is may


def test_a_member_leaves_only_when_the_others_keep_a_majority() -> None:
    one, two, three = member("a"), member("b"), member("c", healthy=False)
    assert etcd.removal_problem([one, two, three], three) is None
    assert etcd.removal_problem([one, two, three], one) is not None
    assert etcd.removal_problem([one, three], three) is not None
    assert etcd.removal_problem([one, two, member("", learner=True)], member("", learner=True)) is None
    # Of two that are healthy, one may leave: it agrees to that itself.
    assert etcd.removal_problem([one, two], two) is None


def test_a_member_is_restarted_only_when_the_others_keep_a_majority() -> None:
    one, two, three, ill = member("a"), member("b"), member("c"), member("d", healthy=False)
    assert etcd.absence_problem([one], "a") is None
    assert etcd.absence_problem([one, two, three], "a") is None
    assert "ill: d" in (etcd.absence_problem([one, two, ill], "a") or "")
    assert etcd.absence_problem([one, two, ill], "d") is None
    assert etcd.absence_problem([one, member("", learner=True)], "a") is None


def test_a_stale_member_is_one_whose_machine_is_empty() -> None:
    members = [member("a", address="192.0.2.1"), member("b", address="192.0.2.2"), member("", address="192.0.2.3")]
    assert etcd.stale(members, "b", "192.0.2.9", has_data=False) == members[1]
    assert etcd.stale(members, "c", "192.0.2.3", has_data=False) == members[2]
    assert etcd.stale(members, "b", "192.0.2.2", has_data=True) is None
    assert etcd.stale(members, "d", "192.0.2.4", has_data=False) is None


_TYPE = "application/vnd.oci.image.manifest.v1+json"
_MANAGED = "io.cri-containerd.image=managed"
CTR = f"""\
REF TYPE DIGEST SIZE PLATFORMS LABELS
lodestar.platform/bundle/pause:3.10.2 {_TYPE} sha256:aaaa   0.8 MiB linux/amd64 {_MANAGED},{images.PIN_LABEL}=pinned
lodestar.platform/bundle/etcd:3.6.16-0 {_TYPE}  sha256:bbbb 18 MiB linux/amd64 {_MANAGED}
"""


def test_images_that_are_there() -> None:
    seen = images.parse_ctr(CTR)
    pause, database = "lodestar.platform/bundle/pause:3.10.2", "lodestar.platform/bundle/etcd:3.6.16-0"
    assert {name: image.labelled for name, image in seen.items()} == {pause: True, database: False}
    assert not images.missing({"references": [pause], "digests": {pause: "sha256:aaaa"}}, seen)
    assert images.missing({"references": [pause], "digests": {pause: "sha256:cccc"}}, seen)
    assert images.missing({"references": [pause, "other:1"], "digests": {}}, seen)
    assert images.unpinned([pause, database], seen, {pause, database}) == [database]
    # The label alone is not enough: an old runtime ignores it.
    assert images.unpinned([pause], seen, set()) == [pause]


def test_pinned_is_what_the_cri_says() -> None:
    said = {
        "images": [
            {"repoTags": ["a:1", "a:2"], "pinned": True},
            {"repoTags": ["b:1"], "pinned": False},
            {"repoTags": []},
        ]
    }
    assert images.parse_pinned(json.dumps(said)) == {"a:1", "a:2"}


@pytest.mark.parametrize(
    ("left", "granted", "declared", "kept"),
    [
        (50_000, 86_400, 86_400, True),
        (40_000, 86_400, 86_400, False),
        (3_000, 3_600, 86_400, True),
        (50_000, 86_400, 3_600, False),
    ],
)
def test_a_token_is_kept_while_more_than_half_of_its_life_is_left(
    left: int, granted: int, declared: int, kept: bool
) -> None:
    """A cluster may grant less than was asked; a declared lifetime that was cut counts at once."""
    now = 1_800_000_000
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + left))
    assert access.fresh({"expires": expires, "lifetime": granted}, declared, now) is kept
    assert not access.fresh({}, declared, now)


def test_objects_that_a_control_plane_applies() -> None:
    role = {"kind": "Role", "metadata": {"name": "r", "namespace": "n"}}
    assert objects.path_of(role) == "/apis/rbac.authorization.k8s.io/v1/namespaces/n/roles/r"
    with pytest.raises(PlatformError):
        objects.path_of({"kind": "Pod", "metadata": {"name": "p", "namespace": "n"}})
    assert objects.covers({"a": {"b": [1]}}, {"a": {"b": [1], "c": 2}, "d": 3})
    assert not objects.covers({"a": [1]}, {"a": [1, 2]})


def test_credentials_of_a_kubeconfig() -> None:
    assert kubeapi.credential("users:\n- user:\n    client-key-data: aGk=\n", "client-key-data") == b"hi"
    assert kubeapi.credential('{"client-key-data": "aGk="}', "client-key-data") == b"hi"
    with pytest.raises(PlatformError):
        kubeapi.credential("", "client-key-data")


def node(ready: str, address: str) -> dict[str, t.Any]:
    return {
        "status": {
            "conditions": [{"type": "Ready", "status": ready}],
            "addresses": [{"type": "InternalIP", "address": address}],
        }
    }


def test_a_living_node_of_another_machine_is_not_deleted() -> None:
    joiner = machine(node_ip="192.0.2.11")
    assert "192.0.2.99" in (predecessors._node_problem(node("True", "192.0.2.99"), joiner) or "")
    assert predecessors._node_problem(node("True", "192.0.2.11"), joiner) is None
    assert predecessors._node_problem(node("Unknown", "192.0.2.99"), joiner) is None


def test_the_wrong_machine_is_noticed() -> None:
    """Delegation to a host whose ansible_host is a template of inventory_hostname reaches the delegating host."""
    assert place.reached_wrong_machine(machine(node_ip="192.0.2.11"), {"192.0.2.11", "127.0.0.1"}) is None
    problem = place.reached_wrong_machine(machine(node_ip="192.0.2.11"), {"192.0.2.12"})
    assert problem is not None
    assert "192.0.2.12" in str(problem)


def test_a_file_that_is_being_written_is_no_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kubelet reads every file of its manifest directory but those whose name begins with a dot.

    It once took the temporary file for a second pod of the same name, and the real one started two minutes late.
    """
    names: list[str] = []
    replace = host.os.replace
    monkeypatch.setattr(
        host.os, "replace", lambda source, target: (names.append(Path(source).name), replace(source, target))
    )
    host.write(str(tmp_path / "kube-vip.yaml"), "{}", 0o600)
    assert names
    assert all(name.startswith(".") for name in names)
    assert [path.name for path in tmp_path.iterdir()] == ["kube-vip.yaml"]
    assert host.mode_of(str(tmp_path / "kube-vip.yaml")) == 0o600


def test_a_file_is_hashed_again_when_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.setattr(artifacts, "_DIGESTS", str(tmp_path / "state" / "digests.json"))
    binary = tmp_path / "kubelet"
    binary.write_text("one")
    first = artifacts.installed([str(binary)])[str(binary)]
    artifacts.record({str(binary): "remembered"})
    assert artifacts.installed([str(binary)]) == {str(binary): "remembered"}
    binary.write_text("two")
    changed = artifacts.installed([str(binary)])[str(binary)]
    assert changed not in (first, "remembered", None)
    assert artifacts.installed([str(tmp_path / "nothing")]) == {str(tmp_path / "nothing"): None}


def _hold(path: str, ready: t.Any, leave: t.Any) -> None:
    with lock.held({"run": "first", "host": "h", "user": "u", "pid": 7}, 5, path=path):
        ready.set()
        leave.wait(30)


def test_a_second_run_waits_and_is_told_whose_lock_it_is(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    context = multiprocessing.get_context("spawn")
    ready, leave = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(path, ready, leave))
    holder.start()
    try:
        assert ready.wait(30)
        with pytest.raises(PlatformError) as caught, lock.held({"run": "second"}, 0.5, path=path):
            pass
        assert "run first of u@h (pid 7)" in str(caught.value)
    finally:
        leave.set()
        holder.join(30)
    with lock.held({"run": "second"}, 0, path=path):
        assert lock.descriptors()
    assert not lock.descriptors()


def test_a_childs_life_holds_the_lock(tmp_path: Path) -> None:
    """A kubeadm that outlived its killed run must keep others away."""
    import subprocess

    path = str(tmp_path / "lock")
    with lock.held({"run": "first"}, 0, path=path):
        child = subprocess.Popen(["sleep", "30"], pass_fds=lock.descriptors())
    try:
        with pytest.raises(PlatformError), lock.held({}, 0, path=path):
            pass
    finally:
        child.kill()
        child.wait()
    with lock.held({}, 5, path=path):
        pass


def test_who_waited_while_the_lock_was_removed_begins_again(tmp_path: Path) -> None:
    """A reset removes the file that it holds locked; a lock on a file without a name would keep nobody away."""
    path = tmp_path / "lock"
    with lock.held({}, 0, path=str(path)):
        path.unlink()
        with lock.held({}, 0, path=str(path)):
            assert path.exists()
            with pytest.raises(PlatformError), lock.held({}, 0, path=str(path)):
                pass


def test_a_lock_that_was_removed_while_it_was_waited_for_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, acquire = tmp_path / "lock", lock._acquire
    times: list[int] = []

    def removed_meanwhile(descriptor: int, flags: int, deadline: float) -> None:
        acquire(descriptor, flags, deadline)
        times.append(descriptor)
        if len(times) == 1:
            path.unlink()

    monkeypatch.setattr(lock, "_acquire", removed_meanwhile)
    with lock.held({}, 0, path=str(path)):
        assert path.exists()
        assert len(times) == 2


def test_readers_share_the_lock(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with (
        lock.held({}, 0, shared=True, path=path),
        lock.held({}, 0, shared=True, path=path),
        pytest.raises(PlatformError),
        lock.held({}, 0, path=path),
    ):
        pass


def claim(run: str, role: str) -> dict[str, t.Any]:
    return {"owner": {"run": run}, "role": role, "at": 0, "since": "then"}


@pytest.mark.parametrize(
    ("noted", "joiner", "free"),
    [
        ({}, ("e2", "control_plane"), True),
        ({"e2": claim("ours", "control_plane")}, ("e2", "control_plane"), True),
        ({"e2": claim("other", "control_plane")}, ("e2", "control_plane"), False),
        ({"e3": claim("other", "control_plane")}, ("e2", "control_plane"), False),
        ({"w1": claim("other", "worker")}, ("w1", "worker"), False),
        ({"w1": claim("other", "worker")}, ("w2", "worker"), True),
        ({"e3": claim("other", "control_plane")}, ("w2", "worker"), True),
        ({"e2": claim("dead", "control_plane")}, ("e2", "control_plane"), True),
    ],
)
def test_two_runs_do_not_lead_one_join(noted: dict[str, t.Any], joiner: tuple[str, str], free: bool) -> None:
    joining = {"name": joiner[0], "role": joiner[1]}
    if free:
        claims.check(noted, joining, {"run": "ours"}, supersedes="dead")
        return
    with pytest.raises(Refused) as caught:
        claims.check(noted, joining, {"run": "ours"}, supersedes="dead")
    assert caught.value.details["claimed_by"] == {"run": "other"}


def test_a_claim_is_noted_by_the_first_step_and_ends_with_its_run(tmp_path: Path) -> None:
    path, done = str(tmp_path / "claims"), []
    planned = Plan(steps=[Step("token", "create", "east", "make a token", perform=lambda: done.append(1))])
    claimed = claims.claiming(planned, {"name": "e2", "role": "control_plane"}, {"run": "ours"}, path)
    assert claims.load(path) == {}
    claimed.steps[0].perform()
    assert done == [1]
    assert claims.load(path)["e2"]["owner"] == {"run": "ours"}
    claims.release({"run": "other"}, path=path)
    assert claims.load(path)
    claims.release({"run": "ours"}, path=path)
    assert claims.load(path) == {}


def test_what_another_run_needs_is_not_taken_back() -> None:
    """A run that joined a worker once took the certificates away that another run was joining a control plane with."""
    proxy = "Proxy for managing TTL for the kubeadm-certs secret"
    mine, theirs = "lodestar.platform: join of w1", "lodestar.platform: join of e3"
    tokens = {"a": mine, "b": theirs, "c": proxy, "d": "somebody's own"}

    def removable(tokens: dict[str, str], elsewhere: dict[str, t.Any]) -> list[str]:
        return [left.name for left in material.removable(tokens, elsewhere)]

    assert removable(tokens, {}) == ["a", "b", "c"]
    assert removable(tokens, {"e3": claim("other", "control_plane")}) == ["a"]
    assert removable({**tokens, "e": "lodestar.platform: join of w2"}, {"w2": claim("other", "worker")}) == [
        "a",
        "b",
        "c",
    ]
