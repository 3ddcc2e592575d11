# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet as data: what the inventory declares, with every default filled in. Pure. Private to the collection."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass, field

MODES = ("create", "attach")
ROLES = ("global", "workload")
PROVIDERS = ("kube_vip", "external")
TIERS = ("observe", "tenant", "lifecycle")
TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


@dataclass(frozen=True)
class Endpoint:
    """Where a cluster's API is reached, from its first minute on.

    :param address: an IP address, or with the provider C(external) also a DNS name.
    :param interface: network interface that carries the address with C(kube_vip); ``None`` is the one of C(node_ip).
    """

    address: str
    port: int = 6443
    provider: str = "kube_vip"
    interface: str | None = None


@dataclass(frozen=True)
class Network:
    """Ranges that exist only inside of the cluster, and its DNS domain."""

    pod_cidr: str = "10.244.0.0/16"
    service_cidr: str = "10.96.0.0/12"
    dns_domain: str = "cluster.local"


@dataclass(frozen=True)
class Access:
    """What the platform may do in the cluster, and for how many seconds a token of it is good.

    :param grants: rights beyond the tier's, for what tenants get: C(cluster_roles) that our identity may bind, and
        C(resources), C(plural) or C(plural.group), that it may manage.
    """

    tier: str
    token_lifetime: int = 86400
    grants: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Machine:
    """A host of C(<prefix>_control_plane) or C(<prefix>_workers).

    :param name: the inventory name.
    :param role: C(control_plane) or C(worker).
    :param rank: position in its group, from 0. Control planes act in this order.
    :param node_ip: its address in the cluster's network.
    :param preflight_skip: ids of checks that are not made of it, those of its cluster included.
    :param replaces: node name of a control plane, no longer in the inventory, whose place this one takes.
    """

    name: str
    cluster: str
    role: str
    rank: int
    node_name: str
    node_ip: str
    labels: dict[str, str] = field(default_factory=dict)
    taints: list[dict[str, str]] = field(default_factory=list)
    preflight_skip: list[str] = field(default_factory=list)
    replaces: str | None = None


@dataclass(frozen=True)
class Cluster:
    """A host of the group C(clusters).

    :param version: full Kubernetes version, ``None`` for an attached cluster that pins none.
    :param endpoint: ``None`` for an attached cluster, whose kubeconfig says it.
    :param credential_given: whether the inventory has a credential for it, which itself is never part of the fleet.
    :param api_server_cert_sans: names and addresses that the API server's certificate holds besides its own.
    :param registry_mirrors: registry to its mirrors, each with C(url), C(ca_file) and C(override_path).
    :param proxy: C(http), C(https), C(no_proxy); empty when no proxy is declared.
    :param authentication: who signs people on, in the shape of an AuthenticationConfiguration; empty for nobody.
    :param control_plane: inventory names in rank order.
    :param creation_problems: why the cluster must not be created, while one that exists is only warned about;
        each is a mapping of the fields of :class:`Problem`.
    :param tenants: names of the tenants that are for this cluster; C(policies) and C(fleet_roles) likewise.
    :param cost: what it costs, in the unit of the operator's choice, for placements that choose by it.
    :param tenant_settings: what its tenants depend on, as declared; read by C(tenancy.settings).
    """

    name: str
    prefix: str
    mode: str
    role: str
    version: str | None
    endpoint: Endpoint | None
    labels: dict[str, str]
    network: Network
    colocated: bool
    access: Access
    recovery_file: str | None
    credential_given: bool
    api_server_args: dict[str, t.Any]
    kubelet_config: dict[str, t.Any]
    kube_proxy_config: dict[str, t.Any]
    containerd_config: dict[str, t.Any]
    kubeadm_ignore_preflight_errors: list[str]
    api_server_cert_sans: list[str] = field(default_factory=list)
    registry_mirrors: dict[str, list[dict[str, t.Any]]] = field(default_factory=dict)
    proxy: dict[str, t.Any] = field(default_factory=dict)
    preflight_skip: list[str] = field(default_factory=list)
    authentication: dict[str, t.Any] = field(default_factory=dict)
    control_plane: list[str] = field(default_factory=list)
    workers: list[str] = field(default_factory=list)
    creation_problems: list[dict[str, t.Any]] = field(default_factory=list)
    tenants: list[str] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)
    tenant_settings: dict[str, t.Any] = field(default_factory=dict)
    fleet_roles: list[str] = field(default_factory=list)
    cost: float | None = None

    @property
    def machines(self) -> list[str]:
        """Inventory names of all its machines, control planes first."""
        return [*self.control_plane, *self.workers]


@dataclass(frozen=True)
class Fleet:
    """All that is declared. Orders are those of the inventory.

    :param hub: name of the global cluster.
    :param tenants: the items as they were declared; C(policies), C(fleet_roles) and C(placements) likewise,
        C(deliveries) and C(platform_addons) without what may hold secrets.
    :param warnings: what an operator should know although it stops nothing.
    """

    hub: str | None
    clusters: dict[str, Cluster]
    machines: dict[str, Machine]
    tenants: list[dict[str, t.Any]] = field(default_factory=list)
    policies: list[dict[str, t.Any]] = field(default_factory=list)
    fleet_roles: list[dict[str, t.Any]] = field(default_factory=list)
    placements: list[dict[str, t.Any]] = field(default_factory=list)
    deliveries: list[dict[str, t.Any]] = field(default_factory=list)
    platform_addons: list[dict[str, t.Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, t.Any]:
        """Plain data, as docs/architecture.md describes it. Warnings are not part of it."""
        answer = asdict(self)
        del answer["warnings"]
        return answer
