# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many writes are sent at once."""

from __future__ import annotations

import math

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection
from ansible_collections.lodestar.platform.plugins.module_utils.kube.session import Session


@pytest.mark.parametrize(
    ("latency", "in_flight", "at_once"),
    [(0.002, 8, 4), (0.05, 8, 8), (math.inf, 8, 8), (0.002, 2, 2)],
    ids=["nearby", "far away", "not asked yet", "fewer are allowed"],
)
def test_a_server_nearby_gets_fewer_connections(latency: float, in_flight: int, at_once: int) -> None:
    session = Session(Connection(server="https://192.0.2.1:6443"), in_flight=in_flight)
    session.latency = latency
    assert session.at_once == at_once
