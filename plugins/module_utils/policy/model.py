# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a policy is: typed, read from plain data, every problem named. Pure. Private to the collection.

The shapes are explained for operators in docs/policies.md.
"""

from __future__ import annotations

import difflib
import typing as t
from dataclasses import dataclass, field

from ..declaration import DNS_LABEL, DNS_LABEL_RULE, SUBJECT, Reader, item_key
from ..errors import InvalidInput, Problem
from ..fleet import cluster_choice
from . import exceptions
from .rules.custom import ONE_LINE
from .rules.mutation import MUTATIONS
from .rules.parameters import Values
from .rules.registry import RULES

KEYS = (
    "name", "description", "rule", "mode", "clusters", "scope", "parameters", "exemptions", "exceptions", "workloads",
    "if_unsupported",
)  # fmt: skip
EXEMPTION_KEYS = ("namespaces", "groups", "users")
SCOPE_KEYS = ("namespaces", "tenants", "selector")

MODES = ("deny", "warn", "audit")
#: The mode of rules that change objects.
MUTATE = "mutate"
UNSUPPORTED = ("fail", "skip")
SCOPES = ("all", "tenants")

#: Namespaces that no policy ever looks at, so that none can keep a cluster from working or from being repaired.
SYSTEM_NAMESPACES = ("kube-node-lease", "kube-public", "kube-system", "lodestar-system")


@dataclass(frozen=True)
class Scope:
    """The namespaces that a policy looks at: those that all given parts allow, but for the exempt ones.

    :param owned: only those of tenants.
    :param selector: a LabelSelector on them.
    """

    owned: bool = False
    namespaces: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    selector: t.Mapping[str, t.Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Policy:
    """One rule with its mode, its scope and who is exempt.

    :param values: the rule's parameters, as :meth:`rules.rule.Rule.read` gives them.
    :param if_unsupported: what happens when a cluster knows no policies that change objects: C(fail) or C(skip).
    """

    name: str
    description: str
    rule: str
    mode: str
    scope: Scope
    workloads: bool
    values: Values
    exempt_namespaces: tuple[str, ...] = ()
    exempt_groups: tuple[str, ...] = ()
    exempt_users: tuple[str, ...] = ()
    exceptions: tuple[exceptions.Waiver, ...] = ()
    if_unsupported: str = UNSUPPORTED[0]

    @property
    def mutates(self) -> bool:
        """It changes objects, instead of judging them."""
        return self.rule in MUTATIONS


def validate(
    policies: t.Any, clusters: cluster_choice.Clusters | None = None, tenants: t.Collection[str] | None = None
) -> list[Problem]:
    """Every problem of the platform-wide list C(policies).

    :param clusters: C(fleet.clusters), by name; without it the choice of clusters is not compared with the fleet.
    :param tenants: names of the declared tenants; without it those that policies name are not compared with them.
    """
    return _read_all(policies, clusters, tenants)[1]


def read_all(policies: t.Any, clusters: cluster_choice.Clusters | None = None) -> list[Policy]:
    """The policies of the list, typed and in its order.

    :raises InvalidInput: with every problem.
    """
    read_ones, problems = _read_all(policies, clusters, None)
    if problems:
        raise InvalidInput(problems)
    return read_ones


def _read_all(
    policies: t.Any, clusters: cluster_choice.Clusters | None, tenants: t.Collection[str] | None
) -> tuple[list[Policy], list[Problem]]:
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
        if tenants is not None:
            _check_tenants(policy, tenants, reader, key)
        read_ones.append(policy)
    return read_ones, reader.problems


def _check_tenants(policy: Policy, tenants: t.Collection[str], reader: Reader, key: str) -> None:
    """Notes names of tenants that are none: such a scope looks at nothing, and such an exception lets nothing pass."""
    places = [(f"{key}.scope.tenants", policy.scope.tenants)]
    places += [(f"{key}.exceptions[{place}].tenants", item.tenants) for place, item in enumerate(policy.exceptions)]
    for where, names in places:
        for name in filter(None, names):
            if name not in tenants:
                near = difflib.get_close_matches(name, list(tenants), n=1)
                hint = f"did you mean {near[0]!r}? " if near else ""
                remedy = f"{hint}Correct the name, or remove it if the tenant is gone"
                reader.problem(where, name, "is not a tenant of the inventory", remedy)


def read(item: t.Any, reader: Reader, key: str) -> Policy:
    """An item of C(policies) as a :class:`Policy`. Problems are left with the reader, under ``key``."""
    item = reader.mapping(item, key, KEYS)
    rules = {**RULES, **MUTATIONS}
    rule = reader.choice(item.get("rule"), f"{key}.rule", tuple(rules))
    # Of an unknown rule no parameter can be wrong.
    known = rule == item.get("rule")
    _check_kind(item, rule, reader, key)
    exemptions = reader.mapping(item.get("exemptions"), f"{key}.exemptions", EXEMPTION_KEYS)
    where = f"{key}.exemptions"
    subject_rule = "names are printable text without blanks at their ends"
    return Policy(
        name=reader.text(item.get("name"), f"{key}.name", DNS_LABEL, DNS_LABEL_RULE, 63),
        description=_description(item.get("description", ""), reader, f"{key}.description"),
        rule=rule,
        mode=reader.choice(item.get("mode"), f"{key}.mode", (MUTATE,) if rule in MUTATIONS else MODES),
        scope=_scope(item.get("scope", SCOPES[0]), reader, f"{key}.scope"),
        workloads=reader.boolean(item.get("workloads", True), f"{key}.workloads"),
        values=rules[rule].read(item.get("parameters"), reader, f"{key}.parameters") if known else {},
        exempt_namespaces=tuple(
            reader.texts(exemptions.get("namespaces"), f"{where}.namespaces", DNS_LABEL, DNS_LABEL_RULE, 63)
        ),
        exempt_groups=tuple(reader.texts(exemptions.get("groups"), f"{where}.groups", SUBJECT, subject_rule)),
        exempt_users=tuple(reader.texts(exemptions.get("users"), f"{where}.users", SUBJECT, subject_rule)),
        exceptions=exceptions.read(item.get("exceptions"), reader, f"{key}.exceptions"),
        if_unsupported=reader.choice(item.get("if_unsupported", UNSUPPORTED[0]), f"{key}.if_unsupported", UNSUPPORTED),
    )


def _check_kind(item: t.Mapping[str, t.Any], rule: str, reader: Reader, key: str) -> None:
    """Notes keys that mean nothing for a rule of this kind."""
    changing = rule in MUTATIONS
    for name in ("exceptions", "workloads") if changing else ("if_unsupported",):
        if name in item:
            reason = f"means nothing for a rule that {'changes' if changing else 'judges'} objects"
            remedy = "remove it; exemptions count for every rule" if changing else "remove it"
            reader.problem(f"{key}.{name}", item[name], reason, remedy)


def _description(value: t.Any, reader: Reader, key: str) -> str:
    if isinstance(value, str) and (not value or ONE_LINE.fullmatch(value) is not None):
        return value
    reader.problem(key, value, "is not one line of text", "write it as one line, quoted")
    return ""


def _scope(value: t.Any, reader: Reader, key: str) -> Scope:
    if not isinstance(value, dict):
        return Scope(owned=reader.choice(value, key, SCOPES) == "tenants")
    value = reader.mapping(value, key, SCOPE_KEYS)
    if not any(value.get(part) for part in SCOPE_KEYS):
        remedy = f"name some of {', '.join(SCOPE_KEYS)}, or write all or tenants"
        reader.problem(key, value, "no namespace is looked at", remedy)
    cluster_choice.check_selector(value.get("selector"), reader, f"{key}.selector")
    return Scope(
        namespaces=tuple(reader.texts(value.get("namespaces"), f"{key}.namespaces", DNS_LABEL, DNS_LABEL_RULE, 63)),
        tenants=tuple(reader.texts(value.get("tenants"), f"{key}.tenants", DNS_LABEL, DNS_LABEL_RULE, 63)),
        selector=value.get("selector") or {},
    )
