# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observes a cluster that is to join the fleet, and judges it. Reads only. Private to the collection."""

from __future__ import annotations

import datetime
import email.utils
import socket
import ssl
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from urllib.parse import urlsplit

from ..kube import connection, credentials
from ..kube.client import Client
from ..kube.connection import Connection
from ..kube.errors import ApiError, Forbidden, Unreachable
from ..kube.tls import end_of
from ..kube.token import claims
from ..operation import Context, Operation
from ..plan import Plan
from . import checks, checks_read
from .access import TIERS, hands_on
from .access_info import HUB_ARGUMENTS, hub_client, hub_uid, stored_access
from .attach import records_of
from .checks_model import Expected, Observation
from .identity import NAMESPACE, guard_name

RBAC = "rbac.authorization.k8s.io"


def observe(made: Connection, tier: str, deadline: float) -> Observation:
    """What can be seen of a cluster with a credential."""
    seen = Observation(server=made.server)
    _handshake(made, seen, deadline)
    if seen.unreachable or seen.tls_problem:
        return seen
    seen.credential_end = credential_end(made)
    with Client(made, deadline=deadline) as client:
        try:
            started = time.monotonic()
            seen.git_version = str(client.version().get("gitVersion") or "")
            seen.latency = time.monotonic() - started
        except Unreachable as exc:
            seen.unreachable = str(exc)
            return seen
        except ApiError as exc:
            seen.unreadable["version"] = str(exc)
        seen.skew = _skew(client.server_date, time.time())
        checks_read.read(client, seen)
        seen.missing_rights = checks_read.attempt(seen, "rights", lambda: missing_rights(client, tier))
    return seen


def _handshake(made: Connection, seen: Observation, deadline: float) -> None:
    """The serving certificate, as a client of the kubeconfig verifies it."""
    url = urlsplit(made.server)
    host, port = str(url.hostname), url.port or 443
    context = ssl.create_default_context(cadata=made.ca_data or None)
    try:
        with (
            socket.create_connection((host, port), timeout=deadline) as raw,
            context.wrap_socket(raw, server_hostname=made.tls_server_name or host) as secured,
        ):
            certificate = t.cast(dict[str, t.Any], secured.getpeercert() or {})
    except ssl.SSLCertVerificationError as exc:
        seen.tls_problem = exc.verify_message or str(exc)
        return
    except (ssl.SSLError, ConnectionResetError) as exc:
        seen.tls_problem = f"no TLS handshake: {exc}"
        return
    except OSError as exc:
        seen.unreachable = f"{host}:{port}: {exc.strerror or exc or type(exc).__name__}"
        return
    seen.certificate_names = [str(value) for _kind, value in certificate.get("subjectAltName") or ()]
    seen.certificate_end = end_of(certificate)


def credential_end(made: Connection) -> str:
    """The last moment of a credential, RFC 3339: a token says it, or its client certificate; "" when nothing does."""
    if made.expires:
        return made.expires
    if made.token:
        end = claims(made.token).get("exp")
        return datetime.datetime.fromtimestamp(end, datetime.UTC).isoformat() if isinstance(end, (int, float)) else ""
    return _certificate_end(made.client_certificate)


def _certificate_end(pem: str) -> str:
    """The C(notAfter) of a PEM certificate, found in its DER by the structure of RFC 5280."""
    if not pem:
        return ""
    try:
        der = ssl.PEM_cert_to_DER_cert(pem[: pem.index("-----END CERTIFICATE-----") + 25])
        text = _not_after(der)
    except (ValueError, IndexError):
        return ""
    form = "%y%m%d%H%M%SZ" if len(text) == 13 else "%Y%m%d%H%M%SZ"
    return datetime.datetime.strptime(text, form).replace(tzinfo=datetime.UTC).isoformat()


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """Tag, start and end of the content of the DER element at an offset."""
    length, start = der[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(der[start : start + size], "big"), start + size
    return der[at], start, start + length


def _not_after(der: bytes) -> str:
    _tag, at, _end = _element(der, 0)
    _tag, at, _end = _element(der, at)
    # TBSCertificate: [0] version, serialNumber, signature, issuer, validity.
    skip = 4 if der[at] == 0xA0 else 3
    for _index in range(skip):
        at = _element(der, at)[2]
    _tag, at, _end = _element(der, at)
    at = _element(der, at)[2]
    _tag, start, end = _element(der, at)
    return der[start:end].decode("ascii")


def _skew(date: str, now: float) -> float | None:
    try:
        there = email.utils.parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return None
    # The header has whole seconds: the middle of that second is the best guess.
    skew = there + 0.5 - now
    return 0.0 if abs(skew) < 1 else skew


#: What attaching itself does, beside the rights that it hands on: (verb, group, resource, namespace).
ATTACHING = (
    *((verb, "", "namespaces", None) for verb in ("get", "list", "create", "patch")),
    *((verb, "", "serviceaccounts", NAMESPACE) for verb in ("get", "create", "patch")),
    ("create", "", "serviceaccounts/token", NAMESPACE),
    *((verb, "", "configmaps", NAMESPACE) for verb in ("get", "create", "patch")),
    *(
        (verb, RBAC, resource, None)
        for resource in ("clusterroles", "clusterrolebindings", "roles", "rolebindings")
        for verb in ("get", "list", "create", "patch")
    ),
)


def missing_rights(client: Client, tier: str) -> list[str]:
    """What a credential cannot do of what attaching with a tier needs, in words.

    An administrator costs one request. Others are asked for every single right, since Kubernetes lets nobody hand on
    rights that they do not hold, unless they may C(escalate).
    """
    if client.can("*", "*", "*"):
        return []
    wanted: list[tuple[str, str, str, str | None, str]] = [(*item, "") for item in ATTACHING]
    if not client.can("escalate", RBAC, "clusterroles"):
        wanted += [(verb, group, resource, None, name) for verb, group, resource, name in hands_on(tier)]

    def lacking(item: tuple[str, str, str, str | None, str]) -> str:
        verb, group, resource, namespace, name = item
        kind, _slash, sub = resource.partition("/")
        allowed = client.can(verb, group, kind, namespace=namespace, name=name or None, subresource=sub or None)
        words = f"{verb} {resource}{f'.{group}' if group else ''}{f' {name}' if name else ''}"
        return "" if allowed else words + (f" in {namespace}" if namespace else "")

    with ThreadPoolExecutor(max_workers=8) as pool:
        return [text for text in pool.map(lacking, dict.fromkeys(wanted)) if text]


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """Observes, shows the table, and refuses the cluster when an error stands in it. There is never anything to do."""
    cluster = params["cluster"]
    guard_name(cluster)
    made = credentials.supplied(params, context)
    seen = observe(made, params["tier"], float(params["deadline"]))
    expected = _expected(params, context, seen)
    found = checks.evaluate(seen, expected, datetime.datetime.now(datetime.UTC))
    text = checks.table(cluster, found)
    context.progress(text)
    checks.refuse(cluster, found)
    warnings = [
        f"{cluster}: {item.id}: {item.seen}. {item.remedy}."
        for item in found
        if not item.passed and item.severity == "warning"
    ]
    outputs = {
        "checks": [asdict(item) for item in found],
        "table": text.splitlines(),
        "uid": seen.uid,
        "version": seen.git_version,
        "distribution": checks.distribution(seen).name,
    }
    return Plan(outputs=outputs, warnings=warnings)


def _expected(params: t.Mapping[str, t.Any], context: Context, seen: Observation) -> Expected:
    cluster = params["cluster"]
    hub = context.enter(hub_client(params, context))
    declared: dict[str, t.Any] = {key: params[key] for key in ("tenant_namespaces", "ranges")}
    try:
        stored = stored_access(hub, cluster)
        return Expected(
            cluster=cluster,
            tier=params["tier"],
            hub_uid=hub_uid(hub, params),
            recorded_uid=stored.uid if stored is not None else None,
            records=records_of(hub, seen.uid) if seen.uid else (),
            **declared,
        )
    except (Unreachable, Forbidden):
        # The hub's side is checked again by what writes there.
        return Expected(cluster=cluster, tier=params["tier"], **declared)


OPERATION = Operation(
    arguments={
        "cluster": {"type": "str", "required": True},
        "tier": {"type": "str", "choices": list(TIERS), "default": "tenant"},
        "deadline": {"type": "int", "default": 10},
        "tenant_namespaces": {"type": "list", "elements": "str", "default": []},
        "ranges": {"type": "dict", "default": {}},
        **HUB_ARGUMENTS,
        **credentials.ARGUMENTS,
    },
    plan=plan,
    constraints=connection.CONSTRAINTS,
)
