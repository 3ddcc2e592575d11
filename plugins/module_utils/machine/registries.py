# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a machine reaches registries: mirrors for containerd, and a proxy for containerd and the kubelet. Pure.

Private to the collection.
"""

from __future__ import annotations

import typing as t

from .toml import dumps

CERTS_DIRECTORY = "/etc/containerd/certs.d"
#: Marks a file as ours; one without it, an operator has made, and it is left alone.
MARK = "# Written by lodestar.platform from containerd_registry_mirrors.\n"
PROXY_FILES = {
    "containerd": "/etc/systemd/system/containerd.service.d/10-lodestar-proxy.conf",
    "kubelet": "/etc/systemd/system/kubelet.service.d/20-lodestar-proxy.conf",
}


def mirror_files(mirrors: t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]]) -> dict[str, str]:
    """hosts.toml by path for each registry. containerd reads them at each pull, so nothing is restarted.

    :param mirrors: registry, or C(_default), to its mirrors in the order in which they are asked; each has C(url), and
        may have C(ca_file) (on the machine) and C(override_path). The registry itself is asked last.
    """
    return {f"{CERTS_DIRECTORY}/{registry}/hosts.toml": _hosts(items) for registry, items in mirrors.items()}


def _hosts(items: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    text = MARK
    for item in items:
        table: dict[str, t.Any] = {"capabilities": ["pull", "resolve"]}
        if item.get("ca_file"):
            table["ca"] = item["ca_file"]
        if item.get("override_path"):
            table["override_path"] = True
        # Table by table, since their order is the order of asking.
        text += dumps({"host": {item["url"]: table}})
    return text


def proxy_files(cluster: t.Mapping[str, t.Any]) -> dict[str, tuple[str, str]]:
    """Service and content of its drop-in by path; none where no proxy is declared."""
    proxy = cluster.get("proxy") or {}
    values = {"HTTP_PROXY": proxy.get("http"), "HTTPS_PROXY": proxy.get("https")}
    if not any(values.values()):
        return {}
    values["NO_PROXY"] = ",".join(no_proxy(cluster))
    lines = [f'Environment="{name}={_escaped(value)}"\n' for name, value in values.items() if value]
    return {path: (service, "[Service]\n" + "".join(lines)) for service, path in PROXY_FILES.items()}


def no_proxy(cluster: t.Mapping[str, t.Any]) -> list[str]:
    """What is reached without the proxy: the cluster's own, which no new machine changes, and what is declared."""
    network = cluster["network"]
    own = ["localhost", "127.0.0.1", "::1", cluster["endpoint"]["address"], network["pod_cidr"]]
    own += [network["service_cidr"], ".svc", f".{network['dns_domain']}"]
    return list(dict.fromkeys([*own, *((cluster.get("proxy") or {}).get("no_proxy") or [])]))


def _escaped(value: str) -> str:
    """For a unit file, where a percent sign begins a specifier."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
