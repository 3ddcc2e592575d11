# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From audit to warn to deny: no stricter stage while the cluster holds what would break it. Private to the
collection.
"""

from __future__ import annotations

import datetime
import typing as t

from ..errors import Refused
from ..kube.applyset import digest, recorded
from ..kube.client import Client
from ..kube.desired import normalise
from ..kube.resources import object_id
from ..plan import Step
from .judge import MODES, mode_of
from .model import Policy
from .scan import BINDING, Finding, Governed, Scan, scan
from .scan_report import named

Object = dict[str, t.Any]
#: How many objects a refusal names.
_SHOWN = 5


def stricter(
    client: Client,
    policies: t.Sequence[Policy],
    rendered: t.Mapping[str, t.Sequence[Object]],
    steps: t.Sequence[Step],
) -> dict[str, tuple[str, str]]:
    """Policies whose mode on the cluster would become stricter: from which to which. Costs a GET for each of them."""
    updates = {step.id: step for step in steps if step.action == "update" and f"/{BINDING}/" in step.id}
    found = {}
    for policy in policies:
        binding = {} if policy.mutates else rendered[policy.name][1]
        step = updates.get(object_id(binding)) if binding else None
        if step is None or not isinstance(step.before, dict):
            continue
        was = mode_of({"spec": step.before.get("spec") or {}})
        if MODES.index(policy.mode) > MODES.index(was) and not _is_drift(client, binding):
            found[policy.name] = (was, policy.mode)
    return found


def _is_drift(client: Client, binding: Object) -> bool:
    """Somebody edited what is declared as before: that is put back, and is no stage."""
    there = client.get(binding["apiVersion"], BINDING, binding["metadata"]["name"])
    return there is not None and recorded(there) == digest(normalise([binding])[0])


def check(
    client: Client,
    changes: t.Mapping[str, tuple[str, str]],
    rendered: t.Mapping[str, t.Sequence[Object]],
    cluster: str,
    accept: bool,
) -> list[str]:
    """What an operator should know of stages that are entered although objects break their policy.

    :param changes: as :func:`stricter` gives them; nothing is read when there are none.
    :param accept: enter them all the same.
    :raises Refused: objects break a policy, or it cannot be told, without ``accept``.
    """
    if not changes:
        return []
    objects = {name: rendered[name] for name in changes}
    governed = [Governed(made[0]["metadata"]["name"], made, True) for made in objects.values()]
    found = scan(client, governed, datetime.datetime.now(datetime.UTC))
    lines = []
    for name, (was, becomes) in changes.items():
        told = _told(found, str(objects[name][0]["metadata"]["name"]))
        if told:
            lines.append(f"policy {name} would go from {was} to {becomes}: {told}")
    if lines and not accept:
        listed = "\n".join(f"- {line}" for line in lines)
        raise Refused(
            f"{len(lines)} stage(s) refused on {cluster}, nothing was changed:\n{listed}\nMend the objects (scan them "
            "with lodestar.platform.compliance_scan), except them, or enter the stage all the same with "
            "accept_violations",
            violations={name: _count(found, str(objects[name][0]["metadata"]["name"])) for name in changes},
        )
    return [f"{cluster}: {line}; it is entered all the same" for line in lines]


def _broken(found: Scan, name: str) -> list[Finding]:
    return [item for item in found.violations() if item.policy == name]


def _count(found: Scan, name: str) -> dict[str, int]:
    entry = found.policies[name]
    return {key: entry[key] for key in ("pass", "fail", "error")}


def _told(found: Scan, name: str) -> str:
    """Why a stage is not to be entered; empty when nothing stands in its way."""
    parts = []
    broken = _broken(found, name)
    if broken:
        names = [named(item) for item in broken]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        judged = sum(_count(found, name).values())
        spaces = {item.object.get("namespace") for item in broken}
        parts.append(
            f"{len(broken)} of {judged} object(s) in {len(spaces)} namespace(s) break it"
            f" ({', '.join(names[:_SHOWN])}{more})"
        )
    parts += sorted({item.message for item in found.skipped() if item.policy == name})
    return "; ".join(parts)
