# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One cluster and one machine of the declaration: variables -> model. Pure. Private to the collection."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ..declaration import is_label_key, is_label_value, shown
from ..errors import Problem
from . import inventory_authentication, inventory_credential, inventory_grants
from . import inventory_fields as f
from . import inventory_registries as registries
from .identity import RECORD_LABELS, name_problem
from .inventory_fields import Fields, kind_of
from .model import MODES, PROVIDERS, ROLES, TAINT_EFFECTS, TIERS, Access, Cluster, Endpoint, Machine, Network

Address: t.TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
IPNetwork: t.TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"

#: Variables of a cluster host that the fleet is made of, besides its credential.
CLUSTER_KEYS = (
    "cluster_mode",
    "cluster_role",
    "kubernetes_version",
    "endpoint",
    "cluster_labels",
    "cluster_network",
    "cluster_colocated",
    "cluster_cost",
    "cluster_access",
    "cluster_recovery_file",
    "tenant_settings",
    "api_server_args",
    "kubelet_config",
    "kube_proxy_config",
    "containerd_config",
    "kubeadm_ignore_preflight_errors",
    "api_server_cert_sans",
    "containerd_registry_mirrors",
    "cluster_proxy",
    "cluster_authentication",
    "preflight_skip",
    "ansible_connection",
)
#: Variables of a machine that the fleet is made of.
MACHINE_KEYS = (
    "node_name",
    "node_ip",
    "node_labels",
    "node_taints",
    "preflight_skip",
    "replaces",
    "ansible_host",
    "ansible_port",
    "ansible_ssh_common_args",
)
_VERSION = re.compile(r"1\.\d{1,3}\.\d{1,3}")
#: Kubernetes labels that a kubelet may put on its own Node (kubelet --node-labels).
_KUBELET_LABELS = {
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
}


def address_of(text: t.Any) -> Address | None:
    """The IP address that a text is, or ``None``."""
    try:
        return ipaddress.ip_address(text) if isinstance(text, str) else None
    except ValueError:
        return None


def network_of(text: str) -> IPNetwork | None:
    """The range that a text is, or ``None`` when it is not one, or has bits outside of its mask."""
    try:
        return ipaddress.ip_network(text) if "/" in text else None
    except ValueError:
        return None


#: What a cluster costs is compared only, in whatever unit.
_DEAREST = 10**12


def read_cluster(name: str, variables: t.Mapping[str, t.Any], problems: list[Problem]) -> Cluster:
    """A cluster from the variables of its host, without its machines, tenants and policies."""
    fields = Fields(f"{name}: ", variables, problems)
    _check_name(name, problems)
    mode = fields.choice("cluster_mode", MODES, "create")
    role = fields.choice("cluster_role", ROLES, "workload")
    created = mode == "create"
    _check_kind(fields, mode, role)
    return Cluster(
        name=name,
        prefix=name.replace("-", "_"),
        mode=mode,
        role=role,
        version=_version(fields, required=created),
        endpoint=_endpoint(fields) if created else None,
        labels=fields.labels("cluster_labels", RECORD_LABELS),
        network=_network(fields),
        colocated=fields.flag("cluster_colocated", False),
        cost=fields.amount("cluster_cost", _DEAREST),
        access=_access(fields, "lifecycle" if created else "tenant"),
        recovery_file=fields.text("cluster_recovery_file", f.PATH, "the path of a file on the controller"),
        credential_given=inventory_credential.read(fields, created),
        api_server_args=_arguments(fields, "api_server_args"),
        kubelet_config=fields.mapping("kubelet_config"),
        kube_proxy_config=fields.mapping("kube_proxy_config"),
        containerd_config=fields.mapping("containerd_config"),
        kubeadm_ignore_preflight_errors=fields.strings(
            "kubeadm_ignore_preflight_errors", f.PREFLIGHT_CHECK, "the name of a preflight check of kubeadm"
        ),
        api_server_cert_sans=fields.strings("api_server_cert_sans", _is_san, "an IP address or a DNS name, lowercase"),
        registry_mirrors=registries.mirrors(fields, "containerd_registry_mirrors"),
        proxy=registries.proxy(fields, "cluster_proxy"),
        preflight_skip=_skipped(fields),
        authentication=inventory_authentication.read(fields, created, _own_issuers(fields)),
        tenant_settings=fields.mapping("tenant_settings"),
    )


def _own_issuers(fields: Fields) -> set[str]:
    """Who issues the cluster's own tokens, which nobody else may claim to be."""
    given = fields.values.get("api_server_args")
    more = given.get("service-account-issuer") if isinstance(given, t.Mapping) else None
    network = fields.values.get("cluster_network")
    domain = (network.get("dns_domain") if isinstance(network, t.Mapping) else None) or Network().dns_domain
    named = more if isinstance(more, list) else [more] if more else []
    return {f"https://kubernetes.default.svc.{domain}", *(str(item) for item in named)}


def _is_san(text: str) -> bool:
    return address_of(text) is not None or (f.is_dns_name(text.removeprefix("*.")) and not _looks_like_ip(text))


def _check_name(name: str, problems: list[Problem]) -> None:
    reason = name_problem(name)
    if reason:
        problems.append(Problem("clusters", shown(name), reason, "Rename the host"))


def _check_kind(fields: Fields, mode: str, role: str) -> None:
    connection = fields.values.get("ansible_connection")
    if connection not in ("local", "ansible.builtin.local"):
        reason = "a cluster is reached through its API, not over SSH"
        fields.wrong("ansible_connection", reason, "Set ansible_connection: local for the group clusters")
    if mode == "attach":
        if role == "global":
            reason = "the global cluster must be created by the platform, which keeps access to it on its machines"
            fields.wrong("cluster_mode", reason, "Use cluster_mode: create, or make it a workload cluster")
        if fields.given("endpoint"):
            reason = "the credential of an attached cluster says where its API is"
            fields.wrong("endpoint", reason, "Remove it, or use cluster_mode: create")


def _version(fields: Fields, required: bool) -> str | None:
    key, remedy = "kubernetes_version", 'Quote it and write it in full, like "1.36.3"'
    value = fields.values.get(key)
    if value is None:
        if required:
            fields.wrong(key, "is required for a cluster that is created", remedy)
        return None
    if not isinstance(value, str):
        fields.wrong(key, f"is {kind_of(value)}, and YAML reads 1.30 as 1.3", remedy)
    elif not _VERSION.fullmatch(value):
        fields.wrong(key, "must be a full version, 1.<minor>.<patch>", remedy)
    else:
        return value
    return None


def _endpoint(fields: Fields) -> Endpoint | None:
    if not fields.given("endpoint"):
        reason = "a created cluster needs an address that stays when machines come and go"
        fields.wrong("endpoint", reason, "Set endpoint: {address: ..., provider: kube_vip or external}")
        return None
    part = fields.section("endpoint", ("address", "port", "provider", "interface"))
    if not isinstance(fields.values["endpoint"], t.Mapping):
        return None
    provider = part.choice("provider", PROVIDERS, "kube_vip")
    address = part.values.get("address")
    ip = address_of(address)
    name = isinstance(address, str) and bool(f.is_dns_name(address)) and not _looks_like_ip(address)
    interface = part.text("interface", f.INTERFACE, "the name of a network interface, at most 15 characters")
    port = part.number("port", 1, 65535, 6443)
    if ip is None and not (name and provider == "external"):
        allowed = "an IP address" if provider == "kube_vip" else "an IP address or a DNS name"
        part.wrong("address", f"must be {allowed}", "Correct it")
        return None
    if ip is not None and (ip.is_unspecified or ip.is_loopback or ip.is_multicast or ip.is_link_local):
        reason = "must be an address that every machine can reach"
        part.wrong("address", reason, "Use an address of the machines' network")
    return Endpoint(str(ip) if ip is not None else str(address), port, provider, interface)


def _looks_like_ip(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9.]+", text))


def _network(fields: Fields) -> Network:
    part = fields.section("cluster_network", ("pod_cidr", "service_cidr", "dns_domain"))
    default = Network()
    domain = part.text("dns_domain", f.is_dns_name, "a DNS domain, lowercase", default.dns_domain)
    pods = _range(part, "pod_cidr", default.pod_cidr)
    services = _range(part, "service_cidr", default.service_cidr)
    return Network(pods, services, domain or default.dns_domain)


def _range(part: Fields, key: str, default: str) -> str:
    value = part.values.get(key)
    if value is None:
        return default
    if isinstance(value, str) and "," in value:
        part.wrong(key, "two ranges (dual stack) are not supported", "Give one range, IPv4 or IPv6")
    elif not isinstance(value, str) or "/" not in value:
        part.wrong(key, "must be a range in CIDR notation, like 10.244.0.0/16", "Correct it")
    elif network_of(value) is None:
        part.wrong(key, "is not a range: " + _range_error(value), "Correct it")
    else:
        return value
    return default


def _range_error(text: str) -> str:
    try:
        return f"bits are set outside of the mask, the range would be {ipaddress.ip_network(text, strict=False)}"
    except ValueError:
        return "it does not parse as an address and a mask"


def _access(fields: Fields, tier: str) -> Access:
    part = fields.section("cluster_access", ("tier", "token_lifetime", "grants"))
    # The API server issues no token of less than ten minutes (TokenRequest).
    lifetime = part.number("token_lifetime", 600, 31536000, 86400)
    return Access(part.choice("tier", TIERS, tier), lifetime, inventory_grants.read(part))


def _arguments(fields: Fields, key: str) -> dict[str, t.Any]:
    part = Fields(f"{fields.where}{key}.", fields.mapping(key), fields.problems)
    for name, value in part.values.items():
        values = value if isinstance(value, list) else [value]
        if not f.FLAG_NAME.fullmatch(name):
            part.wrong(name, "is not the name of a flag, which is lowercase letters, digits and hyphens", "Correct it")
        elif not all(isinstance(item, (str, int, float)) and "\n" not in str(item) for item in values):
            part.wrong(name, "must be a string of one line, a number, a boolean, or a list of such", "Correct it")
    return dict(part.values)


def read_machine(
    name: str, cluster: str, role: str, rank: int, variables: t.Mapping[str, t.Any], problems: list[Problem]
) -> Machine:
    """A machine from the variables of its host."""
    fields = Fields(f"{name}: ", variables, problems)
    node_name = fields.text("node_name", f.is_dns_name, "the name of a Node (RFC 1123 subdomain)", name)
    if not fields.given("node_name") and not f.is_dns_name(name):
        reason = "the inventory name is no name for a Node, which is lowercase letters, digits, '-' and '.' (RFC 1123)"
        problems.append(Problem(f"{name[:63]}: node_name", shown(name), reason, "Set node_name, or rename the host"))
    elif node_name and len(node_name) > 63:
        reason = "a Node's name is also the value of its hostname label, at most 63 characters"
        problems.append(Problem(f"{name[:63]}: node_name", shown(node_name), reason, "Set a shorter node_name"))
    return Machine(
        name=name,
        cluster=cluster,
        role=role,
        rank=rank,
        node_name=node_name or name,
        node_ip=_node_ip(fields, name),
        labels=_node_labels(fields),
        taints=_taints(fields),
        preflight_skip=_skipped(fields),
        replaces=fields.text("replaces", f.is_dns_name, "the node name of the control plane that is replaced"),
    )


def _skipped(fields: Fields) -> list[str]:
    return sorted(set(fields.strings("preflight_skip", f.PREFLIGHT_CHECK, "the id of a check in docs/preflight.md")))


def _node_ip(fields: Fields, name: str) -> str:
    key = next((key for key in ("node_ip", "ansible_host") if fields.given(key)), None)
    value = fields.values[key] if key else name
    ip = address_of(value)
    if ip is None:
        reason = "must be an IP address" if key == "node_ip" else "the machine's address in the cluster is not known"
        fields.wrong(key or "node_ip", reason, "Set node_ip to the machine's IP address in the cluster's network")
        return ""
    if ip.is_unspecified or ip.is_loopback or ip.is_multicast:
        fields.wrong(key or "node_ip", "is no address of a machine in a network", "Set node_ip")
    return str(ip)


def _node_labels(fields: Fields) -> dict[str, str]:
    labels = fields.labels("node_labels")
    for key in labels:
        domain = key.rpartition("/")[0]
        own = domain in ("kubernetes.io", "k8s.io") or domain.endswith((".kubernetes.io", ".k8s.io"))
        allowed = domain.endswith(("kubelet.kubernetes.io", "node.kubernetes.io")) or key in _KUBELET_LABELS
        if own and not allowed:
            reason = "a kubelet may not give its Node this label of Kubernetes, and would not start"
            where = f"{fields.where}node_labels.{key}"
            fields.problems.append(Problem(where, labels[key], reason, "Use a label with a prefix of your own"))
    return labels


def _taints(fields: Fields) -> list[dict[str, str]]:
    answer = []
    for index, item in enumerate(fields.items("node_taints")):
        where = f"{fields.where}node_taints[{index}]"
        if not isinstance(item, t.Mapping):
            remedy = "Write it as {key: ..., value: ..., effect: ...}"
            fields.problems.append(Problem(where, shown(item), "a taint is a mapping", remedy))
            continue
        part = Fields(f"{where}.", item, fields.problems)
        part.only(("key", "value", "effect"))
        if not is_label_key(str(item.get("key"))) or not isinstance(item.get("key"), str):
            part.wrong("key", "must be a key like that of a label", "Correct it")
        value = part.text("value", is_label_value, "a value like that of a label", "")
        if not part.given("effect"):
            part.wrong("effect", f"must be one of {', '.join(TAINT_EFFECTS)}", "Set it")
        effect = part.choice("effect", TAINT_EFFECTS, TAINT_EFFECTS[0])
        answer.append({"key": str(item.get("key")), "value": value or "", "effect": effect})
    return answer
