# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which order the machines of a cluster act, so that no more of it is in question at once than it can do without.

Pure. Private to the collection.
"""

from __future__ import annotations

import re
import typing as t

from ..errors import InvalidInput, Problem
from .decide import FOUND, JOIN, REPAIR, Decision, Probe

_SHARE = re.compile(r"(?P<number>[1-9][0-9]{0,3})(?P<percent>%?)")


def batch_size(max_unavailable: str, workers: int, key: str = "node_max_unavailable") -> int:
    """How many workers may be in question at once; a share of them is rounded down, and is at least one.

    :param key: the variable that says so.
    :raises InvalidInput: it is neither a number nor a percentage.
    """
    found = _SHARE.fullmatch(max_unavailable.strip())
    number = int(found["number"]) if found else 0
    if found is None or (found["percent"] and number > 100):
        allowed = "must be a whole number from 1, or a percentage from 1% to 100%"
        raise InvalidInput([Problem(key, max_unavailable, allowed, "Correct it")])
    return max(1, workers * number // 100) if found["percent"] else number


def turns(
    cluster: t.Mapping[str, t.Any],
    probes: t.Mapping[str, Probe | None],
    decisions: t.Mapping[str, Decision],
    max_unavailable: str = "1",
) -> dict[str, int]:
    """The turn of each machine, from 0; the same number means side by side.

    Control planes act one at a time: who founds, then those that are not as declared, since whoever joins takes what
    they share, then those that join, each in the order of their group. A join that was interrupted goes on before
    another begins, since etcd has one learner at a time. Workers join all at once, and are brought to the declaration
    in batches.
    """
    planes = [name for name in cluster["control_plane"] if name in decisions]
    workers = [name for name in cluster["workers"] if name in decisions]
    answer = dict.fromkeys(decisions, 0)
    mending = [name for name in planes if decisions[name].action == REPAIR]
    joining = [name for name in planes if decisions[name].action == JOIN]
    joining.sort(key=lambda name: not (probes.get(name) or {}).get("etcd_data"))
    founding = [name for name in planes if decisions[name].action == FOUND]
    answer.update({name: turn for turn, name in enumerate([*founding, *mending, *joining])})
    size = batch_size(max_unavailable, len(cluster["workers"]))
    differing = [name for name in workers if decisions[name].action == REPAIR]
    answer.update({name: index // size for index, name in enumerate(differing)})
    return answer
