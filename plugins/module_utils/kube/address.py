# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which addresses may be an API server. Pure. Private to the collection."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from ..errors import InvalidInput, Problem

#: Cloud metadata services, which answer with credentials: never an API server.
_METADATA_NAMES = {"metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"}
_METADATA_ADDRESSES = {
    ipaddress.ip_address(text) for text in ("fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
}
#: IPv6 ranges whose addresses end in an IPv4 address that they lead to: NAT64, and IPv4-compatible ones.
_LEADING = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))
#: 0xa9fea9fe, 2852039166, 0251.0376.0251.0376 and 169.0xfea9fe are spellings that resolvers take for an address.
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*")


def check_server(server: str, key: str, link_local: bool = False) -> str:
    """The address of an API server without a trailing slash.

    :param key: where it stands, for errors.
    :param link_local: the operator allows a link-local address.
    :raises InvalidInput: not https, no host, userinfo or query, or a link-local or metadata address.
    """
    try:
        parts = urlsplit(server)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise InvalidInput([Problem(key, server, "is not an address", "Write https://host:6443")]) from None
    if parts.username or parts.password or "@" in parts.netloc:
        raise InvalidInput([Problem(key, "(not shown)", "holds a user or password", "Write https://host:6443")])
    if parts.scheme != "https" or not host or parts.query or parts.fragment:
        raise InvalidInput([Problem(key, server, "must be https://host[:port][/path]", "Write https://host:6443")])
    if not host.isascii():
        # Resolvers take other digits, letters and dots for their ASCII likes.
        raise InvalidInput([Problem(key, server, "holds a host that is not ASCII", "Write its name in ASCII")])
    if not link_local and _is_metadata(host):
        raise InvalidInput(
            [
                Problem(
                    key,
                    server,
                    "is a link-local, unspecified or cloud metadata address",
                    "Give the API server's address, or allow this with kubeconfig_allow: [link-local]",
                )
            ]
        )
    return server.rstrip("/")


def _is_metadata(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        name = host.lower().rstrip(".")
        return name in _METADATA_NAMES or _NUMBER.fullmatch(name) is not None
    return any(
        item.is_link_local or item.is_unspecified or item.is_multicast or item in _METADATA_ADDRESSES
        for item in (address, *_inside(address))
    )


def _inside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 address may lead to."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour]
    # ::1 is the loopback address, and no IPv4 address.
    if not address.is_loopback and any(address in network for network in _LEADING):
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [item for item in found if item is not None]
