# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules that change objects as they are made, for MutatingAdmissionPolicies. Pure. Private to the collection.

What an object says already is left as it is, but for the pull policy of images: the API server has always filled it in.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ...declaration import Reader
from .custom import read_expression, read_targets, read_variables
from .parameters import Values
from .rule import CREATE_UPDATE, Target, literal

_CREATE = ("CREATE",)
_KINDS = {
    "Pod": Target("", ("pods",), operations=_CREATE),
    "Namespace": Target("", ("namespaces",), operations=_CREATE),
    "PersistentVolumeClaim": Target("", ("persistentvolumeclaims",), operations=_CREATE),
    "Service": Target("", ("services",), operations=_CREATE),
}
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
#: Keys that only the platform and Kubernetes write.
_RESERVED = ("lodestar.platform/", "kubernetes.io/", "k8s.io/")
#: How a change is written -> its type and field in a MutatingAdmissionPolicy.
_PATCHES = {"apply": ("ApplyConfiguration", "applyConfiguration"), "json": ("JSONPatch", "jsonPatch")}


@dataclass(frozen=True)
class MutatingRule:
    """A rule that changes objects.

    :param read: the typed parameters of what an operator wrote; problems are left with the reader.
    :param judged: the requests that it looks at.
    :param mutations: its changes in order, as a MutatingAdmissionPolicy has them.
    :param variables: of the expressions.
    """

    name: str
    summary: str
    read: t.Callable[[t.Any, Reader, str], Values]
    judged: t.Callable[[Values], tuple[Target, ...]]
    mutations: t.Callable[[Values], list[dict[str, t.Any]]]
    variables: t.Callable[[Values], dict[str, str]] = field(default=lambda values: {})


def _change(expression: str, how: str = "apply") -> dict[str, t.Any]:
    kind, name = _PATCHES[how]
    return {"patchType": kind, name: {"expression": expression}}


def _read_labels(declared: t.Any, reader: Reader, key: str) -> Values:
    declared = reader.mapping(declared, key, ("labels", "kinds"))
    labels = reader.labels(declared.get("labels"), f"{key}.labels", _RESERVED)
    if not declared.get("labels"):
        reader.problem(f"{key}.labels", declared.get("labels"), "must not be empty", "write key: value for each label")
    written = reader.sequence(declared.get("kinds", ["Pod"]), f"{key}.kinds")
    kinds = [reader.choice(kind, f"{key}.kinds[{place}]", tuple(_KINDS)) for place, kind in enumerate(written)]
    if not kinds:
        reader.problem(f"{key}.kinds", kinds, "no kind is looked at", f"list some of {', '.join(_KINDS)}")
    return {"labels": labels, "kinds": tuple(kinds)}


def _labels(values: Values) -> list[dict[str, t.Any]]:
    found = []
    for name, content in values["labels"].items():
        key = literal(name)
        there = f"has(object.metadata.labels) && {key} in object.metadata.labels"
        found.append(
            _change(
                f"{there} ? Object{{}} : Object{{metadata: Object.metadata{{labels: {{{key}: {literal(content)}}}}}}}"
            )
        )
    return found


def _nothing(declared: t.Any, reader: Reader, key: str) -> Values:
    reader.mapping(declared, key, ("(none)",))
    return {}


def _tokens(_values: Values) -> list[dict[str, t.Any]]:
    said = "has(object.automountServiceAccountToken)"
    return [_change(f"{said} ? Object{{}} : Object{{automountServiceAccountToken: false}}")]


def _read_pull(declared: t.Any, reader: Reader, key: str) -> Values:
    declared = reader.mapping(declared, key, ("policy",))
    return {"policy": reader.choice(declared.get("policy", _PULL_POLICIES[0]), f"{key}.policy", _PULL_POLICIES)}


def _pull(values: Values) -> list[dict[str, t.Any]]:
    found = []
    for name in ("containers", "initContainers"):
        each = f"Object.spec.{name}{{name: c.name, imagePullPolicy: {literal(values['policy'])}}}"
        there = f"has(object.spec.{name}) && size(object.spec.{name}) > 0"
        changed = f"Object{{spec: Object.spec{{{name}: object.spec.{name}.map(c, {each})}}}}"
        found.append(_change(f"{there} ? {changed} : Object{{}}"))
    return found


def _read_custom(declared: t.Any, reader: Reader, key: str) -> Values:
    declared = reader.mapping(declared, key, ("resources", "operations", "variables", "mutations"))
    mutations = []
    for place, entry in enumerate(reader.sequence(declared.get("mutations"), f"{key}.mutations")):
        where = f"{key}.mutations[{place}]"
        entry = reader.mapping(entry, where, ("patch", "expression"))
        how = reader.choice(entry.get("patch", "apply"), f"{where}.patch", tuple(_PATCHES))
        mutations.append((how, read_expression(entry.get("expression"), reader, f"{where}.expression")))
    if not mutations:
        reader.problem(f"{key}.mutations", declared.get("mutations"), "must not be empty", "list at least one")
    return {
        "targets": read_targets(declared, reader, key, CREATE_UPDATE),
        "variables": read_variables(declared.get("variables"), reader, f"{key}.variables"),
        "mutations": tuple(mutations),
    }


MUTATIONS: dict[str, MutatingRule] = {
    rule.name: rule
    for rule in (
        MutatingRule(
            "default_labels",
            "objects that do not have these labels get them",
            _read_labels,
            lambda values: tuple(_KINDS[kind] for kind in values["kinds"]),
            _labels,
        ),
        MutatingRule(
            "default_token_automount",
            "new ServiceAccounts give their pods no token for the API unless they say so",
            _nothing,
            lambda values: (Target("", ("serviceaccounts",), operations=_CREATE),),
            _tokens,
        ),
        MutatingRule(
            "image_pull_policy",
            "new pods pull their images by this policy",
            _read_pull,
            lambda values: (_KINDS["Pod"],),
            _pull,
        ),
        MutatingRule(
            "mutate",
            "changes of your own",
            _read_custom,
            lambda values: t.cast("tuple[Target, ...]", values["targets"]),
            lambda values: [_change(expression, how) for how, expression in values["mutations"]],
            lambda values: t.cast("dict[str, str]", values["variables"]),
        ),
    )
}
