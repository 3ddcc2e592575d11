# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A static pod that does not run as declared is noticed, whatever the spelling, and nothing else is."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.machine import arguments, paths
from ansible_collections.lodestar.platform.tests.unit.machine.examples import IMAGES, cluster, machine

HEAD = """\
apiVersion: v1
kind: Pod
spec:
  containers:
  - command:
    - {component}
"""
TAIL = """\
    image: lodestar.platform/bundle/kube-apiserver:v1.36.3
    livenessProbe:
      failureThreshold: 8
"""


def wanted(component: str = "kube-apiserver", **declared: t.Any) -> arguments.Arguments:
    return arguments.wanted(component, cluster(api_server_args=declared), machine(), IMAGES)


def manifest(values: t.Mapping[str, list[str]], component: str = "kube-apiserver") -> str:
    """The manifest of a static pod with these arguments, as kubeadm writes it."""
    lines = [f"--{name}={value}" for name, items in sorted(values.items()) for value in items]
    quoted = ["'" + line.replace("'", "''") + "'" if ": " in line or line.endswith(" ") else line for line in lines]
    return HEAD.format(component=component) + "".join(f"    - {line}\n" for line in quoted) + TAIL


def seen(running: dict[str, t.Any], declared: dict[str, t.Any]) -> tuple[arguments.Arguments, arguments.Arguments]:
    return arguments.difference(wanted(**declared), arguments.parsed(manifest(wanted(**running))))


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
    assert seen(declared, declared) == ({}, {})


@pytest.mark.parametrize(
    ("running", "declared", "before", "after"),
    [
        ({}, {"v": 4}, {}, {"v": ["4"]}),
        ({"v": 2}, {"v": 4}, {"v": ["2"]}, {"v": ["4"]}),
        ({"v": 2}, {}, {"v": ["2"]}, {}),
        ({}, {"audit-log-maxage": 7}, {"audit-log-maxage": ["30"]}, {"audit-log-maxage": ["7"]}),
        ({}, {"audit-log-maxage": None}, {"audit-log-maxage": ["30"]}, {}),
        ({"x": ["a", "b"]}, {"x": ["a"]}, {"x": ["a", "b"]}, {"x": ["a"]}),
        ({"secure-port": 1}, {}, {"secure-port": ["1"]}, {"secure-port": ["6443"]}),
        (
            {"authorization-mode": "Node,RBAC"},
            {"authorization-mode": "Webhook"},
            {"authorization-mode": ["Node,RBAC"]},
            {"authorization-mode": ["Webhook"]},
        ),
    ],
)
def test_what_does_not(
    running: dict[str, t.Any], declared: dict[str, t.Any], before: dict[str, t.Any], after: dict[str, t.Any]
) -> None:
    assert seen(running, declared) == (before, after)


@pytest.mark.parametrize("component", paths.STATIC_PODS)
def test_every_static_pod_is_compared_with_what_it_should_be(component: str) -> None:
    right = wanted(component)
    assert arguments.difference(right, arguments.parsed(manifest(right, component))) == ({}, {})
    name = next(iter(right))
    before, after = arguments.difference(right, {**right, name: ["changed"], "added": ["1"]})
    assert before == {name: ["changed"], "added": ["1"]}
    assert after == {name: right[name]}


def test_how_a_member_of_etcd_began_does_not_matter_later() -> None:
    began = {"initial-cluster": ["e1=https://192.0.2.11:2380"], "initial-cluster-state": ["existing"]}
    right = wanted("etcd")
    assert arguments.difference(right, {**right, **began}) == ({}, {})


def test_addresses_of_ipv6_are_written_as_urls_want_them() -> None:
    made = arguments.wanted("etcd", cluster(), machine(node_ip="2001:db8::1"), IMAGES)
    assert made["listen-client-urls"] == ["https://[::1]:2379,https://[2001:db8::1]:2379"]
    server = arguments.wanted("kube-apiserver", cluster(), machine(node_ip="2001:db8::1"), IMAGES)
    assert server["etcd-servers"] == ["https://[::1]:2379"]


def test_a_file_that_configures_authorization_takes_the_place_of_modes() -> None:
    assert "authorization-mode" in wanted()
    assert "authorization-mode" not in wanted(**{"authorization-config": "/etc/kubernetes/lodestar/authorization.yaml"})


def test_without_a_manifest_everything_is_missing() -> None:
    assert arguments.difference(wanted(), arguments.parsed("")) == ({}, wanted())
    assert arguments.image_of("") is None
    assert arguments.image_of(TAIL) == "lodestar.platform/bundle/kube-apiserver:v1.36.3"


def test_quoted_arguments() -> None:
    text = "    - \"--a=x\\ty\"\n    - '--b=it''s'\n    - --c\n    - other\n"
    assert arguments.parsed(text) == {"a": ["x\ty"], "b": ["it's"], "c": [""]}


HELP = """\
Generic flags:

      --audit-log-maxage int       The maximum number of days. See --not-a-flag
      --profiling                  Enable profiling (default true)
  -v, --v Level                    number for the log level verbosity
"""


def test_arguments_that_a_program_does_not_know() -> None:
    assert arguments.unknown(["v", "profiling", "audit-log-maxage"], HELP) == {}
    assert arguments.unknown(["audit-log-max-age", "zzz"], HELP) == {
        "audit-log-max-age": "audit-log-maxage",
        "zzz": None,
    }
    assert arguments.unknown(["zzz"], "a program that says nothing of its flags") == {}
