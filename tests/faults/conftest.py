# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults are made in the suite's own fleet, the one of tests/e2e, and in one of a single machine."""

import os
import typing as t

import pytest

from tests.e2e.driver import Fleet
from tests.e2e.fixtures import KEEP
from tests.faults.promote_fleet import VERSIONS, Promoted, promoted_fleet
from tests.faults.solo_fleet import Solo, solo_fleet
from tests.faults.trio_fleet import Trio, trio_fleet

AFleet = t.TypeVar("AFleet", bound=Fleet)


def made(fleet: AFleet, *arguments: str) -> t.Iterator[AFleet]:
    """The fleet with its machines up and its bundle made, for a session.

    :param arguments: of the playbook that makes the bundle.
    """
    if not os.environ.get(KEEP):
        fleet.testbed("down")
    fleet.testbed("up", "--definition", str(fleet.definition))
    fleet.playbook("lodestar.platform.bundle", *arguments).checked()
    yield fleet
    if not os.environ.get(KEEP):
        fleet.testbed("down")


@pytest.fixture(scope="session")
def solo() -> t.Iterator[Solo]:
    """Two machines, empty unless an earlier test has left something: one for a platform, one to join it."""
    yield from made(solo_fleet())


@pytest.fixture(scope="session")
def trio() -> t.Iterator[Trio]:
    """Five machines. What they hold, a module of tests makes of them."""
    yield from made(trio_fleet())


@pytest.fixture(scope="session")
def beside() -> t.Iterator[Promoted]:
    """An empty machine for the hub, and a cluster that plain kubeadm has made on two others."""
    for fleet in made(promoted_fleet(), "-e", VERSIONS):
        fleet.testbed("legacy", "--definition", str(fleet.definition))
        yield fleet


@pytest.fixture
def standing(solo: Solo) -> Solo:
    """The platform of one machine, whatever happened before."""
    solo.site().checked()
    solo.operator()
    return solo
