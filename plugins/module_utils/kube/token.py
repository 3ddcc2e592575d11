# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a token of a ServiceAccount says of itself: a JSON Web Token (RFC 7519), which only its cluster can verify.

Pure. Private to the collection.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import json
import typing as t

from ..errors import PlatformError


def moment(text: str) -> datetime.datetime:
    """A point in time from RFC 3339.

    :raises PlatformError: for anything else.
    """
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise PlatformError(f"{text!r} is no point in time as in RFC 3339") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=datetime.UTC)


def stamp() -> str:
    """This moment, RFC 3339, in whole seconds."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def claims(token: str) -> dict[str, t.Any]:
    """The claims of a JSON Web Token, unverified; empty for a token of another kind."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return {}
    return payload if isinstance(payload, dict) else {}


def granted(token: str, expires: str, now: datetime.datetime) -> int:
    """Seconds for which a token was granted: from its own claims, or from now until its end."""
    said = claims(token)
    if isinstance(said.get("iat"), (int, float)) and isinstance(said.get("exp"), (int, float)):
        return round(float(said["exp"]) - float(said["iat"]))
    return round((moment(expires) - now).total_seconds())


def end(token: str) -> str:
    """When a token ends, RFC 3339.

    :raises KeyError: it does not say so.
    """
    return datetime.datetime.fromtimestamp(claims(token)["exp"], datetime.UTC).isoformat()


def service_account(token: str) -> tuple[str, str] | None:
    """Namespace and name of the ServiceAccount whose token it is; None for a token of another kind."""
    said = claims(token).get("kubernetes.io")
    account = said.get("serviceaccount") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(account, dict):
        return None
    namespace, name = said.get("namespace"), account.get("name")
    return (namespace, name) if isinstance(namespace, str) and isinstance(name, str) else None
