# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where rollouts of deliveries stand, as the hub's records of deliveries say. Pure. Private to the collection.

The records are written by delivery/record.py; what does not look like one is left out, and told.
"""

from __future__ import annotations

import json
import typing as t

from .judge import Finding, finding

Object = t.Mapping[str, t.Any]

#: The records of deliveries, in the platform's namespace.
SELECTOR = "lodestar.platform/record=delivery"
_WHAT_NEXT = {
    "stopped": "Change the declaration, or run lodestar.platform.delivery with delivery_resume or delivery_rollback",
    "rolled_back": "Change the declaration, or run lodestar.platform.delivery with delivery_resume",
    "rolling_back": "Run lodestar.platform.delivery",
    "progressing": "Run lodestar.platform.delivery",
}
_SAID = {
    "stopped": "has stopped",
    "rolled_back": "was rolled back, and its declaration is not what is there",
    "rolling_back": "is on its way back to the last good set",
    "progressing": "has not reached all clusters",
}
_STATES = {*_SAID, "complete"}


def rollouts(records: t.Iterable[Object], omitted: dict[str, str]) -> list[dict[str, t.Any]]:
    """How each rollout stands, by the name of the delivery; deliveries without one have none.

    :param omitted: gets what cannot be read.
    """
    found = []
    for obj in sorted(records, key=lambda one: str(one["metadata"]["name"])):
        data, name = obj.get("data") or {}, str(obj["metadata"]["name"]).removeprefix("delivery-")
        if "rollout" not in data:
            continue
        try:
            found.append(_rollout(name, json.loads(data["rollout"]), json.loads(data["clusters"]), obj))
        except (AttributeError, KeyError, TypeError, ValueError):
            omitted[f"the rollout of {name}"] = "the hub's record of it cannot be read"
    return found


def _rollout(name: str, known: Object, clusters: t.Sequence[str], obj: Object) -> dict[str, t.Any]:
    times = [str(item["time"]) for item in obj["metadata"].get("managedFields") or () if item.get("time")]
    state, failed = str(known["state"]), (known.get("failed") or {}).items()
    if state not in _STATES:
        raise ValueError(state)
    done = clusters if state == "complete" else known.get("done") or ()
    return {
        "delivery": name,
        "state": state,
        "since": max(times, default=None),
        "reason": str(known.get("reason") or ""),
        "digest": str(known["digest"]),
        "good": str(known["good"]) if known.get("good") else None,
        "done": sorted(map(str, done)),
        "failed": [{"cluster": str(one), "reason": str(why)} for one, why in sorted(failed)],
        "not_begun": sorted(map(str, known.get("waiting") or ())),
    }


def findings(known: t.Iterable[Object]) -> list[Finding]:
    """What needs attention of them."""
    found = []
    for item in known:
        if item["state"] in _SAID:
            failed = ", ".join(one["cluster"] for one in item["failed"])
            parts = [item["reason"], f"failed: {failed}" if failed else ""]
            why = "; ".join(part for part in parts if part)
            text = f"the rollout of the delivery {item['delivery']} {_SAID[item['state']]}" + (
                f": {why}" if why else ""
            )
            remedy = _WHAT_NEXT[item["state"]]
            found.append(finding("warning", "deliveries", text, since=item["since"], remedy=remedy))
    return found
