# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares what is declared with what an API server returned. Pure. Private to the collection.

Comparison is left-scoped: only what is declared counts, whatever defaulting and controllers added. Lists follow the
API's own semantics: lists of a known merge key are compared by that key, every other list as a whole and in order, as
the API server treats it. C(kube.ownership) is the exact test for what we applied ourselves; this one needs no record of
it.
"""

from __future__ import annotations

import base64
import typing as t

from . import quantity

#: Merge keys (C(x-kubernetes-list-map-keys)) by the field that holds the list. Lists inside an atomic list are atomic.
_MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "conditions": ("type",),
    "ownerReferences": ("uid",),
    "webhooks": ("name",),
    "matchConditions": ("name",),
    "variables": ("name",),
}
#: C(ports) is keyed in containers and Services and atomic elsewhere (NetworkPolicy, EndpointSlice).
_PORT_KEYS = {"containerPort": ("containerPort", "protocol"), "port": ("port", "protocol")}
#: Sets: order does not matter and others may add.
_SETS = {"finalizers"}
#: Sets that hold what is declared and nothing more: what a policy does, and when.
CLOSED_SETS = {"validationActions", "matchConditions"}
#: Where a string is a quantity.
_QUANTITIES = {"hard", "requests", "limits", "default", "defaultRequest", "max", "min", "maxLimitRequestRatio"}
_QUANTITIES |= {"capacity", "allocatable", "used", "overhead", "sizeLimit", "divisor", "averageValue"}
#: What the API adds to elements of atomic lists.
_DEFAULTS: dict[str, tuple[t.Any, ...]] = {
    "apiGroup": ("", "rbac.authorization.k8s.io"),
    "protocol": ("TCP",),
    "scope": ("*",),
    "operator": ("Equal",),
    "matchPolicy": ("Equivalent",),
    "reason": ("Invalid",),
    "scheme": ("HTTP",),
}
#: Stands for a field that is not there.
MISSING: t.Any = object()


def covers(desired: t.Any, observed: t.Any) -> bool:
    """True when everything that is declared is there.

    :param desired: an object as declared; C(None) values mean "not declared". C(stringData) counts as C(data).
    :param observed: the object as the API server returned it.
    """
    return not changes(observed, desired)


def changes(before: t.Any, after: t.Any) -> list[str]:
    """The paths at which the declared ``after`` is not what ``before`` holds: C(spec.hard.pods), C(subjects).

    :param before: observed.
    :param after: declared.
    """
    found: list[str] = []
    _compare(encode_string_data(after), before, "", "", False, found)
    return found


def encode_string_data(obj: t.Any) -> t.Any:
    """A Secret with its C(stringData) merged into C(data), as the API server does; anything else as it is."""
    if not isinstance(obj, dict) or obj.get("kind") != "Secret" or not isinstance(obj.get("stringData"), dict):
        return obj
    encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in obj["stringData"].items()}
    kept = {key: value for key, value in obj.items() if key != "stringData"}
    return {**kept, "data": {**(obj.get("data") or {}), **encoded}}


def surplus(desired: t.Any, observed: t.Any) -> dict[str, t.Any]:
    """The sets that hold more than is declared although nobody may add to them, as declared, in the object's shape.

    Server-side apply merges a set, so it takes nothing away that others have put there.
    """
    found: dict[str, t.Any] = {}
    for name, value in desired.items() if isinstance(desired, dict) and isinstance(observed, dict) else ():
        there = observed.get(name)
        if name in CLOSED_SETS and isinstance(there, list) and any(item not in value for item in there):
            found[name] = value
        elif isinstance(value, dict) and (inner := surplus(value, there)):
            found[name] = inner
    return found


def same_at(desired: t.Any, observed: t.Any, names: t.Sequence[str]) -> bool:
    """Like :func:`covers` for a part of an object.

    :param names: the fields on the way from the object to this part.
    """
    found: list[str] = []
    quantities = any(name in _QUANTITIES for name in names)
    _compare(desired, observed, ".", names[-1] if names else "", quantities, found)
    return not found


def same_whole(desired: t.Any, observed: t.Any, names: t.Sequence[str]) -> bool:
    """Like :func:`same_at` for what the API replaces as a whole: nothing may be there beyond what is declared, but for
    what the API adds."""
    return _atomic(desired, observed, any(name in _QUANTITIES for name in names))


def project(observed: t.Any, desired: t.Any) -> t.Any:
    """What stands where something is declared, in the declared spelling where it means the same. For showing diffs."""
    return _project(observed, desired, "", False)


def _compare(desired: t.Any, observed: t.Any, path: str, name: str, quantities: bool, found: list[str]) -> None:
    if desired is None:
        return
    if isinstance(desired, dict):
        if not desired and observed is MISSING:
            found.append(path or ".")
        elif not isinstance(observed, dict):
            if observed is not MISSING or _declares(desired):
                found.append(path or ".")
        else:
            for key, value in desired.items():
                inner = quantities or key in _QUANTITIES
                _compare(value, observed.get(key, MISSING), f"{path}.{key}".lstrip("."), key, inner, found)
    elif isinstance(desired, list):
        _compare_list(desired, observed, path, name, quantities, found)
    elif not _same(desired, observed, quantities):
        found.append(path)


def _declares(desired: dict[str, t.Any]) -> bool:
    return any(value is not None for value in desired.values())


def _compare_list(
    desired: list[t.Any], observed: t.Any, path: str, name: str, quantities: bool, found: list[str]
) -> None:
    if not isinstance(observed, list):
        # The API drops empty lists.
        if desired or observed is not MISSING:
            found.append(path)
        return
    keys = merge_keys(name, desired)
    if keys:
        for item in desired:
            label = ",".join(str(item.get(key)) for key in keys if item.get(key) is not None)
            match = find_by_keys(item, observed, keys)
            _compare(item, MISSING if match is None else match, f"{path}[{label}]", "", quantities, found)
    elif name in _SETS:
        if not all(item in observed for item in desired):
            found.append(path)
    elif not _atomic(desired, observed, quantities):
        found.append(path)


def merge_keys(name: str, items: t.Sequence[t.Any]) -> tuple[str, ...]:
    """The merge keys of the list in field ``name``, empty for a list that is replaced as a whole."""
    if not items or not all(isinstance(item, dict) for item in items):
        return ()
    keys = _MERGE_KEYS.get(name, ())
    if name == "ports":
        keys = next((keys for first, keys in _PORT_KEYS.items() if all(first in item for item in items)), ())
    return keys if keys and all(keys[0] in item for item in items) else ()


def find_by_keys(item: t.Mapping[str, t.Any], items: t.Sequence[t.Any], keys: t.Sequence[str]) -> t.Any:
    """The element of ``items`` with the same merge keys; a key that is not declared has its default."""
    wanted = _keys_of(item, keys)
    for candidate in items:
        if isinstance(candidate, dict) and _keys_of(candidate, keys) == wanted:
            return candidate
    return None


def _keys_of(item: t.Mapping[str, t.Any], keys: t.Sequence[str]) -> list[t.Any]:
    return [item.get(key, "TCP" if key == "protocol" else None) for key in keys]


def _atomic(desired: t.Any, observed: t.Any, quantities: bool) -> bool:
    """Equality of what the API replaces as a whole; what it adds by itself is tolerated."""
    if isinstance(desired, dict) and isinstance(observed, dict):
        wanted = {key: value for key, value in desired.items() if value is not None}
        for key, value in wanted.items():
            there = observed.get(key, MISSING)
            if there is MISSING:
                if value in ([], "") or value in _DEFAULTS.get(key, ()):
                    continue
                return False
            if not _atomic(value, there, quantities or key in _QUANTITIES):
                return False
        extra = (key for key in observed if key not in wanted)
        return all(observed[key] in _DEFAULTS.get(key, ()) for key in extra)
    if isinstance(desired, list) and isinstance(observed, list):
        return len(desired) == len(observed) and all(
            _atomic(left, right, quantities) for left, right in zip(desired, observed, strict=True)
        )
    return _same(desired, observed, quantities)


def _same(desired: t.Any, observed: t.Any, quantities: bool) -> bool:
    if isinstance(desired, bool) or isinstance(observed, bool):
        return desired is observed
    if desired == observed:
        return True
    return quantities and observed is not MISSING and quantity.same(desired, observed)


def _project(observed: t.Any, desired: t.Any, name: str, quantities: bool) -> t.Any:
    if isinstance(desired, dict) and isinstance(observed, dict):
        return {
            key: _project(observed[key], value, key, quantities or key in _QUANTITIES)
            for key, value in desired.items()
            if key in observed
        }
    if isinstance(desired, list) and isinstance(observed, list):
        keys = merge_keys(name, desired)
        if keys:
            pairs = [(find_by_keys(item, observed, keys), item) for item in desired]
            return [_project(there, item, "", quantities) for there, item in pairs if there is not None]
        return desired if _atomic(desired, observed, quantities) else observed
    return desired if _same(desired, observed, quantities) else observed
