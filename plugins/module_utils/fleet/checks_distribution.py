# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which distribution a cluster is, and how that shows. Pure. Private to the collection.

Evidence is what any identity may read that sees Nodes: the version, the API groups and the Nodes themselves.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

Object = t.Mapping[str, t.Any]

#: distribution -> (product, platform) as the OCM claims name them.
PRODUCTS = {
    "openshift": ("OpenShift", ""),
    "eks": ("EKS", "AWS"),
    "gke": ("GKE", "GCP"),
    "aks": ("AKS", "Azure"),
    "k3s": ("K3S", ""),
    "rke2": ("RKE2", ""),
    "kind": ("KinD", ""),
    "kubeadm": ("Other", ""),
    "unknown": ("Other", ""),
}
#: Scheme of a Node's providerID -> platform.
_PLATFORMS = {"aws": "AWS", "gce": "GCP", "azure": "Azure", "openstack": "OpenStack", "vsphere": "VSphere"}
_IN_VERSION = {"+k3s": "k3s", "+rke2": "rke2", "-eks-": "eks", "-gke.": "gke"}
_KUBEADM_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"
_KUBEADM_SOCKET = "kubeadm.alpha.kubernetes.io/cri-socket"


@dataclass(frozen=True)
class Distribution:
    """What a cluster is.

    :param name: C(kubeadm), C(k3s), C(rke2), C(eks), C(gke), C(aks), C(openshift), C(kind) or C(unknown).
    :param evidence: how it was recognised, for people.
    :param product: as OCM's claim C(product.open-cluster-management.io) says it.
    :param platform: as OCM's claim C(platform.open-cluster-management.io) says it.
    """

    name: str
    evidence: str
    product: str
    platform: str


def recognise(git_version: str, groups: t.Collection[str], nodes: t.Sequence[Object]) -> Distribution:
    """The distribution of a cluster.

    :param git_version: C(gitVersion) of C(/version).
    :param groups: names of the API groups that are served.
    """
    name, evidence = _find(git_version, groups, nodes)
    product, platform = PRODUCTS[name]
    return Distribution(name, evidence, product, platform or _platform(nodes))


def _find(git_version: str, groups: t.Collection[str], nodes: t.Sequence[Object]) -> tuple[str, str]:
    if "config.openshift.io" in groups:
        return "openshift", "the API group config.openshift.io is served"
    for part, name in _IN_VERSION.items():
        if part in git_version:
            return name, f"its version is {git_version}"
    if _any(nodes, lambda node: "kubernetes.azure.com/cluster" in _labels(node)):
        return "aks", "a node has the label kubernetes.azure.com/cluster"
    if _any(nodes, lambda node: _provider(node) == "kind"):
        return "kind", "a node's providerID begins with kind://"
    if _any(nodes, lambda node: _KUBEADM_SOCKET in ((node.get("metadata") or {}).get("annotations") or {})):
        return "kubeadm", f"a node has the annotation {_KUBEADM_SOCKET}"
    if _any(nodes, lambda node: _KUBEADM_LABEL in _labels(node)):
        return "kubeadm", f"a control plane node has the label {_KUBEADM_LABEL}"
    return "unknown", f"nothing known in version {git_version}, {len(groups)} API groups and {len(nodes)} nodes"


def _any(nodes: t.Sequence[Object], test: t.Callable[[Object], bool]) -> bool:
    return any(test(node) for node in nodes)


def _labels(node: Object) -> t.Mapping[str, str]:
    return (node.get("metadata") or {}).get("labels") or {}


def _provider(node: Object) -> str:
    return str((node.get("spec") or {}).get("providerID") or "").partition("://")[0]


def _platform(nodes: t.Sequence[Object]) -> str:
    found = {_PLATFORMS.get(_provider(node), "") for node in nodes} - {""}
    return found.pop() if len(found) == 1 else "Other"
