# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a policy is: typed, read from plain data, every problem named. Pure. Private to the collection.

The shapes are explained for operators in docs/policies.md.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ..declaration import DNS_LABEL, DNS_LABEL_RULE, Reader, is_label_value, item_key
from ..errors import InvalidInput, Problem
from ..fleet import cluster_choice

KEYS = ("name", "description", "rule", "mode", "clusters", "scope", "parameters", "exemptions", "workloads")
EXEMPTION_KEYS = ("namespaces", "groups", "users")

RULES = ("allowed_registries", "required_resources", "required_labels", "cel")
MODES = ("deny", "warn", "audit")
SCOPES = ("all", "tenants")
PARAMETERS = {
    "allowed_registries": ("registries",),
    "required_resources": ("limits", "requests"),
    "required_labels": ("labels", "kinds"),
    "cel": ("resources", "operations", "variables", "validations"),
}
LABELLED_KINDS = ("Pod", "Namespace")
OPERATIONS = ("CREATE", "UPDATE", "DELETE", "CONNECT")

#: Namespaces that no policy ever looks at, so that none can keep a cluster from working or from being repaired.
SYSTEM_NAMESPACES = ("kube-node-lease", "kube-public", "kube-system", "lodestar-system")
#: Members of this group pass every policy; binding somebody to it is the way out of a policy that went wrong.
BREAK_GLASS_GROUP = "lodestar:break-glass"

_DOMAIN = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
#: A registry host with an optional port, and an optional path. A host has a dot or a port, or is localhost
#: (distribution/reference).
_REGISTRY = re.compile(
    rf"(?:localhost|{_DOMAIN}(?:\.{_DOMAIN})+|(?:{_DOMAIN}(?:\.{_DOMAIN})*|\[[a-fA-F0-9:]+\])(?=:))"
    r"(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
_RESOURCE = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(/[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?")
_SUBJECT = re.compile(r"[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EXPRESSION = re.compile(r"(?s).*\S.*")
_ONE_LINE = re.compile(r"[^\r\n]*\S[^\r\n]*")
_API_GROUP = re.compile(r"|[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_API_VERSION = re.compile(r"\*|v[0-9]+((alpha|beta)[0-9]+)?")
_API_RESOURCE = re.compile(r"[a-z][a-z0-9]*(/[a-z][a-z0-9]*)?")


@dataclass(frozen=True)
class RequiredLabel:
    """A label that must be there, with one of the values unless there are none."""

    key: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Validation:
    """A CEL expression that must hold, and what is said when it does not."""

    expression: str
    message: str


@dataclass(frozen=True)
class Resource:
    """Kinds of objects that a custom policy looks at."""

    group: str
    versions: tuple[str, ...]
    resources: tuple[str, ...]


@dataclass(frozen=True)
class Parameters:
    """The parameters of all rules; each rule reads its own."""

    registries: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()
    labels: tuple[RequiredLabel, ...] = ()
    kinds: tuple[str, ...] = ()
    resources: tuple[Resource, ...] = ()
    operations: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    validations: tuple[Validation, ...] = ()


@dataclass(frozen=True)
class Policy:
    """One rule with its mode, its scope and who is exempt."""

    name: str
    description: str
    rule: str
    mode: str
    scope: str
    workloads: bool
    parameters: Parameters
    exempt_namespaces: tuple[str, ...] = ()
    exempt_groups: tuple[str, ...] = ()
    exempt_users: tuple[str, ...] = ()


def validate(policies: t.Any, clusters: cluster_choice.Clusters | None = None) -> list[Problem]:
    """Every problem of the platform-wide list C(policies).

    :param clusters: C(fleet.clusters), by name; without it the choice of clusters is not compared with the fleet.
    """
    return _read_all(policies, clusters)[1]


def read_all(policies: t.Any, clusters: cluster_choice.Clusters | None = None) -> list[Policy]:
    """The policies of the list, typed and in its order.

    :raises InvalidInput: with every problem.
    """
    read_ones, problems = _read_all(policies, clusters)
    if problems:
        raise InvalidInput(problems)
    return read_ones


def _read_all(policies: t.Any, clusters: cluster_choice.Clusters | None) -> tuple[list[Policy], list[Problem]]:
    reader = Reader()
    read_ones: list[Policy] = []
    for place, item in enumerate(reader.sequence(policies, "policies")):
        if not isinstance(item, dict):
            reader.problem(f"policies[{place}]", item, "is not a mapping", "write it with name, rule, mode, ...")
            continue
        key = item_key("policies", item, place)
        policy = read(item, reader, key)
        cluster_choice.check(item.get("clusters"), reader, f"{key}.clusters", clusters, workloads_only=False)
        if policy.name and policy.name in {other.name for other in read_ones}:
            reader.problem(f"{key}.name", policy.name, "is the name of two policies", "give each its own name")
        read_ones.append(policy)
    return read_ones, reader.problems


def read(item: t.Any, reader: Reader, key: str) -> Policy:
    """An item of C(policies) as a :class:`Policy`. Problems are left with the reader, under ``key``."""
    item = reader.mapping(item, key, KEYS)
    rule = reader.choice(item.get("rule"), f"{key}.rule", RULES)
    exemptions = reader.mapping(item.get("exemptions"), f"{key}.exemptions", EXEMPTION_KEYS)
    description = item.get("description", "")
    if not isinstance(description, str) or (description and _ONE_LINE.fullmatch(description) is None):
        reader.problem(f"{key}.description", description, "is not one line of text", "write it as one line, quoted")
        description = ""
    where = f"{key}.exemptions"
    subject_rule = "names are printable text without blanks at their ends"
    return Policy(
        name=reader.text(item.get("name"), f"{key}.name", DNS_LABEL, DNS_LABEL_RULE, 63),
        description=description,
        rule=rule,
        mode=reader.choice(item.get("mode"), f"{key}.mode", MODES),
        scope=reader.choice(item.get("scope", SCOPES[0]), f"{key}.scope", SCOPES),
        workloads=reader.boolean(item.get("workloads", True), f"{key}.workloads"),
        parameters=_PARAMETERS[rule](item.get("parameters"), reader, f"{key}.parameters"),
        exempt_namespaces=tuple(
            reader.texts(exemptions.get("namespaces"), f"{where}.namespaces", DNS_LABEL, DNS_LABEL_RULE, 63)
        ),
        exempt_groups=tuple(reader.texts(exemptions.get("groups"), f"{where}.groups", _SUBJECT, subject_rule)),
        exempt_users=tuple(reader.texts(exemptions.get("users"), f"{where}.users", _SUBJECT, subject_rule)),
    )


def _allowed_registries(value: t.Any, reader: Reader, key: str) -> Parameters:
    declared = reader.mapping(value, key, PARAMETERS["allowed_registries"])
    rule = (
        "a registry is a host with a dot or a port, or localhost, and optionally a path: reg.example.org, reg:5000/team"
    )
    registries = reader.texts(declared.get("registries"), f"{key}.registries", _REGISTRY, rule)
    if not registries:
        remedy = "list the registries that images may come from, docker.io included if they may"
        reader.problem(f"{key}.registries", declared.get("registries"), "an empty list would refuse every pod", remedy)
    return Parameters(registries=tuple(registries))


def _required_resources(value: t.Any, reader: Reader, key: str) -> Parameters:
    declared = reader.mapping(value, key, PARAMETERS["required_resources"])
    rule = "resources are named as in a pod: cpu, memory, ephemeral-storage"
    if not declared:
        declared = {"limits": ["cpu", "memory"]}
    limits = reader.texts(declared.get("limits"), f"{key}.limits", _RESOURCE, rule)
    requests = reader.texts(declared.get("requests"), f"{key}.requests", _RESOURCE, rule)
    if not limits and not requests:
        reader.problem(key, value, "nothing is required", "list resources under limits or requests")
    return Parameters(limits=tuple(limits), requests=tuple(requests))


def _required_labels(value: t.Any, reader: Reader, key: str) -> Parameters:
    declared = reader.mapping(value, key, PARAMETERS["required_labels"])
    labels = []
    for place, entry in enumerate(reader.sequence(declared.get("labels"), f"{key}.labels")):
        where = f"{key}.labels[{place}]"
        entry = {"key": entry} if isinstance(entry, str) else reader.mapping(entry, where, ("key", "values"))
        name = entry.get("key")
        values = reader.sequence(entry.get("values"), f"{where}.values")
        reader.labels({name: ""}, where)
        for content in values:
            if not isinstance(content, str) or not is_label_value(content):
                reader.problem(
                    f"{where}.values",
                    content,
                    "is not a valid label value",
                    "correct it; quote what looks like a number",
                )
        labels.append(RequiredLabel(str(name), tuple(str(content) for content in values)))
    if not labels:
        reader.problem(
            f"{key}.labels", declared.get("labels"), "nothing is required", "list label keys, or {key, values}"
        )
    kinds = reader.sequence(declared.get("kinds", ["Pod"]), f"{key}.kinds")
    kinds = [reader.choice(kind, f"{key}.kinds[{place}]", LABELLED_KINDS) for place, kind in enumerate(kinds)]
    if not kinds:
        reader.problem(f"{key}.kinds", kinds, "no kind is looked at", f"list some of {', '.join(LABELLED_KINDS)}")
    return Parameters(labels=tuple(labels), kinds=tuple(kinds))


def _cel(value: t.Any, reader: Reader, key: str) -> Parameters:
    declared = reader.mapping(value, key, PARAMETERS["cel"])
    variables = reader.mapping(declared.get("variables"), f"{key}.variables")
    for name, expression in variables.items():
        reader.text(name, f"{key}.variables", _VARIABLE, "a variable's name is an identifier", 63)
        reader.text(expression, f"{key}.variables.{name}", _EXPRESSION, "an expression is CEL text", 16384)
    operations = reader.sequence(declared.get("operations", ["CREATE", "UPDATE"]), f"{key}.operations")
    chosen = [reader.choice(name, f"{key}.operations[{place}]", OPERATIONS) for place, name in enumerate(operations)]
    resources = _resources(declared.get("resources"), reader, f"{key}.resources")
    validations = _validations(declared.get("validations"), reader, f"{key}.validations")
    for name, found in (("operations", chosen), ("resources", resources), ("validations", validations)):
        if not found:
            reader.problem(f"{key}.{name}", declared.get(name), "must not be empty", "list at least one")
    return Parameters(resources=resources, operations=tuple(chosen), variables=variables, validations=validations)


def _resources(value: t.Any, reader: Reader, key: str) -> tuple[Resource, ...]:
    found = []
    for place, entry in enumerate(reader.sequence(value, key)):
        where = f"{key}[{place}]"
        entry = reader.mapping(entry, where, ("group", "versions", "resources"))
        group = reader.text(
            entry.get("group", ""), f"{where}.group", _API_GROUP, "the API group, empty for the core group"
        )
        versions = reader.texts(
            entry.get("versions", ["*"]), f"{where}.versions", _API_VERSION, "v1 and the like, or '*'"
        )
        rule = "plural names, optionally with a subresource: deployments, pods/exec; '*' is not allowed"
        names = reader.texts(entry.get("resources"), f"{where}.resources", _API_RESOURCE, rule)
        if not names:
            reader.problem(f"{where}.resources", entry.get("resources"), "must not be empty", "list at least one")
        found.append(Resource(group, tuple(versions), tuple(names)))
    return tuple(found)


def _validations(value: t.Any, reader: Reader, key: str) -> tuple[Validation, ...]:
    found = []
    for place, entry in enumerate(reader.sequence(value, key)):
        where = f"{key}[{place}]"
        entry = reader.mapping(entry, where, ("expression", "message"))
        expression = reader.text(
            entry.get("expression"), f"{where}.expression", _EXPRESSION, "an expression is CEL text", 16384
        )
        message = reader.text(
            entry.get("message"), f"{where}.message", _ONE_LINE, "one line that says what to do", 1024
        )
        found.append(Validation(expression, message))
    return tuple(found)


_PARAMETERS: dict[str, t.Callable[[t.Any, Reader, str], Parameters]] = {
    "allowed_registries": _allowed_registries,
    "required_resources": _required_resources,
    "required_labels": _required_labels,
    "cel": _cel,
}
