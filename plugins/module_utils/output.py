# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a report is given out: aligned tables for people, JSON files for programs. Private to the collection."""

from __future__ import annotations

import contextlib
import json
import typing as t
import uuid
from pathlib import Path

from .errors import PlatformError


def printable(text: str) -> str:
    """A text that a terminal shows and does not obey: characters that are not printed are escaped, but line ends. Pure.

    What a cluster says of itself ends up in messages and tables, and a cluster may belong to somebody else.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode() for char in text
    )


def aligned(rows: t.Sequence[t.Sequence[str]]) -> list[str]:
    """Rows as lines, each column as wide as its widest cell. Pure."""
    rows = [[printable(cell).replace("\n", "\\n") for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def write_report(path: Path, document: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Puts a report at the path, readable by all, in one step, so that a reader never sees half of it.

    :returns: C(report_path), for the result.
    :raises PlatformError: when it cannot be written.
    """
    write_text(path, json.dumps(document, indent=2, sort_keys=True) + "\n", "report_path")
    return {"report_path": str(path)}


def write_text(path: Path, text: str, option: str, mode: int = 0o644) -> None:
    """Likewise a text; C(option) is what names the place. At no time is it open to more than C(mode) allows.

    :raises PlatformError: when it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(mode=0o600, exist_ok=False)
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(mode)
        temporary.replace(path)
    except OSError as exc:
        with contextlib.suppress(OSError):
            temporary.unlink()
        reason = f"the report cannot be written to {path}: {exc.strerror}"
        raise PlatformError(f"{reason}. Set {option} to another place") from exc
