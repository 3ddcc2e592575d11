# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments of a control plane's static pods: what they are, and what they should be. Pure.

What should be is what kubeadm gives a component by itself, with the arguments of its configuration over it. Private to
the collection.
"""

from __future__ import annotations

import difflib
import json
import re
import typing as t

from ..errors import Problem
from . import kubeadm, paths

Arguments = dict[str, list[str]]

#: kubeadm adds the modes that it needs, in an order of its own.
_SETS = {"authorization-mode"}
#: They matter when a member begins, and kubeadm writes them by how it began.
_OF_ITS_BEGINNING = {"initial-cluster", "initial-cluster-state"}
_ITEM = re.compile(r"^\s*- (?P<quote>[\"']?)(?P<text>--[a-z0-9-]+(?:=.*)?)$", re.MULTILINE)
_IMAGE = re.compile(r"^\s*image: [\"']?(?P<reference>[^\s\"']+)", re.MULTILINE)
_FLAG = re.compile(r"^\s+(?:-\w, )?--(?P<name>[a-z0-9-]+)", re.MULTILINE)
_MANAGER_CONF, _SCHEDULER_CONF = (f"{paths.KUBERNETES}/{name}.conf" for name in ("controller-manager", "scheduler"))


def parsed(manifest: str) -> Arguments:
    """The arguments in the manifest of a static pod as kubeadm writes it: values by name, in order."""
    return of_command([_unquoted(found["quote"], found["text"].rstrip()) for found in _ITEM.finditer(manifest)])


def of_command(words: t.Iterable[str]) -> Arguments:
    """The arguments of a command line: values by name, in order."""
    answer: Arguments = {}
    for word in words:
        name, _equals, value = word.partition("=")
        if name.startswith("--"):
            answer.setdefault(name.removeprefix("--"), []).append(value)
    return answer


def _unquoted(quote: str, text: str) -> str:
    if quote == "'":
        return text.removesuffix("'").replace("''", "'")
    return str(json.loads(f'"{text}')) if quote else text


def image_of(manifest: str) -> str | None:
    """The image in the manifest of a static pod with one container."""
    found = _IMAGE.search(manifest)
    return found["reference"] if found else None


def wanted(
    component: str, cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any], images: t.Mapping[str, str]
) -> Arguments:
    """The arguments that a component should run with.

    :param component: one of :data:`paths.STATIC_PODS`.
    """
    configuration = kubeadm.cluster_configuration(cluster, images)
    own = {
        "etcd": (_etcd(machine), configuration["etcd"]["local"]),
        "kube-apiserver": (_api_server(cluster, machine), configuration["apiServer"]),
        "kube-controller-manager": (_controller_manager(cluster), configuration["controllerManager"]),
        "kube-scheduler": (_scheduler(), configuration["scheduler"]),
    }
    kubeadms, section = own[component]
    answer: Arguments = {name: [value] for name, value in kubeadms.items()}
    given: Arguments = {}
    for item in section.get("extraArgs") or ():
        given.setdefault(item["name"], []).append(item["value"])
    if "authorization-config" in given:
        # The API server takes one or the other, and kubeadm heeds it.
        del answer["authorization-mode"]
    return {**answer, **given}


def difference(wanted: t.Mapping[str, list[str]], running: t.Mapping[str, list[str]]) -> tuple[Arguments, Arguments]:
    """The arguments that are not as wanted: what they are, and what they should be. What is not set is left out."""
    names = [
        name
        for name in sorted({*wanted, *running} - _OF_ITS_BEGINNING)
        if not _same(name, wanted.get(name), running.get(name))
    ]
    return (
        {name: list(running[name]) for name in names if name in running},
        {name: list(wanted[name]) for name in names if name in wanted},
    )


def _same(name: str, wanted: list[str] | None, running: list[str] | None) -> bool:
    if name in _SETS and running and wanted:
        return {part for value in wanted for part in value.split(",")} <= set(running[-1].split(","))
    return wanted == running


def unknown(names: t.Iterable[str], help_text: str) -> dict[str, str | None]:
    """The names that a program's help does not list, each with the flag that it resembles most, if any does.

    A help text without flags says nothing.
    """
    known = sorted(set(_FLAG.findall(help_text)))
    if not known:
        return {}
    return {
        name: next(iter(difflib.get_close_matches(name, known, 1, 0.6)), None)
        for name in sorted(names)
        if name not in known
    }


def problems(cluster: t.Mapping[str, t.Any], unknown: t.Iterable[t.Mapping[str, str | None]]) -> list[Problem]:
    """A problem for each declared argument that the API server of the declared version does not know.

    :param unknown: as :func:`unknown` has it, of each machine.
    """
    return [
        Problem(
            f"{cluster['name']}: api_server_args.{name}",
            cluster["api_server_args"][name],
            f"kube-apiserver {cluster['version']} has no such argument",
            f"Did you mean {close}" if close else "Remove it, or see its --help",
        )
        for name, close in {name: close for found in unknown for name, close in found.items()}.items()
    ]


def _front_proxy() -> dict[str, str]:
    return {
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-client-ca-file": f"{paths.PKI}/front-proxy-ca.crt",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-username-headers": "X-Remote-User",
    }


def _local(address: str) -> str:
    return "[::1]" if ":" in address else "127.0.0.1"


def _url(address: str, port: int) -> str:
    return f"https://[{address}]:{port}" if ":" in address else f"https://{address}:{port}"


def _api_server(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any]) -> dict[str, str]:
    network, pki = cluster["network"], paths.PKI
    return {
        **_front_proxy(),
        "advertise-address": machine["node_ip"],
        "allow-privileged": "true",
        "authorization-mode": "Node,RBAC",
        "client-ca-file": paths.CA,
        "enable-admission-plugins": "NodeRestriction",
        "enable-bootstrap-token-auth": "true",
        "etcd-cafile": f"{pki}/etcd/ca.crt",
        "etcd-certfile": f"{pki}/apiserver-etcd-client.crt",
        "etcd-keyfile": f"{pki}/apiserver-etcd-client.key",
        "etcd-servers": f"https://{_local(machine['node_ip'])}:2379",
        "kubelet-client-certificate": f"{pki}/apiserver-kubelet-client.crt",
        "kubelet-client-key": f"{pki}/apiserver-kubelet-client.key",
        "kubelet-preferred-address-types": "InternalIP,ExternalIP,Hostname",
        "proxy-client-cert-file": f"{pki}/front-proxy-client.crt",
        "proxy-client-key-file": f"{pki}/front-proxy-client.key",
        "secure-port": str(kubeadm.bind_port(cluster)),
        "service-account-issuer": f"https://kubernetes.default.svc.{network['dns_domain']}",
        "service-account-key-file": f"{pki}/sa.pub",
        "service-account-signing-key-file": f"{pki}/sa.key",
        "service-cluster-ip-range": network["service_cidr"],
        "tls-cert-file": f"{pki}/apiserver.crt",
        "tls-private-key-file": f"{pki}/apiserver.key",
    }


def _controller_manager(cluster: t.Mapping[str, t.Any]) -> dict[str, str]:
    network = cluster["network"]
    return {
        "allocate-node-cidrs": "true",
        "authentication-kubeconfig": _MANAGER_CONF,
        "authorization-kubeconfig": _MANAGER_CONF,
        "bind-address": "127.0.0.1",
        "client-ca-file": paths.CA,
        "cluster-cidr": network["pod_cidr"],
        "cluster-name": cluster["name"],
        "cluster-signing-cert-file": paths.CA,
        "cluster-signing-key-file": f"{paths.PKI}/ca.key",
        "controllers": "*,bootstrapsigner,tokencleaner",
        "kubeconfig": _MANAGER_CONF,
        "leader-elect": "true",
        "requestheader-client-ca-file": f"{paths.PKI}/front-proxy-ca.crt",
        "root-ca-file": paths.CA,
        "service-account-private-key-file": f"{paths.PKI}/sa.key",
        "service-cluster-ip-range": network["service_cidr"],
        "use-service-account-credentials": "true",
    }


def _scheduler() -> dict[str, str]:
    return {
        "authentication-kubeconfig": _SCHEDULER_CONF,
        "authorization-kubeconfig": _SCHEDULER_CONF,
        "bind-address": "127.0.0.1",
        "kubeconfig": _SCHEDULER_CONF,
        "leader-elect": "true",
    }


def _etcd(machine: t.Mapping[str, t.Any]) -> dict[str, str]:
    address, pki = machine["node_ip"], f"{paths.PKI}/etcd"
    local = _local(address)
    return {
        "advertise-client-urls": _url(address, 2379),
        "cert-file": f"{pki}/server.crt",
        "client-cert-auth": "true",
        "data-dir": paths.ETCD_DATA,
        "feature-gates": "InitialCorruptCheck=true",
        "initial-advertise-peer-urls": _url(address, 2380),
        "key-file": f"{pki}/server.key",
        "listen-client-urls": f"https://{local}:2379,{_url(address, 2379)}",
        "listen-metrics-urls": f"http://{local}:2381",
        "listen-peer-urls": _url(address, 2380),
        "name": machine["node_name"],
        "peer-cert-file": f"{pki}/peer.crt",
        "peer-client-cert-auth": "true",
        "peer-key-file": f"{pki}/peer.key",
        "peer-trusted-ca-file": f"{pki}/ca.crt",
        "snapshot-count": "10000",
        "trusted-ca-file": f"{pki}/ca.crt",
        "watch-progress-notify-interval": "5s",
    }
