# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What files of a machine say. Pure. Private to the collection."""

from __future__ import annotations

import ipaddress
import re
import typing as t

_SETTING = re.compile(r"^-?\s*(?P<key>[^=\s]+)\s*=\s*(?P<value>.*)$")


def loopback_nameservers(resolv_conf: str) -> list[str]:
    """The nameservers of a resolv.conf that are loopback addresses: CoreDNS would ask itself."""
    answer = []
    for line in resolv_conf.splitlines():
        fields = line.split()
        if len(fields) < 2 or fields[0] != "nameserver":
            continue
        try:
            if ipaddress.ip_address(fields[1].split("%", 1)[0]).is_loopback:
                answer.append(fields[1])
        except ValueError:
            continue
    return answer


def os_release(text: str) -> dict[str, str]:
    """C(id), C(version) and C(name) of an os-release file; what it does not say is C(unknown)."""
    values = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            values[key.strip()] = value.strip().strip("\"'")
    fields = {"id": "ID", "version": "VERSION_ID", "name": "PRETTY_NAME"}
    return {name: values.get(key) or "unknown" for name, key in fields.items()}


def memory(meminfo: str) -> int:
    """All memory in bytes, from /proc/meminfo; 0 when it is not told."""
    match = re.search(r"^MemTotal:\s*(\d+) kB$", meminfo, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def swaps(text: str) -> list[str]:
    """Devices and files in /proc/swaps."""
    return [line.split()[0] for line in text.splitlines()[1:] if line.strip()]


def mounts(mountinfo: str) -> dict[str, list[str]]:
    """Options of mount and file system by mount point, from /proc/self/mountinfo. The last mount on a point is seen."""
    answer = {}
    for line in mountinfo.splitlines():
        before, dash, after = line.partition(" - ")
        fields, more = before.split(), after.split()
        if dash and len(fields) >= 6 and len(more) >= 3:
            point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[4])
            answer[point] = sorted({*fields[5].split(","), *more[2].split(",")})
    return answer


def mount_of(path: str, points: t.Collection[str]) -> str:
    """The mount point that holds an absolute path without links."""
    while path not in points and path != "/":
        path = path.rpartition("/")[0] or "/"
    return path


def default_routes(ipv4: str, ipv6: str) -> list[int]:
    """IP versions with a default route, from /proc/net/route and /proc/net/ipv6_route."""
    answer = []
    if any(_fields(line)[1:2] == ["00000000"] and _fields(line)[7:8] == ["00000000"] for line in ipv4.splitlines()[1:]):
        answer.append(4)
    # The kernel lists an unreachable default route on lo, too.
    if any(_fields(line)[:2] == ["0" * 32, "00"] and _fields(line)[-1:] != ["lo"] for line in ipv6.splitlines()):
        answer.append(6)
    return answer


def _fields(line: str) -> list[str]:
    return line.split()


def listening(table: str, version: int) -> list[tuple[str, int, str]]:
    """(address, port, inode) of what listens, from /proc/net/tcp or tcp6. An IPv4 address in tcp6 is told as such.

    :param version: 4 or 6.
    """
    answer = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10 or fields[3] != "0A":
            continue
        address, _colon, port = fields[1].partition(":")
        answer.append((_address(address, version), int(port, 16), fields[9]))
    return answer


def _address(digits: str, version: int) -> str:
    """The kernel writes addresses as words in the machine's byte order, which is little-endian where we run."""
    words = [bytes.fromhex(digits[place : place + 8])[::-1] for place in range(0, len(digits), 8)]
    data = b"".join(words)
    if version == 4:
        return str(ipaddress.IPv4Address(data))
    address = ipaddress.IPv6Address(data)
    return str(address.ipv4_mapped or address)


def serves(listens_on: str, address: str) -> bool:
    """Whether what listens on one address answers at another of the machine."""
    here = ipaddress.ip_address(listens_on)
    return here.is_unspecified or here == ipaddress.ip_address(address)


def enabled_controllers(cgroups: str) -> list[str]:
    """Controllers of cgroup v1 that are on, from /proc/cgroups."""
    rows = (line.split() for line in cgroups.splitlines() if not line.startswith("#"))
    return sorted(row[0] for row in rows if len(row) >= 4 and row[3] == "1")


def modules_in(listing: str) -> set[str]:
    """Names of modules in modules.dep or modules.builtin, with C(_) for C(-) as the kernel has them."""
    answer = set()
    for line in listing.splitlines():
        file = line.partition(":")[0].rsplit("/", 1)[-1]
        name, dot, _suffix = file.partition(".ko")
        if dot:
            answer.add(name.replace("-", "_"))
    return answer


def settings(text: str) -> dict[str, str]:
    """Kernel settings of a sysctl.d file, keys with dots."""
    answer = {}
    for line in text.splitlines():
        line = line.strip()
        match = _SETTING.match(line) if line and line[0] not in "#;" else None
        if match:
            answer[match["key"].replace("/", ".")] = match["value"].strip()
    return answer


def overrides(files: t.Mapping[str, str], ours: str, wanted: t.Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Settings that another file gives another value after ours at boot: C(path) and C(value) by key.

    :param files: text by path. Of those with one name, the mapping's first counts; they act in the order of names.
    :param ours: the path of ours.
    :param wanted: the values that ours sets.
    """
    by_name: dict[str, str] = {}
    for path in files:
        by_name.setdefault(path.rsplit("/", 1)[-1], path)
    own_name = ours.rsplit("/", 1)[-1]
    answer: dict[str, dict[str, str]] = {}
    for name in sorted(by_name):
        if name <= own_name:
            continue
        for key, value in settings(files[by_name[name]]).items():
            if key in wanted:
                answer[key] = {"path": by_name[name], "value": value}
    return {key: item for key, item in answer.items() if item["value"] != wanted[key]}


def is_address(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
