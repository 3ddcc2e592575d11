# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The global cluster by kubeadm commands alone, as a good administrator's script runs them on prepared machines.

The settings are the collection's own files, written beforehand, so that the scope is equal; kube-vip's identity is an
administrator's, as its documentation has it. No sleep anywhere.
"""

from __future__ import annotations

import json
import secrets
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ansible_collections.lodestar.platform.plugins.module_utils.bundle.catalog import VERSIONS
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import (
    addon,
    addon_coredns,
    addon_kube_router,
    addon_metrics_server,
)
from ansible_collections.lodestar.platform.plugins.module_utils.machine import kubeadm, kubevip, paths, settings
from ansible_collections.lodestar.platform.plugins.module_utils.machine.kubeadm import new_token

from testbed import transfer
from testbed.legacy import key_digest

from .shell import KUBECTL, Shell

Object = dict[str, t.Any]
_FOLDER = "/var/lib/bench"


@dataclass(frozen=True)
class Declaration:
    """What prepare.yml tells of the cluster.

    :param cluster: its entry in the fleet.
    :param machines: the entries of its control planes by rank.
    :param images: references of the bundle's images by name.
    """

    cluster: Object
    machines: list[Object]
    images: dict[str, str]

    @staticmethod
    def read(text: str) -> Declaration:
        """From the file that prepare.yml writes."""
        content = json.loads(text)
        fleet = content["fleet"]
        cluster = fleet["clusters"][fleet["hub"]]
        return Declaration(cluster, [fleet["machines"][name] for name in cluster["control_plane"]], content["images"])


class Script:
    """The commands for one cluster. Making it writes the files and touches no machine; :meth:`run` is what is timed.

    :param description: the fleet's fleet.json.
    """

    def __init__(self, declaration: Declaration, description: Object) -> None:
        self._declared = declaration
        self._shell, self._interface = Shell(description), description["network"]["interface"]
        self._token, self._certificate_key = new_token(), secrets.token_hex(32)
        first, *others = declaration.machines
        encryption = settings.new_encryption()
        self._files = {machine["name"]: self._common(machine, encryption) for machine in declaration.machines}
        self._files[first["name"]] |= self._of_founder(first)
        self._others = others

    def run(self) -> float:
        """Makes the cluster, and waits until all nodes are Ready. Returns the seconds that it took."""
        begin = time.monotonic()
        first, *_others = self._declared.machines
        with ThreadPoolExecutor(max_workers=len(self._files)) as pool:
            list(pool.map(self._send, self._files))
        said = self._shell.on(
            first["name"],
            f"kubeadm init --config {_FOLDER}/init.yaml --upload-certs --skip-certificate-key-print"
            f" && {KUBECTL} apply --server-side -f {_FOLDER}/addons.yaml && cat {paths.CA}",
        )
        ca_hash = key_digest(said[said.index("-----BEGIN CERTIFICATE") :])
        for machine in self._others:
            self._join(machine, ca_hash)
        nodes = " ".join(f"node/{machine['node_name']}" for machine in self._declared.machines)
        self._shell.on(
            first["name"],
            f"{KUBECTL} wait --for=condition=Ready {nodes} --timeout=300s"
            # The kubelets' serving certificates, which metrics-server verifies. Whose they are this does not look at.
            f" && {KUBECTL} get csr -o name | xargs -r {KUBECTL} certificate approve",
        )
        return time.monotonic() - begin

    def _join(self, machine: Object, ca_hash: str) -> None:
        material = {"token": self._token, "ca_hash": ca_hash, "certificate_key": self._certificate_key}
        documents = kubeadm.join_documents(self._declared.cluster, machine, material)
        # etcd takes one new member at a time, and admin.conf is there only when the join has ended.
        self._shell.on(
            machine["name"],
            f"cat > {_FOLDER}/join.yaml && kubeadm join --config {_FOLDER}/join.yaml"
            f" && mv {_FOLDER}/kube-vip.yaml {paths.KUBE_VIP_MANIFEST}",
            kubeadm.render(documents).encode(),
        )

    def _common(self, machine: Object, encryption: str) -> dict[str, str]:
        return {
            paths.AUDIT_POLICY: settings.audit_policy(),
            paths.ENCRYPTION: encryption,
            f"{_FOLDER}/kube-vip.yaml": self._kube_vip(machine, paths.ADMIN_CONF),
        }

    def _of_founder(self, machine: Object) -> dict[str, str]:
        cluster = self._declared.cluster
        documents = kubeadm.init_documents(cluster, machine, self._declared.images, self._token)
        documents[0]["certificateKey"] = self._certificate_key
        documents[0]["bootstrapTokens"][0]["ttl"] = "30m0s"
        return {
            f"{_FOLDER}/init.yaml": kubeadm.render(documents),
            f"{_FOLDER}/addons.yaml": kubeadm.render(self._addons()),
            # While kubeadm works only this identity has rights.
            paths.KUBE_VIP_MANIFEST: self._kube_vip(machine, paths.SUPER_ADMIN_CONF),
        }

    def _kube_vip(self, machine: Object, identity: str) -> str:
        endpoint = self._declared.cluster["endpoint"]
        text = kubevip.manifest(
            self._declared.images["kube-vip"],
            endpoint["address"],
            endpoint["port"],
            self._interface,
            machine["node_name"],
        )
        return text.replace(paths.KUBE_VIP_CONF, identity)

    def _addons(self) -> list[Object]:
        cluster = self._declared.cluster
        chosen = addon.Settings(
            endpoint_host=cluster["endpoint"]["address"],
            endpoint_port=cluster["endpoint"]["port"],
            pod_cidr=cluster["network"]["pod_cidr"],
            service_cidr=cluster["network"]["service_cidr"],
        )
        metrics_server = f"{addon.IMAGE_REPOSITORY}/metrics-server:{VERSIONS['metrics-server']}"
        return [
            *addon_coredns.objects(),
            *addon_kube_router.objects(chosen),
            *addon_metrics_server.objects(metrics_server, 2),
        ]

    def _send(self, machine: str) -> None:
        items = [transfer.Item(path, text.encode(), 0o600) for path, text in self._files[machine].items()]
        self._shell.on(machine, "tar -x -f - -C /", b"".join(transfer.stream(items)))
