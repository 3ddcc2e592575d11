# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates are read without a library. Expected values are those that openssl prints."""

from __future__ import annotations

import datetime
import ipaddress

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.machine import x509
from cryptography import x509 as library
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

#: Its end is after 2049, so it is a GeneralizedTime.
FAR = b"""\
-----BEGIN CERTIFICATE-----
MIIBfDCCASOgAwIBAgIUV4cwGevQY4yJXNlSDV7193kxwyMwCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwIbG9kZXN0YXIwIBcNMjYxMTIyMTYzNjQ3WhgPMjEwOTAxMTEx
NjM2NDdaMBMxETAPBgNVBAMMCGxvZGVzdGFyMFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEoAeHH2bHU1JSlv1yNJqMmgDVouA/n0YNVtTYcSU5xurrsl4j60CTTcfS
0OeQjvqA7x8ULSwpVlukj0KzgG4BWaNTMFEwHQYDVR0OBBYEFK6jkaMgzgS08f+v
MPXSyfqAs5myMB8GA1UdIwQYMBaAFK6jkaMgzgS08f+vMPXSyfqAs5myMA8GA1Ud
EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgVLsqWNpJ1f/89auP5jwu2IfU
YuK+huNe14oVrJRKw+oCIHn+cNmuItL5bYSFqzXcQxOi85FPnSH3muSjmi7UP54y
-----END CERTIFICATE-----
"""

NEAR = b"""\
-----BEGIN CERTIFICATE-----
MIIBejCCASGgAwIBAgIUTpUT2x66QDe57kEqgJK+mJCOrKgwCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwIbG9kZXN0YXIwHhcNMjYxMTIyMTYzNjQ3WhcNMjcxMTIyMTYz
NjQ3WjATMREwDwYDVQQDDAhsb2Rlc3RhcjBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABOpVU8hNWGy+MEwloMy0y0y1TgToqh3tOCzZ8NPlTBvQpK/0ARljZCh47Z+N
NlSy2kxd7JK3fv1El6zSYlE6DjijUzBRMB0GA1UdDgQWBBTblW9AjjSgFPkQ0LY+
BgwAEM9orTAfBgNVHSMEGDAWgBTblW9AjjSgFPkQ0LY+BgwAEM9orTAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIGqTglMVZ4PJX+iUGyQy2mwaAUgR
ztivQh6Q2GM/fOgVAiA7epXo37eUenHaTBWj77PWYk8xXOBrMxH9rkkdKgL/Bw==
-----END CERTIFICATE-----
"""


@pytest.mark.parametrize(
    ("pem", "not_after", "key"),
    [
        (FAR, "2109-01-11T16:36:47Z", "5b88f08763dab05b0b8fc9212c78359b9a8f94de84cc1af4ae2356a28f0e9e16"),
        (NEAR, "2027-11-22T16:36:47Z", "f935373782efb7726ec62cc67cb02171af371e8cba7d8f75ef6e9ed3dfaeefe8"),
        (NEAR + FAR, "2027-11-22T16:36:47Z", "f935373782efb7726ec62cc67cb02171af371e8cba7d8f75ef6e9ed3dfaeefe8"),
    ],
)
def test_end_and_key(pem: bytes, not_after: str, key: str) -> None:
    assert x509.parse_pem(pem) == x509.Certificate(not_after, key)


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        NEAR[:200],
        NEAR.replace(b"MIIB", b"MIIC", 1),
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    ],
)
def test_what_is_no_certificate(pem: bytes) -> None:
    with pytest.raises(ValueError):
        x509.parse_pem(pem)


def test_names_of_a_certificate_as_a_library_writes_them() -> None:
    key, begin = ec.generate_private_key(ec.SECP256R1()), datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    subject = library.Name([library.NameAttribute(library.NameOID.COMMON_NAME, "kube-apiserver")])
    names: list[library.GeneralName] = [library.DNSName("e1"), library.DNSName("*.example.org")]
    names += [library.IPAddress(ipaddress.ip_address(text)) for text in ("192.0.2.11", "2001:db8::1")]
    builder = library.CertificateBuilder(subject, subject, key.public_key(), 1, begin, begin.replace(year=2027))
    builder = builder.add_extension(library.KeyUsage(True, *[False] * 8), critical=True)
    builder = builder.add_extension(library.SubjectAlternativeName(names), critical=False)
    made = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    assert x509.parse_pem(made).names == {"e1", "*.example.org", "192.0.2.11", "2001:db8::1"}
    assert x509.parse_pem(FAR).names == frozenset()
