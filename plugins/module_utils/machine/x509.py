# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the few facts of X.509 certificates that matter here, since the standard library reads none. Pure.

DER is walked by hand (ITU-T X.690; the certificate's shape is RFC 5280 section 4.1). Private to the collection.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
import typing as t
from dataclasses import dataclass

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\s+(.+?)-----END CERTIFICATE-----", re.DOTALL)
_UTC_TIME, _GENERALIZED_TIME, _VERSION_TAG = 0x17, 0x18, 0xA0
_EXTENSIONS_TAG, _OCTETS = 0xA3, 0x04
#: Object identifier 2.5.29.17, and the tags of the two kinds of names that matter (RFC 5280 section 4.2.1.6).
_ALTERNATIVE_NAMES, _DNS_NAME, _IP_ADDRESS = bytes.fromhex("551d11"), 0x82, 0x87


@dataclass(frozen=True)
class Certificate:
    """What we know of a certificate.

    :param not_after: its last moment, as ``2027-11-22T15:46:00Z``.
    :param key_sha256: digest of its public key (SubjectPublicKeyInfo), the form of kubeadm's discovery hash.
    :param names: DNS names and IP addresses that it is for, besides its subject.
    """

    not_after: str
    key_sha256: str
    names: frozenset[str] = frozenset()


def _element(data: bytes, start: int) -> tuple[int, int, int]:
    """Tag, start and end of the content of the element at ``start``."""
    tag, length, begin = data[start], data[start + 1], start + 2
    if length & 0x80:
        count = length & 0x7F
        length = int.from_bytes(data[begin : begin + count], "big")
        begin += count
    if begin + length > len(data):
        raise ValueError("the certificate is cut short")
    return tag, begin, begin + length


def _children(data: bytes, begin: int, end: int) -> t.Iterator[tuple[int, int, int, int]]:
    """Tag, content start, content end and element start of the elements between two offsets."""
    while begin < end:
        tag, content, after = _element(data, begin)
        yield tag, content, after, begin
        begin = after


def _time(tag: int, text: str) -> str:
    if tag == _UTC_TIME:
        text = ("20" if int(text[:2]) < 50 else "19") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("the certificate's validity holds no time")
    return f"{text[0:4]}-{text[4:6]}-{text[6:8]}T{text[8:10]}:{text[10:12]}:{text[12:14]}Z"


def parse_der(data: bytes) -> Certificate:
    """Reads one DER certificate.

    :raises ValueError: it is none.
    """
    try:
        _tag, begin, _end = _element(data, 0)
        _tag, begin, end = _element(data, begin)
        fields = [item for item in _children(data, begin, end) if item[0] != _VERSION_TAG]
        # serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo
        validity, key = fields[3], fields[5]
        tag, start, stop, _element_start = list(_children(data, validity[1], validity[2]))[1]
        not_after = _time(tag, data[start:stop].decode("ascii"))
        names = frozenset(_alternative_names(data, fields[6:]))
        return Certificate(not_after, hashlib.sha256(data[key[3] : key[2]]).hexdigest(), names)
    except (IndexError, UnicodeDecodeError) as exc:
        raise ValueError(f"not a certificate: {exc}") from exc


def _alternative_names(data: bytes, fields: t.Sequence[tuple[int, int, int, int]]) -> t.Iterator[str]:
    for value in _extension(data, fields, _ALTERNATIVE_NAMES):
        _tag, begin, end = _element(data, value)
        for kind, start, stop, _start in _children(data, begin, end):
            if kind == _DNS_NAME:
                yield data[start:stop].decode("ascii")
            elif kind == _IP_ADDRESS:
                yield str(ipaddress.ip_address(data[start:stop]))


def _extension(data: bytes, fields: t.Sequence[tuple[int, int, int, int]], identifier: bytes) -> t.Iterator[int]:
    """Where the value of an extension begins."""
    for tag, content, _end, _start in fields:
        if tag == _EXTENSIONS_TAG:
            _tag, begin, end = _element(data, content)
            for _tag, start, stop, _start in _children(data, begin, end):
                parts = list(_children(data, start, stop))
                if data[parts[0][1] : parts[0][2]] == identifier and parts[-1][0] == _OCTETS:
                    yield parts[-1][1]


def parse_pem(data: bytes) -> Certificate:
    """Reads the first certificate of a PEM text.

    :raises ValueError: there is none.
    """
    found = _PEM.search(data)
    if found is None:
        raise ValueError("no certificate in the text")
    return parse_der(base64.b64decode(found.group(1)))
