# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What files of a machine say."""

from __future__ import annotations

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.machine.preflight import parse, support


def test_resolvers_that_would_ask_themselves() -> None:
    lines = [
        "# nameserver 127.0.0.9",
        "nameserver 127.0.0.11",
        "nameserver 192.0.2.53",
        "nameserver ::1",
        "nameserver x",
    ]
    text = "\n".join([*lines, "search nameserver", ""])
    assert parse.loopback_nameservers(text) == ["127.0.0.11", "::1"]


def test_os_release() -> None:
    text = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'
    assert parse.os_release(text) == {"id": "debian", "version": "12", "name": "Debian GNU/Linux 12 (bookworm)"}
    assert set(parse.os_release("").values()) == {"unknown"}


@pytest.mark.parametrize(
    ("identity", "version", "name"),
    [
        ("debian", "12", "Debian 12"),
        ("rhel", "9.4", "Red Hat Enterprise Linux 9"),
        ("debian", "120", None),
        ("ubuntu", "24.10", None),
        ("alpine", "12", None),
    ],
)
def test_the_matrix_knows_a_system_by_id_and_version(identity: str, version: str, name: str | None) -> None:
    entry = support.system_of({"id": identity, "version": version, "name": "x"})
    assert (entry.name if entry else None) == name


@pytest.mark.parametrize(
    ("release", "version"), [("6.1.0-18-amd64", (6, 1)), ("5.14.0-427.el9.x86_64", (5, 14)), ("x", None)]
)
def test_kernel_versions(release: str, version: tuple[int, int] | None) -> None:
    assert support.kernel_version(release) == version


def test_memory_and_swap() -> None:
    assert parse.memory("MemTotal:        2048 kB\nMemFree: 1 kB\n") == 2048 * 1024
    assert parse.memory("") == 0
    assert parse.swaps("Filename Type Size\n/dev/sda2 partition 1 0 -2\n/swap file 1 0 -3\n") == ["/dev/sda2", "/swap"]
    assert parse.swaps("Filename Type Size\n") == []


MOUNTS = r"""22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
40 22 8:2 / /var/lib/containerd rw,noexec - xfs /dev/sdb1 rw
41 22 0:5 / /mnt/with\040space ro - tmpfs tmpfs rw
42 22 8:3 / /var/lib/containerd rw,nodev - xfs /dev/sdc1 rw
"""


def test_mounts() -> None:
    points = parse.mounts(MOUNTS)
    assert set(points) == {"/", "/var/lib/containerd", "/mnt/with space"}
    assert points["/"] == ["errors=remount-ro", "relatime", "rw"]
    assert points["/var/lib/containerd"] == ["nodev", "rw"], "what was mounted last hides what was there before"
    assert parse.mount_of("/var/lib/containerd/io", points) == "/var/lib/containerd"
    assert parse.mount_of("/var/lib/containerdx", points) == "/"
    assert parse.mount_of("/", points) == "/"


ROUTE = """Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
eth0 00000000 0101A8C0 0003 0 0 0 00000000 0 0 0
eth0 0001A8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0
"""
HALF = "Iface Destination\neth0 00000000 0101A8C0 0003 0 0 0 00000080 0 0 0\n"
ZERO = "0" * 32
ROUTE6 = f"{ZERO} 00 {ZERO} 00 {'f' * 32} 00000400 00000001 00000000 00000003     eth0\n"
UNREACHABLE6 = f"{ZERO} 00 {ZERO} 00 {ZERO} ffffffff 00000001 00000000 00200200       lo\n"


@pytest.mark.parametrize(
    ("ipv4", "ipv6", "versions"),
    [(ROUTE, "", [4]), (ROUTE, ROUTE6, [4, 6]), (HALF, UNREACHABLE6, []), ("", ROUTE6, [6])],
)
def test_default_routes(ipv4: str, ipv6: str, versions: list[int]) -> None:
    assert parse.default_routes(ipv4, ipv6) == versions


TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2807 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 0B0200C0:0016 0C0200C0:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 20 4 30 10 -1
"""
TCP6 = """  sl  local_address rem_address st
   0: 00000000000000000000000000000000:280A 0:0 0A 0:0 00:0 0 0 0 4713 1
   1: 0000000000000000FFFF00000B0200C0:192B 0:0 0A 0:0 00:0 0 0 0 4714 1
"""


def test_what_listens() -> None:
    assert parse.listening(TCP, 4) == [("127.0.0.1", 10247, "4711")]
    assert parse.listening(TCP6, 6) == [("::", 10250, "4713"), ("192.0.2.11", 6443, "4714")]
    assert parse.serves("::", "192.0.2.11")
    assert parse.serves("0.0.0.0", "192.0.2.11")
    assert parse.serves("192.0.2.11", "192.0.2.11")
    assert not parse.serves("127.0.0.1", "192.0.2.11")


def test_kernel_lists() -> None:
    cgroups = "#subsys_name hierarchy num_cgroups enabled\ncpu 1 2 1\nmemory 0 3 0\npids 4 1 1\n"
    assert parse.enabled_controllers(cgroups) == ["cpu", "pids"]
    dep = "kernel/net/ip_set.ko.xz: kernel/net/nfnetlink.ko.xz\nkernel/fs/overlay-fs.ko:\n"
    assert parse.modules_in(dep) == {"ip_set", "overlay_fs"}


def test_settings_that_come_after_ours() -> None:
    wanted = {"net.ipv4.ip_forward": "1", "net.bridge.bridge-nf-call-iptables": "1"}
    off = "# x\n; y\n-net/ipv4/ip_forward = 0\nkernel.sysrq=1\n"
    ours = "/etc/sysctl.d/90-lodestar.conf"
    after = "/etc/sysctl.d/99-x.conf"
    assert parse.overrides({after: off}, ours, wanted) == {"net.ipv4.ip_forward": {"path": after, "value": "0"}}
    assert parse.overrides({"/etc/sysctl.d/10-x.conf": off}, ours, wanted) == {}, "ours is later"
    assert parse.overrides({after: off, "/usr/lib/sysctl.d/99-x.conf": "a=1"}, ours, wanted) != {}
    assert parse.overrides({"/etc/sysctl.d/99-x.conf": "", "/usr/lib/sysctl.d/99-x.conf": off}, ours, wanted) == {}, (
        "a file in /etc takes the place of one of the same name"
    )
    again = {after: off, "/etc/sysctl.d/99-y.conf": "net.ipv4.ip_forward=1"}
    assert parse.overrides(again, ours, wanted) == {}, "the last one counts"
