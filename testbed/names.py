# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fleet's things are called, so that no two checkouts and no two fleets share one. Pure."""

from __future__ import annotations

import hashlib
import os
import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .errors import TestbedError

#: Labels of everything that the testbed makes in Docker.
LABEL_FLEET = "lodestar.testbed/fleet"
LABEL_MACHINE = "lodestar.testbed/machine"
#: The directory that says by being set where a fleet keeps its keys, addresses and kubeconfigs.
STATE_VARIABLE = "LODESTAR_TESTBED_STATE"
QUICKSTART = "quickstart"
_FLEET = re.compile(r"[a-z][a-z0-9-]{0,19}")


@dataclass(frozen=True)
class FleetName:
    """A fleet of one checkout. ``id`` is unique on this host."""

    fleet: str
    id: str

    @property
    def network(self) -> str:
        """The name of its Docker network."""
        return f"lodestar-{self.id}"

    def container(self, machine: str) -> str:
        """The name of a machine's container."""
        return f"lodestar-{self.id}-{machine}"


def fleet_name(fleet: str, checkout: Path) -> FleetName:
    """The names of the fleet ``fleet`` of the checkout at ``checkout``."""
    if not _FLEET.fullmatch(fleet):
        raise TestbedError(f"fleet {fleet!r}: lower case letters, digits and '-', 20 at most, a letter first")
    digest = hashlib.sha256(os.fsencode(checkout.resolve())).hexdigest()[:6]
    return FleetName(fleet, f"{fleet}-{digest}")


def state_directory(fleet: str, checkout: Path, given: str | None, environ: t.Mapping[str, str]) -> Path:
    """Where the fleet keeps what others read: as given, as the environment says, or below the checkout."""
    chosen = given or environ.get(STATE_VARIABLE)
    if chosen:
        return Path(chosen).absolute()
    return checkout / (".quickstart" if fleet == QUICKSTART else f".cache/testbed/{fleet}")
