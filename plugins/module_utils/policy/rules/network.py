# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about how workloads are reached from outside. Pure. Private to the collection."""

from __future__ import annotations

import ipaddress
import re

from ...declaration import DNS_SUBDOMAIN, Reader
from .parameters import Parameter, Values
from .rule import INGRESSES, SERVICES, Rule, listed, literal, reached, within_spec

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_CLASS_ANNOTATION = '"kubernetes.io/ingress.class"'
_NO_HOST = "'(any host)'"


def _type(at: str, values: Values) -> str:
    kind = f"({reached(at, 'spec', 'type')} ? {at}.spec.type : 'ClusterIP')"
    return f"[{kind}].filter(kind, !(kind in {literal(values['types'])}))"


def _external(at: str, values: Values) -> str:
    wrong = f"{at}.spec.externalIPs.filter(ip, !(ip in {literal(values['addresses'])}))"
    return f"({reached(at, 'spec', 'externalIPs')} ? {wrong} : [])"


def _addresses(values: Values, reader: Reader, key: str) -> None:
    for place, address in enumerate(values["addresses"]):
        try:
            ipaddress.ip_address(address)
        except ValueError:
            remedy = "write single addresses; ranges are not possible"
            reader.problem(f"{key}.addresses[{place}]", address, "is not an IP address", remedy)


def _hosts(at: str, values: Values) -> str:
    allowed = f"{literal(values['suffixes'])}.exists(suffix, host == suffix || host.endsWith('.' + suffix))"
    # No host at all means every host of the cluster's entrance.
    any_host = "[]" if values["allow_any_host"] else f"[{_NO_HOST}]"
    rules = (
        f"(has({at}.spec.rules) ? {at}.spec.rules.filter(rule, has(rule.host) && rule.host != '').map(rule, rule.host)"
        f".filter(host, !{allowed}) : [])"
    )
    hostless = (
        f"(has({at}.spec.defaultBackend) || has({at}.spec.rules) && {at}.spec.rules.exists(rule,"
        f" !has(rule.host) || rule.host == '') ? {any_host} : [])"
    )
    wrong = f"tls.hosts.filter(host, !{allowed})"
    certificates = (
        f"(has({at}.spec.tls) ? {at}.spec.tls.filter(tls, has(tls.hosts) && size({wrong}) > 0)"
        f".map(tls, 'tls: ' + {wrong}.join(', ')) : [])"
    )
    return within_spec(at, f"({rules} + {hostless} + {certificates})")


def _class(at: str, values: Values) -> str:
    named = f"{reached(at, 'spec', 'ingressClassName')}"
    noted = f"{reached(at, 'metadata', 'annotations')} && {_CLASS_ANNOTATION} in {at}.metadata.annotations"
    chosen = (
        f"({named} ? [{at}.spec.ingressClassName] : [])"
        f" + ({noted} ? [{at}.metadata.annotations[{_CLASS_ANNOTATION}]] : [])"
        f" + ({named} || {noted} ? [] : ['(none)'])"
    )
    return f"({chosen}).filter(name, !(name in {literal(values['classes'])}))"


RULES = (
    Rule(
        "allowed_service_types",
        "Services are of the listed types",
        _type,
        "Services of a type that is not allowed",
        lambda values: f"use {listed(values['types'])}",
        parameters=(
            Parameter(
                "types", "choices", default=["ClusterIP"], choices=_TYPES, needed=f"list some of {', '.join(_TYPES)}"
            ),
        ),
        judged=lambda values: (SERVICES,),
        workloads=(),
        template=False,
    ),
    Rule(
        "allowed_external_ips",
        "Services claim no address from outside but the listed ones",
        _external,
        "addresses that are not allowed",
        lambda values: f"leave externalIPs out; allowed: {listed(values['addresses'])}",
        parameters=(Parameter("addresses", "texts", pattern=re.compile(r"[0-9A-Fa-f:.]+"), rule="an IP address"),),
        judged=lambda values: (SERVICES,),
        workloads=(),
        template=False,
        check=_addresses,
    ),
    Rule(
        "allowed_ingress_hosts",
        "Ingresses are for the listed domains and names below them",
        _hosts,
        "hosts that are not allowed",
        lambda values: f"use a host that is or ends with {listed(values['suffixes'])}",
        parameters=(
            Parameter(
                "suffixes",
                "texts",
                pattern=DNS_SUBDOMAIN,
                rule="a domain in lower case, without a dot or '*' before it: apps.example.org",
                needed="list the domains that Ingresses may be for",
            ),
            Parameter("allow_any_host", "boolean", default=False),
        ),
        judged=lambda values: (INGRESSES,),
        workloads=(),
        template=False,
    ),
    Rule(
        "allowed_ingress_classes",
        "Ingresses are of the listed classes",
        _class,
        "Ingress classes that are not allowed",
        lambda values: f"set spec.ingressClassName to one of {listed(values['classes'])}",
        parameters=(
            Parameter(
                "classes",
                "texts",
                pattern=DNS_SUBDOMAIN,
                rule="the name of an IngressClass",
                needed="list the IngressClasses that may be used",
            ),
        ),
        judged=lambda values: (INGRESSES,),
        workloads=(),
        template=False,
    ),
)
