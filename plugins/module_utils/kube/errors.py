# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an API server can answer that is not success, as errors for operators. Private to the collection.

Messages name the verb, the object and the server's reason. They never hold the content of a Secret: the server quotes
refused values, so for Secrets only the names of the fields are kept.
"""

from __future__ import annotations

import re
import typing as t

from ..errors import PlatformError

#: What a server may say of a Secret that it cannot read, without its value.
_HARMLESS = re.compile(
    r"[\w.\[\]-]+: expected \w+|illegal base64 data at input byte \d+"
    r'|failed calling webhook "[\w.-]+"|etcdserver: [a-z ]+'
)
#: The answers that are about the content of an object that was sent.
_ABOUT_CONTENT = (400, 422, 500)
_READING = ("get", "list", "delete")
_MANAGER = re.compile(r'conflicts? with "([^"]+)"')

#: What nonsense from a server makes of code that takes it for objects of Kubernetes.
NONSENSE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class ApiError(PlatformError):
    """A request that did not succeed.

    :param status: the HTTP status, ``None`` when there was no answer.
    :param reason: the server's machine-readable reason, such as ``AlreadyExists``.
    """

    def __init__(self, message: str, *, status: int | None = None, reason: str = "", **details: t.Any) -> None:
        super().__init__(message, status=status, reason=reason, **details)
        self.status = status
        self.reason = reason


class Unauthorized(ApiError):
    """401: the credential is unknown or has expired."""

    ends_all = True


class Forbidden(ApiError):
    """403: the identity lacks a right, or admission refused."""


class NotFound(ApiError):
    """404: the object, its namespace or its kind does not exist."""


class UnknownKind(NotFound):
    """The server does not serve this kind."""


class Conflict(ApiError):
    """409: another manager owns a field, the object exists already, or it was replaced meanwhile.

    ``managers`` names the field managers the server named.
    """

    @property
    def managers(self) -> list[str]:
        """The names of the other field managers, empty when the conflict is not about fields."""
        return list(self.details.get("managers", ()))


class Gone(ApiError):
    """410: the continue token of a list has expired."""


class Invalid(ApiError):
    """400 or 422: the object is malformed; the message names the fields."""


class Throttled(ApiError):
    """429 for longer than the deadline allows."""


class ServerError(ApiError):
    """5xx until the deadline or the last attempt."""


class Unreachable(ApiError):
    """No usable answer: refused, reset, TLS failure, a deadline, or something that is not a Kubernetes API."""

    ends_all = True


_BY_STATUS: dict[int, type[ApiError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: Invalid,
    429: Throttled,
}
_UNAUTHORIZED = "the credential is not accepted: it has expired, was revoked, or is for another cluster"


def from_response(status: int, body: t.Any, verb: str, what: str) -> ApiError:
    """The error that stands for a response.

    :param status: HTTP status, 400 or higher.
    :param body: the decoded body, a C(Status) object if it came from Kubernetes.
    :param verb: ``get``, ``apply``, ...
    :param what: the object in words, ``Namespace team-a``.
    """
    answer = body if isinstance(body, dict) and body.get("kind") == "Status" else {}
    reason = str(answer.get("reason") or "")
    causes = [item for item in (answer.get("details") or {}).get("causes") or () if isinstance(item, dict)]
    kind = _BY_STATUS.get(status, ServerError if status >= 500 else ApiError)
    hidden = what.startswith("Secret ") and status in _ABOUT_CONTENT and verb not in _READING
    told = _text(answer, causes, what)
    told = _harmless(told) if hidden and told and not causes else told
    text = _UNAUTHORIZED if status == 401 else told or f"HTTP {status}"
    fields: dict[str, t.Any] = {"verb": verb, "object": what}
    managers = sorted({match for item in causes for match in _MANAGER.findall(str(item.get("message")))})
    if managers:
        fields["managers"] = managers
        fields["fields"] = sorted({str(item.get("field")) for item in causes if item.get("field")})
        text = f"field(s) {', '.join(fields['fields'])} belong to {', '.join(managers)}"
    return kind(f"{verb} {what}: {text}", status=status, reason=reason, **fields)


def _harmless(said: str) -> str:
    """What is wrong with a Secret. Servers repeat values, so only what is known to hold none is told."""
    found = _HARMLESS.search(said)
    return found.group() if found else "the server's words are not shown, since they may repeat a value"


def _text(answer: dict[str, t.Any], causes: list[dict[str, t.Any]], what: str) -> str:
    if what.startswith("Secret ") and causes:
        return "; ".join(f"{item.get('field')}: {item.get('reason')}" for item in causes)
    # One line, so that nothing looks like a message of ours.
    return " ".join(str(answer.get("message") or "")[:2000].split())
