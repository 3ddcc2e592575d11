# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fields that are declared for new objects, and left to whoever holds them later: C(spec.replicas) with an autoscaler.

Pure. Private to the collection.
"""

from __future__ import annotations

import copy
import re
import typing as t
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ..declaration import Reader
from ..errors import InvalidInput
from .applyset import DIGEST, PART_OF, recorded
from .client import MANAGER
from .ownership import held_by
from .resources import group_of

Object = dict[str, t.Any]
#: Names of fields, and (key, value) for the element of a list.
Path = tuple[t.Any, ...]
#: The part of an argument spec.
ARGUMENT: dict[str, t.Any] = {
    "ignore": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "group": {"type": "str"},
            "kind": {"type": "str"},
            "name": {"type": "str"},
            "namespace": {"type": "str"},
            "paths": {"type": "list", "elements": "str", "required": True},
        },
    }
}
_STEP = re.compile(r"""\.?(?P<name>[^.\[\]"=]+)|\["(?P<quoted>[^"]+)"\]|\[(?P<key>[^\]="]+)=(?P<value>[^\]"]*)\]""")
# What says which object it is, and whose.
_KEPT = {("apiVersion",), ("kind",), ("metadata",), ("metadata", "name"), ("metadata", "namespace")}
_KEPT |= {("metadata", "labels"), ("metadata", "annotations")}
_KEPT |= {("metadata", "labels", PART_OF), ("metadata", "annotations", DIGEST)}
_RULE = 'write it like spec.replicas, spec.containers[name=app].image or metadata.annotations["example.com/x"]'


@dataclass(frozen=True)
class Rule:
    """The fields that are left to others, of the objects that match. C(None) matches everything; C(*) is a wildcard."""

    paths: tuple[Path, ...]
    group: str | None = None
    kind: str | None = None
    name: str | None = None
    namespace: str | None = None

    def matches(self, obj: t.Mapping[str, t.Any]) -> bool:
        """Whether the rule is about this object."""
        metadata = obj["metadata"]
        pairs = (
            (self.group, group_of(str(obj["apiVersion"]))),
            (self.kind, str(obj["kind"])),
            (self.name, metadata["name"]),
            (self.namespace, metadata.get("namespace") or ""),
        )
        return all(wanted is None or fnmatchcase(value, wanted) for wanted, value in pairs)


def read(declared: t.Sequence[t.Mapping[str, t.Any]]) -> list[Rule]:
    """The rules of the argument C(ignore).

    :raises InvalidInput: with every path that cannot be read or must not be ignored.
    """
    reader = Reader()
    rules = []
    for place, item in enumerate(declared):
        paths = [_path(reader, text, f"ignore[{place}].paths[{index}]") for index, text in enumerate(item["paths"])]
        if not paths:
            reader.problem(f"ignore[{place}].paths", [], "names no field", _RULE)
        names = {key: item.get(key) for key in ("group", "kind", "name", "namespace")}
        rules.append(Rule(tuple(paths), **names))
    if reader.problems:
        raise InvalidInput(reader.problems)
    return rules


def _path(reader: Reader, text: str, key: str) -> Path:
    steps: list[t.Any] = []
    end = 0
    while end < len(text) and (found := _STEP.match(text, end)):
        steps.append(found["name"] or found["quoted"] or (found["key"], found["value"]))
        end = found.end()
    if end < len(text) or not text:
        reader.problem(key, text, "is not a path of a field", _RULE)
    elif tuple(steps) in _KEPT:
        reader.problem(key, text, "says which object it is and cannot be ignored", "name a field below it")
    return tuple(steps)


def without_ignored(obj: Object, there: Object, rules: t.Sequence[Rule]) -> Object:
    """A declared object less the ignored fields that somebody else holds, or has taken away since it was applied.

    :param obj: as a member of its set.
    """
    left = obj
    for path in [path for rule in rules if rule.matches(obj) for path in rule.paths]:
        if _get(obj, path) is not None and _of_others(path, obj, there):
            left = copy.deepcopy(obj) if left is obj else left
            _remove(left, path)
    return left


def unmatched(rules: t.Sequence[Rule], objects: t.Sequence[Object]) -> list[str]:
    """Warnings for rules that are about no declared object."""
    return [
        f"ignore[{place}] matches none of the declared objects"
        for place, rule in enumerate(rules)
        if not any(rule.matches(obj) for obj in objects)
    ]


def _of_others(path: Path, obj: Object, there: Object) -> bool:
    if held_by(there, [_element(_get(obj, path[:index]), part) for index, part in enumerate(path)], MANAGER):
        return True
    return _get(there, path) is None and recorded(there) == recorded(obj)


def _element(value: t.Any, part: t.Any) -> t.Any:
    """A step of a path as the record of ownership has it: a field's name, or the declared element of a list."""
    return part if isinstance(part, str) else _below(value, part)


def _get(value: t.Any, path: Path) -> t.Any:
    for part in path:
        value = _below(value, part)
        if value is None:
            return None
    return value


def _below(value: t.Any, part: t.Any) -> t.Any:
    if isinstance(part, str):
        return value.get(part) if isinstance(value, dict) else None
    items = value if isinstance(value, list) else ()
    return next((item for item in items if isinstance(item, dict) and str(item.get(part[0])) == part[1]), None)


def _remove(obj: Object, path: Path) -> None:
    """Takes a field out, and not what holds it: an empty list or mapping stays declared."""
    parent = _get(obj, path[:-1])
    if isinstance(parent, list):
        parent.remove(_below(parent, path[-1]))
    else:
        del parent[path[-1]]
