# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which run leads which join, noted on the control plane that helps.

Two runs must not join one machine, nor two control planes of one cluster, at a time. A join spans two machines and
several tasks, which no file lock covers. A claim ends when its run takes the join material back, with the token's life,
or when the controller finds that its run is dead. Private to the collection.
"""

from __future__ import annotations

import json
import time
import typing as t

from ..errors import Refused
from ..plan import Plan, Step
from . import host, kubeadm, lock

PATH = "/run/lodestar.claims.json"

Claims = dict[str, dict[str, t.Any]]


def load(path: str = PATH) -> Claims:
    """Claims by joining machine, those that have run out left out."""
    try:
        noted = json.loads(host.read(path) or "{}")
    except ValueError:
        return {}
    if not isinstance(noted, dict):
        return {}
    return {name: claim for name, claim in noted.items() if time.time() - claim["at"] < kubeadm.TOKEN_SECONDS}


def check(
    claims: Claims, joiner: t.Mapping[str, t.Any], owner: t.Mapping[str, t.Any], supersedes: str | None = None
) -> None:
    """Refuses a join that another run leads. Pure.

    :param supersedes: a run that the controller knows to be dead.
    :raises Refused: names that run, as C(claimed_by) too.
    """
    for name, claim in claims.items():
        holder = claim["owner"]
        if holder.get("run") in (owner.get("run"), supersedes):
            continue
        if name == joiner["name"] or claim["role"] == joiner["role"] == "control_plane":
            raise Refused(
                f"{lock.describe({**holder, 'since': claim['since']})} is joining {name}; nothing was changed."
                " Let it end, and run again.",
                claimed_by=holder,
            )


def claiming(plan: Plan, joiner: t.Mapping[str, t.Any], owner: t.Mapping[str, t.Any], path: str = PATH) -> Plan:
    """The plan, with the claim noted by its first step."""
    first: Step = plan.steps[0]

    def perform() -> None:
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        claim = {"owner": dict(owner), "role": joiner["role"], "at": time.time(), "since": since}
        host.write(path, json.dumps({**load(path), joiner["name"]: claim}) + "\n", 0o600)
        first.perform()

    claimed = Step(**{**vars(first), "perform": perform})
    plan.steps[0] = claimed
    return plan


def others(claims: Claims, owner: t.Mapping[str, t.Any], supersedes: str | None = None) -> Claims:
    """The claims of other runs. Pure.

    :param supersedes: a run that the controller knows to be dead, and whose claims count as ours.
    """
    ours = (owner.get("run"), supersedes)
    return {name: claim for name, claim in claims.items() if claim["owner"].get("run") not in ours}


def release(
    owner: t.Mapping[str, t.Any], joiner: str | None = None, supersedes: str | None = None, path: str = PATH
) -> None:
    """Ends the claims of a run.

    :param joiner: name of the machine that has joined; without one, all claims of the run end.
    :param supersedes: as for :func:`others`.
    """
    noted = load(path)
    elsewhere = others(noted, owner, supersedes)
    kept = {name: claim for name, claim in noted.items() if name in elsewhere or joiner not in (None, name)}
    if kept != noted:
        host.write(path, json.dumps(kept) + "\n", 0o600)
