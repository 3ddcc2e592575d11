# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a check of a promotion gets and gives. Pure. Private to the collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

ERROR, WARNING = "error", "warning"

Facts = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Case:
    """A cluster that is to be promoted, as it is declared, recorded and seen.

    :param cluster: its entry in the fleet, with C(cluster_mode) C(create).
    :param machines: entries of its machines by name.
    :param facts: what was seen of each machine, as C(look) returns it; one that was not seen is missing.
    :param troubles: why a machine was not seen, by name.
    :param untold: why it is not known what a site run would change on a machine, by name.
    :param record: C(mode), C(uid) and C(detaching) of the hub's record; empty where there is none.
    :param hub_uid: identity of the hub.
    :param addons: names of the add-ons that a site run brings to this cluster.
    """

    cluster: t.Mapping[str, t.Any]
    machines: t.Mapping[str, t.Mapping[str, t.Any]]
    facts: t.Mapping[str, Facts]
    troubles: t.Mapping[str, str] = field(default_factory=dict)
    untold: t.Mapping[str, str] = field(default_factory=dict)
    record: t.Mapping[str, t.Any] = field(default_factory=dict)
    hub_uid: str = ""
    addons: t.Sequence[str] = ()

    @property
    def name(self) -> str:
        """Of the cluster."""
        return str(self.cluster["name"])

    @property
    def control_planes(self) -> dict[str, Facts]:
        """What was seen of the machines that are declared to be control planes."""
        return {name: self.facts[name] for name in self.cluster["control_plane"] if name in self.facts}

    @property
    def answering(self) -> dict[str, Facts]:
        """Those of them whose API answered everything."""
        return {name: seen for name, seen in self.control_planes.items() if seen["api"] and not seen["unreadable"]}

    @property
    def nodes(self) -> dict[str, t.Mapping[str, t.Any]]:
        """The cluster's Nodes by name, as the first control plane that answers tells them."""
        first: Facts = next(iter(self.answering.values()), {})
        return {item["name"]: item for item in first.get("nodes", ())}

    def node_of(self, machine: str) -> t.Mapping[str, t.Any] | None:
        """The Node of a machine."""
        return self.nodes.get(self.machines[machine]["node_name"])


@dataclass(frozen=True)
class Verdict:
    """What a check says of a machine, or of the cluster.

    :param subject: name of the machine, or of the cluster.
    :param seen: what is there; C(needed) what must be; C(remedy) what to do about it, in the imperative.
    """

    subject: str
    passed: bool
    seen: str
    needed: str
    remedy: str


Examine: t.TypeAlias = "t.Callable[[Case], t.Iterable[Verdict]]"


@dataclass(frozen=True)
class Check:
    """One check.

    :param severity: C(error) keeps the cluster as it is, C(warning) is told.
    :param title: what must hold, for the documentation.
    """

    id: str
    severity: str
    title: str
    examine: Examine


@dataclass(frozen=True)
class Finding:
    """A verdict with its check."""

    check: str
    severity: str
    verdict: Verdict

    def as_dict(self) -> dict[str, t.Any]:
        """Plain data."""
        return {"check": self.check, "severity": self.severity, **vars(self.verdict)}
