# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a site run would change on a machine of a promoted cluster, and what it would restart for it. Pure.

Made of the steps that the look of every site run plans. Private to the collection.
"""

from __future__ import annotations

import typing as t

from .. import paths

Step = t.Mapping[str, t.Any]

_LONGEST = 400
#: What the promotion itself does.
_PROMOTED = ("record:before", "record:cluster")


def differences(seen: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """What differs: C(what), C(description), C(seen), C(wanted), and C(restarts), what is restarted for it.

    :param seen: the result of the module C(machine) in check mode. A step that was not taken, such as the restart of a
        service, stands for what it restarts.
    """
    steps = [*(seen.get("plan") or ()), *((seen.get("machine") or {}).get("differs") or ())]
    return [
        {
            "what": step["id"],
            "description": step["description"],
            "seen": _short(step["before"]),
            "wanted": _short(step["after"]),
            "restarts": restarts(step),
        }
        for step in steps
        if step["id"] not in _PROMOTED
    ]


def restarts(step: Step) -> str:
    """What is restarted by a step; C("") where nothing is."""
    kind, _colon, name = str(step["id"]).partition(":")
    if kind == "static-pod":
        return name
    if step["id"] == f"file:{paths.AUDIT_POLICY}":
        return "kube-apiserver"
    return name if step["action"] == "restart" and kind in ("service", "daemonset") else ""


def _short(value: t.Any) -> t.Any:
    """Data as it is; a text that is too long for a report without its end."""
    if isinstance(value, str) and len(value) > _LONGEST:
        return value[:_LONGEST] + "..."
    return value
