# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An API server that does not run as declared is noticed, whatever the spelling."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.machine import arguments, kubeadm
from ansible_collections.lodestar.platform.tests.unit.machine.examples import cluster

#: As kubeadm writes it: its own arguments, then what the cluster's configuration adds.
HEAD = """\
apiVersion: v1
kind: Pod
spec:
  containers:
  - command:
    - kube-apiserver
    - --advertise-address=192.0.2.11
    - --authorization-mode=Node,RBAC
"""
TAIL = """\
    image: lodestar.platform/bundle/kube-apiserver:v1.36.3
    livenessProbe:
      failureThreshold: 8
"""


def manifest(**declared: t.Any) -> str:
    """The manifest that a cluster with these declared arguments was founded with."""
    wanted = kubeadm.arguments(kubeadm.api_server_arguments(cluster(api_server_args=declared)))
    lines = [f"--{item['name']}={item['value']}" for item in wanted if item["name"] != "authorization-mode"]
    quoted = ["'" + line.replace("'", "''") + "'" if ": " in line or line.endswith(" ") else line for line in lines]
    return HEAD + "".join(f"    - {line}\n" for line in quoted) + TAIL


def seen(running: dict[str, t.Any], declared: dict[str, t.Any]) -> list[str]:
    return arguments.deviations(cluster(api_server_args=declared), manifest(**running))


@pytest.mark.parametrize(
    "declared",
    [
        {},
        {"v": 2, "profiling": True},
        {"oidc-username-prefix": "it's: ", "request-timeout": None},
        {"runtime-config": ["api/beta=true", "api/alpha=false"]},
        {"authorization-mode": "RBAC,Node"},
    ],
)
def test_what_runs_as_declared(declared: dict[str, t.Any]) -> None:
    assert seen(declared, declared) == []


@pytest.mark.parametrize(
    ("running", "declared", "told"),
    [
        ({}, {"v": 4}, ["--v is not set, and '4' is declared"]),
        ({"v": 2}, {"v": 4}, ["--v is '2', and '4' is declared"]),
        ({"v": 2}, {}, ["--v is '2', and is not declared"]),
        ({}, {"audit-log-maxage": 7}, ["--audit-log-maxage is '30', and '7' is declared"]),
        ({}, {"audit-log-maxage": None}, ["--audit-log-maxage is '30', and is not declared"]),
        ({"x": ["a", "b"]}, {"x": ["a"]}, ["--x is 'a' and 'b', and 'a' is declared"]),
        ({}, {"authorization-mode": "Webhook"}, ["--authorization-mode is 'Node,RBAC', and 'Webhook' is declared"]),
    ],
)
def test_what_does_not(running: dict[str, t.Any], declared: dict[str, t.Any], told: list[str]) -> None:
    assert seen(running, declared) == told


def test_without_an_api_server_nothing_deviates() -> None:
    assert arguments.deviations(cluster(), "") == []


def test_quoted_arguments() -> None:
    text = "    - \"--a=x\\ty\"\n    - '--b=it''s'\n    - --c\n    - other\n"
    assert arguments.parsed(text) == {"a": ["x\ty"], "b": ["it's"], "c": [""]}
