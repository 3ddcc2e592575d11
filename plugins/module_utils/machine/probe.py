# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a machine holds of a cluster. Reads only. Private to the collection."""

from __future__ import annotations

import json
import os
import socket
import ssl
import time
import typing as t
from dataclasses import asdict, dataclass, field

from ..errors import PlatformError
from . import (
    before,
    configmaps,
    host,
    kubeadm,
    kubeapi,
    kubevip,
    lasting,
    membership,
    objects,
    paths,
    place,
    recovery,
    x509,
)
from .etcd import Etcd, Member

_KUBECONFIGS = ("admin", "super-admin", "controller-manager", "scheduler", "kube-vip")
_CERTIFICATES = (
    *("ca", "apiserver", "apiserver-kubelet-client", "apiserver-etcd-client", "front-proxy-ca", "front-proxy-client"),
    *(f"etcd/{name}" for name in ("ca", "server", "peer", "healthcheck-client")),
)


@dataclass
class Local:
    """What the API server of this control plane says. All unknown (false, empty) while it does not answer.

    :param node: this machine's Node has the control-plane label; C(None) where nobody could be asked.
    :param founded: what C(kubeadm init) writes last is there: discovery, CoreDNS and kube-proxy.
    :param voter: this machine's etcd member votes.
    :param learner: it does not yet: the join was interrupted.
    :param kube_vip_rbac: kube-vip's Role and RoleBinding are as they should be.
    :param shared: kubeadm's ConfigMaps, once the cluster is founded.
    :param members: of etcd, with their health.
    :param predecessor: the one that this machine replaces still has a Node or an etcd member.
    """

    healthy: bool = False
    uid: str | None = None
    node: bool | None = None
    founded: bool = False
    voter: bool = False
    learner: bool = False
    kube_vip_rbac: bool = False
    shared: configmaps.Maps = field(default_factory=dict)
    members: list[Member] = field(default_factory=list)
    predecessor: bool = False


@dataclass
class Holding:
    """What a machine holds.

    :param kubelet_final: the kubelet has an identity of its own that it renews, so init or join got past the kubelet.
    :param founding: the kubelet has the identity that C(kubeadm init) gives it, and takes back at its end.
    :param local: only of a control plane.
    :param lasting: what the cluster was founded with and keeps; only of a control plane.
    :param lo_address: the endpoint's address is on the loopback interface: founding was killed.
    """

    kubelet_identity: bool
    kubelet_final: bool
    etcd_data: bool
    static_pods: list[str]
    remnants: bool
    ca_sha256: str | None
    recorded: dict[str, t.Any]
    founding: bool = False
    local: Local = field(default_factory=Local)
    lasting: lasting.Lasting = field(default_factory=dict)
    lo_address: bool = False

    @property
    def resumable(self) -> bool:
        """An init or join got as far as etcd: its files are whole, and it must go on rather than begin again."""
        return self.etcd_data or "etcd" in self.static_pods

    @property
    def half_joined(self) -> bool:
        """C(kubeadm join) was killed after it had begun with etcd.

        Either the kubelet has no certificate yet (since 1.36 it asks the local API server for it, which needs etcd),
        or the member still learns, or the Node is not marked.
        """
        unfinished = not self.kubelet_final or self.local.learner or self.local.node is False
        return self.resumable and not self.founding and unfinished

    @property
    def empty(self) -> bool:
        """No cluster and no part of one."""
        return not (self.kubelet_identity or self.etcd_data or set(self.static_pods) & set(paths.STATIC_PODS))


def ip_addresses() -> str:
    """C(ip -json address)."""
    return host.run(["ip", "-json", "address"]).stdout


def _ca_hash() -> str | None:
    data = host.read_bytes(paths.CA)
    try:
        return x509.parse_pem(data).key_sha256 if data else None
    except ValueError:
        return None


def _cut_short(machine: t.Mapping[str, t.Any], recorded: object) -> bool:
    """Whether kubeadm was killed on a worker before it removed the identity for joining; the kubelet had its own."""
    return machine["role"] == "worker" and not recorded and os.path.exists(paths.BOOTSTRAP_CONF)


def holding(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any]) -> Holding:
    """Looks at files, and at the local API server of a control plane."""
    kubelet_conf = host.read(paths.KUBELET_CONF)
    manifests = sorted(os.listdir(paths.MANIFESTS)) if os.path.isdir(paths.MANIFESTS) else []
    try:
        recorded = json.loads(host.read(paths.CLUSTER_RECORD) or "{}")
    except ValueError:
        recorded = {}
    found = Holding(
        kubelet_identity=kubelet_conf is not None,
        kubelet_final=kubelet_conf is not None
        and "kubelet-client-current.pem" in kubelet_conf
        and os.path.exists(paths.KUBELET_CLIENT)
        and not _cut_short(machine, recorded),
        founding=kubelet_conf is not None and "client-certificate-data" in kubelet_conf,
        etcd_data=os.path.isdir(f"{paths.ETCD_DATA}/member"),
        static_pods=[name.removesuffix(".yaml") for name in manifests if name.endswith(".yaml")],
        remnants=os.path.exists(paths.PKI)
        or any(os.path.exists(f"{paths.KUBERNETES}/{name}.conf") for name in (*_KUBECONFIGS, "bootstrap-kubelet")),
        ca_sha256=_ca_hash(),
        recorded=recorded if isinstance(recorded, dict) else {},
    )
    if machine["role"] == "control_plane":
        found.lasting = lasting.seen()
        found.lo_address = cluster["endpoint"]["address"] in kubevip.addresses_on(ip_addresses(), "lo")
        if "kube-apiserver" in found.static_pods:
            found.local = _local(cluster, machine)
    return found


def _local(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any]) -> Local:
    answer = Local()
    api = kubeapi.local_admin(machine["node_ip"], kubeadm.bind_port(cluster), timeout=5)
    if api is None:
        return answer
    try:
        answer.healthy = api.live()
        if answer.healthy:
            _ask(api, machine, answer)
    except kubeapi.ApiError as exc:
        # 403: the founding run was killed before it bound the admin; 0: it went away while we asked.
        answer.healthy = answer.healthy and exc.status not in (0, 503)
    finally:
        api.close()
    _ask_etcd(machine, answer)
    if answer.node is None:
        answer.node = _marked_elsewhere(cluster, machine)
    return answer


def _marked_elsewhere(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any]) -> bool | None:
    """Asks the cluster at its endpoint whether this machine's Node is marked, where its own API server is silent."""
    where = cluster["endpoint"]
    api = kubeapi.local_admin(where["address"], int(where["port"]), timeout=3)
    if api is None:
        return None
    try:
        return _is_marked(api, machine["node_name"])
    except kubeapi.ApiError:
        return None
    finally:
        api.close()


def _is_marked(api: kubeapi.Api, node_name: str) -> bool:
    node = api.get(f"/api/v1/nodes/{node_name}")
    labels = ((node or {}).get("metadata") or {}).get("labels") or {}
    return "node-role.kubernetes.io/control-plane" in labels


def _ask(api: kubeapi.Api, machine: t.Mapping[str, t.Any], answer: Local) -> None:
    namespace = api.get("/api/v1/namespaces/kube-system")
    answer.uid = namespace["metadata"]["uid"] if namespace else None
    answer.node = _is_marked(api, machine["node_name"])
    replaced = machine.get("replaces")
    answer.predecessor = bool(replaced) and api.get(f"/api/v1/nodes/{replaced}") is not None
    wanted = (
        "/api/v1/namespaces/kube-public/configmaps/cluster-info",
        "/apis/apps/v1/namespaces/kube-system/deployments/coredns",
        "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy",
    )
    answer.founded = all(api.get(path) is not None for path in wanted)
    answer.shared = configmaps.read(api) if answer.founded else {}
    answer.kube_vip_rbac = all(objects.covers(item, api.get(objects.path_of(item))) for item in kubevip.rbac())


def _ask_etcd(machine: t.Mapping[str, t.Any], answer: Local) -> None:
    try:
        answer.members = Etcd(machine["node_ip"], timeout=3).members()
    except (PlatformError, OSError, ssl.SSLError) as exc:
        # A learner answers nothing else.
        answer.learner = "learner" in str(exc)
        return
    own = membership.named(answer.members, machine["node_name"])
    answer.voter = own is not None and not own.learner
    answer.learner = own is not None and own.learner
    answer.predecessor |= membership.named(answer.members, machine.get("replaces")) is not None


def certificates() -> list[dict[str, str]]:
    """Name and last moment of every certificate that a control plane or kubelet lives by."""
    answer = _dated("kubelet-client", host.read_bytes(paths.KUBELET_CLIENT))
    answer += _dated("kubelet-server", host.read_bytes(paths.KUBELET_SERVER))
    for name in _CERTIFICATES:
        answer += _dated(name, host.read_bytes(f"{paths.PKI}/{name}.crt"))
    for name in _KUBECONFIGS:
        text = host.read(f"{paths.KUBERNETES}/{name}.conf")
        try:
            answer += _dated(f"{name}.conf", kubeapi.credential(text, "client-certificate-data") if text else None)
        except (PlatformError, ValueError):
            continue
    return answer


def keys() -> dict[str, str]:
    """Digests of the keys that all control planes share, by name; what is not there is left out."""
    found = {name: host.read(path) for name, path in recovery.KEYS.items()}
    return recovery.digests({name: text for name, text in found.items() if text is not None})


def _dated(name: str, data: bytes | None) -> list[dict[str, str]]:
    try:
        return [{"name": name, "not_after": x509.parse_pem(data).not_after}] if data else []
    except ValueError:
        return []


def _resolves(name: str) -> bool:
    try:
        return bool(socket.getaddrinfo(name, None))
    except OSError:
        return False


def endpoint(cluster: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What this machine sees at the endpoint: whether its name is known, anything answers, and the CA shown there."""
    where = cluster["endpoint"]
    if not _resolves(where["address"]):
        return {"answers": False, "ca_sha256": None, "resolves": False}
    answers, ca = kubeapi.cluster_ca(where["address"], int(where["port"]))
    try:
        shown = x509.parse_pem(ca).key_sha256 if ca else None
    except ValueError:
        shown = None
    return {"answers": answers, "ca_sha256": shown, "resolves": True}


def _os_name() -> str:
    for line in (host.read("/etc/os-release") or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.split("=", 1)[1].strip().strip('"')
    return "unknown"


def report(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any], found: Holding) -> dict[str, t.Any]:
    """The probe as the module returns it: plain data, no secrets."""
    return {
        **{key: value for key, value in asdict(found).items() if key not in ("local", "recorded", "lo_address")},
        "empty": found.empty,
        "half_joined": found.half_joined,
        "api_healthy": found.local.healthy,
        "uid": found.local.uid,
        "founded": found.local.founded,
        "voter": found.local.voter,
        "members": [membership.reported(member) for member in found.local.members],
        "replaces": machine.get("replaces"),
        "keys": keys() if machine["role"] == "control_plane" else {},
        "recorded": {key: found.recorded.get(key) for key in ("name", "uid")},
        "prepared": not before.wanted(),
        "endpoint": endpoint(cluster),
        "certificates": certificates(),
        "node_name": machine["node_name"],
        "node_ip": machine["node_ip"],
        "cgroup": f"v{place.cgroup_version()}",
        "os": _os_name(),
        "kernel": os.uname().release,
        "architecture": place.architecture(),
        "addresses": sorted(place.addresses()),
        "probed": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
