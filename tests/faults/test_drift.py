# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody changed by hand on a machine is named by --check, and repaired with the restarts that it needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import eventually
from tests.faults.solo_fleet import Solo, overlay

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]

MIRRORS = {"containerd_registry_mirrors": {"docker.io": ["https://mirror.example:5000"]}}
HOSTS = "/etc/containerd/certs.d/docker.io/hosts.toml"
DROP_IN = "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf"
KUBELET = "/var/lib/kubelet/config.yaml"
MANAGER = "/etc/kubernetes/manifests/kube-controller-manager.yaml"
LABEL = "io.cri-containerd.pinned"

#: What is changed, by the id of the step that repairs it.
DRIFT = {
    "sysctl:net.ipv4.ip_forward": "echo 0 > /proc/sys/net/ipv4/ip_forward",
    f"file:{KUBELET}": f"sed -i -E 's/(\"?podPidsLimit\"?): 4096/\\1: 2048/' {KUBELET}",
    "static-pod:kube-controller-manager": f"sed -i s/gc-threshold=1000/gc-threshold=500/ {MANAGER}",
    f"file:{HOSTS}": f"sed -i s/mirror.example/other.example/ {HOSTS}",
    f"file:{DROP_IN}": f"rm {DROP_IN}",
    "images:pinned": f"ctr -n k8s.io images label $(crictl images | awk '/pause/ {{print $1\":\"$2; exit}}') {LABEL}=",
}
#: What the repair takes besides.
RESTARTS = {"systemd", "service:kubelet"}


def values(solo: Solo) -> str:
    """What :data:`DRIFT` changes, as it is."""
    limit = f"sed -nE 's/.*podPidsLimit\"?: ([0-9]+).*/\\1/p' {KUBELET}"
    pinned = "crictl images -o json | grep -c '\"pinned\": true'"
    files = f"cat /proc/sys/net/ipv4/ip_forward {HOSTS} {DROP_IN}"
    return solo.on("s1", f"{files}; {limit}; grep gc-threshold {MANAGER}; {pinned}")


def manager(solo: Solo) -> str:
    """The arguments with which the controller manager runs."""
    return solo.on("s1", "tr '\\0' ' ' < /proc/$(pgrep -f ^kube-controller-manager)/cmdline", check=False)


def names(processes: dict[str, str]) -> dict[str, str]:
    """Start times by name alone, of which there is one each on this machine."""
    return {key.partition("/")[0]: start for key, start in processes.items()}


def test_six_things_changed_by_hand(standing: Solo, tmp_path: Path, bar: Bar) -> None:
    declared = overlay(tmp_path, {"host_vars/solo.yml": MIRRORS})
    standing.site(*declared).checked()
    assert standing.site(*declared).checked().changed == 0
    right = values(standing)
    for script in DRIFT.values():
        standing.on("s1", script)
    eventually(lambda: "gc-threshold=500" in manager(standing), 120, 2)
    wrong, before = values(standing), names(standing.processes("s1"))
    assert wrong != right

    check = standing.site(*declared, "--check", "--diff").checked()
    predicted = {step for _target, step, _action in check.steps()}
    assert predicted == {*DRIFT, *RESTARTS}
    assert values(standing) == wrong
    assert names(standing.processes("s1")) == before
    for shown in ("2048", "4096", "gc-threshold", "other.example"):
        assert shown in check.output

    mended = standing.site(*declared).checked()
    assert mended.steps() == check.steps()
    assert values(standing) == right
    assert "gc-threshold=1000" in manager(standing)
    after = names(standing.processes("s1"))
    assert {name for name in before if after.get(name) != before[name]} == {"kubelet", "kube-controller"}
    again = standing.site(*declared).checked()
    assert again.changed == 0
    assert again.steps() == []
    assert names(standing.processes("s1")) == after
    bar(
        "by hand: a sysctl, a kubelet setting, an argument, a mirror, a drop-in, a pin: named, repaired; restarted",
        f"{len(DRIFT)} of {len(DRIFT)}; kubelet and kube-controller-manager",
    )


def test_mirrors_that_are_declared_no_more_go(standing: Solo, tmp_path: Path) -> None:
    declared = overlay(tmp_path, {"host_vars/solo.yml": MIRRORS})
    standing.on(
        "s1", "mkdir -p /etc/containerd/certs.d/own.example; touch /etc/containerd/certs.d/own.example/hosts.toml"
    )
    standing.site(*declared).checked()
    before = names(standing.processes("s1"))
    removed = standing.site().checked()
    assert [step for _target, step, _action in removed.steps()] == [f"file:{HOSTS}"]
    assert standing.on("s1", "ls /etc/containerd/certs.d/*/hosts.toml").split() == [
        "/etc/containerd/certs.d/own.example/hosts.toml"
    ]
    assert names(standing.processes("s1")) == before


def test_files_that_all_may_read(standing: Solo) -> None:
    loose = {"/etc/kubernetes/admin.conf": 644, "/etc/kubernetes/pki/apiserver.key": 640, KUBELET: 644}
    for path, mode in loose.items():
        standing.on("s1", f"chmod {mode} {path}")
    before = names(standing.processes("s1"))
    mended = standing.site().checked()
    assert {step for _target, step, _action in mended.steps()} == {f"mode:{path}" for path in loose}
    assert standing.on("s1", f"stat -c %a {' '.join(loose)}").split() == ["600"] * 3
    assert names(standing.processes("s1")) == before


def test_an_api_server_that_somebody_broke_by_hand(standing: Solo, bar: Bar) -> None:
    """The only API of the cluster is down, and the run brings it back, as it was."""
    manifest = "/etc/kubernetes/manifests/kube-apiserver.yaml"
    before = standing.on("s1", f"cat {manifest}")
    standing.on("s1", f"sed -i 's/--audit-log-maxage=[0-9]*/--audit-log-maxage=never/' {manifest}")
    eventually(lambda: standing.on("s1", "pgrep -f ^kube-apiserver || echo none", check=False).strip() == "none", 120)
    impatient = ("-e", "machine_api_patience=5")
    check = standing.site("--check", *impatient).checked()
    assert "static-pod:kube-apiserver" in [step for _target, step, _action in check.steps()]
    assert "its API is down" in " ".join(check.output.split())
    run = standing.site(*impatient).checked()
    assert [step for _target, step, _action in run.steps()] == ["static-pod:kube-apiserver"]
    assert standing.on("s1", f"cat {manifest}") == before
    again = standing.site().checked()
    assert (again.changed, again.steps()) == (0, [])
    bar("the only API server broken by hand in its manifest", "mended; changed=0")
