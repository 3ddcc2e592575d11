# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where an API server is and who we are to it. Reads arguments, C(K8S_AUTH_*) and kubeconfigs. Private to the
collection.

A kubeconfig is code in disguise: it can name programs to run and files to read. What it may do here is nothing but
carry an address, a CA and a credential, unless the operator allows one thing by name.
"""

from __future__ import annotations

import base64
import binascii
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import InvalidInput, Problem
from .address import check_server
from .documents import load_one

#: What an operator may allow in a kubeconfig, and what each means.
ALLOWABLE = ("exec", "files", "link-local")

#: The connection part of an argument spec.
ARGUMENTS: dict[str, t.Any] = {
    "access": {
        "type": "dict",
        "no_log": True,
        "options": {
            "server": {"type": "str", "required": True},
            "ca_data": {"type": "str"},
            "token": {"type": "str", "required": True, "no_log": True},
            "expires": {"type": "str"},
            "tls_server_name": {"type": "str"},
            "uid": {"type": "str"},
        },
    },
    "kubeconfig": {"type": "raw", "no_log": True},
    "kubeconfig_allow": {"type": "list", "elements": "str", "choices": list(ALLOWABLE), "default": []},
    "context": {"type": "str"},
    "host": {"type": "str"},
    "api_key": {"type": "str", "no_log": True},
    "ca_cert": {"type": "str"},
}
#: Its constraints.
CONSTRAINTS: dict[str, t.Any] = {
    "mutually_exclusive": [("access", "kubeconfig"), ("access", "host"), ("access", "api_key"), ("access", "context")],
}

_KUBECONFIG_LIMIT = 1024 * 1024
_FALSE = {"false", "no", "off", "0", "n", "f"}


@dataclass(frozen=True)
class Connection:
    """How to reach one API server, verified.

    :param server: ``https://host:port``, with a path if a proxy adds one.
    :param ca_data: PEM certificates to trust; empty means those of the system.
    :param token: bearer token, or empty.
    :param client_certificate: PEM, or empty; needs ``client_key``.
    :param client_key: PEM.
    :param tls_server_name: the name to verify the certificate against, if not the host of ``server``.
    :param expires: when the credential ends, RFC 3339, or empty when unknown.
    :param renew: reads the credential anew from where it came from, such as an exec plugin; None where it cannot be.
    """

    server: str
    ca_data: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    client_certificate: str = field(default="", repr=False)
    client_key: str = field(default="", repr=False)
    tls_server_name: str = ""
    expires: str = ""
    renew: t.Callable[[], Connection] | None = field(default=None, repr=False, compare=False)

    def with_credential_of(self, other: Connection) -> Connection:
        """The same server, with another credential."""
        return replace(
            self,
            token=other.token,
            client_certificate=other.client_certificate,
            client_key=other.client_key,
            expires=other.expires,
            renew=other.renew,
        )


def resolve(params: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> Connection:
    """The connection that a task's arguments mean.

    C(access) stands alone. A C(kubeconfig) argument does not look at the environment; beside a C(host) argument only
    C(K8S_AUTH_API_KEY) and C(K8S_AUTH_SSL_CA_CERT) are looked at; without both, C(K8S_AUTH_HOST),
    C(K8S_AUTH_KUBECONFIG) and C(K8S_AUTH_CONTEXT) are, too: what AWX injects for one cluster must not be sent to
    another. An address or credential given beside a kubeconfig replaces the one in it. There is no silent default such
    as C(~/.kube/config): the wrong cluster must not be changed by omission.

    :param params: arguments in the shape of :data:`ARGUMENTS`.
    :param environ: the environment of the task.
    :raises InvalidInput: nothing named, verification turned off, or something that is refused.
    """
    if params.get("access"):
        return _from_access(params["access"])
    _refuse_unverified(environ)
    kubeconfig, named = params.get("kubeconfig"), params.get("host")
    injected = {} if kubeconfig else environ
    host = named or injected.get("K8S_AUTH_HOST") or ""
    token = params.get("api_key") or injected.get("K8S_AUTH_API_KEY") or ""
    ca_cert = params.get("ca_cert") or injected.get("K8S_AUTH_SSL_CA_CERT") or ""
    allow = tuple(params.get("kubeconfig_allow") or ())
    if not kubeconfig and not named:
        kubeconfig = injected.get("K8S_AUTH_KUBECONFIG")
    if kubeconfig:
        context = params.get("context") or injected.get("K8S_AUTH_CONTEXT") or None
        connection = from_kubeconfig(read_kubeconfig(kubeconfig), context, allow)
    elif host and token:
        connection = Connection(server=check_server(host, "host", "link-local" in allow))
    else:
        raise InvalidInput([_nothing_named(host)])
    if host and connection.server != host:
        connection = replace(connection, server=check_server(host, "host", "link-local" in allow))
    if token:
        connection = connection.with_credential_of(Connection("", token=token))
    if ca_cert:
        connection = replace(connection, ca_data=_ca_from_argument(ca_cert))
    return connection


def _nothing_named(host: str) -> Problem:
    if host:
        return Problem("api_key", None, "host is given without a credential", "Give api_key or K8S_AUTH_API_KEY")
    return Problem(
        "kubeconfig",
        None,
        "no cluster is named",
        "Give access, kubeconfig, or host with api_key, or the K8S_AUTH_* environment variables; in an inventory, "
        "kubeconfig or cluster_credential of the cluster's host",
    )


def _refuse_unverified(environ: t.Mapping[str, str]) -> None:
    value = environ.get("K8S_AUTH_VERIFY_SSL", "")
    if value.strip().lower() in _FALSE:
        raise InvalidInput(
            [
                Problem(
                    "K8S_AUTH_VERIFY_SSL",
                    value,
                    "TLS is always verified",
                    "Remove it, and give the cluster's CA by ca_cert or K8S_AUTH_SSL_CA_CERT",
                )
            ]
        )


def _from_access(access: t.Mapping[str, t.Any]) -> Connection:
    return Connection(
        server=check_server(str(access.get("server") or ""), "access: server", True),
        ca_data=pem(str(access.get("ca_data") or ""), "access: ca_data"),
        token=str(access.get("token") or ""),
        tls_server_name=str(access.get("tls_server_name") or ""),
        expires=str(access.get("expires") or ""),
    )


def _ca_from_argument(value: str) -> str:
    if "-----BEGIN" in value:
        return value
    try:
        return Path(value).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        problem = Problem("ca_cert", value, f"cannot be read: {_why(exc)}", "Give a readable PEM file or its content")
        raise InvalidInput([problem]) from None


def pem(value: str, key: str) -> str:
    """PEM text from PEM or base64 of PEM.

    :raises InvalidInput: for anything else; the value is not shown.
    """
    if not value or "-----BEGIN" in value:
        return value
    try:
        text = base64.b64decode(value, validate=False).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        text = ""
    if "-----BEGIN" not in text:
        raise InvalidInput([Problem(key, "(not shown)", "is neither PEM nor base64 of PEM", "Give one of these")])
    return text


def read_kubeconfig(value: t.Any) -> t.Any:
    """The document that a C(kubeconfig) argument means: a mapping as it is, YAML content, or the path of a file.

    :raises InvalidInput: unreadable; content is never part of the message.
    """
    if isinstance(value, dict):
        return value
    text = str(value)
    if "\n" not in text and not text.lstrip().startswith("{"):
        path = Path(text).expanduser()
        try:
            if path.stat().st_size > _KUBECONFIG_LIMIT:
                raise InvalidInput([Problem("kubeconfig", text, "is larger than 1 MiB", "Give a kubeconfig")])
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError, ValueError) as exc:
            problem = Problem("kubeconfig", text, f"cannot be read: {_why(exc)}", "Give a readable file or its content")
            raise InvalidInput([problem]) from None
    return load_one(text, "kubeconfig", _KUBECONFIG_LIMIT)


def _why(exc: Exception) -> str:
    return (exc.strerror if isinstance(exc, OSError) else None) or type(exc).__name__


def from_kubeconfig(document: t.Any, context: str | None = None, allow: t.Collection[str] = ()) -> Connection:
    """The connection that a context of a kubeconfig means.

    :param document: the parsed kubeconfig.
    :param context: the name of a context; the current one by default.
    :param allow: what the operator allows this kubeconfig beyond carrying data, of :data:`ALLOWABLE`.
    :raises InvalidInput: an entry is missing, malformed, or wants something that is not allowed; names every one.
    """
    if not isinstance(document, dict):
        raise InvalidInput([Problem("kubeconfig", type(document).__name__, "is not a mapping", "Give a kubeconfig")])
    name = context or document.get("current-context")
    if not name:
        problem = Problem("kubeconfig: current-context", None, "no context is chosen", "Give context")
        raise InvalidInput([problem])
    chosen = _entry(document, "contexts", "context", str(name))
    cluster_name, user_name = str(chosen.get("cluster")), str(chosen.get("user"))
    cluster = _entry(document, "clusters", "cluster", cluster_name)
    user = _entry(document, "users", "user", user_name)
    problems = _cluster_problems(cluster, cluster_name, allow) + _user_problems(user, user_name, allow)
    if problems:
        raise InvalidInput(problems)
    where = f"kubeconfig: clusters[{cluster_name}]: server"
    connection = Connection(
        server=check_server(str(cluster.get("server") or ""), where, "link-local" in allow),
        ca_data=_material(cluster, "certificate-authority", cluster_name),
        tls_server_name=str(cluster.get("tls-server-name") or ""),
        token=str(user.get("token") or ""),
        client_certificate=_material(user, "client-certificate", user_name),
        client_key=_material(user, "client-key", user_name),
    )
    if user.get("exec"):
        return _with_exec(connection, user["exec"], cluster)
    if user.get("tokenFile") and not user.get("token"):
        connection = _with_token_file(connection, str(user["tokenFile"]))
    return _checked(connection, user_name)


def _checked(connection: Connection, user: str) -> Connection:
    if not connection.token and not (connection.client_certificate and connection.client_key):
        raise InvalidInput(
            [
                Problem(
                    f"kubeconfig: users[{user}]",
                    None,
                    "carries no credential",
                    "Give it a token, or client-certificate-data with client-key-data",
                )
            ]
        )
    return connection


def _entry(document: t.Mapping[str, t.Any], section: str, inner: str, name: str) -> dict[str, t.Any]:
    items = document.get(section)
    named = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    found = [item for item in named if item.get("name") == name]
    if len(found) == 1 and isinstance(found[0].get(inner), dict):
        return dict(found[0][inner])
    known = ", ".join(str(item.get("name")) for item in named) or "none"
    reason = f"stands {len(found)} times" if len(found) > 1 else "does not exist or is malformed"
    raise InvalidInput([Problem(f"kubeconfig: {section}", name, reason, f"Known {section}: {known}")])


def _cluster_problems(cluster: t.Mapping[str, t.Any], name: str, allow: t.Collection[str]) -> list[Problem]:
    where = f"kubeconfig: clusters[{name}]"
    problems = []
    if cluster.get("insecure-skip-tls-verify"):
        remedy = "Remove it and give certificate-authority-data, and tls-server-name if the names differ"
        problems.append(Problem(f"{where}: insecure-skip-tls-verify", True, "TLS is always verified", remedy))
    if cluster.get("proxy-url"):
        remedy = "Remove it and give a server that can be reached directly"
        problems.append(Problem(f"{where}: proxy-url", "(not shown)", "proxies are not used", remedy))
    if cluster.get("certificate-authority") and not cluster.get("certificate-authority-data"):
        problems += _file_problem(f"{where}: certificate-authority", cluster["certificate-authority"], allow)
    return problems


def _user_problems(user: t.Mapping[str, t.Any], name: str, allow: t.Collection[str]) -> list[Problem]:
    where = f"kubeconfig: users[{name}]"
    problems = []
    if user.get("exec") and "exec" not in allow:
        command = user["exec"].get("command") if isinstance(user["exec"], dict) else None
        remedy = "Give a token instead, or allow this for this cluster with kubeconfig_allow: [exec]"
        problems.append(Problem(f"{where}: exec", command, "would run a program on the controller", remedy))
    if user.get("auth-provider"):
        remedy = "Kubernetes has removed it: give a token, or an exec plugin with kubeconfig_allow: [exec]"
        problems.append(Problem(f"{where}: auth-provider", "(not shown)", "is not supported", remedy))
    problems += [
        Problem(f"{where}: {key}", "(not shown)", "is not supported", "Give a token")
        for key in ("username", "password", "as", "as-uid", "as-groups", "as-user-extra")
        if user.get(key)
    ]
    for key in ("client-certificate", "client-key", "tokenFile"):
        covered = user.get(f"{key}-data") or (key == "tokenFile" and user.get("token"))
        if user.get(key) and not covered:
            problems += _file_problem(f"{where}: {key}", user[key], allow)
    return problems


def _file_problem(where: str, value: t.Any, allow: t.Collection[str]) -> list[Problem]:
    if "files" in allow:
        if Path(str(value)).is_absolute():
            return []
        return [Problem(where, value, "is not an absolute path", "Give an absolute path")]
    remedy = "Put the content into the kubeconfig (kubectl config view --flatten), or kubeconfig_allow: [files]"
    return [Problem(where, value, "would read a file of the controller", remedy)]


def _material(entry: t.Mapping[str, t.Any], key: str, name: str) -> str:
    data = entry.get(f"{key}-data")
    if data:
        return pem(str(data), f"kubeconfig: {name}: {key}-data")
    return _read(str(entry[key]), f"kubeconfig: {name}: {key}") if entry.get(key) else ""


def _with_token_file(connection: Connection, path: str) -> Connection:
    token = _read(path, "kubeconfig: tokenFile").strip()
    return replace(connection, token=token, renew=lambda: _with_token_file(connection, path))


def _read(path: str, key: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidInput([Problem(key, path, f"cannot be read: {_why(exc)}", "Give a readable file")]) from None


def _with_exec(connection: Connection, declared: t.Any, cluster: t.Mapping[str, t.Any]) -> Connection:
    # Imported for the one who allows it only: the kubernetes package takes half a second to load.
    from .exec_credential import credential

    status = credential(declared, cluster)
    return replace(
        connection,
        token=status.get("token", ""),
        client_certificate=status.get("clientCertificateData", ""),
        client_key=status.get("clientKeyData", ""),
        expires=status.get("expirationTimestamp", ""),
        renew=lambda: _with_exec(connection, declared, cluster),
    )
