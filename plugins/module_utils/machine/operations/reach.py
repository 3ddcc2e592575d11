# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom a machine reaches, and who reaches it. Private to the collection."""

from __future__ import annotations

from ...operation import Operation
from ..preflight import reach
from .common import COMMON

MACHINE_REACH = Operation(
    arguments={
        **COMMON,
        "state": {"type": "str", "choices": ["listening", "probed", "ended"], "required": True},
        "lifetime": {"type": "int", "default": 60},
        "timeout": {"type": "float", "default": 3.0},
        "among": {"type": "str", "choices": ["newcomers", "all"], "default": "newcomers"},
        "peers": {"type": "list", "elements": "dict", "default": []},
        "unit": {"type": "str"},
    },
    plan=reach.plan,
    constraints={"required_if": [("state", "ended", ["unit"])]},
)
