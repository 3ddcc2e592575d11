# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster that plain kubeadm has made, one minor version older than the hub, comes and goes five times."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection, from_kubeconfig

from tests.conftest import Bar
from tests.faults.promote_fleet import Promoted, attached
from tests.integration.harness.listing import Object, everything, settled

pytestmark = [pytest.mark.full, pytest.mark.timeout(3600)]
ATTACH, DETACH = "lodestar.platform.attach", "lodestar.platform.detach"
TENANT: Object = {
    "name": "payments",
    "clusters": {"names": ["legacy"]},
    "namespaces": ["payments", "theirs"],
    "members": [{"kind": "Group", "name": "payments-developers", "role": "developer"}],
    "quota": {"pods": "20", "limits.memory": "4Gi"},
    "limits": {"default": {"memory": "128Mi"}, "default_request": {"memory": "64Mi"}},
    "pod_security": "baseline",
}
POLICY = {
    "name": "team-label",
    "rule": "required_labels",
    "mode": "warn",
    "clusters": {"names": ["legacy"]},
    "parameters": {"labels": ["team"]},
}
#: What stood there before us: a namespace with labels that we declare otherwise, and a workload that runs in it.
THEIRS = """
apiVersion: v1
kind: Namespace
metadata: {name: theirs, labels: {pod-security.kubernetes.io/enforce: privileged, theirs: kept}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: theirs}
data: {a: b}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: theirs, namespace: theirs}
spec:
  replicas: 2
  selector: {matchLabels: {app: theirs}}
  template:
    metadata: {labels: {app: theirs}}
    spec: {containers: [{name: pause, image: "IMAGE"}]}
"""
IMAGE = "crictl images | awk '/pause/ {print $1\":\"$2; exit}'"


def legacy_api(fleet: Promoted) -> Connection:
    """The legacy cluster as its own administrator reaches it."""
    return from_kubeconfig(yaml.safe_load((fleet.state / "legacy.kubeconfig").read_text()))


def kept(found: t.Mapping[str, Object]) -> dict[str, Object]:
    """What a tenant's namespace, which was not there before, leaves: itself and what Kubernetes puts into each."""
    return {
        key: item
        for key, item in found.items()
        if key.endswith(("/namespaces//payments", "/payments/kube-root-ca.crt", "/payments/default"))
    }


def leave(fleet: Promoted, inventory: tuple[str, str], namespaces: str) -> None:
    """Lets the cluster go, as predicted."""
    given = ("-e", "detach_clusters=legacy", "-e", f"detach_namespaces={namespaces}", *inventory)
    planned = fleet.playbook(DETACH, *given, "--check").checked()
    run = fleet.playbook(DETACH, *given).checked()
    assert run.steps() == planned.steps() != []


def test_five_times_leaves_every_object_as_it_was(beside: Promoted, tmp_path: Path, bar: Bar) -> None:
    beside.site().checked()
    beside.operator()
    declared = {"tenants": [TENANT], "policies": [POLICY], "tenancy_adopt": ["Namespace"]}
    inventory = attached(tmp_path, **declared)
    theirs = THEIRS.replace("IMAGE", beside.on("l1", IMAGE).strip())
    beside.kubectl("legacy", "apply", "-f", "-", text=theirs)
    beside.kubectl("legacy", "rollout", "status", "deployment/theirs", "-n", "theirs", "--timeout=180s")
    api = legacy_api(beside)
    before = everything(api)
    for namespaces in ("delete", "keep", "delete", "keep", "delete"):
        beside.playbook(ATTACH, *inventory).checked()
        assert beside.playbook(ATTACH, *inventory).checked().changed == 0
        leave(beside, inventory, namespaces)
        left = kept(everything(api)) if namespaces == "keep" else {}
        assert len(left) == (3 if namespaces == "keep" else 0)
        assert settled(api, {**before, **left}, 60) == []
        if left:
            space = left["/api/v1/namespaces//payments"]["metadata"]
            assert space["labels"] == {"kubernetes.io/metadata.name": "payments"}
            assert not space.get("annotations")
            beside.kubectl("legacy", "delete", "namespace", "payments")
            assert settled(api, before, 60) == []
    assert beside.kubectl("hub", "get", "managedclusters", "legacy", "--ignore-not-found") == ""
    bar("plain kubeadm, one minor older: attached and detached five times, tenants deleted and kept", "as before")
