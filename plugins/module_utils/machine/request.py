# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One machine's join, seen from the control plane that helps. Private to the collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..plan import Step
from . import health, kubeapi


@dataclass(frozen=True)
class Standing:
    """What the controller knows of the control planes that a joining one comes to.

    :param has_data: the joining machine holds data of etcd, from a join that was interrupted.
    :param gone: ids of etcd members whose machines were found empty at the beginning of this run, to be removed now.
    :param removed: ids of those that an earlier join of this run removes, or would but for check mode.
    :param control_planes: address by node name of every control plane of the inventory.
    """

    has_data: bool = False
    gone: t.Sequence[str] = ()
    removed: t.Sequence[str] = ()
    control_planes: t.Mapping[str, str] = field(default_factory=dict)


@dataclass
class Request:
    """One machine's join, seen from the control plane that helps."""

    cluster: t.Mapping[str, t.Any]
    machine: t.Mapping[str, t.Any]
    joiner: t.Mapping[str, t.Any]
    images: t.Mapping[str, str] = field(default_factory=dict)
    standing: Standing = field(default_factory=Standing)
    answer: dict[str, t.Any] = field(default_factory=dict)

    def api(self) -> kubeapi.Api:
        """The local API server.

        :raises PlatformError: this machine is not a control plane, or its API does not answer.
        """
        return health.require_api(self.cluster, self.machine)

    @property
    def control_plane(self) -> bool:
        """The joining machine becomes a control plane."""
        return bool(self.joiner["role"] == "control_plane")


def add(
    steps: list[Step],
    request: Request,
    name: str,
    action: str,
    description: str,
    perform: t.Callable[[Request], object],
    before: t.Any = None,
) -> None:
    """Adds a step of one join after the others."""
    target = request.joiner["node_name"]
    steps.append(
        Step(
            f"join:{target}:{name}",
            action,
            request.cluster["name"],
            f"{description}, for {target}",
            before=before,
            perform=lambda: perform(request),
            wave=len(steps),
        )
    )
