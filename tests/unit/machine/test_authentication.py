# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file by which people sign on: what it holds, what it takes to change it, and what API servers say of it."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.machine import (
    arguments,
    authentication,
    authentication_file,
    host,
    node,
    paths,
    running,
)
from ansible_collections.lodestar.platform.plugins.module_utils.machine.control_plane_task import Task
from ansible_collections.lodestar.platform.plugins.module_utils.machine.decide import decide
from ansible_collections.lodestar.platform.plugins.module_utils.machine.probe import Holding
from ansible_collections.lodestar.platform.tests.unit.machine.examples import IMAGES, cluster, machine, member

JWT: dict[str, t.Any] = {
    "issuer": {"url": "https://sso.example.org", "audiences": ["kubernetes"]},
    "claimMappings": {"username": {"claim": "sub", "prefix": ""}},
    "userValidationRules": [{"expression": "true"}],
}


def declared(**more: t.Any) -> dict[str, t.Any]:
    """The cluster with an issuer, and what is given besides."""
    return cluster(authentication={"jwt": [JWT], **more})


def test_nobody_becomes_a_part_of_the_system_whatever_is_declared() -> None:
    made = json.loads(authentication.document(declared()) or "")
    assert made["apiVersion"] == "apiserver.config.k8s.io/v1"
    assert made["jwt"][0]["userValidationRules"] == [{"expression": "true"}, *authentication.GUARDS]
    assert "anonymous" not in made
    assert authentication.document(cluster()) is None


def test_what_machines_ask_without_a_name_stays() -> None:
    made = json.loads(
        authentication.document(declared(anonymous={"enabled": True, "conditions": [{"path": "/x"}]})) or ""
    )
    asked = [item["path"] for item in made["anonymous"]["conditions"]]
    assert asked[:4] == ["/x", "/livez", "/readyz", "/healthz"]
    assert asked[4].endswith("/cluster-info")


def test_the_argument_follows_the_declaration() -> None:
    def wanted(found: dict[str, t.Any]) -> list[str] | None:
        return arguments.wanted("kube-apiserver", found, machine(), IMAGES).get("authentication-config")

    assert wanted(declared()) == [paths.AUTHENTICATION]
    assert wanted(cluster()) is None


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (
            'I1 server.go:1] Version: v1.36.3\nE1 run.go:72] "command failed" err="x /nonexistent/lodestar-judged: no"',
            "",
        ),
        ('E1 run.go:72] "command failed" err="listen tcp 127.0.0.1:1: bind: permission denied"', ""),
        ("", ""),
        (
            'E1 run.go:72] "command failed" err="invalid authentication configuration: jwt[0].x: wrong \\"y\\""\n',
            'invalid authentication configuration: jwt[0].x: wrong "y"',
        ),
        (
            'E1 run.go:72] "command failed" err=<\n\tinvalid authentication configuration: a\n\t | b\n >\n',
            "invalid authentication configuration: a | b",
        ),
    ],
)
def test_what_a_judging_server_says(said: str, found: str) -> None:
    assert authentication.refusal(said) == found


def test_a_refusal_stops_the_run_before_any_change() -> None:
    probes = {"e1": member(refused_authentication="jwt[0]: no"), "e2": member(), "e3": member()}
    with pytest.raises(InvalidInput) as caught:
        decide(declared(), probes)
    (problem,) = caught.value.problems
    assert (problem.key, problem.reason) == (
        "east: cluster_authentication",
        "kube-apiserver 1.36.3 refuses it: jwt[0]: no",
    )


def test_metrics_tell_what_is_used() -> None:
    name = "apiserver_authentication_config_controller"
    found = authentication.state(
        f'{name}_last_config_info{{apiserver_id_hash="sha256:aa",hash="sha256:bb"}} 1\n'
        f'{name}_automatic_reloads_total{{apiserver_id_hash="sha256:aa",status="success"}} 3\n'
        f'{name}_automatic_reloads_total{{apiserver_id_hash="sha256:aa",status="failure"}} 2\n'
        'other{status="failure"} 9\n'
    )
    assert (found.used, found.taken, found.refused) == (frozenset({"sha256:bb"}), 3, 2)
    assert authentication.state("") == authentication.State(frozenset(), 0, 0)


# -- steps


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> t.Callable[[str | None, bool], None]:
    """Says what is on the machine: the file, and whether its API server runs with it."""

    def put(text: str | None, reads: bool) -> None:
        monkeypatch.setattr(host, "read", lambda path: text if path == paths.AUTHENTICATION else None)
        command = ["kube-apiserver", f"--authentication-config={paths.AUTHENTICATION}"] if reads else ["kube-apiserver"]
        monkeypatch.setattr(running, "command_of", lambda name: command)

    return put


def steps(found: dict[str, t.Any], healthy: bool = True, changing: bool = False) -> list[tuple[str, str]]:
    holding = Holding(True, True, True, list(paths.STATIC_PODS), True, "aa", {"name": "east", "uid": "uid-1"})
    holding.local.healthy = healthy
    task = Task(found, machine(), IMAGES, None, holding)
    made = node.Steps("e1")
    authentication_file.add(made, task, changing)
    authentication_file.add_removal(made, task)
    assert all(step.id == authentication_file.STEP for step in made.items)
    return [(step.action, step.description) for step in made.items]


def test_a_change_does_what_it_needs_and_no_more(there: t.Callable[[str | None, bool], None]) -> None:
    text = authentication.document(declared())
    more = authentication.document(declared(anonymous={"enabled": True}))
    there(text, True)
    assert steps(declared()) == []
    there(None, False)
    assert steps(declared()) == [("create", "write how people sign on")]
    assert steps(declared(), changing=True) == [("create", "write how people sign on")]
    there(authentication.document(cluster(authentication={"jwt": [JWT, JWT]})), True)
    assert steps(declared()) == [("update", "write how people sign on, which the API server reads by itself")]
    there(more, True)
    assert steps(declared()) == [("update", "write how people sign on and restart the API server")]
    # One that is down begins again by itself.
    assert steps(declared(), healthy=False) == [
        ("update", "write how people sign on, which the API server reads by itself")
    ]
    there(text, False)
    assert steps(declared()) == []
    assert steps(cluster()) == [("delete", "remove how people signed on")]


def test_an_api_server_that_does_not_run_has_what_its_manifest_says(monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = f"    - --authentication-config={paths.AUTHENTICATION}\n"
    monkeypatch.setattr(running, "command_of", lambda name: None)
    monkeypatch.setattr(host, "read", lambda path: manifest if path.endswith("kube-apiserver.yaml") else "nonsense")
    assert steps(declared(), healthy=False) == [
        ("update", "write how people sign on, which the API server reads by itself")
    ]


def test_a_damaged_file_is_mended_while_the_api_is_down() -> None:
    """It may be why: the control plane counts as broken, not as gone."""
    down = {"api_healthy": False, "endpoint": {"answers": False, "ca_sha256": None}}
    broken = member(pending=[authentication_file.STEP], **down)
    found = decide(cluster(control_plane=["e1"], workers=[]), {"e1": broken})
    assert found["e1"].action == "repair"
