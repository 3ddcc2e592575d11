# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the cluster that exists before the collection comes: plain kubeadm commands, as an administrator types them."""

from __future__ import annotations

import hashlib
import json
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from docker.models.containers import Container

from . import kubeadm, machine, transfer
from .bundle import Bundle
from .definition import Legacy
from .errors import TestbedError
from .fleet import Fleet
from .locks import locked, write_if_changed

_ADMIN = "/etc/kubernetes/admin.conf"
_KUBECTL = ("kubectl", f"--kubeconfig={_ADMIN}", "--request-timeout=10s")
#: Says with what a machine was set up, so that a second call sends nothing.
_STAMP = "/var/lib/lodestar-legacy/installed"
_INITIALISED = "/var/lib/lodestar-legacy/initialised"
_PURPOSES = ("kubernetes", "runtime", "cni")
_IMAGES = "/var/lib/containerd/legacy-images"
_DEADLINE_SECONDS = 180


@dataclass
class Maker:
    """Makes one legacy cluster on the machines of a fleet."""

    fleet: Fleet
    legacy: Legacy
    bundle: Bundle
    _containers: dict[str, Container] = field(default_factory=dict)
    _addresses: dict[str, str] = field(default_factory=dict)

    def make(self) -> None:
        """Makes the cluster, or finishes it, and writes its admin kubeconfig into the fleet's state directory."""
        with locked(f"legacy-{self.fleet.name.id}"):
            names = (self.legacy.control_plane, *self.legacy.workers)
            self._containers = {name: self.fleet.container(name) for name in names}
            machines = self.fleet.description()["machines"]
            self._addresses = {name: machines[name]["address"] for name in names}
            with ThreadPoolExecutor(max_workers=len(names)) as workers:
                list(workers.map(self._install, names))
            self._init()
            self._network()
            self._configure_cni(self.legacy.control_plane)
            for name in self.legacy.workers:
                self._join(name)
                self._configure_cni(name)
            self._wait("all nodes are Ready", self._nodes_ready)
            self._wait("all of CoreDNS is available", self._names_resolve)
            self._keep_kubeconfig()

    @property
    def _control_plane(self) -> Container:
        return self._containers[self.legacy.control_plane]

    @property
    def _endpoint(self) -> str:
        return self._addresses[self.legacy.control_plane]

    def _say(self, line: str) -> None:
        self.fleet.say(f"{self.legacy.name}: {line}")

    # --- machines --------------------------------------------------------------------------------------------------

    def _install(self, name: str) -> None:
        container = self._containers[name]
        archives = [part for part in self.bundle.archives() if part.name != "kube-vip"]
        programs = self.bundle.programs(*_PURPOSES)
        settings = list(self._settings())
        stamp = digest(settings, [part.sha256 for part in (*archives, *programs)])
        # A machine of the cluster stays what it is, whatever became of the bundle since.
        member = _exists(container, "/etc/kubernetes/kubelet.conf")
        known = machine.run(container, ["cat", _STAMP], check=False)[1].strip()
        if known == stamp or (known and member):
            return
        self._say(f"{name}: programs, settings and images")
        images = [transfer.Item(f"{_IMAGES}/{part.sha256}.tar", part.file) for part in archives]
        container.put_archive("/", transfer.stream([*self._programs(), *settings, *images]))
        machine.run(container, ["systemctl", "daemon-reload"])
        machine.run(container, ["systemctl", "enable", "--now", "containerd"])
        machine.run(container, ["systemctl", "restart", "containerd"])
        machine.run(container, ["systemctl", "enable", "kubelet"])
        for item in images:
            machine.run(container, ["ctr", "-n", "k8s.io", "images", "import", item.path])
        for reference in sorted({reference for part in archives for reference in part.references}):
            machine.run(
                container, ["ctr", "-n", "k8s.io", "images", "label", reference, "io.cri-containerd.pinned=pinned"]
            )
        machine.run(container, ["rm", "-r", _IMAGES])
        container.put_archive("/", transfer.stream([transfer.Item(_STAMP, stamp.encode())]))

    def _programs(self) -> t.Iterator[transfer.Item]:
        """The programs; those of one binary are sent once and linked."""
        sent: dict[str, str] = {}
        for part in self.bundle.programs(*_PURPOSES):
            path = f"{'/opt/cni/bin' if part.purpose == 'cni' else '/usr/local/bin'}/{part.name}"
            yield transfer.Item(path, part.file, 0o755, same_as=sent.get(part.sha256, ""))
            sent.setdefault(part.sha256, path)

    def _settings(self) -> t.Iterator[transfer.Item]:
        texts = {
            "/etc/containerd/config.toml": kubeadm.containerd_configuration(self.bundle.image("pause")),
            "/etc/systemd/system/containerd.service": kubeadm.CONTAINERD_UNIT,
            "/etc/systemd/system/kubelet.service": kubeadm.KUBELET_UNIT,
            "/etc/crictl.yaml": kubeadm.CRICTL,
            kubeadm.AUDIT_POLICY: kubeadm.audit_policy_text(),
        }
        for path, text in texts.items():
            yield transfer.Item(path, text.encode())

    # --- the cluster -----------------------------------------------------------------------------------------------

    def _init(self) -> None:
        container = self._control_plane
        if _exists(container, _INITIALISED):
            self._wait("the API server answers", self._answers)
            return
        self._say(f"{self.legacy.control_plane}: kubeadm init")
        configuration = kubeadm.init_configuration(self.legacy, self.bundle, self._endpoint)
        self._kubeadm(container, "init", configuration)
        machine.run(container, ["touch", _INITIALISED])

    def _join(self, name: str) -> None:
        container = self._containers[name]
        joined = _exists(container, "/etc/kubernetes/kubelet.conf")
        if joined and machine.run(self._control_plane, [*_KUBECTL, "get", "node", name], check=False)[0] == 0:
            return
        self._say(f"{name}: kubeadm join")
        token = machine.run(self._control_plane, ["kubeadm", "token", "create", "--ttl=15m"])[1].strip()
        authority = machine.run(self._control_plane, ["cat", "/etc/kubernetes/pki/ca.crt"])[1]
        configuration = kubeadm.join_configuration(
            name, self._addresses[name], self._endpoint, token, key_digest(authority)
        )
        self._kubeadm(container, "join", configuration)
        machine.run(self._control_plane, ["kubeadm", "token", "delete", token.partition(".")[0]])

    def _kubeadm(self, container: Container, command: str, configuration: str) -> None:
        """Runs kubeadm on a machine that has no cluster, or the half of one that a killed call has left."""
        machine.run(container, ["kubeadm", "reset", "--force", f"--cri-socket={kubeadm.SOCKET}"], check=False)
        machine.run(container, ["rm", "-f", kubeadm.CNI_CONFIGURATION])
        path = "/var/lib/lodestar-kubeadm.yaml"
        # A reset takes files of ours below /etc with it.
        items = [*self._settings(), transfer.Item(path, configuration.encode(), 0o600)]
        container.put_archive("/", transfer.stream(items))
        machine.run(container, ["kubeadm", command, f"--config={path}"])
        machine.run(container, ["rm", path])

    def _network(self) -> None:
        container = self._control_plane
        if (
            machine.run(container, [*_KUBECTL, "-n", "kube-system", "get", "daemonset", "kube-router"], check=False)[0]
            == 0
        ):
            return
        self._say("network")
        image, path = self.bundle.image("kube-router"), "/var/lib/lodestar-network.yaml"
        manifest = kubeadm.network_manifest(image, self._endpoint, self.legacy.service_cidr)
        container.put_archive("/", transfer.stream([transfer.Item(path, manifest.encode())]))
        machine.run(container, [*_KUBECTL, "apply", "-f", path])
        machine.run(container, ["rm", path])

    def _configure_cni(self, name: str) -> None:
        if _exists(self._containers[name], kubeadm.CNI_CONFIGURATION):
            return
        self._wait(f"node {name} has a pod range", lambda: bool(self._pod_range(name)))
        item = transfer.Item(kubeadm.CNI_CONFIGURATION, kubeadm.cni_configuration(self._pod_range(name)).encode())
        self._containers[name].put_archive("/", transfer.stream([item]))

    def _pod_range(self, name: str) -> str:
        command = [*_KUBECTL, "get", "node", name, "-o", "jsonpath={.spec.podCIDR}"]
        return machine.run(self._control_plane, command, check=False)[1].strip()

    def _answers(self) -> bool:
        return machine.run(self._control_plane, [*_KUBECTL, "get", "--raw", "/readyz"], check=False)[0] == 0

    def _nodes_ready(self) -> bool:
        status, output, _errors = machine.run(
            self._control_plane, [*_KUBECTL, "get", "nodes", "-o", "json"], check=False
        )
        return status == 0 and ready_nodes(json.loads(output)) == set(self._containers)

    def _names_resolve(self) -> bool:
        command = [*_KUBECTL, "-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=1s"]
        return machine.run(self._control_plane, command, check=False)[0] == 0

    def _wait(self, what: str, check: t.Callable[[], bool]) -> None:
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while not check():
            if time.monotonic() > deadline:
                raise TestbedError(f"{self.legacy.name}: not within {_DEADLINE_SECONDS} s: {what}\n{self._state()}")
            time.sleep(0.5)

    def _state(self) -> str:
        """What an administrator would ask a cluster that does not come up."""
        logs = [*_KUBECTL, "-n", "kube-system", "logs", "--prefix", "--tail=15", "-l"]
        questions = (
            [*_KUBECTL, "get", "nodes,pods", "-A", "-o", "wide"],
            *([*logs, f"k8s-app={app}"] for app in ("kube-dns", "kube-proxy", "kube-router")),
            ["ip", "route"],
            ["sh", "-c", "iptables-save -t nat | grep default/kubernetes"],
        )
        answers = (machine.run(self._control_plane, list(question), check=False) for question in questions)
        return "\n".join(f"{answer[1]}{answer[2]}" for answer in answers)

    def _keep_kubeconfig(self) -> None:
        file = self.fleet.state / f"{self.legacy.name}.kubeconfig"
        if write_if_changed(file, machine.run(self._control_plane, ["cat", _ADMIN])[1], 0o600):
            self._say(f"admin kubeconfig in {file}")


def _exists(container: Container, path: str) -> bool:
    return machine.run(container, ["test", "-e", path], check=False)[0] == 0


def key_digest(certificate: str) -> str:
    """A CA certificate's public key as ``kubeadm join`` wants to see it: ``sha256:`` of its DER form."""
    key = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "sha256:" + hashlib.sha256(der).hexdigest()


def ready_nodes(nodes: t.Mapping[str, t.Any]) -> set[str]:
    """The names of the nodes of a NodeList that are Ready."""
    return {
        item["metadata"]["name"]
        for item in nodes["items"]
        for condition in item["status"].get("conditions", ())
        if condition["type"] == "Ready" and condition["status"] == "True"
    }


def digest(items: t.Iterable[transfer.Item], artifacts: t.Iterable[str]) -> str:
    """What identifies a set-up: the settings' texts and the artifacts' own digests."""
    texts = [[item.path, item.source.decode()] for item in items if isinstance(item.source, bytes)]
    return hashlib.sha256(json.dumps([texts, sorted(artifacts)]).encode()).hexdigest()
