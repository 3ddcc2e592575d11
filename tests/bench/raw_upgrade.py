# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An upgrade by kubeadm and kubectl alone, as kubeadm's documentation has it: a snapshot of etcd, then machine by
machine the control plane's part, a drain, the kubelet, and the node is given back. Images and binaries were brought
beforehand.
"""

from __future__ import annotations

import time
import typing as t

from ansible_collections.lodestar.platform.plugins.module_utils.machine import paths, snapshots, upgrade_stage

from .shell import KUBECTL, Shell

_SNAPSHOT = (
    f"{snapshots.TOOLS}/etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt"
    " --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key"
    " snapshot save /root/before-upgrade.db"
)


class Script:
    """The commands for one cluster; making it touches no machine, :meth:`run` is what is timed.

    :param staged: what stage.yml tells: C(version), C(binaries) (sha256 by path), C(ignored) (checks of kubeadm).
    """

    def __init__(
        self, shell: Shell, staged: dict[str, t.Any], control_plane: t.Sequence[str], workers: t.Sequence[str]
    ) -> None:
        self._shell, self._staged = shell, staged
        self._control_plane, self._workers = list(control_plane), list(workers)

    def run(self) -> float:
        """Upgrades every machine and returns the seconds that it took."""
        begin = time.monotonic()
        self._on_first(_SNAPSHOT)
        for machine in [*self._control_plane, *self._workers]:
            self._shell.on(machine, f"{self._install(paths.KUBEADM)} && kubeadm upgrade {self._arguments(machine)}")
            self._on_first(f"{KUBECTL} drain {machine} --ignore-daemonsets --delete-emptydir-data --timeout=600s")
            programs = " && ".join(self._install(path) for path in self._staged["binaries"] if path != paths.KUBEADM)
            self._shell.on(machine, f"{programs} && systemctl restart kubelet")
            self._on_first(self._awaited(machine))
            self._on_first(f"{KUBECTL} uncordon {machine}")
        return time.monotonic() - begin

    def _on_first(self, script: str) -> None:
        self._shell.on(self._control_plane[0], script)

    def _arguments(self, machine: str) -> str:
        ignored = ["CoreDNSUnsupportedPlugins", "CoreDNSMigration", *self._staged["ignored"]]
        if machine != self._control_plane[0]:
            return f"node --ignore-preflight-errors={','.join(ignored)}"
        version = self._staged["version"]
        # CoreDNS is of the bundle's version already, which this kubeadm need not know.
        return f"apply v{version} --yes --skip-phases=addon/coredns --ignore-preflight-errors={','.join(ignored)}"

    def _install(self, path: str) -> str:
        digest = self._staged["binaries"][path]["sha256"]
        return f"install -m 0755 {upgrade_stage.staged(digest)} {path}"

    def _awaited(self, machine: str) -> str:
        version = "{.status.nodeInfo.kubeletVersion}"
        return (
            f"{KUBECTL} wait node/{machine} --for=jsonpath='{version}'=v{self._staged['version']} --timeout=300s"
            f" && {KUBECTL} wait node/{machine} --for=condition=Ready --timeout=300s"
        )
