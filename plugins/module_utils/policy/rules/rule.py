# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rule is, and the CEL that all rules are made of. Pure. Private to the collection.

The expressions use only what Kubernetes 1.30 knows (CEL environment of 1.29: strings v2, no lists or comprehension
extensions), and reach every field of an object through C(dyn) and C(has), because an error at run time would refuse the
request. An update is judged by what it brings: what the old object had already is not held against it, so that
finalizers, status and labels of what exists before a policy can still change.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from ...declaration import Reader
from .parameters import Parameter, Values

#: Pod fields that hold containers which may be given resources and ports; the API refuses them on ephemeral containers.
LASTING = ("containers", "initContainers")
CONTAINERS = (*LASTING, "ephemeralContainers")
CREATE_UPDATE = ("CREATE", "UPDATE")


@dataclass(frozen=True)
class Target:
    """Requests that a rule looks at: resources of an API group, with their subresources."""

    group: str
    resources: tuple[str, ...]
    versions: tuple[str, ...] = ("v1",)
    operations: tuple[str, ...] = CREATE_UPDATE
    scope: str = "*"


#: Changes of a pod go through subresources too: ephemeral containers, and resources by resize.
PODS = Target("", ("pods", "pods/ephemeralcontainers", "pods/resize"))
NAMESPACES = Target("", ("namespaces",))
SERVICES = Target("", ("services",))
CLAIMS = Target("", ("persistentvolumeclaims",))
INGRESSES = Target("networking.k8s.io", ("ingresses",))
DISRUPTION_BUDGETS = Target("policy", ("poddisruptionbudgets",))
#: What makes pods of a template; they are judged, and whoever makes the workload is told.
WORKLOADS = (
    Target("apps", ("daemonsets", "deployments", "statefulsets")),
    Target("batch", ("cronjobs", "jobs")),
)


@dataclass(frozen=True)
class Validation:
    """A CEL expression that must hold, and what is said when it does not, also as an expression."""

    expression: str
    message: str
    message_expression: str = ""


@dataclass(frozen=True)
class Compiled:
    """A rule with its parameters as CEL: variables in their order, and what must hold."""

    variables: tuple[tuple[str, str], ...]
    validations: tuple[Validation, ...]


@dataclass(frozen=True)
class Rule:
    """A rule of the library.

    :param name: what operators write under C(rule).
    :param summary: what it asks for, in one line.
    :param offences: from where the judged part lies and the parameters, CEL for the list of texts that are wrong.
    :param fault: what an offence is called in refusals; C(advice) says what to do about it.
    :param judged: the requests that the mode is for.
    :param workloads: requests that only warn, or are noted in the audit log.
    :param template: the judged part is a pod or the template of one, instead of the object itself.
    :param unsaid: the parameters that are meant when an operator writes none.
    :param check: notes what is wrong with the parameters together.
    """

    name: str
    summary: str
    offences: t.Callable[[str, Values], str]
    fault: str
    advice: t.Callable[[Values], str]
    parameters: tuple[Parameter, ...] = ()
    judged: t.Callable[[Values], tuple[Target, ...]] = field(default=lambda values: (PODS,))
    workloads: tuple[Target, ...] = WORKLOADS
    template: bool = True
    unsaid: Values = field(default_factory=dict)
    check: t.Callable[[Values, Reader, str], None] = field(default=lambda values, reader, key: None)

    def read(self, declared: t.Any, reader: Reader, key: str) -> Values:
        """The typed parameters; problems are left with the reader."""
        written = reader.mapping(declared, key, [one.name for one in self.parameters] or ("(none)",)) or self.unsaid
        values = {one.name: one.read(written, reader, key) for one in self.parameters}
        self.check(values, reader, key)
        return values

    def compiled(self, policy: str, values: Values) -> Compiled:
        """The rule's CEL; it holds when the variable C(refused), a list of texts, is empty."""
        now, before = ("template", "oldTemplate") if self.template else ("object", "oldObject")
        lead, tail = f"policy {policy}: {self.fault}: ", f"; {self.advice(values)}"
        variables = (
            *_judged_parts(),
            ("found", self.offences(f"variables.{now}", values)),
            ("foundBefore", f"oldObject == null ? [] : ({self.offences(f'variables.{before}', values)})"),
            ("refused", "variables.found.filter(item, !(item in variables.foundBefore))"),
        )
        validation = Validation(
            "size(variables.refused) == 0",
            f"policy {policy}: {self.fault}; {self.advice(values)}",
            f"{literal(lead)} + variables.refused.join(', ') + {literal(tail)}",
        )
        return Compiled(variables, (validation,))


def _judged_parts() -> tuple[tuple[str, str], ...]:
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


def literal(value: str | t.Sequence[str]) -> str:
    """Text or a list of texts as a CEL literal. JSON's escapes are CEL's too; other characters stand for themselves."""
    return json.dumps(value if isinstance(value, str) else list(value), ensure_ascii=False)


def listed(names: t.Iterable[str], none: str = "none") -> str:
    """Names in a sentence."""
    return ", ".join(names) or none


def each(at: str, fields: t.Sequence[str], condition: str, text: str) -> str:
    """CEL: a text for each item of these lists of a pod's spec for which the condition holds; the item is C(c)."""
    lists = [
        f"(has({at}.spec.{name}) ? {at}.spec.{name}.filter(c, {condition}).map(c, {text}) : [])" for name in fields
    ]
    return within_spec(at, " + ".join(lists))


def within_spec(at: str, expression: str) -> str:
    """CEL: the expression where there is a spec, nothing otherwise."""
    return f"(has({at}.spec) ? {expression} : [])"


def reached(path: str, *names: str) -> str:
    """CEL: the fields below each other are all there."""
    steps = [".".join((path, *names[: place + 1])) for place in range(len(names))]
    return " && ".join(f"has({step})" for step in steps)


def no_windows(at: str, expression: str) -> str:
    """CEL: nothing for a pod that says it is for Windows, which has no such fields."""
    return f"({reached(at, 'spec', 'os')} && {at}.spec.os.name == 'windows' ? [] : {expression})"
