# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the library as CEL. Pure. Private to the collection.

The expressions use only what Kubernetes 1.30 knows (CEL environment of 1.29: strings v2, no lists or comprehension
extensions), and reach every field of an object through C(dyn) and C(has), because an error at run time would refuse the
request. An update is judged by what it brings: what the old object had already is not held against it, so that
finalizers, status and labels of what exists before a policy can still change.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from .model import Parameters, RequiredLabel

#: Pod fields that hold containers which may be given resources; the API refuses them on ephemeral containers.
_RESOURCED = ("containers", "initContainers")
_CONTAINERS = (*_RESOURCED, "ephemeralContainers")


@dataclass(frozen=True)
class Rule:
    """A rule's CEL: variables in their order, the condition, and the message as an expression and as plain text."""

    variables: tuple[tuple[str, str], ...]
    expression: str
    message: str
    message_expression: str = ""


def literal(value: str | t.Sequence[str]) -> str:
    """Text or a list of texts as a CEL literal. JSON's escapes are CEL's too; other characters stand for themselves."""
    return json.dumps(value if isinstance(value, str) else list(value), ensure_ascii=False)


def allowed_registries(policy: str, parameters: Parameters) -> Rule:
    """Images of all containers and image volumes come from the listed registries."""
    prefixes = [prefix for registry in parameters.registries for prefix in _prefixes(registry)]
    advice = f"use an image from {', '.join(parameters.registries)}, or ask for an exemption"
    allowed = f"{literal(prefixes)}.exists(prefix, (image + '@').startsWith(prefix))"
    variables = (
        *_templates(),
        ("images", _images("template")),
        ("oldImages", _images("oldTemplate")),
        ("newImages", "variables.images.filter(image, !(image in variables.oldImages))"),
        # The first part is a host when it has a dot, a port or a capital, or is localhost (distribution/reference).
        (
            "hosted",
            "variables.newImages.map(image, image.matches('^[^/]*[.:A-Z][^/]*/') || image.startsWith('localhost/')"
            " ? image : 'docker.io/' + image)",
        ),
        ("named", f"variables.hosted.map(image, {_DOCKER_HUB})"),
        ("refused", f"variables.named.filter(image, !{allowed})"),
    )
    return _rule(policy, variables, "not from an allowed registry", advice)


#: index.docker.io is docker.io, and an image there without a path is in library/.
_DOCKER_HUB = (
    "image.startsWith('index.docker.io/') ? (image.substring(16).contains('/') ? 'docker.io/' : 'docker.io/library/')"
    " + image.substring(16)"
    " : image.startsWith('docker.io/') && !image.substring(10).contains('/')"
    " ? 'docker.io/library/' + image.substring(10) : image"
)


def _prefixes(registry: str) -> list[str]:
    """What an allowed image begins with: the name is cut at a boundary, so that a longer host or path does not pass.

    C(reg.local) ends at the slash, hence neither reg.local.evil nor reg.local:5000 is it; a path ends at a slash, a tag
    or a digest (an image without either is compared with an @ behind it).
    """
    host, slash, path = registry.partition("/")
    host = "docker.io" if host == "index.docker.io" else host
    if not slash:
        return [f"{host}/"]
    return [f"{host}/{path}{boundary}" for boundary in ("/", ":", "@")]


def _images(variable: str) -> str:
    lists = [
        f"(has(variables.{variable}.spec.{name})"
        f" ? variables.{variable}.spec.{name}.filter(item, has(item.image)).map(item, item.image) : [])"
        for name in _CONTAINERS
    ]
    lists.append(
        f"(has(variables.{variable}.spec.volumes) ? variables.{variable}.spec.volumes"
        ".filter(item, has(item.image) && has(item.image.reference)).map(item, item.image.reference) : [])"
    )
    return f"has(variables.{variable}.spec) ? {' + '.join(lists)} : []"


def required_resources(policy: str, parameters: Parameters) -> Rule:
    """Every container says what it needs and at most takes, or its pod does."""
    required = [("limits", name) for name in parameters.limits] + [("requests", name) for name in parameters.requests]
    advice = f"set {', '.join(f'resources.{side}.{name}' for side, name in required)} on every container"
    variables = (
        *_templates(),
        ("lacking", _lacking_resources("template", required)),
        ("lackedBefore", _lacking_resources("oldTemplate", required)),
        ("refused", "variables.lacking.filter(item, !(item in variables.lackedBefore))"),
    )
    return _rule(policy, variables, "without required resources", advice)


def _lacking_resources(variable: str, required: t.Sequence[tuple[str, str]]) -> str:
    template = f"variables.{variable}"
    lists = []
    for side, name in required:
        for container in _RESOURCED:
            lacks = f"!({_has_resource('item', side, name)})"
            named = f"item.name + {literal(f' ({side}.{name})')}"
            lists.append(
                f"(has({template}.spec.{container}) && !({_has_resource(f'{template}.spec', side, name)})"
                f" ? {template}.spec.{container}.filter(item, {lacks}).map(item, {named})"
                " : [])"
            )
    return f"has({template}.spec) ? {' + '.join(lists)} : []"


def _has_resource(path: str, side: str, name: str) -> str:
    return f"has({path}.resources) && has({path}.resources.{side}) && {literal(name)} in {path}.resources.{side}"


def required_labels(policy: str, parameters: Parameters) -> Rule:
    """The listed labels are there, with one of their values."""
    wanted = ", ".join(
        f"{label.key} (one of {', '.join(label.values)})" if label.values else label.key for label in parameters.labels
    )
    variables = (
        *_templates(),
        ("lacking", _lacking_labels("template", parameters.labels)),
        ("lackedBefore", f"oldObject == null ? [] : {_lacking_labels('oldTemplate', parameters.labels)}"),
        ("refused", "variables.lacking.filter(item, !(item in variables.lackedBefore))"),
    )
    return _rule(policy, variables, "required labels that are missing or wrong", f"set {wanted}")


def _lacking_labels(variable: str, labels: t.Sequence[RequiredLabel]) -> str:
    held = f"variables.{variable}.metadata.labels"
    lists = []
    for label in labels:
        key = literal(label.key)
        holds = f"has(variables.{variable}.metadata) && has({held}) && {key} in {held}"
        if label.values:
            holds += f" && {held}[{key}] in {literal(label.values)}"
        lists.append(f"({holds} ? [] : [{key}])")
    return " + ".join(lists)


def _templates() -> tuple[tuple[str, str], ...]:
    """What is judged: the object itself, or the pod template of a workload."""
    return (
        ("object", "dyn(object)"),
        ("template", _template("variables.object")),
        ("oldObject", "oldObject == null ? dyn({}) : dyn(oldObject)"),
        ("oldTemplate", f"oldObject == null ? dyn({{}}) : {_template('variables.oldObject')}"),
    )


def _template(item: str) -> str:
    return (
        f"object.kind == 'Pod' || object.kind == 'Namespace' ? {item}"
        f" : object.kind == 'CronJob' ? {item}.spec.jobTemplate.spec.template : {item}.spec.template"
    )


def _rule(policy: str, variables: tuple[tuple[str, str], ...], fault: str, advice: str) -> Rule:
    """A rule that holds when the variable C(refused), a list of texts, is empty."""
    lead, tail = f"policy {policy}: {fault}: ", f"; {advice}"
    return Rule(
        variables=variables,
        expression="size(variables.refused) == 0",
        message=f"policy {policy}: {fault}; {advice}",
        message_expression=f"{literal(lead)} + variables.refused.join(', ') + {literal(tail)}",
    )


LIBRARY: dict[str, t.Callable[[str, Parameters], Rule]] = {
    "allowed_registries": allowed_registries,
    "required_resources": required_resources,
    "required_labels": required_labels,
}
