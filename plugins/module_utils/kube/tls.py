# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS contexts, one a process for each set of certificates. Private to the collection."""

from __future__ import annotations

import datetime
import hashlib
import os
import ssl
import threading
import typing as t

from ..errors import PlatformError
from .connection import Connection

_contexts: dict[str, ssl.SSLContext] = {}
_lock = threading.Lock()
# OpenSSL sets itself up with its first context; done here, it is done before Ansible forks a process for every task.
ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def context(connection: Connection) -> ssl.SSLContext:
    """The TLS context for a connection. It always verifies, and no key is ever written to a disk.

    :raises PlatformError: certificates that cannot be used.
    """
    material = "\0".join((connection.ca_data, connection.client_certificate, connection.client_key))
    digest = hashlib.sha256(material.encode()).hexdigest()
    with _lock:
        if digest not in _contexts:
            _contexts[digest] = _make(connection)
        return _contexts[digest]


def end_of(certificate: t.Mapping[str, t.Any]) -> str | None:
    """When a certificate ends, RFC 3339, given what a verified socket says of its peer; None where it says nothing."""
    end = certificate.get("notAfter")
    if not end:
        return None
    return datetime.datetime.fromtimestamp(ssl.cert_time_to_seconds(str(end)), datetime.UTC).isoformat()


def _make(connection: Connection) -> ssl.SSLContext:
    try:
        made = ssl.create_default_context(cadata=connection.ca_data or None)
    except (ssl.SSLError, ValueError):
        raise PlatformError(f"The CA certificates for {connection.server} cannot be read: not PEM") from None
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python 3.13 demands an authority key identifier, which the CAs of many running clusters lack.
    made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if connection.client_certificate:
        _load_client(made, connection)
    return made


def _load_client(made: ssl.SSLContext, connection: Connection) -> None:
    # OpenSSL reads keys from files only; a memfd is a file that no disk ever sees.
    if not hasattr(os, "memfd_create"):
        raise PlatformError("Client certificates need Linux on the controller. Use a token instead.")
    handle = os.memfd_create("lodestar", os.MFD_CLOEXEC)
    try:
        pair = f"{connection.client_certificate.rstrip()}\n{connection.client_key.rstrip()}\n"
        os.write(handle, pair.encode())
        made.load_cert_chain(f"/proc/self/fd/{handle}", password=_no_password)
    except (ssl.SSLError, ValueError):
        raise PlatformError(
            f"The client certificate for {connection.server} cannot be used: not PEM, encrypted, or another key's"
        ) from None
    finally:
        os.close(handle)


def _no_password() -> str:
    raise ValueError("the key is encrypted")
