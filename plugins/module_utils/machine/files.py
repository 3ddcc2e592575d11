# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that make a machine a Kubernetes machine, from its cluster's settings. Pure. Private to the collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from . import registries
from .merge import merged
from .paths import CONTAINERD_SOCKET
from .toml import dumps

KERNEL_MODULES = ("overlay", "br_netfilter")

#: Pod traffic is forwarded, and bridged pod traffic passes iptables. What else is needed, the kubelet sets itself.
SYSCTLS: dict[str, str] = {
    "net.bridge.bridge-nf-call-ip6tables": "1",
    "net.bridge.bridge-nf-call-iptables": "1",
    "net.ipv4.ip_forward": "1",
}

_CONTAINERD_UNIT = """\
[Unit]
Description=containerd container runtime
After=network.target local-fs.target

[Service]
ExecStart=/usr/local/bin/containerd
Type=notify
Delegate=yes
KillMode=process
Restart=always
RestartSec=5
LimitNPROC=infinity
LimitCORE=infinity
LimitNOFILE=1048576
TasksMax=infinity
OOMScoreAdjust=-999

[Install]
WantedBy=multi-user.target
"""

_KUBELET_UNIT = """\
[Unit]
Description=kubelet, the Kubernetes node agent
Wants=network-online.target
After=network-online.target containerd.service

[Service]
ExecStart=/usr/local/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=2

[Install]
WantedBy=multi-user.target
"""

# The variables and their order are kubeadm's contract: KUBELET_KUBEADM_ARGS is in a file that it writes.
_KUBELET_DROP_IN = """\
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=\
--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=
ExecStart=/usr/local/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS
"""

_CRICTL = f"runtime-endpoint: {CONTAINERD_SOCKET}\nimage-endpoint: {CONTAINERD_SOCKET}\ntimeout: 30\n"


@dataclass(frozen=True)
class DesiredFile:
    """A file as it should be, owned by root.

    :param reader: the service that must be restarted to notice a change, if any.
    """

    path: str
    content: str
    mode: int = 0o644
    reader: str | None = None


def uses_systemd_cgroups(kubelet_config: t.Mapping[str, t.Any]) -> bool:
    """The runtime and the kubelet must agree on who writes cgroups; the kubelet's setting leads."""
    return bool(kubelet_config.get("cgroupDriver", "systemd") == "systemd")


def containerd_config(kubelet_config: t.Mapping[str, t.Any], deviations: t.Mapping[str, t.Any], sandbox: str) -> str:
    """containerd's config.toml (version 3, read by every containerd 2.x), over its own defaults.

    :param deviations: merged over ours, in the shape of the file.
    :param sandbox: reference of the pause image.
    """
    ours = {
        "version": 3,
        "plugins": {
            "io.containerd.cri.v1.images": {
                "snapshotter": "overlayfs",
                "pinned_images": {"sandbox": sandbox},
                "registry": {"config_path": registries.CERTS_DIRECTORY},
            },
            "io.containerd.cri.v1.runtime": {
                "cni": {"bin_dirs": ["/opt/cni/bin"], "conf_dir": "/etc/cni/net.d"},
                "containerd": {
                    "runtimes": {
                        "runc": {
                            "runtime_type": "io.containerd.runc.v2",
                            "options": {
                                "BinaryName": "/usr/local/bin/runc",
                                "SystemdCgroup": uses_systemd_cgroups(kubelet_config),
                            },
                        }
                    }
                },
            },
        },
    }
    return dumps(merged(ours, deviations))


def desired_files(cluster: t.Mapping[str, t.Any], sandbox: str) -> list[DesiredFile]:
    """All files of a prepared machine.

    :param cluster: the cluster's entry in the fleet.
    :param sandbox: reference of the pause image.
    """
    kubelet, deviations = cluster.get("kubelet_config") or {}, cluster.get("containerd_config") or {}
    sysctls = "".join(f"{key} = {value}\n" for key, value in sorted(SYSCTLS.items()))
    mirrors = registries.mirror_files(cluster.get("registry_mirrors") or {})
    proxies = registries.proxy_files(cluster)
    return [
        DesiredFile("/etc/modules-load.d/lodestar.conf", "".join(f"{name}\n" for name in KERNEL_MODULES)),
        DesiredFile("/etc/sysctl.d/90-lodestar.conf", sysctls),
        DesiredFile(
            "/etc/containerd/config.toml", containerd_config(kubelet, deviations, sandbox), 0o600, "containerd"
        ),
        DesiredFile("/etc/systemd/system/containerd.service", _CONTAINERD_UNIT, 0o644, "containerd"),
        DesiredFile("/etc/systemd/system/kubelet.service", _KUBELET_UNIT, 0o644, "kubelet"),
        DesiredFile("/etc/systemd/system/kubelet.service.d/10-kubeadm.conf", _KUBELET_DROP_IN, 0o600, "kubelet"),
        DesiredFile("/etc/crictl.yaml", _CRICTL),
        *(DesiredFile(path, content) for path, content in mirrors.items()),
        *(DesiredFile(path, content, 0o600, service) for path, (service, content) in proxies.items()),
    ]


def obsolete(
    desired: t.Iterable[DesiredFile], mirrors: t.Iterable[str], read: t.Callable[[str], str | None]
) -> list[tuple[str, str | None]]:
    """Files of ours that are not desired any more, each with the service that reads it.

    :param mirrors: paths of the files that there are for registries; those of operators are not ours.
    :param read: the content of a file, ``None`` where there is none.
    """
    kept = {item.path for item in desired}
    proxies = [(path, service) for service, path in registries.PROXY_FILES.items()]
    found: list[tuple[str, str | None]] = [
        (path, None) for path in mirrors if (read(path) or "").startswith(registries.MARK)
    ]
    found += [(path, service) for path, service in proxies if read(path) is not None]
    return [(path, service) for path, service in found if path not in kept]
