# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster may say to harm whoever reads the report."""

from __future__ import annotations

import typing as t

PAYLOADS = (
    "<script>document.hacked=1</script>",
    '"><img src=x onerror=document.hacked=1>',
    "' onmouseover=document.hacked=1 x='",
    "</title></desc></svg></style></script><svg onload=document.hacked=1>",
    "javascript:document.hacked=1",
    "{{ 7 * 7 }}{% raw %}${7*7}",
    "--><!-- <base href=//evil.invalid>",
    "&lt;b&gt;&#60;script&#62;",
    "]]>\u2028\u202e\x1b[31m\x00\ufeff",
    "a | b `c` [d](javascript:document.hacked=1) ![e](https://evil.invalid/x.png) <https://evil.invalid> **f** # g",
    "line\n\n# heading\n- item\n|---|\n",
    "https://evil.invalid www.evil.invalid evil@evil.invalid @someone",
    "x" * 5000,
)
#: Words of ours, which decide what is shown.
FIXED = {"severity", "health", "mode", "role", "kind", "schema", "result", "satisfied", "difference", "at", "area"}


def spoiled(value: t.Any, payloads: t.Sequence[str], key: str = "") -> t.Any:
    """The report with every text, and every key that is data, replaced by one of the payloads; what was equal stays so.

    :param payloads: taken by what was there, so that two fleets that are spoiled alike have the same structure.
    """
    if isinstance(value, dict):
        data = key in ("labels", "lacking", "unreadable", "changed", "budget") or (key == "resources" and value)
        return {(spoiled(k, payloads) if data else k): spoiled(item, payloads, k) for k, item in value.items()}
    if isinstance(value, list):
        return [spoiled(item, payloads, key) for item in value]
    if not isinstance(value, str) or key in FIXED:
        return value
    number = sum(value.encode())
    return f"{payloads[number % len(payloads)]} {value}" if value else value
