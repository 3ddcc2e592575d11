# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps the content of Secrets out of plans, diffs and messages. Pure. Private to the collection."""

from __future__ import annotations

import typing as t

#: Stands for a value that is not shown.
HIDDEN = "<hidden>"
#: Where clients keep a copy of the whole object, its secrets included.
COPIES = ("kubectl.kubernetes.io/last-applied-configuration",)
_SECRET_FIELDS = ("data", "stringData", "binaryData")


def redact(obj: t.Any) -> t.Any:
    """A copy that may be shown: no Secret content, no copies of objects in annotations, no C(managedFields).

    Works on any nesting: a Secret in a list or in another object is found by its ``kind``.
    """
    if isinstance(obj, list):
        return [redact(item) for item in obj]
    if not isinstance(obj, dict):
        return obj
    shown = {key: redact(value) for key, value in obj.items()}
    if obj.get("kind") == "Secret":
        for name in _SECRET_FIELDS:
            if isinstance(obj.get(name), dict):
                shown[name] = dict.fromkeys(obj[name], HIDDEN)
            elif obj.get(name) is not None:
                shown[name] = HIDDEN
    if isinstance(shown.get("metadata"), dict):
        shown["metadata"] = _metadata(shown["metadata"])
    return shown


def redact_pair(before: t.Any, after: t.Any) -> tuple[t.Any, t.Any]:
    """Both sides of a diff, redacted so that a changed Secret value still shows as a change."""
    left, right = redact(before), redact(after)
    if isinstance(before, dict) and isinstance(after, dict) and after.get("kind") == "Secret":
        for name in _SECRET_FIELDS:
            old, new = before.get(name), after.get(name)
            if isinstance(old, dict) and isinstance(new, dict):
                for key in new:
                    if key in old and old[key] != new[key]:
                        right[name][key] = f"{HIDDEN} (changed)"
    return left, right


def _metadata(metadata: dict[str, t.Any]) -> dict[str, t.Any]:
    kept = {key: value for key, value in metadata.items() if key != "managedFields"}
    if isinstance(kept.get("annotations"), dict):
        kept["annotations"] = {key: HIDDEN if key in COPIES else value for key, value in kept["annotations"].items()}
    return kept
