# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is seen of a machine, as plain data that travels to the controller. Pure. Private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass, field

#: Where Kubernetes writes, and whether only a control plane does. What is not there yet counts for what holds it.
PATHS: dict[str, bool] = {
    "/var/lib/containerd": False,
    "/var/lib/kubelet": False,
    "/var/lib/etcd": True,
    "/var/log": False,
    "/usr/local/bin": False,
    "/opt/cni/bin": False,
    "/etc/kubernetes": False,
}
#: Programs are started from here; of containers, their images' are below the first.
EXECUTABLE_PATHS = ("/var/lib/containerd", "/usr/local/bin", "/opt/cni/bin")
#: Services that bring a kubelet or a runtime of their own, or a firewall.
KUBELETS = (
    "kubelet",
    "k3s",
    "k3s-agent",
    "rke2-server",
    "rke2-agent",
    "k0scontroller",
    "k0sworker",
    "snap.microk8s.daemon-kubelite",
)
RUNTIMES = ("containerd", "docker", "crio", "cri-docker")
FIREWALLS = ("firewalld", "ufw")


@dataclass(frozen=True)
class Filesystem:
    """What holds one of :data:`PATHS`.

    :param path: the path of Kubernetes.
    :param mount: where the file system is mounted; paths with the same one share its space.
    :param options: of the mount and of the file system.
    :param free: bytes that can be written; C(size) all of them.
    :param inodes: 0 where the file system makes them as needed.
    """

    path: str
    mount: str
    options: list[str]
    size: int
    free: int
    inodes: int
    inodes_free: int


@dataclass(frozen=True)
class Listener:
    """Who listens on a TCP port that Kubernetes needs.

    :param program: path of the program, empty where it could not be told.
    :param pod: it runs in a pod.
    """

    port: int
    address: str
    program: str
    pod: bool


@dataclass(frozen=True)
class Unit:
    """A systemd service.

    :param path: the file that defines it, empty when there is none.
    """

    active: bool
    path: str


@dataclass(frozen=True)
class Facts:
    """A machine as it was seen.

    :param clock: its clock when the look began and when it ended, in seconds since the epoch.
    :param member: it belongs to a cluster: the kubelet has its own identity, and a control plane has etcd data.
    :param prepared: this collection has prepared it, so its kubelet and its runtime are ours.
    :param contained: it is a container, so the kernel is its host's.
    :param uid: the user that the module ran as.
    :param os: C(id), C(version) and C(name) of os-release.
    :param memory: bytes.
    :param addresses: C(address), C(prefix), C(interface).
    :param default_routes: IP versions that have one.
    :param resolver: C(path) of the file that pods would get, C(exists), and C(loopback), its nameservers that are
        loopback addresses.
    :param controllers: of cgroups, those that are on.
    :param modules: kernel module -> C(loaded), C(loadable) or C(absent).
    :param sysctls: kernel setting -> value, C(None) when the kernel does not have it (yet).
    :param overrides: kernel setting -> C(path) of a file that sets it after ours at boot, and the C(value) there.
    :param missing_commands: what Kubernetes calls and is not there.
    :param remains: paths and interfaces of a Kubernetes that this collection has not made.
    :param selinux: C(enforcing), C(permissive), or empty where there is none.
    :param endpoint_addresses: what a cluster's endpoint that is a DNS name resolves to; C(None) when it is no name.
    """

    clock: list[float]
    member: bool
    prepared: bool
    contained: bool
    uid: int
    python: list[int]
    hostname: str
    machine_id: str
    architecture: str
    os: dict[str, str]
    kernel: str
    cpus: int
    memory: int
    systemd: bool
    swap: list[str]
    filesystems: list[Filesystem]
    addresses: list[dict[str, t.Any]]
    default_routes: list[int]
    resolver: dict[str, t.Any]
    cgroup: int
    controllers: list[str]
    modules: dict[str, str]
    sysctls: dict[str, str | None]
    overrides: dict[str, dict[str, str]]
    missing_commands: list[str]
    listeners: list[Listener]
    units: dict[str, Unit]
    remains: list[str]
    selinux: str = ""
    endpoint_addresses: list[str] | None = field(default=None)

    def as_dict(self) -> dict[str, t.Any]:
        """Plain data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Facts:
        """The inverse of :meth:`as_dict`."""
        values = {item.name: data[item.name] for item in dataclasses.fields(cls)}
        return cls(
            **{
                **values,
                "filesystems": [Filesystem(**item) for item in data["filesystems"]],
                "listeners": [Listener(**item) for item in data["listeners"]],
                "units": {name: Unit(**item) for name, item in data["units"].items()},
            }
        )
