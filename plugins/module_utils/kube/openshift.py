# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs in to OpenShift by user and password, and out again. Private to the collection.

OpenShift's API server takes tokens only; its OAuth server gives one to whoever answers its challenge (RFC 6749 with
PKCE, RFC 7636; where the server is, is said by RFC 8414). The token is used for one task, and revoked when it ends.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
import typing as t
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

from ..errors import InvalidInput, PlatformError, Problem
from .address import check_server
from .client import Client
from .connection import Connection
from .errors import ApiError
from .transport import Lost, Response, Transport

#: The client of OpenShift's own command line, which answers a challenge instead of showing a page.
_CLIENT = "openshift-challenging-client"
_TOKENS = "/apis/user.openshift.io/v1/useroauthaccesstokens"
_WELL_KNOWN = "/.well-known/oauth-authorization-server"


def log_in(connection: Connection, username: str, password: str, deadline: float = 30.0) -> Connection:
    """The connection with a token of this user.

    :param connection: address and CA; its certificates must be good for the OAuth server's route, too.
    :param deadline: seconds for all requests together.
    :raises PlatformError: it is no OpenShift, its OAuth server cannot be reached, or takes no passwords from programs.
    :raises InvalidInput: user or password are not accepted. Neither is shown.
    """
    until = time.monotonic() + deadline
    found = _described(connection, until)
    verifier = secrets.token_urlsafe(48)
    code = _code(connection, found["authorization_endpoint"], username, password, verifier, until)
    form = {"grant_type": "authorization_code", "code": code, "client_id": _CLIENT, "code_verifier": verifier}
    headers = {
        "Accept": "application/json",
        "Authorization": _basic(_CLIENT, ""),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    body = urlencode(form).encode()
    response = _ask(connection, "POST", found["token_endpoint"], headers, body, until)
    answer = _json(response)
    if response.status != 200 or not answer.get("access_token"):
        raise PlatformError(f"{_name(found['token_endpoint'])} gives no token: {_reason(answer, response)}")
    return replace(connection, token=str(answer["access_token"]), client_certificate="", client_key="")


def log_out(connection: Connection, deadline: float = 10.0) -> str:
    """Revokes the token of a connection. Returns why it could not, empty when it was."""
    try:
        with Client(connection, deadline=deadline) as client:
            client.request("DELETE", f"{_TOKENS}/{token_name(connection.token)}")
    except ApiError as exc:
        return "" if exc.status in (401, 404) else str(exc)
    return ""


def token_name(token: str) -> str:
    """The name of the object that stands for a token (OpenShift 4.6 and newer)."""
    digest = hashlib.sha256(token.removeprefix("sha256~").encode()).digest()
    return "sha256~" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _described(connection: Connection, until: float) -> dict[str, str]:
    response = _ask(connection, "GET", connection.server + _WELL_KNOWN, {"Accept": "application/json"}, None, until)
    answer = _json(response)
    if response.status != 200:
        raise PlatformError(
            f"{_name(connection.server)} names no OAuth server ({response.status}), so it is no OpenShift that takes "
            "user and password: give a kubeconfig or a token."
        )
    keys = ("authorization_endpoint", "token_endpoint")
    return {key: check_server(str(answer.get(key) or ""), f"OAuth server: {key}") for key in keys}


def _code(connection: Connection, endpoint: str, username: str, password: str, verifier: str, until: float) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": _CLIENT,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    # The header tells the server that no browser was tricked into this.
    headers = {"X-CSRF-Token": "1", "Authorization": _basic(username, password)}
    response = _ask(connection, "GET", f"{endpoint}?{urlencode(query)}", headers, None, until)
    if response.status == 401:
        _refuse(endpoint, response)
    if response.status not in (302, 303):
        raise PlatformError(f"{_name(endpoint)} answers with {response.status} to a login, which no OAuth server does.")
    answer = dict(parse_qsl(urlsplit(response.headers.get("location", "")).query))
    if not answer.get("code"):
        why = answer.get("error_description") or answer.get("error") or "it asks for a page in a browser"
        raise PlatformError(f"{_name(endpoint)} does not log {username} in: {why}. Give a kubeconfig or a token.")
    return answer["code"]


def _refuse(endpoint: str, response: Response) -> t.NoReturn:
    if not response.headers.get("www-authenticate", "").lower().startswith("basic"):
        raise PlatformError(
            f"{_name(endpoint)} takes no passwords from programs: none of its identity providers answers a challenge. "
            "Give a kubeconfig or a token."
        )
    remedy = "Correct them; OpenShift's own kubeadmin may have been removed"
    raise InvalidInput(
        [Problem("username, password", "(not shown)", f"{_name(endpoint)} does not accept them", remedy)]
    )


def _ask(
    connection: Connection, method: str, url: str, headers: dict[str, str], body: bytes | None, until: float
) -> Response:
    """One request to any host, verified with the connection's certificates; redirects are not followed."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    same = urlsplit(connection.server).netloc == parts.netloc
    where = Connection(origin, connection.ca_data, tls_server_name=connection.tls_server_name if same else "")
    transport = Transport(where, 1)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        return transport.exchange(method, target, headers, body, until)
    except Lost as lost:
        remedy = " Give the CA of the cluster's ingress in ca_cert, too." if "trusted" in str(lost) else ""
        raise PlatformError(f"{_name(url)}: {lost}.{remedy}") from None
    finally:
        transport.close()


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _name(url: str) -> str:
    return f"https://{urlsplit(url).netloc}"


def _json(response: Response) -> dict[str, t.Any]:
    try:
        answer = json.loads(response.body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _reason(answer: t.Mapping[str, t.Any], response: Response) -> str:
    return str(answer.get("error_description") or answer.get("error") or f"status {response.status}")
