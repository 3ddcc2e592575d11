# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs inside a cluster that is to join: network policies, webhooks, policy engines, ranges, names. Pure.

Private to the collection. :mod:`checks` calls :func:`evaluate`.
"""

from __future__ import annotations

import ipaddress
import typing as t

from .checks_model import Check, Expected, Observation, finding

#: DaemonSet -> the network that it is, and whether it enforces NetworkPolicies.
NETWORKS: dict[str, tuple[str, bool]] = {
    "calico-node": ("Calico", True),
    "canal": ("Canal", True),
    "rke2-canal": ("Canal", True),
    "cilium": ("Cilium", True),
    "anetd": ("GKE Dataplane V2", True),
    "antrea-agent": ("Antrea", True),
    "azure-npm": ("Azure Network Policy Manager", True),
    "kube-ovn-cni": ("Kube-OVN", True),
    "kube-router": ("kube-router", True),
    "ovnkube-node": ("OVN-Kubernetes", True),
    "weave-net": ("Weave Net", True),
    "kube-flannel": ("Flannel", False),
    "kube-flannel-ds": ("Flannel", False),
}
#: API group -> the engine that judges objects by it.
ENGINES = {
    "templates.gatekeeper.sh": "Gatekeeper",
    "kyverno.io": "Kyverno",
    "policies.kubewarden.io": "Kubewarden",
    "mutations.gatekeeper.sh": "Gatekeeper",
    "constraints.gatekeeper.sh": "Gatekeeper",
    "secpol.kubearmor.com": "KubeArmor",
}
#: Architectures of images that the platform itself would run.
ARCHITECTURES = ("amd64", "arm64")
#: Whoever judges one of these may keep the platform, or the cluster's own repair, from working.
_CORE = {"*", "pods", "namespaces", "rolebindings", "networkpolicies", "nodes"}


def evaluate(seen: Observation, expected: Expected) -> list[Check]:
    """These checks, in the order of the table."""
    return [
        _architectures(seen),
        _network_policies(seen),
        _webhooks(seen),
        _engines(seen),
        _collisions(seen, expected),
        _ranges(seen, expected),
    ]


def _architectures(seen: Observation) -> Check:
    needed = f"nodes of {' or '.join(ARCHITECTURES)}"
    if seen.nodes is None:
        return finding("architectures", False, seen.why("nodes"), needed, "Look at them by hand", severity="info")
    found = sorted({str(_info(node).get("architecture") or "unknown") for node in seen.nodes})
    return finding(
        "architectures",
        set(found) <= set(ARCHITECTURES),
        ", ".join(found) or "no nodes",
        needed,
        "Workloads for these nodes need images of their architecture",
        severity="info",
    )


def _info(node: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
    return t.cast("t.Mapping[str, t.Any]", (node.get("status") or {}).get("nodeInfo") or {})


def _network_policies(seen: Observation) -> Check:
    needed = "a network that enforces NetworkPolicies"
    remedy = "Without it tenants are not isolated on the network: let a pod try what a policy forbids"
    if seen.daemon_sets is None:
        return finding("network_policies", False, seen.why("daemon_sets"), needed, remedy)
    known = [NETWORKS[name] for name in seen.daemon_sets if name in NETWORKS]
    if "aws-node" in seen.daemon_sets and not known:
        agent = "aws-eks-nodeagent" in seen.daemon_containers
        known = [("Amazon VPC CNI" + (" with its policy agent" if agent else ""), agent)]
    if not known and "+k3s" in (seen.git_version or ""):
        known = [("k3s' own controller", True)]
    enforcing = [name for name, enforces in known if enforces]
    text = ", ".join(enforcing or [f"{name}, which does not" for name, _enforces in known]) or "none that is known"
    return finding("network_policies", bool(enforcing), text, needed, remedy)


def _webhooks(seen: Observation) -> Check:
    needed = "no webhook that stops the cluster when its own service is down"
    remedy = "Exclude kube-system and lodestar-system by their namespaceSelector, or let them fail open"
    if seen.webhooks is None:
        return finding("fail_closed_webhooks", False, seen.why("webhooks"), needed, remedy)
    found = sorted(
        f"{config['metadata']['name']}/{hook.get('name')}"
        for config in seen.webhooks
        for hook in config.get("webhooks") or ()
        if _closes(hook)
    )
    shown = ", ".join(found[:6]) + (f" and {len(found) - 6} more" if len(found) > 6 else "")
    return finding("fail_closed_webhooks", not found, shown or "none", needed, remedy)


def _closes(hook: t.Mapping[str, t.Any]) -> bool:
    """True for a webhook that fails closed, for core kinds, in every namespace."""
    if hook.get("failurePolicy", "Fail") != "Fail" or hook.get("namespaceSelector") or hook.get("objectSelector"):
        return False
    resources = {item.partition("/")[0] for rule in hook.get("rules") or () for item in rule.get("resources") or ()}
    return bool(resources & _CORE)


def _engines(seen: Observation) -> Check:
    found = sorted({ENGINES[group] for group in seen.groups if group in ENGINES})
    return finding(
        "other_policy_engines",
        not found,
        ", ".join(found) or "none",
        "no other policy engine",
        "Make sure that their rules and the fleet's do not contradict each other",
    )


def _collisions(seen: Observation, expected: Expected) -> Check:
    needed = "no namespace of a tenant exists already"
    remedy = "Rename the tenant's namespace or this one, or take it over with tenancy_adopt: [Namespace]"
    if seen.foreign_namespaces is None:
        return finding("tenant_namespaces", False, seen.why("namespaces"), needed, remedy)
    found = sorted(set(expected.tenant_namespaces) & set(seen.foreign_namespaces))
    return finding("tenant_namespaces", not found, ", ".join(found) or "none", needed, remedy)


def _ranges(seen: Observation, expected: Expected) -> Check:
    needed = "ranges of pods and services that no other cluster of the fleet has"
    remedy = "Nothing, unless the networks of these clusters are joined"
    found = sorted(
        f"{own} and {other} of {cluster}"
        for own in seen.ranges
        for cluster, others in expected.ranges.items()
        if cluster != expected.cluster
        for other in others
        if _overlap(own, other)
    )
    text = "; ".join(found[:4]) or ", ".join(seen.ranges) or "not known"
    return finding("address_ranges", not found and bool(seen.ranges), text, needed, remedy, severity="info")


def _overlap(left: str, right: str) -> bool:
    try:
        one, other = ipaddress.ip_network(left, strict=False), ipaddress.ip_network(right, strict=False)
    except ValueError:
        return False
    return one.version == other.version and one.overlaps(other)
