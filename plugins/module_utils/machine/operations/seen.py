# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan, beside the facts that preflight judges by. Private to the collection."""

from __future__ import annotations

import time
import typing as t

from ...errors import PlatformError
from ...plan import Plan
from .. import lock, place
from ..preflight.observe import observe
from .common import Params


def looked_at(params: Params, make: t.Callable[[], Plan]) -> Plan:
    """A plan, beside the facts that preflight judges by."""
    facts = observe(params["cluster"], params["machine"], time.time()).as_dict()
    try:
        place.require_root()
        place.require_place(params["machine"])
        plan = make()
    except PlatformError as exc:
        # One failure must not hide the others that the facts tell.
        exc.details["preflight"] = _timed(facts)
        raise
    plan.outputs |= {"busy": lock.busy(), "preflight": _timed(facts)}
    return plan


def _timed(facts: dict[str, t.Any]) -> dict[str, t.Any]:
    """The later the clock is read, the narrower is what the controller can say of it."""
    return {"facts": {**facts, "clock": [facts["clock"][0], time.time()]}}
