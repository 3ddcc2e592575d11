# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Pod Security refuses, warns about and notes in each namespace, and what its labels are good for."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.policy import operate as policy
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.model import LEVELS

from ..harness.apiserver import ApiServer
from ..harness.people import Person, execute, steps, until
from .conftest import run

Object = dict[str, t.Any]
#: Each level once as each of enforce, warn and audit.
TRIPLES = (
    ("privileged", "baseline", "restricted"),
    ("baseline", "restricted", "privileged"),
    ("restricted", "privileged", "baseline"),
)
PLAIN: Object = {"containers": [{"name": "c", "image": "a"}]}
SAFE: Object = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
#: A pod that a level lets through and the next stricter one does not, by the strictest that does.
PODS: dict[str, Object] = {
    "privileged": {**PLAIN, "hostNetwork": True},
    "baseline": PLAIN,
    "restricted": {"containers": [{"name": "c", "image": "a", "securityContext": SAFE}]},
}


def keeps(pod: str, level: str) -> bool:
    """Whether a pod of :data:`PODS` keeps a level."""
    return LEVELS.index(pod) >= LEVELS.index(level)


def seen(own: ApiServer, namespace: str, spec: Object) -> tuple[str, str, str]:
    """Of a pod: the level by which it is refused, about which there is a warning, and which the audit log notes."""
    mark = own.audit.mark()
    answer = Person(own, "system:masters", user="psa").post(
        f"/api/v1/namespaces/{namespace}/pods", {"metadata": {"name": "p"}, "spec": spec}
    )
    with (own.folder / "audit.log").open() as log:
        log.seek(mark)
        events = [json.loads(line) for line in log]
    noted = [
        event.get("annotations", {}).get("pod-security.kubernetes.io/audit-violations", "")
        for event in events
        if event.get("impersonatedUser", {}).get("username") == "psa"
    ]
    assert len(noted) == 1
    return level_in(answer.message), level_in(" ".join(answer.warnings)), level_in(noted[0])


def level_in(text: str) -> str:
    """The Pod Security level that a message is about; empty when it is about none."""
    return next((level for level in LEVELS if f'PodSecurity "{level}:' in text), "")


@pytest.mark.proves(
    "tenants.pod_security.audit=baseline",
    "tenants.pod_security.audit=privileged",
    "tenants.pod_security.audit=restricted",
    "tenants.pod_security.enforce=baseline",
    "tenants.pod_security.enforce=privileged",
    "tenants.pod_security.enforce=restricted",
    "tenants.pod_security.warn=baseline",
    "tenants.pod_security.warn=privileged",
    "tenants.pod_security.warn=restricted",
    "tenants.namespaces.pod_security.audit=baseline",
    "tenants.namespaces.pod_security.audit=privileged",
    "tenants.namespaces.pod_security.audit=restricted",
    "tenants.namespaces.pod_security.enforce=baseline",
    "tenants.namespaces.pod_security.enforce=privileged",
    "tenants.namespaces.pod_security.enforce=restricted",
    "tenants.namespaces.pod_security.warn=baseline",
    "tenants.namespaces.pod_security.warn=privileged",
    "tenants.namespaces.pod_security.warn=restricted",
)
def test_each_level_is_enforced_warned_about_and_noted(own: ApiServer, prefix: str) -> None:
    """A tenant's levels, and those of a namespace in their place; about a pod that is refused there is no warning."""
    tenants, wanted = [], {}
    for place, levels in enumerate(TRIPLES):
        name, after = f"{prefix}-{place}", TRIPLES[(place + 1) % 3]
        inner = {"name": f"{name}-own", "pod_security": dict(zip(("enforce", "warn", "audit"), after, strict=True))}
        security = dict(zip(("enforce", "warn", "audit"), levels, strict=True))
        tenants.append({"name": name, "namespaces": [name, inner], "pod_security": security})
        wanted |= {name: levels, f"{name}-own": after}
    assert steps(run(own, *tenants, prune_namespaces=True))
    for namespace, (enforce, warn, audit) in wanted.items():
        for pod, spec in PODS.items():
            refused = "" if keeps(pod, enforce) else enforce
            warned = "" if keeps(pod, warn) or refused else warn
            noted = "" if keeps(pod, audit) else audit
            assert seen(own, namespace, spec) == (refused, warned, noted), (namespace, pod)


@pytest.mark.proves("tenants.labels", "tenants.namespaces.labels")
def test_labels_of_namespaces_are_what_policies_choose_by(own: ApiServer, prefix: str) -> None:
    spaces = [prefix, {"name": f"{prefix}-own", "labels": {"stage": f"{prefix}-trial", "kind": prefix}}]
    labelled = {"name": prefix, "namespaces": spaces, "labels": {"stage": f"{prefix}-live", "home": prefix}}
    assert steps(run(own, labelled, prune_namespaces=True))
    chosen = {
        "by-live": {"stage": f"{prefix}-live"},
        "by-trial": {"stage": f"{prefix}-trial"},
        "by-home": {"home": prefix},
        "by-kind": {"kind": prefix},
    }
    rules = [
        {
            "name": name,
            "rule": "cel",
            "mode": "deny",
            "scope": {"selector": {"matchLabels": labels}},
            "parameters": {
                "resources": [{"resources": ["configmaps"]}],
                "validations": [{"expression": f"object.metadata.name != '{name}'", "message": "no"}],
            },
        }
        for name, labels in chosen.items()
    ]
    assert steps(execute(policy.OPERATION, own.runner, policies=rules))
    dev = Person(own, "system:masters")

    def refused(namespace: str) -> set[str]:
        path = f"/api/v1/namespaces/{namespace}/configmaps"
        return {name for name in chosen if f"policy {name}: no" in dev.post(path, {"metadata": {"name": name}}).message}

    until(lambda: refused(prefix) == {"by-live", "by-home"})
    until(lambda: refused(f"{prefix}-own") == {"by-trial", "by-home", "by-kind"})
    assert refused("default") == set()
    assert steps(execute(policy.OPERATION, own.runner, policies=[], prune_all=True))
