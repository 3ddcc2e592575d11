# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tenants of a cluster depend on, the same for all of them: C(tenant_settings).

Pure. Private to the collection.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass

from ..declaration import DNS_LABEL, DNS_LABEL_RULE, Reader

KEYS = ("reserved_namespaces", "ingress_namespaces", "monitoring_namespaces", "api_server")
ADDRESS_KEYS = ("cidr", "port")
#: Names that belong to the system whatever is declared, and what such names begin with.
RESERVED = ("default", "openshift", "kube-*", "openshift-*", "lodestar-*")
#: A name, or the beginning of names with a star behind it.
_RESERVED = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?|[a-z0-9][-a-z0-9]{0,61}\*")


@dataclass(frozen=True)
class Address:
    """A range of addresses, and the port under which an API server is there."""

    cidr: str
    port: int


@dataclass(frozen=True)
class Settings:
    """Of one cluster.

    :param reserved: names that no tenant may have, or beginnings with a star; the built-in ones included.
    :param ingress_namespaces: where ingress controllers run.
    :param monitoring_namespaces: where what collects metrics runs.
    :param api_server: where the API servers themselves are, behind the Service kubernetes.
    """

    reserved: tuple[str, ...] = RESERVED
    ingress_namespaces: tuple[str, ...] = ()
    monitoring_namespaces: tuple[str, ...] = ()
    api_server: tuple[Address, ...] = ()

    def reserves(self, name: str) -> bool:
        """True for a namespace's name that is not for tenants."""
        return any(name.startswith(item[:-1]) if item.endswith("*") else name == item for item in self.reserved)


def read(value: t.Any, reader: Reader, key: str) -> Settings:
    """C(tenant_settings) as :class:`Settings`; problems are left with the reader, under ``key``."""
    declared = reader.mapping(value, key, KEYS)
    rule = "the name of a namespace, or the beginning of names with a * behind it: monitoring, infra-*"
    reserved = reader.texts(declared.get("reserved_namespaces"), f"{key}.reserved_namespaces", _RESERVED, rule, 63)

    def namespaces(name: str) -> tuple[str, ...]:
        return tuple(reader.texts(declared.get(name), f"{key}.{name}", DNS_LABEL, DNS_LABEL_RULE, 63))

    addresses = reader.sequence(declared.get("api_server"), f"{key}.api_server")
    return Settings(
        reserved=(*RESERVED, *(item for item in reserved if item)),
        ingress_namespaces=namespaces("ingress_namespaces"),
        monitoring_namespaces=namespaces("monitoring_namespaces"),
        api_server=tuple(_address(item, reader, f"{key}.api_server[{place}]") for place, item in enumerate(addresses)),
    )


def _address(value: t.Any, reader: Reader, key: str) -> Address:
    declared = reader.mapping(value, key, ADDRESS_KEYS)
    cidr, port = declared.get("cidr"), declared.get("port", 6443)
    try:
        network = ipaddress.ip_network(cidr if isinstance(cidr, str) else "")
    except ValueError:
        remedy = "write it like 192.0.2.11/32; a single address is a range of /32 or /128"
        reader.problem(f"{key}.cidr", cidr, "is not a range of addresses without bits outside of its mask", remedy)
        network = ipaddress.ip_network("192.0.2.0/32")
    if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535:
        reader.problem(f"{key}.port", port, "is not a port", "write a whole number from 1 to 65535")
        port = 6443
    return Address(str(network), port)
