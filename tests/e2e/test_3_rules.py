# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rules do to workloads: admission, isolation, secrets."""

from __future__ import annotations

import json
import typing as t
import uuid

import pytest

from tests.conftest import Bar
from tests.e2e.driver import Fleet, eventually

pytestmark = pytest.mark.timeout(900)
PROBE = "lodestar.platform/bundle/probe:1"


def namespace_of(fleet: Fleet, cluster: str, tenant: str) -> str:
    return fleet.get(cluster, "namespaces", "-l", f"lodestar.platform/tenant={tenant}")["items"][0]["metadata"]["name"]


def pod(name: str, namespace: str, **overrides: t.Any) -> dict[str, t.Any]:
    """A pod that keeps every rule of the quickstart."""
    container = {
        "name": "main",
        "image": PROBE,
        "imagePullPolicy": "Never",
        "args": ["serve", "8080"],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "100m", "memory": "32Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    spec = {
        "terminationGracePeriodSeconds": 0,
        "containers": [{**container, **overrides.pop("container", {})}],
        **overrides,
    }
    labels = {"app": name, "team": "e2e"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": spec,
    }


def create(fleet: Fleet, cluster: str, obj: dict[str, t.Any], check: bool = True, dry_run: bool = False) -> str:
    extra = ["--dry-run=server"] if dry_run else []
    return fleet.kubectl(cluster, "create", "-f", "-", *extra, text=json.dumps(obj), check=check)


@pytest.mark.parametrize("cluster", ["east", "legacy"])
def test_a_pod_that_keeps_the_rules_is_admitted(fleet: Fleet, cluster: str) -> None:
    assert "created" in create(fleet, cluster, pod("fine", namespace_of(fleet, cluster, "payments")), dry_run=True)


@pytest.mark.parametrize("cluster", ["east", "legacy"])
@pytest.mark.parametrize(
    "image", ["lodestar.platform.evil/x:1", "lodestar.platformx/x:1", "elsewhere.example/x:1", "busybox"]
)
@pytest.mark.parametrize("place", ["containers", "initContainers"])
def test_foreign_registries_are_refused(fleet: Fleet, cluster: str, image: str, place: str) -> None:
    namespace = namespace_of(fleet, cluster, "payments")
    obj = pod("bad", namespace)
    obj["spec"][place] = [{**obj["spec"]["containers"][0], "name": "bad", "image": image}]
    answer = create(fleet, cluster, obj, check=False, dry_run=True)
    assert "denied" in answer
    assert "registr" in answer


def test_updates_and_ephemeral_containers_are_refused(fleet: Fleet) -> None:
    namespace = namespace_of(fleet, "east", "payments")
    create(fleet, "east", pod("victim", namespace))
    try:
        patch = json.dumps({"spec": {"containers": [{"name": "main", "image": "elsewhere.example/x:1"}]}})
        answer = fleet.kubectl("east", "patch", "pod", "victim", "-n", namespace, "-p", patch, check=False)
        assert "registr" in answer
        assert "denied" in answer
        security = pod("victim", namespace)["spec"]["containers"][0]["securityContext"]
        debugger = {"name": "debug", "image": "elsewhere.example/x:1", "securityContext": security}
        patch = json.dumps({"spec": {"ephemeralContainers": [debugger]}})
        what = ("pod", "victim", "-n", namespace, "--subresource=ephemeralcontainers")
        answer = fleet.kubectl("east", "patch", *what, "-p", patch, check=False)
        assert "registr" in answer
        assert "denied" in answer
        fleet.kubectl("east", "label", "pod", "victim", "-n", namespace, "touched=yes")
    finally:
        fleet.kubectl("east", "delete", "pod", "victim", "-n", namespace)


def test_system_namespaces_are_not_affected(fleet: Fleet) -> None:
    obj = pod("system", "kube-system", container={"image": "elsewhere.example/x:1", "resources": {}})
    assert "created" in create(fleet, "east", obj, dry_run=True)


def client(name: str, namespace: str, *arguments: str) -> dict[str, t.Any]:
    """A pod on l1 that tries until it succeeds, with one address: rules know a new address only after a moment."""
    return pod(name, namespace, nodeName="l1", restartPolicy="OnFailure", container={"args": list(arguments)})


def status(fleet: Fleet, obj: dict[str, t.Any]) -> dict[str, t.Any]:
    metadata = obj["metadata"]
    return fleet.get("legacy", "pod", metadata["name"], "-n", metadata["namespace"])["status"]


def attempts(fleet: Fleet, obj: dict[str, t.Any]) -> int:
    """How often a client has tried and failed."""
    containers = status(fleet, obj).get("containerStatuses") or [{}]
    return int(containers[0].get("restartCount", 0))


@pytest.mark.proves("tenants.isolation=tenant")
def test_tenants_are_isolated_on_the_network(fleet: Fleet, bar: Bar) -> None:
    """A server of one tenant on l2, clients on l1: its own tenant reaches it, the other one never does; DNS works."""
    ours, theirs = namespace_of(fleet, "legacy", "payments"), namespace_of(fleet, "legacy", "analytics")
    server = pod("server", ours, nodeName="l2")
    made = [server]
    create(fleet, "legacy", server)
    try:
        address = eventually(lambda: status(fleet, server).get("podIP"), 90)
        friend = client("friend", ours, "dial", f"{address}:8080")
        stranger = client("stranger", theirs, "dial", f"{address}:8080")
        resolver = client("resolver", theirs, "resolve", "kubernetes.default.svc.cluster.local")
        for obj in (friend, stranger, resolver):
            create(fleet, "legacy", obj)
            made.append(obj)
        for obj in (friend, resolver):
            eventually(lambda obj=obj: status(fleet, obj)["phase"] == "Succeeded", 180, 2)
        eventually(lambda: attempts(fleet, stranger) >= 2, 180, 2)
        assert status(fleet, stranger)["phase"] != "Succeeded"
        bar("a pod of another tenant, on another node", "refused; DNS and its own tenant reached")
    finally:
        for obj in made:
            fleet.kubectl("legacy", "delete", "pod", obj["metadata"]["name"], "-n", obj["metadata"]["namespace"])


def test_secrets_are_encrypted_and_the_same_everywhere(fleet: Fleet, bar: Bar) -> None:
    canary = f"canary-{uuid.uuid4()}"
    addresses = {machine: fleet.address(machine) for machine in ("g1", "g2", "g3")}
    fleet.kubectl(
        "global", "create", "secret", "generic", "canary", "-n", "lodestar-system", f"--from-literal=value={canary}"
    )
    try:
        read = {
            machine: fleet.kubectl(
                "global",
                "--server",
                f"https://{address}:6443",
                "get",
                "secret",
                "canary",
                "-n",
                "lodestar-system",
                "-o",
                "jsonpath={.data.value}",
            )
            for machine, address in addresses.items()
        }
        assert len(set(read.values())) == 1
        for machine in addresses:
            found = fleet.on(machine, f"sync; grep -rlF {canary} /var/lib/etcd || true")
            assert found == "", f"plaintext in etcd's files on {machine}: {found}"
            assert fleet.on(machine, "grep -rlF lodestar-system /var/lib/etcd | head -n1"), (
                "the search itself finds nothing"
            )
        bar("a Secret read through each control plane; plaintext in etcd's files", "3 of 3 the same; none")
    finally:
        fleet.kubectl("global", "delete", "secret", "canary", "-n", "lodestar-system")
