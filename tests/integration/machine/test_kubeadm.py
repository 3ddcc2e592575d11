# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""kubeadm of every version in the bundle makes just what is computed, so that nothing it makes is taken for drift."""

from __future__ import annotations

import os
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.lodestar.platform.plugins.module_utils.bundle import manifest
from ansible_collections.lodestar.platform.plugins.module_utils.machine import (
    arguments,
    block_yaml,
    component_config,
    kubeadm,
    paths,
)
from ansible_collections.lodestar.platform.tests.unit.machine.examples import IMAGES, cluster, machine

from tests.integration.harness.programs import bundle

VERSIONS = manifest.load(bundle()).kubernetes if (bundle() / manifest.FILE).exists() else ()
DECLARED: list[dict[str, t.Any]] = [
    {},
    {
        "api_server_args": {"v": 2, "runtime-config": ["api/beta=false", "api/alpha=false"], "profiling": None},
        "api_server_cert_sans": ["api.example.org"],
        "kubelet_config": {"maxPods": 50, "failSwapOn": False, "syncFrequency": "90s", "evictionHard": {"x": "1Gi"}},
        "kube_proxy_config": {"conntrack": {"maxPerCore": 0, "min": 0}, "configSyncPeriod": "10m", "mode": "nftables"},
    },
    {"api_server_args": {"authorization-config": "/etc/kubernetes/lodestar/authorization.yaml"}},
]


def run(folder: Path, version: str, described: t.Mapping[str, t.Any], *phase: str) -> str:
    """Runs a phase of kubeadm that only writes below ``folder``, and returns what it printed."""
    loaded = manifest.load(bundle())
    program = loaded.path_of(next(part for part in loaded.binaries(version) if part.name == "kubeadm"))
    config = folder / "kubeadm.yaml"
    config.write_text(kubeadm.render(kubeadm.phase_documents(described, machine(), IMAGES)))
    command = ["kubeadm", "init", "phase", *phase, "--config", str(config)]
    environ = {**os.environ, "KUBEADM_INIT_DRYRUN_DIR": str(folder)}
    done = subprocess.run(command, executable=program, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_is_a_bundle() -> None:
    assert VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("declared", DECLARED, ids=["nothing", "much", "authorization"])
def test_static_pods(tmp_path: Path, version: str, declared: dict[str, t.Any]) -> None:
    described = cluster(version=version, **declared)
    run(tmp_path, version, described, "control-plane", "all", "--dry-run")
    run(tmp_path, version, described, "etcd", "local", "--dry-run")
    for component in paths.STATIC_PODS:
        made = arguments.parsed((tmp_path / f"{component}.yaml").read_text())
        wanted = arguments.wanted(component, described, machine(), IMAGES)
        assert arguments.difference(wanted, made) == ({}, {})
        assert made


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("declared", DECLARED[:2], ids=["nothing", "much"])
def test_kube_proxy(tmp_path: Path, version: str, declared: dict[str, t.Any]) -> None:
    described = cluster(version=version, **declared)
    printed = run(tmp_path, version, described, "addon", "kube-proxy", "--print-manifest")
    maps = [item for item in yaml.safe_load_all(printed) if item and item["kind"] == "ConfigMap"]
    made = block_yaml.load(maps[0]["data"]["config.conf"])
    assert component_config.plain_difference(component_config.kube_proxy(described), made) == ({}, {})


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("declared", DECLARED[:2], ids=["nothing", "much"])
def test_kubelet(tmp_path: Path, version: str, declared: dict[str, t.Any]) -> None:
    described = cluster(version=version, **declared)
    run(tmp_path, version, described, "kubelet-start", "--dry-run")
    made = block_yaml.load((tmp_path / "config.yaml").read_text())
    assert component_config.kubelet_difference(component_config.kubelet_of_machine(described, made), made) == ({}, {})
