# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A changed declaration reaches a living cluster, restarts only what it needs, and a bad one is taken back."""

from __future__ import annotations

import ssl
import typing as t
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import eventually
from tests.faults.solo_fleet import Solo, in_containers, overlay, second_machine
from tests.faults.test_drift import names

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]

#: What never restarts unless its own settings change. Controllers that lose the API server end by themselves.
STEADY = ("containerd", "etcd", "kubelet", "kube-apiserver")


def changed(solo: Solo, before: dict[str, str]) -> set[str]:
    after = names(solo.processes("s1"))
    return {name for name in STEADY if after.get(name) != before[name]}


def steps(run: t.Any) -> set[str]:
    return {step for _target, step, _action in run.steps()}


def declared(tmp_path: Path, name: str, hosts: dict[str, t.Any] | None = None, **variables: t.Any) -> tuple[str, str]:
    files: dict[str, t.Any] = {"host_vars/solo.yml": variables} if variables else {}
    if hosts:
        files["host_vars/s1.yml"] = hosts
    return overlay(tmp_path / name, files)


def command(solo: Solo, program: str) -> str:
    return solo.on("s1", f"tr '\\0' ' ' < /proc/$(pgrep -f '^{program} ')/cmdline", check=False)


def shown(solo: Solo) -> bytes:
    """The certificate that the API server shows."""
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((solo.address("s1"), 6443)))


def applied(solo: Solo, arguments: tuple[str, str], expected: set[str], restarted: set[str]) -> str:
    """Runs the site, and holds it to its prediction, to these steps and restarts, and to doing it once."""
    before = names(solo.processes("s1"))
    check = solo.site(*arguments, "--check", "--diff").checked()
    assert steps(check) == expected
    assert changed(solo, before) == set()
    run = solo.site(*arguments).checked()
    assert run.steps() == check.steps()
    assert changed(solo, before) == restarted
    assert solo.site(*arguments).checked().steps() == []
    return check.output


def test_settings_of_the_api_server(standing: Solo, tmp_path: Path, bar: Bar) -> None:
    arguments = declared(
        tmp_path, "one", api_server_args={"audit-log-maxage": 7, "v": 3}, api_server_cert_sans=["api.example.org"]
    )
    expected = {"static-pod:kube-apiserver", "certificate:apiserver", "configmap:kubeadm-config"}
    output = applied(standing, arguments, expected, {"kube-apiserver"})
    assert "audit-log-maxage" in output
    assert "--audit-log-maxage=7" in command(standing, "kube-apiserver")
    # The name is in the certificate that is shown, not only in the file.
    assert b"api.example.org" in shown(standing)
    standing.site().checked()
    assert "--audit-log-maxage=30" in command(standing, "kube-apiserver")
    assert b"api.example.org" not in shown(standing)
    bar("API server arguments and certificate names changed: predicted, applied, taken back", "kube-apiserver only")


def test_settings_of_kubelets_and_kube_proxy(standing: Solo, tmp_path: Path, bar: Bar) -> None:
    """The machine and the ConfigMap, from which those that join later take theirs, are kept alike."""
    variables = in_containers(kubelet_config={"maxPods": 77}, kube_proxy_config={"configSyncPeriod": "10m"})
    arguments = declared(tmp_path, "two", **variables)
    kubelet = {"file:/var/lib/kubelet/config.yaml", "service:kubelet", "configmap:kubelet-config"}
    proxy = {"configmap:kube-proxy", "daemonset:kube-proxy"}
    # The hub records how many pods the cluster can take.
    record = {"cluster.open-cluster-management.io/v1/ManagedCluster/solo/status"}
    applied(standing, arguments, kubelet | proxy | record, {"kubelet"})
    assert standing.get("solo", "node", "s1")["status"]["capacity"]["pods"] == "77"
    joining = {"hosts.yml": second_machine("workers"), "host_vars/solo.yml": variables}
    try:
        both = overlay(tmp_path / "joining", joining)
        joined = standing.site(*both).checked()
        assert {target for target, _step, _action in joined.steps()} <= {"s2", "solo"}
        assert standing.get("solo", "node", "s2")["status"]["capacity"]["pods"] == "77"
        assert standing.site(*both).checked().steps() == []
    finally:
        standing.kubectl("solo", "delete", "node", "s2", "--ignore-not-found")
        standing.testbed("reimage", "s2")
    standing.site().checked()
    assert standing.get("solo", "node", "s1")["status"]["capacity"]["pods"] == "110"
    bar("kubelet and kube-proxy settings changed: who joins later has them too", "kubelet only; second run changed=0")


def test_labels_and_taints(standing: Solo, tmp_path: Path) -> None:
    taint = {"key": "example.org/slow", "value": "yes", "effect": "PreferNoSchedule"}
    arguments = declared(tmp_path, "three", {"node_labels": {"example.org/rack": "r1"}, "node_taints": [taint]})
    standing.kubectl("solo", "label", "node", "s1", "example.org/theirs=1", "--overwrite")
    applied(standing, arguments, {"v1/Node/s1"}, set())
    node = standing.get("solo", "node", "s1")
    assert node["metadata"]["labels"]["example.org/rack"] == "r1"
    assert taint in node["spec"]["taints"]
    standing.site().checked()
    node = standing.get("solo", "node", "s1")
    assert "example.org/rack" not in node["metadata"]["labels"]
    assert node["metadata"]["labels"]["example.org/theirs"] == "1"
    assert node["spec"].get("taints") is None


def test_a_proxy(standing: Solo, tmp_path: Path) -> None:
    arguments = declared(tmp_path, "four", cluster_proxy={"https": "http://proxy.example:3128"})
    files = {
        f"file:/etc/systemd/system/{path}"
        for path in ("containerd.service.d/10-lodestar-proxy.conf", "kubelet.service.d/20-lodestar-proxy.conf")
    }
    restarts = {"systemd", "service:containerd", "service:kubelet"}
    applied(standing, arguments, files | restarts, {"containerd", "kubelet"})
    environment = standing.on("s1", "tr '\\0' '\\n' < /proc/$(pgrep -x containerd)/environ")
    assert "HTTPS_PROXY=http://proxy.example:3128" in environment
    assert "10.96.0.0/12" in environment
    taken = standing.site().checked()
    assert steps(taken) == files | restarts
    assert "PROXY" not in standing.on("s1", "tr '\\0' '\\n' < /proc/$(pgrep -x containerd)/environ")


def test_an_api_server_that_does_not_come_up_is_put_back(standing: Solo, tmp_path: Path, bar: Bar) -> None:
    before = standing.on("s1", "cat /etc/kubernetes/manifests/kube-apiserver.yaml")
    run = standing.site(*declared(tmp_path, "five", api_server_args={"audit-log-maxage": "never"}))
    assert run.code != 0
    message = " ".join(run.output.split())
    for words in ("The manifest that was there before is back", 'invalid argument "never"'):
        assert words in message, run.output[-6000:]
    assert standing.on("s1", "cat /etc/kubernetes/manifests/kube-apiserver.yaml") == before
    eventually(lambda: standing.kubectl("solo", "get", "--raw", "/readyz", check=False).strip() == "ok", 120, 2)
    assert standing.site().checked().changed == 0
    bar("an API server that does not come up with its new arguments", f"put back after {run.seconds:.0f} s of the run")


def test_a_kubelet_that_does_not_come_up_is_put_back(standing: Solo, tmp_path: Path) -> None:
    before = standing.on("s1", "cat /var/lib/kubelet/config.yaml")
    variables = in_containers(kubelet_config={"imageGCLowThresholdPercent": 101})
    run = standing.site(*declared(tmp_path, "six", **variables))
    assert run.code != 0
    assert "Put back as before: /var/lib/kubelet/config.yaml" in " ".join(run.output.split()), run.output[-6000:]
    assert standing.on("s1", "cat /var/lib/kubelet/config.yaml") == before
    assert standing.site().checked().changed == 0


def test_a_containerd_that_does_not_come_up_is_put_back(standing: Solo, tmp_path: Path) -> None:
    before = standing.on("s1", "cat /etc/containerd/config.toml")
    pods = standing.on("s1", "crictl ps -q").split()
    run = standing.site(*declared(tmp_path, "seven", **in_containers(containerd_config={"oom_score": "never"})))
    assert run.code != 0
    assert "Put back as before: /etc/containerd/config.toml" in " ".join(run.output.split()), run.output[-6000:]
    assert standing.on("s1", "cat /etc/containerd/config.toml") == before
    assert set(pods) <= set(standing.on("s1", "crictl ps -q").split())
    assert standing.site().checked().changed == 0


@pytest.mark.parametrize(
    ("name", "close"), [("audit-log-max-age", "Did you mean audit-log-maxage"), ("qqqq", "--help")]
)
def test_an_argument_that_does_not_exist_is_refused(standing: Solo, tmp_path: Path, name: str, close: str) -> None:
    before = standing.snapshot()
    run = standing.site(*declared(tmp_path, name, api_server_args={name: 1}))
    assert run.code != 0
    assert run.changed == 0
    assert run.steps() == []
    message = " ".join(run.output.split())
    for words in (f"solo: api_server_args.{name}", "kube-apiserver 1.36.3 has no such argument", close):
        assert words in message, run.output[-6000:]
    assert standing.snapshot() == before
