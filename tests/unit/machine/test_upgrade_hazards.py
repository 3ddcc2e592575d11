# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read of an API server before an upgrade: deprecated APIs, their callers, and webhooks that fail closed."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.machine import upgrade_hazards, upgrade_probe

METRIC = (
    'apiserver_requested_deprecated_apis{group="%s",removed_release="%s",resource="%s",subresource="",version="%s"} 1'
)
METRICS = "\n".join(
    [
        "# TYPE apiserver_requested_deprecated_apis gauge",
        METRIC % ("batch", "1.37", "cronjobs", "v1beta1"),
        METRIC % ("", "", "componentstatuses", "v1"),
        'apiserver_request_total{code="200",resource="pods"} 12',
    ]
)


def test_deprecated_apis_that_end_are_read_from_the_metrics() -> None:
    assert upgrade_hazards.parse_metric(METRICS) == [{"resource": "batch/v1beta1/cronjobs", "removed_in": "1.37"}]
    assert upgrade_hazards.parse_metric("") == []


def event(user: str, agent: str, resource: str = "cronjobs") -> str:
    where = {"apiGroup": "batch", "apiVersion": "v1beta1", "resource": resource}
    return json.dumps({"user": {"username": user}, "userAgent": agent, "objectRef": where})


def test_callers_are_told_newest_first_and_once() -> None:
    lines = [event("ann", "kubectl"), event("bob", "helm"), event("ann", "kubectl"), "{torn", event("eve", "x", "jobs")]
    found = upgrade_hazards.parse_audit(lines)
    assert found == {"batch/v1beta1/cronjobs": ["ann (kubectl)", "bob (helm)"], "batch/v1beta1/jobs": ["eve (x)"]}


def webhook(**changes: t.Any) -> dict[str, t.Any]:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"], "scope": "*"}
    rule |= changes.pop("rule", {})
    return {"metadata": {"name": "guard"}, "webhooks": [{"name": "w", "rules": [rule], **changes}]}


LABELS = {"kubernetes.io/metadata.name": "kube-system"}
NOT_SYSTEM = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system"]}


@pytest.mark.parametrize(
    ("changes", "matches"),
    [
        ({}, ["pods"]),
        ({"failurePolicy": "Ignore"}, []),
        ({"namespaceSelector": {"matchExpressions": [NOT_SYSTEM]}}, []),
        ({"namespaceSelector": {"matchLabels": LABELS}}, ["pods"]),
        ({"rule": {"operations": ["DELETE"]}}, []),
        ({"rule": {"apiGroups": ["apps"]}}, []),
        ({"rule": {"resources": ["*/*"]}}, ["nodes", "pods"]),
        ({"rule": {"resources": ["*"], "scope": "Namespaced"}}, ["pods"]),
        ({"rule": {"resources": ["*"], "scope": "Cluster"}}, ["nodes"]),
        ({"rule": {"resources": ["nodes/status"]}, "namespaceSelector": {"matchExpressions": [NOT_SYSTEM]}}, ["nodes"]),
        ({"rule": {"resources": ["configmaps"]}}, []),
    ],
)
def test_webhooks_that_keep_nodes_from_coming_back(changes: dict[str, t.Any], matches: list[str]) -> None:
    found = upgrade_hazards.fail_closed(webhook(**changes), LABELS)
    assert [item["matches"] for item in found] == ([matches] if matches else [])


MANIFEST = """\
spec:
  containers:
  - command:
    - kube-apiserver
    image: lodestar.platform/bundle/kube-apiserver:v1.36.3
    imagePullPolicy: IfNotPresent
"""


def test_versions_are_read_from_what_kubeadm_wrote() -> None:
    assert upgrade_probe.manifest_version(MANIFEST) == "1.36.3"
    assert upgrade_probe.manifest_version("") is None
    assert upgrade_probe.declared_version("kind: ClusterConfiguration\nkubernetesVersion: v1.36.3\n") == "1.36.3"
    assert upgrade_probe.declared_version("kind: ClusterConfiguration\n") is None


def node(**changes: t.Any) -> dict[str, t.Any]:
    status = {"nodeInfo": {"kubeletVersion": "v1.36.3"}, "conditions": [{"type": "Ready", "status": "True"}]}
    return {"metadata": {"name": "e1", **changes.pop("metadata", {})}, "spec": changes, "status": status}


def test_what_a_node_says() -> None:
    plain = upgrade_probe.node_of(node())
    assert plain == {
        "name": "e1",
        "kubelet": "1.36.3",
        "ready": True,
        "cordoned": False,
        "cordoned_by_us": False,
        "dedicated": False,
    }
    marked = {"annotations": {upgrade_probe.CORDON_MARK: "now"}}
    cordon = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    ours = upgrade_probe.node_of(node(metadata=marked, unschedulable=True, taints=[cordon]))
    assert (ours["cordoned"], ours["cordoned_by_us"], ours["dedicated"]) == (True, True, False)
    taint = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
    assert upgrade_probe.node_of(node(taints=[taint]))["dedicated"]
