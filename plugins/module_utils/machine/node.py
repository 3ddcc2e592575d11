# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps that make a prepared machine a Node: what control planes and workers share. Private to the collection."""

from __future__ import annotations

import glob
import json
import os
import typing as t
from dataclasses import dataclass, field

from ..errors import PlatformError
from ..plan import Step
from . import host, kubeadm, paths
from .probe import Holding

#: kubeadm's own deadlines add up to more than this only when nothing works.
KUBEADM_SECONDS = 600


@dataclass
class Steps:
    """Collects steps of one machine that go one after the other."""

    machine: str
    items: list[Step] = field(default_factory=list)

    def add(
        self, step_id: str, action: str, description: str, perform: t.Callable[[], object], **fields: t.Any
    ) -> None:
        """Adds a step after the others."""
        self.items.append(
            Step(step_id, action, self.machine, description, perform=perform, wave=len(self.items), **fields)
        )


@dataclass(frozen=True)
class Member:
    """A control plane that belongs to its cluster.

    :param cluster: the cluster's entry in the fleet; C(machine) likewise.
    :param images: references of the bundle's images by name.
    """

    cluster: t.Mapping[str, t.Any]
    machine: t.Mapping[str, t.Any]
    images: t.Mapping[str, str]

    def run_phase(
        self,
        phase: t.Sequence[str],
        environ: t.Mapping[str, str] | None = None,
        certificates: str = paths.PKI,
    ) -> None:
        """Runs one phase of C(kubeadm init), such as C(["certs", "apiserver"]), with the declared configuration.

        :param certificates: directory of certificates that it reads and writes.
        :raises PlatformError: it failed.
        """
        documents = kubeadm.phase_documents(self.cluster, self.machine, self.images, certificates)
        _kubeadm(["init", "phase", *phase], documents, environ)


def add_cleaning(steps: Steps, found: Holding) -> None:
    """Adds the removal of what a killed init or join left behind, where no etcd data and no member depends on it.

    Certificates and kubeconfigs that were cut short stop kubeadm, and nothing was ever signed or stored with them.
    """
    if found.resumable or not (found.remnants or found.static_pods or found.kubelet_identity):
        return
    steps.add(
        "clean:kubernetes",
        "delete",
        "remove what an interrupted attempt left in /etc/kubernetes (no etcd data is here)",
        clean,
        before={"files": remnants()},
    )


def remnants() -> list[str]:
    """The files that :func:`clean` removes. Never anything below etcd's data directory."""
    found = [*glob.glob(f"{paths.KUBERNETES}/*.conf"), *glob.glob(f"{paths.MANIFESTS}/*.yaml")]
    found += [paths.PKI, paths.KUBELET_PKI, paths.KUBELET_CONFIG, "/var/lib/kubelet/kubeadm-flags.env"]
    found += [paths.ENCRYPTION, paths.AUTHENTICATION, paths.CLUSTER_RECORD, paths.ACCESS_RECORD]
    return sorted(path for path in found if os.path.lexists(path))


def clean() -> None:
    """Stops the kubelet and removes remnants.

    :raises PlatformError: etcd data appeared meanwhile; nothing is removed then.
    """
    if os.path.isdir(f"{paths.ETCD_DATA}/member"):
        raise PlatformError("etcd data is here; only a reset may remove what belongs to it")
    host.systemctl("stop", "kubelet")
    for path in remnants():
        host.remove_tree(path) if os.path.isdir(path) else host.remove(path)
    stop_pods()


def stop_pods() -> None:
    """Stops and removes the pods that the removed manifests had started."""
    listed = json.loads(host.run(["/usr/local/bin/crictl", "pods", "-o", "json"]).stdout or "{}").get("items", [])
    for pod in listed:
        host.run(["/usr/local/bin/crictl", "stopp", pod["id"]], check=False, timeout=60)
        host.run(["/usr/local/bin/crictl", "rmp", "-f", pod["id"]], check=False, timeout=60)


def run_kubeadm(verb: str, documents: t.Sequence[kubeadm.Document]) -> None:
    """Runs kubeadm with a configuration file that ends with the command. Its output is kept, mode 0600.

    :raises PlatformError: it failed; the message holds the end of its output.
    """
    _kubeadm([verb], documents, None)


def run_join(documents: t.Sequence[kubeadm.Document]) -> None:
    """Runs C(kubeadm join). The kubelet asks for a serving certificate anew, as every node that joins does.

    One that was a member before has one, and would not ask: the run waits for what joining nodes ask for.

    :raises PlatformError: it failed.
    """
    for path in glob.glob(f"{paths.KUBELET_PKI}/kubelet-server-*"):
        host.remove(path)
    run_kubeadm("join", documents)


def _kubeadm(
    words: t.Sequence[str], documents: t.Sequence[kubeadm.Document], environ: t.Mapping[str, str] | None
) -> None:
    host.make_directory(host.RUN_DIRECTORY, 0o700)
    path = f"{host.RUN_DIRECTORY}/kubeadm-{words[0]}.yaml"
    host.write(path, kubeadm.render(documents), 0o600)
    argv = [paths.KUBEADM, *words, "--config", path]
    try:
        host.run_long(argv, log_name=f"kubeadm-{words[0]}.log", timeout=KUBEADM_SECONDS, environ=environ)
    finally:
        host.remove(path)


def add_file_mode(steps: Steps, path: str, mode: int) -> None:
    """Adds a step for the mode of a file that comes into being in this plan."""
    current = host.mode_of(path)
    steps.add(
        f"mode:{path}",
        "update",
        f"set the mode of {path} to {mode:04o}",
        lambda: os.chmod(path, mode),
        before=None if current is None else f"{current:04o}",
        after=f"{mode:04o}",
    )


def add_record(steps: Steps, cluster: t.Mapping[str, t.Any], found: Holding, uid: t.Callable[[], str | None]) -> None:
    """Adds the record of which cluster this machine belongs to: it tells strangers apart, it decides nothing alone."""
    if found.recorded.get("name") == cluster["name"] and found.recorded.get("uid"):
        return

    def perform() -> None:
        host.make_directory(host.STATE_DIRECTORY, 0o700)
        record = {"name": cluster["name"], "uid": uid()}
        host.write(paths.CLUSTER_RECORD, json.dumps(record, sort_keys=True) + "\n", 0o600)

    steps.add(
        "record:cluster",
        "create" if not found.recorded else "update",
        f"record that this machine belongs to {cluster['name']}",
        perform,
        before=found.recorded.get("name"),
        after=cluster["name"],
    )


def kubelet_healthy() -> str | None:
    """``None`` when the kubelet runs and has its identity, else what is missing."""
    if not host.services(["kubelet"])["kubelet"].active:
        return "the kubelet does not run"
    if not os.path.exists(paths.KUBELET_CLIENT):
        return "the kubelet has no certificate yet"
    return None
