# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three clusters are upgraded together: the hub goes first, and one that is held up does not hold up its neighbour."""

from __future__ import annotations

import json
import tempfile
import typing as t
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import Run, eventually
from tests.e2e.nodes import kubelets
from tests.e2e.test_3_rules import PROBE
from tests.faults.solo_fleet import in_containers, overlay
from tests.faults.test_refused import refused
from tests.faults.test_upgrade import NEW, OLD, UPGRADE
from tests.faults.trio_fleet import Trio

pytestmark = [pytest.mark.full, pytest.mark.timeout(3600)]
HUB = "trio"
#: cluster -> its control plane, its worker, and the first two numbers of its ranges of pods and services.
CLUSTERS: dict[str, tuple[str, str | None, str, str]] = {
    HUB: ("t1", "t2", "10.244", "10.96"),
    "east": ("t3", "t4", "10.246", "10.98"),
    "west": ("t5", None, "10.248", "10.100"),
}
_ADMIN = "kubectl --kubeconfig /etc/kubernetes/admin.conf"
_PROTECTED = "/var/tmp/protected.json"
#: Long enough for CoreDNS, whose pods leave one after the other.
HASTE = ("-e", "upgrade_drain_timeout=60")
#: East first, and the others only after it.
CANARY = {"groupName": "canary", "groupClusterSelector": {"labelSelector": {"matchLabels": {"canary": "true"}}}}
ROLLOUT = {
    "type": "Progressive",
    "progressive": {"mandatoryDecisionGroups": [{"groupName": "canary"}], "minSuccessTime": "5s"},
    "groupStrategy": {"decisionGroups": [CANARY]},
}
WAVES = ("-e", json.dumps({"upgrade_rollout": ROLLOUT}))


def declared(directory: Path, **versions: str) -> tuple[str, str]:
    """The three clusters with these versions."""
    children: dict[str, t.Any] = {}
    files: dict[str, t.Any] = {}
    for name, (plane, worker, pods, services) in CLUSTERS.items():
        groups = {f"{name}_control_plane": plane, f"{name}_workers": worker}
        children[f"{name}_machines"] = {
            "children": {
                group: {"hosts": {machine: {"ansible_host": f"{{{{ testbed.machines.{machine}.address }}}}"}}}
                for group, machine in groups.items()
                if machine
            }
        }
        files[f"host_vars/{name}.yml"] = {
            "kubernetes_version": versions[name],
            "endpoint": {"address": f"{{{{ testbed.addresses.{name} }}}}", "provider": "kube_vip"},
            "cluster_network": {"pod_cidr": f"{pods}.0.0/16", "service_cidr": f"{services}.0.0/16"},
            "cluster_recovery_file": f"{{{{ testbed_state }}}}/recovery-{name}.json",
        }
    # An only worker keeps its pods otherwise, since they have nowhere to go.
    files["host_vars/east.yml"]["upgrade_drain"] = "always"
    files["host_vars/east.yml"]["cluster_labels"] = {"canary": "true"}
    clusters = {"hosts": dict.fromkeys(CLUSTERS)}
    files["hosts.yml"] = {"clusters": clusters, "in_containers": clusters, "machines": {"children": children}}
    files["group_vars/in_containers.yml"] = in_containers()
    return overlay(Path(tempfile.mkdtemp(dir=directory)), files)


def plane(cluster: str) -> str:
    return CLUSTERS[cluster][0]


def protect(fleet: Trio, cluster: str) -> None:
    """A pod on the cluster's worker that a budget lets nobody evict."""
    labels = {"app": "web"}
    container = {"name": "main", "image": PROBE, "imagePullPolicy": "Never", "args": ["serve", "8080"]}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1, "nodeName": CLUSTERS[cluster][1]}
    metadata = {"name": "web", "namespace": "default"}
    template = {"metadata": {"labels": labels}, "spec": spec}
    items = [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        },
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": metadata,
            "spec": {"minAvailable": 1, "selector": {"matchLabels": labels}},
        },
    ]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    fleet.on(plane(cluster), f"cat > {_PROTECTED} <<'END'\n{text}\nEND\n{_ADMIN} apply -f {_PROTECTED}")
    healthy = f"{_ADMIN} get pdb web -o 'jsonpath={{.status.currentHealthy}}'"
    eventually(lambda: fleet.on(plane(cluster), healthy).strip() == "1", 120, 1)


def allow(fleet: Trio, cluster: str) -> None:
    fleet.on(plane(cluster), f"{_ADMIN} delete -f {_PROTECTED}")


def schedulable(fleet: Trio, cluster: str) -> dict[str, str]:
    """Version of the kubelet by Node, of Nodes that take pods."""
    nodes = json.loads(fleet.on(plane(cluster), f"{_ADMIN} get nodes -o json"))["items"]
    return kubelets(node for node in nodes if not node["spec"].get("unschedulable"))


def of_one_version(cluster: str, version: str) -> dict[str, str]:
    return {machine: version for machine in CLUSTERS[cluster][:2] if machine}


def said(run: Run) -> str:
    return " ".join(run.output.split())


@pytest.fixture(scope="module")
def three(trio: Trio, tmp_path_factory: pytest.TempPathFactory) -> Trio:
    """The three clusters, of the older minor."""
    versions = json.dumps({"bundle_kubernetes_versions": [OLD, NEW]})
    trio.playbook("lodestar.platform.bundle", "-e", versions).checked()
    trio.start_over()
    for name in CLUSTERS:
        (trio.state / f"recovery-{name}.json").unlink(missing_ok=True)
    trio.site(*declared(tmp_path_factory.mktemp("three"), **dict.fromkeys(CLUSTERS, OLD))).checked()
    return trio


def test_no_cluster_gets_past_its_hub(three: Trio, tmp_path: Path, bar: Bar) -> None:
    alone = declared(tmp_path, trio=OLD, east=NEW, west=OLD)
    refused(three.playbook(UPGRADE, *alone), [f"is a newer minor than the hub {HUB} runs ({OLD})", f"Upgrade {HUB}"])
    together = declared(tmp_path, **dict.fromkeys(CLUSTERS, NEW))
    limited = three.playbook(UPGRADE, *together, "--limit", "east:east_machines")
    refused(limited, [f"is a newer minor than the hub {HUB} runs ({OLD})", "leave it in the limit of the run"])
    bar("an upgrade of a workload cluster past the hub, declared or by --limit", "refused before any change")


def test_the_hub_goes_first_and_neighbours_are_finished(three: Trio, tmp_path: Path, bar: Bar) -> None:
    wanted = declared(tmp_path, **dict.fromkeys(CLUSTERS, NEW))
    protect(three, HUB)
    run = three.playbook(UPGRADE, *wanted, *HASTE)
    assert run.code != 0
    assert f"east was left as it is: the hub {HUB} was not upgraded" in said(run), run.output[-6000:]
    assert schedulable(three, HUB) == {"t1": NEW, "t2": OLD}, run.output[-20000:]
    assert (schedulable(three, "east"), schedulable(three, "west")) == (
        of_one_version("east", OLD),
        of_one_version("west", OLD),
    )

    allow(three, HUB)
    protect(three, "east")
    run = three.playbook(UPGRADE, *wanted, *HASTE, *WAVES)
    assert run.code != 0
    assert "wave 1: east (mandatory group 0 (canary), at most 0 may fail)" in said(run)
    stopped = "t5 was left as it is: 1 cluster(s) of mandatory group 0 (canary) are not well"
    assert stopped in said(run), run.output[-6000:]
    assert "east: t4 not upgraded. Not begun: west" in said(run)
    assert schedulable(three, HUB) == of_one_version(HUB, NEW)
    assert schedulable(three, "east") == {"t3": NEW, "t4": OLD}
    assert schedulable(three, "west") == of_one_version("west", OLD)

    run = three.playbook(UPGRADE, *wanted, *HASTE)
    assert run.code != 0
    assert all(word in said(run) for word in ("stopped at its deadline of 60 s", "default/web")), run.output[-6000:]
    assert schedulable(three, HUB) == of_one_version(HUB, NEW)
    assert schedulable(three, "east") == {"t3": NEW, "t4": OLD}
    assert schedulable(three, "west") == of_one_version("west", NEW)

    allow(three, "east")
    three.playbook(UPGRADE, *wanted).checked()
    assert schedulable(three, "east") == of_one_version("east", NEW)
    for playbook in (UPGRADE, "lodestar.platform.site"):
        again = three.playbook(playbook, *wanted).checked()
        assert (again.changed, again.steps()) == (0, []), again.output[-6000:]
    bar("a drain of the hub is held up", "no other cluster is upgraded before it")
    bar("a drain of the canary is held up, with upgrade_rollout", "the next wave is not begun, and says why")
    bar("a drain of one cluster is held up by a budget", "told with its name, node uncordoned, the other is finished")
