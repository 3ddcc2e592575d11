# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of how the cluster is configured, as far as a site run could not change it without harm. Pure.

What a site run can change is no check: it is shown as a difference. Private to the collection.
"""

from __future__ import annotations

import typing as t

from .. import arguments, kubeadm, lasting, paths
from ..paths import CONTAINERD_SOCKET
from .model import ERROR, WARNING, Case, Check, Verdict

_SOCKETS = (CONTAINERD_SOCKET, CONTAINERD_SOCKET.replace("/run/", "/var/run/"))
_VERSIONED = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
_OUR_NETWORK = "10-lodestar.conflist"


def _version(case: Case) -> t.Iterator[Verdict]:
    declared = case.cluster["version"]
    remedy = "Declare the version that all run; one that is between two versions finishes its upgrade first"
    for name in case.machines:
        node = case.node_of(name)
        if node is not None:
            images = case.facts.get(name, {}).get("images") or {}
            seen = {"kubelet": node["version"]}
            seen |= {part: _tag(images.get(part)) for part in _VERSIONED if images}
            other = {part: version for part, version in seen.items() if version != declared}
            told = ", ".join(f"{part} {version}" for part, version in other.items()) or declared
            yield Verdict(name, not other, told, f"{declared}, as declared", remedy)


def _tag(image: str | None) -> str:
    name = str(image or "").rsplit("@", 1)[0]
    return name.rsplit(":", 1)[-1].removeprefix("v") if ":" in name else "unknown"


def _of_lasting(key: str, declared_as: str) -> t.Callable[[Case], t.Iterator[Verdict]]:
    """The check that what a cluster keeps for life is declared as it is."""

    def examine(case: Case) -> t.Iterator[Verdict]:
        for name, seen in case.control_planes.items():
            value = seen["lasting"].get(key)
            problems = lasting.problems(case.cluster, name, {key: value}) if value else ["unknown"]
            needed = f"{lasting.declared(case.cluster)[key]}, as declared"
            remedy = f"Declare {declared_as} as the cluster has it: it keeps that for life"
            yield Verdict(name, not problems, value or "unknown", needed, remedy)

    return examine


def _domain(case: Case) -> t.Iterator[Verdict]:
    wanted = case.cluster["network"]["dns_domain"]
    remedy = "Declare cluster_network.dns_domain as the cluster has it: it keeps that for life"
    for name, seen in case.answering.items():
        configured = (seen["configuration"] or {}).get("dnsDomain")
        yield Verdict(name, configured == wanted, configured or "unknown", f"{wanted}, as declared", remedy)


def _issuer(case: Case) -> t.Iterator[Verdict]:
    for name, seen in case.control_planes.items():
        machine = case.machines[name]
        wanted = arguments.wanted("kube-apiserver", case.cluster, machine, _images(case))["service-account-issuer"][-1]
        running = seen["arguments"]["kube-apiserver"].get("service-account-issuer", "unknown")
        remedy = (
            f"Declare api_server_args: {{service-account-issuer: {running}}}: all tokens of pods would end otherwise"
        )
        yield Verdict(name, running == wanted, running, f"{wanted}, as declared", remedy)


def _images(case: Case) -> dict[str, str]:
    """References for what is computed from the declaration; no argument that is judged depends on them."""
    return {name: f"any/{name}:v{case.cluster['version']}" for name in ("kube-apiserver", "etcd", "coredns")}


def _endpoint_provider(case: Case) -> t.Iterator[Verdict]:
    if case.cluster["endpoint"]["provider"] != "kube_vip":
        return
    for name, seen in case.control_planes.items():
        there = "kube-vip" in seen["static_pods"]
        remedy = "Declare endpoint.provider: external; two that carry one address would fight for it"
        told = "kube-vip runs there" if there else "no kube-vip among its static pods"
        yield Verdict(name, there, told, "kube-vip as a static pod kube-vip, as declared", remedy)


def _runtime(case: Case) -> t.Iterator[Verdict]:
    for name, seen in case.facts.items():
        node = case.node_of(name)
        kubelet = seen["kubelet"]
        socket = kubelet["arguments"].get("container-runtime-endpoint") or kubelet.get("containerRuntimeEndpoint")
        runtime = node["runtime"] if node is not None else "unknown"
        passed = runtime.startswith("containerd://") and (not socket or socket in _SOCKETS)
        needed = f"containerd at {CONTAINERD_SOCKET}"
        remedy = "Leave the cluster attached, or move its nodes to containerd first"
        yield Verdict(name, passed, f"{runtime} at {socket or 'the default place'}", needed, remedy)


def _cgroup_driver(case: Case) -> t.Iterator[Verdict]:
    wanted = str(kubeadm.kubelet_configuration(case.cluster)["cgroupDriver"])
    for name, seen in case.facts.items():
        running = str(seen["kubelet"].get("cgroupDriver") or "unknown")
        remedy = f"Declare kubelet_config: {{cgroupDriver: {running}}}: it cannot be changed under pods that run"
        yield Verdict(name, running == wanted, running, f"{wanted}, as declared", remedy)


def _paths(case: Case) -> t.Iterator[Verdict]:
    for name, seen in case.facts.items():
        found = [f"{what} {there}" for what, there, usual in _places(seen) if (there or usual) != usual]
        found += [] if seen["containerd"]["readable"] else ["a configuration of containerd that cannot be read"]
        found += [] if seen["kubelet"]["readable"] else [f"{paths.KUBELET_CONFIG} cannot be read"]
        needed = "etcd, certificates, kubelet and containerd where kubeadm and containerd put them by default"
        remedy = "Leave the cluster attached: a site run would look for its data elsewhere"
        yield Verdict(name, not found, ", ".join(found) or "the default places", needed, remedy)


def _places(seen: t.Mapping[str, t.Any]) -> list[tuple[str, str, str]]:
    """What is where, and where it usually is."""
    kubelet, containerd, given = seen["kubelet"], seen["containerd"], seen.get("arguments") or {}
    api = given.get("kube-apiserver") or {}
    return [
        ("static pods in", str(kubelet.get("staticPodPath") or ""), paths.MANIFESTS),
        ("the kubelet's data in", kubelet["arguments"].get("root-dir", "").rstrip("/"), "/var/lib/kubelet"),
        ("containerd's data in", containerd["root"].rstrip("/"), "/var/lib/containerd"),
        ("containerd's state in", containerd["state"].rstrip("/"), "/run/containerd"),
        ("etcd's data in", (given.get("etcd") or {}).get("data-dir", ""), paths.ETCD_DATA),
        ("certificates in", str((seen.get("configuration") or {}).get("certificatesDir") or ""), paths.PKI),
        ("the CA in", api.get("client-ca-file", ""), paths.CA),
        ("the certificate in", api.get("tls-cert-file", ""), f"{paths.PKI}/apiserver.crt"),
        ("the service account key in", api.get("service-account-signing-key-file", ""), f"{paths.PKI}/sa.key"),
    ]


def _encryption(case: Case) -> t.Iterator[Verdict]:
    first: t.Mapping[str, t.Any] = next((seen["encryption"] for seen in case.control_planes.values()), {})
    needed = "no encryption, or the same file with keys in it on every control plane"
    remedy = "Bring the file there; a cluster whose keys an external service holds stays attached"
    for name, seen in case.control_planes.items():
        found = seen["encryption"]
        told = f"encrypted by {found['path']}" if found["path"] else "Secrets are not encrypted"
        if found["path"] and not found["digest"]:
            told = f"{found['path']} cannot be read"
        elif found["kms"]:
            told = f"{found['path']} takes keys from an external service"
        elif found["digest"] != first["digest"]:
            told = f"{found['path'] or 'no file'}, which differs from the first control plane's"
        passed = told in (f"encrypted by {found['path']}", "Secrets are not encrypted")
        yield Verdict(name, passed, told, needed, remedy)


def _unencrypted(case: Case) -> t.Iterator[Verdict]:
    for name, seen in case.control_planes.items():
        passed = bool(seen["encryption"]["path"])
        told = "encrypted" if passed else "Secrets are not encrypted"
        remedy = (
            "Turn it on by hand after the first site run, as docs/fleet.md says: no run does it in a living cluster"
        )
        yield Verdict(name, passed, told, "Secrets encrypted at rest, as in created clusters", remedy)


def _taint(case: Case) -> t.Iterator[Verdict]:
    for name in case.cluster["control_plane"]:
        node = case.node_of(name)
        if node is not None:
            wanted = not case.cluster["colocated"]
            passed = bool(node["tainted"]) == wanted
            remedy = "Set cluster_colocated as the cluster is, or a site run changes where new pods go"
            told, needed = (
                "the taint of control planes" if there else "no taint" for there in (node["tainted"], wanted)
            )
            yield Verdict(name, passed, told, f"{needed}, as declared by cluster_colocated", remedy)


def _network(case: Case) -> t.Iterator[Verdict]:
    if "kube-router" not in case.addons:
        return
    for name, seen in case.facts.items():
        found = seen["network"]
        remedy = "Set addons_names: [metrics-server] on the cluster, which leaves its network alone: two would fight"
        yield Verdict(name, found in ("", _OUR_NETWORK), found or "none", f"no network but {_OUR_NETWORK}", remedy)


def _addons(case: Case) -> t.Iterator[Verdict]:
    for seen in list(case.answering.values())[:1]:
        others = [name for name, whose in seen["addons"].items() if whose == "others" and name in case.addons]
        kept = [name for name in case.addons if name not in others]
        needed = "no add-on that somebody else has brought among those that a site run brings"
        remedy = f"Set addons_names: [{', '.join(kept)}] on the cluster, or remove what is there"
        yield Verdict(case.name, not others, ", ".join(others) or "none", needed, remedy)


CHECKS = (
    Check("version", ERROR, "All run the declared version", _version),
    Check("endpoint", ERROR, "The endpoint is as declared", _of_lasting("endpoint", "endpoint")),
    Check("pod-range", ERROR, "The range of pods is as declared", _of_lasting("pod_cidr", "cluster_network.pod_cidr")),
    Check(
        "service-range",
        ERROR,
        "The range of Services is as declared",
        _of_lasting("service_cidr", "cluster_network.service_cidr"),
    ),
    Check("dns-domain", ERROR, "The DNS domain is as declared", _domain),
    Check("issuer", ERROR, "The issuer of service account tokens is as declared", _issuer),
    Check("endpoint-provider", ERROR, "What carries the endpoint is as declared", _endpoint_provider),
    Check("runtime", ERROR, "containerd runs the pods, at its usual socket", _runtime),
    Check("cgroup-driver", ERROR, "The kubelets' cgroup driver is as declared", _cgroup_driver),
    Check("paths", ERROR, "Data and certificates are in the usual places", _paths),
    Check("encryption", ERROR, "What Secrets are encrypted with can be taken over", _encryption),
    Check("encrypted", WARNING, "Secrets are encrypted at rest", _unencrypted),
    Check("taint", WARNING, "Control planes take workloads or not, as declared", _taint),
    Check("network", ERROR, "No other network than the one that a site run brings", _network),
    Check("addons", ERROR, "No other's add-ons where a site run brings its own", _addons),
)
