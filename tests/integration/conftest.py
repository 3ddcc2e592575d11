# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for tests against real API servers.

``api`` is a server that the whole session shares; ``other_api`` is a second one, for tests of two clusters. Nothing
deletes namespaces there (no controller manager runs), so each test takes names of its own from ``prefix``.
"""

from __future__ import annotations

import itertools
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from .harness.apiserver import ApiServer
from .harness.programs import programs

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The bundle's etcd, kube-apiserver and kubectl."""
    return programs(tmp_path_factory.mktemp("programs"))


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path]) -> t.Iterator[ApiServer]:
    """The session's API server."""
    with ApiServer(tmp_path_factory.mktemp("api"), tools) as server:
        yield server


@pytest.fixture(scope="session")
def other_api(tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path]) -> t.Iterator[ApiServer]:
    """A second cluster's API server."""
    with ApiServer(tmp_path_factory.mktemp("other-api"), tools) as server:
        yield server


@pytest.fixture
def client(api: ApiServer) -> t.Iterator[Client]:
    """A client of ``api`` as an identity that may do everything and is not in system:masters."""
    with Client(api.runner) as made:
        yield made


@pytest.fixture
def prefix() -> str:
    """A name that no other test uses."""
    return f"t{next(_numbers)}"
