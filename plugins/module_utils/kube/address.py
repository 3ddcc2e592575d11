# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which addresses may be an API server. Pure. Private to the collection."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from ..errors import InvalidInput, Problem

#: Cloud metadata services, which answer with credentials: never an API server.
_METADATA_NAMES = {"metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"}
_METADATA_ADDRESSES = {ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("100.100.100.200")}


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
        # 0xa9fea9fe, 2852039166 and 169.254.43518 are spellings that resolvers take for an address.
        return name in _METADATA_NAMES or name.replace(".", "").isdigit() or name.startswith("0x")
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_link_local or mapped.is_unspecified or mapped.is_multicast or mapped in _METADATA_ADDRESSES
