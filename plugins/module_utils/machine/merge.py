# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An operator's deviations over our settings. Pure. Private to the collection."""

from __future__ import annotations

import typing as t


def merged(ours: t.Mapping[str, t.Any], deviations: t.Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    """``ours`` with ``deviations`` over it. Mappings are merged, lists replaced, ``None`` takes a key away."""
    answer = dict(ours)
    for key, value in (deviations or {}).items():
        if value is None:
            answer.pop(key, None)
        elif isinstance(value, t.Mapping) and isinstance(answer.get(key), t.Mapping):
            answer[key] = merged(answer[key], value)
        elif isinstance(value, t.Mapping):
            answer[key] = merged({}, value)
        else:
            answer[key] = value
    return answer
