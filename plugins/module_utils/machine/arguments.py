# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the API server runs with the arguments that are declared. Pure. Private to the collection.

A site run does not change a living API server, so what differs is told rather than mended.
"""

from __future__ import annotations

import json
import re
import typing as t

from . import kubeadm

#: What kubeadm sets by itself; only where the declaration says something of it, it is compared.
_KUBEADMS = {
    *("advertise-address", "allow-privileged", "authorization-mode", "client-ca-file", "enable-admission-plugins"),
    *("enable-bootstrap-token-auth", "etcd-cafile", "etcd-certfile", "etcd-keyfile", "etcd-servers"),
    *("kubelet-client-certificate", "kubelet-client-key", "kubelet-preferred-address-types"),
    *("proxy-client-cert-file", "proxy-client-key-file", "secure-port", "service-cluster-ip-range"),
    *("requestheader-allowed-names", "requestheader-client-ca-file", "requestheader-extra-headers-prefix"),
    *("requestheader-group-headers", "requestheader-uid-headers", "requestheader-username-headers"),
    *("service-account-issuer", "service-account-key-file", "service-account-signing-key-file"),
    *("tls-cert-file", "tls-private-key-file"),
}
#: kubeadm adds the modes that it needs, in an order of its own.
_SETS = {"authorization-mode"}
_ITEM = re.compile(r"^\s*- (?P<quote>[\"']?)(?P<text>--[a-z0-9-]+(?:=.*)?)$", re.MULTILINE)


def parsed(manifest: str) -> dict[str, list[str]]:
    """The arguments in the manifest of a static pod as kubeadm writes it: values by name, in order."""
    found: dict[str, list[str]] = {}
    for match in _ITEM.finditer(manifest):
        name, _equals, value = _unquoted(match["quote"], match["text"].rstrip()).partition("=")
        found.setdefault(name.removeprefix("--"), []).append(value)
    return found


def _unquoted(quote: str, text: str) -> str:
    if quote == "'":
        return text.removesuffix("'").replace("''", "'")
    return str(json.loads(f'"{text}')) if quote else text


def deviations(cluster: t.Mapping[str, t.Any], manifest: str) -> list[str]:
    """A line for each argument of the API server that is not as declared; empty without a manifest."""
    running = parsed(manifest)
    if not running:
        return []
    wanted: dict[str, list[str]] = {}
    for item in kubeadm.arguments(kubeadm.api_server_arguments(cluster)):
        wanted.setdefault(item["name"], []).append(item["value"])
    lines = [
        f"--{name} is {_shown(running.get(name))}, and {_shown(values)} is declared"
        for name, values in wanted.items()
        if not _same(name, values, running.get(name))
    ]
    removed = sorted(set(running) - set(wanted) - _KUBEADMS)
    return lines + [f"--{name} is {_shown(running[name])}, and is not declared" for name in removed]


def _same(name: str, wanted: list[str], running: list[str] | None) -> bool:
    if name in _SETS and running:
        return {part for value in wanted for part in value.split(",")} <= set(running[-1].split(","))
    return wanted == running


def _shown(values: t.Sequence[str] | None) -> str:
    return "not set" if values is None else " and ".join(repr(value) for value in values)
