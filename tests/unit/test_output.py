# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people see cannot command their terminal, whoever wrote it."""

from __future__ import annotations

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.checks import table
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.checks_model import Check
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context, Operation
from ansible_collections.lodestar.platform.plugins.module_utils.output import aligned, printable
from ansible_collections.lodestar.platform.plugins.module_utils.plan import Plan

NASTY = "v1\x1b[2J\u202efake\rok\nnext"


@pytest.mark.parametrize("text", ["", "plain", "Zürich, 北京", "two\nlines"])
def test_what_can_be_printed_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_what_a_terminal_would_obey_is_escaped() -> None:
    assert printable(NASTY) == "v1\\x1b[2J\\u202efake\\rok\nnext"


def test_a_cell_is_one_line_of_its_table() -> None:
    lines = aligned([("NAME", "VERSION", "NODES"), ("east", NASTY, "3/3")])
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)
    lines = table("east", [Check("version", "error", False, NASTY, "a version")]).splitlines()
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)


def test_messages_and_warnings_are_escaped() -> None:
    def warn(_params: object, _context: Context) -> Plan:
        return Plan(warnings=[NASTY])

    def fail(_params: object, _context: Context) -> Plan:
        raise PlatformError(NASTY)

    for plan, key in ((warn, "warnings"), (fail, "msg")):
        told = Operation(arguments={}, plan=plan).execute({}, Context(environ={}), check_mode=False)[key]
        assert "\x1b" not in str(told if isinstance(told, str) else told[0])
