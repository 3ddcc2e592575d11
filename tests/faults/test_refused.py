# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a living cluster keeps for life, and what must not be created, is refused before any change."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import Run
from tests.faults.solo_fleet import Solo, overlay, second_machine

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]

Words = t.Sequence[str]


def refused(run: Run, words: Words) -> None:
    """Raises AssertionError unless the run stopped before any change and said these words in one message."""
    assert run.code != 0, run.output[-6000:]
    assert run.changed == 0, run.output[-6000:]
    assert run.steps() == [], f"{run.steps()}\n{run.output[-20000:]}"
    message = " ".join(run.output.split())
    assert [word for word in words if word not in message] == [], run.output[-6000:]


#: Variables of the cluster, and the words of the message: key, value, what was seen, what to do.
CHANGED: dict[str, tuple[dict[str, t.Any], Words]] = {
    "kubernetes_version": (
        {"kubernetes_version": "1.37.2"},
        [
            "solo: kubernetes_version = '1.37.2'",
            "s1 is a Node of 1.36.3",
            "Set it back to '1.36.3'",
            "lodestar.platform.upgrade",
        ],
    ),
    "pod_cidr": (
        {"cluster_network": {"pod_cidr": "10.200.0.0/16"}},
        ["solo: cluster_network.pod_cidr = '10.200.0.0/16'", "founded with 10.244.0.0/16", "Set it back"],
    ),
    "service_cidr": (
        {"cluster_network": {"service_cidr": "10.64.0.0/12"}},
        ["solo: cluster_network.service_cidr = '10.64.0.0/12'", "founded with 10.96.0.0/12", "Set it back"],
    ),
    "endpoint": (
        {"endpoint": {"address": "{{ testbed.addresses.other }}", "provider": "kube_vip"}},
        ["solo: endpoint", "keeps it for life", "Set it back"],
    ),
}


def test_a_living_cluster_keeps_what_it_was_founded_with(standing: Solo, tmp_path: Path, bar: Bar) -> None:
    versions = '{"bundle_kubernetes_versions": ["1.36.3", "1.37.2"]}'
    standing.playbook("lodestar.platform.bundle", "-e", versions).checked()
    before = standing.snapshot()
    for name, (variables, words) in CHANGED.items():
        refused(standing.site(*overlay(tmp_path / name, {"host_vars/solo.yml": variables})), words)
        assert standing.snapshot() == before
    again = standing.site().checked()
    assert again.changed == 0
    bar(f"changed on a living cluster: {', '.join(CHANGED)}", "each refused before any change")


def test_an_even_number_of_control_planes(solo: Solo, tmp_path: Path, bar: Bar) -> None:
    solo.testbed("reimage", "s1", "s2")
    run = solo.site(*overlay(tmp_path, {"hosts.yml": second_machine("control_plane")}))
    refused(run, ["solo: groups = 'solo_control_plane has 2 machines'", "an even number", "Use 1 or 3"])
    for machine in ("s1", "s2"):
        assert solo.on(machine, "ls -d /etc/kubernetes /usr/local/bin/kubeadm 2>/dev/null || true") == ""
    bar("an even number of control planes at creation", "refused before any change")


def test_an_argument_that_the_bundles_api_server_does_not_know(solo: Solo, tmp_path: Path, bar: Bar) -> None:
    """No API server runs yet that could be asked."""
    solo.testbed("reimage", "s1")
    run = solo.site(*overlay(tmp_path, {"host_vars/solo.yml": {"api_server_args": {"audit-log-max-age": 1}}}))
    refused(run, ["solo: api_server_args.audit-log-max-age", "has no such argument", "Did you mean audit-log-maxage"])
    assert solo.on("s1", "ls -d /etc/kubernetes /usr/local/bin/kubeadm 2>/dev/null || true") == ""
    bar("an API server argument that does not exist, before a cluster is founded", "refused before any change")
