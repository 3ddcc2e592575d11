# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator supplies once to reach a cluster: what :mod:`connection` reads, or user and password of OpenShift.

Private to the collection.
"""

from __future__ import annotations

import typing as t

from ..errors import InvalidInput, Problem
from ..operation import Context
from . import openshift
from .connection import ARGUMENTS as CONNECTION_ARGUMENTS
from .connection import Connection, resolve

#: The connection part of an argument spec, for modules that take a supplied credential.
ARGUMENTS: dict[str, t.Any] = {
    **CONNECTION_ARGUMENTS,
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
}


def given(params: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> bool:
    """True if a credential was supplied, by argument or by environment."""
    named = ("kubeconfig", "host", "username")
    return any(params.get(key) for key in named) or any(
        environ.get(f"K8S_AUTH_{key.upper()}") for key in ("kubeconfig", "host")
    )


def supplied(params: t.Mapping[str, t.Any], context: Context) -> Connection:
    """The connection that a task's arguments mean. A login ends with the operation.

    C(username) and C(password) stand in place of a token; so do C(K8S_AUTH_USERNAME) and C(K8S_AUTH_PASSWORD) where
    no argument is a credential.

    :raises InvalidInput: of :func:`connection.resolve`; or one of the two is missing, or they are not accepted.
    """
    environ = context.environ
    injected = {} if params.get("kubeconfig") or params.get("api_key") else environ
    username = str(params.get("username") or injected.get("K8S_AUTH_USERNAME") or "")
    password = str(params.get("password") or injected.get("K8S_AUTH_PASSWORD") or "")
    if params.get("access") or not (username or password):
        return resolve(params, environ)
    for name, value in (("username", username), ("password", password)):
        if not value:
            other = "password" if name == "username" else "username"
            raise InvalidInput([Problem(name, None, f"{other} is given without it", f"Give {name}")])
    # An address is needed and no credential: what stands for one here is replaced by the login.
    where = resolve({**params, "api_key": params.get("api_key") or "login"}, environ)
    made = openshift.log_in(where, username, password)
    context.resources.callback(_log_out, made, context)
    return made


def _log_out(made: Connection, context: Context) -> None:
    left = openshift.log_out(made)
    if left:
        context.progress(f"the token of this login was not revoked, and ends by itself: {left}")
