# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tokens of ServiceAccounts. One that is about to end makes its successor, for operations that outlast it, such as a
drain.

Private to the collection.
"""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import replace

from .connection import Connection
from .resources import STATIC
from .session import Call, Session
from .token import granted, service_account

_DEADLINE = 10.0


def renewing(connection: Connection) -> Connection:
    """The same connection, which can make its token anew while that is good; unchanged for other credentials."""
    account = service_account(connection.token)
    if account is None or not connection.expires or connection.renew is not None:
        return connection
    namespace, name = account
    return replace(connection, renew=lambda: _renewed(connection, namespace, name))


def requested(session: Session, namespace: str, service_account: str, seconds: int) -> dict[str, t.Any]:
    """A new token: C(token) and C(expirationTimestamp), which the server may have shortened."""
    path = f"{STATIC['v1', 'ServiceAccount'].path(namespace, service_account)}/token"
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": seconds},
    }
    what = f"token of ServiceAccount {namespace}/{service_account}"
    return t.cast(dict[str, t.Any], session.obtain(Call("POST", path, "create", what, body=body))["status"])


def _renewed(connection: Connection, namespace: str, name: str) -> Connection:
    lifetime = granted(connection.token, connection.expires, datetime.datetime.now(datetime.UTC))
    # Without its end this one is not renewed itself.
    with Session(replace(connection, expires=""), deadline=_DEADLINE) as session:
        status = requested(session, namespace, name, max(lifetime, 600))
    return renewing(replace(connection, token=str(status["token"]), expires=str(status["expirationTimestamp"])))
