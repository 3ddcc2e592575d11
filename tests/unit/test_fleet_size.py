# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What clusters are asked one by one must not grow with their number: the run would grow by its square."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml

ROLES = Path(__file__).resolve().parents[2] / "roles"
#: Roles whose hosts are clusters.
OF_CLUSTERS = ("access", "addons", "attach", "detach", "hub", "policy", "report", "status", "tenancy")


def variables(role: str) -> dict[str, str]:
    """The text of each variable and default of a role."""
    files = [ROLES / role / part / "main.yml" for part in ("defaults", "vars")]
    loaded = [yaml.safe_load(path.read_text()) or {} for path in files if path.exists()]
    return {name: str(value) for found in loaded for name, value in found.items()}


def over_all(text: str, known: t.Mapping[str, str]) -> bool:
    """True for an expression that reads variables of every host of the play, by itself or by a variable."""
    if "ansible_play_hosts" in text and "hostvars" in text:
        return True
    rest = {name: value for name, value in known.items() if name not in text}
    return any(over_all(value, rest) for name, value in known.items() if name in text)


@pytest.mark.parametrize("role", OF_CLUSTERS)
def test_only_what_is_done_once_looks_at_all_hosts(role: str) -> None:
    known = variables(role)
    tasks = [
        task for path in sorted((ROLES / role / "tasks").glob("*.yml")) for task in yaml.safe_load(path.read_text())
    ]
    assert tasks
    each = [task["name"] for task in tasks if not task.get("run_once") and over_all(str(task), known)]
    assert each == []
