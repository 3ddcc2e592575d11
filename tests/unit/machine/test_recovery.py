# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept of a cluster's keys, when it is written, and what is refused before anything is changed."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput, PlatformError, Refused
from ansible_collections.lodestar.platform.plugins.module_utils.machine import (
    host,
    node,
    recovery,
    recovery_file,
    settings,
)
from ansible_collections.lodestar.platform.plugins.module_utils.machine import keys as machine_keys
from ansible_collections.lodestar.platform.plugins.module_utils.machine.decide import decide
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context
from ansible_collections.lodestar.platform.plugins.plugin_utils.recovery import look
from ansible_collections.lodestar.platform.tests.unit.machine.examples import cluster, empty, joined_worker, member
from ansible_collections.lodestar.platform.tests.unit.machine.test_holding import holding
from ansible_collections.lodestar.platform.tests.unit.machine.test_x509 import FAR

PATH = "/keys/east.json"
WHOLE = dict.fromkeys(recovery.KEYS, "sha256:1")


def key(name: str, mark: str = "1") -> str:
    if name == recovery.ENCRYPTION:
        return settings.new_encryption()
    return FAR.decode() if name.endswith(".crt") else f"-----BEGIN PRIVATE KEY-----\nTOP-SECRET-{mark}\n"


def keys() -> dict[str, str]:
    return {name: key(name) for name in recovery.KEYS}


def control_planes(**changes: t.Any) -> dict[str, t.Any]:
    members = {name: member(keys=dict(WHOLE), lasting={}) for name in ("e1", "e2", "e3")}
    return {**members, "w1": joined_worker(keys={}, lasting={}), **changes}


def seen(**changes: t.Any) -> dict[str, t.Any]:
    return {"path": PATH, "state": "plain", "cluster": "east", "uid": "uid-1", "keys": dict(WHOLE), **changes}


def nothing() -> dict[str, t.Any]:
    return seen(state="absent", cluster=None, uid=None, keys={})


def decided(probes: dict[str, t.Any], file: dict[str, t.Any]) -> tuple[str | None, list[str]]:
    return recovery.decide(cluster(), probes, decide(cluster(), probes), file)


def test_without_a_declared_file_nothing_is_written() -> None:
    assert decided(control_planes(), {}) == (None, [])


def test_a_missing_file_is_written_from_one_healthy_control_plane() -> None:
    assert decided(control_planes(), nothing()) == ("e1", [])
    ill = control_planes(e1=member(keys=dict(WHOLE), lasting={}, api_healthy=False))
    assert decided(ill, nothing()) == ("e2", [])


def test_a_whole_file_is_left_alone() -> None:
    assert decided(control_planes(), seen()) == (None, [])


def test_what_a_file_lacks_is_added() -> None:
    part = {name: value for name, value in WHOLE.items() if name != "sa.key"}
    assert decided(control_planes(), seen(keys=part)) == ("e1", [])
    assert decided(control_planes(), seen(uid=None)) == ("e1", [])


def test_the_founder_writes_it() -> None:
    probes = {name: empty(lasting={}) for name in ("e1", "e2", "e3")}
    assert decided(probes, nothing()) == ("e1", [])
    assert decided(probes, seen(uid="uid-of-before")) == ("e1", [])


def test_workers_alone_know_no_keys() -> None:
    probes = {"w1": joined_worker(keys={}, lasting={})}
    assert decided(probes, seen(cluster="west", problem={"reason": "r", "remedy": "m"})) == (None, [])


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (seen(cluster="west"), ("cluster_recovery_file", PATH, "west", "never overwritten")),
        (seen(keys={**WHOLE, "sa.key": "sha256:2"}), ("sa.key",)),
        (seen(keys={"encryption": "sha256:1"}, uid="uid-9"), ("uid-9", "uid-1")),
        (seen(problem={"reason": "there is no directory /keys", "remedy": "Make it"}), ("no directory /keys", "Make")),
    ],
)
def test_a_file_that_does_not_fit_is_refused(file: dict[str, t.Any], words: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        decided(control_planes(), file)
    assert all(word in str(refusal.value) for word in words)


def test_a_cluster_founded_again_from_the_file_has_a_new_identity() -> None:
    assert decided(control_planes(), seen(uid="uid-of-before")) == ("e1", [])


def test_an_encrypted_file_is_never_changed() -> None:
    writer, warnings = decided(control_planes(), seen(state="vault", keys={"encryption": "sha256:1"}))
    assert writer is None
    assert "ca.key" in warnings[0]
    assert decided(control_planes(), seen(state="vault")) == (None, [])
    assert "no vault secret" in decided(control_planes(), seen(state="locked", cluster=None, keys={}))[1][0]


def test_nothing_is_founded_beside_a_file_that_cannot_be_used() -> None:
    probes = {name: empty(lasting={}) for name in ("e1", "e2", "e3")}
    for file in (seen(state="locked", cluster=None, keys={}), seen(expired=["ca.crt"]), seen(cluster="west")):
        with pytest.raises(InvalidInput):
            decided(probes, file)


def test_control_planes_with_different_keys_stop_the_run() -> None:
    odd = member(keys={**WHOLE, "encryption": "sha256:2"}, lasting={})
    with pytest.raises(Refused) as refusal:
        decided(control_planes(e3=odd), {})
    text = str(refusal.value)
    assert "/etc/kubernetes/lodestar/encryption.yaml: e1, e2: sha256:1; e3: sha256:2" in text
    assert "sa.key" not in text
    bare = member(keys={name: value for name, value in WHOLE.items() if name != "encryption"}, lasting={})
    with pytest.raises(Refused, match="e3: none"):
        decided(control_planes(e3=bare), {})


def test_digests_are_of_content() -> None:
    one = settings.new_encryption()
    assert recovery.digest("encryption", one) == recovery.digest("encryption", json.dumps(json.loads(one)))
    assert recovery.digest("encryption", one) != recovery.digest("encryption", settings.new_encryption())
    assert recovery.digest("sa.key", "a\n") == recovery.digest("sa.key", "a")


def test_a_file_is_read_as_it_was_written() -> None:
    held = keys()
    assert recovery.parse(json.loads(recovery.render("east", "uid-1", held))) == {
        "cluster": "east",
        "uid": "uid-1",
        "keys": held,
    }
    assert recovery.expired(held, 4e9) == []
    assert recovery.expired(held, 5e9) == ["ca.crt", "front-proxy-ca.crt", "etcd/ca.crt"]


def test_encryption_may_be_written_as_yaml() -> None:
    given = {"schema": 1, "cluster": "east", "keys": {"encryption": json.loads(settings.new_encryption())}}
    assert json.loads(recovery.parse(given)["keys"]["encryption"]) == given["keys"]["encryption"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": 2}, "schema"),
        ({"cluster": None}, "cluster is missing"),
        ({"extra": 1}, "extra"),
        ({"keys": {"ca.crt": key("ca.crt")}}, "ca.key"),
        ({"keys": {"tls.key": "x"}}, "tls.key"),
        ({"keys": {"sa.key": "TOP-SECRET", "sa.pub": "x"}}, "sa.key holds no PEM"),
        ({"keys": []}, "no mapping"),
    ],
)
def test_what_is_no_recovery_file(changes: dict[str, t.Any], words: str) -> None:
    with pytest.raises(PlatformError) as refusal:
        recovery.parse({"schema": 1, "cluster": "east", "keys": {}, **changes})
    assert words in str(refusal.value)
    assert "TOP-SECRET" not in str(refusal.value)


def params(path: Path, **changes: t.Any) -> dict[str, t.Any]:
    entry = {"cluster": cluster(), "machine": {"name": "e1"}, "path": str(path), "uid": "uid-1", "held": {}}
    return {**entry, "file": None, "keys": keys(), **changes}


def run(values: dict[str, t.Any], check: bool = False) -> dict[str, t.Any]:
    return recovery_file.RECOVERY_FILE.execute(values, Context(environ={}), check)


def test_writing(tmp_path: Path) -> None:
    path = tmp_path / "east.json"
    predicted = run(params(path, uid=None, keys={}), check=True)
    assert not path.exists()
    done = run(params(path, held=WHOLE))
    assert [step["id"] for step in done["plan"]] == [step["id"] for step in predicted["plan"]] == [f"file:{path}"]
    assert path.stat().st_mode & 0o7777 == 0o600
    assert os.listdir(tmp_path) == ["east.json"]
    assert "TOP-SECRET" not in json.dumps([predicted, done])
    found = look(str(path), DataLoader())
    assert found.content is not None
    assert (found.facts["cluster"], found.facts["uid"], set(found.facts["keys"])) == ("east", "uid-1", set(WHOLE))
    assert "TOP-SECRET" not in json.dumps(found.facts)
    assert not run(params(path, held=WHOLE, file=found.content, keys={}))["changed"]


def test_a_file_that_appears_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "east.json"
    path.write_text("of somebody else")
    answer = run(params(path, held=WHOLE))
    assert answer["failed"]
    assert path.read_text() == "of somebody else"
    assert os.listdir(tmp_path) == ["east.json"]


def test_keys_that_are_kept_are_never_replaced(tmp_path: Path) -> None:
    path, kept = tmp_path / "east.json", {name: text for name, text in keys().items() if name.startswith("sa.")}
    path.write_text(recovery.render("east", None, kept))
    path.chmod(0o600)
    run(
        params(
            path,
            held=WHOLE,
            file={"cluster": "east", "uid": None, "keys": kept},
            keys={name: key(name, "2") for name in WHOLE if name not in kept},
        )
    )
    found = look(str(path), DataLoader()).content
    assert found is not None
    assert {name: found["keys"][name] for name in kept} == kept
    assert (found["uid"], "TOP-SECRET-2" in found["keys"]["ca.key"]) == ("uid-1", True)


def test_what_the_machine_did_not_give_is_an_error(tmp_path: Path) -> None:
    answer = run(params(tmp_path / "east.json", held=WHOLE, keys={}))
    assert "ca.key" in answer["msg"]
    assert os.listdir(tmp_path) == []


def problem(path: Path) -> str:
    return str(look(str(path), DataLoader()).facts["problem"]["reason"])


def test_places_that_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "east.json"
    assert "no directory" in problem(path)
    path.parent.mkdir()
    path.parent.chmod(0o777)
    assert "everybody may write" in problem(path)
    path.parent.chmod(0o700)
    assert "problem" not in look(str(path), DataLoader()).facts
    path.write_text(recovery.render("east", None, keys()))
    path.chmod(0o640)
    assert "0640" in problem(path)
    path.chmod(0o600)
    (tmp_path / "keys" / "link").symlink_to(path)
    assert "no file" in problem(tmp_path / "keys" / "link")
    assert "relative" in problem(Path("east.json"))
    path.write_text("a: TOP-SECRET: b")
    assert "neither JSON nor YAML" in problem(path)
    assert "TOP-SECRET" not in problem(path)


def loader(password: str) -> DataLoader:
    made = DataLoader()
    made.set_vault_secrets([("default", VaultSecret(password.encode()))])
    return made


def test_a_vault_is_opened_with_the_secrets_of_the_run(tmp_path: Path) -> None:
    path = tmp_path / "east.yml"
    vault = VaultLib([("default", VaultSecret(b"right"))])
    path.write_bytes(vault.encrypt(recovery.render("east", "uid-1", keys()).encode()))
    path.chmod(0o644)
    opened = look(str(path), loader("right"))
    assert (opened.facts["state"], opened.facts["cluster"]) == ("vault", "east")
    closed = look(str(path), loader("wrong"))
    assert (closed.facts["state"], closed.content) == ("locked", None)
    assert look(str(path), DataLoader()).facts["state"] == "locked"


def test_workers_of_the_cluster_before_join_again() -> None:
    """With the same CA nothing but the recorded identity tells that the worker's cluster is gone."""
    old = joined_worker(keys={}, lasting={}, recorded={"name": "east", "uid": "uid-0"})
    with pytest.raises(Refused, match=r"w1 belong to an earlier cluster east.*recreate: east"):
        decide(cluster(), control_planes(w1=old), "uid-1")
    assert decide(cluster(), control_planes(w1=old), "uid-1", "east")["w1"].action == "join"


def test_a_founding_writes_what_the_file_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    written: dict[str, tuple[str, int]] = {}
    monkeypatch.setattr(host, "make_directory", lambda path, mode=0o755: None)
    monkeypatch.setattr(host, "write", lambda path, text, mode: written.update({path: (text, mode)}))
    held, steps = keys(), node.Steps("e1")
    machine_keys.add_recovered(steps, list(held), {"recovery": held}, holding(etcd_data=False, static_pods=[]))
    for step in steps.items:
        step.perform()
    assert {path: text for path, (text, _mode) in written.items()} == {
        recovery.KEYS[name]: text for name, text in held.items() if name != "encryption"
    }
    assert {mode for path, (_text, mode) in written.items() if path.endswith(".key")} == {0o600}
    assert all(step.after == "(secret)" for step in steps.items)
    machine_keys.write_encryption(True, list(held), {"recovery": held})
    assert written["/etc/kubernetes/lodestar/encryption.yaml"] == (held["encryption"], 0o600)


def test_a_founding_that_goes_on_keeps_its_files() -> None:
    steps = node.Steps("e1")
    machine_keys.add_recovered(steps, list(recovery.KEYS), None, holding())
    assert steps.items == []


def test_new_keys_are_not_made_in_place_of_lost_ones() -> None:
    steps = node.Steps("e1")
    machine_keys.add_recovered(steps, ["ca.key"], None, holding(etcd_data=False, static_pods=[]))
    with pytest.raises(PlatformError, match="not handed over"):
        steps.items[0].perform()
