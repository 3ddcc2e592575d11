# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A ServiceAccount's token that is about to end makes its successor, for operations that outlast it, such as a drain.

Private to the collection.
"""

from __future__ import annotations

import datetime
from dataclasses import replace

from .connection import Connection
from .token import granted, service_account

_DEADLINE = 10.0


def renewing(connection: Connection) -> Connection:
    """The same connection, which can make its token anew while that is good; unchanged for other credentials."""
    account = service_account(connection.token)
    if account is None or not connection.expires or connection.renew is not None:
        return connection
    namespace, name = account
    return replace(connection, renew=lambda: _renewed(connection, namespace, name))


def _renewed(connection: Connection, namespace: str, name: str) -> Connection:
    # Imported here, since every client comes by this module.
    from .client import Client

    lifetime = granted(connection.token, connection.expires, datetime.datetime.now(datetime.UTC))
    # Without its end this one is not renewed itself.
    with Client(replace(connection, expires=""), deadline=_DEADLINE) as client:
        status = client.create_token(namespace, name, max(lifetime, 600))
    return renewing(replace(connection, token=str(status["token"]), expires=str(status["expirationTimestamp"])))
