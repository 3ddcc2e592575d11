# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a rollout stands, as the hub's record of a delivery says it. Pure. Private to the collection."""

from __future__ import annotations

import json
import typing as t
from dataclasses import asdict, dataclass, field

#: Under way, or ended before its end without a verdict; stopped by the failure budget; ready everywhere; on the way
#: back to the last good set; back there.
STATES = PROGRESSING, STOPPED, COMPLETE, ROLLING_BACK, ROLLED_BACK = (
    "progressing", "stopped", "complete", "rolling_back", "rolled_back",
)  # fmt: skip
#: Of these the set is not pushed further unless somebody says so.
ENDED = (STOPPED, ROLLING_BACK, ROLLED_BACK)
#: The longest reason that is kept of a cluster.
_LONGEST = 300


@dataclass(frozen=True)
class Standing:
    """How a rollout stands.

    :param digest: of the set that it is about.
    :param state: one of :data:`STATES`.
    :param good: digest of the last set that was ready on all its clusters, empty where there is none; C(held) that of
        what each cluster had of it.
    :param touched: clusters that have, or may have, something else than the last good set.
    :param done: clusters that are ready with this set since it began; C(failed) those that are not, with the reason.
    :param waiting: clusters that were not begun.
    :param reason: why it stopped.
    """

    digest: str
    state: str = PROGRESSING
    good: str = ""
    held: str = ""
    touched: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    failed: t.Mapping[str, str] = field(default_factory=dict)
    waiting: tuple[str, ...] = ()
    reason: str = ""


def told(standing: Standing) -> str:
    """The text that a record holds."""
    known = asdict(standing)
    known["failed"] = {name: why[:_LONGEST] for name, why in standing.failed.items()}
    for key in ("touched", "done", "waiting"):
        known[key] = sorted(known[key])
    return json.dumps({key: value for key, value in known.items() if value}, sort_keys=True)


def read(text: str) -> Standing:
    """What a record's text says.

    :raises ValueError: it is none.
    """
    known = json.loads(text)
    failed = known.get("failed") or {} if isinstance(known, dict) else None
    if not isinstance(failed, dict) or not isinstance(known.get("digest"), str) or known.get("state") not in STATES:
        raise ValueError("no standing")
    return Standing(
        known["digest"],
        known["state"],
        good=str(known.get("good") or ""),
        held=str(known.get("held") or ""),
        touched=_names(known, "touched"),
        done=_names(known, "done"),
        failed={str(name): str(why) for name, why in failed.items()},
        waiting=_names(known, "waiting"),
        reason=str(known.get("reason") or ""),
    )


def _names(known: t.Mapping[str, t.Any], key: str) -> tuple[str, ...]:
    return tuple(str(name) for name in known.get(key) or ())
