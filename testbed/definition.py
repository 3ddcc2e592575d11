# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fleet is made of, as its definition file says. Pure, except for reading the file."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path

import yaml

from .errors import TestbedError

#: Numbers that an address of a /24 may end in: 0 is the network, 1 the gateway, 255 the broadcast address.
FIRST_NUMBER, LAST_NUMBER = 2, 254
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")
_KEYS = {"machines", "addresses", "operator", "legacy"}


@dataclass(frozen=True)
class Operator:
    """Where operators of one cluster get their identity, and which address they then use.

    :param control_planes: machines that may hold the cluster's CA, in the order to ask.
    :param endpoint: a machine or a reserved address of the definition.
    """

    control_planes: tuple[str, ...]
    endpoint: str
    port: int = 6443


@dataclass(frozen=True)
class Legacy:
    """A cluster that is made beforehand, without the collection."""

    name: str
    control_plane: str
    workers: tuple[str, ...]
    kubernetes_version: str
    pod_cidr: str
    service_cidr: str


@dataclass(frozen=True)
class Definition:
    """A fleet: machines and reserved addresses, each with the last number of its address."""

    machines: dict[str, int]
    addresses: dict[str, int] = field(default_factory=dict)
    operator: dict[str, Operator] = field(default_factory=dict)
    legacy: Legacy | None = None

    def address(self, name: str, subnet: IPv4Network) -> str:
        """The address of a machine, or a reserved one, in a subnet."""
        number = self.machines.get(name, self.addresses.get(name))
        if number is None:
            raise TestbedError(f"{name!r} is neither a machine nor an address of the definition: {self._names()}")
        return str(subnet.network_address + number)

    def _names(self) -> str:
        return ", ".join([*self.machines, *self.addresses])


def load(path: Path) -> Definition:
    """Reads a definition file. Raises TestbedError, naming the file, when it is missing or wrong."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as exc:
        raise TestbedError(f"cannot read the definition {path}: {exc}") from exc
    try:
        return parse(content)
    except TestbedError as exc:
        raise TestbedError(f"{path}: {exc}") from exc


def parse(content: t.Any) -> Definition:
    """Checks the content of a definition file."""
    if not isinstance(content, dict) or not isinstance(content.get("machines"), dict) or not content["machines"]:
        raise TestbedError("'machines' must map at least one name to the last number of its address")
    unknown = sorted(set(map(str, content)) - _KEYS)
    if unknown:
        raise TestbedError(f"unknown key {unknown[0]!r}; known are {', '.join(sorted(_KEYS))}")
    machines = _numbers("machines", content["machines"])
    addresses = _numbers("addresses", content.get("addresses") or {})
    _check_unique(
        {**{f"machines.{k}": v for k, v in machines.items()}, **{f"addresses.{k}": v for k, v in addresses.items()}}
    )
    definition = Definition(
        machines,
        addresses,
        {name: _operator(name, item) for name, item in (content.get("operator") or {}).items()},
        _legacy(content.get("legacy")),
    )
    _check_references(definition)
    return definition


def _numbers(key: str, items: t.Any) -> dict[str, int]:
    if not isinstance(items, dict):
        raise TestbedError(f"{key!r} must map names to numbers")
    for name, number in items.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise TestbedError(f"{key}: {name!r} is no name; lower case letters, digits and '-', 32 at most")
        if type(number) is not int or not FIRST_NUMBER <= number <= LAST_NUMBER:
            raise TestbedError(f"{key}.{name} = {number!r}: a number from {FIRST_NUMBER} to {LAST_NUMBER} is needed")
    return dict(items)


def _check_unique(numbers: dict[str, int]) -> None:
    seen: dict[int, str] = {}
    for name, number in numbers.items():
        if number in seen:
            raise TestbedError(f"{name} = {number}: {seen[number]} has this number already; take another")
        seen[number] = name


def _operator(name: str, item: t.Any) -> Operator:
    try:
        return Operator(tuple(item["control_planes"]), item["endpoint"], int(item.get("port", 6443)))
    except (TypeError, KeyError, ValueError) as exc:
        raise TestbedError(f"operator.{name}: 'control_planes' (a list) and 'endpoint' are needed ({exc})") from exc


def _legacy(item: t.Any) -> Legacy | None:
    if item is None:
        return None
    try:
        return Legacy(
            item["name"],
            item["control_plane"],
            tuple(item["workers"]),
            str(item["kubernetes_version"]),
            item["pod_cidr"],
            item["service_cidr"],
        )
    except (TypeError, KeyError) as exc:
        raise TestbedError(f"legacy: {', '.join(Legacy.__annotations__)} are needed ({exc})") from exc


def _check_references(definition: Definition) -> None:
    wanted = {f"operator.{name}": (*op.control_planes,) for name, op in definition.operator.items()}
    if definition.legacy:
        wanted["legacy"] = (definition.legacy.control_plane, *definition.legacy.workers)
    for key, names in wanted.items():
        for machine in names:
            if machine not in definition.machines:
                raise TestbedError(f"{key}: {machine!r} is no machine; machines are {', '.join(definition.machines)}")
    for name, operator in definition.operator.items():
        if operator.endpoint not in {**definition.machines, **definition.addresses}:
            raise TestbedError(f"operator.{name}: endpoint {operator.endpoint!r} is neither a machine nor an address")
