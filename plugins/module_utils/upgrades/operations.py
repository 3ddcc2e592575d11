# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules upgrade_waves and upgrade_gate. Private to the collection."""

from __future__ import annotations

import typing as t

from ..fleet import look
from ..fleet.access_info import HUB_ARGUMENTS, hub_client
from ..operation import Context, Operation
from ..plan import Plan
from .waves import lines, plain, read, stop, waves

#: Clusters that are asked at the same time.
_AT_ONCE = 16


def plan_waves(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """Which clusters are upgraded together. There is never anything to do.

    :raises InvalidInput: the strategy is wrong.
    """
    strategy = read(params["rollout"])
    left, refused = params["left"], params["refused"]
    asked = {name for name in (*left, *refused) if name != params["hub"]}
    clusters = {name: item for name, item in params["clusters"].items() if name in asked and item["mode"] == "create"}
    found = waves(
        strategy,
        clusters,
        {name: left[name] for name in clusters if name in left},
        [name for name in clusters if name in refused],
    )
    return Plan(outputs={"waves": plain(found), "table": lines(found)})


def plan_gate(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """Whether a wave may begin: the clusters before it must be done, and be well. There is never anything to do.

    :raises PlatformError: the hub cannot be asked.
    """
    found, begins = params["waves"], params["begins"]
    before = [name for wave in found[:begins] for name in wave["clusters"]]
    failed = {name: "its upgrade was refused" for wave in found[:begins] for name in wave["refused"]}
    failed |= {
        name: f"{', '.join(machines)} not upgraded" for name in before if (machines := params["undone"].get(name))
    }
    asked = [name for name in before if name not in failed]
    if asked:
        hub = context.enter(hub_client(params, context))
        seen = look.live_all(hub, asked, float(params["deadline"]), _AT_ONCE)
        failed |= {name: why for name in asked if (why := _ill(seen[name]))}
    return Plan(outputs={"stopped": stop(found, begins, failed), "ill": failed, "begins": begins})


def _ill(seen: t.Mapping[str, t.Any]) -> str:
    """What is wrong with a cluster that was upgraded; empty where nothing is."""
    if seen["nodes"] is None:
        return str(seen["reason"] or seen["state"])
    ready, total = seen["nodes"]["ready"], seen["nodes"]["total"]
    return "" if total and ready == total else f"{ready} of {total} nodes are ready"


WAVES = Operation(
    arguments={
        "rollout": {"type": "dict", "default": {}},
        "clusters": {"type": "dict", "required": True},
        "left": {"type": "dict", "required": True},
        "refused": {"type": "list", "elements": "str", "default": []},
        "hub": {"type": "str"},
    },
    plan=plan_waves,
)
GATE = Operation(
    arguments={
        "waves": {"type": "list", "elements": "dict", "required": True},
        "begins": {"type": "int", "required": True},
        "undone": {"type": "dict", "default": {}},
        "deadline": {"type": "int", "default": 10},
        **HUB_ARGUMENTS,
    },
    plan=plan_gate,
)
