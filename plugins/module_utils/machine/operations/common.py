# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Arguments and locks that the operations on machines share. Private to the collection."""

from __future__ import annotations

import typing as t

from ...plan import Plan
from .. import lock

Params = t.Mapping[str, t.Any]

COMMON: dict[str, t.Any] = {
    "cluster": {"type": "dict", "required": True},
    "machine": {"type": "dict", "required": True},
    "owner": {"type": "dict", "default": {}},
    "lock_timeout": {"type": "int", "default": 300},
}

BUNDLED: dict[str, t.Any] = {
    **COMMON,
    "bundle_path": {"type": "path"},
    "artifacts": {"type": "list", "elements": "dict", "default": []},
    "staging": {"type": "path"},
}
PURPOSES = {"image_purposes": {"type": "list", "elements": "str", "default": ["kubernetes", "addon"]}}


def exclusive(params: Params) -> t.ContextManager[None]:
    """The machine's lock, for who changes it."""
    return lock.held(params["owner"], params["lock_timeout"])


def shared(params: Params) -> t.ContextManager[None]:
    """The machine's lock, for who only reads what must not change meanwhile."""
    return lock.held(params["owner"], params["lock_timeout"], shared=True)


def finished(plan: Plan) -> Plan:
    """The plan, with what is to be said of the lock."""
    plan.warnings += lock.waited()
    return plan
