# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is seen of a cluster that is to join, what the fleet expects, and what a check finds. Pure.

Private to the collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..output import printable
from .identity import Mark


@dataclass(frozen=True)
class Check:
    """One finding.

    :param severity: C(error) keeps the cluster out of the fleet, C(warning) does not, C(info) needs nothing.
    """

    id: str
    severity: str
    passed: bool
    seen: str
    needed: str
    remedy: str = ""


@dataclass
class Observation:
    """What was seen of a cluster. ``None`` means that it could not be read, and C(unreadable) says why.

    :param unreachable: why the API server could not be reached; nothing else is known then.
    :param tls_problem: why its certificate was not trusted.
    :param latency: seconds from sending a request to its answer.
    :param certificate_end: last moment of the serving certificate, RFC 3339.
    :param skew: seconds by which the server's clock is ahead of ours.
    :param credential_end: last moment of the supplied credential, RFC 3339, or "" when it does not end.
    :param missing_rights: what the credential cannot do of what is needed, in words.
    :param namespaces: their names; ``foreign_namespaces`` are those that no set of ours holds.
    :param daemon_sets: names of all DaemonSets, and of their containers.
    :param webhooks: the validating and mutating webhook configurations.
    :param ranges: of pods and services, in CIDR notation.
    :param groups: the API groups that are served.
    """

    server: str
    unreachable: str = ""
    tls_problem: str = ""
    latency: float = 0.0
    certificate_end: str | None = None
    certificate_names: list[str] = field(default_factory=list)
    skew: float | None = None
    credential_end: str | None = None
    git_version: str | None = None
    groups: list[str] = field(default_factory=list)
    uid: str | None = None
    nodes: list[dict[str, t.Any]] | None = None
    namespaces: list[str] | None = None
    mark: Mark | None = None
    foreign_namespaces: list[str] | None = None
    daemon_sets: list[str] | None = None
    daemon_containers: list[str] = field(default_factory=list)
    webhooks: list[dict[str, t.Any]] | None = None
    ranges: list[str] = field(default_factory=list)
    default_classes: list[str] | None = None
    metrics_api: bool | None = None
    missing_rights: list[str] | None = None
    unreadable: dict[str, str] = field(default_factory=dict)

    def why(self, key: str) -> str:
        """Why something could not be read."""
        return f"could not be read: {self.unreadable.get(key, 'not asked')}"


@dataclass(frozen=True)
class Expected:
    """What the fleet knows beside the cluster.

    :param recorded_uid: the identity that the hub has under this name.
    :param records: (name, UID) of clusters of the fleet that have the observed UID.
    :param tenant_namespaces: those that tenants get on it.
    :param ranges: cluster -> ranges of pods and services, of the whole fleet.
    """

    cluster: str
    tier: str
    hub_uid: str | None = None
    recorded_uid: str | None = None
    records: t.Sequence[tuple[str, str]] = ()
    tenant_namespaces: t.Sequence[str] = ()
    ranges: t.Mapping[str, t.Sequence[str]] = field(default_factory=dict)


def finding(
    identity: str, passed: bool, seen: str, needed: str, remedy: str = "", *, severity: str = "warning"
) -> Check:
    """What a check has found; a remedy is told where it did not pass."""
    return Check(identity, severity, passed, one_line(seen), needed, "" if passed else remedy)


def one_line(text: str) -> str:
    """What a cluster says of itself, in one line that a terminal shows and does not obey."""
    return printable(" ".join(text.split()))
