# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a tenant's isolation lets through, and the NetworkPolicies that it means. Pure. Private to the collection.

NetworkPolicies only ever add up: everything is denied, then one policy a switch lets something through.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..declaration import TENANT_LABEL, Reader
from .settings import Settings

SWITCHES = ("allow_dns", "allow_ingress", "allow_monitoring", "allow_api_server")
NETWORK_KEYS = (*SWITCHES, "ingress", "egress")
#: The label by which Kubernetes itself tells a namespace's name.
_NAME = "kubernetes.io/metadata.name"

Object = dict[str, t.Any]


@dataclass(frozen=True)
class Network:
    """What the isolation lets through besides the tenant's own pods; rules in the shape of NetworkPolicy rules."""

    allow_dns: bool = True
    allow_ingress: bool = False
    allow_monitoring: bool = False
    allow_api_server: bool = False
    ingress: tuple[dict[str, t.Any], ...] = ()
    egress: tuple[dict[str, t.Any], ...] = ()


def read(value: t.Any, reader: Reader, key: str) -> Network:
    """The key C(network) of a tenant."""
    declared = reader.mapping(value, key, NETWORK_KEYS)
    switches = {name: reader.boolean(declared.get(name, name == "allow_dns"), f"{key}.{name}") for name in SWITCHES}
    return Network(
        **switches,
        ingress=_rules(declared.get("ingress"), reader, f"{key}.ingress", ("from", "ports")),
        egress=_rules(declared.get("egress"), reader, f"{key}.egress", ("to", "ports")),
    )


def _rules(value: t.Any, reader: Reader, key: str, allowed: tuple[str, ...]) -> tuple[dict[str, t.Any], ...]:
    rules = []
    for place, entry in enumerate(reader.sequence(value, key)):
        rule = reader.mapping(entry, f"{key}[{place}]", allowed)
        if not any(rule.get(name) for name in allowed):
            # An empty NetworkPolicy rule allows everything; that must be said by `isolation: none`.
            reader.problem(
                f"{key}[{place}]",
                entry,
                "an empty rule would allow everything",
                "say from, to or ports, or isolation: none",
            )
        for name in allowed:
            reader.sequence(rule.get(name), f"{key}[{place}].{name}")
        rules.append(rule)
    return tuple(rules)


def specs(tenant: str, isolation: str, network: Network, settings: Settings) -> dict[str, Object]:
    """The NetworkPolicies of each of a tenant's namespaces: name -> spec. None without isolation."""
    if isolation == "none":
        return {}
    peer: Object = {"podSelector": {}}
    if isolation == "tenant":
        peer = {"namespaceSelector": {"matchLabels": {TENANT_LABEL: tenant}}}
    found: dict[str, Object] = {
        # Nothing is said in so many words, so that a rule that somebody adds is taken back.
        "lodestar-default-deny": {"policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": []},
        f"lodestar-allow-{isolation}": {
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [peer]}],
            "egress": [{"to": [peer]}],
        },
    }
    if network.allow_dns:
        found["lodestar-allow-dns"] = {"policyTypes": ["Egress"], "egress": [_dns_rule()]}
    if network.allow_ingress:
        found["lodestar-allow-ingress"] = _from(settings.ingress_namespaces)
    if network.allow_monitoring:
        found["lodestar-allow-monitoring"] = _from(settings.monitoring_namespaces)
    if network.allow_api_server:
        found["lodestar-allow-api-server"] = {"policyTypes": ["Egress"], "egress": _api_server(settings)}
    declared = {"ingress": list(network.ingress), "egress": list(network.egress)}
    declared = {name: rules for name, rules in declared.items() if rules}
    if declared:
        found["lodestar-allow-declared"] = {"policyTypes": [name.capitalize() for name in declared], **declared}
    return {name: {"podSelector": {}, **spec} for name, spec in found.items()}


def _from(namespaces: t.Sequence[str]) -> Object:
    chosen = {"matchExpressions": [{"key": _NAME, "operator": "In", "values": sorted(namespaces)}]}
    return {"policyTypes": ["Ingress"], "ingress": [{"from": [{"namespaceSelector": chosen}]}]}


def _api_server(settings: Settings) -> list[Object]:
    """The API servers themselves: what a pod sends to the Service kubernetes is judged by where it ends."""
    return [
        {
            "to": [{"ipBlock": {"cidr": item.cidr}} for item in settings.api_server if item.port == port],
            "ports": [{"protocol": "TCP", "port": port}],
        }
        for port in sorted({item.port for item in settings.api_server})
    ]


def _dns_rule() -> Object:
    dns = {
        "namespaceSelector": {"matchLabels": {_NAME: "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    return {"to": [dns], "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}
