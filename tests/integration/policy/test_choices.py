# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a policy counts, for whom, and for which requests. Most refuse a ConfigMap of their own name."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.policy.operate import OPERATION

from ..harness.apiserver import ApiServer
from ..harness.choices import CHOICES, EAST
from ..harness.people import Answer, Person, execute, steps, until

Object = dict[str, t.Any]
#: Namespaces with their labels.
SPACES: dict[str, Object] = {
    "plain": {},
    "red": {"colour": "red"},
    "blue": {"colour": "blue"},
    "shop": {"lodestar.platform/tenant": "shop", "colour": "red"},
    "bank": {"lodestar.platform/tenant": "bank"},
}
#: Rules about what is written on objects, each for one kind of them; it looks at namespaces with a label of that name.
WRITTEN = {
    f"{part}-{kind.lower()}": (part, kind) for part in ("labels", "annotations") for kind in ("Pod", "Namespace")
}
EVERYWHERE = set(SPACES)


def expression(key: str, operator: str, *values: str) -> Object:
    return {"selector": {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}}


#: Scopes, and the namespaces that each looks at.
SCOPES: dict[str, tuple[t.Any, set[str]]] = {
    "all": ("all", EVERYWHERE),
    "owned": ("tenants", {"shop", "bank"}),
    "named": ({"namespaces": ["plain", "blue"]}, {"plain", "blue"}),
    "tenants": ({"tenants": ["shop"]}, {"shop"}),
    "labels": ({"selector": {"matchLabels": {"colour": "red"}}}, {"red", "shop"}),
    "in": (expression("colour", "In", "red", "green"), {"red", "shop"}),
    "not-in": (expression("colour", "NotIn", "red"), {"plain", "blue", "bank"}),
    "exists": (expression("colour", "Exists"), {"red", "blue", "shop"}),
    "not-exists": (expression("colour", "DoesNotExist"), {"plain", "bank"}),
    "together": ({"tenants": ["shop", "bank"], "selector": {"matchLabels": {"colour": "red"}}}, {"shop"}),
}
RED: Object = {"namespaces": ["red"]}


def refusing(name: str, **changes: t.Any) -> Object:
    """A policy that refuses ConfigMaps of its own name, and of no other."""
    parameters = {
        "resources": [{"resources": ["configmaps"]}],
        "validations": [{"expression": f"object.metadata.name != '{name}'", "message": "no"}],
    }
    return {"name": name, "rule": "cel", "mode": "deny", "parameters": parameters, **changes}


def custom(name: str, resource: Object, *operations: str, expression: str = "false", **more: t.Any) -> Object:
    """A policy for the namespace C(red) that refuses these operations."""
    validations = [{"expression": expression, "message": f"no {name}"}]
    parameters = {"resources": [resource], "operations": list(operations), "validations": validations, **more}
    return {"name": name, "rule": "cel", "mode": "deny", "scope": RED, "parameters": parameters}


def written(name: str, part: str, kind: str) -> Object:
    """A policy that wants a level, and one of its values, on objects of this kind."""
    parameters = {part: [{"key": "level", "values": ["a", "b"]}], "kinds": [kind]}
    scope = {"selector": {"matchLabels": {"checked": name}}}
    return {"name": name, "rule": f"required_{part}", "mode": "deny", "scope": scope, "parameters": parameters}


LABELLED: Object = {"rule": "required_labels", "parameters": {"labels": ["wanted"]}}
POLICIES: list[Object] = [
    *(refusing(f"on-{name}", **({"clusters": chosen} if chosen else {})) for name, (chosen, _there) in CHOICES.items()),
    *(refusing(f"in-{name}", scope=scope) for name, (scope, _places) in SCOPES.items()),
    refusing("exempting", exemptions={"namespaces": ["blue"], "groups": ["trusted"], "users": ["robot"]}),
    custom("created", {"resources": ["endpoints"]}, "CREATE"),
    custom("updated", {"resources": ["secrets"]}, "UPDATE"),
    custom("deleted", {"resources": ["serviceaccounts"]}, "DELETE"),
    {
        **custom("entered", {"resources": ["pods/exec"]}, "CONNECT", expression="!has(object.tty) || !object.tty"),
        "exceptions": [
            {"owner": "o", "reason": "r", "until": "2999-12-31", "namespaces": ["red"], "names": ["open-*"]},
            {"owner": "o", "reason": "r", "until": "2999-12-31", "tenants": ["shop"]},
        ],
    },
    custom("grouped", {"group": "apps", "versions": ["v1"], "resources": ["deployments"]}, "CREATE"),
    # Such a version of a group is asked for in its name, and judged as the one that a rule names.
    custom(
        "versioned", {"group": "autoscaling", "versions": ["v1"], "resources": ["horizontalpodautoscalers"]}, "CREATE"
    ),
    custom(
        "counted",
        {"resources": ["limitranges"]},
        "CREATE",
        variables={"name": "object.metadata.name", "long": "size(variables.name) > 3"},
        expression="!variables.long",
    ),
    *(written(name, part, kind) for name, (part, kind) in WRITTEN.items()),
    {"name": "closed", "rule": "forbidden_namespaces", "mode": "deny", "parameters": {"namespaces": ["closed"]}},
    {"name": "telling", "mode": "warn", "scope": {"namespaces": ["blue"]}, **LABELLED, "workloads": True},
    {"name": "silent", "mode": "warn", "scope": {"namespaces": ["plain"]}, **LABELLED, "workloads": False},
]


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path]) -> t.Iterator[ApiServer]:
    """A server on which all of :data:`POLICIES` that are for it are in force."""
    with ApiServer(tmp_path_factory.mktemp("chosen"), tools) as server:
        admin = Person(server, "system:masters", "lodestar:break-glass")
        checked = {name: {"checked": name} for name in WRITTEN}
        for name, labels in {**SPACES, **checked, "closed": {}}.items():
            admin.post("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}}, dry_run=False)
        assert steps(execute(OPERATION, server.runner, policies=POLICIES, **EAST))
        dev = Person(server, "system:masters")
        until(lambda: refused(dev, "in-all", "plain") and make(dev, "blue", "pods", POD).warnings != [])
        yield server


@pytest.fixture
def dev(chosen: ApiServer) -> Person:
    """Somebody who may do everything that policies allow."""
    return Person(chosen, "system:masters")


POD: Object = {"spec": {"containers": [{"name": "c", "image": "a"}]}}


def make(who: Person, namespace: str, plural: str, body: Object, name: str = "x", dry_run: bool = True) -> Answer:
    group, slash, resource = plural.rpartition("/")
    path = f"/apis/{group}" if slash else "/api/v1"
    named = {**body, "metadata": {**body.get("metadata", {}), "name": name}}
    return who.post(f"{path}/namespaces/{namespace}/{resource}", named, dry_run=dry_run)


def refused(who: Person, policy: str, namespace: str, name: str = "") -> bool:
    """Whether a policy of :func:`refusing` does so."""
    answer = make(who, namespace, "configmaps", {}, name or policy)
    assert answer.status == 201 or f"policy {policy}: no" in answer.message, answer.message
    return answer.status != 201


@pytest.mark.proves(
    "policies.clusters.names",
    "policies.clusters.selector.matchLabels",
    "policies.clusters.selector.matchExpressions.key",
    "policies.clusters.selector.matchExpressions.operator=DoesNotExist",
    "policies.clusters.selector.matchExpressions.operator=Exists",
    "policies.clusters.selector.matchExpressions.operator=In",
    "policies.clusters.selector.matchExpressions.operator=NotIn",
    "policies.clusters.selector.matchExpressions.values",
    "policy:cluster",
    "policy:cluster_labels",
    "policy:policies",
)
def test_only_policies_that_are_for_this_cluster_are_in_force(dev: Person) -> None:
    wanted = {name: there for name, (_clusters, there) in CHOICES.items()}
    assert {name: refused(dev, f"on-{name}", "plain") for name in CHOICES} == wanted


@pytest.mark.proves(
    "policies.scope=all",
    "policies.scope=tenants",
    "policies.scope.namespaces",
    "policies.scope.tenants",
    "policies.scope.selector.matchLabels",
    "policies.scope.selector.matchExpressions.key",
    "policies.scope.selector.matchExpressions.operator=DoesNotExist",
    "policies.scope.selector.matchExpressions.operator=Exists",
    "policies.scope.selector.matchExpressions.operator=In",
    "policies.scope.selector.matchExpressions.operator=NotIn",
    "policies.scope.selector.matchExpressions.values",
)
def test_a_policy_looks_at_the_namespaces_of_its_scope_only(dev: Person) -> None:
    wanted = {name: places for name, (_scope, places) in SCOPES.items()}
    found = {name: {place for place in SPACES if refused(dev, f"in-{name}", place)} for name in SCOPES}
    assert found == wanted
    assert not any(refused(dev, f"in-{name}", "kube-system") for name in SCOPES)


@pytest.mark.proves(
    "policies.exemptions.groups", "policies.exemptions.namespaces", "policies.exemptions.users", "policies.name"
)
def test_an_exemption_is_for_whom_it_names(chosen: ApiServer, dev: Person) -> None:
    assert refused(dev, "exempting", "red")
    assert not refused(dev, "exempting", "blue")
    for groups, user, exempt in (
        (("trusted",), "dev", True),
        (("trusted-2",), "dev", False),
        (("robot",), "dev", False),
        ((), "robot", True),
        ((), "robots", False),
        ((), "trusted", False),
    ):
        person = Person(chosen, "system:masters", *groups, user=user)
        assert refused(person, "exempting", "red") is not exempt, (groups, user)


def message(answer: Answer) -> str:
    """Which policy of :func:`custom` refused a request; empty when none did."""
    return answer.message.partition(": no ")[2] if "denied request: policy" in answer.message else ""


@pytest.mark.proves(
    "policies.rule=cel",
    "rules.cel.operations=CONNECT",
    "rules.cel.operations=CREATE",
    "rules.cel.operations=DELETE",
    "rules.cel.operations=UPDATE",
    "rules.cel.validations.expression",
    "rules.cel.validations.message",
    "rules.cel.variables",
)
def test_an_expression_is_asked_about_its_operations_only(dev: Person) -> None:
    secrets, accounts = "/api/v1/namespaces/red/secrets/s", "/api/v1/namespaces/red/serviceaccounts/s"
    assert message(make(dev, "red", "endpoints", {})) == "created"
    assert make(dev, "blue", "endpoints", {}).status == 201
    for plural in ("secrets", "serviceaccounts", "pods"):
        assert make(dev, "red", plural, POD if plural == "pods" else {}, "s", dry_run=False).status == 201
    assert message(dev.patch(secrets, {"metadata": {"labels": {"a": "b"}}})) == "updated"
    assert dev.patch(accounts, {"metadata": {"labels": {"a": "b"}}}).status == 200
    assert message(dev.call("DELETE", accounts)) == "deleted"
    assert dev.call("DELETE", secrets).status == 200
    assert make(dev, "red", "pods", POD, "open-1", dry_run=False).status == 201
    enter = "/api/v1/namespaces/red/pods/{}/exec?command=sh&stdin=true&tty={}"
    assert message(dev.call("POST", enter.format("s", "true"))) == "entered"
    # What is let through has no machine to ask.
    for name, terminal in (("s", "false"), ("open-1", "true")):
        assert "does not have a host assigned" in dev.call("POST", enter.format(name, terminal)).message
    spec = {"spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}}
    assert message(make(dev, "red", "limitranges", spec, "long")) == "counted"
    assert make(dev, "red", "limitranges", spec, "not").status == 201


SCALER: Object = {
    "spec": {"maxReplicas": 2, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}}
}


@pytest.mark.proves("rules.cel.resources.group", "rules.cel.resources.resources", "rules.cel.resources.versions")
def test_an_expression_is_asked_about_its_resources_in_whatever_version_they_come(dev: Person) -> None:
    pods = {"metadata": {"labels": {"a": "b"}}, **POD}
    spec: Object = {"spec": {"selector": {"matchLabels": {"a": "b"}}, "template": pods}}
    assert message(make(dev, "red", "apps/v1/deployments", spec)) == "grouped"
    assert make(dev, "red", "apps/v1/daemonsets", spec).status == 201
    for version in ("v1", "v2"):
        assert message(make(dev, "red", f"autoscaling/{version}/horizontalpodautoscalers", SCALER)) == "versioned"
        assert make(dev, "blue", f"autoscaling/{version}/horizontalpodautoscalers", SCALER).status == 201


@pytest.mark.proves("policies.workloads")
def test_whoever_makes_a_workload_is_warned_unless_that_is_switched_off(dev: Person) -> None:
    pods = {"metadata": {"labels": {"a": "b"}}, **POD}
    spec: Object = {"spec": {"selector": {"matchLabels": {"a": "b"}}, "template": pods}}
    assert "policy telling: required labels" in " ".join(make(dev, "blue", "apps/v1/deployments", spec).warnings)
    assert make(dev, "plain", "apps/v1/deployments", spec).warnings == []
    assert "policy silent: required labels" in " ".join(make(dev, "plain", "pods", POD).warnings)


@pytest.mark.proves(
    "rules.required_annotations.annotations.key",
    "rules.required_annotations.annotations.values",
    "rules.required_annotations.kinds=Namespace",
    "rules.required_annotations.kinds=Pod",
    "rules.required_labels.labels.key",
    "rules.required_labels.labels.values",
    "rules.required_labels.kinds=Namespace",
    "rules.required_labels.kinds=Pod",
)
@pytest.mark.parametrize("name", WRITTEN)
def test_what_must_be_written_is_asked_of_its_kinds_only(dev: Person, name: str) -> None:
    part, kind = WRITTEN[name]
    for level, holds in (("a", True), ("b", True), ("c", False), (None, False)):
        held = {part: {"level": level}} if level else {}
        labels = {"labels": {"checked": name, **held.get("labels", {})}}
        space = {"metadata": {**held, **labels, "name": "new"}}
        answers = {
            "Pod": make(dev, name, "pods", {**POD, "metadata": held}),
            "Namespace": dev.post("/api/v1/namespaces", space),
        }
        for asked, answer in answers.items():
            refusal = f"policy {name}: required {part} that are missing or wrong: level;"
            assert (refusal in answer.message) is (asked == kind and not holds), (level, asked, answer.message)
            assert answer.status == 201 or refusal in answer.message


@pytest.mark.proves("rules.forbidden_namespaces.namespaces")
def test_nothing_runs_in_a_namespace_that_is_closed(dev: Person) -> None:
    assert "policy closed: in a namespace that is not for use: closed;" in make(dev, "closed", "pods", POD).message
    assert make(dev, "closed", "configmaps", {}).status == make(dev, "default", "pods", POD).status == 201
