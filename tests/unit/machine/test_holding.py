# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an interrupted init or join left behind is told by what is there."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.machine import paths, probe
from ansible_collections.lodestar.platform.plugins.module_utils.machine.probe import Holding, Local
from ansible_collections.lodestar.platform.tests.unit.machine.examples import cluster, machine

WHOLE = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]


def holding(**changes: t.Any) -> Holding:
    """A member of a cluster."""
    values: dict[str, t.Any] = {
        "kubelet_identity": True,
        "kubelet_final": True,
        "etcd_data": True,
        "static_pods": WHOLE,
        "remnants": True,
        "ca_sha256": "aa",
        "recorded": {},
        "local": Local(healthy=True, node=True, voter=True, founded=True),
        **changes,
    }
    return Holding(**values)


@pytest.mark.parametrize(
    ("changes", "half_joined", "resumable"),
    [
        ({}, False, True),
        ({"local": Local()}, False, True),
        ({"local": Local(learner=True)}, True, True),
        ({"local": Local(healthy=True, node=False, voter=True)}, True, True),
        ({"kubelet_final": False, "local": Local(learner=True)}, True, True),
        ({"kubelet_final": False, "founding": True, "local": Local()}, False, True),
        ({"kubelet_final": False, "etcd_data": False, "static_pods": WHOLE[1:]}, False, False),
    ],
)
def test_interrupted_joins(changes: dict[str, t.Any], half_joined: bool, resumable: bool) -> None:
    seen = holding(**changes)
    assert (seen.half_joined, seen.resumable) == (half_joined, resumable)


@pytest.mark.parametrize(
    ("left", "final"),
    [(["bootstrap"], False), (["bootstrap", "record"], True), (["record"], True), ([], True)],
    ids=["kubeadm was killed", "an old file beside a member", "a member", "killed before the record"],
)
def test_a_worker_whose_join_was_cut_short_joins_again(
    left: list[str], final: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = (
        "KUBELET_CONF",
        "KUBELET_CLIENT",
        "BOOTSTRAP_CONF",
        "CLUSTER_RECORD",
        "MANIFESTS",
        "ETCD_DATA",
        "PKI",
        "CA",
    )
    for name in names:
        monkeypatch.setattr(paths, name, str(tmp_path / name))
    (tmp_path / "KUBELET_CONF").write_text("client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem")
    (tmp_path / "KUBELET_CLIENT").write_text("x")
    if "bootstrap" in left:
        (tmp_path / "BOOTSTRAP_CONF").write_text("x")
    if "record" in left:
        (tmp_path / "CLUSTER_RECORD").write_text('{"name": "east", "uid": "1"}')
    assert probe.holding(cluster(), machine("w1", "worker")).kubelet_final is final
