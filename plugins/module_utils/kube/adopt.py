# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which kinds of objects may be taken over from others: none, unless the operator names them.

Private to the collection.
"""

from __future__ import annotations

import re
import typing as t

from ..errors import InvalidInput, Problem

#: Every kind.
ALL = "all"
#: The part of an argument spec.
ARGUMENT: dict[str, t.Any] = {"adopt": {"type": "list", "elements": "str", "default": []}}
_KIND = re.compile(r"[A-Z][A-Za-z0-9]{0,62}")


def kinds(params: t.Mapping[str, t.Any]) -> frozenset[str]:
    """The kinds of the argument C(adopt).

    :raises InvalidInput: an item is no kind.
    """
    given = [item for item in params["adopt"] if item]
    problems = [
        Problem("adopt", item, "is no kind of objects", f"Name kinds as in the API, like Namespace, or {ALL}")
        for item in given
        # YAML's true would be taken for a word.
        if item != ALL and (not _KIND.fullmatch(item) or item in ("True", "False"))
    ]
    if problems:
        raise InvalidInput(problems)
    return frozenset(given)
