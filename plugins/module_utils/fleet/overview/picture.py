# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture of the fleet as geometry: the global cluster, the sets, their clusters. Pure. Private to the collection.

Few clusters are cards with what matters of each, more are names, very many are dots; what a card does not say is its
title. Widths of texts are estimated by those of a wide font, so that nothing sticks out in any.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

Object = t.Mapping[str, t.Any]
#: Width of the picture on screens and paper, and on phones.
WIDE, NARROW = 1120, 340
_TRUNK, _INDENT, _PAD, _GAP, _HEAD = 16, 36, 12, 8, 30
_HUB_WIDTH, _HUB_HEIGHT = 300, 58
#: Width of a set that has hardly any clusters.
_LEAST = 180


@dataclass(frozen=True)
class Size:
    """How clusters are drawn.

    :param most: up to so many clusters.
    :param left: where its words begin.
    """

    kind: str
    most: int
    width: int
    height: int
    left: int = 0


SIZES = (Size("card", 48, 200, 52, left=32), Size("name", 160, 144, 26, left=27), Size("dot", 10**9, 16, 16))
#: Sizes of fonts in the style sheet: names, what stands below them, and sets. Names are bold.
_NAME, _LINE, _SET = 12.5, 11.5, 12.0
#: Widths of letters in em, of a wide font in bold; what is not listed is as wide as C(_OTHER), or C(_UNKNOWN).
_WIDTHS = {**dict.fromkeys("ijl.,:;'|!I ", 0.42), **dict.fromkeys('ftr-()[]{}/\\"`', 0.52)}
_WIDTHS |= {**dict.fromkeys("mwMW@%<>=+~^#&", 1.12), **dict.fromkeys("ABCDEFGHJKLNOPQRSTUVXYZ", 0.88)}
_OTHER, _UNKNOWN = 0.73, 1.2


def draw(report: Object, width: int) -> dict[str, t.Any]:
    """Where everything is: C(width), C(height), C(kind), C(hub), C(groups) with their C(tiles), C(lines) (paths)."""
    places = {item["name"]: (number, item) for number, item in enumerate(report["clusters"])}
    size = next(size for size in SIZES if len(places) <= size.most)
    hub = places.get(report["hub"]) if report["hub"] else None
    left = 1 if hub is None else _INDENT if width > NARROW else _TRUNK + _GAP
    groups = [
        _group(group, [places[name] for name in group["clusters"]], size, width - 1 - left) for group in report["sets"]
    ]
    top = 1 if hub is None else 1 + _HUB_HEIGHT + 3 * _GAP
    lines = []
    for row in _rows(groups, width - 1 - left):
        x = left
        for made in row:
            _move(made, x, top)
            lines.append(f"M{_TRUNK} {1 + _HUB_HEIGHT}V{top - _GAP}H{x + _TRUNK}V{top}")
            x += made["width"] + _GAP
        top += max(made["height"] for made in row) + 2 * _GAP
    drawn = None if hub is None else _tile(*hub, 1, 1, Size("hub", 1, min(_HUB_WIDTH, width - 2), _HUB_HEIGHT, 32))
    bottom = max(top - 2 * _GAP, 1 + _HUB_HEIGHT) + 1
    lines = [] if hub is None else lines
    return {"width": width, "height": bottom, "kind": size.kind, "hub": drawn, "groups": groups, "lines": lines}


def _rows(groups: t.Iterable[dict[str, t.Any]], width: int) -> t.Iterator[list[dict[str, t.Any]]]:
    """The sets in rows, as many side by side as there is room for."""
    row: list[dict[str, t.Any]] = []
    used = 0
    for made in groups:
        if row and used + made["width"] > width:
            yield row
            row, used = [], 0
        row.append(made)
        used += made["width"] + _GAP
    if row:
        yield row


def _move(made: dict[str, t.Any], x: int, y: int) -> None:
    for part in (made, *made["tiles"]):
        part["x"] += x
        part["y"] += y


def _group(group: Object, members: t.Sequence[tuple[int, Object]], size: Size, width: int) -> dict[str, t.Any]:
    """A set, at the origin, no wider than what there is and than its clusters need."""
    gap, inner = _gap(size), width - 2 * _PAD
    columns = min(max(1, (inner + gap) // (size.width + gap)), len(members))
    tile = replace(size, width=min(size.width, inner))
    tiles = []
    for place, (number, item) in enumerate(members):
        row, column = divmod(place, columns)
        tiles.append(_tile(number, item, _PAD + column * (tile.width + gap), _HEAD + row * (tile.height + gap), tile))
    rows = -(-len(members) // columns)
    count = f"{len(members)} cluster" + ("s" if len(members) != 1 else "")
    name = f"set {group['name']}" if group["name"] else "in no set"
    counted = int(extent(count, _SET)) + _PAD
    own = min(width, max(columns * (tile.width + gap) - gap, int(extent(name, _SET)) + counted, _LEAST) + 2 * _PAD)
    return {
        "x": 0,
        "y": 0,
        "width": own,
        "height": _HEAD + rows * (tile.height + gap) - gap + _PAD,
        "tiles": tiles,
        "label": fit(name, own - 2 * _PAD - counted, _SET),
        "count": count,
    }


def _gap(size: Size) -> int:
    return 4 if size.kind == "dot" else _GAP


def _tile(number: int, item: Object, x: int, y: int, size: Size) -> dict[str, t.Any]:
    counts = item["node_counts"]
    nodes = f"{counts['ready']}/{counts['total']} nodes" if counts else ""
    version = str(item["version"] or "version unknown")
    mode = {"create": "created", "attach": "attached"}.get(str(item["mode"]), "")
    line = " · ".join(filter(None, [version.removeprefix("v"), nodes, "" if nodes else mode]))
    room = size.width - size.left - 9
    told = [
        "global cluster" if item["role"] == "global" else f"{mode} cluster",
        version,
        f"{counts['ready']} of {counts['total']} nodes ready" if counts else "",
        item["health"],
    ]
    return {
        "number": number,
        "x": x,
        "y": y,
        "width": size.width,
        "height": size.height,
        "health": item["health"],
        "mode": item["mode"],
        "name": fit(item["name"], room, _NAME),
        "line": fit(line, room, _LINE),
        "title": f"{item['name']}: {', '.join(filter(None, told))}",
    }


def extent(text: str, size: float) -> float:
    """How wide a text is at most, in pixels, with a font of this size."""
    return size * sum(_WIDTHS.get(letter, _OTHER if letter.isascii() else _UNKNOWN) for letter in text)


def fit(text: str, width: float, size: float) -> str:
    """The text, or as much of it as there is room for."""
    if extent(text, size) <= width:
        return text
    kept = text
    while kept and extent(kept, size) + size > width:
        kept = kept[:-1] if len(kept) < 100 else kept[:99]
    return f"{kept}…" if width > size else ""
