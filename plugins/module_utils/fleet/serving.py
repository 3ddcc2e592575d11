# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Approves the serving certificates that kubelets ask for, where the inventory says that it is they who ask.

A kubelet with C(serverTLSBootstrap) has no serving certificate before, and asks again when most of its life is over.
Kubernetes approves none by itself, since only the inventory knows which address belongs to which node. Private to the
collection.
"""

from __future__ import annotations

import base64
import functools
import ipaddress
import time
import typing as t

from ..errors import PlatformError
from ..kube.client import Client
from ..kube.signing_request import parse
from ..plan import Step

Object = t.Mapping[str, t.Any]

API, KIND = "certificates.k8s.io/v1", "CertificateSigningRequest"
SIGNER = "kubernetes.io/kubelet-serving"
_GROUP, _USER = "system:nodes", "system:node:"
#: An RSA key is used for key encipherment, too.
_USAGES = ({"digital signature", "server auth"}, {"digital signature", "key encipherment", "server auth"})
#: Seconds that a kubelet which has joined may take to ask: it does so once it knows its own addresses.
_PATIENCE = 60.0


def objection(request: Object, nodes: t.Mapping[str, str]) -> str:
    """Why a request must not be approved, C("") when it may. Pure.

    :param request: a CertificateSigningRequest.
    :param nodes: the cluster's nodes by the inventory, address by name.
    """
    spec = request["spec"]
    user = str(spec.get("username"))
    name = user.removeprefix(_USER)
    if not user.startswith(_USER) or name not in nodes:
        return f"{user} is no machine of the inventory"
    if _GROUP not in (spec.get("groups") or ()):
        return f"{user} is not in {_GROUP}"
    if set(spec.get("usages") or ()) not in _USAGES:
        return f"its usages are {', '.join(spec.get('usages') or ['none'])}"
    try:
        asked = parse(base64.b64decode(spec.get("request") or ""))
    except ValueError as exc:
        return str(exc)
    if asked.common_names != (user,) or asked.organizations != (_GROUP,):
        return f"its subject is not {user} of {_GROUP}"
    if asked.others:
        return f"it asks for {', '.join(asked.others)}"
    if asked.dns_names != (name,) or asked.addresses != (str(ipaddress.ip_address(nodes[name])),):
        names = ", ".join((*asked.dns_names, *asked.addresses)) or "nothing"
        return f"it is for {names}, and the inventory has {name}, {nodes[name]}"
    return ""


def _decided(request: Object) -> bool:
    return bool((request.get("status") or {}).get("conditions"))


def _granted(request: Object, node: Object | None) -> bool:
    """Whether this was approved already, and for this very Node rather than an earlier machine of its name."""
    conditions = (request.get("status") or {}).get("conditions") or ()
    if node is None or not any(item.get("type") == "Approved" for item in conditions):
        return False
    return bool(request["metadata"]["creationTimestamp"] >= node["metadata"]["creationTimestamp"])


def _requests(client: Client) -> list[dict[str, t.Any]]:
    return [item for item in client.list(API, KIND) if item["spec"].get("signerName") == SIGNER]


def plan(
    client: Client, cluster: str, nodes: t.Mapping[str, str], joining: t.Collection[str]
) -> tuple[list[Step], list[str]]:
    """A step for each node that asks or will ask, and warnings about requests that are left alone.

    :param nodes: address by name of every node that the inventory gives the cluster.
    :param joining: those that join in this run, or are told to ask for the first time, so that they ask soon, or have
        just asked.
    """
    asking: set[str] = set()
    warnings: list[str] = []
    for request in _requests(client):
        if _decided(request):
            continue
        reason = objection(request, nodes)
        if reason:
            warnings.append(f"{cluster}: the {KIND} {request['metadata']['name']} is left alone: {reason}")
        else:
            asking.add(str(request["spec"]["username"]).removeprefix(_USER))
    steps = [
        Step(
            f"{API}/{KIND}/{name}",
            "update",
            cluster,
            f"approve the serving certificate of the kubelet on {name}",
            after={"signer": SIGNER, "names": [name, address]},
            perform=functools.partial(_approve, client, name, nodes),
        )
        for name, address in nodes.items()
        if name in asking or name in joining
    ]
    return steps, warnings


def _approve(client: Client, name: str, nodes: t.Mapping[str, str]) -> None:
    """Approves what the kubelet of a node asks for, and waits for its question if need be."""
    until = time.monotonic() + _PATIENCE
    while True:
        own = [item for item in _requests(client) if item["spec"].get("username") == _USER + name]
        good = [item for item in own if not objection(item, nodes)]
        waiting = [item for item in good if not _decided(item)]
        for request in waiting:
            client.apply(_approval(request), subresource="approval")
        node = client.get("v1", "Node", name) if good and not waiting else None
        if waiting or any(_granted(item, node) for item in good):
            return
        if time.monotonic() > until:
            reasons = "; ".join(filter(None, (objection(item, nodes) for item in own if not _decided(item))))
            raise PlatformError(
                f"the kubelet on {name} has asked for no serving certificate that may be approved within"
                f" {_PATIENCE:g} s" + (f": {reasons}" if reasons else "")
            )
        time.sleep(0.5)


def _approval(request: Object) -> dict[str, t.Any]:
    condition = {
        "type": "Approved",
        "status": "True",
        "reason": "MachineOfTheInventory",
        "message": "name, address and usages are those of the node in the inventory of lodestar.platform",
    }
    metadata = {"name": request["metadata"]["name"], "uid": request["metadata"]["uid"]}
    return {"apiVersion": API, "kind": KIND, "metadata": metadata, "status": {"conditions": [condition]}}
