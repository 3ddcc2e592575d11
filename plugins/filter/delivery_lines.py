# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of deliveries, for people."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: delivery_lines
short_description: What became of deliveries, in lines
version_added: 0.1.0
description:
  - A line for each cluster on which something was done or could not be, and one for all others of a delivery.
options:
  _input:
    description: The RV(lodestar.platform.delivery#module:outcome) of a run.
    type: dict
    required: true
"""

EXAMPLES = r"""
lines: "{{ delivery_result.outcome | lodestar.platform.delivery_lines }}"
"""

RETURN = r"""
_value:
  description: The lines, by delivery and cluster.
  type: list
  elements: str
  sample: ["shop on east: delivered", "shop on north, south: unchanged"]
"""

#: So many unchanged clusters are named, more are counted.
_NAMED = 8


def delivery_lines(outcome: t.Mapping[str, t.Mapping[str, t.Mapping[str, t.Any]]]) -> list[str]:
    """The lines of all deliveries."""
    return [line for name, clusters in outcome.items() for line in _lines(name, clusters)]


def _lines(name: str, clusters: t.Mapping[str, t.Mapping[str, t.Any]]) -> t.Iterator[str]:
    same = [cluster for cluster, became in clusters.items() if became["state"] == "unchanged"]
    for cluster, became in clusters.items():
        if became["state"] != "unchanged":
            yield f"{name} on {cluster}: {became['state']}" + (f": {became['reason']}" if "reason" in became else "")
    if same:
        yield f"{name} on {', '.join(same) if len(same) <= _NAMED else f'{len(same)} clusters'}: unchanged"


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name and function of each."""
        return {"delivery_lines": delivery_lines}
