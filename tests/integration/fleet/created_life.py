# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What site runs, upgrades and removals do to a created cluster through its API, without machines: nodes and pods are
objects here, and a test stands for kubelets.
"""

from __future__ import annotations

import base64
import ipaddress
import typing as t

from ansible_collections.lodestar.platform.plugins.module_utils.delivery import operate as delivery
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import addons, destroy_look, drain, removal
from ansible_collections.lodestar.platform.plugins.module_utils.kube.applyset import PART_OF, ApplySet
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ..harness.apiserver import ApiServer
from ..harness.people import steps
from .conftest import run
from .test_drain import pod, protect

Object = dict[str, t.Any]
Right = tuple[str, str, str]
ADDRESS = "192.0.2.7"
NETWORK = {"pod_cidr": "10.244.0.0/16", "service_cidr": "10.96.0.0/16"}


def live_as_created(api: ApiServer, made: Object, prefix: str, hub_access: Object) -> set[Right]:
    """The add-ons come, change and go; a kubelet gets its certificate; a node is drained and given back.

    :returns: what the roles of the add-ons give.
    """
    access = {key: made[key] for key in ("server", "ca_data", "token")}
    with Client(api.admin) as admin:
        _node(admin, prefix)
        _ask_for_certificate(api, prefix)
        given: Object = {
            "cluster": prefix,
            "access": access,
            "endpoint_host": "192.0.2.1",
            "network": NETWORK,
            "kubelets": {prefix: ADDRESS},
            "marks": {prefix: {"labels": {"zone": "a"}, "taints": [], "dedicated": False}},
            "wait_timeout": 1,
            "wait": False,
        }
        assert len(steps(run(addons.OPERATION, **given))) > 5
        assert steps(run(addons.OPERATION, **given)) == []
        assert len(_delivered(prefix, hub_access)["plan"]) > 10
        assert _delivered(prefix, hub_access)["plan"] == []
        found = granted(admin)
        assert run(addons.OPERATION, **{**given, "wait": True})["failed"]
        changed = {
            **given,
            "network": {**NETWORK, "service_cidr": "10.96.0.0/17"},
        }
        assert steps(run(addons.OPERATION, **changed))
        assert _delivered(prefix, hub_access, replicas=3)["plan"]
        cluster = {"name": prefix, "mode": "create", "role": "workload"}
        run(removal.OPERATION, cluster=cluster, machines={}, names=[prefix], unreachable=[prefix], access=access)
        protect(admin, prefix, allowed=1)
        _drain(access, prefix)
        with Client(Connection(access["server"], ca_data=access["ca_data"], token=access["token"])) as client:
            assert destroy_look.look(client).volumes == []
        assert len(steps(run(addons.OPERATION, **{**given, "addons": []}))) > 4
        assert len(_delivered(prefix, hub_access, state="absent")["plan"]) > 10
        admin.delete("v1", "Node", prefix)
        admin.delete("v1", "Namespace", prefix)
    return found


def _delivered(prefix: str, hub_access: Object, **changes: t.Any) -> Object:
    """The delivered add-ons are held to what is declared."""
    item = {"name": "metrics-server", "wait": False, **changes}
    cluster = {"name": prefix, "mode": "create", "role": "workload", "labels": {}, "access": {"tier": "lifecycle"}}
    given = {"deliveries": [], "clusters": {prefix: cluster}, "hub_access": hub_access}
    done = run(delivery.OPERATION, addons=[item], **given)
    assert not done.get("failed"), done["msg"]
    assert done["problems"] == []
    return done


def _drain(access: Object, node: str) -> None:
    """One pod may go, and the other is protected: the drain stops at its deadline, and the node is given back."""
    done = run(drain.OPERATION, cluster="east", node=node, timeout=3, grace_period=0, access=access)
    assert "was uncordoned" in done["msg"]
    assert len(done["remaining"]) == 1


def _node(admin: Client, name: str) -> None:
    """A node with pods; their controllers are there, or the collector of garbage would take them away."""
    admin.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
    admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": "x", "namespace": name}
    for kind, names in (("ReplicaSet", ("web-1", "web-2")), ("DaemonSet", ("agent",))):
        owner = admin.create({"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec})
        for own in names:
            made = pod(name, own, kind)
            made["metadata"]["ownerReferences"][0]["uid"] = owner["metadata"]["uid"]
            admin.create(made)


def _ask_for_certificate(api: ApiServer, node: str) -> None:
    """What a kubelet with serverTLSBootstrap does when it starts."""
    user = f"system:node:{node}"
    names = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:nodes"),
        x509.NameAttribute(NameOID.COMMON_NAME, user),
    ]
    alternatives = [x509.DNSName(node), x509.IPAddress(ipaddress.ip_address(ADDRESS))]
    asked = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name(names))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    pair = api.authority.client(user, "system:nodes")
    kubelet = Connection(api.url, ca_data=api.runner.ca_data, client_certificate=pair.certificate, client_key=pair.key)
    spec = {
        "request": base64.b64encode(asked).decode(),
        "signerName": "kubernetes.io/kubelet-serving",
        "usages": ["digital signature", "server auth"],
    }
    metadata = {"name": f"csr-{node}"}
    with Client(kubelet) as client:
        client.create(
            {
                "apiVersion": "certificates.k8s.io/v1",
                "kind": "CertificateSigningRequest",
                "metadata": metadata,
                "spec": spec,
            }
        )


def granted(admin: Client) -> set[Right]:
    """What the roles of the add-ons give, as the server has them: only who holds all of it may write and bind these.

    Kubernetes checks that while it serves the write (its escalation check), so that no audit log shows it.
    """
    rbac = "rbac.authorization.k8s.io/v1"
    sets = [ApplySet(name).id for name in (addons.SET, "delivery-addon-metrics-server")]
    selector = f"{PART_OF} in ({','.join(sets)})"
    roles = admin.list(rbac, "ClusterRole", label_selector=selector)
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        for binding in admin.list(rbac, kind, label_selector=selector):
            named, namespace = binding["roleRef"], binding["metadata"].get("namespace")
            role = admin.get(rbac, named["kind"], named["name"], namespace if named["kind"] == "Role" else None)
            assert role is not None
            roles.append(role)
    return {
        (verb, group, resource)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
