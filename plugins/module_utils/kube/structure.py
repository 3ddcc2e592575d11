# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a custom resource fits the definition that comes with it, which no server can be asked about yet.

Only what a structural schema says of shape is looked at: fields, types, what is required, what may be chosen. Patterns,
limits and CEL rules are the server's. Pure. Private to the collection.
"""

from __future__ import annotations

import typing as t

Schema = t.Mapping[str, t.Any]
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
_ANY = "x-kubernetes-preserve-unknown-fields"
_EITHER = "x-kubernetes-int-or-string"
_EMBEDDED = "x-kubernetes-embedded-resource"
_META = ("apiVersion", "kind", "metadata")


def schema_of(crd: Schema, api_version: str, kind: str) -> Schema | None:
    """The schema of a version's kind, if this is the definition of it."""
    spec = crd.get("spec") or {}
    if (spec.get("names") or {}).get("kind") != kind:
        return None
    for version in spec.get("versions") or ():
        if f"{spec.get('group')}/{version.get('name')}" == api_version:
            found: Schema = (version.get("schema") or {}).get("openAPIV3Schema") or {_ANY: True}
            return found
    return None


def misfits(schema: Schema, obj: Schema) -> list[str]:
    """Where an object does not fit, each as path and reason; empty when it does."""
    content = {key: value for key, value in obj.items() if key not in _META}
    return list(_object({**schema, "required": [*set(schema.get("required") or ()) - set(_META)]}, content, ""))


def _value(schema: Schema, value: t.Any, path: str) -> t.Iterator[str]:
    wanted = schema.get("type")
    if schema.get(_EITHER):
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            yield f"{path}: is neither a whole number nor text"
        return
    if wanted in _TYPES and (
        not isinstance(value, _TYPES[wanted]) or (isinstance(value, bool) and wanted != "boolean")
    ):
        yield f"{path}: is no {wanted}"
        return
    if schema.get("enum") and value not in schema["enum"]:
        yield f"{path}: is none of {', '.join(map(str, schema['enum']))}"
    if isinstance(value, dict):
        yield from _object(schema, value, path)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for place, item in enumerate(value):
            yield from _value(schema["items"], item, f"{path}[{place}]")


def _object(schema: Schema, value: Schema, path: str) -> t.Iterator[str]:
    known, others = schema.get("properties") or {}, schema.get("additionalProperties")
    dot = f"{path}." if path else ""
    for key in schema.get("required") or ():
        if key not in value:
            yield f"{dot}{key}: is required"
    for key, item in value.items():
        if key in known:
            yield from _value(known[key], item, f"{dot}{key}")
        elif isinstance(others, dict):
            yield from _value(others, item, f"{dot}{key}")
        elif not (others or schema.get(_ANY) or (schema.get(_EMBEDDED) and key in _META)):
            yield f"{dot}{key}: is an unknown field"
