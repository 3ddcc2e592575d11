# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what an X.509 certificate request asks for, since the standard library reads none. Pure.

DER is walked by hand (ITU-T X.690); the request's shape is RFC 2986, its extensions are RFC 5280. Private to the
collection.
"""

from __future__ import annotations

import base64
import ipaddress
import re
import typing as t
from dataclasses import dataclass

_PEM = re.compile(rb"-----BEGIN CERTIFICATE REQUEST-----\s+(.+?)-----END CERTIFICATE REQUEST-----", re.DOTALL)
_COMMON_NAME, _ORGANIZATION = bytes.fromhex("550403"), bytes.fromhex("55040a")
_EXTENSION_REQUEST, _ALTERNATIVE_NAMES = bytes.fromhex("2a864886f70d01090e"), bytes.fromhex("551d11")
_OCTETS, _ATTRIBUTES, _DNS, _ADDRESS = 0x04, 0xA0, 0x82, 0x87


@dataclass(frozen=True)
class SigningRequest:
    """What is asked for.

    :param others: what there is besides, in words: other parts of the subject, names of other kinds, extensions.
    """

    common_names: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


class _Element(t.NamedTuple):
    tag: int
    content: bytes

    def children(self) -> list[_Element]:
        """The elements that a constructed one consists of."""
        found, rest = [], self.content
        while rest:
            element, rest = _first(rest)
            found.append(element)
        return found


def _first(data: bytes) -> tuple[_Element, bytes]:
    """The first element, and what comes after it."""
    tag, length, begin = data[0], data[1], 2
    if length & 0x80:
        count = length & 0x7F
        length = int.from_bytes(data[begin : begin + count], "big")
        begin += count
    if begin + length > len(data):
        raise ValueError("the request is cut short")
    return _Element(tag, data[begin : begin + length]), data[begin + length :]


def parse(pem: bytes) -> SigningRequest:
    """Reads the one request of a PEM text. Its signature is the signer's business.

    :raises ValueError: it is none.
    """
    found = _PEM.findall(pem)
    if len(found) != 1:
        raise ValueError("not exactly one certificate request")
    try:
        request, rest = _first(base64.b64decode(found[0]))
        _version, subject, _key, *optional = request.children()[0].children()
        names = [_attribute(item) for group in subject.children() for item in group.children()]
        extensions = [item for part in optional if part.tag == _ATTRIBUTES for item in part.children()]
        dns, addresses, others = _alternatives(extensions)
    except (IndexError, ValueError) as exc:
        raise ValueError(f"not a certificate request: {exc}") from exc
    if rest:
        raise ValueError("something follows the certificate request")
    known = {_COMMON_NAME: "CN", _ORGANIZATION: "O"}
    return SigningRequest(
        tuple(value for kind, value in names if kind == _COMMON_NAME),
        tuple(value for kind, value in names if kind == _ORGANIZATION),
        tuple(dns),
        tuple(addresses),
        (*others, *(f"a part of the subject, {value!r}" for kind, value in names if kind not in known)),
    )


def _attribute(element: _Element) -> tuple[bytes, str]:
    kind, value = element.children()
    return kind.content, value.content.decode("utf-8")


def _alternatives(attributes: t.Iterable[_Element]) -> tuple[list[str], list[str], list[str]]:
    """DNS names, addresses, and what else the attributes of a request ask for."""
    dns: list[str] = []
    addresses: list[str] = []
    others: list[str] = []
    for attribute in attributes:
        kind, values = attribute.children()
        if kind.content != _EXTENSION_REQUEST:
            others.append("an attribute of another kind")
            continue
        for extension in (item for value in values.children() for item in value.children()):
            parts = extension.children()
            if parts[0].content != _ALTERNATIVE_NAMES or parts[-1].tag != _OCTETS:
                others.append("another extension")
                continue
            for name in _first(parts[-1].content)[0].children():
                if name.tag == _DNS:
                    dns.append(name.content.decode("ascii"))
                elif name.tag == _ADDRESS:
                    addresses.append(str(ipaddress.ip_address(name.content)))
                else:
                    others.append("a name that is neither a DNS name nor an address")
    return dns, addresses, others
