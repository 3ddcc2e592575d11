# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The suite's own quickstart: machines, bundle, legacy cluster, and the first site run, made once a session."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

import pytest

from tests.e2e.driver import ROOT, Fleet, Run

#: Set to keep the machines when the suite ends, and to find them again: the first run is then not a first run.
KEEP = "LODESTAR_E2E_KEEP"
#: The fleet of the suite; `quickstart` together with KEEP tests the quickstart that is up.
FLEET = os.environ.get("LODESTAR_E2E_FLEET", "e2e")


@dataclass(frozen=True)
class Platform:
    """The fleet after the first run of site.yml."""

    fleet: Fleet
    predicted: Run
    first: Run


@pytest.fixture(scope="session")
def machines() -> t.Iterator[Fleet]:
    """The fleet's machines, empty, and the legacy cluster."""
    state = ".quickstart" if FLEET == "quickstart" else f".cache/testbed/{FLEET}"
    fleet = Fleet(FLEET, ROOT / state)
    if not os.environ.get(KEEP):
        fleet.testbed("down")
    fleet.testbed("up", "--definition", str(fleet.definition))
    fleet.playbook("lodestar.platform.bundle").checked()
    fleet.testbed("legacy")
    yield fleet
    if not os.environ.get(KEEP):
        fleet.testbed("down")


@pytest.fixture(scope="session")
def platform(machines: Fleet) -> Platform:
    """The platform as the first run left it, and what check mode said before."""
    predicted = machines.site("--check", "--diff")
    first = machines.site()
    machines.testbed("operator")
    return Platform(machines, predicted, first)


@pytest.fixture
def fleet(platform: Platform) -> Fleet:
    """The live fleet."""
    platform.first.checked()
    return platform.fleet
