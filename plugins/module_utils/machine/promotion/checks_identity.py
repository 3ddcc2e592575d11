# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of whose cluster it is, and of what it consists. Pure. Private to the collection."""

from __future__ import annotations

import typing as t

from .. import paths
from ..recovery import ENCRYPTION, KEYS
from .model import ERROR, WARNING, Case, Check, Verdict

_NO_CLUSTER = "nothing of a cluster"


def _recorded(case: Case) -> t.Iterator[Verdict]:
    mode = case.record.get("mode")
    seen = f"recorded with mode {mode}" if mode else "no record"
    # A created cluster comes here only where a machine has lost the note that it is ours.
    passed = mode in ("attach", "create") and not case.record.get("detaching")
    if case.record.get("detaching"):
        seen = "it is being detached"
    remedy = (
        f"Attach it first: set cluster_mode: attach and its kubeconfig without machines, run lodestar.platform.attach"
        f" (one that is being detached: lodestar.platform.rekey -e rekey={case.name}), then promote it"
    )
    yield Verdict(case.name, passed, seen, "a cluster that this hub has attached", remedy)


def _reached(case: Case) -> t.Iterator[Verdict]:
    for name in case.machines:
        seen = "seen" if name in case.facts else case.troubles.get(name) or "it was not looked at"
        remedy = (
            "Correct how Ansible reaches it, and do not leave it out of the limit: all machines are judged together"
        )
        yield Verdict(name, name in case.facts, seen, "every machine of the cluster seen in this run", remedy)


def _identity(case: Case) -> t.Iterator[Verdict]:
    wanted = str(case.record.get("uid") or "")
    for name, seen in case.answering.items():
        uid = str(seen["uid"] or "unknown")
        remedy = "Correct the inventory: these machines are of another cluster than the one that was attached"
        yield Verdict(name, uid == wanted, f"kube-system UID {uid}", f"UID {wanted or 'unknown'}, as recorded", remedy)


def _mark(case: Case) -> t.Iterator[Verdict]:
    wanted = {"hub_uid": case.hub_uid, "cluster": case.name}
    for name, seen in case.answering.items():
        mark = seen["mark"]
        told = f"{mark['cluster']} of the hub {mark['hub_uid']}" if mark else "no mark in the namespace lodestar-system"
        remedy = f"Let the hub that manages it detach it, or renew its access with rekey: {case.name}"
        needed = f"{case.name} of the hub {case.hub_uid}"
        yield Verdict(name, mark == wanted, told, needed, remedy)


def _own_record(case: Case) -> t.Iterator[Verdict]:
    for name, seen in case.facts.items():
        recorded = seen["recorded"]
        remedy = "Correct the inventory, or reset the machine"
        passed = recorded in (None, case.name)
        yield Verdict(name, passed, f"recorded as a machine of {recorded or 'nobody'}", "no other cluster's", remedy)


def _member(case: Case) -> t.Iterator[Verdict]:
    for name, seen in case.facts.items():
        remedy = "Leave it out of the inventory until the cluster is promoted: a site run lets it join then"
        needed = "a machine that belongs to the cluster"
        yield Verdict(name, bool(seen["member"]), "a member" if seen["member"] else _NO_CLUSTER, needed, remedy)


def _authority(case: Case) -> t.Iterator[Verdict]:
    first = next((seen["ca_sha256"] for seen in case.answering.values()), None)
    for name, seen in case.facts.items():
        if first is not None and seen["member"]:
            told, needed = f"CA {str(seen['ca_sha256'])[:16]}", f"CA {str(first)[:16]}, the control planes' own"
            remedy = "Correct the inventory: the machine is of another cluster"
            yield Verdict(name, seen["ca_sha256"] == first, told, needed, remedy)


def _api(case: Case) -> t.Iterator[Verdict]:
    for name, seen in case.control_planes.items():
        told = "it answers" if name in case.answering else seen["unreadable"] or "it does not answer"
        remedy = (
            "Mend the control plane first; an API server that listens on another port than declared cannot be promoted"
        )
        port = case.cluster["endpoint"]["port"] if case.cluster["endpoint"]["provider"] == "kube_vip" else 6443
        needed = f"an API server that answers on port {port} of the machine"
        yield Verdict(name, name in case.answering, told, needed, remedy)


def _kubeadm(case: Case) -> t.Iterator[Verdict]:
    for name, seen in case.answering.items():
        missing = [f"the static pod {pod}" for pod in paths.STATIC_PODS if pod not in seen["static_pods"]]
        missing += [] if seen["configuration"] is not None else ["a readable ConfigMap kubeadm-config"]
        missing += [] if seen["founded"] else ["cluster-info, CoreDNS or kube-proxy, as kubeadm brings them"]
        needed = "a control plane that kubeadm has made, with kube-proxy and CoreDNS"
        remedy = "Leave the cluster attached: another kind of cluster cannot be taken over"
        yield Verdict(name, not missing, f"lacks {', '.join(missing)}" if missing else "all is there", needed, remedy)


def _etcd(case: Case) -> t.Iterator[Verdict]:
    names = sorted(case.machines[name]["node_name"] for name in case.cluster["control_plane"])
    for name, seen in case.answering.items():
        if "external" in ((seen["configuration"] or {}).get("etcd") or ()):
            told, passed = "an etcd outside of the cluster", False
        else:
            well = sorted(item["name"] for item in seen["members"] if item["healthy"] and not item["learner"])
            ill = sorted(item["name"] or item["id"] for item in seen["members"] if item["name"] not in well)
            told = f"voting: {', '.join(well) or 'none'}" + (f"; ill or learning: {', '.join(ill)}" if ill else "")
            passed = well == names and not ill
        needed = f"etcd on the control planes, with a healthy voting member on each: {', '.join(names)}"
        remedy = "Mend or remove the member; a cluster with external etcd stays attached"
        yield Verdict(name, passed, told, needed, remedy)


def _nodes(case: Case) -> t.Iterator[Verdict]:
    if not case.answering:
        return
    declared = {item["node_name"] for item in case.machines.values()}
    surplus, missing = sorted(set(case.nodes) - declared), sorted(declared - set(case.nodes))
    said = [f"not in the inventory: {', '.join(surplus)}"] if surplus else []
    said += [f"no Node of the cluster: {', '.join(missing)}"] if missing else []
    needed = "a machine of the inventory for every Node, and a Node for every machine"
    remedy = "Add machines for the Nodes (node_name says what it is called there), and take away what is no Node"
    yield Verdict(case.name, not said, "; ".join(said) or ", ".join(sorted(case.nodes)), needed, remedy)


def _role(case: Case) -> t.Iterator[Verdict]:
    for name, machine in case.machines.items():
        node = case.node_of(name)
        if node is not None:
            seen = "control_plane" if node["control_plane"] else "worker"
            remedy = f"Put it into the other group of {case.name}"
            yield Verdict(name, seen == machine["role"], f"a {seen}", f"a {machine['role']}, as declared", remedy)


def _address(case: Case) -> t.Iterator[Verdict]:
    for name, machine in case.machines.items():
        node = case.node_of(name)
        if node is not None:
            seen = ", ".join(node["addresses"]) or "no address"
            remedy = "Set node_ip of the machine to the address of its Node"
            yield Verdict(name, node["addresses"][:1] == [machine["node_ip"]], seen, machine["node_ip"], remedy)


def _ready(case: Case) -> t.Iterator[Verdict]:
    for name in case.machines:
        node = case.node_of(name)
        if node is not None:
            remedy = "Mend it before a site run reconfigures the cluster"
            yield Verdict(name, bool(node["ready"]), "Ready" if node["ready"] else "not Ready", "a Ready Node", remedy)


def _told(case: Case) -> t.Iterator[Verdict]:
    for name in case.facts:
        told = case.untold.get(name, "")
        needed = "to know what a site run would change there"
        yield Verdict(
            name, not told, told or "known", needed, "Do what it says: nobody promotes what they cannot foresee"
        )


def _keys(case: Case) -> t.Iterator[Verdict]:
    wanted = [name for name in KEYS if name != ENCRYPTION]
    first: t.Mapping[str, str] = next((seen["keys"] for seen in case.control_planes.values()), {})
    for name, seen in case.control_planes.items():
        missing = [key for key in wanted if key not in seen["keys"]]
        other = [key for key in wanted if key in seen["keys"] and key in first and seen["keys"][key] != first[key]]
        said = [f"lacks {', '.join(missing)}"] if missing else []
        said += [f"other ones than the first control plane's: {', '.join(other)}"] if other else []
        needed = f"the keys of the cluster in {paths.PKI}, the same on every control plane"
        remedy = "Bring the keys there (certificates signed by an authority elsewhere cannot be taken over)"
        yield Verdict(name, not said, "; ".join(said) or "all are there", needed, remedy)


CHECKS = (
    Check("recorded", ERROR, "The hub has recorded the cluster as attached", _recorded),
    Check("reached", ERROR, "Every machine was seen", _reached),
    Check("own-record", ERROR, "No machine is another cluster's by its own record", _own_record),
    Check("member", ERROR, "Every machine belongs to a cluster", _member),
    Check("api", ERROR, "The API server of every control plane answers", _api),
    Check("identity", ERROR, "The machines' cluster has the UID that was recorded", _identity),
    Check("mark", ERROR, "The cluster carries the mark of this hub", _mark),
    Check("authority", ERROR, "All machines trust the control planes' CA", _authority),
    Check("kubeadm", ERROR, "kubeadm has made the control planes", _kubeadm),
    Check("etcd", ERROR, "etcd is stacked, and every control plane has a healthy member", _etcd),
    Check("nodes", ERROR, "Machines of the inventory and Nodes are the same", _nodes),
    Check("node-role", ERROR, "Control planes and workers are declared as such", _role),
    Check("node-ip", ERROR, "Every machine has the address of its Node", _address),
    Check("node-ready", WARNING, "Every Node is Ready", _ready),
    Check("keys", ERROR, "Every control plane holds the same CAs and service account keys", _keys),
    Check("foreseen", ERROR, "What a site run would change is known, from the bundle and each machine", _told),
)
