# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The support matrix: what has been tested, and what only should work. Pure. Private to the collection.

docs/support.md shows this data. "Tested" is what the collection's own tests run on.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

#: What kube-proxy asks for in the mode nftables; kubeadm's own system verification is content with 4.19.
OLDEST_KERNEL = (5, 13)
ARCHITECTURES = {"amd64": True, "arm64": False}
#: The container runtime is a part of the bundle, so there is one.
RUNTIME = "containerd 2.x and runc from the bundle"
CGROUPS = {1: True, 2: False}


@dataclass(frozen=True)
class System:
    """A distribution.

    :param id: C(ID) of its os-release; C(version) begins its C(VERSION_ID).
    :param kernels: its own kernel series, for people.
    :param tested: by the collection's own tests, C(how) says where.
    """

    id: str
    version: str
    name: str
    kernels: str
    tested: bool = False
    how: str = ""


SYSTEMS = (
    System("debian", "12", "Debian 12", "6.1", True, "as containers with systemd, on the kernel of their host"),
    System("debian", "13", "Debian 13", "6.12"),
    System("ubuntu", "22.04", "Ubuntu 22.04 LTS", "5.15, 6.8"),
    System("ubuntu", "24.04", "Ubuntu 24.04 LTS", "6.8, 6.14"),
    System("rhel", "9", "Red Hat Enterprise Linux 9", "5.14"),
    System("rocky", "9", "Rocky Linux 9", "5.14"),
    System("almalinux", "9", "AlmaLinux 9", "5.14"),
)


def system_of(release: t.Mapping[str, str]) -> System | None:
    """The entry of a machine's os-release (C(id), C(version)), C(None) when it has none."""
    for item in SYSTEMS:
        version = release["version"]
        if release["id"] == item.id and (version == item.version or version.startswith(item.version + ".")):
            return item
    return None


def kernel_version(release: str) -> tuple[int, int] | None:
    """Major and minor of C(uname -r), C(None) when it cannot be read."""
    match = re.match(r"(\d+)\.(\d+)", release)
    return (int(match[1]), int(match[2])) if match else None
