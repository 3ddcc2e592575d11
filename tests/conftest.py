# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all tests share: the record of the bars that a run has seen to hold.

A test asks for the fixture ``bar`` and says ``bar("second run of site.yml", "9.8 s")`` once it has asserted the bar.
``pytest --verification FILE`` brings FILE up to date with them: see tests/verification.py.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible.plugins.loader import init_plugin_loader

from tests.verification import Verification

ROOT = Path(__file__).resolve().parents[1]

# Collections are imported as Ansible does it, from the start: a test that uses Ansible's own classes needs that, and
# what was imported before, such as by the conftest of a folder, could not be found afterwards.
init_plugin_loader([str(ROOT / ".collections")])

# Shared by all folders, so that a session which runs several of them makes the fleet once.
pytest_plugins = ["tests.e2e.fixtures"]


class Bar(t.Protocol):
    """Records the figure of one bar."""

    def __call__(self, name: str, figure: object, met: bool = True) -> None:
        """
        :param met: whether the figure reaches the goal that the name tells. A bench does not fail on a noisy machine.
        """


@pytest.fixture
def bar(request: pytest.FixtureRequest) -> Bar:
    """Records the figure of one bar, as part of the report of the test that asserts it."""

    def record(name: str, figure: object, met: bool = True) -> None:
        request.node.user_properties.append(("bar", (name, str(figure), met)))

    return record


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--verification", metavar="FILE", type=Path, help="bring FILE up to date with the bars that were checked"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Verification(config.getoption("--verification")), "verification")
