# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a component's configuration says what is declared, whatever spelling and defaults kubeadm gave it. Pure.

kubeadm writes out every field of a configuration, most of them empty, and leaves out some that are declared to be
empty. Private to the collection.
"""

from __future__ import annotations

import ipaddress
import json
import re
import typing as t

from . import kubeadm, paths
from .merge import merged
from .paths import CONTAINERD_SOCKET

Config = t.Mapping[str, t.Any]
#: What differs: what is there and what should be, by dotted path; ``None`` where nothing is.
Difference = tuple[dict[str, t.Any], dict[str, t.Any]]

_PROXY_KUBECONFIG = "/var/lib/kube-proxy/kubeconfig.conf"
_RESOLVED = "/run/systemd/resolve/resolv.conf"
#: What kubeadm finds out for each machine by itself, where nothing is declared.
_OF_A_MACHINE = {
    "resolvConf": {_RESOLVED},
    "containerRuntimeEndpoint": {CONTAINERD_SOCKET, CONTAINERD_SOCKET.replace("/run/", "/var/run/")},
}
_EMPTY: tuple[t.Any, ...] = (None, "", "0s", {}, [])
#: Fields of kube-proxy that nobody set are written as well, false and 0 with them.
_UNSET: tuple[t.Any, ...] = (*_EMPTY, False, 0, "0")
#: Fields of the kubelet of which nothing is the same as false or 0.
_ZERO_IS_NOTHING = {
    *("enableContentionProfiling", "evictionMaxPodGracePeriod", "maxOpenFiles", "maxPods"),
    *("nodeLeaseDurationSeconds", "podsPerCore", "protectKernelDefaults", "readOnlyPort"),
    *("rotateCertificates", "serverTLSBootstrap"),
}
#: HTTP headers with which static pods are fetched.
_HEADERS = "staticPodURLHeader"
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:h|ms|m|us|µs|ns|s))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|us|µs|ns|s)")
_NANOSECONDS = {"h": 3600e9, "m": 60e9, "s": 1e9, "ms": 1e6, "us": 1e3, "µs": 1e3, "ns": 1.0}


def cluster_dns(cluster: Config) -> str:
    """The address of the cluster's DNS: the tenth of the Services' range."""
    network = ipaddress.ip_network(cluster["network"]["service_cidr"])
    return str(network.network_address + 10)


def kubelet(cluster: Config) -> dict[str, t.Any]:
    """KubeletConfiguration of a cluster with what kubeadm adds to it."""
    kubeadms = {
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": paths.CA},
        },
        "authorization": {"mode": "Webhook"},
        "clusterDNS": [cluster_dns(cluster)],
        "clusterDomain": cluster["network"]["dns_domain"],
        "healthzBindAddress": "127.0.0.1",
        "healthzPort": 10248,
        "staticPodPath": paths.MANIFESTS,
    }
    return merged(kubeadms, kubeadm.kubelet_configuration(cluster))


def kubelet_of_machine(cluster: Config, seen: Config | None) -> dict[str, t.Any]:
    """The same for one machine, with what kubeadm has found out for it."""
    answer, found = kubelet(cluster), seen or {}
    kept = {key for key, values in _OF_A_MACHINE.items() if key not in answer and found.get(key) in values}
    return {**answer, **{key: found[key] for key in sorted(kept)}}


def kube_proxy(cluster: Config) -> dict[str, t.Any]:
    """KubeProxyConfiguration of a cluster with what kubeadm adds to it."""
    six = ipaddress.ip_network(cluster["network"]["service_cidr"]).version == 6
    kubeadms = {
        "bindAddress": "::" if six else "0.0.0.0",  # noqa: S104 - kubeadm's default
        "clientConnection": {"kubeconfig": _PROXY_KUBECONFIG},
        "clusterCIDR": cluster["network"]["pod_cidr"],
    }
    return merged(kubeadms, kubeadm.proxy_configuration(cluster))


def kubelet_difference(desired: Config, seen: Config | None) -> Difference:
    """Where a kubelet's configuration is not as desired; both empty when it is. Unreadable counts as empty."""
    before, after = _difference(desired, seen or {}, _nothing_to_a_kubelet)
    for path in [path for path, value in after.items() if path in _ZERO_IS_NOTHING and value in (0, False)]:
        if before[path] is None:
            del before[path], after[path]
    return _masked(before), _masked(after)


def _masked(values: dict[str, t.Any]) -> dict[str, t.Any]:
    """Without what may be a password."""
    return {
        path: "(secret)" if path.startswith(_HEADERS) and value is not None else value for path, value in values.items()
    }


def plain_difference(desired: Config, seen: Config | None) -> Difference:
    """The same for kube-proxy, and for kubeadm's own configuration: an empty field is one that nobody set."""
    before, after = _difference(desired, seen or {}, lambda path, value: value in _UNSET)
    for path in [path for path in after if before[path] is None and after[path] in _UNSET]:
        del before[path], after[path]
    return before, after


def text_of(config: Config) -> str:
    """A configuration as a file or the value of a ConfigMap: JSON is YAML."""
    return json.dumps(config, indent=2, sort_keys=True) + "\n"


def _nothing_to_a_kubelet(path: str, value: t.Any) -> bool:
    return value in _EMPTY or (path.startswith("logging.") and value in (0, "0"))


def _difference(desired: Config, seen: Config, nothing: t.Callable[[str, t.Any], bool]) -> Difference:
    before: dict[str, t.Any] = {}
    after: dict[str, t.Any] = {}
    for path, wanted, there in _pairs(desired, seen, ""):
        if wanted is None and _empty_throughout(path, there, nothing):
            continue
        if not _same(wanted, there):
            before[path], after[path] = there, wanted
    return before, after


def _empty_throughout(path: str, value: t.Any, nothing: t.Callable[[str, t.Any], bool]) -> bool:
    if isinstance(value, dict):
        return all(_empty_throughout(f"{path}.{key}", item, nothing) for key, item in value.items())
    return nothing(path, value)


def _pairs(desired: Config, seen: Config, prefix: str) -> t.Iterator[tuple[str, t.Any, t.Any]]:
    for key in sorted({*desired, *seen}):
        wanted, there, path = desired.get(key), seen.get(key), f"{prefix}{key}"
        if isinstance(wanted, t.Mapping) and isinstance(there, t.Mapping):
            yield from _pairs(wanted, there, f"{path}.")
        elif isinstance(wanted, t.Mapping) and there is None:
            yield from _pairs(wanted, {}, f"{path}.")
        else:
            yield path, wanted, there


def _same(one: t.Any, other: t.Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, str) and isinstance(other, str) and _DURATION.fullmatch(one) and _DURATION.fullmatch(other):
        return _nanoseconds(one) == _nanoseconds(other)
    return bool(one == other)


def _nanoseconds(text: str) -> float:
    return sum(float(number) * _NANOSECONDS[unit] for number, unit in _DURATION_PART.findall(text))
