# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs from the declaration in each cluster, from what modules have planned or done. Pure.

The plan of a set says which objects differ, and the record of ownership in it who changed them and when. So a report of
drift asks no cluster by itself, and cannot say anything else than check mode. Private to the collection.
"""

from __future__ import annotations

import typing as t

from ..kube.applyset import ApplySet

Object = t.Mapping[str, t.Any]
#: What a set's own record is called, which is no drift by itself.
_RECORD = f"/{ApplySet('').parent_name}"
#: What may be different about an object.
MISSING, EDITED, REDECLARED, UNDECLARED, CONFLICT, FAILED, OTHER = (
    "missing",
    "edited",
    "redeclared",
    "undeclared",
    "conflict",
    "failed",
    "differs",
)
#: What has become of a difference.
FOUND, REPAIRED, LEFT = "found", "repaired", "left"


def differences(cluster: str, name: str, result: Object, enforced: bool) -> list[dict[str, t.Any]]:
    """The differences of one set.

    :param name: the set's name.
    :param result: of a module that holds it.
    :param enforced: the plan in the result was carried out, rather than made in check mode.
    :returns: C(cluster), C(set), C(object), C(difference), C(fields), C(managers), C(since), C(state), C(reason) each.
    """
    found = [
        _item(item["id"], CONFLICT, LEFT, item["fields"], item["reason"]) for item in result.get("conflicts") or ()
    ]
    told = {item["reason"] for item in found}
    found += [_item("", FAILED, LEFT, reason=line) for line in result.get("refusals") or () if line not in told]
    failed = {item["id"]: item["reason"] for item in (result.get("outcome") or {}).get("failed") or ()}
    done = set(result.get("done") or ()) if result.get("failed") else None
    for step in [*(result.get("plan") or ()), *(result.get("withheld") or ())]:
        if _RECORD in step["id"]:
            continue
        state = FOUND if not enforced else REPAIRED if done is None or step["id"] in done else LEFT
        found.append(_step(step, state, failed.get(step["id"], "")))
    if result.get("failed") and not found:
        found = [_item("", FAILED, LEFT, reason=str(result.get("msg") or "it could not be compared"))]
    return [{"cluster": cluster, "set": name, **item} for item in found]


def _step(step: Object, state: str, reason: str) -> dict[str, t.Any]:
    cause = step.get("cause") or {}
    if step["action"] == "create":
        return _item(step["id"], MISSING, state, reason=reason)
    if step["action"] == "delete":
        return _item(step["id"], UNDECLARED, state, reason=reason)
    if cause.get("fields"):
        return _item(step["id"], EDITED, state, cause["fields"], reason)
    other = REDECLARED if cause.get("redeclared") else OTHER
    return _item(step["id"], other, state, reason=reason or str(step["description"]))


def _item(
    identity: str, difference: str, state: str, fields: t.Sequence[Object] = (), reason: str = ""
) -> dict[str, t.Any]:
    managers = [manager for item in fields for manager in item["managers"]]
    return {
        "object": identity,
        "difference": difference,
        "fields": [item["path"] for item in fields],
        "managers": sorted({manager["name"] for manager in managers}),
        "since": min((manager["since"] for manager in managers if manager["since"]), default=""),
        "state": state,
        "reason": reason,
    }


def rows(found: t.Sequence[Object]) -> list[tuple[str, ...]]:
    """The differences as rows of a table, with its head."""
    head = ("CLUSTER", "SET", "OBJECT", "DIFFERENCE", "FIELDS", "BY", "SINCE", "STATE")
    return [head, *(_row(item) for item in found)]


def _row(item: Object) -> tuple[str, ...]:
    return (
        item["cluster"],
        item["set"],
        item["object"] or item["reason"],
        item["difference"],
        ", ".join(item["fields"]) or "-",
        ", ".join(item["managers"]) or "-",
        item["since"] or "-",
        item["state"],
    )


def counted(found: t.Sequence[Object]) -> dict[str, int]:
    """How many differences are in which state."""
    return {state: sum(1 for item in found if item["state"] == state) for state in (FOUND, REPAIRED, LEFT)}
